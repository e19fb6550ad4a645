"""A server that says exactly what a test wants, byte for byte, and a transport that speaks to it."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from jcsync.transport import Endpoint, RetryPolicy, Transport

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
HASTY = RetryPolicy(attempts=4, connect_attempts=3, budget_s=10, longest_wait_s=0.01)


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


Respond = Callable[[Asked, socket.socket], bytes | None]
"""Returns the bytes of an answer; ``None`` closes the connection."""


class FixedClock:
    """Ten o'clock."""

    def now(self) -> datetime:
        """Return it."""
        return NOW


def reply(
    body: bytes | object = b"", status: int = 200, *, length: int | None = None, **headers: str
) -> bytes:
    """Return the bytes of an answer, JSON unless ``body`` is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content) if length is None else length),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {text}" for name, text in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@dataclass
class RawServer:
    """Listens on a port of this computer and answers as ``respond`` says."""

    respond: Respond
    context: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0

    def __post_init__(self) -> None:
        """Bind the port."""
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.released = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Serve."""
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection and end every thread."""
        self.released.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        with self._lock:
            self._open.append(connection)
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as stream:
            while (asked := _read(stream)) is not None:
                with self._lock:
                    self.asked.append(asked)
                    self.busy += 1
                    self.most_busy = max(self.most_busy, self.busy)
                try:
                    answer = self.respond(asked, connection)
                finally:
                    with self._lock:
                        self.busy -= 1
                if answer is None:
                    return
                connection.sendall(answer)


def _read(stream: Any) -> Asked | None:
    line = stream.readline().decode("latin-1").split()
    if not line:
        return None
    headers: dict[str, str] = {}
    while text := stream.readline().decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Asked(line[0], line[1], headers, body)


def in_turn(*answers: bytes | None) -> Respond:
    """Return a response that gives these answers one after another, the last one for ever."""
    left = list(answers)
    lock = threading.Lock()

    def respond(_: Asked, __: socket.socket) -> bytes | None:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return respond


@contextmanager
def transport_to(
    url: str,
    *,
    policy: RetryPolicy = HASTY,
    stop: threading.Event | None = None,
    authorization: Mapping[str, str] | None = None,
    **endpoint: Any,
) -> Iterator[Transport]:
    """Yield a transport to a URL, closed at the end."""
    transport = Transport(
        Endpoint(**{"name": "the platform", "base_url": url, "timeout_s": 5, **endpoint}),
        authorize=lambda: authorization or {"Authorization": "Bearer s3cret-token"},
        clock=FixedClock(),
        retry=policy,
        stop=stop,
    )
    try:
        yield transport
    finally:
        transport.close()
