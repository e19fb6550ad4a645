"""Fast runs and what waits: nobody reads "in step" while somebody in scope has not what he should."""

from pathlib import Path

import pytest

from jcsync.clock import SystemClock
from jcsync.model.baseline import UNSETTLED
from jcsync.sandbox import misfortunes
from jcsync.sandbox.traffic import Recorded
from jcsync.settings import load_settings
from jcsync.store import open_store
from tests.scenario.site import GROUP, Json, Result, Site, wait_for


@pytest.fixture
def fast(site: Site) -> Site:
    """Two people, provisioned by a full run, and a licence for the event log."""
    site.world.jumpcloud.state.events.enabled = True
    site.join("ann", "bob")
    assert site("reconcile").status == 0
    site.forget_traffic()
    return site


def idle(site: Site) -> Result:
    """A fast run."""
    site.forget_traffic()
    return site("reconcile", "--fast", "--json")


def found(result: Result) -> list[tuple[str, str]]:
    """Kind and mailbox of each finding."""
    return [(f["kind"], f["subject"].partition("@")[0]) for f in result.run["findings"]]


def questions(site: Site) -> list[Recorded]:
    """What the event log was asked."""
    return [r for r in site.world.jumpcloud.faults.traffic.log if r.path.endswith("/events")]


def changes(run: Json) -> list[tuple[str, str]]:
    """Action and mailbox of each change."""
    return [(c["action"], c["name"].partition("@")[0]) for c in run["plan"]["changes"]]


def in_conflict(site: Site, mailbox: str) -> str:
    """Let somebody join whose name a foreign account has; return the id of that account."""
    held = site.world.platform.state.add_by_hand(
        userName=f"{mailbox}@example.com", externalId="of-somebody-else", active=True
    )
    site.join(mailbox)
    return held


def test_a_conflict_is_told_by_every_run(fast: Site) -> None:
    """By fast ones in which nothing has changed as well, with their outcome and exit status."""
    in_conflict(fast, "fay")
    assert fast("reconcile").status == 3
    for _ in range(3):
        result = idle(fast)

        assert (result.run["mode"], result.status) == ("fast", 3)
        assert (result.run["outcome"], found(result)) == ("partial", [("conflict", "fay")])
    shown = fast("reconcile", "--fast").out
    assert "Not in step: 1 finding above." in shown
    assert "In step" not in shown.replace("Not in step", "")


def test_a_conflict_that_the_platform_ends_is_seen_at_the_next_run(fast: Site) -> None:
    """Nothing happens in JumpCloud, and no event tells of it."""
    held = in_conflict(fast, "fay")
    assert fast("reconcile", "--fast").status == 3
    fast.world.platform.state.delete_by_hand(held)

    result = idle(fast)

    assert (result.run["mode"], changes(result.run)) == ("fast", [("create", "fay")])
    assert idle(fast).run["outcome"] == "in_sync"
    assert len(fast.world.jumpcloud.faults.traffic.log) == 1


@pytest.mark.parametrize("insights", ["auto", "off"])
def test_a_broken_record_is_told_until_it_is_mended(fast: Site, insights: str) -> None:
    """At the cost of no request, and under no old name afterwards."""
    fast.configure(directory={"insights": insights})
    fast("reconcile")
    state = fast.world.jumpcloud.state
    fay = state.hire("fay@example.com", groups=[GROUP]).id
    state.change(fay, email="")
    assert fast("reconcile", "--fast").status == 3
    for _ in range(2):
        result = idle(fast)
        assert (result.run["outcome"], len(result.run["findings"])) == ("partial", 1)
        assert not fast.world.platform.faults.traffic.total
    state.change(fay, email="fay@example.com")

    mended = idle(fast)

    assert (mended.status, changes(mended.run)) == (0, [("create", "fay")])
    assert mended.run["findings"] == []
    assert idle(fast).run["outcome"] == "in_sync"


def test_many_conflicts_are_told_and_a_few_looked_at(fast: Site) -> None:
    """However many there are, a fast run stays one."""
    names = [f"new{n:02}" for n in range(40)]
    for name in names:
        in_conflict(fast, name)
    assert fast("reconcile").status == 3

    result = idle(fast)

    assert (result.run["mode"], result.status) == ("fast", 3)
    assert sorted(found(result)) == [("conflict", name) for name in names]
    assert len(fast.world.jumpcloud.faults.traffic.log) <= 40


def test_what_waits_in_escrow_is_told_by_the_daemon(fast: Site) -> None:
    """Its fast runs leave him alone until his turn, and say so."""
    fast.world.platform.faults.add(misfortunes.fail(400), method="POST", count=None)
    fast.join("fay")
    assert fast("reconcile", "--fast").status == 3
    ended = len(fast.json("runs")["runs"])
    with fast.short_intervals():
        wait_for(lambda: len([r for r in runs(fast) if r["outcome"]]) > ended + 2)

    latest = runs(fast)[0]
    assert (latest["mode"], latest["outcome"]) == ("fast", "partial")


def runs(site: Site) -> list[Json]:
    """The history, newest first."""
    found: list[Json] = site.json("runs")["runs"]
    return found


def test_who_is_unsettled_is_looked_at_without_an_event(fast: Site) -> None:
    """As after a run that was killed in mid-write."""
    state = fast.world.jumpcloud.state
    fast.world.platform.state.edit(
        fast.world.platform.account("bob@example.com")["id"], active=False
    )
    url = load_settings(fast.config, {}, Path(fast.folder)).settings.store.url.get_secret_value()
    with open_store(url, SystemClock()) as store:
        store.record_decided("demo", {state.user("bob@example.com").id: UNSETTLED})

    result = idle(fast)

    assert (result.run["mode"], changes(result.run)) == ("fast", [("reactivate", "bob")])
    assert idle(fast).run["outcome"] == "in_sync"
    assert len(fast.world.jumpcloud.faults.traffic.log) == 1


def test_a_fast_run_that_becomes_a_full_one_asks_the_log_once(fast: Site) -> None:
    """Of what has changed; who else provisions is another question."""
    state = fast.world.jumpcloud.state
    state.events.record(
        "group_update", resource={"id": state.group(GROUP).id, "type": "user_group"}
    )
    result = idle(fast)

    assert result.run["mode"] == "full"
    asked = [r for r in questions(fast) if b"_provision" not in r.body]
    assert len(asked) == 1, [r.body for r in asked]
    assert idle(fast).run["mode"] == "fast"
