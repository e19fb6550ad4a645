"""Errors and reports → exit status.

Source:
    ``docs/exit-status.md``.
"""

from jcsync.errors import (
    JcsyncError,
    LeaseHeldError,
    LeaseLostError,
    RemoteError,
    SettingsError,
    StalePlanError,
    StoppedError,
    UsageError,
)
from jcsync.model.report import ErrorKind, RunOutcome, RunReport

DONE, UNEXPECTED, USAGE, SOME_FAILED, HELD, LEASE, UNREADABLE, STALE = 0, 1, 2, 3, 4, 5, 6, 7
CHANGES_DUE = 10

_BY_ERROR: tuple[tuple[type[JcsyncError], int], ...] = (
    (SettingsError, USAGE),
    (UsageError, USAGE),
    (LeaseHeldError, LEASE),
    (LeaseLostError, LEASE),
    (StalePlanError, STALE),
    (StoppedError, SOME_FAILED),
    (RemoteError, UNREADABLE),
)
_BY_KIND = {
    ErrorKind.SETTINGS: USAGE,
    ErrorKind.NOBODY: USAGE,
    ErrorKind.LEASE: LEASE,
    ErrorKind.UNREADABLE: UNREADABLE,
    ErrorKind.STALE_PLAN: STALE,
    ErrorKind.REFUSED: SOME_FAILED,
    ErrorKind.STOPPED: SOME_FAILED,
    ErrorKind.UNEXPECTED: UNEXPECTED,
}


def error_status(error: JcsyncError) -> int:
    """Return the exit status of an error that ended a command."""
    return next((status for cls, status in _BY_ERROR if isinstance(error, cls)), UNEXPECTED)


def run_status(report: RunReport) -> int:
    """Return the exit status of a run that was to apply its plan."""
    if report.error is not None:
        return _BY_KIND[report.error.kind]
    if not (report.directory_complete and report.provider_complete):
        return UNREADABLE
    if report.outcome is RunOutcome.HELD:
        return HELD
    return SOME_FAILED if report.outcome is RunOutcome.PARTIAL else DONE


def plan_status(report: RunReport, *, exit_code: bool) -> int:
    """Return the exit status of a plan.

    Args:
        report: Of a run that planned only.
        exit_code: Whether the status tells that changes are due or beyond limits.
    """
    if report.error is not None:
        return _BY_KIND[report.error.kind]
    if not (report.directory_complete and report.provider_complete):
        return UNREADABLE
    if exit_code and report.violations:
        return HELD
    return CHANGES_DUE if exit_code and report.plan and report.plan.changes else DONE
