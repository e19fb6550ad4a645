"""Several accounts by one request, where the platform advertises it and the configuration trusts it.

Bulk saves requests and proves nothing: what an operation did is believed only of an answer that
names it, and everything else is looked up or left to a request of its own. After the first answer
that is lost, refused as a whole or cannot be understood, the rest of the run goes without.

Source:
    RFC 7644, section 3.7.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Any
from urllib.parse import unquote, urlsplit

from jcsync.errors import RemoteError, UnauthorizedError, UnknownOutcomeError
from jcsync.model.path import parse_path
from jcsync.model.plan import Action, Change
from jcsync.model.report import Written
from jcsync.model.resource import Value
from jcsync.scim.calls import Calls, Json, resource_path
from jcsync.scim.discovery import Discovery
from jcsync.scim.patching import Patcher
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import Reader
from jcsync.scim.wire import attribute, dump_user, text_of
from jcsync.transport import dump_body

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

_MOST_OPERATIONS = 100
"""A platform works on them one after another, and has to answer in time."""

Result = Written | RemoteError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What the platform says of one operation.

    Attributes:
        status: HTTP status, 0 when it says nothing of the operation that can be understood.
        resource_id: Of the resource, ``""`` when it does not say.
        body: The resource, where it shows it.
    """

    status: int = 0
    resource_id: str = ""
    body: object = None

    @property
    def is_made(self) -> bool:
        """Whether the operation succeeded."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_refused(self) -> bool:
        """Whether it certainly had no effect."""
        return HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR


class BulkWriter:
    """Creates and changes several accounts at once; safe for several threads."""

    def __init__(
        self,
        calls: Calls,
        reader: Reader,
        profile: Profile,
        discovery: Discovery,
        patcher: Patcher,
        *,
        complete: Callable[[str, Mapping[str, Value], object], Written],
    ) -> None:
        """Build it; nothing is sent.

        Args:
            calls: To the platform.
            reader: Of its resources.
            profile: Whether Bulk is trusted.
            discovery: Whether it is advertised.
            patcher: Says how a change is sent, and whether it took.
            complete: Compares a new account with what was sent.
        """
        self._calls = calls
        self._reader = reader
        self._trusted = profile.bulk
        self._discovery = discovery
        self._patcher = patcher
        self._complete = complete
        self._lock = threading.Lock()
        self._most = _MOST_OPERATIONS if profile.bulk is True else int(profile.bulk)

    @property
    def size(self) -> int:
        """Operations in one request, 1 when each has a request of its own."""
        if not self._trusted or self._most <= 1:
            return 1
        return max(1, min(self._most, self._discovery.facts().bulk_operations))

    def write(self, changes: Sequence[Change]) -> list[Result]:
        """Create and patch accounts; see ``ports.ServiceProvider.write_users``."""
        operations = [self._operation(n, change) for n, change in enumerate(changes)]
        done = self._send([operation for operation in operations if operation is not None])
        return [
            self._result(change, done.get(str(n)) if operation is not None else None)
            for n, (change, operation) in enumerate(zip(changes, operations, strict=True))
        ]

    # ------------------------------------------------------------------ sending

    def _operation(self, n: int, change: Change) -> dict[str, Any] | None:
        """One operation, ``None`` where it cannot be told without reading first."""
        if change.action is Action.CREATE:
            attributes = [(parse_path(a.path), a.after) for a in change.attributes]
            data = dump_user(change.external_id, attributes)
            return {"method": "POST", "path": "/Users", "bulkId": str(n), "data": data}
        patch = self._patcher.plain_patch("Users", change.attributes)
        if patch is None:
            return None
        path = resource_path("Users", change.resource_id)
        version = self._reader.version(path)
        head = {"method": "PATCH", "path": path, "bulkId": str(n)}
        return {**head, **({"version": version} if version else {}), "data": patch}

    def _send(self, operations: Sequence[dict[str, Any]]) -> dict[str, Done]:
        """Return what the platform says, by ``bulkId``; nothing of what it has certainly not made.

        Raises:
            UnauthorizedError: The token is refused.
        """
        if self.size <= 1 or len(operations) <= 1:
            return {}
        if len(operations) > self.size:
            return self._send_halves(operations)
        body = dump_body({"schemas": [BULK_REQUEST], "Operations": operations})
        if 0 < self._discovery.facts().bulk_bytes < len(body):
            return self._send_halves(operations)
        done: dict[str, Done] = {}
        try:
            answer = self._calls.send("POST", "/Bulk", body)
        except UnauthorizedError:
            raise
        except UnknownOutcomeError:
            done = {operation["bulkId"]: Done() for operation in operations}
        except RemoteError as error:
            if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                with self._lock:
                    self._most = min(self._most, (len(operations) + 1) // 2)
                return self._send_halves(operations)
        else:
            done = _parse(answer.body, operations)
        if not done or not all(result.status for result in done.values()):
            with self._lock:
                self._most = 1
        return done

    def _send_halves(self, operations: Sequence[dict[str, Any]]) -> dict[str, Done]:
        half = (len(operations) + 1) // 2
        return {**self._send(operations[:half]), **self._send(operations[half:])}

    # ------------------------------------------------------------------ believing

    def _result(self, change: Change, done: Done | None) -> Result:
        """What became of a change; ``None`` when it has to be made by a request of its own."""
        if done is None or done.is_refused:
            return None
        try:
            if change.action is Action.CREATE:
                return self._created(change, done)
            return self._patched(change, done)
        except RemoteError as error:
            return error

    def _created(self, change: Change, done: Done) -> Result:
        created = done.resource_id if done.is_made else ""
        if not created:
            try:
                rows = self._reader.find("Users", since=monotonic(), externalId=change.external_id)
            except RemoteError as error:
                message = f"whether the account was created could not be looked up: {error}"
                return UnknownOutcomeError(message, status=error.status)
            created = next((text_of(attribute(row, "id")) for row in rows), "")
        if not created:
            return None
        attributes = {a.path: a.after for a in change.attributes}
        return self._complete(created, attributes, done.body)

    def _patched(self, change: Change, done: Done) -> Result:
        path = resource_path("Users", change.resource_id)
        if done.is_made:
            return self._patcher.accept("Users", change.resource_id, change.attributes, done.body)
        held = self._reader.read(path)
        if held is None:
            return None
        return self._patcher.accept("Users", change.resource_id, change.attributes, held)


def _parse(body: object, operations: Sequence[dict[str, Any]]) -> dict[str, Done]:
    """What the platform says of each operation, by its ``bulkId``."""
    rows = attribute(body, "Operations")
    named: dict[str, Json] = {}
    placed: dict[str, Json] = {}
    for row in rows if isinstance(rows, list) else ():
        if name := text_of(attribute(row, "bulkId")):
            named.setdefault(name, row)
        elif place := _end_of(row):
            placed.setdefault(place, row)
    done = {}
    for operation in operations:
        row = named.get(operation["bulkId"])
        if row is None and operation["method"] == "PATCH":
            row = placed.get(_last(operation["path"]))
        done[operation["bulkId"]] = _done(row)
    return done


def _done(row: Json | None) -> Done:
    if row is None:
        return Done()
    status = attribute(row, "status")
    text = text_of(attribute(status, "code") if isinstance(status, Mapping) else status)
    body = attribute(row, "response")
    return Done(
        status=int(text) if text.isdecimal() else 0,
        resource_id=text_of(attribute(body, "id")) or _end_of(row),
        body=body,
    )


def _end_of(row: Json) -> str:
    """The ``id`` at the end of a location."""
    return _last(urlsplit(text_of(attribute(row, "location"))).path)


def _last(path: str) -> str:
    return unquote(path.rpartition("/")[2])
