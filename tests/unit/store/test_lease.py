"""The lease: two agents never write to one platform at once."""

import signal
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text, update

from jcsync.errors import LeaseHeldError, LeaseLostError, StoreError
from jcsync.store import SqlStore, open_store
from jcsync.store.lease import database_time
from jcsync.store.tables import LEASE
from tests.unit.store.builders import FixedClock, database_of, pause, start_program, wait_until

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
