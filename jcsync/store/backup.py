"""Copies of a store: made while others use it, checked, and put back.

SQLite copies its pages in one transaction, in either direction: a copy is a state that was, and
processes that have the store open see it replaced as a whole. PostgreSQL has tools of its own.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import Select, Table, func, inspect, select

from jcsync.errors import StoreError, UsageError
from jcsync.ports import Clock
from jcsync.store.database import Database, sqlite_file
from jcsync.store.failures import translated
from jcsync.store.schema import HEAD, read_revision
from jcsync.store.sqlstore import open_store
from jcsync.store.tables import METADATA

_TABLES: Final = frozenset({"alembic_version", "link", "run"})
_SIDES: Final = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCheck:
    """What a look at a store showed.

    Attributes:
        place: Path, or host and database.
        revision: Of its tables.
        problems: What the database finds wrong with itself.
        counts: Rows by table.
    """

    place: str
    revision: str
    problems: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def is_current(self) -> bool:
        """Whether its tables are those of this version of jcsync."""
        return self.revision == HEAD


def check_store(url: str) -> StoreCheck:
    """Look whether a store is whole; changes nothing, not even old tables.

    Raises:
        StoreError: It is not there, not readable, or no store of jcsync.
    """
    database = Database(url, create=False)
    try:
        if database.dialect == "sqlite":
            try:
                return check_file(Path(database.place))
            except UsageError as error:
                raise StoreError(str(error)) from error
        with database.read() as tx:
            revision = read_revision(tx)
            if revision is None:
                message = f"{database.place} is no store of jcsync: its tables are missing"
                raise StoreError(message)
            present = set(inspect(tx).get_table_names())
            counts = {
                name: tx.execute(_count(table)).scalar_one()
                for name, table in METADATA.tables.items()
                if name in present
            }
        return StoreCheck(place=database.place, revision=revision, problems=(), counts=counts)
    finally:
        database.close()


def check_file(path: Path) -> StoreCheck:
    """Look whether an SQLite store, or a copy of one, is whole; changes nothing.

    Raises:
        UsageError: It is missing, or no store of jcsync.
        StoreError: It cannot be read.
    """
    if not path.is_file():
        message = f"{path} is no store of jcsync: there is no such file"
        raise UsageError(message)
    with translated(str(path)), closing(_open(path, "ro")) as there:
        names = _table_names(there, path)
        if not set(names) >= _TABLES:
            message = f"{path} is no store of jcsync: it is another database"
            raise UsageError(message)
        found = [row[0] for row in there.execute("PRAGMA integrity_check")]
        problems = [text for text in found if text != "ok"]
        lost = there.execute("PRAGMA foreign_key_check").fetchall()
        problems += [f"{len(lost)} rows without their run"] if lost else []
        (revision,) = there.execute("SELECT version_num FROM alembic_version").fetchone()
        counts = {
            name: int(there.execute(str(_count(table))).fetchone()[0])
            for name, table in METADATA.tables.items()
            if name in names
        }
    return StoreCheck(place=str(path), revision=revision, problems=tuple(problems), counts=counts)


def _table_names(there: sqlite3.Connection, path: Path) -> list[str]:
    try:
        return [row[0] for row in there.execute("SELECT name FROM sqlite_master")]
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        message = f"{path} is no store of jcsync: it is no SQLite database"
        raise UsageError(message) from error


def _count(table: Table) -> Select[int]:
    return select(func.count()).select_from(table)


def back_up(url: str, target: Path) -> StoreCheck:
    """Copy the store into a file of its own, while others may use it, and check the copy.

    Args:
        url: Of an SQLite store.
        target: Replaced as a whole when it is a store of jcsync, refused when it is anything else.

    Raises:
        UsageError: The store is on PostgreSQL, or ``target`` is some other file.
        StoreError: It cannot be read, the file not be written, or the copy is not whole.
    """
    source = _file_of(url, "pg_dump --format custom DATABASE > jcsync.dump")
    check_store(url)
    if target.exists():
        _check_other(target, source)
        check_file(target)
    part = target.with_name(f".{target.name}.part")
    with translated(str(target)):
        try:
            _copy(source, part)
            _settle(part)
            found = check_file(part)
            if found.problems:
                message = f"the copy of {source} is not whole: {'; '.join(found.problems)}"
                raise StoreError(message)
            part.replace(target)
        finally:
            _remove(part)
    return replace(found, place=str(target))


def restore(
    url: str, source: Path, clock: Clock, *, owner: str, suffix: str
) -> tuple[StoreCheck, Path | None]:
    """Put a copy in the place of the store, which is kept beside it.

    Args:
        url: Of an SQLite store; it need not be there, and may be damaged.
        source: A copy that ``back_up`` made.
        clock: Of the store.
        owner: Of the leases that keep runs away meanwhile.
        suffix: Added to the name of the present store where it is kept.

    Returns:
        The restored store, and where the one before is, ``None`` when there was none.

    Raises:
        UsageError: The store is on PostgreSQL, or ``source`` is no store of jcsync.
        LeaseHeldError: A run is under way.
        StoreError: The copy is not whole, or the store cannot be written.
    """
    place = _file_of(url, "pg_restore --clean --dbname DATABASE jcsync.dump")
    found = check_file(source)
    if found.problems:
        message = f"{source} is not whole: {'; '.join(found.problems)}; nothing was restored"
        raise StoreError(message)
    if found.revision > HEAD:
        message = (
            f"{source} is of a newer version of jcsync (revision {found.revision}, this version "
            f"knows {HEAD}); install that version first"
        )
        raise StoreError(message)
    if place.exists():
        _check_other(source, place)
    keep = place.with_name(f"{place.name}.{suffix}") if place.exists() else None
    with translated(str(place)):
        if keep is not None and _is_usable(place):
            with _leases(url, clock, owner):
                _copy(place, keep)
                _settle(keep)
                _copy(source, place)
        else:
            if keep is not None:
                _move_aside(place, keep)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _copy(source, place)
    open_store(url, clock, create=False).close()
    return check_store(url), keep


def _file_of(url: str, instead: str) -> Path:
    path = sqlite_file(url)
    if path is None:
        message = f"the store is on PostgreSQL, which has its own tools: {instead}"
        raise UsageError(message)
    return path


def _check_other(path: Path, store: Path) -> None:
    if path.exists() and path.samefile(store):
        message = f"{path} is the store itself; name another file"
        raise UsageError(message)


def _is_usable(place: Path) -> bool:
    """Whether a store can be read at all: a damaged one is replaced, not written into."""
    try:
        return not check_file(place).problems
    except (StoreError, UsageError):
        return False


@contextmanager
def _leases(url: str, clock: Clock, owner: str) -> Iterator[None]:
    """Keep every run away: hold the leases of all connections that the store knows."""
    with open_store(url, clock) as store, ExitStack() as stack:
        for name in store.connection_names():
            stack.enter_context(store.lease(name, owner))
        yield


def _move_aside(place: Path, keep: Path) -> None:
    for side in _SIDES:
        part = Path(f"{place}{side}")
        if part.exists():
            part.replace(f"{keep}{side}")


def _remove(path: Path) -> None:
    for side in _SIDES:
        Path(f"{path}{side}").unlink(missing_ok=True)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)


def _copy(source: Path, target: Path) -> None:
    """Copy all pages in one transaction; a new file is for its owner only."""
    if not target.exists():
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    with closing(_open(source, "ro")) as there, closing(_open(target, "rw")) as here:
        there.backup(here)


def _settle(path: Path) -> None:
    """Make one file of it, without a log beside it, and wait for the disk."""
    with closing(_open(path, "rw")) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
