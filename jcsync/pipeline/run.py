"""``run``: read both sides, ``decide``, guard, apply, record. Read this first."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import structlog

from jcsync.errors import JcsyncError, StalePlanError
from jcsync.model.history import FORMER, STANDING
from jcsync.model.report import Finding, RunReport, Status
from jcsync.model.resource import ProviderState
from jcsync.pipeline.decide import decide
from jcsync.pipeline.drift import remember_rest
from jcsync.pipeline.fast import (
    EventLog,
    FullRunDueError,
    Watch,
    build_baseline,
    differences,
    look_fast,
    refuse_gaps,
    refuse_plan,
    watch_everything,
)
from jcsync.pipeline.orders import Connection, Decision, Memory, Order, Progress
from jcsync.pipeline.organization import organization_checked
from jcsync.pipeline.reading import (
    map_directory,
    read_accounts,
    read_everybody,
    read_group,
    read_person,
    read_platform,
    recall,
)
from jcsync.pipeline.recorder import Recorder
from jcsync.ports import Lease
from jcsync.stages.decided import blocked_marks, fingerprints
from jcsync.stages.former import dump_former
from jcsync.stages.guard import check_plan
from jcsync.stages.mapping import DesiredState
from jcsync.stages.record import record_matching
from jcsync.stages.standing import (
    dump_standing,
    parse_standing,
    still_standing,
    still_waiting,
)
from jcsync.tracing import Span, run_span


def run(
    connection: Connection, order: Order, progress: Progress = lambda _stage, _done, _all: None
) -> RunReport:
    """Make the platform agree with the directory, or say what that would take.

    Errors end up in the report: a run always has one.

    Args:
        connection: What to work with.
        order: What to do.
        progress: Told how far it is.
    """
    record = Recorder(connection, order, progress)
    about = {"connection": connection.name, "run_id": record.run_id}
    named = {f"jcsync.{name}": value for name, value in about.items()}
    with structlog.contextvars.bound_contextvars(**about), run_span(named) as traced:
        try:
            with _lease(connection, order) as lease:
                report = _recorded(connection, order, record, lease)
        except JcsyncError as error:  # of the lease itself
            record.fail(error)
            report = record.finish()
        _trace_end(traced, report, order)
        return report


def _trace_end(traced: Span, report: RunReport, order: Order) -> None:
    applied = sum(outcome.status is Status.APPLIED for outcome in report.outcomes)
    traced.tell(
        {
            "jcsync.mode": report.mode,
            "jcsync.trigger": order.trigger,
            "jcsync.outcome": report.outcome.value,
            "jcsync.changes.planned": len(report.plan.changes) if report.plan else 0,
            "jcsync.changes.applied": applied,
        }
    )
    if report.error is not None:
        traced.fail(report.error.kind.value)


def _recorded(
    connection: Connection, order: Order, record: Recorder, lease: Lease | None
) -> RunReport:
    """Run, and record how it ended while the lease is still held."""
    try:
        record.start()
        _run(connection, order, record, lease)
    except JcsyncError as error:
        record.fail(error)
    except BaseException as error:
        record.fail(error)
        record.finish()
        raise
    return record.finish()


def _run(connection: Connection, order: Order, record: Recorder, lease: Lease | None) -> None:
    events, desired = EventLog(connection), None
    if order.fast and lease is not None:
        try:
            _run_fast(connection, order, record, events, lease)
        except FullRunDueError as due:
            record.widen(str(due))
            desired = due.desired
        else:
            return
    _run_full(connection, order, record, events, lease, desired)


def _run_full(
    connection: Connection,
    order: Order,
    record: Recorder,
    events: EventLog,
    lease: Lease | None,
    known: DesiredState | None,
) -> None:
    began = connection.clock.now()
    record.progress("read", 0, 0)
    with organization_checked(connection, remember=order.apply):
        watch = (
            Watch()
            if order.is_partial
            else watch_everything(connection, events, follow=order.apply)
        )
        record.notice(watch.findings)
        memory = recall(connection.store, connection.name)
        desired, actual = _read(connection, memory, order, known)
    record.progress("decide", 0, 0)

    def decided(*, patient: bool) -> Decision:
        return decide(
            connection,
            desired,
            actual,
            memory,
            confirm_all=order.waives_limits,
            patient=patient,
            rewrite=order.rewrite,
        )

    decision = decided(patient=order.is_patient)
    if order.digest and memory.escrow and decision.plan.digest != order.digest:
        # The schedule's plans leave out what waits in escrow, those of people do not.
        decision = decided(patient=not order.is_patient)
    plan = decision.plan
    violations = check_plan(plan, connection.limits)
    record.decided(desired.state, actual, decision, violations)
    if order.digest and order.digest != plan.digest:
        message = (
            f"the plan has changed since it was made (now {plan.digest[:19]}…, then "
            f"{order.digest[:19]}…); nothing was written. Look at the new one: "
            f"jcsync plan {connection.name}"
        )
        raise StalePlanError(message)
    if not order.apply or lease is None:
        return
    if violations and not order.waives_limits:
        record.hold(plan, violations)
        return
    baseline = build_baseline(connection, desired.state, watch, began)
    record.release_holds()
    _make_so(connection, record, decision, memory, lease)
    record.settle(decision, memory)
    if decision.complete and not order.is_partial:
        remember_rest(connection, decision, memory, record.undone)
        now = fingerprints(desired.users, desired.groups)
        now |= blocked_marks(now, decision.blocked)
        changed = differences(now, connection.store.decided(connection.name))
        _remember(connection, STANDING, dump_standing(decision.findings))
        _remember(connection, FORMER, dump_former(decision.former) if record.undone else "")
        connection.store.record_baseline(connection.name, baseline, changed)


def _read(
    connection: Connection, memory: Memory, order: Order, known: DesiredState | None
) -> tuple[DesiredState, ProviderState]:
    """Read both sides, as far as the run is about them, and let the records of people go.

    Args:
        connection: What to read.
        memory: What the store remembers.
        order: Whether it is about some people only.
        known: What the directory implies, where a fast run has just read it.
    """
    if known is not None:
        return known, read_platform(connection)
    if order.who:
        state, actual = read_person(connection, memory, order.who)
    elif order.group:
        state, actual = read_group(connection, memory, order.group)
    else:
        state, actual = read_everybody(connection)
    return map_directory(connection, state), actual


def _run_fast(
    connection: Connection, order: Order, record: Recorder, events: EventLog, lease: Lease
) -> None:
    """Look at those alone who may have changed.

    Raises:
        FullRunDueError: That will not do; nothing was written.
    """
    record.progress("read", 0, 0)
    look = look_fast(connection, events, order)
    asked, blocked, found = frozenset[str](), frozenset[str](), look.findings
    if look.state is None:
        record.notice(look.findings)
        record.nothing_changed()
    else:
        memory = recall(connection.store, connection.name)
        actual = read_accounts(connection, memory, look.state)
        refuse_gaps(actual.gaps)
        record.progress("decide", 0, 0)
        desired = map_directory(connection, look.state)
        decision = decide(connection, desired, actual, memory, patient=order.is_patient)
        refuse_plan(decision, check_plan(decision.plan, connection.limits))
        record.notice(look.findings)
        record.decided(look.state, actual, decision, ())
        _make_so(connection, record, decision, memory, lease)
        record.settle(decision, memory, asked=look.state.asked)
        _remember(connection, FORMER, dump_former(decision.former) if record.undone else "")
        asked = look.state.asked or asked
        blocked, found = decision.blocked, decision.findings
    standing = still_standing(_standing(connection), found, asked)
    record.stand((*standing, *still_waiting(connection.store.escrow(connection.name), asked)))
    _remember(connection, STANDING, dump_standing((*standing, *found)))
    marks = {**look.decided, **blocked_marks(look.decided, blocked)}
    connection.store.record_baseline(connection.name, look.baseline, marks)


def _standing(connection: Connection) -> tuple[Finding, ...]:
    """What blocked people when they were looked at last."""
    memo = connection.store.memos(connection.name).get(STANDING)
    return parse_standing(memo.value) if memo else ()


def _remember(connection: Connection, topic: str, text: str) -> None:
    """Keep a text for the runs to come; ``""`` forgets it."""
    memo = connection.store.memos(connection.name).get(topic)
    if text != (memo.value if memo else ""):
        connection.store.record_memo(connection.name, topic, text or None)


def _make_so(
    connection: Connection, record: Recorder, decision: Decision, memory: Memory, lease: Lease
) -> None:
    links = record_matching(
        connection.store,
        connection.name,
        decision.users,
        decision.groups,
        memory.links,
        complete=decision.complete,
    )
    record.apply(decision.plan, replace(memory, links=links), lease)


def _lease(connection: Connection, order: Order) -> AbstractContextManager[Lease | None]:
    if not order.apply:
        return nullcontext()
    return connection.store.lease(connection.name, connection.owner)
