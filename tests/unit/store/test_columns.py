"""Many rows by one statement."""

from sqlalchemy import bindparam, delete, insert

from jcsync.model.history import Memo
from jcsync.store import SqlStore
from jcsync.store.columns import execute_columns
from jcsync.store.tables import MEMO
from tests.unit.store.builders import NOON, database_of, minutes

INSERT = insert(MEMO)
DELETE = delete(MEMO).where(
    MEMO.c.topic == bindparam("p_topic"), MEMO.c.connection == bindparam("p_connection")
)


def test_columns_become_rows(store: SqlStore) -> None:
    """Each value is converted as by any other statement, those that all rows share as well."""
    with database_of(store).write() as tx:
        columns = {"value": ["a\x00b", "\ud800"], "topic": ("one", "two")}
        inserted = execute_columns(tx, INSERT, columns, {"connection": "a\x00", "at": NOON})
        columns = {"topic": ["three"], "at": [NOON + minutes(1)]}
        execute_columns(tx, INSERT, columns, {"connection": "a\x00", "value": "x"})

    assert inserted == 2
    assert store.memos("a\x00") == {
        "one": Memo(value="a\u2400b", at=NOON),
        "two": Memo(value="\ufffd", at=NOON),
        "three": Memo(value="x", at=NOON + minutes(1)),
    }


def test_rows_that_are_there_are_counted(store: SqlStore) -> None:
    """What a statement finds nothing for does not count, and is no error."""
    store.record_memo("keepnet", "one", "x")
    store.record_memo("keepnet", "two", "x")

    with database_of(store).write() as tx:
        topics = {"p_topic": ["one", "nine", "two"]}
        assert execute_columns(tx, DELETE, topics, {"p_connection": "keepnet"}) == 2

    assert store.memos("keepnet") == {}
