"""The lease: two agents never write to one platform at once."""

import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select, text, update

from jcsync.errors import LeaseHeldError, LeaseLostError, StoreError, UsageError
from jcsync.model.history import HoldStatus
from jcsync.store import SqlStore, open_store
from jcsync.store.lease import database_time
from jcsync.store.tables import LEASE, METADATA
from tests.unit.store.builders import (
    NOON,
    FixedClock,
    a_change,
    a_link,
    a_plan,
    a_report,
    an_escrow,
    applied,
    database_of,
    failed,
    pause,
    record_outcome,
    start,
    start_program,
    url_of,
    wait_until,
)

SHORT_S = 0.8
SLEEPER = """
import sys
from jcsync.errors import LeaseLostError
from jcsync.store import open_store
from tests.unit.store.builders import database_of, FixedClock

with open_store(sys.argv[1], FixedClock(), lease_s=float(sys.argv[2])) as store:
    with store.lease("keepnet", "sleeper") as lease:
        lease.check()
        print(lease.epoch, flush=True)
        sys.stdin.readline()
        try:
            lease.check()
            print("still ours", flush=True)
        except LeaseLostError as error:
            print(error, flush=True)
"""


@pytest.fixture
def short(url: str) -> Iterator[SqlStore]:
    """A store whose leases last less than a second."""
    with open_store(url, FixedClock(), lease_s=SHORT_S) as opened:
        yield opened


def alter_lease(store: SqlStore, **values: object) -> None:
    with database_of(store).write() as tx:
        tx.execute(update(LEASE).values(values))


def is_free(store: SqlStore) -> bool:
    try:
        with store.lease("keepnet", "next"):
            return True
    except LeaseHeldError:
        return False


def is_lost(check: object) -> bool:
    try:
        check()
    except LeaseLostError:
        return True
    return False


def test_a_second_run_is_refused_and_told_why(store: SqlStore) -> None:
    """The message says who holds it and how long; a thread of the same name is refused too."""
    with (
        store.lease("keepnet", "host-1:42") as lease,
        pytest.raises(LeaseHeldError) as refused,
        store.lease("keepnet", "host-1:42"),
    ):
        pytest.fail("two holders")  # pragma: no cover
    assert lease.epoch == 1
    assert refused.value.owner == "host-1:42"
    message = str(refused.value)
    assert message.startswith('another run holds the lease of "keepnet": host-1:42, since 20')
    assert "Z, renewed 0 s ago, until 20" in message
    assert message.endswith("s until the lease is taken over")


def test_a_lease_is_free_after_its_block(store: SqlStore) -> None:
    """Also after a block that failed; every owner has the next epoch."""
    with pytest.raises(ZeroDivisionError), store.lease("keepnet", "ann"):
        _ = 1 / 0

    with store.lease("keepnet", "bob") as lease:
        assert lease.epoch == 2
        lease.check()
    with pytest.raises(LeaseLostError, match="it was released"):
        lease.check()


def test_connections_do_not_exclude_each_other(store: SqlStore) -> None:
    """Each platform has its own lease."""
    with store.lease("keepnet", "ann") as one, store.lease("other", "ann") as other:
        one.check()
        other.check()


def test_a_lease_outlives_its_duration(short: SqlStore) -> None:
    """It is renewed for as long as the block lasts."""
    with short.lease("keepnet", "ann") as lease:
        pause(1.6 * SHORT_S)
        lease.check()
        assert not is_free(short)


def test_a_lease_without_renewal_is_taken_over(short: SqlStore) -> None:
    """What a dead process held is free when its time is up, and not before."""
    with short.lease("keepnet", "dead"):
        pass
    with database_of(short).write() as tx:
        tx.execute(update(LEASE).values(expires_at=database_time(tx.dialect.name) + 0.5))

    assert not is_free(short)
    wait_until(lambda: is_free(short))

    with short.lease("keepnet", "ann") as lease:
        assert lease.epoch == 3


def test_another_epoch_is_noticed(short: SqlStore) -> None:
    """Whoever finds that another process took over stops, though its own time is not up."""
    with short.lease("keepnet", "ann") as lease:
        alter_lease(short, epoch=7)
        wait_until(lambda: is_lost(lease.check), seconds=SHORT_S * 0.8)
        with pytest.raises(LeaseLostError, match=r'"keepnet".*another process took it over'):
            lease.check()

    # What is not ours is not released.
    assert not is_free(short)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_store_that_fails_ends_the_lease(short: SqlStore) -> None:
    """A lease that cannot be renewed lasts until its deadline; then the cause is told."""
    with short.lease("keepnet", "ann") as lease:
        with database_of(short).write() as tx:
            tx.execute(text("ALTER TABLE lease RENAME TO elsewhere"))
        pause(SHORT_S / 2)
        lease.check()
        wait_until(lambda: is_lost(lease.check))
        with pytest.raises(LeaseLostError, match=r"not renewed for 0.8 s: the store \("):
            lease.check()

    with pytest.raises(StoreError), short.lease("keepnet", "ann"):
        pytest.fail("there is no table")  # pragma: no cover


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_failed_renewal_is_made_good_by_the_next(short: SqlStore) -> None:
    """A store that fails for a moment costs nothing."""
    with short.lease("keepnet", "ann") as lease:
        for name in ("lease RENAME TO elsewhere", "elsewhere RENAME TO lease"):
            with database_of(short).write() as tx:
                tx.execute(text(f"ALTER TABLE {name}"))
            pause(SHORT_S * 0.4)
        pause(SHORT_S)
        lease.check()


@pytest.mark.parametrize(
    ("url", "taken_over"),
    [("sqlite", True), ("sqlite", False), ("postgresql", True)],
    indirect=["url"],
)
def test_a_process_that_slept_notices(short: SqlStore, url: str, taken_over: bool) -> None:
    """Stopped beyond the expiry and continued, it must not write; whoever was faster."""
    with start_program(SLEEPER, url, str(SHORT_S)) as sleeper:
        assert sleeper.stdout is not None
        assert sleeper.stdout.readline() == "1\n"
        assert not is_free(short)
        sleeper.send_signal(signal.SIGSTOP)
        if taken_over:
            wait_until(lambda: is_free(short))
        else:
            pause(SHORT_S * 1.2)
        sleeper.send_signal(signal.SIGCONT)
        printed, _ = sleeper.communicate("go on\n", timeout=20)

    assert 'lost the lease of "keepnet"' in printed


def test_one_of_many_gets_it(store: SqlStore) -> None:
    """Eight threads at once: never two inside, and every owner has an epoch of its own."""
    inside = threading.Semaphore(1)
    epochs: list[int] = []
    overlaps: list[str] = []

    def contend(name: str) -> None:
        for _ in range(10):
            try:
                with store.lease("keepnet", name) as lease:
                    if not inside.acquire(blocking=False):
                        overlaps.append(name)
                        continue
                    epochs.append(lease.epoch)
                    inside.release()
            except LeaseHeldError:
                continue

    threads = [threading.Thread(target=contend, args=(f"t{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert overlaps == []
    assert epochs == sorted(set(epochs))
    with store.lease("keepnet", "last") as lease:
        assert lease.epoch == len(epochs) + 1


RUNNER = """
import sys
from jcsync.errors import LeaseLostError
from jcsync.store import open_store
from tests.unit.store.builders import (
    NOON, FixedClock, a_change, a_link, applied, record_outcome, start,
)

with open_store(sys.argv[1], FixedClock(), lease_s=float(sys.argv[2])) as store:
    with store.lease("keepnet", "first") as lease:
        start(store, "run-1", a_change("ann"), a_change("bob"))
        record_outcome(store, "run-1", "keepnet", a_change("ann"), applied(1), at=NOON,
                             link=a_link("ann"))
        print("ready", flush=True)
        sys.stdin.readline()
        for write in (
            lease.check,
            lambda: record_outcome(store, "run-1", "keepnet", a_change("bob"), applied(2),
                                         at=NOON, link=a_link("bob")),
            lambda: store.record_links("keepnet", [a_link("cid")]),
        ):
            try:
                write()
                print("written")
            except LeaseLostError as error:
                print("lost")
"""
HOLDER = """
import sys, threading
from jcsync.store import open_store
from tests.unit.store.builders import FixedClock

with open_store(sys.argv[1], FixedClock()) as store, store.lease("keepnet", "host:1"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_process_that_was_overtaken_writes_nothing(short: SqlStore, url: str) -> None:
    """Stopped, overtaken and continued: neither its check nor its store lets it go on."""
    with start_program(RUNNER, url, str(SHORT_S)) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "ready\n"
        first.send_signal(signal.SIGSTOP)
        wait_until(lambda: is_free(short))
        with short.lease("keepnet", "second"):
            start(short, "run-2", a_change("dan"))
            outcome = applied(1)
            record_outcome(
                short, "run-2", "keepnet", a_change("dan"), outcome, at=NOON, link=a_link("dan")
            )
            first.send_signal(signal.SIGCONT)
            printed, _ = first.communicate("go on\n", timeout=20)

    assert printed.splitlines() == ["lost"] * 3
    assert {link.name for link in short.links("keepnet")} == {"ann@example.com", "dan@example.com"}
    statuses = [change.status for change in short.changes(run_id="run-1")]
    assert statuses == ["intended", "applied"]


WRITES: dict[str, Callable[[SqlStore, int], object]] = {
    "record_start": lambda store, _: store.record_start(
        "run-2", "keepnet", mode="full", trigger="manual", started_at=NOON
    ),
    "record_plan": lambda store, _: store.record_plan("run-0", a_plan(a_change("bob")), at=NOON),
    "record_outcome": lambda store, _: record_outcome(
        store, "run-1", "keepnet", a_change(), applied(), at=NOON
    ),
    "record_end": lambda store, _: store.record_end(a_report("run-1")),
    "record_links": lambda store, _: store.record_links("keepnet", [a_link("bob")]),
    "record_organization": lambda store, _: store.record_organization("keepnet", "org-2"),
    "open_hold": lambda store, _: store.open_hold("keepnet", "run-1", "sha256:2", (), at=NOON),
    "approve": lambda store, hold: store.decide_hold(hold, HoldStatus.APPROVED, by="a", at=NOON),
    "applied": lambda store, hold: store.decide_hold(hold, HoldStatus.APPLIED, by="a", at=NOON),
    "supersede_holds": lambda store, _: store.supersede_holds("keepnet", by="run-1", at=NOON),
    "retry_escrow": lambda store, _: store.retry_escrow("keepnet", None, at=NOON),
    "forget_escrow": lambda store, _: store.forget_escrow("keepnet", None),
    "settle_escrow": lambda store, _: store.settle_escrow("keepnet", ()),
}


def contents(store: SqlStore) -> list[list[tuple[object, ...]]]:
    """Every row of every table but the leases."""
    with database_of(store).read() as tx:
        tables = [table for table in METADATA.sorted_tables if table is not LEASE]
        return [[tuple(row) for row in tx.execute(select(table))] for table in tables]


def prepare(store: SqlStore) -> int:
    """A store in which each of the writes would change something; return an open hold."""
    store.record_start("run-0", "keepnet", mode="full", trigger="manual", started_at=NOON)
    start(store, "run-1", a_change())
    start(store, "run-3", a_change())
    record_outcome(store, "run-3", "keepnet", a_change(), failed(), at=NOON, escrow=an_escrow())
    return store.open_hold("keepnet", "run-1", "sha256:1", (), at=NOON)


@pytest.mark.parametrize("write", WRITES)
def test_writes_of_a_run_are_bound_to_its_lease(store: SqlStore, write: str) -> None:
    """Overtaken, none is made, not even in part; with a good lease, or none, each is."""
    hold = prepare(store)
    before = contents(store)

    with store.lease("keepnet", "ann") as lease:
        alter_lease(store, epoch=7)
        with pytest.raises(LeaseLostError, match="another process took it over"):
            WRITES[write](store, hold)
        assert contents(store) == before
        with pytest.raises(LeaseLostError):
            lease.check()
        alter_lease(store, epoch=lease.epoch)
        WRITES[write](store, hold)
    assert contents(store) != before


def test_what_is_not_of_a_run_is_written_without_a_lease(store: SqlStore) -> None:
    """A person may reject and pause, and another connection is another lease."""
    hold = prepare(store)

    with store.lease("keepnet", "ann"):
        alter_lease(store, epoch=7)
        store.decide_hold(hold, HoldStatus.REJECTED, by="bob", at=NOON)
        store.pause("keepnet", paused=True)
        store.record_links("other", [a_link()])
        with pytest.raises(UsageError, match="no hold 9"):
            store.decide_hold(9, HoldStatus.APPROVED, by="bob", at=NOON)

    assert store.holds()[0].status is HoldStatus.REJECTED
    assert store.links("other") == (a_link(),)


def test_an_expired_lease_still_records_what_was_done(store: SqlStore) -> None:
    """As long as nobody else has taken it: an outcome is worth more than a date."""
    start(store, "run-1", a_change())
    with store.lease("keepnet", "ann"):
        alter_lease(store, expires_at=0.0)
        record_outcome(store, "run-1", "keepnet", a_change(), applied(), at=NOON)

    assert [change.status for change in store.changes()] == ["applied"]


def test_a_second_run_of_one_process_does_not_arm_the_first(store: SqlStore) -> None:
    """A run that lost its lease must not write by the lease of another thread of its process."""
    with store.lease("keepnet", "ann"):
        alter_lease(store, expires_at=0.0)
        with (
            pytest.raises(LeaseHeldError, match="another run of this process lost the lease"),
            store.lease("keepnet", "ann"),
        ):
            pytest.fail("two holders")  # pragma: no cover
        with pytest.raises(LeaseLostError):
            store.record_links("keepnet", [a_link()])

    with store.lease("keepnet", "ann") as lease:
        assert lease.epoch == 3


@pytest.mark.parametrize("reaped", [True, False], ids=["gone", "zombie"])
def test_the_lease_of_a_killed_process_is_taken_over_at_once(store: SqlStore, reaped: bool) -> None:
    """A minute remains, but this machine knows that nobody is there any more."""
    url = url_of(store)
    with start_program(HOLDER, url) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert not is_free(store)
        assert store.connection("keepnet").lease_owner == "host:1"
        holder.send_signal(signal.SIGSTOP)
        pause(0.1)
        assert not is_free(store)
        holder.kill()
        if reaped:
            holder.wait()
        wait_until(lambda: store.connection("keepnet").lease_owner == "")

        with store.lease("keepnet", "next") as lease:
            assert lease.epoch == 2
            assert store.connection("keepnet").lease_owner == "next"


def test_an_owner_of_another_machine_is_not_declared_dead(store: SqlStore) -> None:
    """Nor one of which nothing is known."""
    with store.lease("keepnet", "ann"):
        for process in ("", "another-boot pid:[1] time:[1] 999999 1"):
            alter_lease(store, process=process)
            assert not is_free(store)
            assert store.connection("keepnet").lease_owner == "ann"
