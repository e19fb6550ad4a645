"""The fast platform behind a gate that makes it deviate from the RFCs; see ``deviations``."""

import hashlib
import io
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from jcsync.sandbox.deviations import Deviations
from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.front import Front
from jcsync.sandbox.platform import BASE_PATH, Resource
from jcsync.sandbox.scim_check import SCIM_TYPE, ScimError, bad
from jcsync.sandbox.wsgi import Reply, Request, dump

_EVERYTHING = 100_000
_WRITES = frozenset({"POST", "PUT", "PATCH"})


class DeviantPlatform(Front):
    """A lenient ``FastPlatform`` with some deviations."""

    def __init__(self, token: str, deviations: Deviations, *, page_cap: int = 200) -> None:
        """Begin without users and groups."""
        super().__init__(FastPlatform(token, strict=False, page_cap=page_cap))
        self._odd = deviations

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        odd = self._odd
        endpoint, _, identity = request.path.removeprefix(f"{BASE_PATH}/").partition("/")
        if endpoint.startswith("ServiceProviderConfig") and endpoint != odd.config:
            message = "no such end point"
            raise ScimError(404, message)
        if endpoint == odd.config:
            return self._shown(self._pass(request, path=f"{BASE_PATH}/ServiceProviderConfig"))
        if endpoint not in {"Users", "Groups"}:
            return self._pass(request)
        self._check_method(request.method, endpoint)
        if request.method == "GET" and not identity:
            return self._list(request)
        if identity and request.method in _WRITES and odd.versions:
            self._check_version(request)
        if request.method not in _WRITES:
            return self._shown(self._pass(request))
        if odd.json_only and request.content_type != "application/json":
            message = "application/json is expected"
            raise ScimError(415, message)
        if request.method == "PATCH":
            return self._patch(request, endpoint)
        document = request.document
        self._check_resource(document, endpoint)
        kept = {name: value for name, value in document.items() if name not in odd.dropped}
        return self._shown(self._pass(request, kept))

    def _patch(self, request: Request, endpoint: str) -> Reply:
        sent = request.document["Operations"]
        document = self._operations(request.document, endpoint)
        if not document["Operations"]:
            request = Request({**request.environ, "REQUEST_METHOD": "GET"})
        reply = self._shown(self._pass(request, document))
        if reply.status != HTTPStatus.OK:
            return reply
        echo = {o["path"]: o.get("value") for o in sent if o.get("path") in self._odd.echoed}
        return Reply(204) if self._odd.quiet else _with(reply, echo)

    # ---- what comes in

    def _check_method(self, method: str, endpoint: str) -> None:
        odd = self._odd
        refused = (
            (method == "PUT" and endpoint in odd.no_put)
            or (method == "PATCH" and odd.no_patch)
            or (method == "DELETE" and endpoint == "Users" and odd.no_delete)
        )
        if refused:
            message = f"{method} is not possible here"
            raise ScimError(405, message)

    def _check_version(self, request: Request) -> None:
        current = self._pass(Request({**request.environ, "REQUEST_METHOD": "GET"}), {})
        version = _version(json.loads(current.body))
        if current.status == HTTPStatus.OK and request.header("if-match") != version:
            message = "another version"
            raise ScimError(412, message)

    def _check_resource(self, document: Resource, endpoint: str) -> None:
        for name, value in document.items():
            plural = isinstance(value, list) and name not in {"schemas", "members"}
            if self._odd.one_value and plural and len(value) > 1:
                message = f"{name} has one value"
                raise bad(message)
        if endpoint == "Groups":
            self._check_members(document.get("members", []))

    def _check_members(self, members: Any) -> None:  # noqa: ANN401  any JSON
        for member in members if isinstance(members, list) else ():
            if self._odd.minimal_members and set(member) != {"value"}:
                message = "members have a value and nothing else"
                raise bad(message)

    def _operations(self, document: Resource, endpoint: str) -> Resource:
        done = [
            changed
            for operation in document["Operations"]
            if (changed := self._operation(operation, endpoint)) is not None
        ]
        return {**document, "Operations": done}

    def _operation(self, operation: Resource, endpoint: str) -> Resource | None:
        odd, path = self._odd, str(operation.get("path") or "")
        name = path.partition("[")[0].partition(".")[0]
        removes = operation["op"] == "remove"
        if odd.no_filtered_paths and "[" in path and endpoint == "Users":
            message = f"{path}: filters are not supported in paths"
            raise bad(message, "invalidPath")
        if odd.no_paths and path and not removes:
            message = "path is not supported; send an object"
            raise bad(message, "invalidPath")
        if odd.immutable_names and path == "userName":
            message = "userName cannot be changed"
            raise bad(message, "mutability")
        if name == "members" and removes:
            return self._removal(operation)
        if name == "members":
            self._check_members(operation.get("value"))
        return None if name in odd.ignored | odd.dropped | odd.echoed else operation

    def _removal(self, operation: Resource) -> Resource | None:
        if self._odd.removals == "nothing":
            return None
        if self._odd.removals == "all":
            return {"op": "remove", "path": "members"}
        return operation

    # ---- what goes out

    def _list(self, request: Request) -> Reply:
        cursor = request.query.get("cursor")
        if self._odd.cursors == "only" and cursor is None and "filter" not in request.query:
            message = "startIndex is not supported; use cursor"
            raise bad(message, "invalidValue")
        if self._odd.no_paging:
            kept = {name: texts[0] for name, texts in request.query.items() if name == "filter"}
            query = urlencode({**kept, "count": str(_EVERYTHING)})
            request = Request({**request.environ, "QUERY_STRING": query})
        if self._odd.cursors == "no" or cursor is None:
            return self._shown(self._pass(request))
        start = int(cursor[0] or 1)
        query = f"{request.environ.get('QUERY_STRING', '')}&startIndex={start}"
        reply = self._pass(Request({**request.environ, "QUERY_STRING": query}))
        document = json.loads(reply.body)
        following = start + len(document["Resources"])
        if following <= document.pop("totalResults"):
            document["nextCursor"] = str(following)
        return self._shown(Reply(reply.status, dump(document), reply.headers))

    def _shown(self, reply: Reply) -> Reply:
        """Hide and add what the deviations say."""
        odd = self._odd
        if not reply.body or reply.status >= HTTPStatus.MULTIPLE_CHOICES:
            return reply
        document = json.loads(reply.body)
        rows = document.get("Resources", [document])
        for row in rows:
            if odd.hide_members or (odd.unlisted_members and "Resources" in document):
                row.pop("members", None)
            if odd.versions and "id" in row:
                row["meta"]["version"] = _version(row)
        if odd.versions and "etag" in document:
            document["etag"] = {"supported": True}
        if odd.cursors != "no" and "etag" in document:
            document["pagination"] = {"cursor": True, "index": odd.cursors != "only"}
        return Reply(reply.status, dump(document), SCIM_TYPE)

    def _pass(self, request: Request, document: Any = None, path: str = "") -> Reply:  # noqa: ANN401
        """Let the platform behind the gate answer."""
        body = request.body if document is None else dump(document)
        taken = {"PATH_INFO": path or request.path, "CONTENT_LENGTH": str(len(body))}
        return self.behind(Request({**request.environ, **taken, "wsgi.input": io.BytesIO(body)}))


def _with(reply: Reply, attributes: Resource) -> Reply:
    document = {**json.loads(reply.body), **attributes}
    return Reply(reply.status, dump(document), reply.headers)


def _version(resource: Resource) -> str:
    content = {name: value for name, value in resource.items() if name != "meta"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f'W/"{digest[:16]}"'
