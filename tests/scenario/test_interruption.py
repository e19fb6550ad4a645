"""Whatever ends a run before its time, the next one ends in the same state."""

import signal

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Site

CROWD = 60


@pytest.fixture
def slow(site: Site) -> Site:
    """Sixty people to create and a group to fill, on a platform that takes its time."""
    site.join(*(f"p{n:02}" for n in range(CROWD)))
    site.configure(groups={"enabled": True})
    site.world.platform.faults.add(misfortunes.delay(0.2), method="POST", count=None)
    return site


def is_whole(site: Site) -> bool:
    """Tell whether everybody has exactly one account and is a member once."""
    (group,) = site.world.platform.groups()
    members = [m["value"] for m in group.get("members", [])]
    return len(site.names) == len(set(site.names)) == len(members) == len(set(members)) == CROWD


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_reconcile(slow: Site, number: int) -> None:
    """Ctrl-C finishes the calls under way, tells what was done and what not, and ends."""
    result = slow.process("reconcile", "--json", send=number, when=lambda: len(slow.names) > 8)

    run = result.run
    assert run["outcome"] == "partial"
    assert result.status == 3
    done = [o for o in run["outcomes"] if o["status"] == "applied"]
    rest = [o for o in run["outcomes"] if o["status"] == "not_attempted"]
    assert len(done) == len(slow.names)
    assert len(done) + len(rest) == len(run["plan"]["changes"])
    assert "stopped" in run["error"]
    assert "Traceback" not in result.err

    slow.world.platform.faults.clear()
    assert slow("reconcile").status == 0
    assert is_whole(slow)
    assert slow("reconcile", "--json").run["outcome"] == "in_sync"


def test_interrupted_reconcile_in_words(slow: Site) -> None:
    """The last lines say how much was done, and that the next run takes up the rest."""
    result = slow.process("reconcile", send=signal.SIGINT, when=lambda: len(slow.names) > 8)

    assert result.status == 3
    assert "next run" in result.out
    assert "stopped by a signal" in result.out


@pytest.mark.parametrize("after", [1, 20])
def test_killed_reconcile(slow: Site, after: int) -> None:
    """A process killed at any moment leaves no duplicate behind, and the lease is not in the way."""
    slow.process("reconcile", send=signal.SIGKILL, when=lambda: len(slow.names) >= after)
    assert len(slow.names) < CROWD
    assert slow("status").status == 0
    assert slow.json("runs")["runs"][0]["outcome"] is None

    slow.world.platform.faults.clear()
    result = slow("reconcile")
    if result.status == 5:
        assert "lease" in result.text
        pytest.fail("the lease of a dead process on this computer keeps the next run out")
    assert result.status == 0, result.text
    assert is_whole(slow)


def test_killed_between_call_and_answer(site: Site) -> None:
    """An account whose creation was never recorded is found by its externalId."""
    site.join("ann", "bob")
    site.world.platform.faults.add(misfortunes.fail_after(500), method="POST", count=None)
    site.world.platform.faults.add(misfortunes.delay(0), method="GET", count=None)
    site.process("reconcile", send=signal.SIGKILL, when=lambda: site.names == ["ann", "bob"])

    site.world.platform.faults.clear()
    for file in site.folder.glob("jcsync.db*"):
        file.unlink()
    assert site("reconcile").status == 0
    assert site.names == ["ann", "bob"]


def test_platform_that_dies_in_the_middle(slow: Site) -> None:
    """A platform that stops answering ends the run with 3; the next one does the rest."""
    slow.world.platform.faults.clear()
    slow.world.platform.faults.add(misfortunes.fail(401, "gone"), method="POST", nth=20, count=None)

    result = slow("reconcile", "--json")

    assert result.status == 3
    assert result.run["outcome"] == "partial"
    statuses = {o["status"] for o in result.run["outcomes"]}
    assert statuses == {"applied", "failed", "not_attempted"}
    slow.world.platform.faults.clear()
    assert slow("reconcile").status == 0
    assert is_whole(slow)


def test_answers_lost_at_random(site: Site) -> None:
    """One answer of ten is lost, of every kind: all is done in the end, and nothing twice."""
    site.join(*(f"p{n:02}" for n in range(CROWD)))
    site.configure(groups={"enabled": True})
    faults = [misfortunes.lose_answer(), misfortunes.fail_after(503), misfortunes.close()]
    site.world.platform.faults.add_random(faults, rate=0.1, seed=7)

    results = [site("reconcile").status for _ in range(3)]

    site.world.platform.faults.clear()
    assert site("reconcile").status == 0, results
    assert is_whole(site)


def test_world_that_changes_while_it_is_read(site: Site) -> None:
    """People who come and go during the reads are in step after the next quiet run."""
    site.join(*(f"p{n:03}" for n in range(120)))
    site("reconcile")
    state = site.world.jumpcloud.state

    def disturb(exchange):  # noqa: ANN001, ANN202
        if state.users and len(state.group(GROUP).members) > 100:
            state.remove_member(GROUP, next(iter(state.group(GROUP).members)))
        return exchange.pass_on()

    site.world.jumpcloud.faults.add(disturb, path="/membership", count=3)
    result = site("reconcile")
    assert result.status in (0, 6)

    assert site("reconcile").status == 0
    assert len(site.active) == len(state.group(GROUP).members)
