"""``jcsync status``: how each connection stands, once or for as long as somebody looks."""

import re
from pathlib import Path

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Site, account_by_hand, edit_by_hand, wait_for
from tests.scenario.terminal import Terminal

ROOT = Path(__file__).parents[2]


def test_watch_shows_what_happens_until_q(team: Site) -> None:
    """The state of now, again after two seconds, and q ends it without Enter."""
    with Terminal(team.folder, "status", "--watch", "--config", str(team.config)) as terminal:
        terminal.expect("5 accounts")
        team.join("fay")
        assert team("reconcile").status == 0
        terminal.expect("6 accounts")
        terminal.press("q")

        assert terminal.end() == 0


def test_watch_ends_with_ctrl_c(team: Site) -> None:
    """Ctrl-C is the usual way to end it, and no failure."""
    with Terminal(team.folder, "status", "--watch", "--config", str(team.config)) as terminal:
        terminal.expect("5 accounts")
        terminal.interrupt()

        assert terminal.end() == 0
    assert "Traceback" not in terminal.seen
    assert "Aborted" not in terminal.seen


def test_watch_says_what_does_not_fit(team: Site) -> None:
    """Of more connections than the terminal has lines for, it shows the first and says so."""
    usual = team.world.config()["connections"]["demo"]
    team.configure(connections={f"c{number:02}": usual for number in range(40)})

    with Terminal(team.folder, "status", "--watch", "--config", str(team.config)) as terminal:
        terminal.expect("do not fit: name connections")
        terminal.press("q")

        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [((), "standard output is none"), (("--json",), "leave one of them out")],
)
def test_watch_needs_a_person(team: Site, args: tuple[str, ...], says: str) -> None:
    """In a pipe and with --json it would never end: it is refused."""
    result = team("status", "--watch", *args)

    assert result.status == 2
    assert says in result.text


def test_document_has_the_fields_of_the_page(team: Site) -> None:
    """Whoever parses it finds what docs/reports.md promises."""
    page = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    section = page.partition("## Status")[2].partition("\n## ")[0]
    (connection,) = team.json("status")["connections"]

    assert set(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)) == set(connection)
    assert connection["lag_s"] == 0
    assert connection["lease_owner"] is None


def test_lag_is_the_age_of_what_waits(team: Site) -> None:
    """A held plan waits for a person, and the status says for how long."""
    team.world.jumpcloud.state.remove_member(GROUP, "ann", "bob", "cid")
    assert team("reconcile").status == 4

    wait_for(lambda: team.json("status")["connections"][0]["lag_s"] > 0)
    assert "behind" in team("status").out


def test_who_writes_now_is_named(team: Site) -> None:
    """The owner of the lease: host and process."""
    team.join("fay")
    team.world.platform.faults.add(misfortunes.delay(3), method="POST", count=1)
    running = team.start("reconcile")
    try:
        wait_for(lambda: team.json("status")["connections"][0]["lease_owner"])
        owner = team.json("status")["connections"][0]["lease_owner"]
        assert owner.endswith(f":{running.pid}")
        assert owner in team("status").out
    finally:
        running.communicate(timeout=30)


def test_drift_is_what_the_last_look_saw(team: Site) -> None:
    """The status says what ``jcsync drift`` found and when, and asks nobody again."""
    before = team.json("status")["connections"][0]["drift"]
    edit_by_hand(team, "bob", displayName="Bobby")
    unseen = team.json("status")["connections"][0]["drift"]
    assert team("drift").status == 10
    team.forget_traffic()

    (connection,) = team.json("status")["connections"]
    text = team("status").out

    assert (before, unseen, connection["drift"]) == (0, 0, 1)
    assert connection["drift_seen_at"] is not None
    assert "1 resource, 0 s ago: 1 edited; look: jcsync drift demo" in text
    assert not team.world.platform.faults.traffic.log
    assert not team.world.jumpcloud.faults.traffic.log


def test_full_run_tells_the_drift_that_it_leaves(team: Site) -> None:
    """An edit is set right and an account of somebody else is left alone: that one is counted."""
    edit_by_hand(team, "bob", displayName="Bobby")
    account_by_hand(team, "root")

    assert team("reconcile").status == 0

    assert team.json("status")["connections"][0]["drift"] == 1
    assert "1 resource, 0 s ago: 1 unmanaged; look: jcsync drift demo" in team("status").out


def test_drift_that_a_run_could_not_remove_is_counted(team: Site) -> None:
    """Access that somebody gave back, and that the platform does not take again, is still drift."""
    team.world.jumpcloud.state.suspend("ann")
    assert team("reconcile").status == 0
    edit_by_hand(team, "ann", active=True)
    for method in ("PATCH", "PUT"):
        team.world.platform.faults.add(misfortunes.fail(400), method=method, count=None)

    assert team("reconcile").status == 3

    assert "1 resource, 0 s ago: 1 orphan;" in team("status").out


def test_drift_that_policies_keep_is_not_forgotten_by_runs(team: Site) -> None:
    """A run that would not see an orphan, because it is to be kept, does not say that there is none."""
    team.configure(policy={"on_leave": "keep"})
    team.world.jumpcloud.state.remove_member(GROUP, "ann")
    assert team("drift").status == 10

    assert team("reconcile").status == 0

    assert team.json("status")["connections"][0]["drift"] == 1


def test_drift_is_unknown_while_nobody_could_look(team: Site) -> None:
    """What was read in part says nothing about how many there are."""
    team.configure(store={"url": f"sqlite:///{team.folder / 'new.db'}"})
    team.world.platform.faults.add(
        misfortunes.page(200, "<html></html>"), method="GET", path="/Users", count=None
    )
    assert team("drift").status == 6
    assert team("reconcile").status == 6

    (connection,) = team.json("status")["connections"]

    assert connection["drift"] is None
    assert connection["drift_seen_at"] is None
    assert "not looked for yet; look: jcsync drift demo" in team("status").out
