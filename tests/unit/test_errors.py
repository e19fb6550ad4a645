"""The tree of errors: a class stands for what the caller does next."""

import pytest

from jcsync import errors
from jcsync.errors import (
    JcsyncError,
    LeaseHeldError,
    RemoteError,
    TransientError,
    UnknownOutcomeError,
)


def test_every_error_is_caught_at_the_front_door() -> None:
    """Nothing that jcsync raises on purpose shows a traceback."""
    found = [v for v in vars(errors).values() if getattr(v, "__module__", "") == errors.__name__]

    assert len(found) > 10
    assert all(issubclass(cls, JcsyncError) for cls in found)


def test_remote_error_keeps_its_status() -> None:
    """None stands for no answer."""
    assert RemoteError("500", status=500).status == 500
    assert RemoteError("no answer").status is None


def test_transient_error_keeps_the_time_that_the_server_asked_for() -> None:
    """And may be tried again, even when its outcome is unknown."""
    error = UnknownOutcomeError("503", status=503, retry_after=7)

    assert (str(error), error.status, error.retry_after) == ("503", 503, 7)
    with pytest.raises(TransientError):
        raise error


def test_lease_error_keeps_its_owner() -> None:
    """So that a person knows whom to look for."""
    assert LeaseHeldError("held", owner="host:1").owner == "host:1"
