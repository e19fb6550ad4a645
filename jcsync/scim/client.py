"""The calls to a SCIM 2.0 service provider.

Source:
    RFC 7644, section 3; the deviations are in ``profiles``.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

from jcsync.errors import (
    ConflictError,
    NotFoundError,
    RejectedError,
    RemoteError,
    TransientError,
    UnknownOutcomeError,
)
from jcsync.model.path import ScimPath, parse_path
from jcsync.model.plan import AttributeChange
from jcsync.model.resource import Capabilities, GroupResource, ProviderState, UserResource, Value
from jcsync.scim.listing import Listing, Page, parse_page, read_listing
from jcsync.scim.patch import dump_attributes, dump_members, dump_patch
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
            pending = pool.submit(self._list, "Groups") if groups else None
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
        first = self._page("Users", start=1, count=1).rows
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
        ignores filters is read in full.
        """
        rows = self._find("Users", externalId=external_id, userName=user_name)
        return tuple(user for row in rows if (user := parse_user(row, self._paths)))

    def _list(self, collection: Collection) -> Listing:
        name = "accounts" if collection == "Users" else "groups"
        while True:
            count = self._counts[collection]

            def fetch(start: int, count: int | None = count) -> Page:
                return self._page(collection, start=start, count=count)

            try:
                return read_listing(fetch, name=name, count=count)
            except RejectedError:
                if count is None:
                    raise
                self._counts[collection] = _SMALL_PAGE if count > _SMALL_PAGE else None

    def _page(
        self, collection: Collection, *, start: int, count: int | None, query: str = ""
    ) -> Page:
        params = {"filter": query} if query else {}
        params |= {"startIndex": str(start)} if not query or count else {}
        params |= {"count": str(count)} if count else {}
        answer = self.transport.request("GET", f"/{collection}", params=params)
        return parse_page(answer.body, self.transport.endpoint.url(f"/{collection}"))

    def _find(self, collection: Collection, **wanted: str) -> list[Json]:
        for name, value in wanted.items():
            if not value:
                continue
            found, trusted = self._filtered(collection, name, value)
            if not trusted:
                with self._scan_lock:
                    rows = list(self._list(collection).rows.values())
                found = [row for row in rows if _holds(row, name, value)]
            if found:
                return found
        return []

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
        return body if isinstance(body, Mapping) else None

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
            return next((u.resource_id for u in self.find_users(external_id=external_id)), None)

        name = str(attributes.get("userName") or "")
        return self._create(
            "Users", body, applied=applied, holder=lambda: self._name_holder("Users", name)
        )

    def patch_user(self, resource_id: str, attributes: Sequence[AttributeChange]) -> None:
        """Change attributes of an account, ``active`` and ``externalId`` among them."""
        path = f"/Users/{quote(resource_id, safe='')}"
        operations = dump_attributes(attributes, missing_element=self.profile.missing_element)

        def applied() -> bool | None:
            body = self._read(path)
            if body is None:
                return None
            return all(_has(body, change) for change in attributes) or None

        self.transport.write("PATCH", path, dump_patch(operations), applied=applied)

    def delete_user(self, resource_id: str) -> None:
        """Delete an account; one that is gone already counts as deleted."""
        self._delete(f"/Users/{quote(resource_id, safe='')}")

    # ------------------------------------------------------------------ groups

    def create_group(self, external_id: str, display_name: str) -> str:
        """Create a group without members and return its ``id``."""

        def applied() -> str | None:
            rows = self._find("Groups", externalId=external_id)
            return next((text_of(attribute(row, "id")) for row in rows), None)

        return self._create(
            "Groups",
            dump_group(external_id, display_name),
            applied=applied,
            holder=lambda: self._name_holder("Groups", display_name),
        )

    def patch_group(self, resource_id: str, attributes: Sequence[AttributeChange]) -> None:
        """Change ``displayName`` or ``externalId`` of a group."""
        path = f"/Groups/{quote(resource_id, safe='')}"
        operations = dump_attributes(attributes, missing_element=self.profile.missing_element)

        def applied() -> bool | None:
            body = self._read(path)
            if body is None:
                return None
            return all(_has(body, change) for change in attributes) or None

        self.transport.write("PATCH", path, dump_patch(operations), applied=applied)

    def patch_members(self, resource_id: str, *, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add and remove members by ``id`` of their accounts, in chunks."""
        path = f"/Groups/{quote(resource_id, safe='')}"
        for operations in dump_members(
            add,
            remove,
            style=self.profile.member_remove,
            chunk=self.profile.members_per_request,
        ):
            applied = partial(self._members_are_so, resource_id, operations)
            self.transport.write("PATCH", path, dump_patch(operations), applied=applied)

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
        holder: Callable[[], str],
    ) -> str:
        try:
            answer = self.transport.write("POST", f"/{collection}", body, applied=applied)
        except (ConflictError, RejectedError, UnknownOutcomeError) as error:
            found = _quietly(applied)
            if found:
                return found
            if isinstance(error, ConflictError):
                message = f"{error}{holder()}"
                raise ConflictError(message, status=error.status) from error
            raise
        if not isinstance(answer, Answer):
            return answer
        created = text_of(attribute(answer.body, "id")) or applied()
        if created:
            return created
        message = f"the platform answered {answer.status} to a create but returned no id"
        raise RejectedError(message, status=answer.status)

    def _name_holder(self, collection: Collection, name: str) -> str:
        key = "userName" if collection == "Users" else "displayName"
        try:
            rows = self._find(collection, **{key: name})
        except RemoteError:
            return ""
        if not rows:
            return f"; the platform lists no {collection[:-1].lower()} with {key} {name!r}"
        other = text_of(attribute(rows[0], "externalId")) or "none"
        return f"; it is {text_of(attribute(rows[0], 'id'))}, externalId {other}"

    def _members_are_so(self, resource_id: str, operations: list[dict[str, Any]]) -> bool | None:
        group = self.fetch_group(resource_id)
        if group is None:
            return None
        for operation in operations:
            values = [v["value"] for v in operation.get("value", ())]
            if operation["op"] == "add" and not group.members.issuperset(values):
                return None
            if operation["op"] == "remove":
                gone = values or [operation["path"].split('"', 1)[1].rsplit('"', 1)[0]]
                if group.members.intersection(gone):
                    return None
        return True

    def _delete(self, path: str) -> None:
        try:
            self.transport.request("DELETE", path)
        except NotFoundError:
            return
        except TransientError:
            if self._read(path) is not None:
                raise


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
