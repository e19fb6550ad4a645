"""What the stages need from outside.

A port belongs to its callers: the few methods that a run calls. ``jumpcloud`` meets
``Directory``, ``scim`` meets ``ServiceProvider``, ``store`` meets ``Store``.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from jcsync.errors import RemoteError
from jcsync.model.baseline import Baseline
from jcsync.model.directory import (
    DirectoryGroup,
    DirectoryState,
    DirectoryUser,
    Evidence,
    Organization,
)
from jcsync.model.events import Changes, ConnectorUse
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
from jcsync.model.plan import AttributeChange, Change, Plan
from jcsync.model.report import RunReport, Written
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


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The wall-clock time, aware, in UTC."""
        ...


class Directory(Protocol):
    """JumpCloud; read, never written.

    Every method raises ``RemoteError`` in one of its forms.
    """

    @property
    def answers(self) -> Mapping[str, int]:
        """Requests by HTTP status, ``none`` for those without an answer."""
        ...

    @property
    def retries(self) -> int:
        """Requests that were repetitions."""
        ...

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, retries included."""
        ...

    def fetch_state(self, scope: Scope) -> DirectoryState:
        """Read the groups of the scope, their members, and the users.

        Raises:
            SettingsError: A group or application of the scope does not exist or is ambiguous.
        """
        ...

    def fetch_people(
        self,
        user_ids: Collection[str],
        scope: Scope,
        *,
        follow: Callable[[DirectoryUser], Collection[str]] = lambda _user: (),
    ) -> DirectoryState:
        """Read some people and what they are bound to, directly, and not everybody.

        Args:
            user_ids: Whom; who does not exist is in no group and has no record.
            scope: Its groups are read by name, their members are not.
            follow: Names the other people whom a person refers to: they are read as well.

        Returns:
            The same as a full read, about these people alone (``asked``).

        Raises:
            SettingsError: As ``fetch_state``.
        """
        ...

    def fetch_group(self, which: str, scope: Scope) -> DirectoryState:
        """Read one group of the scope, by name or id, with its members and their records.

        Raises:
            SettingsError: As ``fetch_state``.
            UsageError: The scope has no such group, or several.
        """
        ...

    def fetch_evidence(self, user_id: str, scope: Scope) -> Evidence:
        """Read one user and what he is bound to, directly and now."""
        ...

    def find_people(self, who: str) -> tuple[DirectoryUser, ...]:
        """Look people up by id, username or e-mail, case ignored, wherever they are."""
        ...

    def fetch_groups(self) -> tuple[DirectoryGroup, ...]:
        """Read all user groups, ordered by name."""
        ...

    def fetch_member_count(self, group_id: str) -> int:
        """Read how many members a group has."""
        ...

    def fetch_organization(self) -> Organization:
        """Read the organisation that the key works in; its ``id`` is ``""`` when it may not ask.

        Raises:
            SettingsError: The key sees several organisations and none is chosen.
        """
        ...


class Feed(Protocol):
    """JumpCloud's event log: it says whom to look at, and is never believed beyond that.

    Its methods raise ``FeedError``.
    """

    @property
    def answers(self) -> Mapping[str, int]:
        """Requests by HTTP status, ``none`` for those without an answer."""
        ...

    @property
    def retries(self) -> int:
        """Requests that were repetitions."""
        ...

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, retries included."""
        ...

    def fetch_changes(self, since: datetime) -> Changes:
        """Read what has happened in the directory since then."""
        ...

    def fetch_connectors(self, since: datetime) -> tuple[ConnectorUse, ...]:
        """Read, in one request, what JumpCloud's own SCIM connectors have done since then."""
        ...


class ServiceProvider(Protocol):
    """A SCIM 2.0 service provider.

    Every method raises ``RemoteError`` in one of its forms.
    """

    @property
    def answers(self) -> Mapping[str, int]:
        """Requests by HTTP status, ``none`` for those without an answer."""
        ...

    @property
    def rates(self) -> Mapping[str, float]:
        """What each HTTP method was found to bear, per second; 0 for any, empty for no refusal.

        And under ``at once`` how many requests at once, where their number is limited.
        """
        ...

    @property
    def retries(self) -> int:
        """Requests that were repetitions."""
        ...

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, retries included."""
        ...

    @property
    def repeats(self) -> int:
        """Requests that the calling thread has repeated so far."""
        ...

    def fetch_state(self, *, groups: bool) -> ProviderState:
        """Read all accounts, and all groups with their members when asked to."""
        ...

    def fetch_capabilities(self) -> Capabilities:
        """Learn, read-only, what the platform says of itself and whether it takes filters."""
        ...

    def find_users(self, *, external_id: str = "", user_name: str = "") -> tuple[UserResource, ...]:
        """Look accounts up by ``externalId``, then by ``userName``.

        For a platform whose listing cannot be trusted; what comes back matches for certain.
        """
        ...

    def fetch_accounts(self, sought: Iterable[Sought]) -> ProviderState:
        """Look some accounts up, and not all of them; each search ends with the first that fits.

        What it does not find does not exist, provably: where a filter has not found what is
        there, all accounts are read, and a note says so.
        """
        ...

    def fetch_memberships(
        self, sought: Iterable[Sought], accounts: Collection[str]
    ) -> ProviderState:
        """Look some groups up, and every group that these accounts are in.

        Args:
            sought: Groups; their accounts may not be in them yet.
            accounts: ``id`` of accounts.

        Returns:
            Groups, with those of the accounts that are their members.
        """
        ...

    def fetch_groups(self, sought: Iterable[Sought]) -> ProviderState:
        """Look some groups up, with all their members."""
        ...

    def fetch_user(self, resource_id: str) -> UserResource | None:
        """Read one account; ``None`` when it is gone."""
        ...

    def fetch_group(self, resource_id: str) -> GroupResource | None:
        """Read one group; ``None`` when it is gone."""
        ...

    def create_user(self, external_id: str, attributes: Mapping[str, Value]) -> Written:
        """Create an active account.

        A create whose answer was lost is looked up by ``external_id`` before it is repeated.

        Raises:
            ConflictError: The ``userName`` is taken.
        """
        ...

    def patch_user(self, resource_id: str, attributes: Sequence[AttributeChange]) -> Written:
        """Change attributes of an account, ``active`` and ``externalId`` among them.

        What the platform refuses or ignores is sent in another way before it is given up. Whether
        ``active`` was taken is read from the account, whatever the answer shows.

        Raises:
            NotFoundError: The account is gone.
        """
        ...

    @property
    def bulk_size(self) -> int:
        """Accounts that one request may write, 1 when each has its own."""
        ...

    def write_users(self, changes: Sequence[Change]) -> Sequence[Written | RemoteError | None]:
        """Create and change several accounts by one request, as far as that can be proven.

        Args:
            changes: Creates and patches of different accounts that take nobody's access.

        Returns:
            For each what was written; an error when that is unknown and cannot be found out;
            ``None`` when nothing was written: the change is to be made by itself.

        Raises:
            UnauthorizedError: The token is refused.
        """
        ...

    def delete_user(self, resource_id: str) -> None:
        """Delete an account; one that is gone already counts as deleted."""
        ...

    def create_group(
        self, external_id: str, display_name: str, members: Sequence[str]
    ) -> tuple[str, Sequence[str]]:
        """Create a group, with as many of its members as the platform takes at once.

        Args:
            external_id: JumpCloud ``id`` of the group.
            display_name: Its name.
            members: ``id`` of their accounts.

        Returns:
            Its ``id``, and the members that have to be added yet.
        """
        ...

    def patch_group(self, resource_id: str, attributes: Sequence[AttributeChange]) -> None:
        """Change ``displayName`` or ``externalId`` of a group."""
        ...

    def patch_members(self, resource_id: str, *, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add and remove members by ``id`` of their accounts, in chunks."""
        ...

    def delete_group(self, resource_id: str) -> None:
        """Delete a group; one that is gone already counts as deleted."""
        ...


class Lease(Protocol):
    """The right to write to one platform, for a while."""

    @property
    def epoch(self) -> int:
        """Grows by one with every owner."""
        ...

    def check(self) -> None:
        """Do nothing while the lease is ours.

        Raises:
            LeaseLostError: It ended, or another process took it over.
        """
        ...


class Store(Protocol):
    """Links, runs, changes, holds, escrow and leases; evidence, never in place of a read.

    Every method raises ``StoreError``. Methods may be called from several threads.

    While a lease of a connection is held through this store, what a run writes for that
    connection is written only if the lease is still the one in the store; else the method
    raises ``LeaseLostError`` and nothing is written. That goes for all methods that begin with
    ``record_``, for ``open_hold``, ``supersede_holds``, those of escrow, and ``decide_hold``
    where a plan is approved or applied. Without a lease of ours they just write.
    """

    def lease(self, connection: str, owner: str) -> AbstractContextManager[Lease]:
        """Hold the lease of a connection for the length of a ``with`` block, renewing it.

        The lease of an owner that is provably dead, on this machine, is taken over at once; any
        other when it has expired.

        Raises:
            LeaseHeldError: Another owner holds it.
        """
        ...

    def links(self, connection: str) -> tuple[Link, ...]:
        """Every link of a connection, in no order."""
        ...

    def unconfirmed(
        self, connection: str, kind: Kind, external_ids: Collection[str]
    ) -> AbstractSet[str]:
        """Those of these ids whose newest change was begun, and is not known to have been made.

        It was killed before its outcome, or failed; it may have been made all the same.
        """
        ...

    def record_links(
        self,
        connection: str,
        links: Sequence[Link],
        *,
        forget: Sequence[tuple[Kind, str]] = (),
    ) -> None:
        """Insert or replace links, and remove those of these kinds and ``external_id``."""
        ...

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
        """Remember that a run began."""
        ...

    def record_plan(self, run_id: str, plan: Plan, *, at: datetime) -> None:
        """Remember every change of a plan before its first call: the intents."""
        ...

    def record_outcomes(
        self, run_id: str, connection: str, records: Sequence[OutcomeRecord]
    ) -> None:
        """Remember how changes ended, their links, escrow and what the platform did not keep.

        All of it in one transaction.

        A change of action ``delete`` that was applied takes its link with it. A resource whose
        change was applied leaves escrow; a record that is given enters it, in place of an
        earlier one of the same resource.
        """
        ...

    def record_end(self, report: RunReport) -> None:
        """Remember how a run ended, with its findings."""
        ...

    def open_hold(
        self,
        connection: str,
        run_id: str,
        digest: str,
        violations: Sequence[Violation],
        *,
        at: datetime,
    ) -> int:
        """Hold a plan and return the number of the hold.

        The number of the hold that is open for the same digest is returned again; one that is
        open for another digest is superseded. Where the newest hold of this digest was rejected,
        its number is returned and it stays rejected: what was refused is not asked for again.
        """
        ...

    def decide_hold(self, hold_id: int, status: HoldStatus, *, by: str, at: datetime) -> None:
        """End a hold.

        A hold is decided once, but for two things: an approved plan becomes an applied one, and
        a rejected one may still be approved.

        Raises:
            UsageError: There is no such hold, or it is not open any more.
        """
        ...

    def supersede_holds(self, connection: str, *, by: str, at: datetime) -> None:
        """End every open hold of a connection: its cause is gone; rejected ones stay so."""
        ...

    def holds(
        self, *, connection: str | None = None, open_only: bool = False
    ) -> tuple[HoldRecord, ...]:
        """Holds, newest first."""
        ...

    def runs(
        self,
        *,
        connection: str | None = None,
        since: datetime | None = None,
        run_id: str | None = None,
        limit: int = 50,
    ) -> tuple[RunRecord, ...]:
        """Runs, newest first."""
        ...

    def changes(
        self,
        *,
        connection: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        run_id: str | None = None,
        limit: int = 200,
    ) -> tuple[ChangeRecord, ...]:
        """Changes, newest first.

        Args:
            connection: Of this connection only.
            user: Of resources with this name, ``external_id`` or ``resource_id``, case ignored.
            since: Not older than this.
            run_id: Of this run only; a unique end of the id is enough.
            limit: How many at the most.
        """
        ...

    def last_applied(
        self, connection: str, external_ids: Collection[str], *, limit: int = 2
    ) -> Mapping[str, tuple[ChangeRecord, ...]]:
        """The newest changes that set attributes of these users, newest first.

        Args:
            connection: Of this connection.
            external_ids: JumpCloud ids, thousands if need be.
            limit: How many of each at the most.

        Returns:
            For each id its applied changes of action ``create``, ``patch`` or ``reactivate``;
            ``()`` for one that has none.
        """
        ...

    def escrow(self, connection: str | None = None) -> tuple[EscrowRecord, ...]:
        """Resources that failed and wait, of one connection or all, ordered by their next try."""
        ...

    def retry_escrow(self, connection: str, who: str | None, *, at: datetime) -> int:
        """Let resources be tried at the next run; return how many.

        Args:
            connection: Of this connection.
            who: Those with this name, ``external_id`` or ``resource_id``, case ignored; ``None``
                for all.
            at: Now.
        """
        ...

    def forget_escrow(self, connection: str, who: str | None) -> int:
        """Remove resources from escrow, as if they had never failed; return how many.

        Args:
            connection: Of this connection.
            who: As in ``retry_escrow``.
        """
        ...

    def settle_escrow(self, connection: str, keep: Collection[tuple[Kind, str]]) -> int:
        """Remove from escrow all but these: their cause is gone; return how many.

        Args:
            connection: Of this connection.
            keep: Kind and key (``EscrowRecord.key``) of each resource that still waits for a
                change: its ``external_id``, or its ``resource_id`` where it has none.
        """
        ...

    def settled(self, connection: str) -> Mapping[str, Mapping[str, AttributeChange]]:
        """Attributes that the platform does not keep as they are sent.

        Returns:
            By JumpCloud id and path: what the platform has (``before``) in place of what it was
            sent (``after``).
        """
        ...

    def baseline(self, connection: str) -> Baseline | None:
        """From where fast runs of a connection go on; ``None`` before its first full run."""
        ...

    def decided(self, connection: str) -> Mapping[str, str]:
        """The fingerprint of what each person should have, as last decided, by JumpCloud id.

        Or a mark: ``model.baseline.UNSETTLED``, or ``BLOCKED`` and the fingerprint.
        """
        ...

    def undecided(self, connection: str) -> Mapping[str, str]:
        """Of these, those of people who are unsettled or blocked."""
        ...

    def record_decided(self, connection: str, decided: Mapping[str, str | None]) -> None:
        """Remember fingerprints by JumpCloud id; ``None`` forgets one, others stay."""
        ...

    def record_baseline(
        self, connection: str, baseline: Baseline, decided: Mapping[str, str | None]
    ) -> None:
        """Remember from where fast runs go on, and what was decided of people since.

        Args:
            connection: Of this connection.
            baseline: In place of the one before.
            decided: As for ``record_decided``.
        """
        ...

    def learnt(self, connection: str) -> Learnt | None:
        """What ``check`` has learnt of the platform last; ``None`` when it never did."""
        ...

    def record_learnt(self, connection: str, learnt: Learnt) -> None:
        """Remember what was learnt of the platform, in place of what was learnt before.

        No right to write to the platform is needed for it, whoever holds the lease.
        """
        ...

    def connection(self, name: str) -> ConnectionRecord:
        """What is known of a connection; also of one that never ran."""
        ...

    def organization(self, connection: str) -> str:
        """The JumpCloud organisation that a connection was first used with, or ``""``."""
        ...

    def record_organization(self, connection: str, organization: str) -> None:
        """Remember the JumpCloud organisation of a connection."""
        ...

    def pause(self, connection: str, *, paused: bool) -> None:
        """Tell the daemon to leave a connection alone, or to take it up again."""
        ...

    def memos(self, connection: str) -> Mapping[str, Memo]:
        """What is remembered of a connection, by topic; ``""`` for what is about all of them."""
        ...

    def record_memo(self, connection: str, topic: str, value: str | None) -> None:
        """Remember something in place of what it was before; ``None`` forgets it."""
        ...

    def prune(self, *, before: datetime) -> int:
        """Remove runs, changes and decided holds older than this; return how many runs."""
        ...
