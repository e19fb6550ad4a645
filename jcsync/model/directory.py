"""What JumpCloud says, in its own words and spelling.

Source:
    JumpCloud API 1.0 ``systemuserreturn``, API 2.0 ``UserGroup``.
"""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from jcsync.model.compact import nothing

_OBJECT_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)


def is_object_id(text: str) -> bool:
    """Whether a text has the form of a JumpCloud id: 24 hex digits."""
    return _OBJECT_ID.fullmatch(text) is not None


class UserState(StrEnum):
    """Life-cycle state of a JumpCloud user; an old record without one is active."""

    ACTIVATED = "ACTIVATED"
    STAGED = "STAGED"
    SUSPENDED = "SUSPENDED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One of a user's addresses; an empty part is ``""``."""

    type: str
    poBox: str = ""
    extendedAddress: str = ""
    streetAddress: str = ""
    locality: str = ""
    region: str = ""
    postalCode: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryUser:
    """A person as JumpCloud has him; an absent or empty text field is ``""``.

    Attributes:
        id: 24 hex digits, never changes: the ``externalId`` of his account.
        manager: ``id`` of another user.
        phoneNumbers: Numbers by type, the first one of each.
        addresses: In JumpCloud's order; types may repeat, the first one counts.
        attributes: Values by name, the custom attributes.
    """

    id: str
    username: str = ""
    email: str = ""
    state: UserState = UserState.ACTIVATED
    account_locked: bool = False
    password_expired: bool = False
    activated: bool = True
    alternateEmail: str = ""
    firstname: str = ""
    middlename: str = ""
    lastname: str = ""
    displayname: str = ""
    jobTitle: str = ""
    department: str = ""
    costCenter: str = ""
    company: str = ""
    location: str = ""
    description: str = ""
    employeeIdentifier: str = ""
    employeeType: str = ""
    manager: str = ""
    created: str = ""
    phoneNumbers: Mapping[str, str] = field(default_factory=nothing)
    addresses: tuple[Address, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=nothing)

    @property
    def label(self) -> str:
        """The most telling name this record has."""
        return self.email or self.username or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryGroup:
    """A user group.

    Attributes:
        error_flags: ``memberQueryErrorFlags``: with any of them the membership is unreliable.
        dynamic: JumpCloud computes the members from a rule.
    """

    id: str
    name: str
    error_flags: tuple[str, ...] = ()
    dynamic: bool = False


TEXT_FIELDS = [
    "username",
    "email",
    "alternateEmail",
    "firstname",
    "middlename",
    "lastname",
    "displayname",
    "jobTitle",
    "department",
    "costCenter",
    "company",
    "location",
    "description",
    "employeeIdentifier",
    "employeeType",
    "manager",
    "created",
]
"""Fields of a user that hold text and can be mapped by name, beside ``id``."""

ADDRESS_FIELDS = [
    "poBox",
    "extendedAddress",
    "streetAddress",
    "locality",
    "region",
    "postalCode",
    "country",
]

_FIELD = re.compile(
    rf"""(?P<text>id|_id|{"|".join(TEXT_FIELDS)})
      | attributes\.(?P<attribute>.+)
      | phoneNumbers\[(?P<phone>[^\]]+)\](?:\.number)?
      | addresses\[(?P<address>[^\]]+)\]\.(?P<part>{"|".join(ADDRESS_FIELDS)})""",
    re.VERBOSE,
)


def is_field(name: str) -> bool:
    """Tell whether ``name`` is a field that :func:`field_value` can read."""
    return _FIELD.fullmatch(name) is not None


def root_field(name: str) -> str:
    """Return the field of JumpCloud's record that :func:`field_value` looks into."""
    return re.split(r"[.\[]", name, maxsplit=1)[0]


def field_value(user: DirectoryUser, name: str) -> str:
    """Return the text of one field, ``""`` when it is absent or empty.

    Args:
        user: Any user.
        name: ``email``, ``attributes.NAME``, ``phoneNumbers[TYPE]`` or ``addresses[TYPE].FIELD``;
            types and names of custom attributes ignore case.

    Raises:
        KeyError: There is no such field; settings are checked with :func:`is_field`.
    """
    found = _parsed(name)
    if found is None:
        raise KeyError(name)
    if found["text"]:
        return str(getattr(user, "id" if name == "_id" else name))
    if found["attribute"]:
        return _first(user.attributes, found["attribute"])
    if found["phone"]:
        return _first(user.phoneNumbers, found["phone"])
    wanted = found["address"].casefold()
    for address in user.addresses:
        if address.type.casefold() == wanted:
            return str(getattr(address, found["part"]))
    return ""


@cache
def _parsed(name: str) -> re.Match[str] | None:
    return _FIELD.fullmatch(name)


def _first(values: Mapping[str, str], key: str) -> str:
    wanted = key.casefold()
    for name, value in values.items():
        if name.casefold() == wanted:
            return value
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The members of one group, as far as they could be read.

    Attributes:
        user_ids: ``id`` of each member.
        gap: Why the list may be incomplete, or ``""``.
    """

    user_ids: AbstractSet[str]
    gap: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryState:
    """What was read of the directory in one run.

    Attributes:
        groups: The groups of the scope, ordered by name, each ``id`` once.
        members: A membership for each group, by group ``id``.
        direct: ``id`` of users bound to the scope's application without a group.
        users: The users that were read, by ``id``; at least every member that has a record.
        dangling: ``id`` of members who have none.
        gaps: Why the read as a whole is incomplete; empty when it is complete.
        asked: Whom it is about, by ``id``, ``None`` for everybody: that somebody else is in no
            group, or has no record, means nothing. Those whom they refer to may be there too.
        group: ``id`` of the only group that it is about, ``""`` for all of them.
        listed: Whether those ``asked`` were found in lists, and not asked for one by one.
    """

    groups: tuple[DirectoryGroup, ...]
    members: Mapping[str, Membership]
    direct: Membership
    users: Mapping[str, DirectoryUser]
    dangling: frozenset[str] = frozenset()
    gaps: tuple[str, ...] = ()
    asked: frozenset[str] | None = None
    group: str = ""
    listed: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was read, provably."""
        return not self.gaps

    def member_ids(self) -> frozenset[str]:
        """``id`` of everybody in one of the groups or bound directly."""
        return frozenset(self.direct.user_ids).union(*(m.user_ids for m in self.members.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A JumpCloud organisation; both texts are ``""`` when the key may not ask."""

    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One person, asked for again before his access is taken.

    Attributes:
        user: ``None`` when JumpCloud says that he does not exist.
        group_ids: ``id`` of every group that he is in.
        bound: Whether he is, or may be, bound to the scope's application.
        gap: Why that is not certain, or ``""``.
    """

    user: DirectoryUser | None
    group_ids: frozenset[str] = frozenset()
    bound: bool = False
    gap: str = ""

    def is_inside(self, groups: Iterable[DirectoryGroup]) -> bool:
        """Whether he exists and is in the scope, of these groups, by his own record."""
        member = self.bound or any(group.id in self.group_ids for group in groups)
        return self.user is not None and member
