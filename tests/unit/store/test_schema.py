"""The tables and their migrations."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, text

from jcsync.errors import StoreError
from jcsync.store import open_store
from jcsync.store.database import Database
from jcsync.store.schema import HEAD, build_config
from jcsync.store.tables import METADATA
from tests.unit.store.builders import FixedClock, database_of, run_program

OPEN = """
import sys
from jcsync.store import open_store
from tests.unit.store.builders import database_of, FixedClock

with open_store(sys.argv[1], FixedClock()) as store:
    store.pause(sys.argv[2], paused=True)
    print("alembic" in sys.modules)
"""


def make_store_of(url: str, revision: str) -> None:
    """Build an empty store as an earlier version had it, in the place of what is there."""
    database = Database(url)
    with database.migrate() as tx:
        present = MetaData()
        present.reflect(tx)
        present.drop_all(tx)
        command.upgrade(build_config(tx), revision)
    database.close()


def test_head_is_the_newest_migration(url: str) -> None:
    """The constant that spares the import of Alembic tells the truth."""
    with open_store(url, FixedClock()) as store, database_of(store).read() as tx:
        assert ScriptDirectory.from_config(build_config(tx)).get_heads() == [HEAD]


def test_the_migrations_build_exactly_the_tables(url: str) -> None:
    """What ``alembic check`` looks at: columns, types, keys and indexes."""
    make_store_of(url, "0001")

    with open_store(url, FixedClock()) as store, database_of(store).read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_a_new_store_is_built_like_an_old_one(url: str) -> None:
    """Those that begin with this version have what the migrations make, and are marked as such."""
    with open_store(url, FixedClock()) as store, database_of(store).read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == HEAD


def test_migrated_tables_are_laid_out_as_new_ones(tmp_path: Path) -> None:
    """What the comparison does not see: which tables of SQLite have rows of their own."""
    paths = tmp_path / "new.db", tmp_path / "old.db"
    make_store_of(f"sqlite:///{paths[1]}", "0003")
    for path in paths:
        with open_store(f"sqlite:///{path}", FixedClock()) as store:
            store.record_decided("keepnet", {"ann": "1"})

    laid_out = []
    for path in paths:
        with closing(sqlite3.connect(path)) as there:
            rows = there.execute("SELECT name, wr FROM pragma_table_list").fetchall()
            laid_out.append(sorted(rows))

    assert laid_out[0] == laid_out[1]
    assert ("decided", 1) in laid_out[0]


def test_a_migration_keeps_what_is_there(url: str) -> None:
    """Rebuilding a table loses no row of it."""
    make_store_of(url, "0003")
    database = Database(url)
    with database.write() as tx:
        tx.execute(text("INSERT INTO decided VALUES ('keepnet', 'ann', 'sha256:1')"))
    database.close()

    with open_store(url, FixedClock()) as store:
        assert store.decided("keepnet") == {"ann": "sha256:1"}
        store.record_decided("keepnet", {"ann": "sha256:2"})
        assert store.decided("keepnet") == {"ann": "sha256:2"}


def test_only_an_old_store_needs_alembic(url: str) -> None:
    """Its import takes a tenth of a second, which a first run and all later ones do without."""
    assert run_program(OPEN, url, "one") == "False\n"
    assert run_program(OPEN, url, "two") == "False\n"
    make_store_of(url, "0002")
    assert run_program(OPEN, url, "three") == "True\n"


def test_many_processes_open_a_new_store_at_once(url: str) -> None:
    """One makes the tables, the others wait; all can write."""
    names = [f"c{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: run_program(OPEN, url, name), names))

    with open_store(url, FixedClock()) as store:
        assert all(store.connection(name).paused for name in names)


def test_many_threads_open_a_new_store_at_once(url: str) -> None:
    """As with processes."""
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: open_store(url, FixedClock()), range(6)))

    for store in stores:
        store.pause("keepnet", paused=True)
        store.close()


def test_a_newer_store_is_left_alone(url: str) -> None:
    """An older version of jcsync refuses it, and says what to do."""
    with open_store(url, FixedClock()) as store, database_of(store).write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match=f"newer version of jcsync .revision 9999.*{HEAD}"):
        open_store(url, FixedClock())


def test_an_older_store_is_migrated_though_not_created(url: str) -> None:
    """A store whose migration was rolled back, or is of an earlier version, is brought up."""
    with open_store(url, FixedClock()) as store, database_of(store).write() as tx:
        for table in reversed(METADATA.sorted_tables):
            tx.execute(text(f'DROP TABLE "{table.name}"'))
        tx.execute(text("DELETE FROM alembic_version"))

    with open_store(url, FixedClock()) as store:
        assert store.runs() == ()


def test_reading_creates_no_store(url: str, tmp_path: Path) -> None:
    """Who only looks is told that nothing is there yet."""
    with pytest.raises(StoreError, match=r"there is no store yet.*the first run creates it"):
        open_store(url, FixedClock(), create=False)

    assert list(tmp_path.iterdir()) == []
    open_store(url, FixedClock()).close()
    open_store(url, FixedClock(), create=False).close()


def test_an_empty_file_is_no_store_yet(tmp_path: Path) -> None:
    """What a process left that died between making the file and the tables."""
    path = tmp_path / "jcsync.db"
    path.touch()

    with pytest.raises(StoreError, match="there is no store yet"):
        open_store(f"sqlite:///{path}", FixedClock(), create=False)
    with open_store(f"sqlite:///{path}", FixedClock()) as store:
        assert store.runs() == ()


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Tables are made all together or not at all."""
    path = tmp_path / "jcsync.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE run (mine)")
    other.close()

    with pytest.raises(StoreError, match="table run already exists"):
        open_store(f"sqlite:///{path}", FixedClock())

    other = sqlite3.connect(path)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("run",)]
    other.close()
