"""How kinds of service provider deviate from the RFCs, as data.

Each profile is a YAML file beside this module; ``Profile`` documents its switches, and
``provider.quirks`` in the configuration overrides single ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib import resources
from types import UnionType
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
        allowed: What may be sent beside ``externalId`` and ``active``: SCIM paths, or attributes
            with all their parts; empty allows everything. What is mapped and not allowed is
            neither sent nor compared, and a finding of every run.
        immutable: SCIM paths that cannot be changed once the account exists: a difference is a
            finding and never a change.
        patch_style: How attributes are changed. ``path``: an operation an attribute, each with
            its path; ``element-fallback``: never a path with a filter, the whole multi-valued
            attribute is replaced instead; ``pathless``: one operation whose value is an object;
            ``put``: the whole resource is read and replaced. What a server refuses or ignores
            falls back to the whole attribute, then to PUT.
        missing_element: How to write a value into a multi-valued attribute that has no element of
            the type yet: ``element`` adds a whole element to the attribute, ``typed`` adds by
            the path with the type, ``put`` replaces the resource.
        verify: When a write whose answer shows no resource is read back: ``always``, ``sampled``
            (the first of each attribute in a run, and all others where that one was not kept),
            ``never``. A deactivation is always read back.
        member_style: How members are removed. ``filter``: ``members[value eq "…"]``; ``value``:
            path ``members`` with a list of values; ``put``: the group is read and replaced.
        members_verified: Whether it is known that a removal removes whom it names and nobody
            else; otherwise the first one of a run is tried on one member and read back.
        members_per_request: Changes of members in one request.
        members_at_create: Whether a group is created with its members: ``true`` (up to 1,000),
            ``false``, or how many at the most; those that it does not show afterwards are added
            then.
        members_read: Where memberships are read: ``groups``: in the list of groups, where it shows
            any; ``each``: from each group by itself, where only that shows them; or, where nothing
            does, a list of the groups of each account by a filter on ``members`` or
            ``members.value``.
        page_size: ``count`` of a listing; the provider may answer less.
        page_cap: ``none`` where a page is known to hold as many as ``count`` asks for; matters for
            servers that take no notice of ``startIndex``: fewer rows are then all there are.
        paging: ``index``: by ``startIndex``; ``cursor``: by ``cursor``; ``auto``: by index, and by
            cursor where that is refused or the answer carries a ``nextCursor``.
        filters: Attributes that may be filtered by ``eq``; others are looked up in the list.
        external_id: ``returned``, or ``hidden`` where resources do not show it.
        deactivate: What ``active: false`` does: ``disables``; ``deletes``: nobody is deactivated
            until a person sets ``deletes-confirmed``.
        delete_users: Whether accounts may be deleted.
        bulk: Whether several accounts are written by one request, where the platform advertises Bulk:
            ``true``, ``false``, or how many at the most.
        requests_per_minute: Ceiling by HTTP method, for those that the provider limits.
        content_type: Of requests with a body.
        config_path: Where the provider describes itself.
        pinned: The switches that the configuration sets, in place of the profile.
    """

    name: str
    summary: str
    sources: tuple[str, ...]
    attributes: Mapping[str, Any]
    allowed: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()
    patch_style: Literal["path", "element-fallback", "pathless", "put"] = "path"
    missing_element: Literal["element", "typed", "put"] = "element"
    verify: Literal["always", "sampled", "never"] = "sampled"
    member_style: Literal["filter", "value", "put"] = "filter"
    members_verified: bool = False
    members_per_request: int = 100
    members_at_create: bool | int = False
    members_read: Literal["groups", "each", "members", "members.value"] = "groups"
    page_size: int = 1000
    page_cap: Literal["unknown", "none"] = "unknown"
    paging: Literal["index", "cursor", "auto"] = "auto"
    filters: tuple[str, ...] = ("externalId", "userName", "displayName", "emails.value")
    external_id: Literal["returned", "hidden"] = "returned"
    deactivate: Literal["disables", "deletes", "deletes-confirmed"] = "disables"
    delete_users: bool = True
    bulk: bool | int = False
    requests_per_minute: Mapping[str, int] = field(default_factory=dict)
    content_type: Literal["application/scim+json", "application/json"] = "application/scim+json"
    config_path: str = "/ServiceProviderConfig"
    pinned: frozenset[str] = frozenset()

    @property
    def shows_members(self) -> bool:
        """Whether a group that is read by itself shows its members."""
        return self.members_read in {"groups", "each"}

    def allows(self, path: str) -> bool:
        """Whether an attribute may be sent, by its SCIM path, case ignored."""
        folded = path.casefold()
        return not self.allowed or any(
            folded == name or folded.startswith((f"{name}.", f"{name}[", f"{name}:"))
            for name in map(str.casefold, self.allowed)
        )


_FIXED = ("name", "summary", "sources", "attributes", "pinned")


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
    return replace(profile, pinned=frozenset(quirks or ()))


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
    if get_origin(kind) is Literal:
        allowed = get_args(kind)
        if value not in allowed:
            message = f"{quirk} must be one of {', '.join(allowed)}"
            raise ValueError(message)
        return value
    check, words, convert = _KINDS[get_origin(kind) or kind]
    if not check(value):
        message = f"{quirk} must be {words}"
        raise ValueError(message)
    return convert(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        method in _METHODS and _is_number(number) for method, number in value.items()
    )


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(text, str) and text for text in value)


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_KINDS: Mapping[object, tuple[Callable[[object], bool], str, Callable[[Any], Any]]] = {
    int: (_is_number, "a whole number from 1", int),
    bool: (lambda value: isinstance(value, bool), "true or false", bool),
    str: (lambda v: isinstance(v, str) and v.startswith("/"), "a path that begins with /", str),
    UnionType: (
        lambda value: isinstance(value, bool) or _is_number(value),
        "true, false or a whole number from 1",
        lambda value: value,
    ),
    tuple: (_is_list, "a list of texts", tuple),
    Mapping: (_is_table, f"whole numbers from 1 by method ({', '.join(_METHODS)})", dict),
}
