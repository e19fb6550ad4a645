"""A strict platform behind any number of oddities, each a function around its requests.

    platform = OddPlatform(token, counts_from_zero, conflicts_as(400))

An oddity gets a request and a way to ask the platform behind it, and returns the answer; the first
one is nearest to the client. What lies behind them all is a strict ``FastPlatform``, which writes
down what it had to refuse: a client that lives with the oddities is never refused by it.

Source:
    ``docs/oddities.md`` says of each where it was seen.
"""

import io
import json
import threading
from collections.abc import Callable
from urllib.parse import urlencode

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.front import Front
from jcsync.sandbox.platform import BASE_PATH, Resource
from jcsync.sandbox.wsgi import Reply, Request, dump

Ask = Callable[[Request], Reply]
Oddity = Callable[[Request, Ask], Reply]

_VIOLATIONS = frozenset({400, 405, 415})


class OddPlatform(Front):
    """A service provider with oddities.

    Attributes:
        refusals: What the strict platform behind them refused as a violation of the protocol, in
            order.
    """

    def __init__(self, token: str, *oddities: Oddity, page_cap: int = 200) -> None:
        """Begin without users and groups."""
        super().__init__(FastPlatform(token, page_cap=page_cap))
        self.refusals: list[str] = []
        self._lock = threading.RLock()
        self._ask: Ask = self.behind
        for oddity in reversed(oddities):
            self._ask = _around(self._ask, oddity)

    def answer(self, request: Request) -> Reply:
        """Answer one request after another, as oddities ask more than once for it."""
        with self._lock:
            return self._ask(request)

    def behind(self, request: Request) -> Reply:
        """What the strict platform answers, and write down what it refuses."""
        reply = super().behind(request)
        if reply.status in _VIOLATIONS:
            detail = json.loads(reply.body)["detail"]
            sent = request.body.decode()
            self.refusals.append(f"{request.method} {request.path} {sent}: {detail}")
        return reply


def _around(ask: Ask, oddity: Oddity) -> Ask:
    return lambda request: oddity(request, ask)


def place(request: Request) -> tuple[str, str]:
    """Return the end point of a request and the ``id`` in it: ``("Users", "4f…")``."""
    endpoint, _, identity = request.path.removeprefix(f"{BASE_PATH}/").partition("/")
    return endpoint, identity


def is_list(request: Request, *endpoints: str) -> bool:
    """Whether a request reads a list, of any resources or of these."""
    endpoint, identity = place(request)
    wanted = endpoints or ("Users", "Groups")
    return request.method == "GET" and not identity and endpoint in wanted


def is_write(request: Request, *methods: str) -> bool:
    """Whether a request writes a user or group, by any method or by these."""
    return place(request)[0] in {"Users", "Groups"} and request.method in (
        methods or ("POST", "PUT", "PATCH", "DELETE")
    )


def asked(request: Request, **parameters: str | None) -> Request:
    """Return a request with other parameters; ``None`` takes one away."""
    kept = {name: texts[0] for name, texts in request.query.items()} | parameters
    query = urlencode({name: text for name, text in kept.items() if text is not None})
    return Request({**request.environ, "QUERY_STRING": query})


def sent(request: Request, document: object, method: str = "") -> Request:
    """Return a request with another body, and another method when one is given."""
    body = dump(document)
    return Request(
        {
            **request.environ,
            "REQUEST_METHOD": method or request.method,
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
        }
    )


def instead(request: Request, method: str, path: str = "") -> Request:
    """Return a request by another method, to another path when one is given, without a body."""
    taken = {"REQUEST_METHOD": method, "PATH_INFO": path or request.path, "QUERY_STRING": ""}
    return Request({**request.environ, **taken, "CONTENT_LENGTH": ""})


def held(request: Request, ask: Ask) -> Resource:
    """Return the resource that a request is about, as it is, ``{}`` when there is none."""
    reply = ask(instead(request, "GET"))
    found: Resource = json.loads(reply.body) if reply.status == 200 else {}  # noqa: PLR2004
    return found


def shown(reply: Reply, edit: Callable[[Resource], Resource]) -> Reply:
    """Return an answer with every user and group in it as an edit leaves it."""
    if not reply.body or reply.status >= 300:  # noqa: PLR2004
        return reply
    document = json.loads(reply.body)
    if "Resources" in document:
        document["Resources"] = [edit(row) for row in document["Resources"]]
    elif "id" in document:
        document = edit(document)
    return Reply(reply.status, dump(document), reply.headers)


def is_resource(row: Resource) -> bool:
    """Whether JSON is a user or a group, and not part of a description."""
    return row.get("meta", {}).get("resourceType") in {"User", "Group"}
