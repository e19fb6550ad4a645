"""JumpCloud JSON → users, groups and graph rows. Pure.

Source:
    JumpCloud API 1.0 ``systemuserreturn``; API 2.0 ``UserGroup``, ``GraphConnection``,
    ``GraphObjectWithPaths``.
"""

from collections.abc import Collection, Iterable, Mapping
from sys import intern
from typing import Any

from jcsync.model.compact import NOTHING, Record
from jcsync.model.directory import (
    ADDRESS_FIELDS,
    TEXT_FIELDS,
    Address,
    DirectoryGroup,
    DirectoryUser,
    UserState,
)
from jcsync.model.text import Repeated

Json = Mapping[str, Any]

_ALWAYS = (
    "username",
    "email",
    "state",
    "suspended",
    "activated",
    "account_locked",
    "password_expired",
)
_PARTS = ("phoneNumbers", "addresses", "attributes")


class UserParser:
    """Rows → users, with the fields that decide something.

    Attributes:
        fields: What ``fields`` asks for: all that the mapping and the scope need, nothing secret.
    """

    def __init__(self, needed: Collection[str] | None = None) -> None:
        """Parse these fields beside those that tell who and in which state he is; ``None``: all."""
        wanted = {*_ALWAYS, *((*TEXT_FIELDS, *_PARTS) if needed is None else needed)}
        self._texts = [name for name in TEXT_FIELDS if name in wanted]
        self._parts = [name for name in _PARTS if name in wanted]
        states = [name for name in _ALWAYS if name not in TEXT_FIELDS]
        self.fields = ("_id", *self._texts, *states, *self._parts)
        self._repeated = Repeated()

    def __call__(self, row: Json) -> DirectoryUser | None:
        """Return a user, or ``None`` when the JSON has no id."""
        user_id = row_id(row)
        if not user_id:
            return None
        values: dict[str, Any] = {
            name: intern(text) if name == "email" else self._repeated(text)
            for name in self._texts
            if (text := _text(row, name))
        }
        values |= {name: self._part(row, name) for name in self._parts}
        return DirectoryUser(
            id=user_id,
            state=parse_state(row),
            account_locked=row.get("account_locked") is True,
            password_expired=row.get("password_expired") is True,
            activated=row.get("activated") is not False,
            **values,
        )

    def _part(self, row: Json, name: str) -> Any:  # noqa: ANN401 - each has a type of its own
        repeated = self._repeated
        if name == "addresses":
            return tuple(
                Address(
                    type=repeated(_text(address, "type")),
                    **{part: repeated(_text(address, part)) for part in ADDRESS_FIELDS},
                )
                for address in _objects(row, name)
            )
        key, value = ("type", "number") if name == "phoneNumbers" else ("name", "value")
        found: dict[str, str] = {}
        for item in _objects(row, name):
            found.setdefault(repeated(_text(item, key)), repeated(_text(item, value)))
        return Record(found, found.values()) if found else NOTHING


def parse_state(row: Json) -> UserState:
    """The life-cycle state; ``suspended`` counts too, and a missing state is active."""
    state = row.get("state")
    if row.get("suspended") is True or state == UserState.SUSPENDED:
        return UserState.SUSPENDED
    if state is None or state == "":
        return UserState.ACTIVATED
    known = isinstance(state, str) and state in UserState.__members__
    return UserState(state) if known else UserState.UNKNOWN


def parse_group(row: Json) -> DirectoryGroup | None:
    """Return a user group, or ``None`` when the JSON has no id."""
    group_id = row_id(row)
    if not group_id:
        return None
    flags = row.get("memberQueryErrorFlags")
    return DirectoryGroup(
        id=group_id,
        name=_text(row, "name"),
        error_flags=tuple(str(flag) for flag in flags) if isinstance(flags, list) else (),
        dynamic=str(row.get("membershipMethod", "")).startswith("DYNAMIC"),
    )


def row_id(row: object) -> str:
    """The id of a row, however this route spells it; ``""`` when it has none.

    A person's id comes with him, with each of his groups, and from the store: it is kept once.
    """
    if not isinstance(row, Mapping):
        return ""
    value = row.get("_id") or row.get("id")
    return intern(value) if isinstance(value, str) else ""


def edge_id(row: object, kind: str) -> str:
    """The id of the ``kind`` of object at the far end of a graph row, ``""`` for a null edge.

    Args:
        row: ``{"type": …, "id": …, "paths": …}`` or ``{"to": {"type": …, "id": …}}``.
        kind: ``user`` or ``user_group``.
    """
    if isinstance(row, Mapping) and "to" in row:
        row = row["to"]
    if not isinstance(row, Mapping) or str(row.get("type", kind)).lower() != kind:
        return ""
    return row_id(row)


def _objects(row: Json, name: str) -> Iterable[Json]:
    value = row.get(name)
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()


def _text(row: Json, name: str) -> str:
    value = row.get(name)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
