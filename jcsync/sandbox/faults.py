"""What goes wrong on the wire: WSGI middleware around either server.

A :class:`Fault` decides what becomes of one request: it may pass it on, answer in its place,
wait, or drop the connection. :class:`Faults` chooses by rule which requests meet one, by script
(the third PATCH below this path) or at random (two in a hundred, from a seed).
"""

import io
import itertools
import random
import re
import socket
import struct
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from waitress.channel import ClientDisconnected

from jcsync.sandbox.traffic import Recorded, Traffic
from jcsync.sandbox.wsgi import STATUS_LINES, Headers, Reply

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Answer(Reply):
    """A reply, and how badly it travels.

    Attributes:
        cut: Bytes of the body that arrive before the connection is closed; ``None`` for all.
        piece: Bytes that are sent at once; 0 for all.
        pause: Seconds before each piece.
    """

    cut: int | None = None
    piece: int = 0
    pause: float = 0.0


class Exchange:
    """One request on its way, in the hands of a fault.

    Attributes:
        request: What was asked.
    """

    def __init__(
        self,
        request: Recorded,
        environ: WSGIEnvironment,
        application: WSGIApplication,
        released: threading.Event,
    ) -> None:
        """Bind the request to the application behind the faults."""
        self.request = request
        self._environ = environ
        self._application = application
        self._released = released

    def pass_on(self) -> Answer:
        """Let the application answer."""
        caught: list[tuple[str, Headers]] = []

        def start(
            status: str, headers: Sequence[tuple[str, str]], *_: object
        ) -> Callable[[bytes], object]:
            caught.append((status, tuple(headers)))
            return bytes  # the write() of PEP 3333, which no application here uses

        self.request.applied = True
        body = b"".join(self._application(self._environ, start))
        status, headers = caught[0]
        kept = tuple(pair for pair in headers if pair[0].lower() != "content-length")
        return Answer(int(status[:3]), body, kept)

    def wait(self, seconds: float) -> None:
        """Do nothing for a while, or until the server stops."""
        self._released.wait(seconds)

    def drop(self, *, reset: bool = False) -> NoReturn:
        """Close the connection without another byte; with ``reset``, by a TCP reset."""
        if reset:
            # waitress gives the application a bound method of the connection.
            channel = self._environ["waitress.client_disconnected"].__self__
            channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        raise ClientDisconnected


Fault = Callable[[Exchange], Answer]
"""Decides what becomes of one request; see ``misfortunes`` for the usual ones."""


@dataclass(slots=True)
class Rule:
    """Which requests meet a fault.

    Attributes:
        method: For example ``PATCH``; ``""`` for any.
        path: Pattern that is searched for in path and query; ``""`` for any.
        first: Number of the first matching request that meets it, counted from 1.
        count: How many meet it; ``None`` for all that follow.
        rate: Share of those that really do, by chance.
        seen: Requests that matched so far.
        hits: Requests that met the fault so far.
    """

    fault: Fault
    method: str = ""
    path: str = ""
    first: int = 1
    count: int | None = None
    rate: float = 1.0
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    seen: int = 0
    hits: int = 0

    def meets(self, request: Recorded) -> bool:
        """Tell whether this request meets the fault, and count it."""
        if self.method and self.method != request.method:
            return False
        if self.path and not re.search(self.path, request.target):
            return False
        self.seen += 1
        if self.seen < self.first or (self.count is not None and self.hits >= self.count):
            return False
        if self.rate < 1 and self.chance.random() >= self.rate:
            return False
        self.hits += 1
        return True


class Faults:
    """Middleware: every request is recorded, and some meet a fault.

    Attributes:
        traffic: What was asked.
        latency: Seconds that every request waits first.
    """

    def __init__(self, application: WSGIApplication) -> None:
        """Stand in front of an application; without rules nothing goes wrong."""
        self._application = application
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.traffic = Traffic()
        self.latency = 0.0

    def add(
        self,
        fault: Fault,
        *,
        method: str = "",
        path: str = "",
        nth: int = 1,
        count: int | None = 1,
    ) -> Rule:
        """Let the ``nth`` matching request and the ``count - 1`` after it meet a fault.

        Args:
            fault: What goes wrong; of several rules that match the oldest counts.
            method: For example ``PATCH``; ``""`` for any.
            path: Pattern searched for in path and query; ``""`` for any.
            nth: Counted from 1, from now on.
            count: ``None`` for every request from the ``nth`` on.
        """
        return self._append(Rule(fault, method.upper(), path, nth, count))

    def add_random(
        self,
        faults: Sequence[Fault],
        *,
        rate: float,
        seed: int = 0,
        method: str = "",
        path: str = "",
    ) -> Rule:
        """Let matching requests meet one of several faults by chance.

        Args:
            faults: Each is equally likely.
            rate: Share of the requests, from 0 to 1.
            seed: Equal seeds give equal chances to an equal sequence of requests.
            method: As in :meth:`add`.
            path: As in :meth:`add`.
        """
        chance = random.Random(seed)  # noqa: S311  reproducible, not secret
        pick = random.Random(seed + 1)  # noqa: S311

        def one_of(exchange: Exchange) -> Answer:
            with self._lock:
                fault = pick.choice(faults)
            return fault(exchange)

        return self._append(Rule(one_of, method.upper(), path, rate=rate, chance=chance))

    def _append(self, rule: Rule) -> Rule:
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Remove every rule and the latency."""
        with self._lock:
            self._rules.clear()
        self.latency = 0.0

    def release(self) -> None:
        """End all waiting, now and in future: the server stops."""
        self._released.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        recorded = self.traffic.enter(environ, body)
        slow = False
        try:
            answer = self._answer(recorded, environ)
            recorded.status = answer.status
            length = len(answer.body)
            start_response(
                STATUS_LINES[answer.status], [*answer.headers, ("Content-Length", str(length))]
            )
            slow = answer.piece > 0 or answer.cut is not None
            return self._trickle(answer) if slow else [answer.body]
        finally:
            if not slow:
                self.traffic.leave()

    def _answer(self, recorded: Recorded, environ: WSGIEnvironment) -> Answer:
        exchange = Exchange(recorded, environ, self._application, self._released)
        if self.latency:
            exchange.wait(self.latency)
        rule = None
        if self._rules:
            with self._lock:
                rule = next((rule for rule in self._rules if rule.meets(recorded)), None)
        return rule.fault(exchange) if rule else exchange.pass_on()

    def _trickle(self, answer: Answer) -> Generator[bytes, None, None]:
        try:
            body = answer.body if answer.cut is None else answer.body[: answer.cut]
            step = answer.piece or len(body) or 1
            for start in itertools.count(0, step):
                if start >= len(body):
                    break
                self._released.wait(answer.pause)
                yield body[start : start + step]
            if answer.cut is not None:
                raise ClientDisconnected
        finally:
            self.traffic.leave()


def with_body(answer: Answer, body: bytes, *headers: tuple[str, str]) -> Answer:
    """Return an answer with another body, and with these headers in place of its own."""
    names = {name.lower() for name, _ in headers}
    kept = tuple(pair for pair in answer.headers if pair[0].lower() not in names)
    return replace(answer, body=body, headers=(*kept, *headers))
