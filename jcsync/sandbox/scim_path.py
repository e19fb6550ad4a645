"""What a PATCH asks for: its operations, and what their paths point at.

Source:
    RFC 7644, section 3.5.2.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jcsync.sandbox.scim_check import bad
from jcsync.sandbox.scim_schema import PATCH_OP, Attribute, Attributes, ResourceType

_PATH = re.compile(
    r"(?P<name>[A-Za-z$][\w$-]*)(?:\[(?P<filter>.+)\])?(?:\.(?P<part>[A-Za-z$][\w$-]*))?"
)
_TERM = re.compile(
    r'\s*(?P<name>[A-Za-z$][\w$-]*)\s+eq\s+(?P<value>"(?:[^"\\]|\\.)*"|true|false)\s*',
    re.IGNORECASE,
)

_FIXED = frozenset({"id", "meta", "schemas"})

Term = tuple[str, object]


@dataclass(frozen=True, slots=True)
class Target:
    """What an operation is about.

    Attributes:
        urn: The extension it belongs to, ``""`` for the core schema.
        attribute: ``None`` for the whole extension.
        terms: Which of several values; by proper name of the part.
        part: Which part of them, ``None`` for all of it.
    """

    urn: str
    attribute: Attribute | None
    terms: tuple[Term, ...] = ()
    part: Attribute | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a request; ``path`` ``""`` means none."""

    op: str
    path: str
    value: Any


def parse_operations(document: object, *, strict: bool) -> list[Operation]:
    """Return the operations of a PATCH body, at least one.

    Raises:
        ScimError: 400.
    """
    if not isinstance(document, dict) or PATCH_OP not in document.get("schemas", []):
        message = f"schemas must contain {PATCH_OP}"
        raise bad(message, "invalidSyntax")
    entries = document.get("Operations")
    if not isinstance(entries, list) or not entries:
        message = "Operations is empty or missing"
        raise bad(message, "invalidSyntax")
    return [_operation(entry, strict=strict) for entry in entries]


def _operation(entry: object, *, strict: bool) -> Operation:
    if not isinstance(entry, dict):
        message = "an operation is no JSON object"
        raise bad(message, "invalidSyntax")
    op = str(entry.get("op"))
    name = op if strict else op.lower()
    if name not in {"add", "replace", "remove"}:
        message = f"op {op!r} is not one of add, replace, remove"
        raise bad(message, "invalidSyntax")
    path = entry.get("path") or ""
    if name != "remove" and "value" not in entry:
        message = f"{name} needs a value"
        raise bad(message, "invalidSyntax")
    if not path and (strict or name == "remove"):
        message = f"{name} needs a path"
        raise bad(message, "noTarget")
    return Operation(name, path, entry.get("value"))


def parse_target(kind: ResourceType, path: str) -> Target:
    """Return what a path points at.

    Raises:
        ScimError: 400: it is malformed, or there is no such attribute.
    """
    for urn, table in kind.extensions.items():
        if path.lower() == urn.lower():
            return Target(urn, None)
        if path.lower().startswith(f"{urn.lower()}:"):
            return _within(table, urn, path[len(urn) + 1 :])
    if path.lower().startswith(f"{kind.urn.lower()}:"):
        path = path[len(kind.urn) + 1 :]
    return _within(kind.attributes, "", path)


def _within(table: Attributes, urn: str, path: str) -> Target:
    if path in _FIXED:
        message = f"{path} is read-only"
        raise bad(message, "mutability")
    found = _PATH.fullmatch(path)
    attribute = table.get(found["name"].lower()) if found else None
    if found is None or attribute is None:
        message = f"path {path!r} names no attribute"
        raise bad(message, "invalidPath")
    if attribute.read_only:
        message = f"{attribute.name} is read-only"
        raise bad(message, "mutability")
    parts = attribute.parts or {}
    part = None
    if found["part"]:
        part = parts.get(found["part"].lower())
        if part is None:
            message = f"{attribute.name} has no {found['part']}"
            raise bad(message, "invalidPath")
    terms = tuple(_terms(parts, found["filter"])) if found["filter"] else ()
    if terms and not attribute.multi:
        message = f"{attribute.name} has one value only"
        raise bad(message, "invalidPath")
    return Target(urn, attribute, terms, part)


def _terms(parts: Attributes, text: str) -> Iterable[Term]:
    for piece in re.split(r"\s+and\s+(?=[^\"]*(?:\"[^\"]*\"[^\"]*)*$)", text, flags=re.IGNORECASE):
        found = _TERM.fullmatch(piece)
        part = parts.get(found["name"].lower()) if found else None
        if found is None or part is None:
            message = f"cannot evaluate the filter {text}"
            raise bad(message, "invalidFilter")
        yield part.name, json.loads(found["value"])
