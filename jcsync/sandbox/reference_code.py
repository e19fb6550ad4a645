"""A SCIM platform by the rules of Microsoft's reference code, mistakes included.

Source:
    AzureAD/SCIMReferenceCode, commit d445ef9 (2023): ``ProtocolExtensions.cs``,
    ``Core2EnterpriseUserExtensions.cs``, ``InMemoryUserProvider.cs``, ``ControllerTemplate.cs``.
"""

import json
import re
import threading
import uuid
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from jcsync.sandbox.platform import BASE_PATH, Resource
from jcsync.sandbox.scim_check import SCIM_TYPE, ScimError
from jcsync.sandbox.scim_schema import ENTERPRISE, LIST_RESPONSE
from jcsync.sandbox.wsgi import Reply, Request, dump, send

_FILTER = re.compile(r'(userName|externalId|active|displayName) eq (?:"((?:[^"\\]|\\.)*)"|(\w+))')
_TYPED = re.compile(r'(\w+)\[type eq "(\w+)"\](?:\.(\w+))?')
_MEMBER = re.compile(r'members\[value eq "([^"]*)"\]')
_PLAIN = frozenset(
    {"active", "displayName", "externalId", "preferredLanguage", "title", "userName"}
)
_NAME = frozenset({"name.givenName", "name.familyName", "name.formatted"})
_ENTERPRISE = frozenset(
    {"department", "employeeNumber", "costCenter", "organization", "division", "manager"}
)
_TYPES = {
    "emails": {"home", "work"},
    "phoneNumbers": {"fax", "mobile", "work"},
    "addresses": {"work", "other"},
}


class ReferenceCode:
    """Serves ``/scim/v2`` by those rules.

    Attributes:
        token: The bearer token that it accepts.
    """

    def __init__(self, token: str) -> None:
        """Begin without users and groups."""
        self.token = token
        self._lock = threading.RLock()
        self._kept: dict[str, dict[str, Resource]] = {"Users": {}, "Groups": {}}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        request = Request(environ)
        try:
            with self._lock:
                reply = self._answer(request)
        except ScimError as error:
            # Only reading answers with a SCIM error; the others have an empty body.
            reply = error.reply() if request.method == "GET" else Reply(error.status)
        return send(reply, start_response)

    def _answer(self, request: Request) -> Reply:
        endpoint, _, identity = request.path.removeprefix(f"{BASE_PATH}/").partition("/")
        if request.header("authorization") != f"Bearer {self.token}":
            raise ScimError(401, "unauthorized")
        if endpoint not in self._kept:
            raise ScimError(404, "no such end point")
        kept = self._kept[endpoint]
        if request.method == "GET":
            return self._get(kept, identity, request)
        if request.method == "DELETE":
            kept.pop(identity, None)
            return Reply(204)
        document: Any = request.document
        if not isinstance(document, dict):
            raise ScimError(400, "no resource")
        if request.method == "POST":
            return self._post(endpoint, kept, document)
        if identity not in kept:
            raise ScimError(404, "no such resource")
        if request.method == "PUT":
            return self._put(endpoint, kept, document, identity)
        return self._patch(endpoint, kept, document, identity)

    def _put(
        self, endpoint: str, kept: dict[str, Resource], document: Resource, identity: str
    ) -> Reply:
        self._check_name(endpoint, kept, document, identity)
        if document.get("id") != identity:
            raise ScimError(404, "no such resource")
        kept[identity] = {**document, "meta": kept[identity]["meta"]}
        return _reply(kept[identity])

    def _patch(
        self, endpoint: str, kept: dict[str, Resource], document: Resource, identity: str
    ) -> Reply:
        changed = json.loads(dump(kept[identity]))
        apply = _patch_group if endpoint == "Groups" else _patch_user
        for operation in document.get("Operations", ()):
            apply(changed, str(operation.get("op")).lower(), operation)
        self._check_name(endpoint, kept, changed, identity)
        kept[identity] = changed
        return Reply(204) if endpoint == "Groups" else _reply(changed)

    def _get(self, kept: dict[str, Resource], identity: str, request: Request) -> Reply:
        if identity:
            if identity not in kept:
                raise ScimError(404, "no such resource")
            return _reply(kept[identity])
        rows = list(kept.values())
        if text := request.parameter("filter"):
            found = _FILTER.fullmatch(text)
            if found is None:
                raise ScimError(400, "not supported")
            wanted = found[3] if found[2] is None else json.loads(f'"{found[2]}"')
            rows = [row for row in rows if str(row.get(found[1])) == wanted]
        count = request.parameter("count")
        if count or request.parameter("startIndex"):
            rows = rows[: int(count or 0)]
        listing = {
            "schemas": [LIST_RESPONSE],
            "totalResults": len(rows),
            "itemsPerPage": len(rows),
            "startIndex": 1,
            "Resources": rows,
        }
        return _reply(listing)

    def _post(self, endpoint: str, kept: dict[str, Resource], document: Resource) -> Reply:
        if document.get("id") is not None:
            raise ScimError(400, "id is not null")
        self._check_name(endpoint, kept, document, "")
        identity = str(uuid.uuid4())
        meta = {"resourceType": endpoint[:-1]}
        kept[identity] = {**document, "id": identity, "meta": meta}
        return _reply(kept[identity], 201)

    def _check_name(
        self, endpoint: str, kept: dict[str, Resource], document: Resource, identity: str
    ) -> None:
        key = "userName" if endpoint == "Users" else "displayName"
        if not document.get(key):
            raise ScimError(400, f"{key} is empty")
        if any(row[key] == document[key] for name, row in kept.items() if name != identity):
            raise ScimError(409, f"{key} is taken")

    # ---- by hand

    def accounts(self) -> list[Resource]:
        """Return every user resource as JSON, in any order."""
        return self._copies("Users")

    def groups(self) -> list[Resource]:
        """Return every group resource as JSON, in any order."""
        return self._copies("Groups")

    def _copies(self, endpoint: str) -> list[Resource]:
        with self._lock:
            copies: list[Resource] = json.loads(dump(list(self._kept[endpoint].values())))
            return copies

    def edit(self, identity: str, **attributes: object) -> None:
        """Replace attributes of a user or group, by their SCIM names; ``None`` removes one.

        Raises:
            KeyError: There is no such resource.
        """
        with self._lock:
            row = self._of(identity)[identity]
            row.update(attributes)
            for name in [name for name, value in attributes.items() if value is None]:
                del row[name]

    def add_by_hand(self, **attributes: object) -> str:
        """Create a user, or a group when there is no ``userName``, and return its ``id``."""
        endpoint = "Users" if "userName" in attributes else "Groups"
        with self._lock:
            created = self._post(endpoint, self._kept[endpoint], dict(attributes))
        return str(json.loads(created.body)["id"])

    def delete_by_hand(self, identity: str) -> None:
        """Delete a user or group.

        Raises:
            KeyError: There is no such resource.
        """
        with self._lock:
            del self._of(identity)[identity]

    def _of(self, identity: str) -> dict[str, Resource]:
        return next((kept for kept in self._kept.values() if identity in kept), {})


def _reply(document: object, status: int = 200) -> Reply:
    return Reply(status, dump(document), SCIM_TYPE)


def _patch_user(user: Resource, op: str, operation: Resource) -> None:
    """Apply one operation; what the code has no case for is overlooked."""
    path, value = operation.get("path") or "", operation.get("value")
    if isinstance(value, list) and len(value) == 1:
        value = value[0].get("value") if isinstance(value[0], dict) else value[0]
    prefix = f"{ENTERPRISE}:"
    if path.startswith(prefix) and path.removeprefix(prefix) in _ENTERPRISE:
        _set(user.setdefault(ENTERPRISE, {}), path.removeprefix(prefix), op, value)
    elif path in _PLAIN:
        _set(user, path, op, _boolean(value) if path == "active" else value)
    elif path in _NAME:
        _set(user.setdefault("name", {}), path.partition(".")[2], op, value)
    elif (typed := _TYPED.fullmatch(path)) and typed[2] in _TYPES.get(typed[1], ()):
        _set_typed(user, typed[1], typed[2], typed[3] or "value", op, value)


def _set(holder: Resource, name: str, op: str, value: object) -> None:
    if op == "remove":
        holder.pop(name, None)
    else:
        holder[name] = value


def _boolean(value: object) -> bool:
    return str(value).lower() == "true"


def _set_typed(user: Resource, name: str, kind: str, part: str, op: str, value: object) -> None:
    elements = user.get(name)
    if elements is None:
        if op != "remove":
            user[name] = [{"type": kind, part: value}]
        return
    chosen = next((element for element in elements if element.get("type") == kind), None)
    if chosen is None:
        raise ScimError(500, "object reference not set to an instance of an object")
    _set(chosen, part, op, value)
    user[name] = [element for element in elements if element.get("value") or part != "value"]


def _patch_group(group: Resource, op: str, operation: Resource) -> None:
    path, value = operation.get("path") or "", operation.get("value")
    if path in {"displayName", "externalId"}:
        _set(group, path, op, value)
        return
    filtered = _MEMBER.fullmatch(path)
    if filtered and value is None:
        value = [{"value": filtered[1]}]
    if not (path == "members" or filtered):
        return
    entries = value if isinstance(value, list) else [] if value is None else [value]
    ids = [str(entry["value"]) for entry in entries]
    members: list[Resource] = group.get("members") or []
    present = [str(member["value"]) for member in members]
    if op == "add":
        fresh = [member for member in dict.fromkeys(ids) if member not in present]
        group["members"] = [*members, *({"value": member} for member in fresh)]
    elif op == "remove" and value is None:
        group.pop("members", None)
    elif op == "remove":
        if len(set(present)) != len(present):
            raise ScimError(500, "an item with the same key has already been added")
        group["members"] = [member for member in members if str(member["value"]) not in ids]
