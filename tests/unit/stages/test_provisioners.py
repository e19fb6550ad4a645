"""Which connectors of JumpCloud may write to the same platform."""

import pytest

from jcsync.model.events import ConnectorUse
from jcsync.model.report import FindingKind
from jcsync.model.rules import Scope
from jcsync.stages.provisioners import find_provisioners

KEEPNET = ("scim-api.keepnetlabs.com", "keepnet")


def a_use(*names: str, application_id: str = "app-1", events: int = 12) -> ConnectorUse:
    return ConnectorUse(
        application_id=application_id,
        names=names,
        events=events,
        last_type="user_update_provision",
        last_at="2026-01-31T09:59:00.000Z",
    )


@pytest.mark.parametrize(
    ("use", "application", "concerned"),
    [
        (a_use("Keepnet", "custom-saml"), "", True),
        (a_use("Keepnet SCIM (test)"), "", True),
        (a_use("Slack"), "", False),
        (a_use("GitHub Enterprise", "github"), "", False),
        (a_use("Custom SAML App", "custom-saml"), "", True),
        (a_use(application_id=""), "", True),
        (a_use("Slack"), "slack", True),
        (a_use("Slack"), "app-1", True),
        (a_use("Slack"), "other", False),
    ],
)
def test_names_decide_whether_a_connector_concerns_the_platform(
    use: ConnectorUse, application: str, *, concerned: bool
) -> None:
    """An application of the scope does, one with a name of its own does not, an unnamed one may."""
    findings = find_provisioners([use], Scope(application=application), KEEPNET)

    assert [f.kind for f in findings] == [FindingKind.OTHER_PROVISIONER] * concerned


def test_the_finding_says_what_to_do() -> None:
    """Who, how often, when last, why it matters, and where to end it."""
    (finding,) = find_provisioners([a_use("Keepnet")], Scope(), KEEPNET)
    (once,) = find_provisioners([a_use(application_id="", events=1)], Scope(), KEEPNET)

    assert finding.subject == "Keepnet"
    assert finding.message == (
        'JumpCloud\'s own connector of the application "Keepnet" acted 12 times in the last day, '
        "last by user_update_provision at 2026-01-31T09:59:00.000Z; two provisioners on one "
        "platform undo each other's work: deactivate the connector under Identity Management of "
        "the application in JumpCloud (docs/migration.md)"
    )
    assert once.subject == "JumpCloud's connector"
    assert once.message.startswith("JumpCloud's own connector acted once in the last day")
