"""The service provider as runs see it: meets ``ports.ServiceProvider``.

Source:
    RFC 7644, section 3; the deviations are in ``profiles``.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from http import HTTPStatus

from jcsync.errors import (
    NotFoundError,
    RejectedError,
    RemoteError,
    TransientError,
)
from jcsync.model.facts import Facts
from jcsync.model.path import parse_path
from jcsync.model.plan import AttributeChange, Change
from jcsync.model.report import Written
from jcsync.model.resource import (
    Capabilities,
    GroupResource,
    ProviderState,
    Sought,
    UserResource,
    Value,
)
from jcsync.scim.bulk import BulkWriter
from jcsync.scim.calls import Calls, resource_path
from jcsync.scim.creating import Creator
from jcsync.scim.discovery import Discovery
from jcsync.scim.learning import adapted
from jcsync.scim.listing import Listing
from jcsync.scim.lookup import Lookup
from jcsync.scim.members import MemberWriter
from jcsync.scim.memberships import hides_members, read_each, read_memberships
from jcsync.scim.patching import Patcher
from jcsync.scim.probe import Probe
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import Reader
from jcsync.scim.verify import Verifier
from jcsync.scim.wire import UserParser, parse_group
from jcsync.threads import Pool
from jcsync.transport import Transport

_ABSENT = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_IMPLEMENTED})
_ACCEPT = "application/scim+json, application/json;q=0.9"


def provider_headers(profile: Profile) -> Mapping[str, str]:
    """The headers that every request to a provider carries, credentials excepted."""
    return {"Accept": _ACCEPT, "Content-Type": profile.content_type}


class ScimProvider:
    """Meets ``ports.ServiceProvider``; safe for several threads; one for each run."""

    def __init__(
        self,
        transport: Transport,
        profile: Profile,
        paths: Sequence[str],
        known: Facts | None = None,
    ) -> None:
        """Build the client; nothing is sent.

        Args:
            transport: To the base URL of the service provider.
            profile: How it deviates.
            paths: SCIM paths of the managed attributes.
            known: What was learnt of it before, for where the configuration says nothing.
        """
        profile = adapted(profile, known) if known is not None else profile
        self.transport = transport
        self.profile = profile
        self._parse_user = UserParser(map(parse_path, paths))
        self._calls = Calls(transport, profile)
        discovery = Discovery(self._calls, profile, known)
        self._reader = Reader(self._calls, profile, discovery)
        self._verifier = Verifier(self._reader, profile)
        self._patcher = Patcher(self._calls, self._reader, profile, self._verifier)
        self._members = MemberWriter(self._calls, self._reader, profile, self._verifier)
        self._creator = Creator(
            self._calls, self._reader, self._verifier, self._patcher, self._members
        )
        self._bulk = BulkWriter(
            self._calls,
            self._reader,
            profile,
            discovery,
            self._patcher,
            complete=self._creator.complete,
        )
        self._probe = Probe(self._calls, self._reader, profile, discovery)
        self._lookup = Lookup(self._reader, profile)

    @property
    def answers(self) -> Mapping[str, int]:
        """Requests by HTTP status, ``none`` for those without an answer."""
        return self.transport.answers

    @property
    def rates(self) -> Mapping[str, float]:
        """What each HTTP method was found to bear, per second; 0 for any, empty for no refusal.

        And under ``at once`` how many requests at once, where their number is limited.
        """
        return self.transport.rates

    @property
    def retries(self) -> int:
        """Requests that were repetitions."""
        return self.transport.retries

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, retries included."""
        return self.transport.requests

    @property
    def repeats(self) -> int:
        """Requests that the calling thread has repeated so far."""
        return self.transport.repeats

    # ------------------------------------------------------------------ reading

    def fetch_state(self, *, groups: bool) -> ProviderState:
        """Read all accounts, and all groups with their members when asked to."""
        with Pool(max_workers=1) as pool:
            pending = pool.submit(self._list_groups) if groups else None
            users = self._reader.read_whole("Users", self._parse_user)
            listed = pending.result() if pending else Listing()
        if listed.gaps and len(users.rows) > len(listed.rows) > 0:
            # A platform that gives so many accounts at once has not cut the list of groups.
            listed = self._list_groups()
        held = [*listed.rows.values()]
        of_groups = [*listed.gaps]
        members, missing = self._memberships(listed, users)
        if members is not None:
            held = [replace(g, members=members.get(g.resource_id, frozenset())) for g in held]
            of_groups += missing
        return ProviderState(
            users=tuple(users.rows.values()),
            groups=tuple(held),
            gaps=(*users.gaps, *of_groups),
            of_groups=tuple(of_groups),
        )

    def _memberships(
        self, groups: Listing, users: Listing
    ) -> tuple[Mapping[str, AbstractSet[str]] | None, list[str]]:
        """Members by group, ``None`` where the list of groups shows them; and why some may lack."""
        if not groups.rows:
            return None, []
        if not self.profile.shows_members:
            return read_memberships(self._reader, self.profile, users.rows)
        each = self.profile.members_read == "each"
        if each or hides_members(self._reader, groups.rows.values()):
            return read_each(self._reader, groups.rows)
        return None, []

    def fetch_accounts(self, sought: Iterable[Sought]) -> ProviderState:
        """Look some accounts up: by ``id``, ``externalId``, ``userName``, then the e-mails."""
        rows = self._lookup.accounts(sought).values()
        users = tuple(user for row in rows if (user := self._parse_user(row)))
        return ProviderState(users=users, gaps=self._lookup.gaps, notes=self._lookup.notes)

    def fetch_memberships(self, sought: Iterable[Sought], accounts: Iterable[str]) -> ProviderState:
        """Look some groups up, and every group that these accounts are in.

        A platform without groups has a gap.
        """
        wanted = tuple(dict.fromkeys(accounts))
        try:
            rows, members, gaps = self._lookup.memberships(sought, wanted)
        except RemoteError as error:
            if error.status not in _ABSENT:
                raise
            return ProviderState(users=(), gaps=(_no_groups(error),))
        groups = (group for row in rows.values() if (group := parse_group(row)))
        return ProviderState(
            users=(),
            groups=tuple(
                replace(
                    group,
                    members=members.get(group.resource_id, frozenset()),
                    size=len(group.members),
                )
                for group in groups
            ),
            gaps=tuple(dict.fromkeys((*gaps, *self._lookup.gaps))),
            notes=self._lookup.notes,
        )

    def fetch_groups(self, sought: Iterable[Sought]) -> ProviderState:
        """Look some groups up, with all their members.

        A platform whose groups do not show their members is read in full.
        """
        if not self.profile.shows_members:
            note = "everything was read: groups of the platform do not show their members"
            state = self.fetch_state(groups=True)
            return replace(state, notes=(note,))
        try:
            rows = self._lookup.groups(sought)
            rows = {key: self._lookup.alone("Groups", key, row) for key, row in rows.items()}
        except RemoteError as error:
            if error.status not in _ABSENT:
                raise
            return ProviderState(users=(), gaps=(_no_groups(error),))
        groups = tuple(group for row in rows.values() if (group := parse_group(row)))
        return ProviderState(
            users=(), groups=groups, gaps=self._lookup.gaps, notes=self._lookup.notes
        )

    def fetch_user(self, resource_id: str) -> UserResource | None:
        """Read one account; ``None`` when it is gone."""
        body = self._reader.read(resource_path("Users", resource_id))
        return self._parse_user(body) if body is not None else None

    def fetch_group(self, resource_id: str) -> GroupResource | None:
        """Read one group; ``None`` when it is gone."""
        body = self._reader.read(resource_path("Groups", resource_id))
        return parse_group(body) if body is not None else None

    def fetch_capabilities(self) -> Capabilities:
        """Learn, read-only, what the platform says of itself and what its lists are worth."""
        return self._probe.learn()

    def find_users(self, *, external_id: str = "", user_name: str = "") -> tuple[UserResource, ...]:
        """Look accounts up by ``externalId``, then by ``userName``.

        A filter is a hint: what it yields is compared again here, and a platform that rejects or
        ignores filters is read in full, once for all look-ups.
        """
        rows = self._reader.find("Users", since=0, externalId=external_id, userName=user_name)
        return tuple(user for row in rows if (user := self._parse_user(row)))

    def _list_groups(self) -> Listing:
        """All groups; a platform without groups has a gap, and its accounts are read all the same."""
        try:
            return self._reader.read_whole("Groups", parse_group)
        except RemoteError as error:
            if error.status not in _ABSENT:
                raise
            return Listing(gaps=[_no_groups(error)])

    # ------------------------------------------------------------------ accounts

    def create_user(self, external_id: str, attributes: Mapping[str, Value]) -> Written:
        """Create an active account; see ``creating``.

        Raises:
            ConflictError: The ``userName`` is taken by another account.
        """
        return self._creator.user(external_id, attributes)

    def patch_user(self, resource_id: str, attributes: Sequence[AttributeChange]) -> Written:
        """Change attributes of an account, ``active`` and ``externalId`` among them.

        Raises:
            NotFoundError: The account is gone.
            RejectedError: Also where the profile says that a deactivation deletes.
        """
        ends = any(change.path == "active" and change.after is False for change in attributes)
        if ends and self.profile.deactivate == "deletes":
            message = (
                "nothing was sent: this platform deletes whom it deactivates; if that is what you "
                "want, set provider.quirks.deactivate to deletes-confirmed"
            )
            raise RejectedError(message)
        try:
            return self._patcher.patch("Users", resource_id, attributes)
        except NotFoundError as error:
            message = (
                f"{error}; the account was deleted or made anew since it was listed, the next run "
                "looks for its owner again"
            )
            raise NotFoundError(message, status=error.status) from error

    @property
    def bulk_size(self) -> int:
        """Accounts that one request may write, 1 when each has its own."""
        return self._bulk.size

    def write_users(self, changes: Sequence[Change]) -> list[Written | RemoteError | None]:
        """Create and change several accounts by one request; see ``bulk``.

        Raises:
            UnauthorizedError: The token is refused.
        """
        return self._bulk.write(changes)

    def delete_user(self, resource_id: str) -> None:
        """Delete an account; one that is gone already counts as deleted.

        Raises:
            RejectedError: The profile forbids it.
        """
        if not self.profile.delete_users:
            message = (
                f"nothing was sent: the profile {self.profile.name} deletes no accounts, as this "
                "platform cannot, or not in a way that can be undone (provider.quirks.delete_users)"
            )
            raise RejectedError(message)
        self._delete(resource_path("Users", resource_id))

    # ------------------------------------------------------------------ groups

    def create_group(
        self, external_id: str, display_name: str, members: Sequence[str]
    ) -> tuple[str, Sequence[str]]:
        """Create a group, with as many of its members as the platform takes at once.

        Returns:
            Its ``id``, and the members that have to be added yet.
        """
        return self._creator.group(external_id, display_name, members)

    def patch_group(self, resource_id: str, attributes: Sequence[AttributeChange]) -> None:
        """Change ``displayName`` or ``externalId`` of a group.

        Raises:
            RejectedError: Also when the platform keeps the name that it had.
        """
        self._members.check()
        written = self._patcher.patch("Groups", resource_id, attributes)
        for unkept in written.unkept:
            if unkept.path == "displayName":
                message = f"the platform answered 2xx and keeps the name {unkept.before!r}"
                raise RejectedError(message)

    def patch_members(self, resource_id: str, *, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add and remove members by ``id`` of their accounts, in chunks, one after another."""
        self._members.patch(resource_id, add, remove)

    def delete_group(self, resource_id: str) -> None:
        """Delete a group; one that is gone already counts as deleted."""
        self._members.check()
        self._delete(resource_path("Groups", resource_id))

    # ------------------------------------------------------------------ within

    def _delete(self, path: str) -> None:
        try:
            self._calls.send("DELETE", path)
        except NotFoundError:
            return
        except TransientError:
            if self._reader.read(path) is not None:
                raise


def _no_groups(error: RemoteError) -> str:
    return f"the platform lists no groups (groups.enabled): {error}"
