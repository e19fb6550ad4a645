"""``decide``: both sides → what follows from them. Its body is the second half of the architecture.

pair        people as they should be ↔ accounts as they are; what is missing is asked for
ask again   who would lose something is asked for directly
people      their changes, and what is left out of them
groups      likewise, with the members that the people's changes leave
plan        all of it, in order, and measured
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from jcsync.errors import RemoteError
from jcsync.model.directory import DirectoryState, Evidence
from jcsync.model.history import EscrowRecord
from jcsync.model.plan import Change, Counts, Plan
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import Access, Kind, ProviderState
from jcsync.model.rules import GroupPolicy, MappingError
from jcsync.pipeline.orders import Connection, Decision, Memory
from jcsync.stages.confirm import fetch_evidence, removal_candidates, worth_confirming
from jcsync.stages.diff import Rules, UserDiff, build_plan, diff_users
from jcsync.stages.doubt import contradicted, doubtful_losses, fetch_gone, find_dangling, misled
from jcsync.stages.escrow import key_of, postpone
from jcsync.stages.fixed import leave_immutable, unsent_findings
from jcsync.stages.former import Former, find_former, why_groups_left
from jcsync.stages.grace import find_expired
from jcsync.stages.groups import GroupDiff, build_roster, diff_groups
from jcsync.stages.lookalikes import find_lost, find_twins
from jcsync.stages.mapping import DesiredState, is_selected
from jcsync.stages.matching import GroupMatching, UserMatching, match_groups, match_users
from jcsync.stages.read import fetch_active, fetch_missing
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
from jcsync.stages.rewrite import rewrite_users
from jcsync.stages.settle import leave_settled
from jcsync.stages.unrecorded import recall_unrecorded
from jcsync.stages.unshown import find_unshown, with_known_access
from jcsync.tracing import span


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What is decided on, once both sides are known as well as they can be.

    Attributes:
        everybody: All pairs, also in a run about some people only.
        users: Those whom the run is about.
        evidence: What the directory said of those who were asked for again.
        removals: Whether anything may be taken: both sides are complete, provably.
        former: What the settings choose no more.
        waiting: What failed before and whose turn has not come.
        now: When.
        rewrite: Whether what agrees already is sent again.
    """

    connection: Connection
    state: DirectoryState
    actual: ProviderState
    memory: Memory
    everybody: UserMatching
    users: UserMatching
    evidence: Mapping[str, Evidence]
    removals: bool
    former: Former
    waiting: tuple[EscrowRecord, ...]
    now: datetime
    rewrite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """What is to be done about people.

    Attributes:
        diff: All that differs.
        due: Changes that the platform can keep, those that wait included.
        changes: Those of them that are made now.
        references: The second pass, likewise.
        all_references: The second pass with those that wait.
        nameless: Whose change was dropped because another keeps the name.
        unnamed: Who goes without the name that another keeps.
        findings: Why the others are not made.
    """

    diff: UserDiff
    due: tuple[Change, ...]
    changes: tuple[Change, ...]
    references: tuple[Change, ...]
    all_references: tuple[Change, ...]
    nameless: frozenset[tuple[Kind, str]]
    unnamed: frozenset[str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Groups:
    """What is to be done about groups, as with people."""

    matching: GroupMatching
    diff: GroupDiff
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    waiting: tuple[Finding, ...]


@span("decide")
def decide(
    connection: Connection,
    desired: DesiredState,
    actual: ProviderState,
    memory: Memory,
    *,
    confirm_all: bool = False,
    patient: bool = False,
    rewrite: bool = False,
) -> Decision:
    """Return what follows from both sides; asks them again only for what cannot be believed.

    Args:
        connection: Scope, mapping and policies.
        desired: What the directory implies: of everybody, or of those whom the decision is about.
        actual: The platform, likewise.
        memory: What jcsync created or adopted, what failed, what the platform does not keep.
        confirm_all: Ask for everybody who would lose access, however many.
        patient: Leave out what failed before and whose turn has not come.
        rewrite: Send attributes again that agree already.
    """
    state = desired.state
    memory = _with_unrecorded(connection, desired, actual, memory)
    users, actual = _pair(connection, desired, actual, memory)
    evidence, doubts = _ask_again(connection, state, actual, users, memory, confirm_all=confirm_all)
    gaps = (*state.gaps, *doubts)
    removals = not gaps and actual.complete
    everybody = resolve_references(users, removals=removals)
    case = _Case(
        connection=connection,
        state=state,
        actual=actual,
        memory=memory,
        everybody=everybody,
        users=everybody if state.asked is None else restrict_users(everybody, state.asked),
        evidence=evidence,
        removals=removals,
        former=find_former(memory.baseline, state.groups, connection.scope, memory.former),
        waiting=memory.escrow if patient else (),
        now=connection.clock.now(),
        rewrite=rewrite,
    )
    people = _decide_people(case)
    groups = _decide_groups(case, desired, people)
    plan, notes = _plan(case, people, groups)
    due = (*people.due, *people.all_references, *groups.diff.changes)
    return Decision(
        desired=desired.users,
        users=case.users,
        groups=groups.matching,
        evidence=evidence,
        plan=plan,
        due=frozenset(key_of(change) for change in due) - people.nameless,
        blocked=frozenset(user.external_id for user in case.users.blocked) | people.unnamed,
        findings=_findings(case, people, groups, gaps, notes),
        directory_gaps=gaps,
        provider_gaps=actual.gaps,
        former=case.former,
    )


def _with_unrecorded(
    connection: Connection,
    desired: DesiredState,
    actual: ProviderState,
    memory: Memory,
) -> Memory:
    """Remember also what no run could record."""
    wanted = {
        Kind.USER: {user.external_id for user in desired.users},
        Kind.GROUP: {group.id for group in desired.state.groups},
    }
    more = recall_unrecorded(connection.store, connection.name, actual, memory.links, wanted)
    return replace(memory, links=(*memory.links, *more)) if more else memory


def _pair(
    connection: Connection,
    desired: DesiredState,
    actual: ProviderState,
    memory: Memory,
) -> tuple[UserMatching, ProviderState]:
    """Pair people with accounts, and ask for accounts whose absence is not to be believed."""
    links = memory.of(Kind.USER)

    def match() -> UserMatching:
        known = with_known_access(actual, links)
        return match_users(desired.users, known.users, links, connection.policy)

    users = match()
    if actual.has_all_accounts and desired.state.asked is None:
        has_groups = connection.group_policy.enabled and actual.complete
        groups = memory.of(Kind.GROUP) if has_groups else ()
        listed, actual = actual, fetch_gone(connection.provider, actual, users, groups)
        if actual is not listed:
            users = match()
    if not actual.has_all_accounts:
        wanted = [user for user in users.missing if user.access is Access.ACTIVE]
        actual = fetch_missing(connection.provider, actual, wanted, links)
        users = match()
    return users, actual


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
    """Ask for those who may lose access, and say what their answers make doubtful.

    Nothing is taken where a side is known to be incomplete, so nobody is asked for then.
    """
    if not state.complete or not actual.complete:
        return {}, ()
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
    doubts = (*contradicted(state, doubtful, evidence), *misled(state, users, evidence))
    return evidence, doubts


def _decide_people(case: _Case) -> _People:
    """Compare people with their accounts, and leave out what cannot or need not be written."""
    connection = case.connection
    diff = diff_users(
        case.users,
        Rules(
            policy=connection.policy,
            scope=connection.scope,
            evidence=case.evidence,
            removals=case.removals,
            groups=case.state.groups,
            expired=find_expired(case.memory.of(Kind.USER), connection.policy, case.now),
            former=case.former,
        ),
    )
    changeable, fixed = leave_immutable(diff.changes, connection.immutable)
    due, settled = leave_settled(changeable, case.memory.settled)
    if case.rewrite:
        due = rewrite_users(due, case.users, connection.policy, connection.immutable)
    ready, waiting = postpone(due, case.waiting, case.now)
    changes, taken = arrange_names(ready, case.everybody)
    references = diff_references(case.users, changes, connection.policy)
    second_pass, waiting_references = postpone(references, case.waiting, case.now)
    return _People(
        diff=diff,
        due=tuple(due),
        changes=tuple(changes),
        references=tuple(second_pass),
        all_references=tuple(references),
        nameless=frozenset(map(key_of, ready)) - frozenset(map(key_of, changes)),
        unnamed=frozenset(c.external_id for c in ready if c.rename)
        - frozenset(c.external_id for c in changes if c.rename),
        findings=(*taken, *fixed, *settled, *waiting, *waiting_references),
    )


def _decide_groups(case: _Case, desired: DesiredState, people: _People) -> _Groups:
    """Compare groups with those that should be; who waits for his account enters none."""
    state, policy = case.state, case.connection.group_policy
    selected = {group.id for group in state.groups if is_selected(group, policy.only)}
    matching = match_groups(
        desired.groups,
        case.actual.groups,
        case.memory.of(Kind.GROUP) if policy.enabled else (),
        policy,
        withheld=selected - {group.external_id for group in desired.groups},
        reasons=why_groups_left(case.former, state.groups, policy.only),
    )
    if state.asked is not None:
        matching = restrict_groups(matching, state.asked, state.group)
    if not case.actual.complete:
        # What an incomplete list does not show may be there: it is not created a second time.
        unsure = (*matching.blocked, *matching.missing)
        matching = replace(matching, missing=(), blocked=unsure)
    roster = build_roster(
        case.users, replace(people.diff, changes=people.changes), case.actual.users
    )
    diff = diff_groups(matching, roster, policy, removals=case.removals)
    changes, waiting = postpone(diff.changes, case.waiting, case.now)
    return _Groups(
        matching=matching,
        diff=diff,
        changes=tuple(changes),
        findings=desired.findings,
        waiting=tuple(waiting),
    )


def _plan(case: _Case, people: _People, groups: _Groups) -> tuple[Plan, tuple[str, ...]]:
    """Put the changes in order, and measure them; say what had to be read for that."""
    matching = groups.matching
    plan = build_plan(
        case.connection.name,
        case.users,
        (*people.changes, *people.references, *groups.changes),
        users_counts=_with_unchanged(
            people.diff.counts, people.diff.changes, (*people.changes, *people.references)
        ),
        groups_counts=_with_unchanged(groups.diff.counts, groups.diff.changes, groups.changes),
        group_sizes=groups.diff.sizes,
        managed_groups=len(matching.pairs) + len(matching.orphans) + len(matching.withheld),
    )
    if case.state.asked is None:
        return plan, ()
    part = restrict_plan(plan, case.state.asked, group=case.state.group)
    plan = measure_plan(part, case.memory.links)
    if case.connection.limits.accounts.count is None or not plan.gained:
        return plan, ()
    note = "all accounts were read, to count the active ones (limits.accounts)"
    return replace(plan, active=fetch_active(case.connection.provider)), (note,)


def _with_unchanged(counts: Counts, due: Iterable[Change], changes: Iterable[Change]) -> Counts:
    """Count those as unchanged whose changes were all left out, and not those who got some."""
    planned, left = {key_of(change) for change in due}, {key_of(change) for change in changes}
    more = len(planned - left) - len(left - planned)
    return replace(counts, unchanged=counts.unchanged + more)


def _findings(
    case: _Case, people: _People, groups: _Groups, gaps: Sequence[str], notes: Sequence[str]
) -> tuple[Finding, ...]:
    """All that a person should know, of those whom the run is about."""
    connection = case.connection
    incomplete = [
        Finding(
            kind=FindingKind.INCOMPLETE, subject=side, message=f"{gap}; nobody's access is taken"
        )
        for side, of_side in (("directory", gaps), ("provider", case.actual.gaps))
        for gap in of_side
    ]
    in_full = [
        Finding(kind=FindingKind.READ_IN_FULL, subject="provider", message=note)
        for note in (*case.actual.notes, *notes)
    ]
    findings = (
        *incomplete,
        *find_dangling(case.state),
        *in_full,
        *people.diff.findings,
        *find_twins(case.users, groups.matching),
        *(find_lost(case.users, connection.policy) if case.removals else ()),
        *groups.findings,
        *groups.diff.findings,
        *unsent_findings(connection.unsent),
        *find_unshown(case.actual, case.memory.of(Kind.USER)),
        *people.findings,
        *groups.waiting,
    )
    if case.state.asked is None:
        return findings
    names = names_in(case.users) | _group_names(case.state, connection.group_policy)
    return restrict_findings(findings, names)


def _group_names(state: DirectoryState, policy: GroupPolicy) -> frozenset[str]:
    """What findings may call the only group that a run is about."""
    names = {group.name for group in state.groups if group.id == state.group}
    for name in tuple(names):
        with suppress(MappingError):
            names.add(policy.name(state.group, name))
    return frozenset(names)
