"""Small things to remember: what was told to people, when the next run begins."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from jcsync.model.history import Memo
from jcsync.store.database import insert_into
from jcsync.store.tables import MEMO


def read_memos(tx: Connection, connection: str) -> dict[str, Memo]:
    """Return what is remembered of a connection, by topic."""
    rows = tx.execute(
        select(MEMO.c.topic, MEMO.c.value, MEMO.c.at).where(MEMO.c.connection == connection)
    )
    return {row.topic: Memo(value=row.value, at=row.at) for row in rows}


def record_memo(
    tx: Connection, connection: str, topic: str, value: str | None, *, at: datetime
) -> None:
    """Remember something in place of what it was before; ``None`` forgets it."""
    if value is None:
        tx.execute(delete(MEMO).where(MEMO.c.connection == connection, MEMO.c.topic == topic))
        return
    statement = insert_into(MEMO, tx.dialect.name).values(
        connection=connection, topic=topic, value=value, at=at
    )
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[MEMO.c.connection, MEMO.c.topic], set_={"value": value, "at": at}
        )
    )
