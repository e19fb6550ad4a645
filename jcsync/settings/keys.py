"""What keys there are, read off the models.

A path names a key; ``*`` stands for the name of a connection. The environment, the messages, the
reference and the example are checked against this list, so that none of them can forget one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, Secret, SecretStr
from pydantic.fields import FieldInfo

from jcsync.settings.models import Settings
from jcsync.settings.problems import KeyPath

PREFIX: Final = "JCSYNC_"
NAME: Final = "*"
SEPARATOR: Final = "__"


class Kind(Enum):
    """How the value of a key is written in a variable."""

    SECTION = auto()
    NAMED_SECTIONS = auto()
    TEXT = auto()
    SECRET = auto()
    LIST = auto()
    MAPPING = auto()
    SCALAR = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the contract.

    Attributes:
        path: From the top; ``*`` is the name of a connection.
        section: The model that holds it.
    """

    path: tuple[str, ...]
    field: FieldInfo
    kind: Kind
    section: type[BaseModel]


@cache
def all_keys() -> tuple[Key, ...]:
    """Every key with its sections, in the order of the models."""
    return tuple(_walk(Settings, ()))


@cache
def _by_path() -> dict[tuple[str, ...], Key]:
    return {key.path: key for key in all_keys()}


def find_key(path: KeyPath) -> Key | None:
    """Return the key at a path with the real name of a connection, or ``None``."""
    names = tuple(
        NAME if n == 1 and path[0] == "connections" else str(p) for n, p in enumerate(path)
    )
    return _by_path().get(names)


def child_names(path: KeyPath) -> tuple[str, ...]:
    """Return the names of the keys directly below a path, in order."""
    names = tuple(
        NAME if n == 1 and path[0] == "connections" else str(p) for n, p in enumerate(path)
    )
    return tuple(key.path[-1] for key in all_keys() if key.path[:-1] == names)


def variable_name(path: KeyPath) -> str:
    """Return the environment variable of a key: ``JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__TOKEN``."""
    return PREFIX + SEPARATOR.join(str(part).upper().replace("-", "_") for part in path)


def model_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model by the names that the operator writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def model_at(path: KeyPath) -> type[BaseModel] | None:
    """Return the model that describes the mapping at a path, list items included."""
    model: type[BaseModel] | None = Settings
    steps = list(path)
    while steps and model is not None:
        field = model_fields(model).get(str(steps.pop(0)))
        if field is None:
            return None
        if _kind(field.annotation) in _KEYED and steps:
            steps.pop(0)
        model = _model_of(field.annotation)
    return model


def field_at(path: KeyPath) -> FieldInfo | None:
    """Return the field at a path, also inside lists and mappings of models."""
    if not path:
        return None
    if isinstance(path[-1], int):
        return field_at(path[:-1])
    model = model_at(path[:-1])
    return model_fields(model).get(path[-1]) if model else None


def bounds(field: FieldInfo) -> str:
    """Return the numbers that a field allows, in words: `` from 1 to 1000``."""
    low = high = ""
    for bound in field.metadata:
        match bound:
            case Ge():
                low = f" from {bound.ge}"
            case Gt():
                low = f" above {bound.gt}"
            case Le():
                high = f" to {bound.le}"
    return low + (high if low.startswith(" from") or not high else f" and up{high}")


def is_secret(path: KeyPath) -> bool:
    """Tell whether a value at or below this path may be a secret, unknown keys included."""
    field = field_at(path)
    return (
        field is None or _kind(field.annotation) is Kind.SECRET or _holds_secret(field.annotation)
    )


def _walk(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[Key]:
    for name, field in model_fields(model).items():
        kind = _kind(field.annotation)
        path = (*above, name)
        yield Key(path=path, field=field, kind=kind, section=model)
        below = _model_of(field.annotation)
        if below is not None and kind is Kind.SECTION:
            yield from _walk(below, path)
        if below is not None and kind is Kind.NAMED_SECTIONS:
            yield from _walk(below, (*path, NAME))


_KEYED: Final = frozenset({Kind.LIST, Kind.MAPPING, Kind.NAMED_SECTIONS})


def _kind(annotation: Any) -> Kind:  # noqa: ANN401, PLR0911 # annotations have no common type
    inner = _inner(annotation)
    origin = get_origin(inner) or inner
    if not isinstance(origin, type):
        return Kind.TEXT if _is_literal_text(inner) else Kind.SCALAR
    if issubclass(origin, SecretStr | Secret):
        return Kind.SECRET
    if issubclass(origin, BaseModel):
        return Kind.SECTION
    if issubclass(origin, str):
        return Kind.TEXT
    if issubclass(origin, tuple):
        return Kind.LIST
    if hasattr(origin, "keys"):
        named = _model_of(annotation) is not None and not _optional(get_args(inner)[-1])
        return Kind.NAMED_SECTIONS if named else Kind.MAPPING
    return Kind.SCALAR


def _is_literal_text(annotation: Any) -> bool:  # noqa: ANN401
    return all(isinstance(arg, str) for arg in get_args(annotation)) and bool(get_args(annotation))


def _inner(annotation: Any) -> Any:  # noqa: ANN401
    """Strip ``Annotated`` and ``| None``."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif _optional(annotation):
            rest = [arg for arg in get_args(annotation) if arg is not type(None)]
            if len(rest) != 1:
                return annotation
            annotation = rest[0]
        else:
            return annotation


def _optional(annotation: Any) -> bool:  # noqa: ANN401
    return get_origin(annotation) in {Union, UnionType} and type(None) in get_args(annotation)


def _model_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    """Return the model of a section, or of the items of a list or mapping."""
    inner = _inner(annotation)
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return inner
    for arg in get_args(inner):
        found = _model_of(arg)
        if found is not None:
            return found
    return None


def _holds_secret(annotation: Any) -> bool:  # noqa: ANN401
    return any(_kind(arg) is Kind.SECRET for arg in get_args(_inner(annotation)))
