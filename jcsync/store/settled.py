"""Settled attributes: what the platform has in place of what it was sent."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from jcsync.model.plan import Action, AttributeChange, Change
from jcsync.model.report import Outcome
from jcsync.model.resource import Kind
from jcsync.store.tables import SETTLED

_FORGET: Final = delete(SETTLED).where(
    SETTLED.c.connection == bindparam("p_connection"),
    SETTLED.c.external_id == bindparam("p_external_id"),
    SETTLED.c.path.in_(bindparam("p_paths", expanding=True)),
)
_WRITING: Final = frozenset({Action.CREATE, Action.PATCH, Action.REACTIVATE})


def record_unkept(tx: Connection, connection: str, change: Change, outcome: Outcome) -> None:
    """Remember what the platform did not keep of an applied change, and forget what it did."""
    if change.kind is not Kind.USER or change.action not in _WRITING:
        return
    paths = [a.path for a in change.attributes]
    tx.execute(
        _FORGET,
        {"p_connection": connection, "p_external_id": change.external_id, "p_paths": paths},
    )
    rows = [
        {
            "connection": connection,
            "external_id": change.external_id,
            "path": unkept.path,
            "held": [unkept.before],
            "sent": [unkept.after],
        }
        for unkept in outcome.unkept
    ]
    if rows:
        tx.execute(insert(SETTLED), rows)


def read_settled(tx: Connection, connection: str) -> Mapping[str, Mapping[str, AttributeChange]]:
    """Return what is known not to be kept, by JumpCloud id and path."""
    found: dict[str, dict[str, AttributeChange]] = {}
    rows = tx.execute(select(SETTLED).where(SETTLED.c.connection == connection)).mappings()
    for row in rows:
        found.setdefault(row["external_id"], {})[row["path"]] = AttributeChange(
            path=row["path"], before=row["held"][0], after=row["sent"][0]
        )
    return found
