"""SCIM JSON → accounts and groups, and back. Pure.

Tolerant in what it reads: attribute names in any case, ``active`` as text, ids as numbers,
single values where lists are due; what cannot be read of a resource is absent, never an error.

Source:
    RFC 7643, sections 2 to 4 and 8; RFC 7644, sections 3.3 and 3.4.2.
"""

from collections.abc import Iterable, Mapping
from sys import intern
from typing import Any
from urllib.parse import unquote, urlsplit

from jcsync.model.compact import Ids, Record
from jcsync.model.path import CORE_GROUP, CORE_USER, ENTERPRISE_USER, ScimPath
from jcsync.model.resource import GroupResource, UserResource, Value
from jcsync.model.text import Repeated

_OLDER_URNS = {ENTERPRISE_USER: "urn:scim:schemas:extension:enterprise:1.0"}
LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

Json = Mapping[str, Any]


def attribute(resource: object, name: str) -> object:
    """One attribute of a JSON object, its name in any case; ``None`` when absent."""
    if not isinstance(resource, dict):
        return None
    if name in resource:
        return resource[name]
    wanted, size = name.casefold(), len(name)
    for key, value in resource.items():
        if len(key) == size and key.casefold() == wanted:
            return value
    return None


class UserParser:
    """JSON → accounts, with the attributes that are managed."""

    def __init__(self, paths: Iterable[ScimPath]) -> None:
        """Keep these attributes."""
        self._paths = tuple(paths)
        self._names = tuple(map(str, self._paths))
        self._repeated = Repeated()

    def __call__(self, resource: Json) -> UserResource | None:
        """Return an account, or ``None`` when the JSON has no ``id``."""
        resource_id = id_of(attribute(resource, "id"))
        if not resource_id:
            return None
        name, active = id_of(attribute(resource, "userName")), attribute(resource, "active")
        emails = (text_of(attribute(e, "value")) for e in _elements(attribute(resource, "emails")))
        return UserResource(
            resource_id=resource_id,
            external_id=id_of(attribute(resource, "externalId")),
            user_name=name,
            active=parse_active(active),
            shows_active=active is not None,
            attributes=Record(
                self._names, [self._value(resource, path, name) for path in self._paths]
            ),
            emails=tuple(name if text == name else self._repeated(text) for text in emails if text),
        )

    def _value(self, resource: Json, path: ScimPath, user_name: str) -> Value:
        value = read_path(resource, path)
        if value == user_name:
            return user_name
        return self._repeated(value) if isinstance(value, str) else value


def parse_group(resource: Json) -> GroupResource | None:
    """Return a group, its members de-duplicated, or ``None`` when the JSON has no ``id``."""
    resource_id = id_of(attribute(resource, "id"))
    if not resource_id:
        return None
    return GroupResource(
        resource_id=resource_id,
        external_id=id_of(attribute(resource, "externalId")),
        display_name=text_of(attribute(resource, "displayName")),
        members=Ids(filter(None, map(_member_id, _elements(attribute(resource, "members"))))),
    )


def parse_groups(resources: Iterable[Json]) -> list[GroupResource]:
    """Return the groups among these; those without an ``id`` are left out."""
    return [group for resource in resources if (group := parse_group(resource))]


def _member_id(member: object) -> str:
    """The ``id`` of a member: its value, the member itself, or the end of its reference."""
    if not isinstance(member, dict):
        return id_of(member)
    named = id_of(attribute(member, "value"))
    return named or unquote(urlsplit(text_of(attribute(member, "$ref"))).path.rpartition("/")[2])


def parse_active(value: object) -> bool:
    """``active`` as a boolean, a text or a number; an account without it counts as active."""
    if isinstance(value, str):
        return value.strip().casefold() not in {"false", "0", "no"}
    return value is None or bool(value)


def read_path(resource: Json, path: ScimPath) -> Value:
    """The value at a path; ``None`` when nothing is there.

    Of a path with a filter, ``None`` means that no element matches and ``""`` that the matching
    element lacks the part: a PATCH has to know the difference.
    """
    value = attribute(scope_of(resource, path.schema), path.attribute)
    if path.key:
        wanted = path.value.casefold()
        for element in _elements(value):
            if text_of(attribute(element, path.key)).casefold() == wanted:
                part = _single(attribute(element, path.sub))
                return "" if part is None else part
        return None
    if path.sub and (isinstance(value, dict) or path.sub != "value"):
        value = attribute(value, path.sub)
    return _single(value)


def elements_of(resource: Json, path: ScimPath) -> Iterable[object]:
    """The elements of the multi-valued attribute of a path."""
    return _elements(attribute(scope_of(resource, path.schema), path.attribute))


def scope_of(resource: Json, schema: str) -> Json:
    """Where the attributes of an extension are, in whatever way a platform shows them.

    Beside its URN, these are in use: the URN of SCIM 1.1 for the enterprise extension, full names
    such as ``urn:…:User:department``, and the same names as those of the core schema.
    """
    if not schema:
        return resource
    for urn in (schema, _OLDER_URNS.get(schema, "")):
        found = attribute(resource, urn) if urn else None
        if isinstance(found, dict):
            return found
    start = f"{schema}:".casefold()
    named = {n[len(start) :]: v for n, v in resource.items() if n.casefold().startswith(start)}
    return named or resource


def _single(value: object) -> Value:
    if isinstance(value, dict):
        value = attribute(value, "value")
    return value if isinstance(value, str | bool | int | float) else None


def _elements(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else () if value is None else (value,)


def text_of(value: object) -> str:
    """A text, or a number as text; everything else is ``""``."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def id_of(value: object) -> str:
    """A name or id as text, kept once: it comes with its account, with groups, and from the store."""
    return intern(text_of(value))


def describe_config(body: object) -> str:
    """Return what a ServiceProviderConfig supports, in words.

    Source:
        RFC 7643, section 5.
    """
    names = ("patch", "bulk", "filter", "etag", "pagination")
    known = {name: attribute(body, name) for name in names}
    supported = [name for name, part in known.items() if attribute(part, "supported") is True]
    return ", ".join(supported) if supported else "nothing said to be supported"


def dump_user(external_id: str, attributes: Iterable[tuple[ScimPath, Value]]) -> dict[str, Any]:
    """Return the body that creates an active account.

    No ``id``, no nulls, no empty arrays; the schemas of the extensions that are used; the first
    address is the primary one, unless the mapping says so of another.

    Args:
        external_id: JumpCloud ``id``.
        attributes: Values by path; the empty ones are left out.
    """
    body: dict[str, Any] = {"schemas": [CORE_USER], "externalId": external_id, "active": True}
    for path, value in attributes:
        if value is None or value == "":
            continue
        scope = body
        if path.schema:
            if path.schema not in body:
                body["schemas"].append(path.schema)
                body[path.schema] = {}
            scope = body[path.schema]
        if path.key:
            scope = _element_for(scope.setdefault(path.attribute, []), path)
            scope[path.sub] = value
        elif path.sub:
            scope.setdefault(path.attribute, {})[path.sub] = value
        else:
            scope[path.attribute] = value
    emails = body.get("emails")
    if isinstance(emails, list) and not any(_is_primary(email) for email in emails):
        emails[0].setdefault("primary", True)
    return body


def _is_primary(element: Json) -> bool:
    return str(element.get("primary", "")).casefold() == "true"


def _element_for(elements: list[dict[str, Any]], path: ScimPath) -> dict[str, Any]:
    for element in elements:
        if element.get(path.key) == path.value:
            return element
    element = {path.key: path.value}
    elements.append(element)
    return element


def dump_group(external_id: str, display_name: str, members: Iterable[str]) -> dict[str, Any]:
    """Return the body that creates a group; without members it names none."""
    body = {"schemas": [CORE_GROUP], "externalId": external_id, "displayName": display_name}
    elements = [{"value": member} for member in members]
    return {**body, "members": elements} if elements else body
