"""The event log of Directory Insights.

Source:
    JumpCloud Directory Insights API 1.0, ``POST /events`` and ``POST /events/count``: the window
    is half open, rows come in the order of their time stamps, and the answer's headers say
    whether there are more. That an event may show up late is seen in practice, not documented.
"""

import itertools
import threading
from collections.abc import Callable, Iterable
from typing import Any

from jcsync.sandbox import clock
from jcsync.sandbox.wsgi import RefusalError, Reply, Request, dump, json_reply

DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000
SERVICES = frozenset(
    [
        "access_management",
        "alerts",
        "all",
        "asset_management",
        "directory",
        "ldap",
        "mdm",
        "notifications",
        "object_storage",
        "password_manager",
        "radius",
        "reports",
        "saas_app_management",
        "software",
        "sso",
        "systems",
    ]
)
_FIELDS = frozenset(
    [
        "id",
        "timestamp",
        "event_type",
        "service",
        "success",
        "organization",
        "initiated_by",
        "resource",
        "application",
        "association",
        "changes",
        "auth_method",
        "client_ip",
        "geoip",
        "useragent",
        "provider",
    ]
)

Event = dict[str, Any]


class EventLog:
    """What happened in one organisation; every method may be called from any thread.

    Attributes:
        enabled: Whether events are recorded and may be read: the licence.
        lag: Seconds until an event can be read.
        ahead: Seconds by which time stamps lie in the future.
        silent: What happens now is never recorded.
        repeated: Every event is told twice.
        shuffled: The events of an answer are in disorder.
        now: Returns the time of events, in seconds since 1970.
    """

    def __init__(self, organization: str, now: Callable[[], float] = clock.now) -> None:
        """Begin an empty log, without a licence."""
        self.enabled = False
        self.lag = 0.0
        self.ahead = 0.0
        self.silent = False
        self.repeated = False
        self.shuffled = False
        self._organization = organization
        self.now = now
        self._events: list[tuple[int, str, Event]] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def record(self, event_type: str, **content: object) -> None:
        """Remember that something happened now."""
        if not self.enabled or self.silent:
            return
        with self._lock:
            moment = self.now() + self.ahead
            number = f"{int(moment):08x}e7e{next(self._numbers):013x}"
            event: Event = {
                "id": number,
                "event_type": event_type,
                "service": "directory",
                "success": True,
                "organization": self._organization,
                "timestamp": clock.stamp(moment),
                "initiated_by": {"type": "admin", "email": "admin@example.com"},
                "auth_method": "session",
                **content,
            }
            self._events.append((int(moment * 1000), number, event))

    def events(self) -> list[Event]:
        """Everything that was recorded, oldest first."""
        with self._lock:
            return [event for _, _, event in self._events]

    def between(self, start: float, end: float) -> list[tuple[int, str, Event]]:
        """Return the readable events of a window, oldest first, with time in ms and id."""
        visible = (self.now() + self.ahead - self.lag) * 1000
        first, last = int(start * 1000), int(end * 1000)
        with self._lock:
            return [row for row in self._events if first <= row[0] < last and row[0] <= visible]

    def told(self, events: list[Event]) -> list[Event]:
        """Return events as an answer tells them."""
        told = [event for event in events for _ in range(1 + self.repeated)]
        # Every other one first: far from any order, and the same each time.
        return told[1::2] + told[::2] if self.shuffled else told


def answer_events(log: EventLog, request: Request) -> Reply:
    """Answer ``POST /events``.

    Raises:
        RefusalError: 403 without a licence, 400 for a query that makes no sense.
    """
    query = _parse(log, request)
    rows = _matching(log, query)
    newest_first = query.get("sort") == "DESC"
    rows.sort(key=lambda row: row[:2], reverse=newest_first)
    after = query.get("search_after")
    if after:
        mark = (int(after[0]), str(after[1]))
        rows = [row for row in rows if (row[:2] < mark if newest_first else row[:2] > mark)]
    limit = _limit(query.get("limit"))
    chosen = rows[int(query.get("skip") or 0) :][:limit]
    fields = set(query.get("fields") or ())
    events = log.told([_project(event, fields) for _, _, event in chosen])
    mark = chosen[-1][:2] if chosen else (int(log.now() * 1000), "0")
    return json_reply(
        events,
        200,
        ("X-Result-Count", str(len(chosen))),
        ("X-Limit", str(limit)),
        ("X-Sort", "DESC" if newest_first else "ASC"),
        ("X-Search_after", dump(mark).decode()),
        ("X-Request-Id", f"{id(request):x}"),
    )


def answer_count(log: EventLog, request: Request) -> Reply:
    """Answer ``POST /events/count``; errors as in :func:`answer_events`."""
    return json_reply({"count": len(_matching(log, _parse(log, request)))})


def _refuse(message: str, status: int = 400) -> RefusalError:
    return RefusalError(json_reply({"message": message}, status))


def _parse(log: EventLog, request: Request) -> Event:
    if not log.enabled:
        message = "Forbidden: Directory Insights is not part of this organization's package"
        raise _refuse(message, 403)
    try:
        query = request.document
    except ValueError:
        query = None
    if not isinstance(query, dict):
        message = "invalid JSON body"
        raise _refuse(message)
    services = query.get("service")
    if not isinstance(services, list) or not services or not set(services) <= SERVICES:
        message = f"service must be a list of: {', '.join(sorted(SERVICES))}"
        raise _refuse(message)
    fields = query.get("fields")
    if fields and not any(str(name).partition(".")[0] in _FIELDS for name in fields):
        message = "no such fields"
        raise _refuse(message)
    return query


def _matching(log: EventLog, query: Event) -> list[tuple[int, str, Event]]:
    now = log.now()
    try:
        start = clock.parse(query["start_time"])
        # Without an end it ends now: what happened in this millisecond is in it.
        end = clock.parse(query["end_time"]) if query.get("end_time") else now + log.ahead + 0.001
    except (KeyError, TypeError, ValueError) as error:
        message = "start_time is required; times are RFC 3339"
        raise _refuse(message) from error
    if start >= end or start > now:
        message = (
            f"Start Time not after End Time {clock.stamp(start)[:19]}Z > {clock.stamp(end)[:19]}Z"
        )
        raise _refuse(message)
    if not {"all", "directory"} & set(query["service"]):
        return []
    term = query.get("search_term") or {}
    return [row for row in log.between(start, end) if _meets(row[2], term)]


def _limit(value: object) -> int:
    """Nonsense silently becomes the default."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        return DEFAULT_LIMIT
    return min(value, MAX_LIMIT)


def _project(event: Event, fields: set[str]) -> Event:
    if not fields:
        return event
    roots = {name.partition(".")[0] for name in fields}
    return {name: value for name, value in event.items() if name in roots}


def _meets(event: Event, term: Event) -> bool:
    if not all(_conditions(event, term.get("and", []))):
        return False
    if "or" in term and not any(_conditions(event, term["or"])):
        return False
    return not any(_conditions(event, term.get("not", [])))


def _conditions(event: Event, conjunction: Event | list[Event]) -> Iterable[bool]:
    parts = conjunction if isinstance(conjunction, list) else [conjunction]
    for part in parts:
        for path, wanted in part.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            found = _at(event, path)
            yield found is not None and f"{found}".lower() in {f"{v}".lower() for v in values}


def _at(event: object, path: str) -> object:
    for name in path.split("."):
        if not isinstance(event, dict):
            return None
        event = event.get(name)
    return event
