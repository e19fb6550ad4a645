"""The pooled session of one side, and what it refuses to do."""

import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from jcsync import __version__

_BODY_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 65536
_GZIP = 16 + zlib.MAX_WBITS


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
        requests_per_minute: Ceilings of single methods.
        rates: Requests a second that single methods were found to bear before, 0 for any; and
            ``at once``, how many requests at once were.
        read_only: Refuse every method but GET and HEAD.
        ca_file: Certificates trusted beside the system's.
        proxy: URL of an HTTP proxy.
        advice: What to do when the credentials are refused, for the end of that message.
        setting: Which setting holds ``base_url``, for messages: ``provider.base_url``.
    """

    name: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 30
    answer_s: float = 300
    concurrency: int = 4
    requests_per_second: float | None = None
    requests_per_minute: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    read_only: bool = False
    ca_file: str | None = None
    proxy: str | None = None
    advice: str = ""
    setting: str = "its URL"

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    @property
    def proxy_host(self) -> str:
        """Host and port of the proxy, for messages; ``""`` without one."""
        return urlsplit(self.proxy).netloc.rpartition("@")[2] if self.proxy else ""

    @property
    def side(self) -> str:
        """``directory`` or ``provider``, as the setting of its address says."""
        return self.setting.partition(".")[0]

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
            "Accept-Encoding": "gzip",
            "Connection": "keep-alive",
            **endpoint.headers,
        }
    )
    if endpoint.proxy:
        session.proxies = {"http": endpoint.proxy, "https": endpoint.proxy}
    schemes = {urlsplit(url).scheme for url in (endpoint.base_url, endpoint.proxy) if url}
    is_secure = "https" in schemes
    context = _trusting(endpoint.ca_file) if is_secure else None
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter(endpoint.concurrency, context))
    return session


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    """TLS by the certificates of the system and one more file, read again when one has changed.

    Raises:
        OSError: ``ca_file`` cannot be read or holds no certificate.
    """
    system = ssl.get_default_verify_paths()
    places = (system.cafile, system.capath, ca_file)
    return _read_trusted(ca_file, tuple(Path(p).stat().st_mtime_ns for p in places if p))


@lru_cache(maxsize=8)
def _read_trusted(ca_file: str | None, _changed: tuple[int, ...]) -> ssl.SSLContext:
    """Read them once for all connections: each reading takes as long as ten requests."""
    context = ssl.create_default_context()
    folder = ssl.get_default_verify_paths().capath
    hashed = Path(folder).glob("*.0") if folder else ()  # read when one of them is needed
    if not context.cert_store_stats()["x509_ca"] and not any(hashed):  # a system without any
        context.load_verify_locations(requests.adapters.DEFAULT_CA_BUNDLE_PATH)
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def send_once(
    session: requests.Session,
    endpoint: Endpoint,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None,
    data: bytes | Mapping[str, str] | None,
    headers: Mapping[str, str],
    timeout: tuple[float, float],
) -> requests.Response:
    """Send one request through the adapter of its scheme; the body of the answer is not read yet.

    ``Session.request`` would merge settings, cookies, credentials and the environment first, none
    of which has a part here, and that is a third of its time; and it reads the body of a redirect
    that it is told not to follow, whatever its size. Here every body is read by ``read_bounded``.

    Raises:
        RequestException: It was not answered.
    """
    prepared = requests.PreparedRequest()
    prepared.method = method
    prepared.url = _prepared(endpoint.base_url) + path
    if params:
        prepared.url += f"?{urlencode(params)}"
    prepared.headers = {**session.headers, **headers}  # type: ignore[assignment]  # faster
    prepared.prepare_body(data, None)
    adapter = session.get_adapter(prepared.url)
    return adapter.send(prepared, stream=True, timeout=timeout, proxies=session.proxies)


@lru_cache(maxsize=16)
def _prepared(base_url: str) -> str:
    """The base URL as requests would send it.

    Raises:
        RequestException: It is no URL that requests can be sent to.
    """
    prepared = requests.PreparedRequest()
    prepared.prepare_url(base_url, None)
    return str(prepared.url).rstrip("/")


class OversizeError(ValueError):
    """A body is larger than an answer may be."""

    def __init__(self) -> None:
        """Say how large that is."""
        super().__init__(f"an answer of more than {_BODY_BYTES // 1024 // 1024} MiB was refused")


def read_bounded(response: requests.Response, deadline: float) -> bytes:
    """Read a body piece by piece, up to a size and a time, and unpack it.

    Args:
        response: A streamed response.
        deadline: On the monotonic clock, in seconds.

    Raises:
        OversizeError: The body is larger than 64 MiB, packed or unpacked.
        ReadTimeout: It has not ended by the deadline.
        ContentDecodingError: It is packed in another way than gzip, or damaged.
    """
    parts: list[bytes] = []
    size = 0
    while part := response.raw.read1(_CHUNK_BYTES, decode_content=False):
        parts.append(part)
        size += len(part)
        if size > _BODY_BYTES:
            raise OversizeError
        if monotonic() > deadline:
            raise requests.exceptions.ReadTimeout
    return _unpacked(b"".join(parts), response.headers.get("Content-Encoding", ""))


def _unpacked(content: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity") or not content:
        return content
    if encoding not in ("gzip", "x-gzip"):
        message = f"its body is packed as {encoding!r}, which was not asked for"
        raise requests.exceptions.ContentDecodingError(message)
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        plain = unpacker.decompress(content, _BODY_BYTES + 1)
    except zlib.error as error:
        message = f"its gzip is damaged ({error})"
        raise requests.exceptions.ContentDecodingError(message) from error
    if len(plain) > _BODY_BYTES:
        raise OversizeError
    if not unpacker.eof:
        message = "its gzip ends too early"
        raise requests.exceptions.ContentDecodingError(message)
    return plain


class Adapter(HTTPAdapter):
    """requests' adapter for one address, with what is the same for every request worked out once.

    With a TLS context, that one is used: the system's certificates and one more file.
    """

    def __init__(self, pool: int, context: ssl.SSLContext | None = None) -> None:
        """Keep as many connections as ``pool``."""
        self._context = context
        self._connections: Any = None
        super().__init__(pool_connections=1, pool_maxsize=pool)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests' own
        """Give the context to the connections."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - requests' own
        """Give it to those through a proxy, and to the one with the proxy."""
        return super().proxy_manager_for(
            *args, **kwargs, ssl_context=self._context, proxy_ssl_context=self._context
        )

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - requests' own
        """Return the connections to the one address."""
        if self._connections is None:
            self._connections = super().get_connection_with_tls_context(*args, **kwargs)
        return self._connections

    def cert_verify(self, conn: Any, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401 - requests' own
        """Verify by the context: requests would add certificates of its own at each connection."""
        conn.cert_reqs = "CERT_REQUIRED"

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:  # noqa: ANN401 - requests' own
        """Return what is looked at of a response; cookies are not."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.request = req
        response.url = req.url or ""
        return response

    def close(self) -> None:
        """Close the connections; a request after that makes new ones."""
        self._connections = None
        super().close()
