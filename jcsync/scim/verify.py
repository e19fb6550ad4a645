"""Whether a server did what it answered 2xx to, and when to look.

A value that the server turned into another one is *normalised*: no other way of sending it would
help. A value that is as before was *ignored*: another way may help, and when none has helped two
resources, an attribute is not sent in all ways for a third one.

Source:
    RFC 7644, section 3.5.2 (200 with the resource, or 204).
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from jcsync.errors import RemoteError
from jcsync.model.equality import is_equal
from jcsync.model.path import parse_path
from jcsync.model.plan import AttributeChange
from jcsync.model.resource import Value
from jcsync.scim.calls import Collection, Json
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import Reader
from jcsync.scim.wire import attribute, parse_active, read_path, text_of

_ENOUGH = 2
_NAMES: Mapping[Collection, str] = {"Users": "userName", "Groups": "displayName"}


class Verifier:
    """Looks at what a server holds after a write; safe for several threads."""

    def __init__(self, reader: Reader, profile: Profile) -> None:
        """Build it; nothing is sent."""
        self._reader = reader
        self._profile = profile
        self._lock = threading.Lock()
        self._sampled: set[tuple[str, str]] = set()
        self._doubted: set[tuple[str, str]] = set()
        self._given_up: Counter[tuple[Collection, str]] = Counter()

    def shows_all(
        self, collection: Collection, path: str, sent: Mapping[str, Value], answer: object
    ) -> bool:
        """Whether an answer shows the resource with all that was sent: then nothing else is due.

        Args:
            collection: Of the resource.
            path: Of the resource.
            sent: Values by path.
            answer: JSON of the answer.
        """
        if not isinstance(answer, Mapping) or not is_resource(collection, answer):
            return False
        if not all(self._holds(name, value, answer) for name, value in sent.items()):
            return False
        self._reader.note_version(path, answer)
        return True

    def look(
        self,
        collection: Collection,
        path: str,
        changes: Sequence[AttributeChange],
        answer: object,
        *,
        forced: bool = False,
    ) -> Json | None:
        """Return the resource after a write, ``None`` when it is not known.

        An answer that shows a resource without the change may show it in part: before it is
        believed, the resource is read.

        Args:
            collection: Of the resource.
            path: Of the resource.
            changes: What was sent.
            answer: JSON of the answer.
            forced: Read it back whatever the profile says.

        Raises:
            RemoteError: It has to be read and cannot be; a sample that cannot be read is let go.
        """
        if isinstance(answer, Mapping) and is_resource(collection, answer):
            self._reader.note_version(path, answer)
            if not any(self.is_worth_another_way(collection, c, answer) for c in changes):
                return answer
        elif not forced and not self.is_due(path.split("/")[1], (c.path for c in changes)):
            self._reader.note_version(path, None)
            return None
        try:
            actual = self._reader.read(path)
        except RemoteError:
            if forced or self._profile.verify == "always":
                raise
            return None
        if actual is None or not is_resource(collection, actual):
            return None
        with self._lock:
            self._doubted |= {
                (path.split("/")[1], change.path)
                for change in changes
                if not self.is_kept(change, actual)
            }
        return actual

    def is_due(self, kind: str, names: Iterable[str]) -> bool:
        """Whether a write that showed nothing is read back: the first of its kind, or each one.

        Each one from then on also where the first was not kept.
        """
        if self._profile.verify != "sampled":
            return self._profile.verify == "always"
        with self._lock:
            wanted = {(kind, name) for name in names}
            due = (wanted - self._sampled) | (wanted & self._doubted)
            self._sampled |= wanted
            return bool(due)

    def is_worth_another_way(
        self, collection: Collection, change: AttributeChange, actual: Json
    ) -> bool:
        """Whether a change was ignored, and there is hope for it; for ``active`` there always is."""
        if self.is_kept(change, actual) or not is_ignored(change, actual):
            return False
        return change.path == "active" or self._given_up[collection, change.path] < _ENOUGH

    def is_kept(self, change: AttributeChange, actual: Json) -> bool:
        """Whether a resource has what was sent, or does not show such attributes at all."""
        return self._holds(change.path, change.after, actual)

    def _holds(self, path: str, value: Value, actual: Json) -> bool:
        name = path.casefold()
        if name == "password" or (name == "externalid" and self._profile.external_id == "hidden"):
            return True
        return _same(path, value_at(actual, path), value)

    def give_up(self, collection: Collection, changes: Iterable[AttributeChange]) -> None:
        """Remember that a server ignores these attributes, in whatever way they are sent."""
        with self._lock:
            self._given_up.update((collection, change.path) for change in changes)


def is_resource(collection: Collection, body: object) -> bool:
    """Whether an answer shows a resource: its ``id`` and its name, at least."""
    return all(text_of(attribute(body, name)) for name in ("id", _NAMES[collection]))


def is_ignored(change: AttributeChange, actual: Json) -> bool:
    """Whether a resource has what it had before."""
    return _same(change.path, value_at(actual, change.path), change.before)


def value_at(resource: Json, path: str) -> Value:
    """The value at a path; ``active`` in any of its forms."""
    if path == "active":
        return parse_active(attribute(resource, "active"))
    return read_path(resource, parse_path(path))


def _same(path: str, one: Value, other: Value) -> bool:
    if path == "externalId":
        return (one or "") == (other or "")
    return is_equal(path, one, other)
