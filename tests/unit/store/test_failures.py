"""Errors of databases and file systems, in words for the operator."""

import errno

import psycopg.errors
import pytest
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from jcsync.errors import StoreError
from jcsync.store.failures import translated


def wrapped(cause: BaseException) -> DBAPIError:
    return DBAPIError("SELECT secrets", {"name": "hunter2"}, cause, hide_parameters=True)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left"), "the disk is full"),
        (OSError(errno.EDQUOT, "Quota"), "the disk is full"),
        (OSError(errno.EROFS, "Read-only"), "it is read-only"),
        (OSError(errno.EACCES, "Denied"), "permission denied"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (OSError(), "OSError"),
        (PoolTimeoutError(), "locked for too long"),
        (InvalidRequestError("whatever"), "unexpected InvalidRequestError"),
        (wrapped(psycopg.errors.DiskFull()), "the disk is full.*SQLSTATE 53100"),
        (wrapped(psycopg.errors.TooManyConnections()), "lacks memory or connections"),
        (wrapped(psycopg.errors.InvalidPassword()), "refuses the login"),
        (wrapped(psycopg.errors.InsufficientPrivilege()), "grant the right"),
        (wrapped(psycopg.errors.ReadOnlySqlTransaction()), "it is read-only"),
        (wrapped(psycopg.errors.LockNotAvailable()), "locked for too long"),
        (wrapped(psycopg.errors.DeadlockDetected()), "locked for too long"),
        (wrapped(psycopg.errors.AdminShutdown()), "run again"),
        (wrapped(psycopg.errors.UniqueViolation()), "refuses a statement .SQLSTATE 23505"),
        (wrapped(psycopg.OperationalError("no pg_hba.conf entry")), "refuses the login"),
        (wrapped(psycopg.OperationalError('database "x" does not exist')), "create it"),
        (wrapped(psycopg.OperationalError("connection refused")), "no connection"),
    ],
)
def test_the_remedy_is_named(error: Exception, message: str) -> None:
    """What is the matter, and what to do; the error itself is kept beside it."""
    expected = rf"^the store \(here\): .*{message}"
    with pytest.raises(StoreError, match=expected) as raised, translated("here"):
        raise error

    assert raised.value.__cause__ is error
    assert "hunter2" not in str(raised.value)
    assert "secrets" not in str(raised.value)


def test_other_errors_pass() -> None:
    """A mistake of ours is not blamed on the database."""
    with pytest.raises(ZeroDivisionError), translated("here"):
        _ = 1 / 0
