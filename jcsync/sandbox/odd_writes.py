"""Oddities of writes; see ``odd``."""

import hashlib
import json
from http import HTTPStatus
from typing import Any

from jcsync.sandbox.odd import Ask, Oddity, held, is_write, place, sent, shown
from jcsync.sandbox.platform import Resource
from jcsync.sandbox.scim_check import ScimError, bad
from jcsync.sandbox.wsgi import Reply, Request

# ---- creating


def creates_with(status: int, *, body: str = "whole", location: bool = True) -> Oddity:
    """A create is answered with another status, body or without ``Location``.

    Args:
        status: Of the answer.
        body: ``whole``; ``nameless``: without ``id``; ``none``.
        location: Whether the answer says where the resource is.
    """

    def oddity(request: Request, ask: Ask) -> Reply:
        reply = ask(request)
        if request.method != "POST" or reply.status != HTTPStatus.CREATED:
            return reply
        if body == "nameless":
            reply = shown(
                reply, lambda row: {n: v for n, v in row.items() if n not in {"id", "meta"}}
            )
        headers = tuple(pair for pair in reply.headers if location or pair[0] != "Location")
        return Reply(status, b"" if body == "none" else reply.body, headers)

    return oddity


def conflicts_as(status: int) -> Oddity:
    """A name that is taken is answered with another status than 409, without ``scimType``."""

    def oddity(request: Request, ask: Ask) -> Reply:
        reply = ask(request)
        if reply.status == HTTPStatus.CONFLICT:
            message = "an error has occurred"
            raise ScimError(status, message)
        return reply

    return oddity


def unique_groups(request: Request, ask: Ask) -> Reply:
    """A second group of the same name is 409."""
    if request.method == "POST" and place(request)[0] == "Groups":
        name = request.document["displayName"].replace('"', '\\"')
        environ = {"REQUEST_METHOD": "GET", "CONTENT_LENGTH": ""}
        query = Request({**request.environ, **environ, "QUERY_STRING": "count=1000"})
        rows = json.loads(ask(query).body)["Resources"]
        if any(row["displayName"] == name for row in rows):
            message = f"group {name} exists"
            raise ScimError(409, message, "uniqueness")
    return ask(request)


def group_needs_members(request: Request, ask: Ask) -> Reply:
    """A group without members cannot be created."""
    created = request.method == "POST" and place(request)[0] == "Groups"
    if created and not request.document.get("members"):
        message = "members is required"
        raise bad(message)
    return ask(request)


def group_refuses_members(status: int) -> Oddity:
    """A group with members cannot be created."""

    def oddity(request: Request, ask: Ask) -> Reply:
        created = request.method == "POST" and place(request)[0] == "Groups"
        if created and "members" in request.document:
            message = "members cannot be given here"
            raise ScimError(status, message)
        return ask(request)

    return oddity


# ---- dropping and refusing


def drops(*names: str, methods: tuple[str, ...] = ("POST", "PUT", "PATCH")) -> Oddity:
    """Attributes are overlooked, by these methods."""
    folded = tuple(name.lower() for name in names)

    def oddity(request: Request, ask: Ask) -> Reply:
        if not is_write(request, *methods) or request.method == "DELETE":
            return ask(request)
        document = dict(request.document)
        if request.method != "PATCH":
            kept = {n: v for n, v in document.items() if n.lower() not in folded}
            extensions = {n: _without(v, folded) for n, v in kept.items() if ":" in n}
            kept |= extensions
            if request.method == "PUT":
                kept |= {n: v for n, v in held(request, ask).items() if n.lower() in folded}
            return ask(sent(request, kept))
        operations = [o for o in document["Operations"] if not _head(o).startswith(folded)]
        if operations:
            return ask(sent(request, {**document, "Operations": operations}))
        return ask(Request({**request.environ, "REQUEST_METHOD": "GET"}))

    return oddity


def refuses(endpoint: str, path: str, status: int = 400, scim_type: str = "mutability") -> Oddity:
    """A change of an attribute is an error; a create takes it."""

    def oddity(request: Request, ask: Ask) -> Reply:
        changes = False
        if place(request)[0] != endpoint:
            return ask(request)
        if is_write(request, "PATCH"):
            changes = any(_head(o) == path.lower() for o in request.document["Operations"])
        elif is_write(request, "PUT"):
            changes = request.document.get(path) != held(request, ask).get(path)
        if changes:
            message = f"{path} cannot be changed"
            raise ScimError(status, message, scim_type)
        return ask(request)

    return oddity


def replaces_lists(*names: str) -> Oddity:
    """Adding to these multi-valued attributes replaces all that they hold."""

    def oddity(request: Request, ask: Ask) -> Reply:
        if not is_write(request, "PATCH"):
            return ask(request)
        document = dict(request.document)
        document["Operations"] = [
            {**o, "op": "replace"} if o.get("path") in names and o["op"] == "add" else o
            for o in document["Operations"]
        ]
        return ask(sent(request, document))

    return oddity


def quietly(request: Request, ask: Ask) -> Reply:
    """A PATCH or PUT is answered 204."""
    reply = ask(request)
    quiet = is_write(request, "PATCH", "PUT") and reply.status == HTTPStatus.OK
    return Reply(204) if quiet else reply


def takes_only(media_type: str) -> Oddity:
    """A body of another media type is 415."""

    def oddity(request: Request, ask: Ask) -> Reply:
        if is_write(request, "POST", "PUT", "PATCH") and request.content_type != media_type:
            message = f"{media_type} is expected"
            raise ScimError(415, message)
        return ask(request)

    return oddity


def lacks(status: int, *methods: str) -> Oddity:
    """These methods are refused for every user and group."""

    def oddity(request: Request, ask: Ask) -> Reply:
        if is_write(request, *methods):
            message = f"{request.method} is not possible here"
            raise ScimError(status, message)
        return ask(request)

    return oddity


def demands_versions(*, advertised: bool) -> Oddity:
    """A change without ``If-Match`` is 428, with an old version 412."""

    def oddity(request: Request, ask: Ask) -> Reply:
        if is_write(request, "PUT", "PATCH", "DELETE"):
            wanted = request.header("if-match")
            if not wanted:
                message = "If-Match is required"
                raise ScimError(428, message)
            current = held(request, ask)
            if current and wanted != _version(current):
                message = "another version"
                raise ScimError(412, message)
        reply = shown(ask(request), _with_version)
        if place(request)[0] == "ServiceProviderConfig" and advertised:
            document = json.loads(reply.body) | {"etag": {"supported": True}}
            return Reply(reply.status, json.dumps(document).encode(), reply.headers)
        return reply

    return oddity


def _with_version(row: Resource) -> Resource:
    if "meta" not in row:
        return row
    return {**row, "meta": {**row["meta"], "version": _version(row)}}


def _version(row: Resource) -> str:
    content = {name: value for name, value in row.items() if name != "meta"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f'W/"{digest[:16]}"'


def _head(operation: Resource) -> str:
    """Name of the attribute that an operation is about, of extensions without the URN."""
    path = str(operation.get("path") or "").lower()
    if path.startswith("urn:"):
        path = path.rpartition(":")[2]
    return path.partition("[")[0].partition(".")[0]


def _without(holder: Any, names: tuple[str, ...]) -> Any:  # noqa: ANN401  any JSON
    return {n: v for n, v in holder.items() if n.lower() not in names}
