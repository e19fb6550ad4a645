"""The pooled session of one side, and what it refuses to do."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from jcsync import __version__
from jcsync.errors import UnreadableError

_BODY_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One side's address and manners.

    Attributes:
        name: What messages call it: ``JumpCloud``, ``the platform``.
        base_url: Kept as given; one trailing slash is not doubled.
        headers: Sent with every request.
        timeout_s: Seconds to wait for a connection, and for each part of an answer.
        answer_s: Seconds within which an answer must have been read in full.
        concurrency: Requests under way at once.
        requests_per_second: Ceiling, ``None`` for none.
        read_only: Refuse every method but GET and HEAD.
        ca_file: Certificates trusted beside the system's.
        proxy: URL of an HTTP proxy.
        advice: What to do when the credentials are refused, for the end of that message.
    """

    name: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 30
    answer_s: float = 300
    concurrency: int = 4
    requests_per_second: float | None = None
    read_only: bool = False
    ca_file: str | None = None
    proxy: str | None = None
    advice: str = ""

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return urlsplit(self.base_url).netloc

    def url(self, path: str) -> str:
        """The address of a resource."""
        return self.base_url.rstrip("/") + path


def build_session(endpoint: Endpoint) -> requests.Session:
    """Return a session for several threads; nothing is sent.

    Raises:
        OSError: ``ca_file`` cannot be read or holds no certificate.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update(
        {
            "User-Agent": f"jcsync/{__version__}",
            "Accept-Encoding": "gzip, deflate",
            "Connection": "keep-alive",
            **endpoint.headers,
        }
    )
    if endpoint.proxy:
        session.proxies = {"http": endpoint.proxy, "https": endpoint.proxy}
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=endpoint.concurrency))
    if endpoint.base_url.startswith("https:"):
        context = ssl.create_default_context()
        if endpoint.ca_file:
            context.load_verify_locations(endpoint.ca_file)
        session.mount("https://", _TlsAdapter(context, endpoint.concurrency))
    return session


def read_bounded(response: requests.Response, deadline: float) -> bytes:
    """Read a body piece by piece, up to a size and a time.

    Args:
        response: A streamed response.
        deadline: On the monotonic clock, in seconds.

    Raises:
        UnreadableError: The body is larger than 64 MiB.
        ReadTimeout: It has not ended by the deadline.
    """
    parts: list[bytes] = []
    size = 0
    while part := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > _BODY_BYTES:
            message = f"an answer of more than {_BODY_BYTES // 1024 // 1024} MiB was refused"
            raise UnreadableError(message, status=response.status_code)
        if monotonic() > deadline:
            message = "an answer that would not end"
            raise requests.exceptions.ReadTimeout(message)
    return b"".join(parts)


class _TlsAdapter(HTTPAdapter):
    """An adapter with its own TLS context: the system's certificates and one more file."""

    def __init__(self, context: ssl.SSLContext, pool: int) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=pool)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests' own
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - requests' own
        return super().proxy_manager_for(*args, **kwargs, ssl_context=self._context)
