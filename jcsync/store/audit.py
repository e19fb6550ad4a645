"""The whole history, oldest first, a page at a time."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, or_, select, tuple_

from jcsync.model.history import AuditRecord
from jcsync.store.history import find_run
from jcsync.store.rows import parse_change, search_key
from jcsync.store.tables import CHANGE, RUN

_ROWS_AT_ONCE: Final = 1000


def read_audit(
    read: Callable[[], AbstractContextManager[Connection]],
    *,
    connection: str | None,
    user: str | None,
    since: datetime | None,
    run_id: str | None,
) -> Iterator[AuditRecord]:
    """Yield changes in the order of their runs and numbers.

    Each page is a transaction of its own: whoever reads slowly holds nothing open. No
    outcome changes the order: no change is left out or shown twice.

    Args:
        read: Begins a transaction.
        connection: Of this connection only.
        user: Of resources with this name, ``external_id`` or ``resource_id``, case ignored.
        since: Not older than this.
        run_id: Of this run only; a unique end of the id is enough.

    Raises:
        UsageError: Several runs end in ``run_id``.
    """
    run = (RUN.c.mode, RUN.c.trigger, RUN.c.actor, RUN.c.started_at)
    wanted: Select[Any] = select(CHANGE, *run).join(RUN, RUN.c.run_id == CHANGE.c.run_id)
    if connection is not None:
        wanted = wanted.where(CHANGE.c.connection == connection)
    if user is not None:
        keys = (CHANGE.c.name_key, CHANGE.c.external_key, CHANGE.c.resource_key)
        wanted = wanted.where(or_(*(key == search_key(user) for key in keys)))
    if since is not None:
        wanted = wanted.where(CHANGE.c.at >= since)
    if run_id is not None:
        with read() as tx:
            wanted = wanted.where(CHANGE.c.run_id == find_run(tx, run_id))
    order = (RUN.c.started_at, RUN.c.run_id, CHANGE.c.n)
    page = wanted.order_by(*order).limit(_ROWS_AT_ONCE)
    rows = _rows(read, page)
    while rows:
        yield from rows
        last = rows[-1]
        seen = (last.started_at, last.change.run_id, last.change.n)
        rows = _rows(read, page.where(tuple_(*order) > seen))


def _rows(
    read: Callable[[], AbstractContextManager[Connection]], page: Select[Any]
) -> list[AuditRecord]:
    with read() as tx:
        return [
            AuditRecord(
                change=parse_change(row),
                mode=row["mode"],
                trigger=row["trigger"],
                actor=row["actor"],
                started_at=row["started_at"],
            )
            for row in tx.execute(page).mappings()
        ]
