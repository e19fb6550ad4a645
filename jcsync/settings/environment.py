"""Settings from variables: ``JCSYNC_`` and the path joined by ``__``, case ignored.

A text or a secret is taken as it is; a list is YAML, JSON or separated by commas; everything
else is YAML or JSON. A whole section can be given at once; a variable for a key inside it goes
before it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from jcsync.model.text import did_you_mean
from jcsync.settings.document import UnreadableDocumentError, parse_value
from jcsync.settings.keys import (
    NAME,
    PREFIX,
    SEPARATOR,
    Key,
    Kind,
    all_keys,
    child_names,
    find_key,
)
from jcsync.settings.problems import KeyPath, Problem

CONFIG: Final = f"{PREFIX}CONFIG"
_CONNECTIONS: Final = "CONNECTIONS"
_KUBERNETES = re.compile(
    r"JCSYNC_(SERVICE_(HOST|PORT(_.*)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
"""What Kubernetes sets in every pod beside a Service called jcsync."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """What the environment sets.

    Attributes:
        tree: Values by path.
        names: Name of the variable by path, for every value and all that is inside it.
        problems: Variables that are no settings, or hold no value of their kind.
    """

    tree: dict[str, object] = field(default_factory=dict)
    names: dict[KeyPath, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class _UnknownVariableError(ValueError):
    """A variable names no key."""


def has_connections(environ: Mapping[str, str]) -> bool:
    """Tell whether any variable sets part of a connection."""
    prefix = f"{PREFIX}{_CONNECTIONS}"
    return any(_is_setting(name) and name.upper().startswith(prefix) for name in environ)


def read_variables(environ: Mapping[str, str], connections: Iterable[str]) -> Variables:
    """Return all settings of the environment.

    Args:
        environ: Every variable of the process.
        connections: Names of connections in the file; a variable may write them in capitals and
            with ``_`` for ``-``.
    """
    known = sorted(connections, key=len, reverse=True)
    paths: dict[KeyPath, str] = {}
    problems: list[Problem] = []
    for name in sorted(filter(_is_setting, environ)):
        try:
            path = _parse_name(name, known)
        except _UnknownVariableError as error:
            problems.append(Problem(line=None, path=name, message=str(error)))
            continue
        if path in paths:
            message = f"sets the same as {paths[path]}; remove one"
            problems.append(Problem(line=None, path=name, message=message))
        else:
            paths[path] = name
    tree: dict[str, object] = {}
    names: dict[KeyPath, str] = {}
    for path in sorted(paths, key=len):
        name = paths[path]
        try:
            value = _parse_value(path, environ[name])
        except UnreadableDocumentError as error:
            problems.append(Problem(line=None, path=name, message=str(error)))
            continue
        if _place(tree, path, value):
            names.update(_named(path, value, name))
    return Variables(tree=tree, names=names, problems=tuple(problems))


def _is_setting(name: str) -> bool:
    upper = name.upper()
    ours = upper.startswith(PREFIX) and upper != CONFIG
    return ours and _KUBERNETES.fullmatch(name) is None


def _parse_name(name: str, connections: Iterable[str]) -> KeyPath:
    rest = name[len(PREFIX) :]
    path: KeyPath = ()
    if rest.upper().startswith(_CONNECTIONS + SEPARATOR):
        connection, rest = _split_connection(rest[len(_CONNECTIONS + SEPARATOR) :], connections)
        path = ("connections", connection)
    for part in rest.split(SEPARATOR) if rest or not path else ():
        path = (*path, _match_part(name, path, part))
    return path


def _split_connection(rest: str, connections: Iterable[str]) -> tuple[str, str]:
    """Return the name of a connection as the file writes it, and what follows."""
    for known in connections:
        written = known.upper().replace("-", "_")
        upper = rest.upper().replace("-", "_")
        if upper == written or upper.startswith(written + SEPARATOR):
            return known, rest[len(written) + len(SEPARATOR) :]
    name, _, below = rest.partition(SEPARATOR)
    return name.lower(), below


def _match_part(name: str, path: KeyPath, part: str) -> str:
    above = find_key(path) if path else None
    if above is not None and above.kind is Kind.MAPPING and path[-1] == "quirks":
        return part.lower()
    allowed = child_names(path)
    found = next((key for key in allowed if key.upper() == part.upper()), None)
    if found is not None:
        return found
    if above is not None and above.kind is Kind.MAPPING:
        message = f"give the whole mapping as JSON or YAML in {_name_of(name, path)}"
        raise _UnknownVariableError(message)
    hint = _nearest(name, path)
    message = f"no such setting{hint or _allowed(allowed)}"
    raise _UnknownVariableError(message)


def _name_of(name: str, path: KeyPath) -> str:
    """Return the leading part of a variable's name that stands for a path."""
    return PREFIX + SEPARATOR.join(name[len(PREFIX) :].split(SEPARATOR)[: len(path)])


def _nearest(name: str, path: KeyPath) -> str:
    """Compare with every variable there is, for the connection that the name speaks of."""
    connection = str(path[1]).upper().replace("-", "_") if path[:1] == ("connections",) else "NAME"
    names = [
        PREFIX + SEPARATOR.join(p.upper() if p != NAME else connection for p in key.path)
        for key in all_keys()
        if key.kind not in {Kind.SECTION, Kind.NAMED_SECTIONS}
    ]
    return did_you_mean(name, names)


def _allowed(names: Iterable[str]) -> str:
    text = ", ".join(name.upper() for name in names)
    return f"; after __ one of {text} is allowed" if text else "; it has no parts"


def _parse_value(path: KeyPath, text: str) -> object:
    key = find_key(path)
    kind = _kind(path, key)
    if kind in {Kind.TEXT, Kind.SECRET}:
        return text
    if kind is Kind.LIST and not text.lstrip().startswith(("[", "{", "- ")):
        if text.strip() in {"", "null", "~"}:
            return []
        return [part.strip() for part in text.split(",") if part.strip()]
    return parse_value(text)


def _kind(path: KeyPath, key: Key | None) -> Kind:
    if key is not None:
        return key.kind
    return Kind.SECTION if path[:-1] == ("connections",) else Kind.SCALAR


def _place(tree: dict[str, object], path: KeyPath, value: object) -> bool:
    """Put a value into a tree; ``False`` where a section above it is no mapping."""
    here = tree
    for part in path[:-1]:
        below = here.setdefault(str(part), {})
        if below is None:
            here[str(part)] = below = {}
        if not isinstance(below, dict):
            return False
        here = below
    last = str(path[-1])
    here[last] = value
    return True


def _named(path: KeyPath, value: object, name: str) -> dict[KeyPath, str]:
    found = {path: name}
    items: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for part, below in items:
        found |= _named((*path, part), below, name)
    return found
