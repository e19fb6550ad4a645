"""``run`` and ``decide``: each line of their bodies is a stage. Read this first."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace

import structlog

from jcsync.errors import JcsyncError, RemoteError, StalePlanError
from jcsync.model.directory import DirectoryState, Evidence
from jcsync.model.plan import Change, Counts, Plan
from jcsync.model.report import Finding, FindingKind, RunReport, Status
from jcsync.model.resource import Access, Kind, ProviderState
from jcsync.model.rules import GroupPolicy, MappingError
from jcsync.pipeline.fast import (
    FullRunDueError,
    Watch,
    build_baseline,
    decided_now,
    differences,
    look_fast,
    refuse_gaps,
    refuse_plan,
    watch_everything,
)
from jcsync.pipeline.orders import Connection, Decision, Memory, Order, Progress
from jcsync.pipeline.organization import check_organization
from jcsync.pipeline.reading import read_accounts, read_everybody, read_group, read_person
from jcsync.pipeline.recorder import Recorder
from jcsync.ports import Lease, Store
from jcsync.stages.confirm import fetch_evidence, removal_candidates, worth_confirming
from jcsync.stages.decided import UNSETTLED
from jcsync.stages.diff import Rules, build_plan, diff_users
from jcsync.stages.doubt import contradicted, doubtful_losses, fetch_gone
from jcsync.stages.escrow import key_of, postpone
from jcsync.stages.fixed import leave_immutable, unsent_findings
from jcsync.stages.former import find_former, why_groups_left
from jcsync.stages.grace import find_expired
from jcsync.stages.groups import build_roster, diff_groups
from jcsync.stages.guard import check_plan
from jcsync.stages.lookalikes import find_lost, find_twins
from jcsync.stages.mapping import is_selected, map_groups, map_users
from jcsync.stages.matching import UserMatching, match_groups, match_users
from jcsync.stages.read import fetch_active, fetch_missing
from jcsync.stages.record import record_matching
from jcsync.stages.references import diff_references, resolve_references
from jcsync.stages.renames import arrange_names
from jcsync.stages.restrict import (
    measure_plan,
    names_in,
    restrict_findings,
    restrict_groups,
    restrict_plan,
    restrict_users,
)
from jcsync.stages.settle import leave_settled
from jcsync.tracing import Span, run_span, span


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
    if order.fast and lease is not None:
        try:
            _run_fast(connection, order, record, lease)
        except FullRunDueError as due:
            record.widen(str(due))
        else:
            return
    _run_full(connection, order, record, lease)


def _run_full(connection: Connection, order: Order, record: Recorder, lease: Lease | None) -> None:
    began = connection.clock.now()
    check_organization(connection, remember=order.apply)
    record.progress("read", 0, 0)
    watch = Watch() if order.is_partial else watch_everything(connection, follow=order.apply)
    record.notice(watch.findings)
    memory = recall(connection.store, connection.name)
    if order.who:
        state, actual = read_person(connection, memory, order.who)
    elif order.group:
        state, actual = read_group(connection, memory, order.group)
    else:
        state, actual = read_everybody(connection)
    record.progress("decide", 0, 0)

    def decided(*, patient: bool) -> Decision:
        return decide(
            connection, state, actual, memory, confirm_all=order.waives_limits, patient=patient
        )

    decision = decided(patient=order.is_patient)
    if order.digest and memory.escrow and decision.plan.digest != order.digest:
        # The schedule's plans leave out what waits in escrow, those of people do not.
        decision = decided(patient=not order.is_patient)
    plan = decision.plan
    violations = check_plan(plan, connection.limits)
    record.decided(state, actual, decision, violations)
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
    baseline = build_baseline(connection, state, watch, began)
    record.release_holds()
    _make_so(connection, record, decision, memory, lease)
    record.settle(decision, memory)
    if decision.complete and not order.is_partial:
        now = decided_now(connection, state, decision.desired)
        unsettled = dict.fromkeys(decision.unsettled, UNSETTLED)
        changed = differences({**now, **unsettled}, connection.store.decided(connection.name))
        connection.store.record_baseline(connection.name, baseline, changed)


def _run_fast(connection: Connection, order: Order, record: Recorder, lease: Lease) -> None:
    """Look at those alone who may have changed.

    Raises:
        FullRunDueError: That will not do; nothing was written.
    """
    record.progress("read", 0, 0)
    look = look_fast(connection, order)
    unsettled: frozenset[str] = frozenset()
    if look.state is None:
        record.notice(look.findings)
        record.nothing_changed()
    else:
        memory = recall(connection.store, connection.name)
        actual = read_accounts(connection, memory, look.state)
        refuse_gaps(actual.gaps)
        record.progress("decide", 0, 0)
        decision = decide(connection, look.state, actual, memory, patient=order.is_patient)
        refuse_plan(decision, check_plan(decision.plan, connection.limits))
        record.notice(look.findings)
        record.decided(look.state, actual, decision, ())
        _make_so(connection, record, decision, memory, lease)
        record.settle(decision, memory, asked=look.state.asked)
        unsettled = decision.unsettled
    decided = {**look.decided, **dict.fromkeys(unsettled, UNSETTLED)}
    connection.store.record_baseline(connection.name, look.baseline, decided)


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


def recall(store: Store, name: str) -> Memory:
    """Read what the store remembers of a connection."""
    return Memory(
        links=store.links(name),
        escrow=store.escrow(name),
        settled=store.settled(name),
        baseline=store.baseline(name),
    )


@span("decide")
def decide(
    connection: Connection,
    state: DirectoryState,
    actual: ProviderState,
    memory: Memory,
    *,
    confirm_all: bool = False,
    patient: bool = False,
) -> Decision:
    """Return what follows from both sides; asks them again only for what cannot be believed.

    Args:
        connection: Scope, mapping and policies.
        state: The directory: of everybody, or of those whom the decision is about.
        actual: The platform, likewise.
        memory: What jcsync created or adopted, what failed, what the platform does not keep.
        confirm_all: Ask for everybody who would lose access, however many.
        patient: Leave out what failed before and whose turn has not come.
    """
    policy, groups_on, only = connection.policy, connection.group_policy, state.asked
    user_links = memory.of(Kind.USER)
    expired = find_expired(user_links, policy, connection.clock.now())
    desired = map_users(state, connection.scope, policy, connection.rules)
    users = match_users(desired, actual.users, user_links, policy)
    if actual.complete and only is None:
        managed_groups = memory.of(Kind.GROUP) if groups_on.enabled else ()
        actual = fetch_gone(connection.provider, actual, users, managed_groups)
    if not actual.complete:
        users = match_users(desired, actual.users, user_links, policy)
        wanted = [user for user in users.missing if user.access is Access.ACTIVE]
        actual = fetch_missing(connection.provider, actual, wanted)
        users = match_users(desired, actual.users, user_links, policy)
    evidence: Mapping[str, Evidence] = {}
    doubts: tuple[str, ...] = ()
    if state.complete and actual.complete:
        evidence, doubts = _ask_again(
            connection, state, actual, users, memory, confirm_all=confirm_all
        )
    directory_gaps = (*state.gaps, *doubts)
    removals = not directory_gaps and actual.complete
    everybody = resolve_references(users, removals=removals)
    users = everybody if only is None else restrict_users(everybody, only)
    former = find_former(memory.baseline, state.groups, connection.scope)
    user_diff = diff_users(
        users,
        Rules(
            policy=policy,
            scope=connection.scope,
            evidence=evidence,
            removals=removals,
            groups=state.groups,
            expired=expired,
            former=former,
        ),
    )
    desired_groups, group_findings = map_groups(state, desired, groups_on, connection.scope)
    selected = {group.id for group in state.groups if is_selected(group, groups_on.only)}
    groups = match_groups(
        desired_groups,
        actual.groups,
        memory.of(Kind.GROUP) if groups_on.enabled else (),
        groups_on,
        withheld=selected - {group.external_id for group in desired_groups},
        reasons=why_groups_left(former, state.groups, groups_on.only),
    )
    if only is not None:
        groups = restrict_groups(groups, only, state.group)
    if not actual.complete:
        # What an incomplete list does not show may be there: it is not created a second time.
        unsure = (*groups.blocked, *groups.missing)
        groups = replace(groups, missing=(), blocked=unsure)
    escrow, now = memory.escrow if patient else (), connection.clock.now()
    changeable, fixed = leave_immutable(user_diff.changes, connection.immutable)
    kept, settled = leave_settled(changeable, memory.settled)
    ready, waiting_users = postpone(kept, escrow, now)
    user_changes, taken = arrange_names(ready, everybody)
    nameless = {key_of(change) for change in ready} - {key_of(change) for change in user_changes}
    second_pass = diff_references(users, user_changes, policy)
    references, waiting_references = postpone(second_pass, escrow, now)
    # Who waits for his account enters no group before he has it.
    roster = build_roster(users, replace(user_diff, changes=user_changes), actual.users)
    group_diff = diff_groups(groups, roster, groups_on, removals=removals)
    group_changes, waiting_groups = postpone(group_diff.changes, escrow, now)
    plan = build_plan(
        connection.name,
        users,
        (*user_changes, *references, *group_changes),
        users_counts=_with_unchanged(
            user_diff.counts, user_diff.changes, (*user_changes, *references)
        ),
        groups_counts=_with_unchanged(group_diff.counts, group_diff.changes, group_changes),
        group_sizes=group_diff.sizes,
        managed_groups=len(groups.pairs) + len(groups.orphans) + len(groups.withheld),
    )
    plan, counted = (plan, ()) if only is None else _about(plan, state, connection, memory)
    incomplete = [
        Finding(
            kind=FindingKind.INCOMPLETE, subject=side, message=f"{gap}; nobody's access is taken"
        )
        for side, gaps in (("directory", directory_gaps), ("provider", actual.gaps))
        for gap in gaps
    ]
    findings = (
        *incomplete,
        *(
            Finding(kind=FindingKind.READ_IN_FULL, subject="provider", message=note)
            for note in (*actual.notes, *counted)
        ),
        *user_diff.findings,
        *taken,
        *find_twins(users, groups),
        *(find_lost(users, policy) if removals else ()),
        *group_findings,
        *group_diff.findings,
        *unsent_findings(connection.unsent),
        *fixed,
        *settled,
        *waiting_users,
        *waiting_references,
        *waiting_groups,
    )
    return Decision(
        desired=desired,
        users=users,
        groups=groups,
        evidence=evidence,
        plan=plan,
        due=frozenset(key_of(change) for change in (*kept, *second_pass, *group_diff.changes))
        - nameless,
        unsettled=frozenset(user.external_id for user in users.blocked)
        | (
            {c.external_id for c in ready if c.rename}
            - {c.external_id for c in user_changes if c.rename}
        ),
        findings=findings
        if only is None
        else restrict_findings(findings, names_in(users) | _group_names(state, groups_on)),
        directory_gaps=directory_gaps,
        provider_gaps=actual.gaps,
        former=former,
    )


@span("confirm")
def _ask_again(
    connection: Connection,
    state: DirectoryState,
    actual: ProviderState,
    users: UserMatching,
    memory: Memory,
    *,
    confirm_all: bool,
) -> tuple[Mapping[str, Evidence], tuple[str, ...]]:
    """Ask for those who may lose access, and say what their answers make doubtful."""
    policy, only = connection.policy, state.asked
    expired = find_expired(memory.of(Kind.USER), policy, connection.clock.now())
    whom = (
        removal_candidates(users, policy, only, expired=expired)
        if confirm_all or only is not None
        else worth_confirming(users, connection.limits, policy, expired=expired)
    )
    doubtful = doubtful_losses(
        state,
        actual.groups,
        users,
        memory.of(Kind.GROUP),
        connection.group_policy,
        None if confirm_all else connection.limits,
    )
    members = {key for ids in doubtful.values() for key in ids}
    try:
        evidence = fetch_evidence(connection.directory, {*whom, *members}, connection.scope)
    except RemoteError as error:
        return {}, (f"those who may have left could not be asked for again: {error}",)
    return evidence, contradicted(state, doubtful, evidence)


def _group_names(state: DirectoryState, policy: GroupPolicy) -> frozenset[str]:
    """What findings may call the only group that a run is about."""
    names = {group.name for group in state.groups if group.id == state.group}
    for name in tuple(names):
        with suppress(MappingError):
            names.add(policy.name(state.group, name))
    return frozenset(names)


def _about(
    plan: Plan, state: DirectoryState, connection: Connection, memory: Memory
) -> tuple[Plan, tuple[str, ...]]:
    """Restrict a plan to some people, and measure it; say what had to be read for that."""
    part = restrict_plan(plan, state.asked or frozenset(), group=state.group)
    plan = measure_plan(part, memory.links)
    if connection.limits.accounts.count is None or not plan.gained:
        return plan, ()
    note = "all accounts were read, to count the active ones (limits.accounts)"
    return replace(plan, active=fetch_active(connection.provider)), (note,)


def _with_unchanged(counts: Counts, due: Iterable[Change], changes: Iterable[Change]) -> Counts:
    """Count those as unchanged whose changes were all left out, and not those who got some."""
    planned, left = {key_of(change) for change in due}, {key_of(change) for change in changes}
    more = len(planned - left) - len(left - planned)
    return replace(counts, unchanged=counts.unchanged + more)


def _lease(connection: Connection, order: Order) -> AbstractContextManager[Lease | None]:
    if not order.apply:
        return nullcontext()
    return connection.store.lease(connection.name, connection.owner)
