"""The default tables in ``docs/mapping.md`` and ``docs/profiles``, made from the profiles.

A test compares them.

What a platform makes of an attribute stands in the file of the profile, as the comment at the end
of its line.
"""

import inspect
import re
from collections.abc import Mapping
from importlib import resources
from typing import Final

import yaml

from jcsync.model.path import ENTERPRISE_USER
from jcsync.scim.profiles import Profile, load_profile, quirk_names

_LINE: Final = re.compile(r"  (?P<entry>\S.*?)\s+# (?P<comment>.+)")
_ENTERPRISE: Final = "enterprise: "
"""In place of the URN, which would fill the table."""


def render_defaults(name: str) -> str:
    """Return a Markdown table of a profile's mapping: JumpCloud field, SCIM path, platform field.

    The rows stand in the order of the profile; ``externalId`` and ``active``, which are jcsync's
    own, come last.
    """
    comments = _comments(name)
    rows = [
        (_origin(source), _path(path), comments.get(path, ""))
        for path, source in load_profile(name).attributes.items()
    ]
    rows.append(("`_id`", "`externalId`", "the person's key; always sent"))
    rows.append(("the state, see `policy`", "`active`", "access; always sent"))
    lines = [f"| {origin} | {path} | {comment} |" for origin, path, comment in rows]
    heading = "| JumpCloud field | SCIM path | Field of the platform |\n|---|---|---|"
    return "\n".join([heading, *lines]) + "\n"


def render_page(name: str) -> str:
    """Return the page of a profile: its switches, its mapping and where both are known from."""
    profile = load_profile(name)
    plain = Profile(name="", summary="", sources=(), attributes={})
    rows = [
        f"| `{quirk}` | {_shown(getattr(profile, quirk))} | {_shown(getattr(plain, quirk))} |"
        for quirk in quirk_names()
        if getattr(profile, quirk) != getattr(plain, quirk)
    ]
    switches = "\n".join(["| Switch | Here | Default |", "|---|---|---|", *rows])
    sources = "\n".join(f"- {source}" for source in profile.sources)
    return (
        f"# Profile `{name}`\n\n{profile.summary[0].upper()}{profile.summary[1:]}.\n\n"
        f"## Switches\n\n{switches if rows else 'All as they are by default.'}\n\n"
        f"What they mean: [README](README.md).\n\n## Mapping\n\n{render_defaults(name)}\n"
        f"## Sources\n\n{sources}\n"
    )


def render_switches() -> str:
    """Return a Markdown table of every switch, with its default and its meaning."""
    plain = Profile(name="", summary="", sources=(), attributes={})
    text = inspect.cleandoc(Profile.__doc__ or "").partition("Attributes:\n")[2]
    entries = re.findall(r"^    (\w+): ((?:.+\n?)(?:^     +.+\n?)*)", text, re.MULTILINE)
    meanings = {quirk: " ".join(words.split()).replace("``", "`") for quirk, words in entries}
    rows = [
        f"| `{quirk}` | {_shown(getattr(plain, quirk))} | {meanings[quirk]} |"
        for quirk in quirk_names()
    ]
    return "\n".join(["| Switch | Default | Meaning |", "|---|---|---|", *rows]) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"`{key}: {part}`" for key, part in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(f"`{part}`" for part in value) or "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _comments(name: str) -> Mapping[str, str]:
    text = resources.files("jcsync.scim.profiles").joinpath(f"{name}.yaml").read_text("utf-8")
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    lines = [(yaml.safe_load(line["entry"]), line["comment"]) for line in found if line]
    return {str(path): comment for entry, comment in lines for path in entry}


def _path(path: str) -> str:
    prefix = f"{ENTERPRISE_USER}:"
    return f"{_ENTERPRISE}`{path.removeprefix(prefix)}`" if prefix in path else f"`{path}`"


def _origin(source: object) -> str:
    """Return where a value comes from, with what is done to it."""
    if not isinstance(source, Mapping):
        return f"`{source}`"
    origin, *rest = source.items()
    text = f"`{origin[1]}`".replace("|", "\\|")
    return ", ".join([text, *(f"{key.replace('_', ' ')} {value}" for key, value in rest)])
