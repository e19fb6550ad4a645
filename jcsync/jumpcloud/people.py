"""Some people instead of everybody: what their own records say → the state of the directory. Pure."""

from collections.abc import Iterable, Mapping

from jcsync.model.directory import (
    DirectoryGroup,
    DirectoryState,
    DirectoryUser,
    Evidence,
    Membership,
)


def state_of_people(
    asked: frozenset[str],
    groups: tuple[DirectoryGroup, ...],
    found: Mapping[str, Evidence],
    gaps: Iterable[str],
) -> DirectoryState:
    """Put together what was found of some people, in the form of a full read.

    Args:
        asked: Whom it is about.
        groups: Those of the scope.
        found: What their records and those of the people whom they refer to say, by ``id``.
        gaps: Why something of it is not known.
    """
    bound = [key for key, e in found.items() if e.bound and not e.gap]
    inside = {group.id for group in groups}
    return DirectoryState(
        groups=groups,
        members={group.id: _members(group, found) for group in groups},
        direct=Membership(
            user_ids=frozenset(key for key in bound if not found[key].group_ids & inside)
        ),
        users={key: e.user for key, e in found.items() if e.user is not None},
        gaps=(
            *gaps,
            *(gap for group in groups if (gap := broken_rule(group))),
            *(e.gap for e in found.values() if e.gap),
        ),
        asked=asked,
    )


def _members(group: DirectoryGroup, found: Mapping[str, Evidence]) -> Membership:
    members = (key for key, evidence in found.items() if group.id in evidence.group_ids)
    return Membership(user_ids=frozenset(members), gap=broken_rule(group))


def broken_rule(group: DirectoryGroup) -> str:
    """Return why the members of a group cannot be relied on, or ``""``."""
    flags = ", ".join(group.error_flags)
    return f'the rule of the dynamic group "{group.name}" is broken ({flags})' if flags else ""


def called(who: str, people: Iterable[DirectoryUser]) -> tuple[DirectoryUser, ...]:
    """Return those with this username or e-mail, case ignored, each once."""
    name = who.casefold()
    found = {p.id: p for p in people if name in (p.username.casefold(), p.email.casefold())}
    return tuple(found.values())
