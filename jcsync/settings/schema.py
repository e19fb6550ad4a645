"""The JSON Schema of the settings file, for editors and for checks before a roll-out."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from jcsync.settings.keys import all_keys
from jcsync.settings.models import Settings

DIALECT: Final = GenerateJsonSchema.schema_dialect

_BOUNDS: Final = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum"}
"""pydantic's own words, which it leaves on numbers that may be null."""


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the settings file.

    It describes what the operator writes: durations as texts, short forms, no unknown keys. Keys
    that a variable may give instead are not required.
    """
    schema = _tidied(Settings.model_json_schema(by_alias=True))
    for definition in (schema, *schema["$defs"].values()):
        if "provider" in definition.get("required", ()) or "base_url" in definition.get(
            "required", ()
        ):
            del definition["required"]
    for section in {key.section for key in all_keys()}:
        if section is not Settings:
            _write_defaults(schema["$defs"][section.__name__], section)
    schema["properties"]["connections"]["propertyNames"] = {
        "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$"
    }
    return {"$schema": DIALECT, "title": "jcsync settings", **schema}


def _write_defaults(definition: dict[str, Any], section: type[BaseModel]) -> None:
    """Put defaults as the operator writes them in place of the values they become."""
    written = section.model_construct().model_dump(mode="json", by_alias=True)
    for name, node in definition["properties"].items():
        if "default" in node:
            node["default"] = written[name]


def _tidied(node: Any) -> Any:  # noqa: ANN401 # any JSON
    """Drop the titles that pydantic makes of names, and name the bounds as JSON Schema does."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        _BOUNDS.get(key, key): {name: _tidied(item) for name, item in value.items()}
        if key in {"properties", "$defs"}
        else _tidied(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }
