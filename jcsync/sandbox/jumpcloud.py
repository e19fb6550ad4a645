"""JumpCloud as a WSGI application: keys, tokens, organisations and the way to the routes.

Answers before any route, as seen in practice:

    no key at all           302 to /login, which is a web page
    a key unknown here      401, on every path: also that of another region
    x-org-id not one's own  403
    a role that may not     403
    an unknown path         404

Source:
    JumpCloud API 1.0 and 2.0; OAuth 2.0 client credentials, RFC 6749, section 4.4.
"""

import base64
import binascii
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

from jcsync.sandbox import clock
from jcsync.sandbox.directory import Organization
from jcsync.sandbox.query import missing, parse_page
from jcsync.sandbox.records import organization_record
from jcsync.sandbox.routes import ROUTES
from jcsync.sandbox.wsgi import RefusalError, Reply, Request, html_reply, json_reply, send

_ID = re.compile(
    r"^(/api(?:/v2)?/(?:systemusers|applications|usergroups|users|organizations))/([^/]+)"
)


@dataclass(frozen=True, slots=True)
class Access:
    """What a key or service account may see.

    Attributes:
        organizations: Ids; the first is the default.
        denied: Pattern searched for in ``METHOD path``; what it matches is answered with 403.
    """

    organizations: tuple[str, ...]
    denied: str = ""


class JumpCloud:
    """The API of one region.

    Attributes:
        organizations: By id.
        state: The organisation that was there first.
        api_key: A key of its administrator.
        token_lifetime: Seconds that a bearer token is good for.
    """

    def __init__(self, *, now: Callable[[], float] = clock.now) -> None:
        """Open the region with one empty organisation and one key."""
        self._now = now
        self._lock = threading.Lock()
        self._keys: dict[str, Access] = {}
        self._clients: dict[tuple[str, str], Access] = {}
        self._tokens: dict[str, tuple[float, Access]] = {}
        self.organizations: dict[str, Organization] = {}
        self.token_lifetime = 3600.0
        self.state = self.add_organization("Example Holding")
        self.api_key = self.issue_key()

    def add_organization(self, name: str) -> Organization:
        """Found another organisation."""
        organization = Organization(name, number=len(self.organizations), now=self._now)
        self.organizations[organization.id] = organization
        return organization

    def issue_key(self, *organizations: str, denied: str = "") -> str:
        """Return a new API key.

        Args:
            organizations: Ids of what it sees, the default first; none: the first organisation.
            denied: As in :class:`Access`.
        """
        key = f"jca_{secrets.token_hex(20)}"
        self._keys[key] = Access(organizations or (self.state.id,), denied)
        return key

    def revoke_key(self, key: str) -> None:
        """Make a key unknown."""
        self._keys.pop(key, None)

    def issue_client(self, *organizations: str, denied: str = "") -> tuple[str, str]:
        """Return id and secret of a new service account; arguments as in :meth:`issue_key`."""
        pair = (secrets.token_hex(12), secrets.token_hex(20))
        self._clients[pair] = Access(organizations or (self.state.id,), denied)
        return pair

    def expire_tokens(self) -> None:
        """Make every bearer token that was issued so far unknown."""
        with self._lock:
            self._tokens.clear()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        try:
            reply = self._answer(Request(environ))
        except RefusalError as refusal:
            reply = refusal.reply
        return send(reply, start_response)

    def _answer(self, request: Request) -> Reply:
        if request.path == "/oauth2/token":
            return self._issue_token(request)
        if request.path == "/login":
            return html_reply("JumpCloud: Log in")
        access = self._authenticate(request)
        if access.denied and re.search(access.denied, f"{request.method} {request.path}"):
            raise RefusalError(
                json_reply({"message": "Forbidden", "error": "role lacks permission"}, 403)
            )
        found = _ID.match(request.path)
        identity = found[2] if found else ""
        path = f"{found[1]}/{{}}{request.path[found.end() :]}" if found else request.path
        if path.startswith("/api/organizations"):
            return self._show_organizations(request, access, identity)
        route = ROUTES.get((request.method, path))
        if route is None:
            message = "path"
            raise missing(message)
        organization = self._organization(request, access)
        with organization.lock:
            return route(organization, request, identity)

    def _authenticate(self, request: Request) -> Access:
        key = request.header("x-api-key")
        scheme, _, token = request.header("authorization").partition(" ")
        if not key and scheme.lower() != "bearer":
            headers = (("Location", "/login"), ("Content-Type", "text/plain; charset=utf-8"))
            raise RefusalError(Reply(302, b"Found. Redirecting to /login", headers))
        access = self._keys.get(key) if key else self._token_access(token)
        if access is None:
            body = {
                "error": "Unauthorized",
                "message": "Unauthorized: api key user not found",
            }
            raise RefusalError(json_reply(body, 401))
        return access

    def _token_access(self, token: str) -> Access | None:
        with self._lock:
            expires, access = self._tokens.get(token, (0.0, None))
        return access if expires > self._now() else None

    def _organization(self, request: Request, access: Access) -> Organization:
        chosen = request.header("x-org-id") or access.organizations[0]
        if chosen not in access.organizations or chosen not in self.organizations:
            body = {"message": "Forbidden: organization not accessible"}
            raise RefusalError(json_reply(body, 403))
        return self.organizations[chosen]

    def _show_organizations(self, request: Request, access: Access, identity: str) -> Reply:
        seen = [self.organizations[i] for i in access.organizations]
        rows = [organization_record(o.id, o.name, o.created) for o in seen]
        if identity:
            row = next((row for row in rows if row["_id"] == identity), None)
            if row is None:
                message = "organization"
                raise missing(message)
            return json_reply(row)
        page = parse_page(request.parameter("skip"), request.parameter("limit"))
        shown = [{k: row[k] for k in ("_id", "id", "displayName", "logoUrl")} for row in rows]
        return json_reply({"totalCount": len(rows), "results": page.of(shown)})

    def _issue_token(self, request: Request) -> Reply:
        access = self._clients.get(_basic(request.header("authorization")))
        if access is None:
            return json_reply({"error": "invalid_client"}, 401)
        form = parse_qs(request.body.decode("latin-1"))
        if form.get("grant_type") != ["client_credentials"]:
            return json_reply({"error": "unsupported_grant_type"}, 400)
        if form.get("scope", ["api"]) != ["api"]:
            return json_reply({"error": "invalid_scope"}, 400)
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._tokens[token] = (self._now() + self.token_lifetime, access)
        body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(self.token_lifetime),
            "scope": "api",
        }
        return json_reply(body)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
