"""How databases are opened, and their transactions."""

import os
import sqlite3
import stat
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from jcsync.errors import StoreError, StorePlaceError
from jcsync.store import SqlStore, open_store
from jcsync.store.database import Database
from tests.unit.store.builders import FixedClock, database_of, run_program


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def usual_umask() -> object:
    """The umask of most systems, under which files are readable by everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_only_the_owner_may_read_the_store(tmp_path: Path) -> None:
    """The file, its companions and the new directories are private; old directories stay."""
    (tmp_path / "old").mkdir(mode=0o755)
    path = tmp_path / "old" / "new" / "newer" / "jcsync.db"

    with open_store(f"sqlite:///{path}", FixedClock()) as store:
        store.pause("keepnet", paused=True)
        assert {entry.name: mode(entry) for entry in path.parent.iterdir()} == {
            "jcsync.db": 0o600,
            "jcsync.db-wal": 0o600,
            "jcsync.db-shm": 0o600,
        }

    assert mode(path.parent) == mode(path.parent.parent) == 0o700
    assert mode(tmp_path / "old") == 0o755


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    """Write-ahead log, full synchronisation, foreign keys, and patience, in every connection."""
    database = Database(f"sqlite:///{tmp_path}/jcsync.db")

    with database.read() as one, database.read() as other:
        for connection in (one, other):
            values = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
            assert values == ["wal", 2, 1, 5000]
    database.close()


def test_a_table_can_be_rebuilt_without_its_children(tmp_path: Path) -> None:
    """A migration that drops and remakes a table deletes no row that refers to it."""
    database = Database(f"sqlite:///{tmp_path}/jcsync.db")
    with database.migrate() as tx:
        tx.execute(text("CREATE TABLE parent (n INTEGER PRIMARY KEY)"))
        tx.execute(text("CREATE TABLE child (n REFERENCES parent ON DELETE CASCADE)"))
        tx.execute(text("INSERT INTO parent VALUES (1)"))
        tx.execute(text("INSERT INTO child VALUES (1)"))

    with database.migrate() as tx:
        tx.execute(text("DROP TABLE parent"))

    with database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM child")).scalar() == 1
    database.close()


@pytest.mark.parametrize("databases", [1, 8])
def test_no_update_is_lost(url: str, databases: int) -> None:
    """8 threads of 100 read-modify-writes each count to 800, in one process as in several."""
    opened = [Database(url) for _ in range(databases)]
    with opened[0].write() as tx:
        tx.execute(text("CREATE TABLE counter (n INTEGER)"))
        tx.execute(text("INSERT INTO counter VALUES (0)"))
    lock = "FOR UPDATE" if opened[0].dialect == "postgresql" else ""

    def count(database: Database) -> None:
        for _ in range(100):
            with database.write() as tx:
                n = tx.execute(text(f"SELECT n FROM counter {lock}")).scalar_one()  # noqa: S608
                tx.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=count, args=(opened[n % databases],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with opened[0].read() as tx:
        assert tx.execute(text("SELECT n FROM counter")).scalar_one() == 800
    for database in opened:
        database.close()


def test_a_reader_waits_for_no_writer(url: str) -> None:
    """A page is shown while a run writes; it sees what was committed."""
    with open_store(url, FixedClock()) as store, database_of(store).write() as tx:
        tx.execute(text("DELETE FROM lease"))
        assert store.connection("keepnet").managed == 0


def test_an_error_undoes_the_transaction(url: str) -> None:
    """Errors of the block come out as they are."""
    with open_store(url, FixedClock()) as store:
        with pytest.raises(ZeroDivisionError), database_of(store).write() as tx:  # noqa: PT012
            tx.execute(text("DROP TABLE finding"))
            _ = 1 / 0
        with database_of(store).read() as tx:
            assert tx.execute(text("SELECT count(*) FROM finding")).scalar() == 0


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("no url with hunter2", "no database URL"),
        ("postgresql+psycopg://ann:hunter2@host:port/x", "no database URL"),
        ("mysql://ann:hunter2@host/x", "mysql is not supported"),
        ("postgresql+psycopg2://ann:hunter2@host/x", "psycopg2 is not supported"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?uri=true", "names no file"),
    ],
)
def test_a_wrong_url_is_refused(url: str, message: str) -> None:
    """What is expected is shown, the URL is not: it may hold a password."""
    with pytest.raises(StorePlaceError, match=message) as refused:
        open_store(url, FixedClock())

    assert "sqlite:////path/to/jcsync.db" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_an_unreachable_server_is_named_without_the_password(scheme: str) -> None:
    """Host and database are told; user, password and options are not."""
    url = f"{scheme}://ann:hunter2@127.0.0.1:1/jcsync?connect_timeout=3&sslpassword=hunter2"

    with pytest.raises(StoreError, match="no connection; see that PostgreSQL runs") as refused:
        open_store(url, FixedClock())

    assert str(refused.value).startswith("the store (PostgreSQL, 127.0.0.1:1/jcsync): ")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is not None


@pytest.mark.parametrize(
    ("replaced", "by", "message"),
    [
        ("/jcsync_", "/no_such_", "the database does not exist"),
        ("jcsync@", "nobody_knows_me:hunter2@", "refuses the login"),
    ],
)
def test_a_refused_login_is_explained(
    shared_url: str, replaced: str, by: str, message: str
) -> None:
    """A missing database and an unknown user are told apart from a server that is down."""
    with pytest.raises(StorePlaceError, match=message) as refused:
        open_store(shared_url.replace(replaced, by), FixedClock())

    assert "hunter2" not in str(refused.value)


def test_a_driver_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command that installs it is told."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StoreError, match=r'pip install "jcsync\[postgres\]"'):
        open_store("postgresql://ann@localhost/x", FixedClock())


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    """A file of something else is not touched."""
    path = tmp_path / "jcsync.db"
    path.write_text("a shopping list\n" * 100)

    with pytest.raises(StoreError, match=r"jcsync.db\): it is damaged or no SQLite database"):
        open_store(f"sqlite:///{path}", FixedClock())

    assert path.read_text() == "a shopping list\n" * 100


def test_a_damaged_store_is_noticed(tmp_path: Path) -> None:
    """Pages that were overwritten are reported as damage."""
    path = tmp_path / "jcsync.db"
    open_store(f"sqlite:///{path}", FixedClock()).close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))

    with (
        pytest.raises(StoreError, match="it is damaged"),
        open_store(f"sqlite:///{path}", FixedClock()) as store,
    ):
        store.connection("keepnet")


def test_a_directory_in_the_place_of_the_file(tmp_path: Path) -> None:
    """It cannot be opened, and the message says what to look at."""
    with pytest.raises(
        StorePlaceError, match="cannot be opened; see that its directory exists, that"
    ):
        open_store(f"sqlite:///{tmp_path}", FixedClock())


def test_a_file_in_the_place_of_a_directory(tmp_path: Path) -> None:
    """Another place is needed."""
    (tmp_path / "file").write_text("")

    with pytest.raises(
        StorePlaceError, match=r"its directory does not exist and.*store\.url"
    ) as refused:
        open_store(f"sqlite:///{tmp_path}/file/jcsync.db", FixedClock())

    assert isinstance(refused.value.__cause__, OSError)


def test_a_store_that_another_process_keeps_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patience ends."""
    monkeypatch.setattr("jcsync.store.database._BUSY_MS", 50)
    path = tmp_path / "jcsync.db"
    with open_store(f"sqlite:///{path}", FixedClock()) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreError, match="locked for too long"):
            store.pause("keepnet", paused=True)

        other.execute("ROLLBACK")
        store.pause("keepnet", paused=True)
        other.close()


@pytest.mark.parametrize(("patience_ms", "opens"), [(5000, True), (50, False)])
def test_a_file_in_use_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience_ms: int, opens: bool
) -> None:
    """A file that is not yet a write-ahead log, and that somebody reads, is switched when it can be."""
    monkeypatch.setattr("jcsync.store.database._BUSY_MS", patience_ms)
    path = tmp_path / "jcsync.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE other (n)")
    other.execute("BEGIN")
    other.execute("SELECT * FROM other").fetchall()
    leaving = threading.Timer(0.2, other.execute, ["COMMIT"])
    leaving.start()

    if opens:
        open_store(f"sqlite:///{path}", FixedClock()).close()
    else:
        with pytest.raises(StoreError, match="locked for too long"):
            open_store(f"sqlite:///{path}", FixedClock())

    leaving.join()
    other.close()


class BusyAtFirst(sqlite3.Connection):
    """A connection that meets another which is switching the same file, as SQLite reports it."""

    refusals = 2

    def execute(self, sql: str, *rest: object) -> sqlite3.Cursor:
        """Refuse without waiting, twice."""
        if "journal_mode" in sql and self.refusals:
            self.refusals -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return super().execute(sql, *rest)


def test_the_switch_to_a_log_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that switch a new file at once: SQLite refuses one without waiting."""
    connect = sqlite3.dbapi2.connect
    monkeypatch.setattr(
        sqlite3.dbapi2, "connect", lambda *a, **k: connect(*a, factory=BusyAtFirst, **k)
    )

    with open_store(f"sqlite:///{tmp_path}/jcsync.db", FixedClock()) as store:
        assert store.runs() == ()


FULL = """
import resource, sys
from jcsync.errors import StoreError
from jcsync.store import SqlStore, open_store
from tests.unit.store.builders import database_of, FixedClock, a_link

with open_store(sys.argv[1], FixedClock()) as store:
    store.record_links("keepnet", [a_link("ann")])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    try:
        store.record_links("keepnet", [a_link(f"u{n}") for n in range(20_000)])
    except StoreError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(len(store.links("keepnet")))
    store.record_links("keepnet", [a_link("bob")])
    print(len(store.links("keepnet")))
"""


def test_a_file_that_cannot_grow_loses_nothing(tmp_path: Path) -> None:
    """What was recorded before stays, and the store works again when there is room."""
    printed = run_program(FULL, f"sqlite:///{tmp_path}/jcsync.db").splitlines()

    assert "jcsync.db): the disk" in printed[0]
    assert printed[1:] == ["1", "2"]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """SQLite's own word for it reaches the operator."""
    with open_store(f"sqlite:///{tmp_path}/jcsync.db", FixedClock()) as store:
        with database_of(store).write() as tx:
            tx.exec_driver_sql("PRAGMA max_page_count = 1")
        with (
            pytest.raises(StoreError, match="the disk is full; free some space"),
            database_of(store).write() as tx,
        ):
            tx.exec_driver_sql("CREATE TABLE big AS SELECT zeroblob(1000000)")
        assert store.links("keepnet") == ()


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_process_stopped_in_a_transaction_hangs_nobody_on_postgresql(store: SqlStore) -> None:
    """Its transaction, and with it the row of its lease, is given up before the lease expires."""
    with database_of(store).read() as tx:
        assert tx.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "30s"
