"""The store on SQLite or PostgreSQL: one method, one transaction."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Connection

from jcsync.errors import LeaseHeldError, StoreError
from jcsync.model.baseline import Baseline
from jcsync.model.facts import Learnt
from jcsync.model.history import (
    AuditRecord,
    ChangeRecord,
    ConnectionRecord,
    EscrowRecord,
    HoldRecord,
    HoldStatus,
    Memo,
    OutcomeRecord,
    RunRecord,
)
from jcsync.model.limits import Violation
from jcsync.model.plan import Action, AttributeChange, Plan
from jcsync.model.report import RunReport, Status
from jcsync.model.resource import Kind, Link
from jcsync.ports import Clock
from jcsync.store import connections, history, holds
from jcsync.store.audit import read_audit
from jcsync.store.baseline import (
    read_baseline,
    read_decided,
    read_open,
    record_baseline,
    record_decided,
)
from jcsync.store.database import Database
from jcsync.store.escrow import (
    forget_escrow,
    read_escrow,
    record_escrow,
    release_resources,
    retry_escrow,
    settle_escrow,
)
from jcsync.store.facts import read_learnt, record_learnt
from jcsync.store.failures import placed
from jcsync.store.lease import HeldLease, hold_lease
from jcsync.store.links import (
    forget_links,
    forget_resources,
    read_links,
    read_unconfirmed,
    record_links,
)
from jcsync.store.memos import read_memos, record_memo
from jcsync.store.schema import ensure_schema
from jcsync.store.settled import read_settled, record_unkept

LEASE_S: Final = 60.0
"""Seconds after which the lease of a dead process can be taken over."""

_RUNS_AT_ONCE: Final = 200
_OF_RUNS: Final = (HoldStatus.APPROVED, HoldStatus.APPLIED)


def open_store(
    url: str, clock: Clock, *, create: bool = True, lease_s: float = LEASE_S
) -> "SqlStore":
    """Open the store, and bring its tables to this version.

    Several processes may open the same new or old store at once.

    Args:
        url: ``sqlite:////path/jcsync.db`` or ``postgresql+psycopg://user@host/database``.
        clock: Tells when a connection was paused; leases go by the clock of the database.
        create: Whether a store that does not exist is created. A new file has mode 0600, the
            directories made for it 0700.
        lease_s: Seconds a lease lasts without renewal.

    Raises:
        StorePlaceError: It cannot be opened where the URL puts it.
        StoreError: It cannot be opened for another reason, or a newer version of jcsync has
            written it.
    """
    try:
        database = Database(url, create=create)
    except StoreError as error:
        raise placed(error) from error.__cause__
    try:
        ensure_schema(database, create=create)
    except StoreError as error:
        database.close()
        raise placed(error) from error.__cause__
    except BaseException:
        database.close()
        raise
    return SqlStore(database, clock, lease_s=lease_s)


class SqlStore:
    """An open store. Meets ``ports.Store``, where its methods are described.

    Every method is one transaction, durable when it returns; any thread may call any method.
    """

    def __init__(self, database: Database, clock: Clock, *, lease_s: float) -> None:
        """Use a database that has the tables of this version; ``open_store`` prepares one."""
        self._database = database
        self._clock = clock
        self._lease_s = lease_s
        self._held: dict[str, HeldLease] = {}

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close every connection to the database."""
        self._database.close()

    @contextmanager
    def lease(self, connection: str, owner: str) -> Iterator[HeldLease]:
        """Hold the lease of a connection for the length of a ``with`` block, renewing it.

        Inside the block, what a run writes for the connection is bound to this lease.
        """
        with hold_lease(self._database, connection, owner, duration_s=self._lease_s) as lease:
            # A run that lost its lease may still be at work in another thread: the epoch just
            # taken keeps it from writing, and a second run here would let it write again.
            if self._held.setdefault(connection, lease) is not lease:
                message = (
                    f'another run of this process lost the lease of "{connection}" and has not '
                    "ended yet; wait for it to end, or start the process again"
                )
                raise LeaseHeldError(message, owner=owner)
            try:
                yield lease
            finally:
                del self._held[connection]

    @contextmanager
    def _write(self, connection: str) -> Iterator[Connection]:
        """A transaction of a run: where we hold the lease of the connection, only while it is ours.

        Raises:
            LeaseLostError: Another process took it over; nothing is written.
        """
        with self._database.write() as tx:
            self._prove(tx, connection)
            yield tx

    def _prove(self, tx: Connection, connection: str) -> None:
        lease = self._held.get(connection)
        if lease is not None:
            lease.prove(tx)

    def links(self, connection: str) -> tuple[Link, ...]:
        """Every link of a connection, in no order."""
        with self._database.read() as tx:
            return tuple(read_links(tx, connection))

    def unconfirmed(
        self, connection: str, kind: Kind, external_ids: Collection[str]
    ) -> frozenset[str]:
        """Those of these ids whose newest change was begun, and is not known to have been made."""
        with self._database.read() as tx:
            return read_unconfirmed(tx, connection, kind, external_ids)

    def record_links(
        self,
        connection: str,
        links: Sequence[Link],
        *,
        forget: Sequence[tuple[Kind, str]] = (),
    ) -> None:
        """Remove the links to forget, then insert or replace the others."""
        with self._write(connection) as tx:
            forget_links(tx, connection, forget)
            record_links(tx, connection, links)

    def record_start(
        self,
        run_id: str,
        connection: str,
        *,
        mode: str,
        trigger: str,
        started_at: datetime,
        actor: str = "",
    ) -> None:
        """Remember that a run began."""
        with self._write(connection) as tx:
            history.record_start(
                tx,
                run_id,
                connection,
                mode=mode,
                trigger=trigger,
                started_at=started_at,
                actor=actor,
            )

    def record_plan(self, run_id: str, plan: Plan, *, at: datetime) -> None:
        """Remember every change of a plan before its first call: the intents."""
        with self._write(plan.connection) as tx:
            history.record_plan(tx, run_id, plan, at=at)

    def record_outcomes(
        self, run_id: str, connection: str, records: Sequence[OutcomeRecord]
    ) -> None:
        """Remember how changes ended, with their links and escrow, in one transaction."""
        applied = [record for record in records if record.outcome.status is Status.APPLIED]
        deleted = [r.change for r in applied if r.change.action is Action.DELETE]
        with self._write(connection) as tx:
            history.record_outcomes(tx, run_id, records)
            release_resources(tx, connection, [record.change for record in applied])
            record_unkept(tx, connection, [(r.change, r.outcome) for r in applied])
            forget_resources(tx, connection, [(c.kind, c.resource_id) for c in deleted])
            record_links(tx, connection, [r.link for r in records if r.link is not None])
            for record in records:
                if record.escrow is not None:
                    record_escrow(tx, connection, record.escrow)

    def record_end(self, report: RunReport) -> None:
        """Remember how a run ended, with its findings."""
        with self._write(report.connection) as tx:
            history.record_end(tx, report)

    def open_hold(
        self,
        connection: str,
        run_id: str,
        digest: str,
        violations: Sequence[Violation],
        *,
        at: datetime,
    ) -> int:
        """Hold a plan and return the number of the hold."""
        with self._write(connection) as tx:
            return holds.open_hold(tx, connection, run_id, digest, violations, at=at)

    def decide_hold(self, hold_id: int, status: HoldStatus, *, by: str, at: datetime) -> None:
        """End a hold."""
        with self._database.write() as tx:
            if status in _OF_RUNS and (held := holds.read_connection_of(tx, hold_id)) is not None:
                self._prove(tx, held)
            holds.decide_hold(tx, hold_id, status, by=by, at=at)

    def supersede_holds(self, connection: str, *, by: str, at: datetime) -> None:
        """End every open hold of a connection: its cause is gone; rejected ones stay so."""
        with self._write(connection) as tx:
            holds.supersede_holds(tx, connection, by=by, at=at)

    def holds(
        self, *, connection: str | None = None, open_only: bool = False
    ) -> tuple[HoldRecord, ...]:
        """Holds, newest first."""
        with self._database.read() as tx:
            return holds.read_holds(tx, connection=connection, open_only=open_only)

    def runs(
        self,
        *,
        connection: str | None = None,
        since: datetime | None = None,
        run_id: str | None = None,
        limit: int = 50,
    ) -> tuple[RunRecord, ...]:
        """Runs, newest first."""
        with self._database.read() as tx:
            return history.read_runs(
                tx, connection=connection, since=since, run_id=run_id, limit=limit
            )

    def changes(
        self,
        *,
        connection: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        run_id: str | None = None,
        limit: int = 200,
    ) -> tuple[ChangeRecord, ...]:
        """Changes, newest first."""
        with self._database.read() as tx:
            return history.read_changes(
                tx, connection=connection, user=user, since=since, run_id=run_id, limit=limit
            )

    def audit(
        self,
        *,
        connection: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        run_id: str | None = None,
    ) -> Iterator[AuditRecord]:
        """Every change, oldest first, read as it is asked for; filters as for ``changes``."""
        return read_audit(
            self._database.read, connection=connection, user=user, since=since, run_id=run_id
        )

    def last_applied(
        self, connection: str, external_ids: Collection[str], *, limit: int = 2
    ) -> Mapping[str, tuple[ChangeRecord, ...]]:
        """The newest applied changes that set attributes of these users, newest first."""
        with self._database.read() as tx:
            return history.read_last_applied(tx, connection, external_ids, limit=limit)

    def escrow(self, connection: str | None = None) -> tuple[EscrowRecord, ...]:
        """Resources that failed and wait, ordered by their next try."""
        with self._database.read() as tx:
            return read_escrow(tx, connection)

    def retry_escrow(self, connection: str, who: str | None, *, at: datetime) -> int:
        """Let all resources in escrow, or those that are called so, be tried at the next run."""
        with self._write(connection) as tx:
            return retry_escrow(tx, connection, who, at=at)

    def forget_escrow(self, connection: str, who: str | None) -> int:
        """Remove all resources from escrow, or those that are called so."""
        with self._write(connection) as tx:
            return forget_escrow(tx, connection, who)

    def settle_escrow(self, connection: str, keep: Collection[tuple[Kind, str]]) -> int:
        """Remove from escrow all but these: their cause is gone."""
        with self._write(connection) as tx:
            return settle_escrow(tx, connection, keep)

    def settled(self, connection: str) -> Mapping[str, Mapping[str, AttributeChange]]:
        """Attributes that the platform does not keep, by JumpCloud id and path."""
        with self._database.read() as tx:
            return read_settled(tx, connection)

    def connection(self, name: str) -> ConnectionRecord:
        """What is known of a connection; also of one that never ran."""
        with self._database.read() as tx:
            return connections.read_connection(tx, name)

    def baseline(self, connection: str) -> Baseline | None:
        """From where fast runs of a connection go on."""
        with self._database.read() as tx:
            return read_baseline(tx, connection)

    def decided(self, connection: str) -> Mapping[str, str]:
        """The fingerprint of what each person should have, by JumpCloud id."""
        with self._database.read() as tx:
            return read_decided(tx, connection)

    def undecided(self, connection: str) -> Mapping[str, str]:
        """The marks of those who are unsettled or blocked, by JumpCloud id."""
        with self._database.read() as tx:
            return read_open(tx, connection)

    def record_decided(self, connection: str, decided: Mapping[str, str | None]) -> None:
        """Remember fingerprints by JumpCloud id."""
        with self._write(connection) as tx:
            record_decided(tx, connection, decided)

    def record_baseline(
        self, connection: str, baseline: Baseline, decided: Mapping[str, str | None]
    ) -> None:
        """Remember from where fast runs go on, and what was decided of people since."""
        with self._write(connection) as tx:
            record_baseline(tx, connection, baseline)
            record_decided(tx, connection, decided)

    def learnt(self, connection: str) -> Learnt | None:
        """What ``check`` has learnt of the platform."""
        with self._database.read() as tx:
            return read_learnt(tx, connection)

    def record_learnt(self, connection: str, learnt: Learnt) -> None:
        """Remember what was learnt of the platform."""
        with self._database.write() as tx:
            record_learnt(tx, connection, learnt)

    def connection_names(self) -> tuple[str, ...]:
        """Every connection that the store knows, in the settings or not, ordered by name."""
        with self._database.read() as tx:
            return connections.read_names(tx)

    def organization(self, connection: str) -> str:
        """The JumpCloud organisation that a connection was first used with, or ``""``."""
        with self._database.read() as tx:
            return connections.read_organization(tx, connection)

    def record_organization(self, connection: str, organization: str) -> None:
        """Remember the JumpCloud organisation of a connection."""
        at = self._clock.now()
        with self._write(connection) as tx:
            connections.record_organization(tx, connection, organization, at=at)

    def pause(self, connection: str, *, paused: bool) -> None:
        """Tell the daemon to leave a connection alone, or to take it up again."""
        at = self._clock.now()
        with self._database.write() as tx:
            connections.record_pause(tx, connection, paused=paused, at=at)

    def memos(self, connection: str) -> Mapping[str, Memo]:
        """What is remembered of a connection, by topic."""
        with self._database.read() as tx:
            return read_memos(tx, connection)

    def record_memo(self, connection: str, topic: str, value: str | None) -> None:
        """Remember something in place of what it was before; ``None`` forgets it."""
        at = self._clock.now()
        with self._write(connection) as tx:
            record_memo(tx, connection, topic, value, at=at)

    def room(self) -> int | None:
        """How many bytes are left on the disk of the store; ``None`` where that is not ours to know."""
        return self._database.room()

    def prune(self, *, before: datetime) -> int:
        """Remove old runs in batches, so that others can write in between."""
        pruned = 0
        while True:
            with self._database.write() as tx:
                batch = history.prune_runs(tx, before=before, limit=_RUNS_AT_ONCE)
                holds.prune_holds(tx, before=before)
            pruned += batch
            if batch < _RUNS_AT_ONCE:
                return pruned
