"""The calls to a SCIM 2.0 service provider.

Source:
    RFC 7644, section 3; the deviations are in ``profiles``.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from time import monotonic
from typing import Any, Literal
from urllib.parse import quote

from jcsync.errors import (
    ConflictError,
    NotFoundError,
    RejectedError,
    RemoteError,
    TransientError,
    UnauthorizedError,
    UnknownOutcomeError,
    UnreadableError,
)
from jcsync.model.path import ScimPath, parse_path
from jcsync.model.plan import AttributeChange
from jcsync.model.resource import Capabilities, GroupResource, ProviderState, UserResource, Value
from jcsync.scim.listing import Listing, Page, parse_page, read_listing
from jcsync.scim.patch import chunk_members, dump_attributes, dump_members, dump_patch
from jcsync.scim.profiles import Profile
from jcsync.scim.wire import (
    attribute,
    describe_config,
    dump_group,
    dump_user,
    parse_active,
    parse_group,
    parse_user,
    read_path,
    text_of,
)
from jcsync.transport import Answer, Transport

_SMALL_PAGE = 100
_LOOKED_UP = ("externalId", "userName", "displayName")
_PERHAPS_CONFLICTS = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.INTERNAL_SERVER_ERROR}
)
_ABSENT = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_IMPLEMENTED})
_ACCEPT = "application/scim+json, application/json;q=0.9"

Json = Mapping[str, Any]
Collection = Literal["Users", "Groups"]


def provider_headers(profile: Profile) -> Mapping[str, str]:
    """The headers that every request to a provider carries, credentials excepted."""
    return {"Accept": _ACCEPT, "Content-Type": profile.content_type}


class ScimProvider:
    """Meets ``ports.ServiceProvider``; safe for several threads."""

    def __init__(self, transport: Transport, profile: Profile, paths: Sequence[str]) -> None:
        """Build the client; nothing is sent.

        Args:
            transport: To the base URL of the service provider.
            profile: How it deviates.
            paths: SCIM paths of the managed attributes.
        """
        self.transport = transport
        self.profile = profile
        self._paths = tuple(parse_path(path) for path in paths)
        self._counts: dict[Collection, int | None] = {
            "Users": profile.page_size,
            "Groups": profile.page_size,
        }
        self._scan_lock = threading.Lock()
        self._scans: dict[Collection, tuple[float, list[Json]]] = {}
        self._samples: dict[tuple[Collection, str], str] = {}
        self._working_filters: set[tuple[Collection, str]] = set()

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

    @property
    def repeats(self) -> int:
        """Requests that the calling thread has repeated so far."""
        return self.transport.repeats

    # ------------------------------------------------------------------ reading

    def fetch_state(self, *, groups: bool) -> ProviderState:
        """Read all accounts, and all groups with their members when asked to."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            pending = pool.submit(self._list_groups) if groups else None
            users = self._list("Users")
            listed = pending.result() if pending else Listing()
        return ProviderState(
            users=tuple(
                user for row in users.rows.values() if (user := parse_user(row, self._paths))
            ),
            groups=tuple(group for row in listed.rows.values() if (group := parse_group(row))),
            gaps=(*users.gaps, *listed.gaps),
        )

    def fetch_user(self, resource_id: str) -> UserResource | None:
        """Read one account; ``None`` when it is gone."""
        body = self._read(f"/Users/{quote(resource_id, safe='')}")
        return parse_user(body, self._paths) if body is not None else None

    def fetch_group(self, resource_id: str) -> GroupResource | None:
        """Read one group; ``None`` when it is gone."""
        body = self._read(f"/Groups/{quote(resource_id, safe='')}")
        return parse_group(body) if body is not None else None

    def fetch_capabilities(self) -> Capabilities:
        """Learn, read-only, what the platform says of itself and whether it takes filters."""
        try:
            body = self.transport.request("GET", "/ServiceProviderConfig").body
        except RemoteError as error:
            config, described = f"{error.status or 'no answer'}", False
        else:
            config, described = describe_config(body), True
        try:
            first = self._page("Users", start=1, count=1).rows
        except RejectedError:
            first = self._page("Users", start=1, count=None).rows
        filters: dict[str, bool] = {}
        for name in ("userName", "externalId"):
            value = text_of(attribute(first[0], name)) if first else ""
            if value:
                found, trusted = self._filtered("Users", name, value)
                filters[name] = bool(found) and trusted
        return Capabilities(config=config, described=described, filters=filters)

    def find_users(self, *, external_id: str = "", user_name: str = "") -> tuple[UserResource, ...]:
        """Look accounts up by ``externalId``, then by ``userName``.

        A filter is a hint: what it yields is compared again here, and a platform that rejects or
        ignores filters is read in full, once for all look-ups.
        """
        rows = self._find("Users", since=0, externalId=external_id, userName=user_name)
        return tuple(user for row in rows if (user := parse_user(row, self._paths)))

    def _list_groups(self) -> Listing:
        """All groups; a platform without groups has a gap, and its accounts are read all the same."""
        try:
            return self._list("Groups")
        except RemoteError as error:
            if error.status not in _ABSENT:
                raise
            return Listing(gaps=[f"the platform lists no groups (groups.enabled): {error}"])

    def _list(self, collection: Collection) -> Listing:
        name = "accounts" if collection == "Users" else "groups"
        while True:
            count = self._counts[collection]

            def fetch(start: int, count: int | None = count) -> Page:
                return self._page(collection, start=start, count=count)

            try:
                listing = read_listing(fetch, name=name)
            except (RejectedError, TransientError) as error:
                if count is None or not _may_be_the_count(error):
                    raise
                self._counts[collection] = _SMALL_PAGE if count > _SMALL_PAGE else None
            else:
                self._remember_samples(collection, listing)
                return listing

    def _remember_samples(self, collection: Collection, listing: Listing) -> None:
        for name in _LOOKED_UP:
            values = (text_of(attribute(row, name)) for row in listing.rows.values())
            self._samples[collection, name] = next(filter(None, values), "")

    def _page(
        self, collection: Collection, *, start: int, count: int | None, query: str = ""
    ) -> Page:
        params = {"filter": query} if query else {}
        params |= {"startIndex": str(start)} if not query or count else {}
        params |= {"count": str(count)} if count else {}
        try:
            body = self.transport.request("GET", f"/{collection}", params=params).body
        except NotFoundError as error:
            message = f"{error}; check provider.base_url, to which jcsync adds /{collection}"
            raise NotFoundError(message, status=error.status) from error
        return parse_page(body, self.transport.endpoint.url(f"/{collection}"))

    def _find(self, collection: Collection, *, since: float, **wanted: str) -> list[Json]:
        """Look resources up by one attribute after another, until one finds any.

        Args:
            collection: Where to look.
            since: Monotonic time; a list that was read before it says nothing.
            wanted: Values by name of attribute; the empty ones are left out.
        """
        for name, value in wanted.items():
            if not value:
                continue
            found, trusted = self._filtered(collection, name, value)
            if not found and not (trusted and self._is_filter_working(collection, name)):
                rows = self._scan(collection, since)
                found = [row for row in rows if _holds(row, name, value)]
            if found:
                return found
        return []

    def _is_filter_working(self, collection: Collection, name: str) -> bool:
        """Whether a filter has found something: only then it proves absence to find nothing."""
        if (collection, name) in self._working_filters:
            return True
        sample = self._samples.get((collection, name), "")
        found, trusted = self._filtered(collection, name, sample) if sample else ([], False)
        if found and trusted:
            self._working_filters.add((collection, name))
        return bool(found) and trusted

    def _scan(self, collection: Collection, since: float) -> list[Json]:
        """The whole list; who waits for one that others read gets it too, if it began later."""
        with self._scan_lock:
            began, rows = self._scans.get(collection, (-1.0, []))
            if began < since or began < 0:
                began = monotonic()
                rows = list(self._list(collection).rows.values())
                self._scans[collection] = began, rows
            return rows

    def _filtered(self, collection: Collection, name: str, value: str) -> tuple[list[Json], bool]:
        query = f"{name} eq {json.dumps(value, ensure_ascii=False)}"
        try:
            page = self._page(collection, start=1, count=_SMALL_PAGE, query=query)
        except (RejectedError, NotFoundError):
            return [], False
        found = [row for row in page.rows if _holds(row, name, value)]
        return found, len(found) == len(page.rows)

    def _read(self, path: str) -> Json | None:
        try:
            body = self.transport.request("GET", path).body
        except NotFoundError:
            return None
        if not isinstance(body, Mapping):
            message = f"the platform answered no resource at {path}"
            raise UnreadableError(message)
        return body

    # ------------------------------------------------------------------ accounts

    def create_user(self, external_id: str, attributes: Mapping[str, Value]) -> str:
        """Create an active account and return its ``id``.

        After a lost answer, and after a refusal that may stem from an earlier attempt, the
        account is looked up by ``external_id``.

        Raises:
            ConflictError: The ``userName`` is taken by another account.
        """
        body = dump_user(external_id, [(parse_path(path), v) for path, v in attributes.items()])

        def applied() -> str | None:
            rows = self._find("Users", since=monotonic(), externalId=external_id)
            return next((text_of(attribute(row, "id")) for row in rows), None)

        name = str(attributes.get("userName") or "")
        return self._create(
            "Users",
            body,
            applied=applied,
            holder=lambda error: self._name_holder("Users", name, error),
        )

    def patch_user(self, resource_id: str, attributes: Sequence[AttributeChange]) -> None:
        """Change attributes of an account, ``active`` and ``externalId`` among them."""
        self._patch(f"/Users/{quote(resource_id, safe='')}", attributes)

    def delete_user(self, resource_id: str) -> None:
        """Delete an account; one that is gone already counts as deleted."""
        self._delete(f"/Users/{quote(resource_id, safe='')}")

    # ------------------------------------------------------------------ groups

    def create_group(self, external_id: str, display_name: str) -> str:
        """Create a group without members and return its ``id``."""

        def applied() -> str | None:
            rows = self._find("Groups", since=monotonic(), externalId=external_id)
            return next((text_of(attribute(row, "id")) for row in rows), None)

        return self._create(
            "Groups",
            dump_group(external_id, display_name),
            applied=applied,
            holder=lambda error: self._name_holder("Groups", display_name, error),
        )

    def patch_group(self, resource_id: str, attributes: Sequence[AttributeChange]) -> None:
        """Change ``displayName`` or ``externalId`` of a group."""
        self._patch(f"/Groups/{quote(resource_id, safe='')}", attributes)

    def patch_members(self, resource_id: str, *, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add and remove members by ``id`` of their accounts, in chunks, one after another."""
        for joining, leaving in chunk_members(add, remove, self.profile.members_per_request):
            self._patch_members(resource_id, joining, leaving)

    def _patch_members(self, resource_id: str, add: list[str], remove: list[str]) -> None:
        def applied() -> bool | None:
            group = self.fetch_group(resource_id)
            if group is None:
                return None
            done = group.members.issuperset(add) and group.members.isdisjoint(remove)
            return done or None

        operations = dump_members(add, remove, style=self.profile.member_remove)
        path = f"/Groups/{quote(resource_id, safe='')}"
        try:
            with _about_one_resource():
                self.transport.write("PATCH", path, dump_patch(operations), applied=applied)
        except RejectedError as error:
            changes = len(add) + len(remove)
            if error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE or changes == 1:
                raise
            for joining, leaving in chunk_members(add, remove, (changes + 1) // 2):
                self._patch_members(resource_id, joining, leaving)

    def delete_group(self, resource_id: str) -> None:
        """Delete a group; one that is gone already counts as deleted."""
        self._delete(f"/Groups/{quote(resource_id, safe='')}")

    # ------------------------------------------------------------------ within

    def _create(
        self,
        collection: Collection,
        body: dict[str, Any],
        *,
        applied: Callable[[], str | None],
        holder: Callable[[RemoteError], str],
    ) -> str:
        try:
            with _about_one_resource():
                answer = self.transport.write("POST", f"/{collection}", body, applied=applied)
        except (ConflictError, RejectedError, UnknownOutcomeError) as error:
            if not isinstance(error, UnknownOutcomeError) and (found := _quietly(applied)):
                return found
            if error.status not in _PERHAPS_CONFLICTS:
                raise
            message = f"{error}{holder(error)}"
            raise type(error)(message, status=error.status) from error
        if not isinstance(answer, Answer):
            return answer
        created = text_of(attribute(answer.body, "id")) or applied()
        if created:
            return created
        message = f"the platform answered {answer.status} to a create but returned no id"
        raise RejectedError(message, status=answer.status)

    def _name_holder(self, collection: Collection, name: str, error: RemoteError) -> str:
        """Who has the name that a create was refused for, for the end of the message."""
        key = "userName" if collection == "Users" else "displayName"
        try:
            rows = self._find(collection, since=0, **{key: name})
        except RemoteError:
            return ""
        if rows:
            other = text_of(attribute(rows[0], "externalId")) or "none"
            return f"; {key} {name!r} has {text_of(attribute(rows[0], 'id'))}, externalId {other}"
        if isinstance(error, ConflictError):
            return f"; the platform lists no {collection[:-1].lower()} with {key} {name!r}"
        return ""

    def _patch(self, path: str, attributes: Sequence[AttributeChange]) -> None:
        def applied() -> bool | None:
            body = self._read(path)
            return (body is not None and all(_has(body, change) for change in attributes)) or None

        operations = dump_attributes(attributes, missing_element=self.profile.missing_element)
        with _about_one_resource():
            self.transport.write("PATCH", path, dump_patch(operations), applied=applied)

    def _delete(self, path: str) -> None:
        try:
            with _about_one_resource():
                self.transport.request("DELETE", path)
        except NotFoundError:
            return
        except TransientError:
            if self._read(path) is not None:
                raise


@contextmanager
def _about_one_resource() -> Iterator[None]:
    """Turn a 403 to a write into the failure of that write: the others may well succeed.

    Platforms protect single accounts, and refuse to create beyond a licence, by 403.
    """
    try:
        yield
    except UnauthorizedError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        message = (
            f"{error}; the platform protects this resource, has no licence left for it, or does "
            "not let this token write"
        )
        raise RejectedError(message, status=error.status) from error


def _may_be_the_count(error: RemoteError) -> bool:
    """Whether a list may have failed for the number of resources asked for."""
    return isinstance(error, RejectedError) or error.status == HTTPStatus.INTERNAL_SERVER_ERROR


def _holds(row: Json, name: str, value: str) -> bool:
    text = text_of(attribute(row, name))
    return text == value if name == "externalId" else text.casefold() == value.casefold()


def _has(body: Json, change: AttributeChange) -> bool:
    path: ScimPath = parse_path(change.path)
    if change.path == "active":
        return parse_active(attribute(body, "active")) == change.after
    actual = read_path(body, path)
    return actual == change.after or (actual in (None, "") and change.after in (None, ""))


def _quietly(look: Callable[[], str | None]) -> str | None:
    try:
        return look()
    except RemoteError:
        return None
