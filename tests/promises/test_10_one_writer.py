"""Promise 10: two agents never write to one platform at once."""

import signal
import sqlite3

import pytest

from jcsync.clock import SystemClock
from jcsync.errors import LeaseHeldError
from jcsync.sandbox import misfortunes
from jcsync.store import open_store
from tests.scenario.site import Site, wait_for

CROWD = 12


@pytest.fixture
def slow(site: Site) -> Site:
    """Twelve people to create, on a platform that takes its time."""
    site.join(*(f"p{n:02}" for n in range(CROWD)))
    site.world.platform.faults.add(misfortunes.delay(0.3), method="POST", count=None)
    return site


def test_two_runs_started_together(slow: Site) -> None:
    """One of them writes, the other ends with 5 before its first write, and nothing is doubled."""
    first = slow.start("reconcile", "--json")
    second = slow.start("reconcile", "--json")
    for process in (first, second):
        process.communicate(timeout=60)

    assert sorted((first.returncode, second.returncode)) in ([0, 0], [0, 5])
    assert len(slow.names) == len(set(slow.names)) == CROWD
    creates = [w for w in slow.writes if w.method == "POST"]
    assert len(creates) == CROWD


def test_lease_is_refused_to_a_second_owner(site: Site) -> None:
    """Whoever comes second is told who holds it."""
    url = f"sqlite:///{site.folder / 'jcsync.db'}"
    with (
        open_store(url, SystemClock()) as one,
        open_store(url, SystemClock()) as two,
        one.lease("demo", "one"),
        pytest.raises(LeaseHeldError) as held,
        two.lease("demo", "two"),
    ):
        pass
    assert held.value.owner == "one"


def test_sigstop_past_the_lease(slow: Site) -> None:
    """Continued after another run took its lease, a process writes no account any more."""
    process = slow.start("reconcile", "--json")
    wait_for(lambda: slow.names)

    def stopped_and_taken_over() -> bool:
        process.send_signal(signal.SIGSTOP)
        try:
            taken_over(slow)
        except sqlite3.OperationalError:  # stopped in the middle of a write to the store
            process.send_signal(signal.SIGCONT)
            return False
        return True

    wait_for(stopped_and_taken_over)
    wait_for(lambda: slow.world.platform.faults.traffic.in_flight == 0)
    slow.world.platform.faults.clear()
    assert slow("reconcile").status == 0
    slow.forget_traffic()

    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate(timeout=60)

    # Whoever was between his check and his call still makes it; it is looked up before a repeat.
    assert len(slow.names) == len(set(slow.names)) == CROWD
    assert process.returncode != 0, out
    assert '"outcome": "applied"' not in out


def taken_over(site: Site) -> None:
    """Let a lease end as if its time had passed: a minute is too long for a test."""
    database = sqlite3.connect(site.folder / "jcsync.db", timeout=0.2)
    try:
        with database:
            database.execute("UPDATE lease SET expires_at = 0")
    finally:
        database.close()
