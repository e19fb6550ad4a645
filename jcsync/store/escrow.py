"""Escrow: resources that failed, each with its reason and its next try.

A resource is known by its kind and key: the ``external_id``, or the ``resource_id`` of a
resource that has none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select, update

from jcsync.model.history import EscrowRecord
from jcsync.model.plan import Change
from jcsync.model.resource import Kind
from jcsync.store.database import insert_into
from jcsync.store.rows import dump_escrow, parse_escrow
from jcsync.store.tables import ESCROW, clean_text

_OF_ONE: Final = (
    (ESCROW.c.connection == bindparam("p_connection")),
    (ESCROW.c.kind == bindparam("p_kind")),
    (ESCROW.c.key == bindparam("p_key")),
)
# Built once: building one takes longer than running it.
_ANY: Final = select(ESCROW.c.key).where(ESCROW.c.connection == bindparam("p_connection")).limit(1)
_FORGET: Final = delete(ESCROW).where(*_OF_ONE)
_RETRY: Final = update(ESCROW).where(*_OF_ONE).values(next_try_at=bindparam("p_at"))


def record_escrow(tx: Connection, connection: str, record: EscrowRecord) -> None:
    """Insert or replace a resource."""
    row = dump_escrow(connection, record)
    statement = insert_into(ESCROW, tx.dialect.name).values(row)
    keys = ("connection", "kind", "key")
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=keys,
            set_={name: statement.excluded[name] for name in row if name not in keys},
        )
    )


def release_resources(tx: Connection, connection: str, changes: Iterable[Change]) -> None:
    """Remove the resources of changes that were applied, where they are there."""
    rows = [
        {
            "p_connection": connection,
            "p_kind": change.kind.value,
            "p_key": change.external_id or change.resource_id,
        }
        for change in changes
    ]
    if rows and tx.execute(_ANY, {"p_connection": connection}).first() is not None:
        _forget(tx, rows)


def read_escrow(tx: Connection, connection: str | None = None) -> tuple[EscrowRecord, ...]:
    """Return the resources of one connection or all, ordered by their next try."""
    columns = (ESCROW.c.next_try_at, ESCROW.c.connection, ESCROW.c.kind, ESCROW.c.key)
    statement = select(ESCROW).order_by(*columns)
    if connection is not None:
        statement = statement.where(ESCROW.c.connection == connection)
    return tuple(parse_escrow(row) for row in tx.execute(statement).mappings())


def retry_escrow(tx: Connection, connection: str, who: str | None, *, at: datetime) -> int:
    """Make resources due; return how many were named."""
    rows = [row | {"p_at": at} for row in _find(tx, connection, who)]
    if rows:
        tx.execute(_RETRY, rows)
    return len(rows)


def forget_escrow(tx: Connection, connection: str, who: str | None) -> int:
    """Remove resources; return how many."""
    return _forget(tx, _find(tx, connection, who))


def settle_escrow(tx: Connection, connection: str, keep: Collection[tuple[Kind, str]]) -> int:
    """Remove all but these; return how many."""
    kept = {(kind.value, clean_text(key)) for kind, key in keep}
    rows = _find(tx, connection, None)
    return _forget(tx, [row for row in rows if (row["p_kind"], row["p_key"]) not in kept])


def _find(tx: Connection, connection: str, who: str | None) -> list[dict[str, object]]:
    """The keys of all, or of those that are called so; there are few, so people search here."""
    wanted = None if who is None else clean_text(who).casefold()
    return [
        {"p_connection": connection, "p_kind": record.kind.value, "p_key": record.key}
        for record in read_escrow(tx, connection)
        if wanted is None
        or wanted in {t.casefold() for t in (record.name, record.external_id, record.resource_id)}
    ]


def _forget(tx: Connection, rows: Sequence[Mapping[str, object]]) -> int:
    if rows:
        tx.execute(_FORGET, rows)
    return len(rows)
