"""The ports in memory: small worlds that keep the promises of ``jcsync.ports`` and can fail."""
# ruff: noqa: D102, D107 - what each method does is said by the port

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jcsync.errors import (
    ConflictError,
    JcsyncError,
    LeaseHeldError,
    NotFoundError,
    RemoteError,
    UnknownOutcomeError,
    UsageError,
)
from jcsync.model.baseline import BLOCKED, UNSETTLED, Baseline
from jcsync.model.directory import (
    DirectoryGroup,
    DirectoryState,
    DirectoryUser,
    Evidence,
    Membership,
    Organization,
)
from jcsync.model.events import Changes, ConnectorUse, Event
from jcsync.model.facts import Learnt
from jcsync.model.history import (
    ChangeRecord,
    ConnectionRecord,
    EscrowRecord,
    HoldRecord,
    HoldStatus,
    Memo,
    OutcomeRecord,
    RunRecord,
)
from jcsync.model.limits import Violation
from jcsync.model.plan import Action, AttributeChange, Change, Plan
from jcsync.model.report import Outcome, RunReport, Status, Written
from jcsync.model.resource import (
    Capabilities,
    GroupResource,
    Kind,
    Link,
    ProviderState,
    Sought,
    UserResource,
    Value,
)
from jcsync.model.rules import Scope
from tests.factories import NOON

_OPEN = (HoldStatus.HELD,)
_DECIDABLE = {
    HoldStatus.APPROVED: (HoldStatus.HELD, HoldStatus.REJECTED),
    HoldStatus.APPLIED: (HoldStatus.HELD, HoldStatus.APPROVED),
}

Failure = Callable[[str], JcsyncError | None]


def never_fails(_call: str) -> None:
    """Let every call succeed."""


def failing(*calls: str, error: JcsyncError) -> Failure:
    """Let the calls that begin so fail."""
    return lambda call: error if call.startswith(calls) else None


class FixedClock:
    """A clock that stands at noon until it is moved."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


class _Counted:
    """What both sides count."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails: Failure = never_fails
        self.retries = 0

    @property
    def answers(self) -> Mapping[str, int]:
        return {"200": len(self.calls)}

    @property
    def requests(self) -> int:
        return len(self.calls)

    def _call(self, call: str) -> None:
        self.calls.append(call)
        if (error := self.fails(call)) is not None:
            raise error


class FakeDirectory(_Counted):
    """JumpCloud.

    Attributes:
        state: What a full read shows.
        truth: What a direct question shows, by id; derived from ``state`` for everybody else.
        calls: Every call so far.
        fails: Asked before each call for the error that it ends with.
    """

    def __init__(self, state: DirectoryState) -> None:
        super().__init__()
        self.state = state
        self.truth: dict[str, Evidence] = {}
        self.organization = Organization(id="org-1", name="Example")

    def fetch_state(self, scope: Scope) -> DirectoryState:
        del scope
        self._call("state")
        return self.state

    def fetch_people(
        self,
        user_ids: Collection[str],
        scope: Scope,
        *,
        follow: Callable[[DirectoryUser], Collection[str]] = lambda _user: (),
    ) -> DirectoryState:
        del scope
        asked = frozenset(user_ids)
        self._call(f"read {' '.join(sorted(asked))}")
        others = {
            key for i in asked & self.state.users.keys() for key in follow(self.state.users[i])
        }
        wanted = asked | others
        return replace(
            self.state,
            members={
                key: replace(m, user_ids=m.user_ids & wanted)
                for key, m in self.state.members.items()
            },
            direct=replace(self.state.direct, user_ids=self.state.direct.user_ids & wanted),
            users={key: user for key, user in self.state.users.items() if key in wanted},
            asked=asked,
        )

    def fetch_group(self, which: str, scope: Scope) -> DirectoryState:
        (group,) = (g for g in self.state.groups if which in (g.id, g.name))
        inside = self.state.members[group.id].user_ids
        empty = {g.id: Membership(user_ids=frozenset()) for g in self.state.groups}
        return replace(
            self.fetch_people(inside, scope),
            members={**empty, group.id: self.state.members[group.id]},
            direct=Membership(user_ids=frozenset()),
            group=group.id,
        )

    def fetch_evidence(self, user_id: str, scope: Scope) -> Evidence:
        del scope
        self._call(f"evidence {user_id}")
        if user_id in self.truth:
            return self.truth[user_id]
        groups = {g for g, members in self.state.members.items() if user_id in members.user_ids}
        return Evidence(
            user=self.state.users.get(user_id),
            group_ids=frozenset(groups),
            bound=user_id in self.state.direct.user_ids,
        )

    def fetch_user(self, user_id: str) -> DirectoryUser | None:
        return self.state.users.get(user_id)

    def find_people(self, who: str) -> tuple[DirectoryUser, ...]:
        self._call(f"people {who}")
        name = who.strip().casefold()
        return tuple(
            user
            for user in self.state.users.values()
            if name in (user.id.casefold(), user.username.casefold(), user.email.casefold())
        )

    def fetch_groups(self) -> tuple[DirectoryGroup, ...]:
        self._call("groups")
        return self.state.groups

    def fetch_member_count(self, group_id: str) -> int:
        self._call(f"count {group_id}")
        return len(self.state.members[group_id].user_ids)

    def fetch_organization(self) -> Organization:
        self._call("organization")
        return self.organization


class FakeFeed(_Counted):
    """JumpCloud's event log.

    Attributes:
        events: What has happened, whenever.
        uses: What connectors have done.
        cut: Whether there is more than is worth reading.
        until: The end of each window.
    """

    def __init__(self, *events: Event) -> None:
        super().__init__()
        self.events = list(events)
        self.uses: tuple[ConnectorUse, ...] = ()
        self.cut = False
        self.until = NOON
        self.since: list[datetime] = []

    def fetch_changes(self, since: datetime) -> Changes:
        self._call("changes")
        self.since.append(since)
        return Changes(events=tuple(self.events), until=self.until, cut=self.cut)

    def fetch_connectors(self, since: datetime) -> tuple[ConnectorUse, ...]:
        del since
        self._call("connectors")
        return self.uses


class FakeProvider(_Counted):
    """A SCIM platform.

    Attributes:
        users: Accounts by ``resource_id``.
        groups: Groups by ``resource_id``.
        gaps: Why its listing is incomplete.
        hidden: ``resource_id`` of what its listings leave out.
        unique_names: Whether a ``userName`` that is taken is refused, as RFC 7643 asks.
    """

    def __init__(
        self, *users: UserResource, groups: Sequence[GroupResource] = (), unique_names: bool = True
    ) -> None:
        super().__init__()
        self.users = {user.resource_id: user for user in users}
        self.groups = {group.resource_id: group for group in groups}
        self.gaps: tuple[str, ...] = ()
        self.hidden: frozenset[str] = frozenset()
        self.unique_names = unique_names
        self.repeats = 0
        self.bulk = 1
        self.rates: Mapping[str, float] = {}
        self.capabilities = Capabilities(config="patch", described=True, filters={})
        self._issued = 0

    def __repr__(self) -> str:
        """What it holds, for a test that fails."""
        return f"FakeProvider({[*self.users.values()]}, groups={[*self.groups.values()]})"

    def fetch_state(self, *, groups: bool) -> ProviderState:
        self._call("state")
        shown = tuple(user for key, user in self.users.items() if key not in self.hidden)
        held = tuple(group for key, group in self.groups.items() if key not in self.hidden)
        return ProviderState(users=shown, groups=held if groups else (), gaps=self.gaps)

    def fetch_capabilities(self) -> Capabilities:
        self._call("capabilities")
        return self.capabilities

    def find_users(self, *, external_id: str = "", user_name: str = "") -> tuple[UserResource, ...]:
        self._call(f"find {external_id}")
        found = tuple(user for user in list(self.users.values()) if user.external_id == external_id)
        name = user_name.casefold()
        return found or tuple(
            u for u in list(self.users.values()) if u.user_name.casefold() == name
        )

    def fetch_accounts(self, sought: Iterable[Sought]) -> ProviderState:
        wanted = list(sought)
        self._call(f"look up {' '.join(one.external_id for one in wanted)}")
        return ProviderState(
            users=tuple({u.resource_id: u for s in wanted for u in self._fit(s)}.values())
        )

    def _fit(self, sought: Sought) -> list[UserResource]:
        users = list(self.users.values())
        mails = {mail.casefold() for mail in sought.emails}
        return (
            [u for u in users if u.resource_id == sought.resource_id]
            or [u for u in users if u.external_id == sought.external_id]
            or [u for u in users if u.user_name.casefold() == sought.name.casefold()]
            or [u for u in users if mails & {mail.casefold() for mail in u.emails}]
        )

    def fetch_memberships(
        self, sought: Iterable[Sought], accounts: Collection[str]
    ) -> ProviderState:
        wanted, inside = list(sought), frozenset(accounts)
        self._call(f"groups {' '.join(sorted(inside))}")
        found = [
            replace(group, members=group.members & inside, size=len(group.members))
            for group in self.groups.values()
            if group.members & inside
            or any(
                s.resource_id == group.resource_id
                or s.external_id == group.external_id
                or s.name == group.display_name
                for s in wanted
            )
        ]
        return ProviderState(users=(), groups=tuple(found))

    def fetch_groups(self, sought: Iterable[Sought]) -> ProviderState:
        found = self.fetch_memberships(sought, ()).groups
        return ProviderState(users=(), groups=tuple(self.groups[g.resource_id] for g in found))

    def fetch_user(self, resource_id: str) -> UserResource | None:
        self._call(f"fetch {resource_id}")
        return self.users.get(resource_id)

    def fetch_group(self, resource_id: str) -> GroupResource | None:
        self._call(f"fetch-group {resource_id}")
        return self.groups.get(resource_id)

    def create_user(self, external_id: str, attributes: Mapping[str, Value]) -> Written:
        self._call(f"create {external_id}")
        name = str(attributes["userName"])
        self._check_name(name, "")
        self._issued += 1
        resource_id = f"new-{self._issued}"
        user = UserResource(
            resource_id=resource_id,
            external_id=external_id,
            user_name=name,
            active=True,
            attributes={},
        )
        changes = [AttributeChange(path=p, before=None, after=v) for p, v in attributes.items()]
        self.users[resource_id] = changed_user(user, changes)
        return Written(resource_id=resource_id)

    def patch_user(self, resource_id: str, attributes: Sequence[AttributeChange]) -> Written:
        self._call(f"patch {resource_id}")
        for change in attributes:
            if change.path == "userName":
                self._check_name(str(change.after), resource_id)
        if resource_id not in self.users:
            message = f"{resource_id} does not exist"
            raise NotFoundError(message, status=404)
        self.users[resource_id] = changed_user(self.users[resource_id], attributes)
        return Written(resource_id=resource_id)

    @property
    def bulk_size(self) -> int:
        return self.bulk

    def write_users(self, changes: Sequence[Change]) -> list[Written | RemoteError | None]:
        self._call(f"bulk {len(changes)}")
        return [self._write_one(change) for change in changes]

    def _write_one(self, change: Change) -> Written | RemoteError | None:
        try:
            if change.action is Action.CREATE:
                values = {a.path: a.after for a in change.attributes}
                return self.create_user(change.external_id, values)
            return self.patch_user(change.resource_id, change.attributes)
        except RemoteError as error:
            return error if isinstance(error, UnknownOutcomeError) else None

    def delete_user(self, resource_id: str) -> None:
        self._call(f"delete {resource_id}")
        self.users.pop(resource_id, None)
        for key, group in self.groups.items():
            self.groups[key] = replace(group, members=group.members - {resource_id})

    def create_group(
        self, external_id: str, display_name: str, members: Sequence[str]
    ) -> tuple[str, Sequence[str]]:
        self._call(f"create-group {external_id}")
        self._issued += 1
        resource_id = f"new-{self._issued}"
        self.groups[resource_id] = GroupResource(
            resource_id=resource_id, external_id=external_id, display_name=display_name
        )
        return resource_id, members

    def patch_group(self, resource_id: str, attributes: Sequence[AttributeChange]) -> None:
        self._call(f"patch-group {resource_id}")
        self.groups[resource_id] = changed_group(self.groups[resource_id], attributes)

    def patch_members(self, resource_id: str, *, add: Sequence[str], remove: Sequence[str]) -> None:
        self._call(f"members {resource_id}")
        group = self.groups[resource_id]
        self.groups[resource_id] = replace(group, members=(group.members | set(add)) - set(remove))

    def delete_group(self, resource_id: str) -> None:
        self._call(f"delete-group {resource_id}")
        self.groups.pop(resource_id, None)

    def active(self) -> set[str]:
        """``userName`` of everybody who has access."""
        return {user.user_name for user in self.users.values() if user.active}

    @property
    def writes(self) -> list[str]:
        """Every call that changes something."""
        reads = ("state", "capabilities", "find", "fetch", "look up", "groups")
        return [call for call in self.calls if not call.startswith(reads)]

    def _check_name(self, name: str, resource_id: str) -> None:
        taken = any(
            user.user_name.casefold() == name.casefold() and key != resource_id
            for key, user in self.users.copy().items()  # others write at the same time
        )
        if taken and self.unique_names:
            message = f"the userName {name} is taken"
            raise ConflictError(message, status=409)


def changed_user(user: UserResource, changes: Sequence[AttributeChange]) -> UserResource:
    """An account after a PATCH."""
    attributes, mails = dict(user.attributes), list(user.emails)
    for change in changes:
        if change.path == "active":
            user = replace(user, active=bool(change.after))
        elif change.path == "externalId":
            user = replace(user, external_id=str(change.after))
        else:
            attributes[change.path] = change.after
        if change.path.startswith("emails"):
            mails = [mail for mail in mails if mail != change.before]
            mails += [str(change.after)] if change.after else []
    name = str(attributes.get("userName") or user.user_name)
    return replace(user, user_name=name, attributes=attributes, emails=tuple(mails))


def changed_group(group: GroupResource, changes: Sequence[AttributeChange]) -> GroupResource:
    """A group after a PATCH of its attributes."""
    for change in changes:
        if change.path == "externalId":
            group = replace(group, external_id=str(change.after))
        else:
            group = replace(group, display_name=str(change.after))
    return group


def applied(
    plan: Plan, accounts: Sequence[UserResource], groups: Sequence[GroupResource] = ()
) -> tuple[tuple[UserResource, ...], tuple[GroupResource, ...]]:
    """What a platform that takes everything holds after a plan; new ids are ``new-EXTERNALID``."""
    users = {user.resource_id: user for user in accounts}
    held = {group.resource_id: group for group in groups}
    for change in plan.changes:
        key = change.resource_id or f"new-{change.external_id}"
        if change.action is Action.DELETE:
            (users if change.kind is Kind.USER else held).pop(key)
        elif change.kind is Kind.USER:
            blank = UserResource(
                resource_id=key, external_id=change.external_id, user_name="", active=True
            )
            attributes = [
                replace(a, after=f"new-{a.target}") if a.target else a for a in change.attributes
            ]
            users[key] = changed_user(users.get(key, blank), attributes)
        else:
            empty = GroupResource(resource_id=key, external_id=change.external_id, display_name="")
            group = changed_group(held.get(key, empty), change.attributes)
            add = {m.resource_id or f"new-{m.external_id}" for m in change.add}
            gone = {m.resource_id for m in change.remove}
            held[key] = replace(group, members=(group.members | add) - gone)
    present = users.keys()
    return tuple(users.values()), tuple(
        replace(g, members=g.members & present) for g in held.values()
    )


@dataclass
class FakeLease:
    """A lease that is ours until ``error`` is set.

    Attributes:
        error: Raised by the next check.
        after: Checks that still pass once ``error`` is set.
    """

    epoch: int = 1
    error: JcsyncError | None = None
    after: int = 0

    def check(self) -> None:
        if self.error is None:
            return
        if self.after <= 0:
            raise self.error
        self.after -= 1


@dataclass
class FakeStore:
    """The store; ``calls`` names every write in order, ``fails`` lets some of them fail."""

    kept: dict[tuple[Kind, str], Link] = field(default_factory=dict)
    founded_in: str = ""
    owner: str = ""
    paused: bool = False
    the_lease: FakeLease = field(default_factory=FakeLease)
    calls: list[str] = field(default_factory=list)
    fails: Failure = never_fails
    plans: dict[str, Plan] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    reports: list[RunReport] = field(default_factory=list)
    all_holds: list[HoldRecord] = field(default_factory=list)
    waiting: dict[tuple[Kind, str], EscrowRecord] = field(default_factory=dict)
    known: dict[str, Learnt] = field(default_factory=dict)
    baselines: dict[str, Baseline] = field(default_factory=dict)
    fingerprints: dict[str, dict[str, str]] = field(default_factory=dict)
    uncertain: set[tuple[Kind, str]] = field(default_factory=set)
    kept_memos: dict[tuple[str, str], Memo] = field(default_factory=dict)

    @classmethod
    def of(cls, *links: Link) -> "FakeStore":
        """A store that remembers these links."""
        return cls(kept={(link.kind, link.external_id): link for link in links})

    def _call(self, call: str) -> None:
        self.calls.append(call)
        if (error := self.fails(call)) is not None:
            raise error

    @contextmanager
    def lease(self, connection: str, owner: str) -> Iterator[FakeLease]:
        if self.owner:
            message = f"{self.owner} holds the lease of {connection}"
            raise LeaseHeldError(message, owner=self.owner)
        self.owner = owner
        try:
            yield self.the_lease
        finally:
            self.owner = ""

    def links(self, connection: str) -> tuple[Link, ...]:
        del connection
        return tuple(self.kept.values())

    def unconfirmed(
        self, connection: str, kind: Kind, external_ids: Collection[str]
    ) -> frozenset[str]:
        del connection
        return frozenset(key for key in external_ids if (kind, key) in self.uncertain)

    def record_links(
        self,
        connection: str,
        links: Sequence[Link],
        *,
        forget: Sequence[tuple[Kind, str]] = (),
    ) -> None:
        del connection
        self._call("links")
        for key in forget:
            self.kept.pop(key, None)
        for link in links:
            self._keep(link)

    def _keep(self, link: Link) -> None:
        """Insert or replace a link; one resource has one link."""
        same = (link.kind, link.resource_id)
        self.kept = {k: v for k, v in self.kept.items() if (v.kind, v.resource_id) != same}
        self.kept[(link.kind, link.external_id)] = link

    def record_start(
        self,
        run_id: str,
        connection: str,
        *,
        mode: str,
        trigger: str,
        started_at: datetime,
        actor: str = "",
    ) -> None:
        del run_id, connection, started_at, actor
        self._call(f"start {mode} {trigger}")

    def record_plan(self, run_id: str, plan: Plan, *, at: datetime) -> None:
        del at
        self._call("plan")
        self.plans[run_id] = plan
        self.uncertain |= {(change.kind, change.external_id) for change in plan.changes}

    def record_outcomes(
        self, run_id: str, connection: str, records: Sequence[OutcomeRecord]
    ) -> None:
        del run_id, connection
        for record in records:
            self._call(f"outcome {record.outcome.n}")
        for record in records:
            self._end(record)

    def _end(self, record: OutcomeRecord) -> None:
        change, outcome = record.change, record.outcome
        self.outcomes.append(outcome)
        if outcome.status is not Status.FAILED:
            self.uncertain.discard((change.kind, change.external_id))
        key = (change.kind, change.external_id or change.resource_id)
        if outcome.status is Status.APPLIED:
            self.waiting.pop(key, None)
        if record.escrow is not None:
            self.waiting[key] = record.escrow
        if change.action is Action.DELETE and outcome.status is Status.APPLIED:
            self.kept.pop((change.kind, change.external_id), None)
        if record.link is not None:
            self._keep(record.link)

    def record_end(self, report: RunReport) -> None:
        self._call("end")
        self.reports.append(report)

    def open_hold(
        self,
        connection: str,
        run_id: str,
        digest: str,
        violations: Sequence[Violation],
        *,
        at: datetime,
    ) -> int:
        self._call("hold")
        for hold in self.holds(open_only=True):
            if hold.digest == digest:
                return hold.id
        self.supersede_holds(connection, by=f"run {run_id}", at=at)
        hold = HoldRecord(
            id=len(self.all_holds) + 1,
            connection=connection,
            run_id=run_id,
            digest=digest,
            status=HoldStatus.HELD,
            created_at=at,
            decided_at=None,
            decided_by="",
            violations=tuple(violations),
        )
        self.all_holds.append(hold)
        return hold.id

    def decide_hold(self, hold_id: int, status: HoldStatus, *, by: str, at: datetime) -> None:
        self._call(f"decide {hold_id} {status}")
        for n, hold in enumerate(self.all_holds):
            if hold.id == hold_id and hold.status in _DECIDABLE.get(status, _OPEN):
                self.all_holds[n] = replace(hold, status=status, decided_by=by, decided_at=at)
                return
        message = f"hold {hold_id} is not open"
        raise UsageError(message)

    def supersede_holds(self, connection: str, *, by: str, at: datetime) -> None:
        del connection
        for hold in self.holds(open_only=True):
            self.decide_hold(hold.id, HoldStatus.SUPERSEDED, by=by, at=at)

    def holds(
        self, *, connection: str | None = None, open_only: bool = False
    ) -> tuple[HoldRecord, ...]:
        del connection
        wanted = [h for h in self.all_holds if not open_only or h.status is HoldStatus.HELD]
        return tuple(reversed(wanted))

    def runs(
        self,
        *,
        connection: str | None = None,
        since: datetime | None = None,
        run_id: str | None = None,
        limit: int = 50,
    ) -> tuple[RunRecord, ...]:
        del connection, since, run_id, limit
        return ()

    def changes(
        self,
        *,
        connection: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        run_id: str | None = None,
        limit: int = 200,
    ) -> tuple[ChangeRecord, ...]:
        del connection, user, since, run_id, limit
        return ()

    def last_applied(
        self, connection: str, external_ids: Collection[str], *, limit: int = 2
    ) -> Mapping[str, tuple[ChangeRecord, ...]]:
        del connection, limit
        return dict.fromkeys(external_ids, ())

    def escrow(self, connection: str | None = None) -> tuple[EscrowRecord, ...]:
        del connection
        return tuple(self.waiting.values())

    def retry_escrow(self, connection: str, who: str | None, *, at: datetime) -> int:
        del connection, who
        self.waiting = {k: replace(v, next_try_at=at) for k, v in self.waiting.items()}
        return len(self.waiting)

    def forget_escrow(self, connection: str, who: str | None) -> int:
        del who
        return self.settle_escrow(connection, ())

    def settle_escrow(self, connection: str, keep: Collection[tuple[Kind, str]]) -> int:
        del connection
        before = len(self.waiting)
        self.waiting = {k: v for k, v in self.waiting.items() if k in keep}
        return before - len(self.waiting)

    def settled(self, connection: str) -> Mapping[str, Mapping[str, AttributeChange]]:
        del connection
        return {}

    def baseline(self, connection: str) -> Baseline | None:
        return self.baselines.get(connection)

    def decided(self, connection: str) -> Mapping[str, str]:
        return dict(self.fingerprints.get(connection, {}))

    def undecided(self, connection: str) -> Mapping[str, str]:
        marks = self.decided(connection)
        return {key: mark for key, mark in marks.items() if mark[:1] in {UNSETTLED, BLOCKED}}

    def record_baseline(
        self, connection: str, baseline: Baseline, decided: Mapping[str, str | None]
    ) -> None:
        self._call("baseline")
        self.baselines[connection] = baseline
        self._keep_decided(connection, decided)

    def record_decided(self, connection: str, decided: Mapping[str, str | None]) -> None:
        self._call("decided")
        self._keep_decided(connection, decided)

    def _keep_decided(self, connection: str, decided: Mapping[str, str | None]) -> None:
        marks = self.fingerprints.get(connection, {}) | decided
        kept = {key: mark for key, mark in marks.items() if mark is not None}
        self.fingerprints[connection] = kept

    def learnt(self, connection: str) -> Learnt | None:
        return self.known.get(connection)

    def record_learnt(self, connection: str, learnt: Learnt) -> None:
        self._call("learnt")
        self.known[connection] = learnt

    def connection(self, name: str) -> ConnectionRecord:
        return ConnectionRecord(
            name=name,
            organization=self.founded_in,
            last_run=None,
            last_success=None,
            managed=len(self.kept),
            paused=self.paused,
            lease_owner=self.owner,
        )

    def organization(self, connection: str) -> str:
        del connection
        return self.founded_in

    def record_organization(self, connection: str, organization: str) -> None:
        del connection
        self._call("organization")
        self.founded_in = organization

    def pause(self, connection: str, *, paused: bool) -> None:
        del connection
        self.paused = paused

    def memos(self, connection: str) -> Mapping[str, Memo]:
        return {topic: memo for (of, topic), memo in self.kept_memos.items() if of == connection}

    def record_memo(self, connection: str, topic: str, value: str | None) -> None:
        self.kept_memos.pop((connection, topic), None)
        if value is not None:
            self.kept_memos[connection, topic] = Memo(value=value, at=NOON)

    def prune(self, *, before: datetime) -> int:
        del before
        return 0


def refused(message: str = "500 of the platform", status: int = 500) -> RemoteError:
    """An error of a side."""
    return RemoteError(message, status=status)
