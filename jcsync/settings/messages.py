"""pydantic's findings in plain words: what is wrong, what is allowed, what to do."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from jcsync.model.text import did_you_mean
from jcsync.settings.keys import (
    bounds,
    child_names,
    field_at,
    is_secret,
    model_at,
    model_fields,
    variable_name,
)
from jcsync.settings.problems import KeyPath, shorten

_FORMS: Mapping[str, str] = {
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a mapping of keys",
    "mapping_type": "must be a mapping of keys",
    "too_short": "must have at least one entry",
}
_SECTION_EXAMPLES: Mapping[str, str] = {
    "ShareLimit": "must be a mapping such as {count: 5, percent: 10}",
    "CountLimit": "must be a mapping such as {count: 5}",
    "AttributeSource": "must be a JumpCloud field, or a mapping with from, template or value",
    "ClauseSettings": "must be a condition such as {attribute: department, in: [IT, HR]}",
}
_NUMBERS = frozenset(
    {
        *("int_type", "int_parsing", "int_from_float", "int_parsing_size", "float_type"),
        *("float_parsing", "finite_number", "greater_than", "greater_than_equal"),
        *("less_than", "less_than_equal"),
    }
)


def translate(error: ErrorDetails) -> tuple[KeyPath, str]:
    """Return where an error of pydantic is, and what it says to the operator.

    The value is repeated, shortened, where it cannot be a secret.
    """
    path = tuple(part for part in error["loc"] if not (isinstance(part, str) and part == "[key]"))
    match error["type"]:
        case "extra_forbidden":
            return path, _unknown_key(path)
        case "missing":
            return _missing(path)
        case "value_error":
            return path, str(error.get("ctx", {}).get("error", error["msg"]))
        case "tuple_type" | "list_type":
            return path, f"must be a list{_list_example(path, error['input'])}"
        case "model_type" | "model_attributes_type":
            return path, _section(path, error["input"])
    words = _words(path, error)
    return path, words if is_secret(path) else f"{words}{_shown(error['input'])}"


def _words(path: KeyPath, error: ErrorDetails) -> str:
    field = field_at(path)
    if error["type"] in {"literal_error", "enum"} and field is not None:
        return f"must be one of {', '.join(_choices(field.annotation))}"
    if error["type"] in _NUMBERS and field is not None:
        return _number(field)
    return _FORMS.get(error["type"], error["msg"][:1].lower() + error["msg"][1:])


def _missing(path: KeyPath) -> tuple[KeyPath, str]:
    """Of an item of a list, the item is what somebody wrote; variables name no items."""
    if any(isinstance(part, int) for part in path):
        return path[:-1], f"{path[-1]} is missing"
    return path, f"missing: set it, or {variable_name(path)}"


def _unknown_key(path: KeyPath) -> str:
    if len(path) == 1 and path[0] in child_names(("connections", "NAME")):
        return f"belongs to a connection: connections.NAME.{path[0]}"
    model = model_at(path[:-1])
    allowed = list(model_fields(model)) if model else []
    hint = did_you_mean(str(path[-1]), allowed) or f"; allowed are {', '.join(allowed)}"
    return f"unknown key{hint}"


def _list_example(path: KeyPath, value: object) -> str:
    plain = isinstance(value, str | int | float) and not is_secret(path)
    if isinstance(value, dict) and value:
        return f"; write [{{{shorten(next(iter(value)))}: …}}]"
    return f"; write [{shorten(value)}]" if plain else ""


def _section(path: KeyPath, value: object) -> str:
    model = model_at(path)
    key = value.partition(":")[0].strip() if isinstance(value, str) and ":" in value else ""
    if model and key in model_fields(model):
        return f'must be a mapping; put a space after "{key}:"'
    names = [base.__name__ for base in model.__mro__] if model else []
    return next(
        (_SECTION_EXAMPLES[name] for name in names if name in _SECTION_EXAMPLES),
        f"must be a mapping with {', '.join(model_fields(model))}"
        if model
        else "must be a mapping",
    )


def _number(field: FieldInfo) -> str:
    kind = "whole number" if _is_whole(field.annotation) else "number"
    optional = ", or null" if type(None) in get_args(field.annotation) else ""
    return f"must be a {kind}{bounds(field)}{optional}"


def _is_whole(annotation: Any) -> bool:  # noqa: ANN401 # annotations have no common type
    return annotation is int or any(_is_whole(arg) for arg in get_args(annotation))


def _choices(annotation: Any) -> list[str]:  # noqa: ANN401
    if get_origin(annotation) is Literal:
        return [str(arg) for arg in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    return [choice for arg in get_args(annotation) for choice in _choices(arg)]


def _shown(value: object) -> str:
    if isinstance(value, str | int | float) and str(value).strip():
        return f"; is {shorten(value)}"
    return "; is null" if value is None else ""
