"""Values that the platform turns into something else."""

from datetime import timedelta

import pytest

from jcsync.model.history import ChangeRecord
from jcsync.model.plan import Action, AttributeChange, Change
from jcsync.model.report import FindingKind
from jcsync.model.resource import Kind, Value
from jcsync.stages.settle import find_suspects, leave_settled, unkept, written_ids
from tests.factories import NOON, a_change, a_group_change, an_account, an_attribute, mail


def patch(*attributes: AttributeChange, action: Action = Action.PATCH) -> Change:
    """A change of these attributes."""
    return a_change(action, attributes=attributes)


def a_record(*attributes: AttributeChange, minutes_ago: int = 1) -> ChangeRecord:
    """A change of Ann's that was applied before."""
    return ChangeRecord(
        run_id="run",
        connection="keepnet",
        n=1,
        at=NOON - timedelta(minutes=minutes_ago),
        action=Action.PATCH,
        kind=Kind.USER,
        name=mail("ann"),
        external_id="ann",
        resource_id="scim-ann",
        reason="differs from JumpCloud",
        attributes=attributes,
        add=(),
        remove=(),
        status="applied",
        error="",
        attempts=1,
    )


def known(
    has: Value, sent: Value = "CEO ", path: str = "title"
) -> dict[str, dict[str, AttributeChange]]:
    """What is known of Ann: the platform has something else than it was sent."""
    return {"ann": {path: an_attribute(path, has, sent)}}


# ---------------------------------------------------------------------- suspects


@pytest.mark.parametrize(
    ("past", "suspected"),
    [
        pytest.param([a_record(an_attribute(after="CEO"))], True, id="the-same-value-again"),
        pytest.param([a_record(an_attribute(after="CTO"))], False, id="another-value"),
        pytest.param([a_record(an_attribute("nickName", after="CEO"))], False, id="another-path"),
        pytest.param([], False, id="never-written"),
        pytest.param(
            [a_record(an_attribute(after="CTO")), a_record(an_attribute(after="CEO"))],
            False,
            id="only-the-newest-counts",
        ),
        pytest.param(
            [a_record(an_attribute("nickName")), a_record(an_attribute(after="CEO"))],
            True,
            id="another-attribute-in-between",
        ),
        pytest.param([a_record(an_attribute("title", "CEO", None))], False, id="removed-before"),
    ],
)
def test_value_that_was_written_before_is_suspect(
    past: list[ChangeRecord], suspected: bool
) -> None:
    """Because it did not stay."""
    found = find_suspects([patch(an_attribute(after="CEO"))], {"ann": past})

    assert found == ({"ann": {"title"}} if suspected else {})


def test_removal_that_was_made_before_is_suspect() -> None:
    """None is a value too."""
    change = patch(an_attribute("title", "CEO", None))

    assert find_suspects([change], {"ann": [a_record(an_attribute("title", "CEO", None))]}) == {
        "ann": {"title"}
    }


def test_what_agrees_is_not_suspect() -> None:
    """A rewrite sends what is there already: it has stayed."""
    assert (
        find_suspects([patch(an_attribute(before="CEO"))], {"ann": [a_record(an_attribute())]})
        == {}
    )


@pytest.mark.parametrize(
    "change",
    [
        a_change(Action.CREATE),
        a_change(Action.DEACTIVATE),
        a_change(Action.DELETE),
        a_group_change(external_id="ann", attributes=(an_attribute(),)),
    ],
)
def test_only_attributes_of_accounts_can_be_suspect(change: Change) -> None:
    """Nobody else's past is looked up."""
    past = {"ann": [a_record(*change.attributes)]}

    assert (find_suspects([change], past), written_ids([change])) == ({}, frozenset())


def test_past_is_looked_up_of_those_who_are_written() -> None:
    """By their JumpCloud id."""
    changes = [
        a_change(who="ann"),
        a_change(Action.REACTIVATE, "bob"),
        a_change(Action.CREATE, "c"),
    ]

    assert written_ids(changes) == {"ann", "bob"}


# ---------------------------------------------------------------------- reading back


def test_value_that_did_not_stick_is_noted() -> None:
    """With what the platform has in its place."""
    change = patch(an_attribute(after="CEO "), an_attribute("nickName", after="A"))
    account = an_account(attributes={"title": "CEO", "nickName": "A"})

    assert unkept(change, ["title", "nickName"], account) == (an_attribute("title", "CEO", "CEO "),)


def test_value_that_is_spelled_differently_did_stick() -> None:
    """Equal as SCIM compares."""
    change = patch(an_attribute("userName", after="Ann@X"))

    assert unkept(change, ["userName"], an_account(attributes={"userName": "ann@x"})) == ()


def test_attribute_that_is_not_read_is_not_judged() -> None:
    """Access and externalId are jcsync's own and never given up."""
    change = patch(an_attribute("active", before=False, after=True), action=Action.REACTIVATE)

    assert unkept(change, ["active"], an_account(active=False, attributes={})) == ()


# ---------------------------------------------------------------------- settled


def test_settled_difference_is_left_alone_and_reported() -> None:
    """The rest of the change is made."""
    change = patch(an_attribute("title", "CEO", "CEO "), an_attribute("nickName", None, "A"))

    ((left,), (finding,)) = leave_settled([change], known("CEO"))

    assert left.attributes == (an_attribute("nickName", None, "A"),)
    assert (finding.kind, finding.subject) == (FindingKind.UNSUPPORTED_ATTRIBUTE, mail("ann"))
    assert "set to 'CEO ' twice and the platform keeps 'CEO'" in finding.message


def test_change_of_settled_differences_only_is_not_made() -> None:
    """A run that has nothing to do writes nothing."""
    changes, findings = leave_settled([patch(an_attribute("title", None, "CEO "))], known(None))

    assert changes == ()
    assert "the platform drops it" in findings[0].message


@pytest.mark.parametrize(
    "due",
    [
        pytest.param(an_attribute("title", "CEO", "CTO"), id="the-directory-changed"),
        pytest.param(an_attribute("title", "CFO", "CEO "), id="the-platform-changed"),
        pytest.param(an_attribute("nickName", "CEO", "CEO "), id="another-attribute"),
    ],
)
def test_difference_is_due_again_when_either_side_changes(due: AttributeChange) -> None:
    """Only exactly this difference is given up."""
    assert leave_settled([patch(due)], known("CEO")) == ((patch(due),), ())


def test_others_are_not_affected() -> None:
    """What is known of one person says nothing of another, nor of his access."""
    attribute = an_attribute("title", "CEO", "CEO ")
    changes = (
        a_change(who="bob", attributes=(attribute,)),
        a_change(Action.DEACTIVATE),
        a_change(Action.CREATE, attributes=(attribute,)),
        a_group_change(external_id="ann", attributes=(attribute,)),
    )

    assert leave_settled(changes, known("CEO")) == (changes, ())


def test_reactivation_is_never_given_up() -> None:
    """Only the attributes beside it are."""
    access = an_attribute("active", before=False, after=True)
    change = patch(access, an_attribute("title", "CEO", "CEO "), action=Action.REACTIVATE)

    ((left,), _) = leave_settled([change], known("CEO"))

    assert (left.action, left.attributes) == (Action.REACTIVATE, (access,))


def test_second_pass_is_never_suspected() -> None:
    """The account that it refers to is new; and what another change wrote is not its business."""
    manager = AttributeChange(path="manager.value", before=None, after="bob", target="bob")
    second = patch(manager)

    assert find_suspects([second], {"ann": [a_record(manager)]}) == {}
    assert unkept(second, ["title"], an_account(title="CEO")) == ()
