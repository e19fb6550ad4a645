"""Both sides in this process: the real clients, and a wire that loses, garbles and dies.

Requests go from the session of the transport straight into the WSGI applications of the sandbox,
without sockets, so that thousands of histories fit into minutes. A :class:`Mortality` ends the
"process" at a chosen instant: from then on no call reaches a side and nothing is stored.
"""

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock
from urllib.parse import unquote_to_bytes, urlsplit
from wsgiref.types import WSGIApplication

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from waitress.channel import ClientDisconnected


class KilledError(BaseException):
    """The process is dead: nothing that it still does has an effect."""


class Mortality:
    """Counts instants (before and after each write of either side or the store) and kills.

    Attributes:
        at: Number of the instant at which the process dies, counted from 1; ``None`` for never.
        instants: How many there were so far.
    """

    def __init__(self, at: int | None = None) -> None:
        """Begin to count."""
        self.at = at
        self.instants = 0
        self._lock = threading.Lock()

    def pass_instant(self, *, counts: bool = True) -> None:
        """Live through one instant, or die.

        Args:
            counts: Whether it is one at which the process may die, and is not only dead already.

        Raises:
            KilledError: The process is dead.
        """
        with self._lock:
            self.instants += counts
            dead = self.at is not None and self.instants >= self.at
        if dead:
            raise KilledError


class MortalStore:
    """A store whose writes are instants, each before and after it is durable."""

    def __init__(self, store: Any, mortality: Mortality) -> None:
        """Stand in front of a store."""
        self._store = store
        self._mortality = mortality

    def __getattr__(self, name: str) -> Any:
        """A method of the store, with death before and after it where it writes."""
        method = getattr(self._store, name)
        writes = name.startswith(("record_", "open_", "supersede_", "settle_", "decide_"))
        return partial(self._write, method) if writes else method

    def _write(self, method: Any, *args: Any, **options: Any) -> Any:
        self._mortality.pass_instant()
        result = method(*args, **options)
        self._mortality.pass_instant()
        return result


class Body:
    """What ``read_bounded`` reads."""

    def __init__(self, content: bytes, *, broken: bool) -> None:
        """Hold a body; a broken one ends in an error instead of an end."""
        self._content = content
        self._broken = broken

    def read1(self, _size: int, *, decode_content: bool) -> bytes:
        """All of it at once."""
        assert not decode_content
        content, self._content = self._content, b""
        if not content and self._broken:
            raise requests.exceptions.ChunkedEncodingError
        return content

    def close(self) -> None:
        """Nothing to close."""

    release_conn = close

    def read(self, _size: int = -1) -> bytes:
        """Nobody may read without bounds."""
        message = "a body was read without bounds"
        raise AssertionError(message)


class InProcessAdapter(BaseAdapter):
    """Sends a request to the application of its host."""

    sides: Mapping[str, WSGIApplication] = {}
    mortality = Mortality()

    def __init__(self, *_pool: object) -> None:
        """Take and ignore the size of a pool."""
        super().__init__()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer one request."""
        writes = request.method != "GET"
        self.mortality.pass_instant(counts=writes)
        parts = urlsplit(request.url or "")
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)  # type: ignore[arg-type]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": unquote_to_bytes(str(parts.path)).decode("latin-1"),
            "QUERY_STRING": parts.query,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(content),
            "SERVER_NAME": parts.hostname,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
        }
        if content:
            environ["CONTENT_LENGTH"] = str(len(content))
        for name, value in request.headers.items():
            text = value.decode() if isinstance(value, bytes) else value
            key = name.upper().replace("-", "_")
            environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = text
        environ["HTTP_HOST"] = parts.netloc
        caught: list[Any] = []
        broken = False
        try:
            chunks: list[bytes] = []
            for chunk in self.sides[str(parts.hostname)](
                environ,
                lambda *head: caught.append(head),  # type: ignore[arg-type,return-value]
            ):
                chunks.append(chunk)  # noqa: PERF402 - what came before a break is kept
        except ClientDisconnected as error:
            if not caught:
                raise requests.exceptions.ConnectionError from error
            broken = True
        self.mortality.pass_instant(counts=writes)
        status, headers = caught[0][:2]
        response = requests.Response()
        response.status_code = int(status[:3])
        response.headers = CaseInsensitiveDict(headers)
        response.raw = Body(b"".join(chunks), broken=broken)
        response.request = request
        response.url = request.url or ""
        return response

    def close(self) -> None:
        """Nothing to close."""


@contextmanager
def in_process(sides: Mapping[str, WSGIApplication], mortality: Mortality) -> Iterator[None]:
    """Let every session that is built in the block reach these hosts, and no others."""
    adapter = type("Adapter", (InProcessAdapter,), {"sides": sides, "mortality": mortality})
    with mock.patch("jcsync.transport.session.Adapter", adapter):
        yield
