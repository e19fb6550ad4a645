"""Holds: plans that exceeded their limits and wait for a person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from jcsync.errors import UsageError
from jcsync.model.history import HoldRecord, HoldStatus
from jcsync.model.limits import Violation
from jcsync.store.rows import dump_violations, parse_hold
from jcsync.store.tables import HOLD

_ANSWERED: Final = (HoldStatus.HELD.value, HoldStatus.REJECTED.value)
_BEFORE: Final = {
    HoldStatus.APPROVED: (HoldStatus.HELD.value, HoldStatus.REJECTED.value),
    HoldStatus.APPLIED: (HoldStatus.HELD.value, HoldStatus.APPROVED.value),
}
"""Where a hold may stand before a second decision."""


def open_hold(
    tx: Connection,
    connection: str,
    run_id: str,
    digest: str,
    violations: Sequence[Violation],
    *,
    at: datetime,
) -> int:
    """Hold a plan and return the number of the hold, the same one for a plan that is held already.

    What is held for another digest is superseded by this run. A plan whose newest hold was
    rejected opens no other: the rejected one answers for it.
    """
    newest = (
        select(HOLD.c.id, HOLD.c.status)
        .where(HOLD.c.connection == connection, HOLD.c.digest == digest)
        .order_by(HOLD.c.id.desc())
        .limit(1)
    )
    present = tx.execute(newest).first()
    known = present[0] if present and present[1] in _ANSWERED else None
    supersede_holds(tx, connection, by=f"run {run_id}", at=at, keep=known)
    if known is not None:
        return int(known)
    tx.execute(
        insert(HOLD).values(
            connection=connection,
            run_id=run_id,
            digest=digest,
            status=HoldStatus.HELD.value,
            created_at=at,
            decided_by="",
            violations=dump_violations(violations),
        )
    )
    return int(tx.execute(newest).scalar_one())


def decide_hold(tx: Connection, hold_id: int, status: HoldStatus, *, by: str, at: datetime) -> None:
    """End a hold.

    Second decisions are that an approved plan was applied, and that a rejected one is approved
    after all.

    Raises:
        UsageError: There is no such hold, or it is not open any more.
    """
    allowed = HOLD.c.status.in_(_BEFORE.get(status, (HoldStatus.HELD.value,)))
    decided = tx.execute(
        update(HOLD)
        .where(HOLD.c.id == hold_id, allowed)
        .values(status=status.value, decided_at=at, decided_by=by)
    )
    if decided.rowcount == 1:
        return
    present = tx.execute(
        select(HOLD.c.status, HOLD.c.decided_by).where(HOLD.c.id == hold_id)
    ).first()
    if present is None:
        message = f'there is no hold {hold_id}; look with "jcsync holds"'
    else:
        message = f"hold {hold_id} is not open any more: {present[0]} by {present[1]}"
    raise UsageError(message)


def supersede_holds(
    tx: Connection, connection: str, *, by: str, at: datetime, keep: int | None = None
) -> None:
    """End every open hold of a connection, but for the one to keep."""
    statement = update(HOLD).where(
        HOLD.c.connection == connection, HOLD.c.status == HoldStatus.HELD.value
    )
    if keep is not None:
        statement = statement.where(HOLD.c.id != keep)
    tx.execute(statement.values(status=HoldStatus.SUPERSEDED.value, decided_at=at, decided_by=by))


def read_connection_of(tx: Connection, hold_id: int) -> str | None:
    """Return the connection of a hold; ``None`` where there is no such hold."""
    connection: str | None = tx.execute(
        select(HOLD.c.connection).where(HOLD.c.id == hold_id)
    ).scalar()
    return connection


def read_holds(
    tx: Connection, *, connection: str | None = None, open_only: bool = False
) -> tuple[HoldRecord, ...]:
    """Return holds, newest first."""
    statement = select(HOLD).order_by(HOLD.c.id.desc())
    if connection is not None:
        statement = statement.where(HOLD.c.connection == connection)
    if open_only:
        statement = statement.where(HOLD.c.status == HoldStatus.HELD.value)
    return tuple(parse_hold(row) for row in tx.execute(statement).mappings())


def prune_holds(tx: Connection, *, before: datetime) -> None:
    """Remove holds that were decided before this."""
    tx.execute(delete(HOLD).where(HOLD.c.decided_at < before))
