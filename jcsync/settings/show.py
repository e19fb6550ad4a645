"""Loaded settings for people and scripts: every key, its value and where it came from.

Secrets are never shown; URLs are shown without user and password.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, Secret, SecretStr

from jcsync.model.path import parse_path
from jcsync.scim.profiles import load_profile
from jcsync.settings.fields import REDACTED, SecretUrl
from jcsync.settings.load import Loaded
from jcsync.settings.models import Settings
from jcsync.settings.problems import KeyPath, dotted

DEFAULT: Final = "default"
_WIDE: Final = 48
"""Longer values do not widen their column."""


def render_settings(loaded: Loaded, *, defaults: bool = True) -> str:
    """Return a line for each key: path, value, and origin in brackets.

    Args:
        loaded: What :func:`load_settings` returned.
        defaults: Also list keys that nobody has set.
    """
    rows = [(dotted(path), _text(value), origin) for path, value, origin in _rows(loaded, defaults)]
    path_width = max((len(path) for path, _, _ in rows), default=0)
    value_width = max((len(value) for _, value, _ in rows if len(value) <= _WIDE), default=0)
    return "\n".join(
        f"{path:<{path_width}}  {value:<{value_width}}  [{origin}]" for path, value, origin in rows
    )


def dump_settings(loaded: Loaded, *, defaults: bool = True) -> dict[str, object]:
    """Return ``{"settings": {...}, "origins": {path: origin}}`` for JSON."""
    tree: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for path, value, origin in _rows(loaded, defaults):
        here = tree
        for part in path[:-1]:
            here = here.setdefault(str(part), {})
        here[str(path[-1])] = value
        origins[dotted(path)] = origin
    return {"settings": tree, "origins": origins}


def _rows(loaded: Loaded, defaults: bool) -> Iterator[tuple[KeyPath, object, str]]:  # noqa: FBT001
    written = loaded.settings.model_dump(mode="json", by_alias=True)
    for path, value in _leaves(loaded.settings, written, ()):
        origin = loaded.origins.get(dotted(path), DEFAULT)
        if path[-2:] == ("users", "attributes"):
            yield from _attributes(loaded, path, defaults)
        elif defaults or origin != DEFAULT:
            yield path, value, origin


def _leaves(
    section: BaseModel, written: Mapping[str, Any], above: KeyPath
) -> Iterator[tuple[KeyPath, object]]:
    """Yield path and value, as the operator writes it, of every key in and below a section."""
    for name, field in type(section).model_fields.items():
        key = field.alias or name
        path, value = (*above, key), getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, written[key], path)
        elif isinstance(section, Settings) and isinstance(value, dict):
            for connection, below in value.items():
                yield from _leaves(below, written[key][connection], (*path, connection))
        else:
            yield path, _plain(value, written[key])


def _attributes(
    loaded: Loaded,
    path: KeyPath,
    defaults: bool,  # noqa: FBT001
) -> Iterator[tuple[KeyPath, object, str]]:
    """Yield the mapping of the profile where it is in force, then the connection's own."""
    connection = loaded.settings.connections[str(path[1])]
    own = connection.users.attributes
    profile = load_profile(connection.provider.profile, connection.provider.quirks)
    replaced = {str(parse_path(key)).casefold() for key in own}
    for key, source in profile.attributes.items() if defaults else ():
        if str(parse_path(key)).casefold() not in replaced:
            yield (*path, key), source, f"profile {profile.name}"
    for key, entry in own.items():
        here = (*path, key)
        yield here, _plain(entry, None), loaded.origins.get(dotted(here), DEFAULT)


def _plain(value: object, written: object) -> object:
    """Return a value as it is written, secrets redacted, lists and mappings without defaults."""
    match value:
        case SecretUrl():
            return str(value)
        case SecretStr() | Secret():
            return REDACTED
        case BaseModel():
            return _short(value.model_dump(mode="json", by_alias=True, exclude_defaults=True))
        case tuple():
            return [_plain(item, item) for item in value]
    return written


def _short(entry: dict[str, object]) -> object:
    """Return the short form of an entry that says nothing else."""
    return next(iter(entry.values())) if entry.keys() in ({"name"}, {"from"}) else entry


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
