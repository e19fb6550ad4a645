"""Links: which resource of the platform belongs to which directory id."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from sys import intern
from typing import Final

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Connection,
    Delete,
    Select,
    bindparam,
    delete,
    func,
    or_,
    select,
)

from jcsync.model.report import Status
from jcsync.model.resource import Kind, Link
from jcsync.store.columns import Columns, execute_columns
from jcsync.store.database import Insert, insert_into
from jcsync.store.rows import search_key
from jcsync.store.tables import CHANGE, LINK, Text

_ROWS_AT_ONCE: Final = 2000
_OF_ONE = (
    (LINK.c.connection == bindparam("p_connection")),
    (LINK.c.kind == bindparam("p_kind")),
)
_FORGET: Final = delete(LINK).where(*_OF_ONE, LINK.c.external_id == bindparam("p_external_id"))
_FORGET_RESOURCE: Final = delete(LINK).where(
    *_OF_ONE, LINK.c.resource_id == bindparam("p_resource_id")
)
_DISPLACE: Final = _FORGET_RESOURCE.where(LINK.c.external_id != bindparam("p_external_id"))
_SELECT: Final = select(
    LINK.c.kind, LINK.c.external_id, LINK.c.resource_id, LINK.c.name, LINK.c.deactivated_at
)


def _with_upsert(statement: Insert) -> Insert:
    new = statement.excluded
    columns = ("resource_id", "name", "deactivated_at")
    return statement.on_conflict_do_update(
        index_elements=[LINK.c.connection, LINK.c.kind, LINK.c.external_id],
        set_={column: new[column] for column in columns},
        # A row that is the same already is not written again.
        where=or_(*(LINK.c[column].is_distinct_from(new[column]) for column in columns)),
    )


_COLUMNS: Final = ("connection", "kind", "external_id", "resource_id", "name", "deactivated_at")


# Built once: building one takes longer than running it.
@cache
def _statements(dialect: str) -> tuple[Delete, Insert]:
    """What removes the other links to the same resources, and what inserts or replaces links."""
    insert = insert_into(LINK, dialect)
    if dialect == "sqlite":
        values: dict[str, BindParameter[str]] = {name: bindparam(f"p_{name}") for name in _COLUMNS}
        return _DISPLACE, _with_upsert(insert.values(values))
    new = _unnest("connection", "kind", "external_id", "resource_id").subquery("new")
    displace = delete(LINK).where(
        LINK.c.connection == new.c.connection,
        LINK.c.kind == new.c.kind,
        LINK.c.resource_id == new.c.resource_id,
        LINK.c.external_id != new.c.external_id,
    )
    return displace, _with_upsert(insert.from_select(_COLUMNS, _unnest(*_COLUMNS)))


def _unnest(*columns: str) -> Select[*tuple[str, ...]]:
    # PostgreSQL takes a row a message from ``executemany``; arrays are more than twice as fast.
    arrays = {name: bindparam(f"p_{name}", type_=ARRAY(Text)) for name in columns}
    return select(*(func.unnest(array).label(name) for name, array in arrays.items()))


def read_links(tx: Connection, connection: str) -> Iterator[Link]:
    """Yield every link of a connection, in no order; equal texts are one object in all of a run."""
    kinds = {kind.value: kind for kind in Kind}
    rows = tx.execution_options(yield_per=_ROWS_AT_ONCE).execute(
        _SELECT.where(LINK.c.connection == connection)
    )
    for kind, external_id, resource_id, name, deactivated_at in rows:
        yield Link(
            kind=kinds[kind],
            external_id=intern(external_id),
            resource_id=intern(resource_id),
            name=intern(name),
            deactivated_at=deactivated_at,
        )


def read_unconfirmed(
    tx: Connection, connection: str, kind: Kind, external_ids: Collection[str]
) -> frozenset[str]:
    """Return those whose newest change that was begun has no outcome, or failed."""
    ids = sorted(external_ids)
    newest: dict[str, str] = {}
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        page = ids[start : start + _ROWS_AT_ONCE]
        rows = tx.execute(
            select(CHANGE.c.external_id, CHANGE.c.status)
            .where(
                CHANGE.c.external_key.in_([search_key(external_id) for external_id in page]),
                CHANGE.c.external_id.in_(page),
                CHANGE.c.connection == connection,
                CHANGE.c.kind == kind.value,
                CHANGE.c.status != Status.NOT_ATTEMPTED.value,
            )
            .order_by(CHANGE.c.at, CHANGE.c.run_id, CHANGE.c.n)
        )
        newest.update((external_id, status) for external_id, status in rows)
    return frozenset(key for key, status in newest.items() if status != Status.APPLIED.value)


def record_links(tx: Connection, connection: str, links: Sequence[Link]) -> None:
    """Insert or replace links.

    A resource belongs to one directory id: where a link of another id leads to the same
    resource, the one recorded last stands and the other is removed.
    """
    latest = _latest(links)
    if not latest:
        return
    columns: Columns = {
        "p_kind": [link.kind.value for link in latest],
        "p_external_id": [link.external_id for link in latest],
        "p_resource_id": [link.resource_id for link in latest],
        "p_name": [link.name for link in latest],
        "p_deactivated_at": [link.deactivated_at for link in latest],
    }
    for statement in _statements(tx.dialect.name):
        if tx.dialect.name == "sqlite":
            execute_columns(tx, statement, columns, {"p_connection": connection})
        else:
            tx.execute(statement, {**columns, "p_connection": [connection] * len(latest)})


def _latest(links: Sequence[Link]) -> Collection[Link]:
    by_id = {(link.kind, link.external_id): link for link in links}
    return {(link.kind, link.resource_id): link for link in by_id.values()}.values()


def forget_links(tx: Connection, connection: str, keys: Iterable[tuple[Kind, str]]) -> None:
    """Remove the links of these kinds and ``external_id``; one that is not there is no error."""
    rows = [
        {"p_connection": connection, "p_kind": kind.value, "p_external_id": external_id}
        for kind, external_id in keys
    ]
    if rows:
        tx.execute(_FORGET, rows)


def forget_resources(tx: Connection, connection: str, keys: Iterable[tuple[Kind, str]]) -> None:
    """Remove the links that lead to resources of these kinds and ids, where there are any."""
    rows = [
        {"p_connection": connection, "p_kind": kind.value, "p_resource_id": resource_id}
        for kind, resource_id in keys
    ]
    if rows:
        tx.execute(_FORGET_RESOURCE, rows)


def count_accounts(tx: Connection, connection: str) -> int:
    """How many accounts are linked, deactivated ones included."""
    statement = select(func.count()).where(
        LINK.c.connection == connection, LINK.c.kind == Kind.USER.value
    )
    return tx.execute(statement).scalar_one()
