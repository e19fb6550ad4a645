"""The calls to JumpCloud.

Source:
    JumpCloud API 1.0 (``/api``: users, applications, organisations) and API 2.0 (``/api/v2``:
    groups and the graph).
"""

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from urllib.parse import quote

from jcsync.errors import (
    NotFoundError,
    RemoteError,
    SettingsError,
    SeveralOrganizationsError,
    UnauthorizedError,
    UnreadableError,
)
from jcsync.jumpcloud.auth import Credentials
from jcsync.jumpcloud.calls import MOST_ROWS_A_PAGE, Calls, ends_everything
from jcsync.jumpcloud.listing import Listing, Page
from jcsync.jumpcloud.people import broken_rule, state_of_people
from jcsync.jumpcloud.selection import choose_group, listed, near_matches, resolve_groups
from jcsync.jumpcloud.users import Users
from jcsync.jumpcloud.wire import parse_group
from jcsync.model.directory import (
    DirectoryGroup,
    DirectoryState,
    DirectoryUser,
    Evidence,
    Membership,
    Organization,
    is_object_id,
)
from jcsync.model.rules import Scope
from jcsync.threads import Pool
from jcsync.transport import Transport


class JumpCloud:
    """Meets ``ports.Directory``."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        *,
        org_id: str = "",
        page_size: int = 100,
        concurrency: int = 4,
        needed: Collection[str] | None = None,
    ) -> None:
        """Build the client; nothing is sent.

        Args:
            transport: To the console host, without ``/api``.
            credentials: Asked for the headers of each call.
            org_id: Sent as ``x-org-id`` where the route takes it.
            page_size: ``limit`` of the list of users; of every other list 100 at the most.
            concurrency: Calls at once.
            needed: Fields of users that are read, beside who somebody is and his state; ``None``
                for all.
        """
        self.transport = transport
        self._org_id = org_id
        self._calls = Calls(
            transport,
            credentials,
            org_id=org_id,
            limit=min(page_size, MOST_ROWS_A_PAGE),
            concurrency=concurrency,
        )
        self._applications: dict[str, str] = {}
        self._pool = Pool(concurrency, thread_name_prefix="jumpcloud")
        self._users = Users(self._calls, self._pool, limit=page_size, needed=needed)

    @property
    def answers(self) -> Mapping[str, int]:
        """Requests by HTTP status, ``none`` for those without an answer."""
        return self.transport.answers

    @property
    def retries(self) -> int:
        """Requests that were repetitions."""
        return self.transport.retries

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, retries included."""
        return self.transport.requests

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)
        self._calls.close()

    # ------------------------------------------------------------------ organisation and groups

    def fetch_organization(self) -> Organization:
        """Read the organisation that the key works in; its ``id`` is ``""`` when it may not ask.

        Raises:
            SettingsError: The key sees several organisations and none is chosen, or not the one
                that is chosen.
        """
        try:
            listing = self._calls.list(
                "/api/organizations", name="organisations", organization=False
            )
        except NotFoundError:
            return Organization(id=self._org_id)
        except UnauthorizedError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return Organization(id=self._org_id)
        names = {key: str(row.get("displayName", "")) for key, row in listing.rows.items()}
        if self._org_id and names and self._org_id not in names and not listing.gap:
            message = (
                f"the key does not see the organisation {self._org_id} (directory.org_id); "
                f"it sees {listed(names)}"
            )
            raise SettingsError(message)
        if len(names) > 1 and not self._org_id:
            message = (
                f"the key sees {len(names)} organisations: set directory.org_id to one of "
                f"{listed(names)}"
            )
            raise SeveralOrganizationsError(message, organizations=names)
        chosen = self._org_id or next(iter(names), "")
        return Organization(id=chosen, name=names.get(chosen, ""))

    def fetch_groups(self) -> tuple[DirectoryGroup, ...]:
        """Read all user groups, ordered by name."""
        return _groups(self._list_groups())

    def fetch_member_count(self, group_id: str) -> int:
        """Read how many members a group has, by the total of its membership."""
        path = f"/api/v2/usergroups/{quote(group_id, safe='')}/membership"
        page = self._calls.page(path, 0, limit=1)
        if page.total is not None:
            return page.total
        return len(self._calls.edges(path, "user", "members").user_ids)

    def _list_groups(self) -> Listing:
        try:
            return self._calls.list("/api/v2/usergroups", name="groups", params={"sort": "name"})
        except NotFoundError as error:
            message = f"{error}; check directory.base_url, to which jcsync adds /api"
            raise NotFoundError(message, status=error.status) from error

    # ------------------------------------------------------------------ the scope

    def fetch_state(self, scope: Scope) -> DirectoryState:
        """Read the groups of the scope, their members, and the users.

        Raises:
            SettingsError: A group or application of the scope does not exist or is ambiguous.
        """
        groups, direct, gaps = self._fetch_scope(scope)
        first = self._pool.submit(self._users.first)
        members: dict[str, Membership] = {}
        wanted = set(direct.user_ids)
        begun: Mapping[int, Callable[[], Page]] = {}
        for group, found in zip(groups, self._pool.map(self._fetch_members, groups), strict=True):
            members[group.id] = found
            wanted.update(found.user_ids)
            if wanted and not begun and first.done():
                begun = self._users.begin(len(wanted), first.result())
        gaps += [m.gap for m in (*members.values(), direct) if m.gap]
        users, dangling, more = self._users.fetch(frozenset(wanted), first.result, begun)
        return DirectoryState(
            groups=groups,
            members=members,
            direct=direct,
            users=users,
            dangling=dangling,
            gaps=(*gaps, *more),
        )

    def fetch_people(
        self,
        user_ids: Collection[str],
        scope: Scope,
        *,
        follow: Callable[[DirectoryUser], Collection[str]] = lambda _user: (),
    ) -> DirectoryState:
        """Read some people and what they are bound to, one by one.

        Raises:
            SettingsError: A group or application of the scope does not exist or is ambiguous.
        """
        asked = frozenset(user_ids)
        groups, _, gaps = self._fetch_scope(scope, direct=False)
        found, failed = self._ask(asked, scope)
        others = {key for e in found.values() if e.user for key in follow(e.user)}
        more, unread = self._ask(others - asked, scope)
        problems = {**failed, **unread}
        gaps += [f"{key} could not be read: {problems[key]}" for key in sorted(problems)]
        return state_of_people(asked, groups, {**found, **more}, gaps)

    def fetch_group(self, which: str, scope: Scope) -> DirectoryState:
        """Read one group of the scope, by name or id, with its members and their records.

        Raises:
            SettingsError: A group or application of the scope does not exist or is ambiguous.
            UsageError: The scope has no such group, or several.
        """
        groups, _, gaps = self._fetch_scope(scope, direct=False)
        group = choose_group(groups, which)
        found = self._fetch_members(group)
        asked = frozenset(found.user_ids)
        users, dangling, more = self._users.fetch(asked, self._users.first)
        nobody = Membership(user_ids=frozenset())
        return DirectoryState(
            groups=groups,
            members={**{g.id: nobody for g in groups}, group.id: found},
            direct=nobody,
            users=users,
            dangling=dangling,
            gaps=(*gaps, *([found.gap] if found.gap else []), *more),
            asked=asked,
            group=group.id,
        )

    def _ask(
        self, user_ids: Collection[str], scope: Scope
    ) -> tuple[dict[str, Evidence], dict[str, RemoteError]]:
        """Read people one by one; return them, and why the others could not be read."""
        known = sorted(key for key in user_ids if is_object_id(key))
        return self._users.singly(known, lambda key: self.fetch_evidence(key, scope))

    def _fetch_scope(
        self, scope: Scope, *, direct: bool = True
    ) -> tuple[tuple[DirectoryGroup, ...], Membership, list[str]]:
        listing = self._list_groups()
        gaps = [listing.gap] if listing.gap else []
        everything = _groups(listing)
        try:
            named = resolve_groups(everything, [s.name for s in scope.groups])
        except SettingsError as error:
            raise _doubted(error, listing) from error
        chosen = {group.id: group for group in named}
        bound_users = Membership(user_ids=frozenset())
        if scope.application:
            application_id = self.fetch_application_id(scope.application)
            route = f"/api/v2/applications/{quote(application_id, safe='')}"
            bound = self._calls.edges(
                f"{route}/usergroups", "user_group", "groups of the application"
            )
            by_id = {group.id: group for group in everything}
            for group_id in sorted(bound.user_ids - by_id.keys()):
                group = self._fetch_group(group_id)
                if group is None:
                    gaps.append(f"the group {group_id} of the application cannot be read")
                else:
                    by_id[group_id] = group
            chosen |= {key: by_id[key] for key in bound.user_ids if key in by_id}
            gaps += [bound.gap] if bound.gap else []
            if direct:
                bound_users = self._calls.edges(
                    f"{route}/associations", "user", "users of the application", {"targets": "user"}
                )
        return tuple(sorted(chosen.values(), key=lambda g: (g.name, g.id))), bound_users, gaps

    def _fetch_group(self, group_id: str) -> DirectoryGroup | None:
        """Read one group that a list does not show; ``None`` when there is none."""
        try:
            body = self._calls.get(f"/api/v2/usergroups/{quote(group_id, safe='')}", params={}).body
        except NotFoundError:
            return None
        return parse_group(body) if isinstance(body, Mapping) else None

    def fetch_application_id(self, wanted: str) -> str:
        """Read the id of an SSO application by its id or display label.

        Raises:
            SettingsError: There is none, or several.
        """
        listing = self._calls.list(
            "/api/applications", name="applications", params={"sort": "name"}
        )
        labels = {
            key: {str(row.get(n) or "") for n in ("displayLabel", "displayName", "name")} - {""}
            for key, row in listing.rows.items()
        }
        found = [key for key in labels if key == wanted] or [
            key for key, names in labels.items() if wanted in names
        ]
        if len(found) == 1:
            self._applications[wanted] = found[0]
            return found[0]
        if found:
            message = (
                f"{len(found)} applications are called {wanted!r}: use an id ({', '.join(found)})"
            )
            raise SettingsError(message)
        known = sorted({name for names in labels.values() for name in names})
        message = f"unknown application {wanted!r} (scope.application){near_matches(wanted, known)}"
        raise _doubted(SettingsError(message), listing)

    def _fetch_members(self, group: DirectoryGroup) -> Membership:
        path = f"/api/v2/usergroups/{quote(group.id, safe='')}/membership"
        try:
            found = self._calls.edges(path, "user", f'members of "{group.name}"')
        except NotFoundError:
            gap = f'the group "{group.name}" is gone (404) while its members were read'
            return Membership(user_ids=frozenset(), gap=gap)
        except RemoteError as error:
            if ends_everything(error):
                raise
            gap = f'the members of "{group.name}" could not be read: {error}'
            return Membership(user_ids=frozenset(), gap=gap)
        gap = broken_rule(group)
        return Membership(user_ids=found.user_ids, gap=gap) if gap else found

    # ------------------------------------------------------------------ people

    def fetch_user(self, user_id: str) -> DirectoryUser | None:
        """Read one user; ``None`` when JumpCloud says that he does not exist."""
        return self._users.fetch_one(user_id)

    def find_people(self, who: str) -> tuple[DirectoryUser, ...]:
        """Look people up by id, username or e-mail, case ignored, wherever they are."""
        return self._users.find(who)

    def fetch_evidence(self, user_id: str, scope: Scope) -> Evidence:
        """Read one user and what he is bound to, directly and now."""
        user = self.fetch_user(user_id)
        if user is None:
            return Evidence(user=None)
        route = f"/api/v2/users/{quote(user_id, safe='')}"
        try:
            groups = self._calls.edges(f"{route}/memberof", "user_group", f"groups of {user.label}")
            if groups.gap:
                raise UnreadableError(groups.gap)
            bound, gap = False, ""
            if scope.application:
                application_id = self._applications.get(
                    scope.application
                ) or self.fetch_application_id(scope.application)
                applications = self._calls.edges(
                    f"{route}/applications", "application", f"applications of {user.label}"
                )
                gap = applications.gap
                bound = bool(gap) or application_id in applications.user_ids
        except NotFoundError as error:
            if self.fetch_user(user_id) is None:
                return Evidence(user=None)
            message = f"what {user.label} is bound to cannot be read: {error}"
            raise UnreadableError(message) from error
        return Evidence(user=user, group_ids=frozenset(groups.user_ids), bound=bound, gap=gap)


def _doubted(error: SettingsError, listing: Listing) -> SettingsError | UnreadableError:
    """What was not found in an incomplete list may exist: no fault of the settings then."""
    empty = f"{listing.nulls} rows of the list are empty" if listing.nulls else ""
    reason = listing.gap or empty
    return UnreadableError(f"{reason}, so this may be wrong: {error}") if reason else error


def _groups(listing: Listing) -> tuple[DirectoryGroup, ...]:
    parsed = (parse_group(row) for row in listing.rows.values())
    return tuple(sorted((g for g in parsed if g), key=lambda g: (g.name, g.id)))
