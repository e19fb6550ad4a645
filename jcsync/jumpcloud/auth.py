"""Credentials of JumpCloud: an administrator's API key, or a service account.

Source:
    JumpCloud API 1.0, "Authentication"; "Service Account for APIs".
"""

import base64
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol

from jcsync.errors import NotFoundError, RejectedError, UnauthorizedError, UnreadableError
from jcsync.ports import Clock
from jcsync.transport import Answer, Transport

_EARLY = timedelta(seconds=60)
_DEFAULT_LIFE_S = 3600
_LONGEST_LIFE_S = 86400


class Credentials(Protocol):
    """What authorizes a request."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers of the next request; may fetch a token first."""
        ...

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Tell whether the call is worth repeating after a 401 to these headers."""
        ...


def send(
    transport: Transport,
    credentials: Credentials,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    body: object = None,
    reads: bool = False,
) -> Answer:
    """Send one request with the credentials, and once more with renewed ones after a 401.

    Args:
        transport: Where to.
        credentials: Whose headers are added.
        method: As for ``Transport.request``; so are ``path``, ``params``, ``body``, ``reads``.
        path: Of the request.
        headers: Beside those of the credentials.
        params: Of the query.
        body: JSON value.
        reads: A POST that changes nothing.

    Raises:
        RemoteError: As for ``Transport.request``.
    """
    signed = credentials.headers()
    try:
        return transport.request(
            method, path, params=params, body=body, headers={**headers, **signed}, reads=reads
        )
    except UnauthorizedError as error:
        if error.status != HTTPStatus.UNAUTHORIZED or not credentials.renew(signed):
            raise
    signed = credentials.headers()
    return transport.request(
        method, path, params=params, body=body, headers={**headers, **signed}, reads=reads
    )


class ApiKey:
    """An administrator's key; a refused one stays refused."""

    def __init__(self, key: str) -> None:
        """Keep the key."""
        self._headers = {"x-api-key": key}

    def headers(self) -> Mapping[str, str]:
        """Return the ``x-api-key`` header."""
        return self._headers

    def renew(self, refused: Mapping[str, str]) -> bool:
        """A key cannot be renewed."""
        del refused
        return False


class ServiceAccount:
    """OAuth 2.0 client credentials; the token is renewed a minute before its end, or when refused.

    Source:
        RFC 6749, section 4.4.
    """

    def __init__(self, transport: Transport, client_id: str, secret: str, clock: Clock) -> None:
        """Keep the credentials; nothing is sent.

        Args:
            transport: To the token end point, with no credentials of its own.
            client_id: Of the service account.
            secret: Of the service account.
            clock: For the token's end.
        """
        pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode("ascii")
        self._basic = {"Authorization": f"Basic {pair}"}
        self._transport = transport
        self._clock = clock
        self._lock = threading.Lock()
        self._headers: Mapping[str, str] = {}
        self._ends: datetime | None = None

    def headers(self) -> Mapping[str, str]:
        """Return the ``Authorization`` header, with a token that is good for a while."""
        with self._lock:
            if self._ends is None or self._clock.now() >= self._ends:
                self._fetch_token()
            return self._headers

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Forget a refused token, so that the next call fetches another."""
        with self._lock:
            if refused == self._headers:
                self._ends = None
            return True

    def _fetch_token(self) -> None:
        form = {"grant_type": "client_credentials", "scope": "api"}
        try:
            answer = self._transport.request("POST", "", form=form, headers=self._basic, reads=True)
        except NotFoundError as error:
            message = f"{error}; check directory.token_url"
            raise UnreadableError(message, status=error.status) from error
        except (UnauthorizedError, RejectedError) as error:
            message = f"{error}; check client_id and client_secret of the service account"
            raise UnauthorizedError(message, status=error.status) from error
        body = answer.body if isinstance(answer.body, Mapping) else {}
        token = body.get("access_token")
        if not isinstance(token, str) or not token:
            message = f"no access_token in the answer of {self._transport.endpoint.base_url}"
            raise UnreadableError(message)
        seconds = _life_s(body.get("expires_in"))
        self._headers = {"Authorization": f"Bearer {token}"}
        self._ends = self._clock.now() + max(
            timedelta(seconds=seconds) - _EARLY, timedelta(seconds=seconds / 2)
        )


def _life_s(expires_in: object) -> int:
    """The life of a token in seconds, an hour where the answer gives none that can be used."""
    text = str(expires_in)
    return int(text) if text.isdecimal() and 0 < int(text) <= _LONGEST_LIFE_S else _DEFAULT_LIFE_S
