"""The exit status that scripts rely on."""

import itertools

import pytest

from jcsync.cli.common import first_status
from jcsync.cli.exits import error_status, plan_status, run_status
from jcsync.errors import (
    ConflictError,
    JcsyncError,
    LeaseHeldError,
    LeaseLostError,
    NotFoundError,
    RejectedError,
    RemoteError,
    SettingsError,
    StalePlanError,
    StoppedError,
    StoreError,
    TransientError,
    UnauthorizedError,
    UnknownOutcomeError,
    UnreadableError,
    UsageError,
)
from jcsync.model.report import ErrorKind, RunError, RunOutcome
from tests.factories import a_change, a_plan, a_report, a_violation


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (JcsyncError("?"), 1),
        (StoreError("disk full"), 1),
        (SettingsError("missing"), 2),
        (UsageError("nobody"), 2),
        (StoppedError("signal"), 3),
        (LeaseHeldError("held", owner="other"), 5),
        (LeaseLostError("lost"), 5),
        (RemoteError("500"), 6),
        (TransientError("503"), 6),
        (UnknownOutcomeError("502"), 6),
        (NotFoundError("404"), 6),
        (ConflictError("409"), 6),
        (RejectedError("400"), 6),
        (UnreadableError("HTML"), 6),
        (UnauthorizedError("401"), 6),
        (StalePlanError("moved"), 7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_has_its_status(error: JcsyncError, status: int) -> None:
    """By what the operator does next."""
    assert error_status(error) == status


KINDS = {
    ErrorKind.UNEXPECTED: 1,
    ErrorKind.SETTINGS: 2,
    ErrorKind.NOBODY: 2,
    ErrorKind.REFUSED: 3,
    ErrorKind.STOPPED: 3,
    ErrorKind.LEASE: 5,
    ErrorKind.UNREADABLE: 6,
    ErrorKind.STALE_PLAN: 7,
}


@pytest.mark.parametrize("kind", ErrorKind)
def test_run_that_ended_early_has_the_status_of_its_error(kind: ErrorKind) -> None:
    """Whatever else it found."""
    report = a_report(error=RunError(kind=kind, message="?"), hold=1, violations=(a_violation(),))

    assert run_status(report) == plan_status(report, exit_code=True) == KINDS[kind]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 0),
        ({"outcome": RunOutcome.APPLIED}, 0),
        ({"outcome": RunOutcome.PARTIAL}, 3),
        ({"outcome": RunOutcome.HELD, "hold": 1}, 4),
        ({"directory_complete": False}, 6),
        ({"provider_complete": False}, 6),
        ({"provider_complete": False, "hold": 1}, 6),
    ],
)
def test_run_has_the_first_status_that_applies(fields: dict[str, object], status: int) -> None:
    """An incomplete read goes before a hold."""
    assert run_status(a_report(**fields)) == status


@pytest.mark.parametrize(
    ("fields", "plain", "with_exit_code"),
    [
        ({}, 0, 0),
        ({"plan": None}, 0, 0),
        ({"plan": a_plan(a_change())}, 0, 10),
        ({"plan": a_plan(a_change()), "violations": (a_violation(),)}, 0, 4),
        ({"plan": a_plan(a_change()), "directory_complete": False}, 6, 6),
    ],
)
def test_plan_tells_what_is_due_only_when_asked(
    fields: dict[str, object], plain: int, with_exit_code: int
) -> None:
    """A plan without --exit-code ends with 0 also when changes are due or beyond limits."""
    report = a_report(**fields)

    assert plan_status(report, exit_code=False) == plain
    assert plan_status(report, exit_code=True) == with_exit_code


def test_first_status_of_several_connections() -> None:
    """In the order of the contract, whatever the order of the connections."""
    order = [1, 6, 4, 7, 3, 5, 10, 0]

    for first, second in itertools.combinations(order, 2):
        assert first_status([first, second]) == first_status([second, first]) == first


def test_error_of_settings_goes_after_the_unexpected_only() -> None:
    """The contract leaves 2 out: it ends a command before its connections."""
    assert first_status([10, 2, 6]) == 2
    assert first_status([2, 1]) == 1
    assert first_status([]) == 0
