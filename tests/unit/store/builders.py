"""Values for the store: a test names only what it cares about."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jcsync.model.history import EscrowRecord, OutcomeRecord
from jcsync.model.limits import Violation
from jcsync.model.plan import Action, Change, Plan
from jcsync.model.report import Outcome, RunOutcome, RunReport, Status
from jcsync.model.resource import Kind, Link
from jcsync.store import SqlStore
from jcsync.store.database import Database

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class FixedClock:
    """A clock that stands at noon."""

    def now(self) -> datetime:
        """Noon."""
        return NOON


def database_of(store: SqlStore) -> Database:
    """What is behind the port, to look at and to damage."""
    return store._database  # noqa: SLF001 - as the docstring says


def url_of(store: SqlStore) -> str:
    """The URL that the store was opened with."""
    return database_of(store)._url.render_as_string(hide_password=False)  # noqa: SLF001 - likewise


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def record_outcome(
    store: SqlStore,
    run_id: str,
    connection: str,
    change: Change,
    outcome: Outcome,
    *,
    at: datetime,
    link: Link | None = None,
    escrow: EscrowRecord | None = None,
) -> None:
    """Record one alone."""
    record = OutcomeRecord(change=change, outcome=outcome, at=at, link=link, escrow=escrow)
    store.record_outcomes(run_id, connection, [record])


def a_link(who: str = "ann", *, kind: Kind = Kind.USER, resource_id: str | None = None) -> Link:
    return Link(
        kind=kind,
        external_id=f"jc-{who}",
        resource_id=resource_id or f"scim-{who}",
        name=f"{who}@example.com",
    )


def a_change(who: str = "ann", *, action: Action = Action.PATCH, kind: Kind = Kind.USER) -> Change:
    return Change(
        action=action,
        kind=kind,
        name=f"{who}@example.com",
        external_id=f"jc-{who}",
        resource_id="" if action is Action.CREATE else f"scim-{who}",
        reason="differs from the directory",
        step=1,
    )


def a_plan(*changes: Change, connection: str = "keepnet") -> Plan:
    return Plan(connection=connection, changes=changes)


def applied(n: int = 1, *, resource_id: str = "") -> Outcome:
    return Outcome(n=n, status=Status.APPLIED, resource_id=resource_id)


def failed(n: int = 1, error: str = "400: the platform refused") -> Outcome:
    return Outcome(n=n, status=Status.FAILED, error=error, attempts=3)


def an_escrow(who: str = "ann", *, kind: Kind = Kind.USER, **values: Any) -> EscrowRecord:
    """A resource that failed at noon and is due five minutes later."""
    record = EscrowRecord(
        connection="keepnet",
        kind=kind,
        external_id=f"jc-{who}",
        resource_id=f"scim-{who}",
        name=f"{who}@example.com",
        action=Action.PATCH,
        fingerprint="sha256:1",
        reason="400: the platform refused",
        attempts=1,
        first_failed_at=NOON,
        last_failed_at=NOON,
        next_try_at=NOON + minutes(5),
    )
    return replace(record, **values)


def a_violation(planned: int = 52) -> Violation:
    return Violation(limit="deactivate.count", allowed=50, planned=planned)


def a_report(
    run_id: str = "run-1",
    *,
    outcome: RunOutcome = RunOutcome.APPLIED,
    plan: Plan | None = None,
    outcomes: tuple[Outcome, ...] = (),
    at: datetime = NOON,
) -> RunReport:
    return RunReport(
        run_id=run_id,
        connection="keepnet",
        mode="full",
        outcome=outcome,
        started_at=at,
        finished_at=at + minutes(1),
        directory_complete=True,
        provider_complete=True,
        plan=plan,
        outcomes=outcomes,
    )


def start(
    store: SqlStore,
    run_id: str = "run-1",
    *changes: Change,
    connection: str = "keepnet",
    at: datetime = NOON,
) -> Plan:
    """Start a run and record its plan."""
    store.record_start(run_id, connection, mode="full", trigger="manual", started_at=at)
    plan = a_plan(*changes, connection=connection)
    store.record_plan(run_id, plan, at=at)
    return plan


def wait_until(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        pause(0.02)


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def start_program(text: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a program in a process of its own, with the builders at hand."""
    return subprocess.Popen(
        [sys.executable, "-c", text, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_program(text: str, *arguments: str) -> str:
    """Run a program to its end and return what it printed."""
    with start_program(text, *arguments) as program:
        printed, _ = program.communicate(timeout=30)
    assert program.returncode == 0, printed
    return printed
