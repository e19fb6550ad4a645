"""How kinds of service provider deviate from the RFCs, as data.

Each profile is a YAML file beside this module; ``Profile`` documents its switches, and
``provider.quirks`` in the configuration overrides single ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The switches of one kind of service provider.

    Attributes:
        name: As in ``provider.profile``.
        summary: One line for people.
        sources: Where each switch is known from.
        attributes: Default mapping, in the language of ``users.attributes``.
        page_size: ``count`` of a listing; the provider may answer less.
        members_per_request: Changes of members in one PATCH.
        member_remove: ``filter``: ``members[value eq "…"]``; ``value``: path ``members`` with a
            list of values.
        missing_element: How to patch a value into a multi-valued attribute that has no element
            of the type yet: ``element`` adds a whole element to the attribute, ``typed`` adds by
            the path with the type.
        content_type: Of requests with a body.
    """

    name: str
    summary: str
    sources: tuple[str, ...]
    attributes: Mapping[str, Any]
    page_size: int = 1000
    members_per_request: int = 100
    member_remove: Literal["filter", "value"] = "filter"
    missing_element: Literal["element", "typed"] = "element"
    content_type: Literal["application/scim+json", "application/json"] = "application/scim+json"


_FIXED = ("name", "summary", "sources", "attributes")


def profile_names() -> tuple[str, ...]:
    """Every profile, in alphabetical order."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


def quirk_names() -> tuple[str, ...]:
    """Every switch that ``provider.quirks`` may override."""
    return tuple(f.name for f in fields(Profile) if f.name not in _FIXED)


def load_profile(name: str, quirks: Mapping[str, object] | None = None) -> Profile:
    """Return a profile with single switches overridden.

    Raises:
        ValueError: There is no such profile or switch, or a switch has a wrong value; the
            message names what is allowed.
    """
    if name not in profile_names():
        message = f"unknown profile {name!r}; there are: {', '.join(profile_names())}"
        raise ValueError(message)
    profile = _read_profile(name)
    for quirk, value in (quirks or {}).items():
        profile = replace(profile, **{quirk: _checked(quirk, value)})
    return profile


@cache
def _read_profile(name: str) -> Profile:
    text = resources.files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    fixed = {
        "name": name,
        "summary": document.pop("summary"),
        "sources": tuple(document.pop("sources")),
        "attributes": document.pop("attributes"),
    }
    return Profile(**fixed, **{quirk: _checked(quirk, value) for quirk, value in document.items()})


def _checked(quirk: str, value: object) -> Any:  # noqa: ANN401 - of the type the switch has
    if quirk not in quirk_names():
        message = f"unknown switch {quirk!r}; there are: {', '.join(quirk_names())}"
        raise ValueError(message)
    kind = get_type_hints(Profile)[quirk]
    if get_origin(kind) is Literal and value not in get_args(kind):
        message = f"{quirk} must be one of {', '.join(map(str, get_args(kind)))}"
        raise ValueError(message)
    if kind is int and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        message = f"{quirk} must be a whole number from 1"
        raise ValueError(message)
    return value
