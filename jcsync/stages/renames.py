"""Who gets a name that another account has. Pure.

the other one gives it up by this plan   he gets it afterwards
they swap names, two or more             the first of them takes an interim name meanwhile
the other one keeps it                   he does not get it, and both are named
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from jcsync.model.plan import Action, Change
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import UserResource
from jcsync.stages.diff import STEP_GROUP_CREATE, STEP_PATCH
from jcsync.stages.matching import UserMatching

_LONGEST_CHAIN = STEP_GROUP_CREATE - STEP_PATCH - 1
_TAG = 8
_SEVERAL = "several people in scope would have"

Before = Callable[[Change], Change | None]


def arrange_names(
    changes: Iterable[Change], matching: UserMatching
) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """Put each change that needs a name after the one that frees it, or leave the name out.

    Args:
        changes: Of users, all that are made.
        matching: Every account that was read.

    Returns:
        The changes in their order, with their steps, and one finding for each name that another
        account keeps: its create is left out, and of any other change the name. Of each ring of
        names one change has an interim name.
    """
    changes = tuple(changes)
    if not any(map(_wanted, changes)):
        return changes, ()
    owners = _owners(matching)
    refused = _refused(changes, owners)
    freeing = {c.resource_id: c for c in changes if _renames(c) and _key(c) not in refused}
    holders = {
        account.user_name.casefold(): freeing[account.resource_id]
        for account, _ in owners.values()
        if account.resource_id in freeing
    }

    def before(change: Change) -> Change | None:
        """The change that frees the name that this one needs."""
        holder = holders.get(_wanted(change))
        return None if holder is None or holder.resource_id == change.resource_id else holder

    rings = _rings(freeing.values(), before)
    levels = _levels(freeing.values(), before, rings)
    arranged: list[Change] = []
    findings: list[Finding] = []
    for change in changes:
        if _key(change) in refused and _wanted(change):
            arranged += _without_name(change)
            findings.append(_conflict(change, refused[_key(change)]))
        elif first := before(change):
            level = 0 if first.resource_id in rings else levels[first.resource_id] + 1
            later = replace(change, step=STEP_PATCH + min(level, _LONGEST_CHAIN))
            in_ring = change.resource_id in rings
            arranged.append(_with_interim(later, owners) if in_ring else later)
        else:
            arranged.append(change)
    return tuple(arranged), tuple(findings)


def _owners(matching: UserMatching) -> Mapping[str, tuple[UserResource, str]]:
    """Every account with its owner in words, by ``resource_id``."""
    accounts = [
        *(
            (p.actual, f"of {p.desired.user_name} ({p.desired.external_id})")
            for p in matching.pairs
        ),
        *((o.actual, f"of {o.link.external_id}, who left the scope") for o in matching.orphans),
        *((actual, "that jcsync does not manage") for actual in matching.unmanaged),
    ]
    return {actual.resource_id: (actual, owner) for actual, owner in accounts}


def _refused(
    changes: Iterable[Change], owners: Mapping[str, tuple[UserResource, str]]
) -> Mapping[str, str]:
    """Who keeps the name that a change needs, in words, by the key of the change.

    Who does not get a name keeps his own, which may be what the next one needs.
    """
    freeing = {change.resource_id for change in changes if _renames(change)}
    wanting: dict[str, list[Change]] = {}
    for change in changes:
        if name := _wanted(change):
            wanting.setdefault(name, []).append(change)
    refused: dict[str, str] = {}
    keepers = [resource_id for resource_id in owners if resource_id not in freeing]
    for rivals in wanting.values():
        if len(rivals) > 1:
            ids = ", ".join(sorted(change.external_id for change in rivals))
            refused |= {_key(change): f"{_SEVERAL} it: {ids}" for change in rivals}
            keepers += [change.resource_id for change in rivals if change.resource_id]
    while keepers:
        actual, owner = owners[keepers.pop()]
        for change in wanting.get(actual.user_name.casefold(), ()):
            if change.resource_id != actual.resource_id and _key(change) not in refused:
                refused[_key(change)] = f"the account {actual.resource_id} {owner} has it"
                keepers += [change.resource_id] if change.resource_id else []
    return refused


def _rings(freeing: Iterable[Change], before: Before) -> frozenset[str]:
    """The account of each ring of names that gives its name up first, by ``resource_id``."""
    seen: set[str] = set()
    first: set[str] = set()
    for change in freeing:
        path: list[str] = []
        current: Change | None = change
        while current and current.resource_id not in seen:
            seen.add(current.resource_id)
            path.append(current.resource_id)
            current = before(current)
        if current and current.resource_id in path:
            first.add(min(path[path.index(current.resource_id) :]))
    return frozenset(first)


def _levels(freeing: Iterable[Change], before: Before, rings: Collection[str]) -> Mapping[str, int]:
    """How many changes have to be made before each of these, by ``resource_id``.

    The name of an account that takes an interim one is free from the beginning.
    """
    levels: dict[str, int] = {}
    for change in freeing:
        chain: list[str] = []
        current: Change | None = change
        while current and current.resource_id not in levels:
            chain.append(current.resource_id)
            current = before(current)
            if current and current.resource_id in rings:
                current = None
        level = levels[current.resource_id] if current else -1
        for resource_id in reversed(chain):
            level += 1
            levels[resource_id] = level
    return levels


def _with_interim(change: Change, owners: Mapping[str, tuple[UserResource, str]]) -> Change:
    """Let a change free its name first: the plan says which one the account has meanwhile."""
    actual, _ = owners[change.resource_id]
    name, at, domain = actual.user_name.rpartition("@")
    tag = (change.external_id or change.resource_id)[-_TAG:]
    interim = f"{name}+{tag}{at}{domain}" if at else f"{domain}-{tag}"
    reason = f"{change.reason}; its name goes round, so it is {interim} in between"
    return replace(change, interim=interim, reason=reason)


def _without_name(change: Change) -> tuple[Change, ...]:
    left = tuple(a for a in change.attributes if a is not change.rename)
    if change.action is Action.CREATE or not left:
        return ()
    return (replace(change, attributes=left),)


def _conflict(change: Change, reason: str) -> Finding:
    name = change.rename.after if change.rename else ""
    message = (
        f"needs the userName {name!r}, and {reason}; give one of them another name, or free it on "
        "the platform"
    )
    return Finding(
        kind=FindingKind.CONFLICT,
        subject=change.name,
        message=message,
        external_id=change.external_id,
    )


def _key(change: Change) -> str:
    return change.resource_id or change.external_id


def _wanted(change: Change) -> str:
    """The ``userName`` that a change gives, case-folded, ``""`` for none."""
    rename = change.rename
    return str(rename.after).casefold() if rename else ""


def _renames(change: Change) -> bool:
    return bool(change.resource_id and _wanted(change))
