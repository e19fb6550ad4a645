"""Which groups a setting means, and what it may have meant. Pure."""

import difflib
from collections.abc import Iterable, Mapping

from jcsync.errors import NobodyError, SettingsError, UsageError
from jcsync.model.directory import DirectoryGroup, is_object_id

_NEAR_MATCHES = 5
_LISTED = 10


def resolve_groups(groups: Iterable[DirectoryGroup], wanted: Iterable[str]) -> list[DirectoryGroup]:
    """Return the groups with these names or ids, in the order wanted.

    Raises:
        SettingsError: One does not exist or is ambiguous; all of them are named, with what is near.
    """
    known = list(groups)
    found: list[DirectoryGroup] = []
    problems: list[str] = []
    for text in wanted:
        matches = _called(known, text)
        if len(matches) == 1:
            found += matches
        elif matches:
            ids = ", ".join(g.id for g in matches)
            problems.append(f"{len(matches)} groups are called {text!r}: use an id ({ids})")
        else:
            names = [g.name for g in known]
            near = near_matches(text, names)
            if {"*", "?"} & set(text):
                near = f"; these are names or ids, not patterns{near}"
            all_of_them = "" if "did you mean" in near else "; jcsync groups lists all"
            problems.append(f"unknown group {text!r} (scope.groups){near}{all_of_them}")
    if problems:
        raise SettingsError("; ".join(problems))
    return found


def choose_group(groups: Iterable[DirectoryGroup], wanted: str) -> DirectoryGroup:
    """Return the group of the scope with this name or id; case counts only between several.

    Raises:
        NobodyError: There is none.
        UsageError: There are several.
    """
    known, text = list(groups), wanted.strip()
    found = _called(known, text) or [g for g in known if g.name.casefold() == text.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(group.id for group in found)
        message = f"{len(found)} groups are called {text!r}: give an id ({ids})"
        raise UsageError(message)
    near = near_matches(text, [group.name for group in known])
    message = f"the scope has no group {text!r}{near}"
    raise NobodyError(message)


def _called(known: Iterable[DirectoryGroup], text: str) -> list[DirectoryGroup]:
    groups = list(known)
    return [g for g in groups if g.id == text.lower() and is_object_id(text)] or [
        g for g in groups if g.name == text
    ]


def near_matches(wanted: str, known: list[str]) -> str:
    """Return ``; did you mean …?``, or what there is, for the end of a message."""
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(wanted.casefold(), folded, n=_NEAR_MATCHES, cutoff=0.5)
    near += [name for name in folded if wanted.casefold() in name and name not in near]
    if near:
        return "; did you mean " + ", ".join(repr(folded[n]) for n in near[:_NEAR_MATCHES]) + "?"
    names = [repr(name) for name in dict.fromkeys(known)]
    if not names:
        return "; there are none"
    more = ", …" if len(names) > _LISTED else ""
    return f"; there are {', '.join(names[:_LISTED])}{more}"


def listed(names: Mapping[str, str]) -> str:
    """Return ids with their names, the first ten of them."""
    shown = [f"{key} ({name})" if name else key for key, name in list(names.items())[:_LISTED]]
    return ", ".join(shown) + (", …" if len(names) > len(shown) else "")
