"""The resources of the fast platform, and indexes that make every answer take constant time.

A user is kept as his JSON, a group as JSON and a table of members, so that adding one member to a
group of thousands costs no more than to an empty one.

Source:
    RFC 7644, section 3.4.2.2 (filters); RFC 7643, section 4.1 (``userName`` ignores case).
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from jcsync.sandbox import clock
from jcsync.sandbox.scim_check import ScimError, bad
from jcsync.sandbox.scim_schema import USERS, Document, ResourceType
from jcsync.sandbox.wsgi import dump

_CLAUSE = re.compile(
    r'\s*([A-Za-z$.:0-9]+)\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*', re.IGNORECASE
)


@dataclass(slots=True)
class Stored:
    """One user or group.

    Attributes:
        text: Its attributes as JSON, without ``id``, ``meta`` and ``members``.
        members: Ids of a group's members, in the order in which they were added.
        keys: Index entries that lead to it.
    """

    id: str
    text: bytes
    created: str
    modified: str
    members: dict[str, None] = field(default_factory=dict)
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def attributes(self) -> Document:
        """The attributes, a fresh copy."""
        document: Document = json.loads(self.text)
        return document


class Collection:
    """All resources of one type.

    Attributes:
        kind: Their type.
        rows: By ``id``, in the order of creation.
    """

    def __init__(self, kind: ResourceType, lock: threading.RLock) -> None:
        """Begin empty; ``lock`` is held while something is read or changed."""
        self.kind = kind
        self.rows: dict[str, Stored] = {}
        self.lock = lock
        self._index: dict[tuple[str, str], dict[str, None]] = {}
        self._order: list[Stored] | None = None

    def get(self, identity: str) -> Stored:
        """Return a resource.

        Raises:
            ScimError: 404.
        """
        found = self.rows.get(identity)
        if found is None:
            message = f"{self.kind.name} {identity} not found"
            raise ScimError(404, message)
        return found

    def put(self, attributes: Document, identity: str = "") -> Stored:
        """Create a resource, or replace the attributes of one; ``members`` are kept apart.

        Raises:
            ScimError: 409: the ``userName`` is taken.
        """
        keys = tuple(_keys(self.kind, attributes))
        self._check_unique(keys, identity)
        now = clock.stamp(clock.now())
        text = dump(attributes)
        stored = self.rows.get(identity)
        if stored is None:
            stored = Stored(identity or uuid.uuid4().hex, text, now, now)
            self.rows[stored.id] = stored
            self._order = None
        elif stored.text != text:
            stored.text, stored.modified = text, now
        self._reindex(stored, keys)
        return stored

    def _check_unique(self, keys: Iterable[tuple[str, str]], identity: str) -> None:
        for key in keys:
            if key[0] == "username" and not self._index.get(key, {}).keys() <= {identity}:
                message = f"userName {key[1]} is taken"
                raise ScimError(409, message, "uniqueness")

    def _reindex(self, stored: Stored, keys: tuple[tuple[str, str], ...]) -> None:
        if stored.keys == keys:
            return
        for key in stored.keys:
            entries = self._index[key]
            entries.pop(stored.id, None)
            if not entries:
                del self._index[key]
        for key in keys:
            self._index.setdefault(key, {})[stored.id] = None
        stored.keys = keys

    def remove(self, identity: str) -> Stored:
        """Delete a resource and return it.

        Raises:
            ScimError: 404.
        """
        stored = self.get(identity)
        self._reindex(stored, ())
        del self.rows[identity]
        self._order = None
        return stored

    def ordered(self) -> list[Stored]:
        """Return all resources in the order of creation; the list must not be changed."""
        if self._order is None:
            self._order = list(self.rows.values())
        return self._order

    def find(self, text: str, containing: Callable[[str], Iterable[str]]) -> list[Stored]:
        """Return the resources that meet a filter.

        Args:
            text: ``eq`` clauses joined by ``and`` on ``id``, ``userName``, ``externalId``,
                ``displayName``, ``emails.value``, ``active`` or ``members.value``.
            containing: Returns the ids of the groups of a user.

        Raises:
            ScimError: 400: another filter.
        """
        clauses = parse_filter(text)
        ids: dict[str, None] | None = None
        for name, value in clauses:
            if name == "active":
                continue
            found = self._lookup(name, value, containing)
            ids = found if ids is None else {i: None for i in ids if i in found}
        rows = self.ordered() if ids is None else [self.rows[i] for i in ids if i in self.rows]
        wanted = [value == "true" for name, value in clauses if name == "active"]
        return [r for r in rows if r.attributes.get("active", True) in wanted] if wanted else rows

    def _lookup(
        self, name: str, value: str, containing: Callable[[str], Iterable[str]]
    ) -> dict[str, None]:
        if name == "id":
            return {value: None} if value in self.rows else {}
        if name in {"members", "members.value"}:
            return dict.fromkeys(containing(value))
        if name not in _INDEXED:
            message = f"cannot filter by {name}"
            raise bad(message, "invalidFilter")
        exact = name == "externalid"
        return self._index.get((name, value if exact else value.casefold()), {})


_INDEXED = frozenset({"username", "externalid", "displayname", "emails.value"})


def parse_filter(text: str) -> list[tuple[str, str]]:
    """Return the clauses of a filter as lower-case attribute and value.

    Raises:
        ScimError: 400: it is no conjunction of ``eq`` clauses.
    """
    clauses: list[tuple[str, str]] = []
    position = 0
    while True:
        found = _CLAUSE.match(text, position)
        if found is None:
            break
        value = found[2] if found[2][0] != '"' else json.loads(found[2])
        name = found[1].lower()
        clauses.append(("emails.value" if name == "emails" else name, value))
        position = found.end()
        if position == len(text):
            return clauses
        if text[position : position + 4].lower() != "and ":
            break
        position += 4
    message = f"cannot evaluate the filter {text}"
    raise bad(message, "invalidFilter")


def _keys(kind: ResourceType, attributes: Document) -> Iterable[tuple[str, str]]:
    for name in ("userName", "displayName"):
        if name in attributes:
            yield name.lower(), attributes[name].casefold()
    if "externalId" in attributes:
        yield "externalid", attributes["externalId"]
    if kind is USERS:
        for email in attributes.get("emails", ()):
            if "value" in email:
                yield "emails.value", email["value"].casefold()
