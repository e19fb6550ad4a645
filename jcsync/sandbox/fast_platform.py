"""A strict SCIM platform, in memory, whose every answer takes constant time.

For benchmarks, and for tests that need a service provider which overlooks nothing.

Source:
    RFC 7643 and RFC 7644; no sort, no ETags, Bulk where it is asked for; filters as in ``scim_store``.
"""

import threading
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from jcsync.sandbox import clock
from jcsync.sandbox.platform import BASE_PATH, Resource
from jcsync.sandbox.scim_bulk import answer_bulk, describe_bulk
from jcsync.sandbox.scim_check import SCIM_TYPE, Checker, ScimError, bad
from jcsync.sandbox.scim_patch import Patch
from jcsync.sandbox.scim_path import parse_operations
from jcsync.sandbox.scim_schema import (
    GROUPS,
    LIST_RESPONSE,
    USERS,
    Document,
    describe_provider,
    describe_schemas,
)
from jcsync.sandbox.scim_store import Collection, Stored
from jcsync.sandbox.wsgi import Reply, Request, dump, send

DEFAULT_COUNT = 100


class FastPlatform:
    """A SCIM service provider below ``/scim/v2``.

    Attributes:
        token: The bearer token that it accepts.
        page_cap: Most resources that one page holds.
    """

    def __init__(
        self, token: str, *, strict: bool = True, page_cap: int = 200, bulk: int = 0
    ) -> None:
        """Begin without users and groups.

        Args:
            token: The bearer token that it accepts.
            strict: Refuse with 400 what a lenient server overlooks: ``id`` in a new resource,
                ``null``, operations without a path, unknown attributes, members that are named
                twice or do not exist, additions to a value that no filter selects, removals by a
                list of values; with 415 a body of another media type than JSON.
            page_cap: Most resources that one page holds.
            bulk: Most operations of one bulk request; 0 for no Bulk.
        """
        self.token = token
        self._bulk = bulk
        self.page_cap = page_cap
        self._strict = strict
        self._checker = Checker(strict=strict)
        self._lock = threading.RLock()
        self._users = Collection(USERS, self._lock)
        self._groups = Collection(GROUPS, self._lock)
        self._groups_of: dict[str, dict[str, None]] = {}
        self._routes: dict[str, Callable[[Collection, str, Request], Reply]] = {
            "GET": self._get,
            "POST": self._post,
            "PUT": self._put,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        try:
            reply = self._answer(Request(environ))
        except ScimError as error:
            reply = error.reply()
        return send(reply, start_response)

    def _answer(self, request: Request) -> Reply:
        _, found, path = request.path.partition(BASE_PATH)
        endpoint, _, identity = path.removeprefix("/").partition("/")
        if not found:
            message = "no such end point"
            raise ScimError(404, message)
        base = _base(request)
        if endpoint == "ServiceProviderConfig":
            return _reply(
                {**describe_provider(base, self.page_cap), "bulk": describe_bulk(self._bulk)}
            )
        if request.header("authorization") != f"Bearer {self.token}":
            message = "the bearer token is missing or wrong"
            reply = ScimError(401, message).reply()
            return Reply(401, reply.body, (*reply.headers, ("WWW-Authenticate", "Bearer")))
        if endpoint == "Bulk" and self._bulk and request.method == "POST":
            # One after another: threads that took turns would spend a third of the time on that.
            with self._lock:
                return answer_bulk(request, self._bulk, self._answer)
        collection = {"Users": self._users, "Groups": self._groups}.get(endpoint)
        if collection is None:
            return _discover(base, endpoint, identity)
        route = self._routes.get(request.method)
        possible = {"POST"} if not identity else {"PUT", "PATCH", "DELETE"}
        if route is None or request.method not in possible | {"GET"}:
            message = f"{request.method} is not possible here"
            raise ScimError(405, message)
        with self._lock:
            return route(collection, identity, request)

    # ---- reading

    def _get(self, collection: Collection, identity: str, request: Request) -> Reply:
        if identity:
            return Reply(200, _View(collection, request).show(collection.get(identity)), SCIM_TYPE)
        text = request.parameter("filter")
        found = collection.find(text, self._containing) if text else collection.ordered()
        start = max(_number(request, "startIndex", 1), 1)
        asked = max(_number(request, "count", DEFAULT_COUNT), 0)
        page = found[start - 1 : start - 1 + min(asked, self.page_cap)]
        shown = b",".join(map(_View(collection, request).show, page))
        head = dump(
            {
                "schemas": [LIST_RESPONSE],
                "totalResults": len(found),
                "itemsPerPage": len(page),
                "startIndex": start,
            }
        )
        return Reply(200, head[:-1] + b',"Resources":[' + shown + b"]}", SCIM_TYPE)

    def _containing(self, user_id: str) -> Iterable[str]:
        return self._groups_of.get(user_id, {})

    # ---- writing

    def _document(self, request: Request) -> object:
        if self._strict and request.content_type not in {
            "application/scim+json",
            "application/json",
        }:
            message = f"{request.content_type or 'no media type'} is not application/scim+json"
            raise ScimError(415, message)
        try:
            document: object = request.document
        except ValueError as error:
            message = "the body is no JSON"
            raise bad(message, "invalidSyntax") from error
        return document

    def _post(self, collection: Collection, _: str, request: Request) -> Reply:
        content = self._checker.resource(collection.kind, self._document(request))
        stored = self._replace(collection, content, "")
        headers = (("Location", f"{_base(request)}{collection.kind.endpoint}/{stored.id}"),)
        return Reply(201, _View(collection, request).show(stored), (*SCIM_TYPE, *headers))

    def _put(self, collection: Collection, identity: str, request: Request) -> Reply:
        collection.get(identity)
        document = self._document(request)
        content = self._checker.resource(collection.kind, document, identity=identity)
        stored = self._replace(collection, content, identity)
        return Reply(200, _View(collection, request).show(stored), SCIM_TYPE)

    def _replace(self, collection: Collection, content: Document, identity: str) -> Stored:
        members = content.pop("members", [])
        old = collection.rows[identity].members if identity else {}
        patch = Patch(collection.kind, content, old, self._checker)
        if collection is self._groups:
            ids = patch.member_ids(members)
            patch.members.clear()
            for member in ids:
                patch.members.add(member)
        else:
            content.setdefault("active", True)
        return self._keep(collection, identity, patch)

    def _patch(self, collection: Collection, identity: str, request: Request) -> Reply:
        stored = collection.get(identity)
        patch = Patch(collection.kind, stored.attributes, stored.members, self._checker)
        for operation in parse_operations(self._document(request), strict=self._strict):
            patch.apply(operation)
        self._keep(collection, identity, patch)
        if collection is self._groups:
            return Reply(204)
        return Reply(200, _View(collection, request).show(stored), SCIM_TYPE)

    def _keep(self, collection: Collection, identity: str, patch: Patch) -> Stored:
        if self._strict:
            for member in patch.members.added:
                if member not in self._users.rows:
                    message = f"there is no user {member}"
                    raise bad(message)
        stored = collection.put(patch.content, identity)
        for member in patch.members.removed:
            self._groups_of.get(member, {}).pop(stored.id, None)
        for member in patch.members.added:
            self._groups_of.setdefault(member, {})[stored.id] = None
        if not identity:
            stored.members.update(dict.fromkeys(patch.members.added))
        elif patch.members.changed:
            patch.members.commit()
            stored.modified = clock.stamp(clock.now())
        return stored

    def _delete(self, collection: Collection, identity: str, _: Request) -> Reply:
        self._forget(collection, collection.remove(identity))
        return Reply(204)

    def _forget(self, collection: Collection, stored: Stored) -> None:
        if collection is self._users:
            for group_id in self._groups_of.pop(stored.id, {}):
                self._groups.rows[group_id].members.pop(stored.id, None)
        for member in stored.members:
            self._groups_of.get(member, {}).pop(stored.id, None)

    # ---- by hand

    def accounts(self) -> list[Resource]:
        """Return every user resource as JSON, in any order."""
        return self._dump(self._users)

    def groups(self) -> list[Resource]:
        """Return every group resource as JSON, in any order."""
        return self._dump(self._groups)

    def _dump(self, collection: Collection) -> list[Resource]:
        with self._lock:
            return [_whole(stored) for stored in collection.ordered()]

    def edit(self, identity: str, **attributes: object) -> None:
        """Replace attributes of a user or group, by their SCIM names; ``None`` removes one.

        Raises:
            KeyError: There is no such resource.
        """
        with self._lock:
            collection = self._collection(identity)
            content = {**_whole(collection.rows[identity]), **attributes}
            del content["id"]
            kept = {name: value for name, value in content.items() if value is not None}
            self._replace(collection, kept, identity)

    def add_by_hand(self, **attributes: object) -> str:
        """Create a user, or a group when there is no ``userName``, and return its ``id``."""
        collection = self._users if "userName" in attributes else self._groups
        with self._lock:
            content: Document = {"schemas": [collection.kind.urn], **attributes}
            return self._replace(collection, content, "").id

    def delete_by_hand(self, identity: str) -> None:
        """Delete a user or group.

        Raises:
            KeyError: There is no such resource.
        """
        with self._lock:
            collection = self._collection(identity)
            self._forget(collection, collection.remove(identity))

    def _collection(self, identity: str) -> Collection:
        for collection in (self._users, self._groups):
            if identity in collection.rows:
                return collection
        raise KeyError(identity)


class _View:
    """How the resources of one answer are shown, after ``attributes`` and ``excludedAttributes``."""

    def __init__(self, collection: Collection, request: Request) -> None:
        excluded = request.parameter("excludedAttributes").lower().split(",")
        self._without = {name for name in excluded if name}
        self._wanted = {name for name in request.parameter("attributes").lower().split(",") if name}
        self._head = f"{_base(request)}{collection.kind.endpoint}/"
        self._kind = collection.kind.name
        roots = {name.partition(".")[0] for name in self._wanted}
        self._members = "members" not in self._without and (not roots or "members" in roots)
        self._whole = not self._wanted and self._without <= {"members"}

    def show(self, stored: Stored) -> bytes:
        """Return a resource as JSON."""
        text = stored.text
        if not self._whole:
            text = dump(_project(stored.attributes, self._wanted, self._without))
        start = (
            f'{{"id":"{stored.id}","meta":{{"resourceType":"{self._kind}",'
            f'"created":"{stored.created}","lastModified":"{stored.modified}",'
            f'"location":"{self._head}{stored.id}"}},'
        )
        body = start.encode() + text[1:-1]
        if stored.members and self._members:
            rows = '","type":"User"},{"value":"'.join(stored.members)
            body += f',"members":[{{"value":"{rows}","type":"User"}}]'.encode()
        return body + b"}"


def _whole(stored: Stored) -> Resource:
    content: Resource = {"id": stored.id, **stored.attributes}
    if stored.members:
        content["members"] = [{"value": member, "type": "User"} for member in stored.members]
    return content


def _base(request: Request) -> str:
    return f"http://{request.header('host')}{BASE_PATH}"


def _reply(document: Document) -> Reply:
    return Reply(200, dump(document), SCIM_TYPE)


def _number(request: Request, name: str, default: int) -> int:
    text = request.parameter(name)
    try:
        return int(text) if text else default
    except ValueError as error:
        message = f"{name} is no number"
        raise bad(message) from error


def _project(content: Document, wanted: set[str], without: set[str]) -> Document:
    """Whole attributes only: a part that is asked for brings its siblings along."""
    roots = {name.partition(".")[0] for name in wanted}
    return {
        name: value
        for name, value in content.items()
        if name == "schemas"
        or ((not roots or name.lower() in roots or ":" in name) and name.lower() not in without)
    }


def _discover(base: str, endpoint: str, identity: str) -> Reply:
    tables: dict[str, list[Document]] = {
        "Schemas": describe_schemas(base),
        "ResourceTypes": [kind.describe(base) for kind in (USERS, GROUPS)],
    }
    documents = tables.get(endpoint)
    if documents is None:
        message = "no such end point"
        raise ScimError(404, message)
    if not identity:
        listing = {
            "schemas": [LIST_RESPONSE],
            "totalResults": len(documents),
            "itemsPerPage": len(documents),
            "startIndex": 1,
            "Resources": documents,
        }
        return _reply(listing)
    for document in documents:
        if document["id"] == identity:
            return _reply(document)
    message = f"{identity} not found"
    raise ScimError(404, message)
