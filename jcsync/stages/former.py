"""Settings of the last full run and of now → who falls out of scope by configuration. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jcsync.model.baseline import Baseline
from jcsync.model.directory import DirectoryGroup, Evidence
from jcsync.model.rules import Scope
from jcsync.stages.mapping import is_selected
from jcsync.stages.matching import LEFT

_OUT = "is out of scope by configuration"
_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What the settings chose at the last full run, and choose no more.

    Attributes:
        groups: Names of groups by JumpCloud ``id``.
        application: The former ``scope.application``, ``""`` when it is the same.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    application: str = ""

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.groups or self.application)

    def why_left(self, found: Evidence | None) -> str:
        """Return why somebody in none of the chosen groups is in none of them.

        Args:
            found: What he himself was found to be in, ``None`` when he was not asked for.
        """
        if found is None:
            return f"{_OUT} ({self}), or {LEFT}" if self else LEFT
        return self.why_out(found) or f"{LEFT} (confirmed)"

    def why_out(self, found: Evidence) -> str:
        """Return why the settings put somebody in none of the chosen groups out, or ``""``."""
        inside = [name for key, name in self.groups.items() if key in found.group_ids]
        if inside:
            return f"{_OUT} (still in {_listed(inside)}, not chosen any more)"
        return f"{_OUT} ({self})" if self.application else ""

    def __str__(self) -> str:
        """What is not chosen any more, in words."""
        if self.application:
            return f"scope.application is not {self.application} any more"
        return f"not chosen any more: {_listed(self.groups.values())}"


def find_former(
    before: Baseline | None,
    groups: Iterable[DirectoryGroup],
    scope: Scope,
    unfinished: Former | None = None,
) -> Former:
    """Return what the settings choose no more.

    A group that JumpCloud itself took out, by ending its binding to the application, is none.

    Args:
        before: Of the last full run, ``None`` when there was none.
        groups: The groups of the scope now.
        scope: The settings now.
        unfinished: What earlier runs have found, and could not make so.
    """
    unfinished = unfinished or Former()
    if before is None:
        return unfinished
    now = {group.id for group in groups}
    moved = before.application != scope.application
    dropped = {
        key: name for key, name in before.groups.items() if moved or {key, name} & before.chosen
    }
    left = unfinished.application if unfinished.application != scope.application else ""
    return Former(
        groups={
            key: name
            for key, name in sorted(
                {**unfinished.groups, **dropped}.items(), key=lambda item: item[1]
            )
            if key not in now
        },
        application=before.application if moved else left,
    )


def dump_former(former: Former) -> str:
    """Return it as JSON; ``""`` for nothing."""
    return json.dumps([dict(former.groups), former.application]) if former else ""


def parse_former(text: str) -> Former:
    """Return what :func:`dump_former` was given."""
    groups, application = json.loads(text) if text else ({}, "")
    return Former(groups=groups, application=application)


def why_groups_left(
    former: Former, groups: Iterable[DirectoryGroup], only: Iterable[str]
) -> Mapping[str, str]:
    """Return why groups are not provisioned any more, by JumpCloud ``id``.

    Args:
        former: What the settings choose no more.
        groups: The groups of the scope now.
        only: ``groups.only``.

    Returns:
        Those alone that the configuration keeps out; others left by themselves.
    """
    only = tuple(only)
    dropped = dict.fromkeys(former.groups, f"{_OUT} (not chosen any more)")
    unselected = {
        group.id: f"{_OUT} (groups.only)" for group in groups if not is_selected(group, only)
    }
    return dropped | unselected


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = len(shown) - _LISTED
    return ", ".join(shown[:_LISTED]) + (f" and {more} more" if more > 0 else "")
