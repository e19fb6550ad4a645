"""Attribute changes → the resource as it should be, and parts of it. Pure.

For servers that take no PATCH, or none with a path: what jcsync does not manage stays as the
server holds it.

Source:
    RFC 7644, sections 3.5.1 (PUT replaces; what is left out may be cleared) and 3.5.2.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jcsync.model.path import CORE_GROUP, CORE_USER, ENTERPRISE_USER, ScimPath, parse_path
from jcsync.model.plan import AttributeChange
from jcsync.model.resource import Value
from jcsync.scim.calls import Collection, Json
from jcsync.scim.wire import attribute, parse_active, parse_group, scope_of, text_of

UNSEEN = (
    "the platform does not show who is in its groups, so that a group replaced by PUT would lose its "
    "members (provider.quirks.members_read, patch_style, member_style)"
)
"""Why a group is left as it is."""

PERHAPS_UNSEEN = (
    "no group of the platform shows who is in it, so that this one would lose its members if it has "
    "any and was replaced by PUT; where the platform leaves members out of empty groups only, say so "
    "by provider.quirks.members_read: groups"
)
"""Likewise, as long as nothing proves the contrary."""

_READ_ONLY = frozenset({"meta", "groups"})
_MEANINGLESS = frozenset({"primary", "display"})
_DERIVED = ("$ref", "displayName")
_ENTERPRISE = frozenset(
    {"employeenumber", "costcenter", "organization", "division", "department", "manager"}
)


def replaced(
    collection: Collection, resource: Json, changes: Iterable[AttributeChange]
) -> dict[str, Any]:
    """Return the body of a PUT: what the server holds, with these changes.

    Always with ``active`` of an account and ``members`` of a group, which servers set or clear
    when they are left out; never with nulls or with what only the server may set, except ``id``.
    """
    body = {
        name: kept
        for name, value in resource.items()
        if name.casefold() not in _READ_ONLY and (kept := _without_nulls(value)) is not None
    }
    if collection == "Users":
        body = _with_extension(body)
    for change in changes:
        _set(body, parse_path(change.path), change.after)
    if collection == "Users":
        body[_key(body, "active")] = parse_active(attribute(body, "active"))
    else:
        group = parse_group(resource)
        body[_key(body, "members")] = member_rows(sorted(group.members) if group else ())
    core = CORE_USER if collection == "Users" else CORE_GROUP
    body[_key(body, "schemas")] = [core, *(name for name in body if ":" in name)]
    return body


def _with_extension(body: dict[str, Any]) -> dict[str, Any]:
    """Put the enterprise extension under its URN, where a server shows it elsewhere."""
    shown = scope_of(body, ENTERPRISE_USER)
    moved = {name: v for name, v in shown.items() if name.casefold() in _ENTERPRISE}
    if attribute(body, ENTERPRISE_USER) is not None or not moved:
        return body
    kept = {
        name: value
        for name, value in body.items()
        if value is not shown
        and name.casefold() not in _ENTERPRISE
        and not name.casefold().startswith(f"{ENTERPRISE_USER}:".casefold())
    }
    return {**kept, ENTERPRISE_USER: moved}


def member_rows(ids: Iterable[str]) -> list[dict[str, str]]:
    """Return members as they are sent: each once, nothing but the ``id``."""
    return [{"value": member} for member in dict.fromkeys(ids)]


def whole_operations(
    collection: Collection, resource: Json, changes: Sequence[AttributeChange]
) -> list[dict[str, Any]]:
    """Return operations that replace whole attributes: no filter, no part, no element."""
    body = replaced(collection, resource, changes)
    return [
        {"op": "remove", "path": str(path)}
        if value is None
        else {"op": "replace", "path": str(path), "value": value}
        for path, value in _wholes(body, changes)
    ]


def pathless_operations(
    collection: Collection, resource: Json, changes: Sequence[AttributeChange]
) -> list[dict[str, Any]]:
    """Return one operation without a path, and one for each attribute that is removed."""
    body = replaced(collection, resource, changes)
    value: dict[str, Any] = {}
    removals = []
    for path, whole in _wholes(body, changes):
        if whole is None:
            removals.append({"op": "remove", "path": str(path)})
        elif path.schema:
            value.setdefault(path.schema, {})[path.attribute] = whole
        else:
            value[path.attribute] = whole
    return [*([{"op": "replace", "value": value}] if value else []), *removals]


def _wholes(
    body: Json, changes: Iterable[AttributeChange]
) -> Iterable[tuple[ScimPath, object | None]]:
    """The attributes that the changes are about, each once, with their values."""
    done: set[str] = set()
    for change in changes:
        part = parse_path(change.path)
        path = ScimPath(schema=part.schema, attribute=part.attribute, key="", value="", sub="")
        if str(path).casefold() in done:
            continue
        done.add(str(path).casefold())
        scope = attribute(body, path.schema) if path.schema else body
        yield path, attribute(scope, path.attribute)


def _set(body: dict[str, Any], path: ScimPath, value: Value) -> None:
    scope: Any = body
    if path.schema:
        urn = _key(body, path.schema)
        held = body.get(urn)
        scope = body[urn] = held if isinstance(held, dict) else {}
    name = _key(scope, path.attribute)
    if path.key:
        scope[name] = _with_element(scope.get(name), path, value)
    elif path.sub:
        held = scope.get(name)
        holder = dict(held) if isinstance(held, Mapping) else {}
        for derived in _DERIVED if path.attribute.casefold() == "manager" else ():
            holder.pop(derived, None)
        _put(holder, path.sub, value)
        scope[name] = holder
    else:
        _put(scope, name, value)
    if scope.get(name) in ({}, []):
        del scope[name]
    if path.schema and not scope:
        del body[_key(body, path.schema)]


def _with_element(held: object, path: ScimPath, value: Value) -> list[Any]:
    elements = [dict(e) for e in held if isinstance(e, Mapping)] if isinstance(held, list) else []
    wanted = path.value.casefold()
    chosen = [e for e in elements if text_of(attribute(e, path.key)).casefold() == wanted]
    if not chosen and value not in (None, ""):
        chosen = [{path.key: path.value}]
        elements += chosen
    for element in chosen:
        _put(element, path.sub, value)
    bare = {path.key.casefold(), *_MEANINGLESS}
    return [e for e in elements if any(name.casefold() not in bare for name in e)]


def _put(holder: dict[str, Any], name: str, value: Value) -> None:
    name = _key(holder, name)
    if value is None or value == "":
        holder.pop(name, None)
    else:
        holder[name] = value


def _key(holder: Json, name: str) -> str:
    """The name of an attribute as the server spells it."""
    folded = name.casefold()
    return next((key for key in holder if key.casefold() == folded), name)


def _without_nulls(value: object) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {k: kept for k, v in value.items() if (kept := _without_nulls(v)) is not None}
    if isinstance(value, list):
        return [kept for v in value if (kept := _without_nulls(v)) is not None]
    return value
