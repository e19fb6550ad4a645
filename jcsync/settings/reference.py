"""The tables of keys in ``docs/configuration.md``, made from the schema; a test compares them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jcsync.settings.schema import settings_schema

_REQUIRED: Final = frozenset({"connections.NAME.provider.base_url"})
_ENTRIES: Final = {
    "AttributeSource": "One entry of `users.attributes`",
    "ClauseSettings": "One entry of `where`",
    "GroupEntry": "One entry of `scope.groups`",
}


def render_reference() -> str:
    """Return a Markdown table for each section, in the order of the models."""
    schema = settings_schema()
    tables = [*_sections(schema, schema, "", ""), *_entries(schema)]
    return "\n\n".join(tables) + "\n"


def _sections(
    schema: Mapping[str, Any], node: Mapping[str, Any], path: str, meaning: str
) -> Iterator[str]:
    """Yield the table of a section, then those of the sections in it."""
    sections = []
    rows = []
    for key, below in node["properties"].items():
        inner = _resolve(schema, below)
        here = f"{path}.{key}" if path else key
        text = below.get("description", inner.get("description", ""))
        if key == "connections":
            connection = _resolve(schema, below["additionalProperties"])
            sections.append((connection, f"{here}.NAME", text))
        elif "properties" in inner and path.endswith(".limits"):
            parts = inner["properties"].items()
            rows += [_row(schema, "", f"{key}.{part}", value) for part, value in parts]
        elif "properties" in inner:
            sections.append((inner, here, text))
        else:
            rows.append(_row(schema, here, key, below))
    if rows:
        yield _table(f"`{path}`", meaning, rows)
    for inner, here, text in sections:
        yield from _sections(schema, inner, here, text)


def _entries(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, title in _ENTRIES.items():
        node = schema["$defs"][name]
        node = node["anyOf"][-1] if "anyOf" in node else node
        rows = [_row(schema, key, key, below) for key, below in node["properties"].items()]
        yield _table(title, node["description"], rows)


def _table(title: str, meaning: str, rows: list[str]) -> str:
    heading = "| Key | Allowed | Default | Meaning |\n|---|---|---|---|"
    return "\n".join([f"### {title}\n", f"{meaning}\n", heading, *rows])


def _row(schema: Mapping[str, Any], path: str, key: str, node: Mapping[str, Any]) -> str:
    default = "required" if path in _REQUIRED or "default" not in node else _code(node["default"])
    meaning = node.get("description", "").replace("|", r"\|")
    return f"| `{key}` | {_form(schema, node)} | {default} | {meaning} |"


def _form(schema: Mapping[str, Any], node: Mapping[str, Any]) -> str:  # noqa: PLR0911 # one a form
    node = {**_resolve(schema, node), **{k: v for k, v in node.items() if k != "$ref"}}
    if "anyOf" in node:
        forms = [_form(schema, part) for part in node["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(forms))
    if "enum" in node:
        return ", ".join(f"`{choice}`" for choice in node["enum"])
    if "examples" in node:
        return "such as " + ", ".join(_code(example) for example in node["examples"])
    match node.get("type"):
        case "array":
            return f"list of: {_form(schema, node['items'])}"
        case "object":
            return "mapping"
        case "integer" | "number":
            return ("whole number" if node["type"] == "integer" else "number") + _bounds(node)
        case "boolean":
            return "`true`, `false`"
        case list() as kinds:
            return ", ".join(kind for kind in kinds if kind != "null")
    return {"password": "secret", "uri": "URL", "regex": "regular expression"}.get(
        node.get("format", ""), "text"
    )


def _bounds(node: Mapping[str, Any]) -> str:
    low = f" from {node['minimum']}" if "minimum" in node else ""
    low = f" above {node['exclusiveMinimum']}" if "exclusiveMinimum" in node else low
    return low + (f" to {node['maximum']}" if "maximum" in node else "")


def _code(value: object) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`"


def _resolve(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    name = node.get("$ref", "").removeprefix("#/$defs/")
    found: Mapping[str, Any] = schema["$defs"][name] if name else node
    return found
