"""What was asked of a server, for assertions and figures."""

import re
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from wsgiref.types import WSGIEnvironment

_ID = re.compile(r"^(?:[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$")
_HEADERS = (
    "HTTP_ACCEPT",
    "HTTP_AUTHORIZATION",
    "HTTP_IF_MATCH",
    "HTTP_USER_AGENT",
    "HTTP_X_API_KEY",
    "HTTP_X_EVENTUALLY_CONSISTENT",
    "HTTP_X_ORG_ID",
    "CONTENT_TYPE",
)


@dataclass(slots=True)
class Recorded:
    """One request.

    Attributes:
        number: Counted from 1, in the order of arrival.
        headers: Those that say something, by lower-case name.
        status: Of the answer; 0 while there is none and when there never was one.
        applied: Whether the application behind the faults saw it.
    """

    number: int
    method: str
    path: str
    query: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    status: int = 0
    applied: bool = False

    @property
    def template(self) -> str:
        """The path with every id replaced by ``{id}``."""
        return "/".join("{id}" if _ID.match(part) else part for part in self.path.split("/"))

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


class Traffic:
    """Counters and a log of requests; every method may be called from any thread.

    Attributes:
        keep_bodies: Switch off to spare memory in benchmarks.
        in_flight: Requests being answered now.
        max_in_flight: Most of them at once, so far.
        total: Requests so far.
    """

    def __init__(self, *, keep: int = 100_000) -> None:
        """Remember the newest ``keep`` requests."""
        self._lock = threading.Lock()
        self._log: deque[Recorded] = deque(maxlen=keep)
        self.keep_bodies = True
        self.in_flight = 0
        self.max_in_flight = 0
        self.total = 0

    def enter(self, environ: WSGIEnvironment, body: bytes) -> Recorded:
        """Record the arrival of a request."""
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): environ[name]
            for name in _HEADERS
            if name in environ
        }
        recorded = Recorded(
            number=0,
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=environ.get("QUERY_STRING", ""),
            headers=headers,
            body=body if self.keep_bodies else b"",
        )
        with self._lock:
            self.total += 1
            recorded.number = self.total
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            self._log.append(recorded)
        return recorded

    def leave(self) -> None:
        """Record that a request was answered, or never will be."""
        with self._lock:
            self.in_flight -= 1

    @property
    def log(self) -> list[Recorded]:
        """The remembered requests, oldest first."""
        with self._lock:
            return list(self._log)

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """Remembered requests by method and path template."""
        return Counter((recorded.method, recorded.template) for recorded in self.log)

    @property
    def writes(self) -> list[Recorded]:
        """Remembered requests that may change something, oldest first.

        All but GET and HEAD, and but the questions to an event log, which are POSTs.
        """
        return [
            recorded
            for recorded in self.log
            if recorded.method not in {"GET", "HEAD"} and not recorded.path.startswith("/insights/")
        ]

    def clear(self) -> None:
        """Forget what was recorded so far."""
        with self._lock:
            self._log.clear()
            self.total = 0
            self.max_in_flight = self.in_flight
