"""Settled attributes: what the platform has in place of what it was sent."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from jcsync.model.plan import Action, AttributeChange, Change
from jcsync.model.report import Outcome
from jcsync.model.resource import Kind
from jcsync.store.tables import SETTLED, clean_text

_FORGET: Final = delete(SETTLED).where(
    SETTLED.c.connection == bindparam("p_connection"),
    SETTLED.c.external_id == bindparam("p_external_id"),
    SETTLED.c.path == bindparam("p_path"),
)
# Most connections have none: a question of its own is cheaper than one about everybody.
_ANY: Final = (
    select(SETTLED.c.path).where(SETTLED.c.connection == bindparam("p_connection")).limit(1)
)
_KNOWN: Final = select(SETTLED.c.external_id, SETTLED.c.path).where(
    SETTLED.c.connection == bindparam("p_connection"),
    SETTLED.c.external_id.in_(bindparam("p_external_ids", expanding=True)),
)
_WRITING: Final = frozenset({Action.CREATE, Action.PATCH, Action.REACTIVATE})


def record_unkept(
    tx: Connection, connection: str, applied: Iterable[tuple[Change, Outcome]]
) -> None:
    """Remember what the platform did not keep of applied changes, and forget what it did."""
    writing = [
        (change, outcome)
        for change, outcome in applied
        if change.kind is Kind.USER and change.action in _WRITING
    ]
    if not writing:
        return
    if tx.execute(_ANY, {"p_connection": connection}).first() is not None:
        _forget(tx, connection, [change for change, _ in writing])
    unkept_rows = [
        {
            "connection": connection,
            "external_id": change.external_id,
            "path": unkept.path,
            "held": [unkept.before],
            "sent": [unkept.after],
        }
        for change, outcome in writing
        for unkept in outcome.unkept
    ]
    if unkept_rows:
        tx.execute(insert(SETTLED), unkept_rows)


def _forget(tx: Connection, connection: str, changes: Sequence[Change]) -> None:
    ids = [change.external_id for change in changes]
    rows = tx.execute(_KNOWN, {"p_connection": connection, "p_external_ids": ids})
    known = {tuple(row) for row in rows}
    kept = [
        {"p_connection": connection, "p_external_id": change.external_id, "p_path": attribute.path}
        for change in (changes if known else ())
        for attribute in change.attributes
        if (clean_text(change.external_id), clean_text(attribute.path)) in known
    ]
    if kept:
        tx.execute(_FORGET, kept)


def read_settled(tx: Connection, connection: str) -> Mapping[str, Mapping[str, AttributeChange]]:
    """Return what is known not to be kept, by JumpCloud id and path."""
    found: dict[str, dict[str, AttributeChange]] = {}
    rows = tx.execute(select(SETTLED).where(SETTLED.c.connection == connection)).mappings()
    for row in rows:
        found.setdefault(row["external_id"], {})[row["path"]] = AttributeChange(
            path=row["path"], before=row["held"][0], after=row["sent"][0]
        )
    return found
