"""A run as it goes: its report as it grows, its log, and what the store knows of it."""

import json
from contextlib import closing
from dataclasses import replace
from functools import partial

import structlog
from structlog.typing import FilteringBoundLogger

from jcsync.errors import (
    JcsyncError,
    LeaseHeldError,
    LeaseLostError,
    NobodyError,
    RemoteError,
    SettingsError,
    StalePlanError,
    StoppedError,
    StoreError,
    UnauthorizedError,
    UsageError,
)
from jcsync.model.baseline import UNSETTLED
from jcsync.model.directory import DirectoryState
from jcsync.model.history import RATES, THROTTLED, HoldStatus
from jcsync.model.limits import Violation
from jcsync.model.plan import Change, Plan
from jcsync.model.report import (
    BLOCKING,
    ErrorKind,
    Finding,
    Outcome,
    RunError,
    RunOutcome,
    RunReport,
    Status,
)
from jcsync.model.resource import Kind, ProviderState
from jcsync.pipeline.orders import (
    Connection,
    Decision,
    Memory,
    Order,
    Progress,
    new_run_id,
)
from jcsync.ports import Lease
from jcsync.stages.apply import apply_plan
from jcsync.stages.decided import find_touched
from jcsync.stages.record import record_outcomes
from jcsync.stages.settle import find_suspects, settled_finding, written_ids
from jcsync.tracing import span

log = structlog.get_logger()


class Recorder:
    """The report of a run as it grows, and the store's knowledge of it.

    Attributes:
        mode: As in the report.
        progress: Told how far the run is.
    """

    def __init__(self, connection: Connection, order: Order, progress: Progress) -> None:
        """Begin; nothing is written yet."""
        self.progress = progress
        self._violations: tuple[Violation, ...] = ()
        self._connection = connection
        self._order = order
        self._started = connection.clock.now()
        self.run_id = order.run_id or new_run_id(self._started)
        self._plan: Plan | None = None
        self._findings: tuple[Finding, ...] = ()
        self._standing: tuple[Finding, ...] = ()
        self._complete = (False, False)
        self._sizes = (0, 0)
        self._hold: int | None = None
        self._held = False
        self._outcomes: list[Outcome] = []
        self._error: RunError | None = None
        self._recording = False
        self.mode = order.mode

    def start(self) -> None:
        """Remember that the run began, where it may write."""
        log.info("run started", mode=self.mode, trigger=self._order.trigger)
        if self._order.apply:
            self._connection.store.record_start(
                self.run_id,
                self._connection.name,
                mode=self.mode,
                trigger=self._order.trigger,
                started_at=self._started,
                actor=self._connection.actor,
            )
            self._recording = True

    def widen(self, reason: str) -> None:
        """Go on as a full run."""
        self.mode = "full"
        log.info("fast run becomes a full one", reason=reason)

    def nothing_changed(self) -> None:
        """Keep that nobody had to be looked at."""
        self._plan = Plan(connection=self._connection.name)
        self._complete = (True, True)
        log.info("nothing changed")

    def decided(
        self,
        state: DirectoryState,
        actual: ProviderState,
        decision: Decision,
        violations: tuple[Violation, ...],
    ) -> None:
        """Keep what was decided, and log it."""
        plan = self._plan = decision.plan
        self._violations = violations
        self._findings += decision.findings
        self._complete = (not decision.directory_gaps, not decision.provider_gaps)
        self._sizes = (len(state.member_ids()), len(actual.users))
        log.info(
            "planned",
            changes=len(plan.changes),
            directory_users=self._sizes[0],
            provider_users=self._sizes[1],
            complete=all(self._complete),
            digest=plan.digest,
        )
        _log_findings(decision.findings)

    def stand(self, findings: tuple[Finding, ...]) -> None:
        """Keep what an earlier run has found and logged, and blocks somebody still."""
        self._standing = findings
        if findings:
            log.info("others wait", people=len(findings))

    def notice(self, findings: tuple[Finding, ...]) -> None:
        """Keep what was found beside both sides, and log it."""
        self._findings += findings
        _log_findings(findings)

    def hold(self, plan: Plan, violations: tuple[Violation, ...]) -> None:
        """Keep the plan for a person to decide on; once, however often it is planned again.

        One about a part, or one that rewrites, is not kept: the person who asked for it is there to
        accept it.
        """
        self._held = True
        if self._order.is_for_now:
            log.warning("held", limits=[violation.limit for violation in violations])
            return
        store, name, now = (
            self._connection.store,
            self._connection.name,
            self._connection.clock.now(),
        )
        self._hold = store.open_hold(name, self.run_id, plan.digest, violations, at=now)
        opened = {hold.id: hold.run_id for hold in store.holds(connection=name, open_only=True)}
        if opened.get(self._hold) == self.run_id:
            store.record_plan(self.run_id, plan, at=now)
        log.warning("held", hold=self._hold, limits=[violation.limit for violation in violations])

    def release_holds(self) -> None:
        """End the holds of this connection: the plan is within its limits, or approved."""
        store, now = self._connection.store, self._connection.clock.now()
        approved = self._order.approved
        if self._order.exceed_limits and self._violations:
            log.warning("limits waived", limits=[v.limit for v in self._violations])
        if approved is not None:
            store.decide_hold(approved.id, HoldStatus.APPROVED, by=self._connection.actor, at=now)
        elif not self._order.is_partial:
            store.supersede_holds(self._connection.name, by=f"run {self.run_id}", at=now)

    @span("apply")
    def apply(self, plan: Plan, memory: Memory, lease: Lease) -> None:
        """Make the changes, each recorded before and after."""
        if not plan.changes:
            return
        connection, store = self._connection, self._connection.store

        def check() -> None:
            if connection.stop.is_set():
                message = "stopped by a signal; the next run takes up the rest"
                raise StoppedError(message)
            lease.check()

        past = store.last_applied(connection.name, written_ids(plan.changes))
        store.record_plan(self.run_id, plan, at=connection.clock.now())
        # However this ends, the next fast run does not take for granted what is changed now.
        store.record_decided(connection.name, dict.fromkeys(find_touched(plan), UNSETTLED))
        self.progress("apply", 0, len(plan.changes))
        applying = apply_plan(
            plan,
            connection.provider,
            workers=connection.workers,
            check=check,
            suspects=find_suspects(plan.changes, past),
            linked={
                link.external_id: link.resource_id
                for link in memory.links
                if link.kind is Kind.USER
            },
        )
        with closing(applying) as outcomes:
            for outcome in record_outcomes(
                store,
                self.run_id,
                plan,
                outcomes,
                links=memory.links,
                escrow=memory.escrow,
                clock=connection.clock,
                seen=partial(self._note, log.bind()),  # once, and not for each change
            ):
                self._outcomes.append(outcome)
                self.progress("apply", len(self._outcomes), len(plan.changes))

    def settle(
        self, decision: Decision, memory: Memory, *, asked: frozenset[str] | None = None
    ) -> None:
        """After everything was tried: forget what is no longer due, and close an approved hold.

        Args:
            decision: What was due.
            memory: What was in escrow.
            asked: JumpCloud ids of those whom it was about; of others nothing is forgotten.
        """
        connection, order = self._connection, self._order
        if memory.escrow and decision.complete and not order.is_partial:
            others = {
                (record.kind, record.key)
                for record in memory.escrow
                if asked is not None and not (record.kind is Kind.USER and record.key in asked)
            }
            connection.store.settle_escrow(connection.name, decision.due | others)
        if order.approved is not None:
            now = connection.clock.now()
            connection.store.decide_hold(
                order.approved.id, HoldStatus.APPLIED, by=connection.actor, at=now
            )

    def _note(self, bound: FilteringBoundLogger, change: Change, outcome: Outcome) -> None:
        event = bound.info if outcome.status is Status.APPLIED else bound.warning
        event(
            str(outcome.status),
            action=change.action,
            resource=change.kind,
            name=change.name,
            reason=change.reason,
            **({"error": outcome.error} if outcome.error else {}),
        )
        if outcome.unkept:
            self._findings += tuple(settled_finding(change.name, a) for a in outcome.unkept)

    def fail(self, error: BaseException) -> None:
        """Keep why the run ended early."""
        self._error = RunError(
            kind=_error_kind(error, attempted=bool(self._outcomes)),
            message=str(error),
            unauthorized=isinstance(error, UnauthorizedError),
        )
        log.error("run ended early", error=str(error))

    @property
    def undone(self) -> tuple[Change, ...]:
        """The changes of the plan that were not applied."""
        done = {outcome.n for outcome in self._outcomes if outcome.status is Status.APPLIED}
        changes = self._plan.changes if self._plan is not None else ()
        return tuple(change for n, change in enumerate(changes, start=1) if n not in done)

    @span("record")
    def finish(self) -> RunReport:
        """Return the report, after it was written to the store."""
        connection = self._connection
        report = RunReport(
            run_id=self.run_id,
            connection=connection.name,
            mode=self.mode,
            outcome=self._outcome(),
            started_at=self._started,
            finished_at=connection.clock.now(),
            directory_complete=self._complete[0],
            provider_complete=self._complete[1],
            directory_users=self._sizes[0],
            provider_users=self._sizes[1],
            plan=self._plan,
            violations=self._violations,
            hold=self._hold,
            outcomes=tuple(sorted(self._outcomes, key=lambda outcome: outcome.n)),
            findings=self._findings,
            standing=self._standing,
            directory_requests=connection.directory_requests,
            provider_requests=connection.provider.requests,
            error=self._error,
        )
        if self._recording:
            report = self._record_end(report)
            self._prune()
        log.info("run finished", outcome=report.outcome)
        return report

    def _record_end(self, report: RunReport) -> RunReport:
        try:
            self._connection.store.record_end(report)
            self._record_throttling()
        except (StoreError, LeaseLostError) as error:
            log.error("the end of the run could not be recorded", error=str(error))  # noqa: TRY400
            kind = _error_kind(error, attempted=bool(self._outcomes))
            failure = report.error or RunError(kind=kind, message=str(error))
            return replace(report, error=failure)
        return report

    def _record_throttling(self) -> None:
        sides = (self._connection.directory, self._connection.provider)
        number = sum(side.answers.get("429", 0) for side in sides)
        self._connection.store.record_memo(self._connection.name, THROTTLED, str(number))
        if rates := self._connection.provider.rates:
            self._connection.store.record_memo(self._connection.name, RATES, json.dumps(rates))

    def _prune(self) -> None:
        """Remove what is older than the history is kept, so that no schedule of its own is needed."""
        keep, now = self._connection.keep_history, self._connection.clock.now()
        if keep is None:
            return
        try:
            removed = self._connection.store.prune(before=now - keep)
        except StoreError as error:
            log.warning("the history could not be pruned", error=str(error))
        else:
            if removed:
                log.info("history pruned", runs=removed)

    def _outcome(self) -> RunOutcome:
        known = (*self._findings, *self._standing)
        blocked = any(finding.kind in BLOCKING for finding in known)
        failed = any(outcome.status is not Status.APPLIED for outcome in self._outcomes)
        incomplete = not all(self._complete)
        if self._error is not None:
            applied = any(outcome.status is Status.APPLIED for outcome in self._outcomes)
            return RunOutcome.PARTIAL if applied else RunOutcome.FAILED
        if self._held:
            return RunOutcome.HELD
        if not self._order.apply and self._plan is not None and self._plan.changes:
            return RunOutcome.PLANNED
        if failed or incomplete or blocked:
            return RunOutcome.PARTIAL
        if self._outcomes:
            return RunOutcome.APPLIED
        return RunOutcome.IN_SYNC


def _log_findings(findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        log.warning("finding", kind=finding.kind, subject=finding.subject, message=finding.message)


_KINDS: tuple[tuple[type[JcsyncError], ErrorKind], ...] = (
    (NobodyError, ErrorKind.NOBODY),
    (SettingsError, ErrorKind.SETTINGS),
    (UsageError, ErrorKind.SETTINGS),
    (LeaseHeldError, ErrorKind.LEASE),
    (LeaseLostError, ErrorKind.LEASE),
    (StalePlanError, ErrorKind.STALE_PLAN),
    (StoppedError, ErrorKind.STOPPED),
    (RemoteError, ErrorKind.UNREADABLE),
)


def _error_kind(error: BaseException, *, attempted: bool) -> ErrorKind:
    """A side that fails after changes have begun has refused them; before, it was unreadable."""
    kind = next((kind for cls, kind in _KINDS if isinstance(error, cls)), ErrorKind.UNEXPECTED)
    return ErrorKind.REFUSED if attempted and kind is ErrorKind.UNREADABLE else kind
