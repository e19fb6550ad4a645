"""One database, SQLite or PostgreSQL: how it is opened, and its two kinds of transaction.

    write()   sees and changes; on SQLite one at a time (``BEGIN IMMEDIATE``)
    read()    one consistent view, changes nothing, waits for no writer

The defaults of Python's ``sqlite3`` lose updates silently: they begin a transaction only
before the first writing statement, so that two read-modify-writes overlap. Hence the events
below, which a test with eight threads guards.
"""

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import URL, Connection, Engine, NullPool, Table, create_engine, event, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from jcsync.errors import StoreError, StorePlaceError
from jcsync.store.failures import translated

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

_BUSY_MS: Final = 5000
_IDLE_MS: Final = 30_000
_SWITCH_PAUSE_S: Final = 0.01
_CONNECT_S: Final = 10
_READING: Final = "jcsync_reading"
_FORMS: Final = "sqlite:////path/to/jcsync.db or postgresql+psycopg://user@host/database"

Insert: TypeAlias = "sqlite.Insert | postgresql.Insert"


class Database:
    """An open database without regard to what is in it."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Prepare the file and the pool; connects to nothing yet.

        Args:
            url: ``sqlite:///…`` with a path, or ``postgresql+psycopg://…``.
            create: Whether a missing file, and the directories above it, are made.

        Raises:
            StoreError: The URL is neither, or the file is missing or cannot be made.
        """
        self._url = _parse_url(url)
        self.place: Final = _describe(self._url)
        self.dialect: Final = self._url.get_backend_name()
        self._is_sqlite = self.dialect == "sqlite"
        # Threads of one process queue here: SQLite's own waiting is polling, with long pauses.
        self._writing = threading.Lock()
        if self._is_sqlite:
            with translated(self.place):
                _prepare_file(Path(str(self._url.database)), create=create)
        self._engine = self._build_engine(pooled=True)
        self._reading_engine = self._engine.execution_options(**{_READING: True})

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block, or rolled back by an error.

        Raises:
            StoreError: It could not be begun, carried out or committed.
        """
        with translated(self.place):
            if self._is_sqlite:
                with self._writing, self._engine.begin() as connection:
                    yield connection
            else:
                with self._engine.begin() as connection:
                    yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads.

        Raises:
            StoreError: It could not be begun or carried out.
        """
        with translated(self.place), self._reading_engine.begin() as connection:
            yield connection

    @contextmanager
    def migrate(self) -> Iterator[Connection]:
        """A transaction of its own connection in which tables may be rebuilt.

        On SQLite without foreign keys: rebuilding a table must not delete what refers to it.

        Raises:
            StoreError: It could not be begun, carried out or committed.
        """
        engine = self._build_engine(pooled=False)
        try:
            with translated(self.place), engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def room(self) -> int | None:
        """Return how many bytes are left on the disk of the file, ``None`` for a server."""
        if not self._is_sqlite:
            return None
        with translated(self.place):
            return shutil.disk_usage(Path(str(self._url.database)).parent).free

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _build_engine(self, *, pooled: bool) -> Engine:
        # hide_parameters: statements in tracebacks must not show names of people.
        options: dict[str, Any] = {"hide_parameters": True}
        if not pooled:
            options["poolclass"] = NullPool
        elif self._is_sqlite:
            options |= {"pool_size": 4, "max_overflow": 28}
        else:
            options |= {"pool_size": 4, "max_overflow": 28, "pool_pre_ping": True}
        if not self._is_sqlite and "connect_timeout" not in self._url.query:
            options["connect_args"] = {"connect_timeout": _CONNECT_S}
        try:
            engine = create_engine(self._url, **options)
        except ModuleNotFoundError as error:
            message = (
                f'the driver of PostgreSQL is missing: pip install "jcsync[postgres]" ({error})'
            )
            raise StorePlaceError(message) from error
        if self._is_sqlite:
            event.listen(engine, "connect", _set_up_sqlite if pooled else _set_up_sqlite_bare)
            event.listen(engine, "begin", _begin)
        else:
            event.listen(engine, "connect", _set_up_postgresql)
        return engine


def sqlite_file(url: str) -> Path | None:
    """Return the file of a store, ``None`` for one on PostgreSQL.

    Raises:
        StoreError: The URL is neither.
    """
    parsed = _parse_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def insert_into(table: Table, dialect: str) -> Insert:
    """An ``INSERT`` that can say ``ON CONFLICT``.

    Args:
        table: Where to.
        dialect: ``sqlite`` or ``postgresql``.
    """
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - most stores are files

    return postgresql.insert(table)


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The parser's own message may quote the URL with its password.
        message = f"store.url is no database URL; expected {_FORMS}"
        raise StorePlaceError(message) from None
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            if parsed.database in {None, "", ":memory:"} or parsed.query:
                message = f"store.url names no file; expected {_FORMS}"
                raise StorePlaceError(message)
            return parsed.set(database=str(Path(str(parsed.database)).absolute()))
        case "postgres" | "postgresql" | "postgresql+psycopg":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            message = f"store.url: {other} is not supported; expected {_FORMS}"
            raise StorePlaceError(message)


def _describe(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "localhost"
    return f"PostgreSQL, {host}:{url.port or url.query.get('port') or 5432}/{url.database or ''}"


def _prepare_file(path: Path, *, create: bool) -> None:
    if path.exists():
        return
    if not create:
        message = f"there is no store yet at {path}; the first run creates it"
        raise StoreError(message)
    for directory in reversed(path.parents):
        if not directory.exists():
            directory.mkdir(mode=0o700, exist_ok=True)
    # SQLite would make it by the umask; its -wal and -shm files take the mode of this one.
    # Never of a file that is there: closing it would drop the locks of other threads.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _set_up_sqlite(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    _set_up_sqlite_bare(connection, entry)
    connection.execute("PRAGMA foreign_keys = ON")


def _set_up_sqlite_bare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # Leaves BEGIN to the event below.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # A new file is switched once, and SQLite does not wait when another process is doing it.
    deadline = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            threading.Event().wait(_SWITCH_PAUSE_S)
        else:
            return


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _set_up_postgresql(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - psycopg is optional
    # As on SQLite: a process that was stopped in a transaction must not hang all others, nor
    # keep the row of its lease, which its last transaction has locked, beyond the expiry.
    connection.execute(f"SET lock_timeout = {_BUSY_MS}")
    connection.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}")
    connection.commit()
