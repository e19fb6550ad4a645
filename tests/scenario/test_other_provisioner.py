"""JumpCloud's own connector writes to the same platform: jcsync says so."""

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Json, Site

KEEPNET = {"provider": {"profile": "keepnet"}}


@pytest.fixture
def moving(site: Site) -> Site:
    """A licence for the event log, and an application whose connector was used just now."""
    state = site.world.jumpcloud.state
    state.events.enabled = True
    site.join("ann")
    state.create_application("Keepnet")
    state.bind("Keepnet", groups=[GROUP])
    state.connector_acts("Keepnet", "user_update_provision", "ann@example.com")
    site.configure(**KEEPNET)
    return site


def findings(run: Json) -> list[tuple[str, str]]:
    """Kind and subject of each."""
    return [(f["kind"], f["subject"]) for f in run["findings"]]


def step(site: Site) -> Json:
    """The line of ``check``."""
    (checked,) = site.json("check")["checks"]
    (found,) = [s for s in checked["steps"] if s["step"] == "no other provisioner"]
    assert isinstance(found, dict)
    return found


def test_run_and_check_warn_until_the_connector_is_deactivated(moving: Site) -> None:
    """By one question to the event log each, beside the one where fast runs go on from."""
    run = moving("reconcile", "--json").run
    asked = [r.body for r in moving.world.jumpcloud.faults.traffic.log if "/insights" in r.path]
    warned = step(moving)
    moving.world.jumpcloud.state.connector_acts("Keepnet", "integration_deactivate")

    assert findings(run) == [("other_provisioner", "Keepnet")]
    assert run["outcome"] == "applied"
    assert [b"user_update_provision" in body for body in asked] == [False, True]
    assert warned["status"] == "warning"
    assert "deactivate the connector" in warned["message"]
    assert findings(moving("reconcile", "--json").run) == []
    assert step(moving)["status"] == "passed"


def test_other_applications_and_runs_about_one_person_are_no_matter(moving: Site) -> None:
    """Their connectors write elsewhere."""
    state = moving.world.jumpcloud.state
    moving.configure(directory={"insights": "off"}, **KEEPNET)
    assert findings(moving("plan", "--json").run) == []
    state.connector_acts("Keepnet", "integration_deactivate")
    state.create_application("Salesforce")
    state.connector_acts("Salesforce", "user_create_provision", "ann@example.com")
    moving.configure(**KEEPNET)

    assert findings(moving("plan", "--json").run) == []


@pytest.mark.parametrize(
    ("insights", "kinds", "status"),
    [("on", ["feed_unavailable"], "warning"), ("auto", [], "skipped"), ("off", [], "skipped")],
)
def test_without_a_licence(site: Site, insights: str, kinds: list[str], status: str) -> None:
    """Only who asked for the event log is told that it is not there; the run goes on."""
    site.join("ann")
    site.configure(directory={"insights": insights})
    run = site("reconcile", "--json").run

    assert [kind for kind, _ in findings(run)] == kinds
    assert run["outcome"] == "applied"
    assert step(site)["status"] == status


def test_an_event_log_that_fails_stops_nothing(moving: Site) -> None:
    """It is a hint."""
    moving.world.jumpcloud.faults.add(misfortunes.fail(500), path="/insights", count=None)

    assert moving("reconcile", "--json").run["outcome"] == "applied"
