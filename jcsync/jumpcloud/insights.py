"""Directory Insights, JumpCloud's event log: meets ``ports.Feed``.

An event may come late, twice, in disorder or with a time stamp of the future, and a package or
role may not have the log at all. So nothing is decided by an event: it says whom to look at.

Source:
    JumpCloud Directory Insights API 1.0, ``POST /events``.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from jcsync.errors import FeedError, NotFoundError, RemoteError, UnauthorizedError, UnreadableError
from jcsync.jumpcloud.auth import Credentials, send
from jcsync.model.events import Changes, ConnectorUse, Event, Subject
from jcsync.ports import Clock
from jcsync.transport import Answer, Transport

_LIMIT = 10_000
_MOST_EVENTS = 20_000
_FIELDS = ["id", "timestamp", "event_type", "resource", "association", "organization", "success"]
_KINDS = {"user": "user", "group": "user_group", "application": "application"}
_CONNECTOR = (
    "user_create_provision",
    "user_update_provision",
    "user_delete_provision",
    "user_deprovision",
    "user_lookup_provision",
    "group_create_provision",
    "group_update_provision",
    "group_delete_provision",
    "integration_activate",
    "integration_deactivate",
)


class Insights:
    """Meets ``ports.Feed``."""

    def __init__(
        self, transport: Transport, credentials: Credentials, clock: Clock, *, org_id: str = ""
    ) -> None:
        """Build the client; nothing is sent.

        Args:
            transport: To the event log, up to and without ``/events``.
            credentials: Asked for the headers of each call.
            clock: For the end of what was asked for.
            org_id: Sent as ``x-org-id`` when it is set.
        """
        self._transport = transport
        self._credentials = credentials
        self._clock = clock
        self._org_id = org_id

    @property
    def answers(self) -> Mapping[str, int]:
        """Requests by HTTP status, ``none`` for those without an answer."""
        return self._transport.answers

    @property
    def retries(self) -> int:
        """Requests that were repetitions."""
        return self._transport.retries

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, retries included."""
        return self._transport.requests

    def fetch_changes(self, since: datetime) -> Changes:
        """Read what has happened in the directory since then, in one request where that is enough.

        The end of the window is left to JumpCloud's own clock.

        Raises:
            FeedError: There is no event log for this key, or it does not answer as one.
        """
        until = self._clock.now()
        query = {
            "service": ["directory"],
            "start_time": _stamp(since),
            "sort": "ASC",
            "limit": _LIMIT,
            "fields": _FIELDS,
        }
        events: dict[str, Event] = {}
        for answer in self._pages(query):
            # A clock that runs ahead of JumpCloud's would leave a gap before the next window.
            until = min(until, _date(answer) or until)
            events |= {event.id: event for row in answer.body if (event := parse_event(row))}
            if len(events) >= _MOST_EVENTS:
                return Changes(events=tuple(events.values()), until=until, cut=True)
        return Changes(events=tuple(events.values()), until=until)

    def fetch_connectors(self, since: datetime) -> tuple[ConnectorUse, ...]:
        """Read, in one request, what JumpCloud's own SCIM connectors have done since then.

        Returns:
            One for each application, that acted last first; a connector that was deactivated
            afterwards is left out.

        Raises:
            FeedError: As for ``fetch_changes``.
        """
        query = {
            "service": ["all"],
            "start_time": _stamp(since),
            "sort": "DESC",
            "limit": _LIMIT,
            "search_term": {"and": [{"event_type": list(_CONNECTOR)}]},
        }
        return parse_connectors(next(self._pages(query)).body)

    def _pages(self, query: Mapping[str, Any]) -> Iterator[Answer]:
        """Yield answers while they are full; each begins after the last row of the one before."""
        after: object = None
        while True:
            answer = self._ask({**query, "search_after": after} if after else query)
            yield answer
            count, limit = (_number(answer, name) for name in ("X-Result-Count", "X-Limit"))
            if (len(answer.body) if count is None else count) < (limit or _LIMIT):
                return
            before, after = after, _mark(answer)
            if not answer.body or not after or after == before:
                message = "JumpCloud's event log says that there is more, and not where"
                raise FeedError(message, missing=False)

    def _ask(self, query: Mapping[str, Any]) -> Answer:
        headers = {"x-org-id": self._org_id} if self._org_id else {}
        try:
            answer = send(
                self._transport,
                self._credentials,
                "POST",
                "/events",
                body=query,
                headers=headers,
                reads=True,
            )
        except RemoteError as error:
            raise _feed_error(error) from error
        if not isinstance(answer.body, list):
            message = "JumpCloud's event log answered no list; check directory.insights_url"
            raise FeedError(message, missing=False, status=answer.status)
        return answer


def _feed_error(error: RemoteError) -> FeedError:
    reasons = {
        HTTPStatus.UNAUTHORIZED: "it refuses the key: check directory.region and insights_url",
        HTTPStatus.FORBIDDEN: "the package of the organisation has no Directory Insights, or the "
        "role of the key may not read it",
        HTTPStatus.NOT_FOUND: "it is not at this address: check directory.insights_url",
    }
    missing = isinstance(error, UnauthorizedError | NotFoundError) or (
        isinstance(error, UnreadableError) and error.status == HTTPStatus.NOT_FOUND
    )
    reason = next((text for status, text in reasons.items() if status == error.status), "")
    words = f"{reason} ({error})" if missing and reason else str(error)
    message = f"JumpCloud's event log cannot be read: {words}"
    return FeedError(message, missing=missing, status=error.status)


def parse_event(row: object) -> Event | None:
    """Return an event; ``None`` for what is none, and for what was tried without success. Pure."""
    if not isinstance(row, Mapping) or row.get("success") is False:
        return None
    event_type = str(row.get("event_type") or "").lower()
    number = row.get("id")
    return Event(
        id=str(number) if number else _digest(row),
        type=event_type,
        organization=str(row.get("organization") or ""),
        at=_moment(row.get("timestamp")),
        subjects=tuple(_subjects(row, event_type)),
    )


def _subjects(row: Mapping[str, Any], event_type: str) -> Iterator[Subject]:
    association = row.get("association")
    connection = association.get("connection") if isinstance(association, Mapping) else None
    if isinstance(connection, Mapping):
        for end in (connection.get("from"), connection.get("to")):
            if isinstance(end, Mapping):
                key = end.get("object_id") or end.get("id")
                yield Subject(kind=str(end.get("type") or "").lower(), id=str(key or ""))
        return
    resource = row.get("resource")
    implied = _KINDS.get(event_type.partition("_")[0], "")
    if isinstance(resource, Mapping):
        kind = str(resource.get("type") or implied).lower()
        yield Subject(kind=kind, id=str(resource.get("id") or ""))
    elif implied:
        yield Subject(kind=implied, id="")


def parse_connectors(rows: object) -> tuple[ConnectorUse, ...]:
    """Return which connectors acted, by their events, newest first. Pure."""
    uses: dict[tuple[str, tuple[str, ...]], ConnectorUse] = {}
    ended: set[tuple[str, tuple[str, ...]]] = set()
    for row in rows if isinstance(rows, list) else []:
        event_type = str(row.get("event_type") or "").lower() if isinstance(row, Mapping) else ""
        if event_type not in _CONNECTOR:
            continue
        key = _application(row)
        if event_type == "integration_deactivate":
            ended.add(key)
        if key in ended:
            continue
        use = uses.get(key)
        uses[key] = ConnectorUse(
            application_id=key[0],
            names=key[1],
            events=use.events + 1 if use else 1,
            last_type=use.last_type if use else event_type,
            last_at=use.last_at if use else str(row.get("timestamp") or ""),
        )
    return tuple(uses.values())


def _application(row: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Id and names of the application of an event, wherever the event has them."""
    resource = row.get("resource")
    places = [row.get("application"), row.get("integration")]
    if isinstance(resource, Mapping) and str(resource.get("type") or "").lower() == "application":
        places.append(resource)
    for place in places:
        if isinstance(place, Mapping):
            names = (place.get(key) for key in ("display_label", "displayLabel", "name"))
            shown = tuple(dict.fromkeys(str(name) for name in names if name))
            return str(place.get("id") or place.get("object_id") or ""), shown
        if isinstance(place, str) and place:
            return "", (place,)
    return "", ()


def _digest(row: object) -> str:
    text = json.dumps(row, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _stamp(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _date(answer: Answer) -> datetime | None:
    """When JumpCloud gave an answer, by its own clock."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("Date") or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(name) or ""
    return int(text) if text.isdecimal() else None


def _mark(answer: Answer) -> object:
    """Where the next page begins."""
    try:
        mark = json.loads(answer.headers.get("X-Search_after") or "null")
    except ValueError:
        return None
    return mark if isinstance(mark, list) else None
