"""JumpCloud JSON → users, groups and graph rows. Pure.

Source:
    JumpCloud API 1.0 ``systemuserreturn``; API 2.0 ``UserGroup``, ``GraphConnection``,
    ``GraphObjectWithPaths``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from jcsync.model.directory import (
    ADDRESS_FIELDS,
    TEXT_FIELDS,
    Address,
    DirectoryGroup,
    DirectoryUser,
    UserState,
)

Json = Mapping[str, Any]

USER_FIELDS = (
    "_id",
    *(name for name in TEXT_FIELDS),
    "state",
    "suspended",
    "activated",
    "account_locked",
    "password_expired",
    "phoneNumbers",
    "addresses",
    "attributes",
)
"""What ``fields`` asks for: all that a mapping or a decision can need, nothing secret."""


def parse_user(row: Json) -> DirectoryUser | None:
    """Return a user, or ``None`` when the JSON has no id."""
    user_id = row_id(row)
    if not user_id:
        return None
    return DirectoryUser(
        id=user_id,
        state=parse_state(row),
        account_locked=row.get("account_locked") is True,
        password_expired=row.get("password_expired") is True,
        activated=row.get("activated") is not False,
        phoneNumbers=tuple(
            (_text(phone, "type"), _text(phone, "number"))
            for phone in _objects(row, "phoneNumbers")
        ),
        addresses=tuple(
            Address(
                type=_text(address, "type"),
                **{part: _text(address, part) for part in ADDRESS_FIELDS},
            )
            for address in _objects(row, "addresses")
        ),
        attributes=tuple(
            (_text(custom, "name"), _text(custom, "value"))
            for custom in _objects(row, "attributes")
        ),
        **{name: _text(row, name) for name in TEXT_FIELDS},
    )


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
    """The id of a row, however this route spells it; ``""`` when it has none."""
    if not isinstance(row, Mapping):
        return ""
    value = row.get("_id") or row.get("id")
    return value if isinstance(value, str) else ""


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
