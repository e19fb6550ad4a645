"""SCIM paths of a mapping: which can be mapped, which exclude each other, how they are spelled.

Source:
    RFC 7643, sections 2.4 (multi-valued attributes), 4.1 (User) and 4.3 (enterprise User).
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from jcsync.model.path import (
    CORE_USER,
    ENTERPRISE_USER,
    InvalidPathError,
    ScimPath,
    parse_path,
)
from jcsync.model.text import did_you_mean

_OWN: Final = frozenset({"externalid", "active"})
_NEVER: Final = frozenset({"id", "schemas", "meta", "password", "groups"})
_SINGLE: Final = (
    *("userName", "displayName", "nickName", "profileUrl", "title", "userType"),
    *("preferredLanguage", "locale", "timezone"),
)
_NAME: Final = (
    *("formatted", "familyName", "givenName", "middleName"),
    *("honorificPrefix", "honorificSuffix"),
)
_ELEMENT: Final = ("value", "display", "type", "primary")
_PLACE: Final = (
    *("formatted", "streetAddress", "locality", "region", "postalCode", "country"),
    *("type", "primary"),
)
_SEVERAL: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("emails", "phoneNumbers", "ims", "photos", "entitlements", "roles", "x509Certificates"),
        _ELEMENT,
    ),
    "addresses": _PLACE,
}
"""Multi-valued attributes of the core schema with the parts of each value."""

_PARTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "": {**dict.fromkeys(_SINGLE, ()), "name": _NAME, **_SEVERAL},
    ENTERPRISE_USER: {
        **dict.fromkeys(
            ("employeeNumber", "costCenter", "organization", "division", "department"), ()
        ),
        "manager": ("value", "$ref", "displayName"),
    },
}
"""Every attribute of RFC 7643 that can be mapped, by schema, with its parts."""

_STANDARD: Final = {
    "urn:ietf:params:scim:schemas:extension:enterprise": ENTERPRISE_USER,
    "urn:ietf:params:scim:schemas:core:": CORE_USER,
}
"""How the URNs begin that nobody but RFC 7643 gives away."""

_COMMON: Final[Mapping[str, str]] = {
    **dict.fromkeys(("firstname", "givenname", "forename"), "name.givenName"),
    **dict.fromkeys(("lastname", "familyname", "surname"), "name.familyName"),
    **dict.fromkeys(("middlename",), "name.middleName"),
    **dict.fromkeys(("email", "mail", "emailaddress"), 'emails[type eq "work"].value'),
    **dict.fromkeys(
        ("phone", "phonenumber", "telephone", "workphone"), 'phoneNumbers[type eq "work"].value'
    ),
    **dict.fromkeys(("mobile", "mobilephone", "cell"), 'phoneNumbers[type eq "mobile"].value'),
    **dict.fromkeys(("jobtitle", "position"), "title"),
    "language": "preferredLanguage",
    "country": 'addresses[type eq "work"].country',
    "city": 'addresses[type eq "work"].locality',
    **dict.fromkeys(
        ("employeeid", "employeenumber", "employeeidentifier"), f"{ENTERPRISE_USER}:employeeNumber"
    ),
    **dict.fromkeys(("organization", "company"), f"{ENTERPRISE_USER}:organization"),
    "costcenter": f"{ENTERPRISE_USER}:costCenter",
    "department": f"{ENTERPRISE_USER}:department",
    "division": f"{ENTERPRISE_USER}:division",
    "manager": f"{ENTERPRISE_USER}:manager.value",
}
"""What people write, in small letters without signs, and the path that means it."""

_EXAMPLES: Final = {
    "name": "name.givenName",
    "addresses": 'addresses[type eq "work"].country',
    "manager": f"{ENTERPRISE_USER}:manager.value",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One line of a mapping that has a source.

    Attributes:
        own: Whether the connection has it, not the profile.
    """

    key: str
    path: ScimPath
    source: object
    own: bool

    @property
    def label(self) -> str:
        return self.key if self.own else f"{self.key} of the profile"


def check_paths(
    attributes: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield key and message of each attribute that cannot be mapped.

    Args:
        attributes: Sources by path, as written; ``None`` removes a default.
        defaults: The sound mapping of the profile, over which ``attributes`` go.
    """
    entries: list[_Entry] = []
    seen: dict[str, str] = {}
    removed: list[ScimPath] = []
    for key, source in attributes.items():
        try:
            path = parse_path(key)
        except InvalidPathError as error:
            yield key, f"{error}{_meant(key.rpartition(':')[2])}"
            continue
        message = _refusal(path, key, removed=source is None)
        same = seen.setdefault(fold(path), key)
        if same != key:
            message = message or f"the same attribute as {same}; remove one"
        if message:
            yield key, message
        elif source is None:
            removed.append(path)
        else:
            entries.append(_Entry(key=key, path=path, source=source, own=True))
    kept = _kept(defaults or {}, seen, removed)
    for entry in entries:
        message = _source_refusal(entry) or _conflict(entry, [*kept, *entries])
        if message:
            yield entry.key, message


def fold(path: ScimPath) -> str:
    """Return what two spellings of one path have in common."""
    return str(path).casefold()


def is_below(path: ScimPath, above: ScimPath) -> bool:
    """Tell whether one path names a part or a value of the attribute that another names whole."""
    whole = not above.key and not above.sub
    return whole and _base(path) == _base(above) and path != above


class Speller:
    """Spells paths as RFC 7643 does, and what it does not name as it was first spelled."""

    def __init__(self) -> None:
        """Start without any spelling."""
        self._first: dict[str, str] = {}

    def spell(self, path: ScimPath) -> ScimPath:
        """Return the same path in the spelling that all paths of a mapping share."""
        schema, attribute, sub = _canonical(path)
        schema = self._first.setdefault(f"schema {schema.casefold()}", schema)
        element = f"element {path.element.casefold()}"
        value = self._first.setdefault(element, path.value)
        return replace(path, schema=schema, attribute=attribute, sub=sub, value=value)


def _canonical(path: ScimPath) -> tuple[str, str, str]:
    schema = _nearest(path.schema, _PARTS)
    attributes = _PARTS.get(schema, {})
    attribute = _nearest(path.attribute, attributes)
    return schema, attribute, _nearest(path.sub, attributes.get(attribute, ()))


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return a name as RFC 7643 spells it, as it is where that does not know it."""
    return next((own for own in known if own.casefold() == name.casefold()), name)


def _base(path: ScimPath) -> str:
    return f"{path.schema}:{path.attribute}".casefold()


def _kept(
    defaults: Mapping[str, Any], replaced: Mapping[str, str], removed: list[ScimPath]
) -> list[_Entry]:
    """Return the lines of the profile that a connection leaves in force."""
    entries = [
        _Entry(key=key, path=parse_path(key), source=source, own=False)
        for key, source in defaults.items()
    ]
    return [
        entry
        for entry in entries
        if fold(entry.path) not in replaced
        and not any(is_below(entry.path, above) for above in removed)
    ]


def _refusal(path: ScimPath, key: str, *, removed: bool) -> str:
    """Return why an attribute cannot be mapped, or ``""``."""
    name = "" if path.schema else path.attribute.casefold()
    if name in _OWN:
        return f"{path.attribute} is jcsync's own and cannot be mapped; remove it"
    if name in _NEVER:
        return f"{path.attribute} cannot be mapped; remove it"
    if name == "username" and removed:
        return "userName must stay mapped; name another field for it, or remove the line"
    if path.schema and path.attribute.casefold() == "user" and not path.sub:
        return f"names a schema, but no attribute of it; for example {key}:department"
    return _unknown(path, key) or ("" if removed else _misshapen(path))


def _unknown(path: ScimPath, key: str) -> str:
    """Return how RFC 7643 contradicts the names of a path, or ``""``.

    An attribute that a platform adds to the core schema can be written with the whole URN.
    """
    schema, attribute, sub = _canonical(path)
    attributes = _PARTS.get(schema)
    if attributes is None:
        return _unknown_schema(schema, sub if attribute.casefold() == "user" else attribute)
    if attribute not in attributes:
        hint = did_you_mean(attribute, attributes)
        if schema:
            return f"unknown SCIM attribute {attribute}{hint}" if hint else ""
        if key.strip().casefold().startswith(CORE_USER.casefold()):
            return ""
        elsewhere = f"; if the platform has it, write its schema in front: {CORE_USER}:{attribute}"
        return f"unknown SCIM attribute {attribute}{_meant(attribute) or hint + elsewhere}"
    parts = attributes[attribute]
    if parts and sub and sub not in parts:
        common = _COMMON.get(_plain(sub), "").removeprefix(f"{attribute}.")
        hint = did_you_mean(common if common in parts else sub, parts)
        hint = hint or f"; allowed are {', '.join(parts)}"
        return f"unknown part {sub} of {attribute}{hint}"
    return ""


def _unknown_schema(schema: str, attribute: str) -> str:
    """Return that a schema looks like one of RFC 7643 and is none, or ``""``."""
    for start, urn in _STANDARD.items():
        if schema.casefold().startswith(start):
            hint = _meant(attribute) or f"; did you mean {urn}:{attribute}?"
            return f"unknown schema {schema}{hint}"
    return ""


def _meant(name: str) -> str:
    """Return the SCIM path that people mean by a name of everyday, as the end of a message."""
    path = _COMMON.get(_plain(name))
    return f"; did you mean {path}?" if path else ""


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def _misshapen(path: ScimPath) -> str:
    """Return why a path does not fit the kind of its attribute, or ``""``."""
    schema, attribute, sub = _canonical(path)
    parts = _PARTS.get(schema, {}).get(attribute)
    if parts is None:
        return ""
    several = not schema and attribute in _SEVERAL
    example = _EXAMPLES.get(attribute, f'{attribute}[type eq "work"].value')
    if parts and (not sub or (several and not path.key)):
        has = "values of several types" if several and sub else "parts"
        return f"{attribute} has {has}; name one, for example {example}"
    if not several and (path.key or (sub and not parts)):
        return f"{attribute} is a single value; write {path.attribute} alone"
    if path.key.casefold() == "primary":
        return (
            f'choose by type; primary is a part of the value: {attribute}[type eq "work"].primary'
        )
    if path.key and path.key.casefold() == sub.casefold():
        return f"{sub} is set by the choice in brackets; remove the line"
    return ""


def _source_refusal(entry: _Entry) -> str:
    """Return why an attribute cannot have its source, or ``""``."""
    source = entry.source if isinstance(entry.source, Mapping) else {}
    named = not entry.path.schema and entry.path.attribute.casefold() == "username"
    if named and (source.get("value") is not None or source.get("reference") is not None):
        return "userName must differ from person to person; name a field"
    if is_primary(entry.path) and not isinstance(source.get("value"), bool):
        return "primary is true or false for everybody: {value: true}"
    return ""


def _conflict(entry: _Entry, entries: Sequence[_Entry]) -> str:
    """Return with which line before it an own one cannot be combined, or ``""``."""
    same = [other for other in entries if _base(other.path) == _base(entry.path)]
    for other in itertools.takewhile(lambda other: other is not entry, same):
        if message := _exclusion(entry, other):
            return message
    if is_primary(entry.path):
        beside = [other.path for other in same if is_beside(other.path, entry.path)]
        if not beside:
            return f"nothing is mapped to {entry.path.element}.value; map it, or remove the line"
    return ""


def _exclusion(entry: _Entry, other: _Entry) -> str:
    """Return why two lines with the same attribute exclude each other, or ``""``."""
    path, before = entry.path, other.path
    if bool(path.key) != bool(before.key) or bool(path.sub) != bool(before.sub):
        return f"excludes {other.label}: one is a part of the other; remove one, or set it to null"
    if path.key.casefold() != before.key.casefold():
        return f"chooses by {path.key} what {other.label} chooses by {before.key}; use one of them"
    if is_primary(path) and is_primary(before) and _is_true(entry) and _is_true(other):
        return f"only one value is primary, see {other.label}"
    return ""


def is_primary(path: ScimPath) -> bool:
    """Tell whether a path says which of several values is the primary one."""
    return bool(path.key) and path.sub.casefold() == "primary"


def is_beside(path: ScimPath, primary: ScimPath) -> bool:
    """Tell whether a path gives content to the value that another one calls primary."""
    same = path.element.casefold() == primary.element.casefold()
    return same and path.sub.casefold() not in {"primary", "type", "display"}


def _is_true(entry: _Entry) -> bool:
    return isinstance(entry.source, Mapping) and entry.source.get("value") is True
