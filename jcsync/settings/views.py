"""What a template sees of a user or group: names that stand for values, and nothing of Python.

A view is made for each evaluation and costs next to nothing: what a template does not ask for is
not put together.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from jcsync.model.directory import (
    ADDRESS_FIELDS,
    TEXT_FIELDS,
    Address,
    DirectoryGroup,
    DirectoryUser,
)

_STATE_FIELDS: Final = ("state", "activated", "account_locked", "password_expired")
USER_FIELDS: Final = ("id", "_id", *TEXT_FIELDS, *_STATE_FIELDS)
USER_PARTS: Final = ("attributes", "phoneNumbers", "addresses")
GROUP_FIELDS: Final = ("id", "name")
PLACE_FIELDS: Final = ("type", *ADDRESS_FIELDS)
"""Of one address."""


class View:
    """What a template sees of a user, an address or a group: names, and nothing of Python."""

    __slots__ = ()

    def __getitem__(self, name: str) -> object:
        """Return what a name stands for.

        Raises:
            KeyError: It stands for nothing.
        """
        raise KeyError(name)

    def __str__(self) -> str:
        """Write nothing: a template that prints a whole user has forgotten the field."""
        return ""


class _Fields(View):
    """Fixed names, any other is an error."""

    __slots__ = ("_names", "_record")

    def __init__(self, record: object, names: Mapping[str, str]) -> None:
        self._record = record
        self._names = names

    def __getitem__(self, name: str) -> object:
        return getattr(self._record, self._names[name])


class UserView(_Fields):
    """``user``: fields by JumpCloud's names; parts are put together when they are asked for."""

    __slots__ = ()
    _record: DirectoryUser

    def __init__(self, user: DirectoryUser) -> None:
        """Show a user."""
        super().__init__(user, _USER)

    def __getitem__(self, name: str) -> object:
        """Return a field, or custom attributes, phone numbers and addresses by name or type."""
        user = self._record
        match name:
            case "attributes" | "phoneNumbers":
                return _Parts(getattr(user, name).items())
            case "addresses":
                return _Parts([(a.type, _Fields(a, _ADDRESS)) for a in user.addresses], _NOWHERE)
        return super().__getitem__(name)


class GroupView(_Fields):
    """``group``: ``id`` and ``name``."""

    __slots__ = ()

    def __init__(self, group: DirectoryGroup) -> None:
        """Show a group."""
        super().__init__(group, _GROUP)


class _Parts(View):
    """Values by name, case ignored, the first of each name; one that is not there is empty."""

    __slots__ = ("_absent", "_parts")

    def __init__(self, parts: Iterable[tuple[str, object]], absent: object = "") -> None:
        self._parts: dict[str, object] = {}
        self._absent = absent
        for name, value in parts:
            self._parts.setdefault(name.casefold(), value)

    def __getitem__(self, name: str) -> object:
        return self._parts.get(str(name).casefold(), self._absent)

    def __contains__(self, name: object) -> bool:
        return str(name).casefold() in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)


_USER: Final = {name: "id" if name == "_id" else name for name in USER_FIELDS}
_ADDRESS: Final = {name: name for name in PLACE_FIELDS}
_GROUP: Final = {name: name for name in GROUP_FIELDS}
_NOWHERE: Final = _Fields(Address(type=""), _ADDRESS)
