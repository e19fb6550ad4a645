"""A fast run: look at those alone who may have changed since the last run.

    with the event log      one question; whom it points at is read directly
    without it              the directory is read, and compared with what was last decided

The platform is asked only for those who should have something else than was last decided, or
may have; and for a few of those whom another account kept from it, in case that is over. With
them the run goes on like one about single people. It believes no gap and holds no plan: whatever
takes a look at everybody becomes a full run.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from jcsync.errors import FeedError
from jcsync.model.baseline import UNSETTLED, Baseline
from jcsync.model.directory import DirectoryState
from jcsync.model.events import Changes
from jcsync.model.limits import Violation
from jcsync.model.plan import Action
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import Kind
from jcsync.pipeline.orders import Connection, Decision, Order
from jcsync.pipeline.organization import check_organization
from jcsync.pipeline.reading import map_directory
from jcsync.stages.decided import find_differing, fingerprints, without_blocked
from jcsync.stages.escrow import is_due
from jcsync.stages.hints import read_hints
from jcsync.stages.mapping import DesiredState
from jcsync.stages.people import follow_references, restrict_state
from jcsync.stages.provisioners import fetch_provisioners
from jcsync.tracing import span

log = structlog.get_logger()

OVERLAP = timedelta(minutes=10)
"""An event may come so late: so much of the log is read once more."""

_SETTLING = timedelta(minutes=2)
"""What JumpCloud's log tells its own records may not show yet, for so long."""

_LOG_KEPT = timedelta(days=90)
_REQUESTS_A_PERSON = 3
_FEW = 50
_SHARE = 10
_BLOCKED_AT_ONCE = 10


class FullRunDueError(Exception):
    """Why a fast run has to look at everybody.

    Attributes:
        desired: What the whole directory implies, where it was read to find that out.
    """

    def __init__(self, message: str, desired: DesiredState | None = None) -> None:
        """Keep what was read, unless it is about some people only."""
        super().__init__(message)
        whole = desired is not None and desired.state.asked is None
        self.desired = desired if whole else None


class EventLog:
    """The event log of one run, which asks it once, also when it becomes a full one."""

    def __init__(self, connection: Connection) -> None:
        """Ask nothing yet."""
        self._connection = connection
        self._watch: Watch | None = None

    def since(self, start: datetime) -> "Watch":
        """Return what it says; where it was asked before, what it said then.

        Args:
            start: From when on. Who asks a second time asks for less.
        """
        connection = self._connection
        if self._watch is not None or connection.feed is None:
            return self._watch or Watch()
        try:
            self._watch = Watch(changes=connection.feed.fetch_changes(start))
        except FeedError as error:
            self._watch = Watch(findings=_feed_findings(connection, error))
        return self._watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the event log says.

    Attributes:
        changes: ``None`` when it cannot be read, or is not to be.
        findings: What is worth telling about it.
    """

    changes: Changes | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a fast run has found before it asks the platform.

    Attributes:
        state: The directory, about those alone who should have something else; ``None`` when
            that is nobody.
        baseline: From where the next fast run goes on, once this one has succeeded.
        decided: What will then have been decided, as ``Store.record_baseline`` takes it.
        findings: What is worth telling.
    """

    state: DirectoryState | None
    baseline: Baseline
    decided: Mapping[str, str | None]
    findings: tuple[Finding, ...]


# ---------------------------------------------------------------------- around a full run


def watch_everything(connection: Connection, events: EventLog, *, follow: bool) -> Watch:
    """Ask the event log before a full run: from where fast runs go on, and who else provisions.

    What it tells now has happened before both sides are read, and needs no second look.

    Args:
        connection: Whose log.
        events: The log.
        follow: Whether fast runs may go on from here.
    """
    if connection.feed is None:
        return Watch()
    now = connection.clock.now()
    watch = events.since(now - OVERLAP) if follow else Watch()
    if follow and watch.changes is None:
        return watch
    try:
        others = fetch_provisioners(connection.feed, now, connection.scope, connection.platform)
    except FeedError as error:
        return Watch(findings=_feed_findings(connection, error))
    return replace(watch, findings=others)


def build_baseline(
    connection: Connection, state: DirectoryState, watch: Watch, began: datetime
) -> Baseline:
    """Return from where fast runs go on after a full run.

    Args:
        connection: Whose requests to the directory so far are those of reading it.
        state: The whole directory.
        watch: From before it was read.
        began: When the run did.
    """
    changes = watch.changes
    return Baseline(
        basis=connection.basis,
        full_at=began,
        followed=changes.until if changes else began,
        seen=frozenset(event.id for event in changes.events) if changes else frozenset(),
        groups=_names(state),
        chosen=connection.scope.chosen,
        application=connection.scope.application,
        requests=connection.directory.requests,
    )


def differences(now: Mapping[str, str], before: Mapping[str, str]) -> Mapping[str, str | None]:
    """Return what makes of the fingerprints before those of now; ``None`` removes one."""
    return {key: now.get(key) for key in find_differing(now, before)}


# ---------------------------------------------------------------------- a fast run


@span("look")
def look_fast(connection: Connection, events: EventLog, order: Order) -> Look:
    """Find out who should have something else than was last decided, or may have.

    Raises:
        FullRunDueError: Single people will not do.
    """
    baseline = _usable_baseline(connection)
    again = _whose_turn_it_is(connection, order) | _undecided(connection)
    watch = events.since(baseline.followed - OVERLAP)
    people: frozenset[str] | None = None
    heeded = baseline.seen
    if watch.changes is not None:
        people = _pointed_at(connection, baseline, watch.changes)
        seen = frozenset(event.id for event in watch.changes.events)
        baseline = replace(baseline, followed=watch.changes.until, seen=seen)
    if people is not None and not people | again:
        return Look(state=None, baseline=baseline, decided={}, findings=watch.findings)
    check_organization(connection)
    state, before = _read(connection, baseline, None if people is None else people | again)
    desired = map_directory(connection, state)
    now = fingerprints(desired.users, desired.groups)
    if state.asked is not None:
        now = {key: mark for key, mark in now.items() if key in state.asked}
    changed = find_differing(now, before) | again
    if len(changed) > max(_FEW, len(before) // _SHARE):
        message = f"{len(changed)} people have changed"
        raise FullRunDueError(message, desired)
    if people is not None and watch.changes is not None:
        early = _too_early(watch.changes, people - changed)
        baseline = replace(baseline, seen=baseline.seen - (early - heeded))
    return Look(
        state=restrict_state(state, changed, connection.rules) if changed else None,
        baseline=baseline,
        decided={key: now.get(key) for key in changed},
        findings=watch.findings,
    )


def _usable_baseline(connection: Connection) -> Baseline:
    """Return from where to go on.

    Raises:
        FullRunDueError: From nowhere.
    """
    baseline = connection.store.baseline(connection.name)
    now = connection.clock.now()
    if baseline is None:
        message = "no full run has succeeded yet"
    elif baseline.basis != connection.basis:
        message = "the settings are others than those of the last full run"
    elif baseline.full_at > now:
        message = "the last full run was later than now: the clock was put back"
    elif connection.full_every is not None and now - baseline.full_at >= connection.full_every:
        message = "its time has come (schedule.full_every)"
    elif now - baseline.followed >= _LOG_KEPT:
        message = "the event log does not reach back to the last run"
    elif connection.store.holds(connection=connection.name, open_only=True):
        message = "a plan is held"
    else:
        return baseline
    raise FullRunDueError(message)


def _whose_turn_it_is(connection: Connection, order: Order) -> frozenset[str]:
    """Return the JumpCloud ids of those in escrow who are tried again now.

    Raises:
        FullRunDueError: A group is among them, or an account that has no person.
    """
    now = connection.clock.now()
    due = [
        record
        for record in connection.store.escrow(connection.name)
        if not order.is_patient or is_due(record, now)
    ]
    for record in due:
        if record.kind is Kind.GROUP or not record.external_id:
            message = f"{record.name} failed and is tried again"
            raise FullRunDueError(message)
    return frozenset(record.external_id for record in due)


def _undecided(connection: Connection) -> frozenset[str]:
    """Return the JumpCloud ids of the unsettled, and of some of the blocked: others each time."""
    marks = connection.store.undecided(connection.name)
    unsettled = [key for key, mark in marks.items() if mark == UNSETTLED]
    now = connection.clock.now().isoformat()
    drawn = sorted(
        marks.keys() - set(unsettled),
        key=lambda key: hashlib.sha256(f"{now}{key}".encode()).digest(),
    )
    return frozenset([*unsettled, *drawn[:_BLOCKED_AT_ONCE]])


def _pointed_at(
    connection: Connection, baseline: Baseline, changes: Changes
) -> frozenset[str] | None:
    """Return whom events point at, ``None`` when there are more of them than are worth reading.

    Raises:
        FullRunDueError: At everybody.
    """
    hints = read_hints(
        changes.events,
        seen=baseline.seen,
        groups=baseline.groups,
        by_application=bool(connection.scope.application),
        organization=connection.store.organization(connection.name),
    )
    if hints.everybody:
        raise FullRunDueError(hints.everybody)
    return None if changes.cut else hints.people


def _too_early(changes: Changes, unchanged: frozenset[str]) -> frozenset[str]:
    """Return the ids of fresh events about people who are as before: they are looked at once more."""
    return frozenset(
        event.id
        for event in changes.events
        if event.at is not None
        and timedelta() <= changes.until - event.at + timedelta(seconds=1) < _SETTLING
        and unchanged & {subject.id for subject in event.subjects}
    )


def _read(
    connection: Connection, baseline: Baseline, people: frozenset[str] | None
) -> tuple[DirectoryState, Mapping[str, str]]:
    """Read these people, or everybody where that takes fewer requests, and what was decided of them.

    Raises:
        FullRunDueError: Something is missing, or the groups of the scope are others now.
    """
    before = without_blocked(connection.store.decided(connection.name))
    if people is None or _REQUESTS_A_PERSON * len(people) > max(baseline.requests, _FEW):
        state = connection.directory.fetch_state(connection.scope)
    else:
        follow = follow_references(connection.rules)
        state = connection.directory.fetch_people(people, connection.scope, follow=follow)
        before = {key: mark for key, mark in before.items() if key in people}
    refuse_gaps(state.gaps)
    if _names(state) != baseline.groups:
        message = "the groups of the scope are others now"
        raise FullRunDueError(message, map_directory(connection, state))
    return state, before


def refuse_gaps(gaps: Iterable[str]) -> None:
    """Refuse to go on where something is not known.

    Raises:
        FullRunDueError: There is such a gap.
    """
    if reasons := "; ".join(gaps):
        raise FullRunDueError(reasons)


def refuse_plan(decision: Decision, violations: tuple[Violation, ...]) -> None:
    """Refuse what a fast run does not do by itself.

    Raises:
        FullRunDueError: Something became doubtful, an account would be adopted, a group created,
            or a limit is exceeded.
    """
    refuse_gaps((*decision.directory_gaps, *decision.provider_gaps))
    if any(pair.adopts for pair in decision.users.pairs):
        message = "an account would be adopted"
        raise FullRunDueError(message)
    if any(c.kind is Kind.GROUP and c.action is Action.CREATE for c in decision.plan.changes):
        message = "a group would be created"
        raise FullRunDueError(message)
    if violations:
        limits = ", ".join(violation.limit for violation in violations)
        message = f"the plan is beyond its limits ({limits})"
        raise FullRunDueError(message)


def _names(state: DirectoryState) -> Mapping[str, str]:
    return {group.id: group.name for group in state.groups}


def _feed_findings(connection: Connection, error: FeedError) -> tuple[Finding, ...]:
    """Return what is said of an event log that cannot be read: nothing, unless it is wanted."""
    log.info("event log not used", error=str(error))
    if not connection.feed_wanted:
        return ()
    message = f"{error}; the directory is read instead (directory.insights)"
    return (Finding(kind=FindingKind.FEED_UNAVAILABLE, subject="directory", message=message),)
