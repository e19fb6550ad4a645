"""Who may write to a platform: a lease per connection, with owner, epoch and expiry.

The expiry is told by the clock of the database, so that two machines agree on it. Whether a
lease is still ours is told without a question to the database, by this machine's own steady
clock: it counts from *before* the last renewal was sent and stops a tenth of the duration
early, so it never says yes longer than the database does. What a run writes into the store is
bound to the epoch, in the same transaction (``prove``). An owner that died on this machine is
known by its process (``process.py``), and its lease is taken over before it expires.

What a lease cannot do: a process that was stopped between ``check`` and the call that follows
still makes this one call.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    Connection,
    Double,
    RowMapping,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql import ColumnElement

from jcsync.errors import LeaseHeldError, LeaseLostError, StoreError
from jcsync.store.database import Database, insert_into
from jcsync.store.process import identify_process, is_dead
from jcsync.store.tables import LEASE

_MARGIN: Final = 0.1
_JOIN_S: Final = 10.0
_TAKEN_OVER: Final = "another process took it over"
# On PostgreSQL nobody can take it over before the transaction ends; on SQLite nobody writes.
_EPOCH: Final = (
    select(LEASE.c.epoch)
    .where(LEASE.c.connection == bindparam("p_connection"))
    .with_for_update(read=True)
)


def database_time(dialect: str) -> ColumnElement[float]:
    """Seconds since 1970 by the clock of the database, as an expression of SQL.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
    """
    if dialect == "sqlite":
        return literal_column("(julianday('now') - 2440587.5) * 86400.0", Double)
    return cast(func.extract("epoch", func.clock_timestamp()), Double)


@contextmanager
def hold_lease(
    database: Database, connection: str, owner: str, *, duration_s: float
) -> Iterator["HeldLease"]:
    """Hold the lease of a connection for the length of the block, renewing it in a thread.

    A lease that expired without being released, or whose owner is provably dead, is taken over
    with the next epoch. The owner's name decides nothing: a second holder of the same name is
    refused as well.

    Args:
        database: With the tables of this version.
        connection: Name of the connection.
        owner: Host and process, for people.
        duration_s: Seconds after which the lease of a dead process is free; renewed at a quarter.

    Raises:
        LeaseHeldError: Another owner holds it.
        StoreError: It could not be taken.
    """
    started = _steady_s()
    epoch = _take(database, connection, owner, duration_s)
    lease = HeldLease(database, connection, epoch, started=started, duration_s=duration_s)
    renewing = threading.Thread(target=lease.renew_until_released, name=f"lease-{connection}")
    renewing.daemon = True
    try:
        renewing.start()
        yield lease
    finally:
        lease.release()
        if renewing.is_alive():
            renewing.join(_JOIN_S)


class HeldLease:
    """A lease that this process took. Meets ``ports.Lease``; may be checked by any thread."""

    def __init__(
        self,
        database: Database,
        connection: str,
        epoch: int,
        *,
        started: float,
        duration_s: float,
    ) -> None:
        """Count from ``started``, on the steady clock, before the lease was asked for."""
        self._database = database
        self._connection = connection
        self._epoch = epoch
        self._duration_s = duration_s
        self._released = threading.Event()
        self._deadline = started + duration_s * (1 - _MARGIN)
        self._lost = ""
        self._trouble = ""

    @property
    def epoch(self) -> int:
        """Grows by one with every owner."""
        return self._epoch

    def check(self) -> None:
        """Do nothing while the lease is ours; asks this machine's clock only.

        Raises:
            LeaseLostError: It ended, or another process took it over. It stays lost.
        """
        if not self._lost and _steady_s() >= self._deadline:
            self._lost = (
                f"it was not renewed for {self._duration_s:g} s"
                f"{self._trouble and f': {self._trouble}'}"
                "; was this process stopped, or the machine asleep?"
            )
        if self._lost:
            raise self._loss()

    def prove(self, tx: Connection) -> None:
        """Do nothing if the lease in the store is ours; it stays ours until the transaction ends.

        What the store says decides, not the time: what was done while the lease was ours may be
        recorded as long as nobody else has taken it.

        Raises:
            LeaseLostError: Another process took it over.
        """
        if tx.execute(_EPOCH, {"p_connection": self._connection}).scalar() != self._epoch:
            self._lost = self._lost or _TAKEN_OVER
            raise self._loss()

    def _loss(self) -> LeaseLostError:
        return LeaseLostError(f'lost the lease of "{self._connection}": {self._lost}')

    def renew_until_released(self) -> None:
        """Renew at every quarter of the duration; ends when it is released or lost."""
        while not (self._released.wait(self._duration_s / 4) or self._lost):
            self._renew()

    def release(self) -> None:
        """Let the next owner have it at once; from now on it is lost to whoever asks."""
        self._lost = self._lost or "it was released"
        self._released.set()
        statement = (
            update(LEASE)
            .where(LEASE.c.connection == self._connection, LEASE.c.epoch == self._epoch)
            .values(expires_at=0.0)
        )
        # A store that fails now frees the lease by its expiry; the error of the block matters more.
        with suppress(StoreError), self._database.write() as tx:
            tx.execute(statement)

    def _renew(self) -> None:
        started = _steady_s()
        if started >= self._deadline:
            # Too late even if nobody else was faster: whoever asks must get one answer for good.
            with suppress(LeaseLostError):
                self.check()
            return
        now = database_time(self._database.dialect)
        statement = (
            update(LEASE)
            .where(
                LEASE.c.connection == self._connection,
                LEASE.c.epoch == self._epoch,
                LEASE.c.expires_at > now,
            )
            .values(heartbeat_at=now, expires_at=now + self._duration_s)
        )
        try:
            with self._database.write() as tx:
                renewed = tx.execute(statement).rowcount == 1
        except StoreError as error:
            # The next turn tries again; the deadline stands.
            self._trouble = str(error)
            return
        if renewed:
            self._deadline = started + self._duration_s * (1 - _MARGIN)
            self._trouble = ""
        else:
            self._lost = self._lost or f"{_TAKEN_OVER}, or the store's clock jumped"


def _take(database: Database, connection: str, owner: str, duration_s: float) -> int:
    now = database_time(database.dialect)
    free = insert_into(LEASE, database.dialect).values(
        connection=connection,
        owner="",
        epoch=0,
        process="",
        acquired_at=0.0,
        heartbeat_at=0.0,
        expires_at=0.0,
    )
    with database.write() as tx:
        # The row is there before it is locked: on PostgreSQL two first owners would both find none.
        tx.execute(free.on_conflict_do_nothing())
        present = (
            tx.execute(
                select(LEASE, now.label("now"))
                .where(LEASE.c.connection == connection)
                .with_for_update()
            )
            .mappings()
            .one()
        )
        if present["expires_at"] > present["now"] and not is_dead(present["process"]):
            raise LeaseHeldError(_held_message(present), owner=present["owner"])
        tx.execute(
            update(LEASE)
            .where(LEASE.c.connection == connection)
            .values(
                owner=owner,
                epoch=present["epoch"] + 1,
                acquired_at=present["now"],
                process=identify_process(),
                heartbeat_at=present["now"],
                expires_at=now + duration_s,
            )
        )
        return int(present["epoch"]) + 1


def _held_message(lease: RowMapping) -> str:
    now, expires_at = lease["now"], lease["expires_at"]
    connection, owner = lease["connection"], lease["owner"]
    since, age = _text(lease["acquired_at"]), now - lease["heartbeat_at"]
    return (
        f'another run holds the lease of "{connection}": {owner}, since '
        f"{since}, renewed {age:.0f} s ago, until "
        f"{_text(expires_at)}; wait for it to end, or, if that process is dead, "
        f"{max(expires_at - now, 1):.0f} s until the lease is taken over"
    )


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _steady_s() -> float:
    # Goes on while the machine sleeps, where the system has such a clock.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
