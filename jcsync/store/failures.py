"""Errors of SQLAlchemy, SQLite, PostgreSQL and the file system, in words for the operator.

No message shows the URL, which may hold a password, nor a statement, which holds names.
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from jcsync.errors import StoreError, StorePlaceError

_FULL = "the disk is full; free some space and run again"
_READ_ONLY = "it is read-only; make the file, its directory and the file system writable"
_LOCKED = (
    "another process has kept it locked for too long; see whether one hangs or was stopped, "
    "and run again"
)
_DENIED = "permission denied; run as the user that owns it, or give this user the right"
_DAMAGED = (
    "it is damaged or no SQLite database; restore a backup, or move it away and start with a "
    "new one: accounts are then matched by externalId again, and the history is lost"
)
_UNOPENABLE = (
    "it cannot be opened; see that its directory exists, that this user may write there, and that "
    "the file system is not read-only"
)
_NO_DIRECTORY = "its directory does not exist and cannot be made; create it, or name another place"
_IO = "the disk failed to read or write it; see the system log and the limits on file size"
_UNREACHABLE = "no connection; see that PostgreSQL runs and that host, port and network are right"
_REFUSED = "PostgreSQL refuses the login; see user, password and pg_hba.conf"

_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.ENOENT: _NO_DIRECTORY,
    errno.ENOTDIR: _NO_DIRECTORY,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
}
_BY_SQLITE_NAME = {
    "SQLITE_FULL": _FULL,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_PERM": _DENIED,
    "SQLITE_AUTH": _DENIED,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_CANTOPEN": _UNOPENABLE,
    "SQLITE_IOERR": _IO,
}
# PostgreSQL, appendix A; the first two characters are the class.
_BY_SQLSTATE = {
    "53100": _FULL,
    "53": "PostgreSQL lacks memory or connections",
    "28": _REFUSED,
    "3D": "the database does not exist; create it",
    "42501": "PostgreSQL refuses it to this user; grant the right to create and write tables",
    "25006": _READ_ONLY,
    "55P03": _LOCKED,
    "40": _LOCKED,
    "57": "PostgreSQL is starting, stopping or ended the session; run again",
    "08": _UNREACHABLE,
}


_OF_THE_PLACE = frozenset({_READ_ONLY, _DENIED, _UNOPENABLE, _REFUSED, _BY_SQLSTATE["3D"]})
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Raise ``StoreError`` for whatever the database or the file system raises inside.

    Args:
        place: What the operator calls the store: a path, or host and database.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        message = f"the store ({place}): {_remedy(error)}"
        raise StoreError(message) from error


def placed(error: StoreError) -> StoreError:
    """Return what an error means that kept a store from being opened.

    Returns:
        A ``StorePlaceError`` where another place, or other rights, would help; else the same.
    """
    cause = error.__cause__
    if isinstance(cause, OSError):
        misplaced = cause.errno not in _PASSING
    else:
        misplaced = isinstance(cause, SQLAlchemyError) and any(
            remedy in str(error) for remedy in _OF_THE_PLACE
        )
    return StorePlaceError(f"{error} (store.url)") if misplaced else error


def _remedy(error: SQLAlchemyError | sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0) or f"{error.strerror or type(error).__name__}"
    if isinstance(error, PoolTimeoutError):
        return _LOCKED
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "")
        return _BY_SQLITE_NAME.get("_".join(name.split("_")[:2])) or f"SQLite says: {cause}"
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate:
        known = _BY_SQLSTATE.get(sqlstate) or _BY_SQLSTATE.get(sqlstate[:2])
        return f"{known or 'PostgreSQL refuses a statement'} (SQLSTATE {sqlstate})"
    if isinstance(error, DBAPIError):
        return _refused_connection(str(cause)) if cause else _UNREACHABLE
    return f"unexpected {type(error).__name__}"


def _refused_connection(message: str) -> str:
    # A login that fails has no SQLSTATE in psycopg, only libpq's English or translated text.
    if any(word in message for word in ("password", "authentication", "pg_hba", "role ")):
        return _REFUSED
    return _BY_SQLSTATE["3D"] if "does not exist" in message else _UNREACHABLE
