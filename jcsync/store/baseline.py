"""Baselines: from where fast runs go on, and what each person should have as last decided."""

from collections.abc import Mapping
from functools import cache
from sys import intern
from typing import Final

from sqlalchemy import Connection, bindparam, delete, or_, select

from jcsync.model.baseline import BLOCKED, UNSETTLED, Baseline
from jcsync.store.columns import execute_columns
from jcsync.store.database import Insert, insert_into
from jcsync.store.tables import BASELINE, DECIDED

_FORGET: Final = delete(DECIDED).where(
    DECIDED.c.connection == bindparam("p_connection"),
    DECIDED.c.external_id == bindparam("p_external_id"),
)


def read_baseline(tx: Connection, connection: str) -> Baseline | None:
    """Return the baseline of a connection, ``None`` before its first full run."""
    row = tx.execute(select(BASELINE).where(BASELINE.c.connection == connection)).first()
    if row is None:
        return None
    return Baseline(
        basis=row.basis,
        full_at=row.full_at,
        followed=row.followed,
        seen=frozenset(row.seen),
        groups=row.groups,
        chosen=frozenset(row.chosen),
        application=row.application,
        requests=row.requests,
    )


def record_baseline(tx: Connection, connection: str, baseline: Baseline) -> None:
    """Remember a baseline, in place of an earlier one."""
    values = {
        "basis": baseline.basis,
        "full_at": baseline.full_at,
        "followed": baseline.followed,
        "seen": sorted(baseline.seen),
        "groups": dict(baseline.groups),
        "chosen": sorted(baseline.chosen),
        "application": baseline.application,
        "requests": baseline.requests,
    }
    statement = insert_into(BASELINE, tx.dialect.name).values(connection=connection, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=[BASELINE.c.connection], set_=values))


def read_decided(tx: Connection, connection: str) -> Mapping[str, str]:
    """Return the fingerprint of what each person should have, by JumpCloud id."""
    rows = tx.execute(
        select(DECIDED.c.external_id, DECIDED.c.fingerprint).where(
            DECIDED.c.connection == connection
        )
    )
    return {intern(external_id): fingerprint for external_id, fingerprint in rows}


def read_open(tx: Connection, connection: str) -> Mapping[str, str]:
    """Return the marks of those who are unsettled or blocked, by JumpCloud id."""
    mark = DECIDED.c.fingerprint
    rows = tx.execute(
        select(DECIDED.c.external_id, mark).where(
            DECIDED.c.connection == connection,
            or_(mark == UNSETTLED, mark.startswith(BLOCKED, autoescape=True)),
        )
    )
    return {row.external_id: row.fingerprint for row in rows}


def record_decided(tx: Connection, connection: str, changed: Mapping[str, str | None]) -> None:
    """Remember fingerprints by JumpCloud id, and forget those that are ``None``."""
    gone = [key for key, mark in changed.items() if mark is None]
    if gone:
        execute_columns(tx, _FORGET, {"p_external_id": gone}, {"p_connection": connection})
    kept = {key: mark for key, mark in changed.items() if mark is not None}
    if kept:
        columns = {"external_id": list(kept), "fingerprint": list(kept.values())}
        execute_columns(tx, _keep(tx.dialect.name), columns, {"connection": connection})


@cache
def _keep(dialect: str) -> Insert:
    statement = insert_into(DECIDED, dialect)
    return statement.on_conflict_do_update(
        index_elements=[DECIDED.c.connection, DECIDED.c.external_id],
        set_={"fingerprint": statement.excluded.fingerprint},
    )
