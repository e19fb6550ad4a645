"""Attribute changes → PATCH operations. Pure.

One operation per attribute, each with an explicit path, lower-case ``op`` and JSON booleans:
the form that strict servers and Microsoft's reference library both take.

Source:
    RFC 7644, section 3.5.2.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from jcsync.model.path import ScimPath, parse_path
from jcsync.model.plan import AttributeChange
from jcsync.model.resource import Value

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def dump_patch(operations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the body of a PATCH request."""
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def dump_attributes(
    changes: Iterable[AttributeChange], *, missing_element: Literal["element", "typed"]
) -> list[dict[str, Any]]:
    """Return the operations that make each attribute what it should be.

    Args:
        changes: In the order in which they are sent; ``after`` ``None`` or ``""`` removes.
        missing_element: See ``Profile``.
    """
    operations: list[dict[str, Any]] = []
    added: dict[str, dict[str, Any]] = {}
    for change in changes:
        path = parse_path(change.path)
        if _is_empty(change.after):
            operations.append({"op": "remove", "path": change.path})
        elif path.key and change.before is None and missing_element == "element":
            element = added.get(path.element)
            if element is None:
                element = added[path.element] = {path.key: path.value}
                operations.append({"op": "add", "path": _list_path(path), "value": [element]})
            element[path.sub] = change.after
        elif path.key and change.before is None:
            operations.append({"op": "add", "path": change.path, "value": change.after})
        else:
            operations.append({"op": "replace", "path": change.path, "value": change.after})
    return operations


def chunk_members(
    add: Iterable[str], remove: Iterable[str], size: int
) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the members to add and to remove by one request after another, each member once."""
    pending = [(True, member) for member in dict.fromkeys(add)]
    pending += [(False, member) for member in dict.fromkeys(remove)]
    for start in range(0, len(pending), size):
        part = pending[start : start + size]
        yield [m for joins, m in part if joins], [m for joins, m in part if not joins]


def dump_members(
    add: Sequence[str],
    remove: Sequence[str],
    *,
    style: Literal["filter", "value"],
    pathless: bool = False,
) -> list[dict[str, Any]]:
    """Return the operations of one request.

    ``pathless`` adds by an object in place of a path; a removal has a path in any case.

    Never ``replace``, never a ``remove`` of all: some servers merge the first and all servers
    obey the second.
    """
    operations: list[dict[str, Any]] = []
    if add:
        values = [{"value": member} for member in add]
        whole = {"op": "add", "value": {"members": values}}
        pathed = {"op": "add", "path": "members", "value": values}
        operations.append(whole if pathless else pathed)
    if style == "filter":
        operations += [
            {"op": "remove", "path": f'members[value eq "{_escaped(member)}"]'} for member in remove
        ]
    elif remove:
        values = [{"value": member} for member in remove]
        operations.append({"op": "remove", "path": "members", "value": values})
    return operations


def _list_path(path: ScimPath) -> str:
    return f"{path.schema}:{path.attribute}" if path.schema else path.attribute


def _is_empty(value: Value) -> bool:
    return value is None or value == ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
