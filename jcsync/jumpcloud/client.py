"""The calls to JumpCloud.

Source:
    JumpCloud API 1.0 (``/api``: users, applications, organisations) and API 2.0 (``/api/v2``:
    groups and the graph).
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from jcsync.errors import (
    NotFoundError,
    SettingsError,
    TransientError,
    UnauthorizedError,
    UnreadableError,
)
from jcsync.jumpcloud.auth import Credentials
from jcsync.jumpcloud.listing import Listing, Page, read_listing
from jcsync.jumpcloud.selection import listed, near_matches, resolve_groups
from jcsync.jumpcloud.wire import USER_FIELDS, edge_id, parse_group, parse_user, row_id
from jcsync.model.directory import (
    DirectoryGroup,
    DirectoryState,
    DirectoryUser,
    Evidence,
    Membership,
    Organization,
)
from jcsync.model.rules import Scope
from jcsync.transport import Answer, Transport

_SHOWN = 5


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
    ) -> None:
        """Build the client; nothing is sent.

        Args:
            transport: To the console host, without ``/api``.
            credentials: Asked for the headers of each call.
            org_id: Sent as ``x-org-id`` where the route takes it.
            page_size: ``limit`` of every list.
            concurrency: Calls at once.
        """
        self.transport = transport
        self._credentials = credentials
        self._org_id = org_id
        self._limit = page_size
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="jumpcloud")
        self._pages = ThreadPoolExecutor(concurrency, thread_name_prefix="jumpcloud-pages")

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
        self._pages.shutdown(cancel_futures=True)

    # ------------------------------------------------------------------ organisation and groups

    def fetch_organization(self) -> Organization:
        """Read the organisation that the key works in; its ``id`` is ``""`` when it may not ask.

        Raises:
            SettingsError: The key sees several organisations and none is chosen, or not the one
                that is chosen.
        """
        try:
            listing = self._list("/api/organizations", name="organisations", organization=False)
        except NotFoundError:
            return Organization(id=self._org_id)
        except UnauthorizedError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return Organization(id=self._org_id)
        names = {key: str(row.get("displayName", "")) for key, row in listing.rows.items()}
        if self._org_id and names and self._org_id not in names:
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
            raise SettingsError(message)
        chosen = self._org_id or next(iter(names), "")
        return Organization(id=chosen, name=names.get(chosen, ""))

    def fetch_groups(self) -> tuple[DirectoryGroup, ...]:
        """Read all user groups, ordered by name."""
        return _groups(self._list_groups())

    def fetch_member_count(self, group_id: str) -> int:
        """Read how many members a group has, by the total of its membership."""
        path = f"/api/v2/usergroups/{quote(group_id, safe='')}/membership"
        page = self._page(path, 0, limit=1)
        return page.total if page.total is not None else len(page.rows)

    def _list_groups(self) -> Listing:
        return self._list("/api/v2/usergroups", name="groups", params={"sort": "name"})

    # ------------------------------------------------------------------ the scope

    def fetch_state(self, scope: Scope) -> DirectoryState:
        """Read the groups of the scope, their members, and the users.

        Raises:
            SettingsError: A group or application of the scope does not exist or is ambiguous.
        """
        groups, direct, gaps = self._fetch_scope(scope)
        members = dict(
            zip((g.id for g in groups), self._pool.map(self._fetch_members, groups), strict=True)
        )
        gaps += [m.gap for m in (*members.values(), direct) if m.gap]
        wanted = direct.user_ids.union(*(m.user_ids for m in members.values()))
        users, more = self._fetch_users(wanted)
        return DirectoryState(
            groups=groups, members=members, direct=direct, users=users, gaps=(*gaps, *more)
        )

    def _fetch_scope(
        self, scope: Scope
    ) -> tuple[tuple[DirectoryGroup, ...], Membership, list[str]]:
        listing = self._list_groups()
        gaps = [listing.gap] if listing.gap else []
        everything = _groups(listing)
        chosen = {g.id: g for g in resolve_groups(everything, [s.name for s in scope.groups])}
        direct = Membership(user_ids=frozenset())
        if scope.application:
            application_id = self.fetch_application_id(scope.application)
            route = f"/api/v2/applications/{application_id}"
            bound = self._list_edges(
                f"{route}/usergroups", "user_group", "groups of the application"
            )
            by_id = {group.id: group for group in everything}
            for group_id in bound.user_ids:
                chosen[group_id] = by_id.get(group_id) or DirectoryGroup(id=group_id, name=group_id)
            direct = self._list_edges(
                f"{route}/associations", "user", "users of the application", {"targets": "user"}
            )
            gaps += [bound.gap] if bound.gap else []
        return tuple(sorted(chosen.values(), key=lambda g: (g.name, g.id))), direct, gaps

    def fetch_application_id(self, wanted: str) -> str:
        """Read the id of an SSO application by its id or display label.

        Raises:
            SettingsError: There is none, or several.
        """
        listing = self._list("/api/applications", name="applications", params={"sort": "name"})
        labels = {
            key: {str(row.get(n) or "") for n in ("displayLabel", "displayName", "name")} - {""}
            for key, row in listing.rows.items()
        }
        found = [key for key in labels if key == wanted] or [
            key for key, names in labels.items() if wanted in names
        ]
        if len(found) == 1:
            return found[0]
        if found:
            message = (
                f"{len(found)} applications are called {wanted!r}: use an id ({', '.join(found)})"
            )
            raise SettingsError(message)
        known = sorted({name for names in labels.values() for name in names})
        message = f"unknown application {wanted!r} (scope.application){near_matches(wanted, known)}"
        raise SettingsError(message)

    def _fetch_members(self, group: DirectoryGroup) -> Membership:
        path = f"/api/v2/usergroups/{quote(group.id, safe='')}/membership"
        try:
            found = self._list_edges(path, "user", f'members of "{group.name}"')
        except NotFoundError:
            gap = f'the group "{group.name}" is gone (404) while its members were read'
            return Membership(user_ids=frozenset(), gap=gap)
        except (TransientError, UnreadableError) as error:
            gap = f'the members of "{group.name}" could not be read: {error}'
            return Membership(user_ids=frozenset(), gap=gap)
        except UnauthorizedError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            gap = f'the key may not read the members of "{group.name}" (403)'
            return Membership(user_ids=frozenset(), gap=gap)
        if group.error_flags:
            flags = ", ".join(group.error_flags)
            gap = f'the rule of the dynamic group "{group.name}" is broken ({flags})'
            return Membership(user_ids=found.user_ids, gap=gap)
        return found

    def _list_edges(
        self, path: str, kind: str, name: str, params: Mapping[str, str] | None = None
    ) -> Membership:
        listing = self._list(path, name=name, params=params, kind=kind)
        return Membership(user_ids=frozenset(listing.rows), gap=listing.gap)

    # ------------------------------------------------------------------ users

    def _fetch_users(self, wanted: frozenset[str]) -> tuple[dict[str, DirectoryUser], list[str]]:
        """Read the users, by the cheaper of two ways: the whole listing, or each wanted one."""
        if not wanted:
            return {}, []
        path, params = "/api/systemusers", {"sort": "_id", "fields": " ".join(USER_FIELDS)}
        first = self._page(path, 0, params=params)
        pages = -(-(first.total or 0) // self._limit)
        users: dict[str, DirectoryUser] = {}
        gaps: list[str] = []
        if len(wanted) >= pages:
            listing = self._list(path, name="users", params=params, first=first)
            gaps += [listing.gap] if listing.gap else []
            parsed = (parse_user(row) for key, row in listing.rows.items() if key in wanted)
            users = {user.id: user for user in parsed if user}
        missing = sorted(wanted - users.keys())
        found = self._pool.map(self.fetch_user, missing)
        users |= {user.id: user for user in found if user}
        gone = [user_id for user_id in missing if user_id not in users]
        if gone:
            gaps.append(
                f"{len(gone)} members have no user record in JumpCloud ({', '.join(gone[:_SHOWN])}"
                f"{', …' if len(gone) > _SHOWN else ''})"
            )
        return users, gaps

    def fetch_user(self, user_id: str) -> DirectoryUser | None:
        """Read one user; ``None`` when JumpCloud says that he does not exist."""
        path = f"/api/systemusers/{quote(user_id, safe='')}"
        try:
            body = self._call("GET", path, params={"fields": " ".join(USER_FIELDS)}).body
        except NotFoundError:
            return None
        user = parse_user(body) if isinstance(body, Mapping) else None
        if user is None:
            message = f"JumpCloud answered no user at {path}"
            raise UnreadableError(message)
        return user

    def fetch_evidence(self, user_id: str, scope: Scope) -> Evidence:
        """Read one user and what he is bound to, directly and now."""
        user = self.fetch_user(user_id)
        if user is None:
            return Evidence(user=None)
        route = f"/api/v2/users/{quote(user_id, safe='')}"
        try:
            groups = self._list_edges(f"{route}/memberof", "user_group", f"groups of {user.label}")
            if groups.gap:
                raise UnreadableError(groups.gap)
            bound = False
            if scope.application:
                application_id = self.fetch_application_id(scope.application)
                applications = self._list_edges(
                    f"{route}/applications", "application", f"applications of {user.label}"
                )
                bound = bool(applications.gap) or application_id in applications.user_ids
        except NotFoundError:
            return Evidence(user=None if self.fetch_user(user_id) is None else user)
        return Evidence(user=user, group_ids=groups.user_ids, bound=bound)

    # ------------------------------------------------------------------ within

    def _list(
        self,
        path: str,
        *,
        name: str,
        params: Mapping[str, str] | None = None,
        kind: str = "",
        organization: bool = True,
        first: Page | None = None,
    ) -> Listing:
        ready = [first] if first else []

        def fetch(skip: int) -> Page:
            if skip == 0 and ready:
                return ready.pop()
            return self._page(path, skip, params=params, organization=organization)

        def key(row: Any) -> str:  # noqa: ANN401 - a row of any route
            return edge_id(row, kind) if kind else row_id(row)

        return read_listing(fetch, limit=self._limit, key=key, name=name, pool=self._pages)

    def _page(
        self,
        path: str,
        skip: int,
        *,
        params: Mapping[str, str] | None = None,
        organization: bool = True,
        limit: int | None = None,
    ) -> Page:
        query = {"limit": str(limit or self._limit), "skip": str(skip), **(params or {})}
        answer = self._call("GET", path, params=query, organization=organization)
        body, total = answer.body, answer.headers.get("x-total-count")
        if isinstance(body, Mapping) and isinstance(body.get("results"), list):
            count = body.get("totalCount")
            counted = isinstance(count, int) and not isinstance(count, bool) and count >= 0
            return Page(rows=body["results"], total=count if counted else None)
        if isinstance(body, list):
            return Page(rows=body, total=int(total) if total and total.isdecimal() else None)
        message = f"JumpCloud answered no list at {path}"
        raise UnreadableError(message)

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        organization: bool = True,
    ) -> Answer:
        extra = {"x-org-id": self._org_id} if self._org_id and organization else {}
        credentials = self._credentials.headers()
        try:
            return self.transport.request(
                method, path, params=params, headers={**extra, **credentials}
            )
        except UnauthorizedError as error:
            if error.status != HTTPStatus.UNAUTHORIZED or not self._credentials.renew(credentials):
                raise
        headers = {**extra, **self._credentials.headers()}
        return self.transport.request(method, path, params=params, headers=headers)


def _groups(listing: Listing) -> tuple[DirectoryGroup, ...]:
    parsed = (parse_group(row) for row in listing.rows.values())
    return tuple(sorted((g for g in parsed if g), key=lambda g: (g.name, g.id)))
