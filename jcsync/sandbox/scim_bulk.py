"""Bulk requests, as the fast platform takes them.

Source:
    RFC 7644, section 3.7; no references between operations.
"""

import json
from collections.abc import Callable
from typing import Any

from jcsync.sandbox.platform import BASE_PATH
from jcsync.sandbox.scim_check import SCIM_TYPE, ScimError, bad
from jcsync.sandbox.scim_schema import Document
from jcsync.sandbox.wsgi import Reply, Request, dump

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_MOST_BYTES = 1_048_576


def describe_bulk(operations: int) -> Document:
    """Return what ``/ServiceProviderConfig`` says of it; 0 operations for no Bulk."""
    return {
        "supported": operations > 0,
        "maxOperations": operations,
        "maxPayloadSize": _MOST_BYTES if operations else 0,
    }


def answer_bulk(request: Request, operations: int, answer: Callable[[Request], Reply]) -> Reply:
    """Make every operation of a request, and say how each ended.

    Args:
        request: To ``/Bulk``.
        operations: How many it may hold.
        answer: Answers the request that an operation stands for.
    """
    asked: Any = request.document
    if asked.get("schemas") != [REQUEST]:
        message = f"schemas must be {REQUEST}"
        raise bad(message)
    rows: list[Document] = asked["Operations"]
    if len(rows) > operations or len(request.body) > _MOST_BYTES:
        message = f"more than {operations} operations, or more than {_MOST_BYTES} bytes"
        raise ScimError(413, message)
    named = [row["bulkId"] for row in rows if row["method"] == "POST"]
    if len(set(named)) != len(named) or not all(named):
        message = "every POST has a bulkId of its own"
        raise bad(message)
    left = asked.get("failOnErrors", len(rows) + 1)
    ended: list[Document] = []
    for row in rows:
        if left <= 0:
            break
        done = _done(request, row, answer)
        left -= "response" in done
        ended.append(done)
    return Reply(200, dump({"schemas": [RESPONSE], "Operations": ended}), SCIM_TYPE)


def _done(request: Request, row: Document, answer: Callable[[Request], Reply]) -> Document:
    if (
        row.keys() - {"method", "path", "bulkId", "data", "version"}
        or row["method"] not in _METHODS
    ):
        message = "an operation has a method, path, bulkId, data and version, and nothing else"
        raise bad(message)
    environ = {
        **request.environ,
        "REQUEST_METHOD": row["method"],
        "PATH_INFO": BASE_PATH + row["path"],
        "QUERY_STRING": "",
    }
    if "version" in row:
        environ["HTTP_IF_MATCH"] = row["version"]
    operation = Request(environ)
    operation.document = row.get("data", {})
    try:
        reply = answer(operation)
    except ScimError as error:
        reply = error.reply()
    head: Document = {name: row[name] for name in ("method", "bulkId") if name in row}
    base = f"http://{request.header('host')}{BASE_PATH}{row['path']}"
    done = {
        **head,
        "location": dict(reply.headers).get("Location", base),
        "status": str(reply.status),
    }
    if reply.status >= 300:  # noqa: PLR2004 - whatever is no success
        done["response"] = json.loads(reply.body)
        if row["method"] == "POST":
            del done["location"]
    return done
