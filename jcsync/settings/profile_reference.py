"""The default tables in ``docs/mapping.md``, made from the profiles; a test compares them.

What a platform makes of an attribute stands in the file of the profile, as the comment at the end
of its line.
"""

import re
from collections.abc import Mapping
from importlib import resources
from typing import Final

import yaml

from jcsync.model.path import ENTERPRISE_USER
from jcsync.scim.profiles import load_profile

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
