"""What a platform does not let be changed is a finding and no change."""

from dataclasses import replace

from jcsync.model.plan import Action, AttributeChange
from jcsync.model.report import FindingKind
from jcsync.stages.fixed import leave_immutable, unsent_findings
from tests.factories import a_change

NAME = AttributeChange(path="userName", before="a", after="b")
TITLE = AttributeChange(path="title", before=None, after="CEO")


def test_immutable_attributes_of_accounts_are_left() -> None:
    """The other attributes go on, a new account has them all."""
    both = replace(a_change(), attributes=(NAME, TITLE))
    only = replace(a_change(), attributes=(NAME,))
    new = replace(a_change(Action.CREATE), attributes=(NAME,))
    changes, findings = leave_immutable([both, only, new], ["USERNAME"])
    assert changes == (replace(both, attributes=(TITLE,)), new)
    assert [f.kind for f in findings] == [FindingKind.UNSUPPORTED_ATTRIBUTE] * 2
    assert "'a' and should be 'b'" in findings[0].message
    assert leave_immutable([both], ()) == ((both,), ())


def test_attributes_that_are_not_sent_are_told() -> None:
    """Once each."""
    (finding,) = unsent_findings(["title"])
    assert finding.subject == "title"
    assert "not sent" in finding.message
