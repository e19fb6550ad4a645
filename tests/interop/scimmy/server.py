"""scimmy as a platform of the sandbox: requests pass through, its memory can be looked at."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

import requests
from requests.adapters import HTTPAdapter

from jcsync.sandbox.platform import BASE_PATH, Resource
from jcsync.sandbox.wsgi import STATUS_LINES

_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
_SCIM = "application/scim+json"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Scimmy:
    """A running scimmy server; meets ``jcsync.sandbox.platform.Platform``.

    What the sandbox is asked it passes on, so that requests are recorded on the way. What is done
    by hand goes to the server directly, through SCIM, as another client of it would.

    Attributes:
        base_url: The SCIM base URL, as an administrator would enter it.
        token: The bearer token that it demands.
    """

    def __init__(self, base_url: str, token: str) -> None:
        """Take the address of a server that runs already."""
        self.base_url = base_url
        self.token = token
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_maxsize=24))

    def close(self) -> None:
        """Close the connections to the server."""
        self._session.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass one request on."""
        path = quote(environ["PATH_INFO"].encode("latin-1")).removeprefix(BASE_PATH)
        answer = self._session.request(
            environ["REQUEST_METHOD"],
            f"{self.base_url}{path}?{environ.get('QUERY_STRING', '')}",
            data=environ["wsgi.input"].read(),
            headers={
                "Accept": environ.get("HTTP_ACCEPT", "*/*"),
                "Authorization": environ.get("HTTP_AUTHORIZATION", ""),
                "Content-Type": environ.get("CONTENT_TYPE", ""),
            },
            timeout=30,
            allow_redirects=False,
        )
        kept = [pair for pair in answer.headers.items() if pair[0].lower() not in _HOP_BY_HOP]
        start_response(STATUS_LINES[answer.status_code], kept)
        return [answer.content]

    # ---- its memory

    def reset(self) -> None:
        """Forget all resources and requests."""
        self._beside("reset", "POST")

    def accounts(self) -> list[Resource]:
        """Return every stored user."""
        return self._state()["users"]

    def groups(self) -> list[Resource]:
        """Return every stored group."""
        return self._state()["groups"]

    def writes(self) -> list[str]:
        """Return the writes since the last reset, as ``METHOD URL STATUS``, in order."""
        return [
            f"{request['method']} {request['url']} {request['status']}"
            for request in self._state()["requests"]
            if request["method"] in _WRITES
        ]

    def _state(self) -> dict[str, list[dict[str, Any]]]:
        state: dict[str, list[dict[str, Any]]] = self._beside("state", "GET").json()
        return state

    def _beside(self, page: str, method: str) -> requests.Response:
        url = f"{self.base_url.removesuffix('/scim')}/test/{page}"
        response = self._session.request(method, url, timeout=10)
        response.raise_for_status()
        return response

    # ---- by hand

    def edit(self, identity: str, **attributes: object) -> None:
        """Replace attributes of a user or group, by their SCIM names; ``None`` removes one."""
        users = any(account["id"] == identity for account in self.accounts())
        path = f"/{'Users' if users else 'Groups'}/{identity}"
        content = {**self._scim("GET", path).json(), **attributes}
        kept = {name: value for name, value in content.items() if value is not None}
        self._scim("PUT", path, kept)

    def add_by_hand(self, **attributes: object) -> str:
        """Create a user, or a group when there is no ``userName``, and return its ``id``."""
        kind = "User" if "userName" in attributes else "Group"
        schemas = [f"urn:ietf:params:scim:schemas:core:2.0:{kind}"]
        created = self._scim("POST", f"/{kind}s", {"schemas": schemas, **attributes}).json()
        return str(created["id"])

    def delete_by_hand(self, identity: str) -> None:
        """Delete a user or group."""
        users = any(account["id"] == identity for account in self.accounts())
        self._scim("DELETE", f"/{'Users' if users else 'Groups'}/{identity}")

    def _scim(self, method: str, path: str, content: object = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": _SCIM}
        url = f"{self.base_url}{path}"
        response = self._session.request(method, url, json=content, headers=headers, timeout=10)
        response.raise_for_status()
        return response
