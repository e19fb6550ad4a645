"""One run: read → map → match → confirm → diff → guard → apply → record. Read this first.

``run`` and ``decide`` are the architecture: each line of their bodies is a stage, and every stage
that decides is a function of values (see ``stages``). The world comes in through the ports.
"""

import secrets
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace

import structlog

from jcsync.errors import (
    JcsyncError,
    LeaseHeldError,
    LeaseLostError,
    RemoteError,
    SettingsError,
    StalePlanError,
    StoppedError,
    StoreError,
    UsageError,
)
from jcsync.model.directory import DirectoryState, Evidence
from jcsync.model.history import HoldRecord, HoldStatus
from jcsync.model.limits import Limits, Violation
from jcsync.model.plan import Change, Plan
from jcsync.model.report import (
    BLOCKING,
    ErrorKind,
    Finding,
    FindingKind,
    Outcome,
    RunError,
    RunOutcome,
    RunReport,
    Status,
)
from jcsync.model.resource import Access, DesiredUser, Kind, Link, ProviderState
from jcsync.model.rules import AttributeRule, GroupPolicy, Policy, Scope
from jcsync.ports import Clock, Directory, Lease, ServiceProvider, Store
from jcsync.stages.apply import apply_plan
from jcsync.stages.confirm import fetch_evidence, removal_candidates, worth_confirming
from jcsync.stages.diff import Rules, build_plan, diff_users
from jcsync.stages.groups import build_roster, diff_groups
from jcsync.stages.guard import check_plan
from jcsync.stages.mapping import is_selected, map_groups, map_users
from jcsync.stages.matching import GroupMatching, UserMatching, match_groups, match_users
from jcsync.stages.read import fetch_both, fetch_missing
from jcsync.stages.record import record_matching, record_outcomes
from jcsync.stages.restrict import find_ids, restrict_plan

log = structlog.get_logger()

Progress = Callable[[str, int, int], None]
"""Told of a stage, how much of it is done, and how much there is; 0 of 0 when it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One directory and one service provider, with what decides between them.

    Attributes:
        owner: Who holds the lease: host and process.
        workers: Changes made at once.
        stop: Once set, the run ends after the calls under way.
    """

    name: str
    directory: Directory
    provider: ServiceProvider
    store: Store
    clock: Clock
    scope: Scope
    policy: Policy
    group_policy: GroupPolicy
    rules: tuple[AttributeRule, ...]
    limits: Limits
    owner: str
    workers: int = 8
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of a run.

    Attributes:
        apply: Make the changes; else plan them only, and write nothing anywhere.
        trigger: As in ``RunRecord``.
        who: Id, username or e-mail of the one person whom the run is about, or ``""``.
        digest: The plan that was saved or approved: any other is refused.
        approved: The hold that a person has approved: its limits are waived.
    """

    apply: bool
    trigger: str = "manual"
    who: str = ""
    digest: str = ""
    approved: HoldRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from both sides, before anything is done.

    Attributes:
        evidence: Whom the directory was asked for again, and what it said.
        gaps: Why nobody's access may be taken; empty when both sides are complete.
    """

    desired: tuple[DesiredUser, ...]
    users: UserMatching
    groups: GroupMatching
    evidence: dict[str, Evidence]
    plan: Plan
    findings: tuple[Finding, ...]
    directory_gaps: tuple[str, ...]
    provider_gaps: tuple[str, ...]


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
    record = _Record(connection, order, progress)
    with structlog.contextvars.bound_contextvars(connection=connection.name, run_id=record.run_id):
        try:
            with _lease(connection, order) as lease:
                record.start()
                _run(connection, order, record, lease)
        except JcsyncError as error:
            record.fail(error)
        except BaseException as error:
            record.fail(error)
            record.finish()
            raise
        return record.finish()


def _run(connection: Connection, order: Order, record: "_Record", lease: Lease | None) -> None:
    _check_organization(connection, order)
    record.progress("read", 0, 0)
    state, actual = fetch_both(
        connection.directory,
        connection.provider,
        connection.scope,
        groups=connection.group_policy.enabled,
    )
    links = connection.store.links(connection.name)
    record.progress("decide", 0, 0)
    only = frozenset(find_ids(state, actual, order.who)) if order.who else None
    decision = decide(
        connection, state, actual, links, confirm_all=order.approved is not None, only=only
    )
    plan = restrict_plan(decision.plan, state, actual, order.who) if order.who else decision.plan
    record.decided(state, actual, decision, plan)
    violations = check_plan(plan, connection.limits)
    record.violations = violations
    if order.digest and order.digest != plan.digest:
        message = (
            f"the plan has changed since it was made (now {plan.digest[:19]}…, then "
            f"{order.digest[:19]}…); nothing was written. Look at the new one: "
            f"jcsync plan {connection.name}"
        )
        raise StalePlanError(message)
    if not order.apply or lease is None:
        return
    if violations and order.approved is None:
        record.hold(plan, violations)
        return
    record.release_holds()
    complete = not (decision.directory_gaps or decision.provider_gaps)
    record_matching(
        connection.store, connection.name, decision.users, decision.groups, links, complete=complete
    )
    record.apply(plan, links, lease)


def decide(
    connection: Connection,
    state: DirectoryState,
    actual: ProviderState,
    links: Iterable[Link],
    *,
    confirm_all: bool = False,
    only: frozenset[str] | None = None,
) -> Decision:
    """Return what follows from both sides; asks them again only for what cannot be believed.

    Args:
        connection: Scope, mapping and policies.
        state: The directory.
        actual: The platform.
        links: What jcsync created or adopted.
        confirm_all: Ask for everybody who would lose access, however many.
        only: Ids of those whom the run is about, ``None`` for everybody: nobody else is asked for.
    """
    policy, groups_on = connection.policy, connection.group_policy
    links = tuple(links)
    user_links = [link for link in links if link.kind is Kind.USER]
    group_links = [link for link in links if link.kind is Kind.GROUP]

    desired = map_users(state, connection.scope, policy, connection.rules)
    users = match_users(desired, actual.users, user_links, policy)
    if not actual.complete:
        wanted = [user for user in users.missing if user.access is Access.ACTIVE]
        actual = fetch_missing(connection.provider, actual, wanted)
        users = match_users(desired, actual.users, user_links, policy)
    directory_gaps = list(state.gaps)
    evidence: dict[str, Evidence] = {}
    if state.complete and actual.complete:
        whom = (
            removal_candidates(users, policy, only)
            if confirm_all or only is not None
            else worth_confirming(users, connection.limits, policy)
        )
        try:
            evidence = dict(fetch_evidence(connection.directory, whom, connection.scope))
        except RemoteError as error:
            directory_gaps.append(f"those who may have left could not be asked for again: {error}")
    removals = not directory_gaps and actual.complete
    user_diff = diff_users(
        users,
        Rules(
            policy=policy,
            scope=connection.scope,
            evidence=evidence,
            removals=removals,
            groups=state.groups,
        ),
    )
    desired_groups, group_findings = map_groups(state, desired, groups_on, connection.scope)
    selected = {group.id for group in state.groups if is_selected(group, groups_on.only)}
    groups = match_groups(
        desired_groups,
        actual.groups,
        group_links if groups_on.enabled else (),
        groups_on,
        withheld=selected - {group.external_id for group in desired_groups},
    )
    roster = build_roster(users, user_diff, actual.users)
    group_diff = diff_groups(groups, roster, groups_on, removals=removals)
    plan = build_plan(
        connection.name,
        users,
        user_diff,
        group_changes=group_diff.changes,
        group_counts=group_diff.counts,
        group_sizes=group_diff.sizes,
        managed_groups=len(groups.pairs) + len(groups.orphans) + len(groups.withheld),
    )
    incomplete = [
        Finding(
            kind=FindingKind.INCOMPLETE, subject=side, message=f"{gap}; nobody's access is taken"
        )
        for side, gaps in (("directory", directory_gaps), ("provider", actual.gaps))
        for gap in gaps
    ]
    return Decision(
        desired=desired,
        users=users,
        groups=groups,
        evidence=evidence,
        plan=plan,
        findings=(*incomplete, *user_diff.findings, *group_findings, *group_diff.findings),
        directory_gaps=tuple(directory_gaps),
        provider_gaps=actual.gaps,
    )


def _lease(connection: Connection, order: Order) -> AbstractContextManager[Lease | None]:
    if not order.apply:
        return nullcontext()
    return connection.store.lease(connection.name, connection.owner)


def _check_organization(connection: Connection, order: Order) -> None:
    found = connection.directory.fetch_organization().id
    known = connection.store.connection(connection.name).organization
    if found and known and found != known:
        message = (
            f"the key now works in the organisation {found}, this connection was set up in {known}: "
            "give the new organisation a connection of its own, or put the old key back"
        )
        raise SettingsError(message)
    if found and not known and order.apply:
        connection.store.record_organization(connection.name, found)


class _Record:
    """The report of a run as it grows, and the store's knowledge of it."""

    def __init__(self, connection: Connection, order: Order, progress: Progress) -> None:
        self.progress = progress
        self.violations: tuple[Violation, ...] = ()
        self._connection = connection
        self._order = order
        self._started = connection.clock.now()
        self.run_id = f"{self._started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._plan: Plan | None = None
        self._findings: tuple[Finding, ...] = ()
        self._complete = (False, False)
        self._sizes = (0, 0)
        self._hold: int | None = None
        self._outcomes: list[Outcome] = []
        self._error: RunError | None = None
        self._recording = False

    @property
    def mode(self) -> str:
        return "user" if self._order.who else "full"

    def start(self) -> None:
        log.info("run started", mode=self.mode, trigger=self._order.trigger)
        if self._order.apply:
            self._connection.store.record_start(
                self.run_id,
                self._connection.name,
                mode=self.mode,
                trigger=self._order.trigger,
                started_at=self._started,
            )
            self._recording = True

    def decided(
        self, state: DirectoryState, actual: ProviderState, decision: Decision, plan: Plan
    ) -> None:
        self._plan = plan
        self._findings = decision.findings
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
        for finding in decision.findings:
            log.warning(
                "finding", kind=finding.kind, subject=finding.subject, message=finding.message
            )

    def hold(self, plan: Plan, violations: tuple[Violation, ...]) -> None:
        """Keep the plan for a person to decide on; once, however often it is planned again."""
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
        if approved is not None:
            store.decide_hold(approved.id, HoldStatus.APPROVED, by=self._connection.owner, at=now)
        elif not self._order.who:
            store.supersede_holds(self._connection.name, by=f"run {self.run_id}", at=now)

    def apply(self, plan: Plan, links: tuple[Link, ...], lease: Lease) -> None:
        if not plan.changes:
            return
        connection = self._connection

        def check() -> None:
            if connection.stop.is_set():
                message = "stopped by a signal; the next run takes up the rest"
                raise StoppedError(message)
            lease.check()

        connection.store.record_plan(self.run_id, plan, at=connection.clock.now())
        self.progress("apply", 0, len(plan.changes))
        applying = apply_plan(plan, connection.provider, workers=connection.workers, check=check)
        with closing(applying) as outcomes:
            for outcome in record_outcomes(
                connection.store,
                self.run_id,
                plan,
                outcomes,
                links=links,
                clock=connection.clock,
                seen=self._note,
            ):
                self._outcomes.append(outcome)
                self.progress("apply", len(self._outcomes), len(plan.changes))

    def _note(self, change: Change, outcome: Outcome) -> None:
        event = log.info if outcome.status is Status.APPLIED else log.warning
        event(
            str(outcome.status),
            action=change.action,
            resource=change.kind,
            name=change.name,
            reason=change.reason,
            **({"error": outcome.error} if outcome.error else {}),
        )

    def fail(self, error: BaseException) -> None:
        self._error = RunError(
            kind=_error_kind(error, attempted=bool(self._outcomes)), message=str(error)
        )
        log.error("run ended early", error=str(error))

    def finish(self) -> RunReport:
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
            violations=self.violations,
            hold=self._hold,
            outcomes=tuple(sorted(self._outcomes, key=lambda outcome: outcome.n)),
            findings=self._findings,
            directory_requests=connection.directory.requests,
            provider_requests=connection.provider.requests,
            error=self._error,
        )
        if self._recording:
            report = self._record_end(report)
        log.info("run finished", outcome=report.outcome)
        return report

    def _record_end(self, report: RunReport) -> RunReport:
        try:
            self._connection.store.record_end(report)
        except StoreError as error:
            log.error("the end of the run could not be recorded", error=str(error))  # noqa: TRY400
            failure = report.error or RunError(kind=ErrorKind.UNEXPECTED, message=str(error))
            return replace(report, error=failure)
        return report

    def _outcome(self) -> RunOutcome:
        blocked = any(finding.kind in BLOCKING for finding in self._findings)
        failed = any(outcome.status is not Status.APPLIED for outcome in self._outcomes)
        incomplete = not all(self._complete)
        if self._error is not None:
            applied = any(outcome.status is Status.APPLIED for outcome in self._outcomes)
            return RunOutcome.PARTIAL if applied else RunOutcome.FAILED
        if self._hold is not None:
            return RunOutcome.HELD
        if not self._order.apply and self._plan is not None and self._plan.changes:
            return RunOutcome.PLANNED
        if failed or incomplete or (blocked and self._order.apply):
            return RunOutcome.PARTIAL
        if self._outcomes:
            return RunOutcome.APPLIED
        return RunOutcome.IN_SYNC


_KINDS: tuple[tuple[type[JcsyncError], ErrorKind], ...] = (
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
