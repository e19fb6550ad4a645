"""What the platform holds that the directory does not imply. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from jcsync.model.drift import Drift, DriftKind, Edit
from jcsync.model.equality import is_equal
from jcsync.model.history import ChangeRecord
from jcsync.model.plan import AttributeChange, Change
from jcsync.model.resource import GroupResource, Kind, Link, UserResource, Value
from jcsync.model.rules import GroupPolicy, Policy, Removal
from jcsync.stages.matching import GroupMatching, UserMatching
from jcsync.stages.settle import WRITING, last_write

_DIRECTORY_ID = re.compile("[0-9a-f]{24}")
_ORDER = tuple(DriftKind)

Past = Mapping[str, Sequence[ChangeRecord]]
"""The newest applied changes of each person, newest first, by JumpCloud id."""


def strict(policy: Policy) -> Policy:
    """Return a policy under which a plan shows all that is not as the directory implies.

    What a policy keeps for people who left is not implied by the directory.
    """
    removal = Removal.DEACTIVATE
    return replace(policy, update=True, on_leave=removal, on_delete=removal)


def strict_groups(policy: GroupPolicy) -> GroupPolicy:
    """Likewise for groups."""
    return replace(policy, remove_extra=True)


def hides_drift(policy: Policy, groups: GroupPolicy) -> bool:
    """Tell whether a plan under these policies lacks changes that a strict one would have."""
    keeps = Removal.KEEP in (policy.on_leave, policy.on_delete)
    return keeps or not policy.update or (groups.enabled and not groups.remove_extra)


def find_drift(
    users: UserMatching,
    groups: GroupMatching,
    changes: Sequence[Change],
    *,
    links: Iterable[Link],
    past: Past,
    protect: AbstractSet[str] = frozenset(),
) -> tuple[Drift, ...]:
    """Return every resource that is not as the directory implies.

    A difference is somebody's edit only where it is known what was last applied: else it is
    as well a change of the directory, or of the mapping, that is still due.

    Args:
        users: People and accounts.
        groups: Directory groups and groups.
        changes: Due under :func:`strict` and :func:`strict_groups`.
        links: Those of the store.
        past: What was last applied.
        protect: ``policy.protect``: what it names is known to the operator and left out.

    Returns:
        Entries ordered by kind, type and name.
    """
    known = {(link.kind, link.external_id): link for link in links}
    found = [
        *_orphans(changes),
        *_unmanaged_users(users),
        *_groups(groups),
        *_missing(users, groups),
        *_edits(changes, known, past),
        *_extra_members(changes, groups),
    ]
    return tuple(
        sorted(
            (d for d in found if not _names(d) & protect),
            key=lambda d: (_ORDER.index(d.kind), d.resource, d.name.casefold(), d.resource_id),
        )
    )


def _names(drift: Drift) -> set[str]:
    names = (drift.name, drift.external_id, drift.resource_id)
    return {name.casefold() for name in names if name}


def _orphans(changes: Iterable[Change]) -> Iterator[Drift]:
    """Accounts of ours that are active, whose people must not have access."""
    for change in changes:
        if change.kind is Kind.USER and change.takes_access:
            yield _of_change(change, DriftKind.ORPHAN, change.reason, active=True)


def _unmanaged_users(users: UserMatching) -> Iterator[Drift]:
    people = {
        user.external_id
        for user in (*(pair.desired for pair in users.pairs), *users.missing, *users.blocked)
    }
    for account in users.unmanaged:
        foreign = account.external_id
        lost = _DIRECTORY_ID.fullmatch(foreign) and foreign not in people and account.active
        kind = DriftKind.ORPHAN if lost else DriftKind.UNMANAGED
        yield _of_resource(account, kind, Kind.USER, _unmanaged_message(foreign, people))


def _unmanaged_message(external_id: str, people: AbstractSet[str]) -> str:
    if not external_id:
        return "neither created nor adopted by jcsync"
    if external_id in people:
        return "carries the externalId of somebody in scope, and could not be matched with him"
    return "carries an externalId of nobody in scope, and jcsync has no link to it: left alone"


def _groups(groups: GroupMatching) -> Iterator[Drift]:
    for orphan in groups.orphans:
        yield _of_resource(orphan.actual, DriftKind.ORPHAN, Kind.GROUP, orphan.reason)
    for group in groups.unmanaged:
        message = "neither created nor adopted by jcsync"
        yield _of_resource(group, DriftKind.UNMANAGED, Kind.GROUP, message)


def _missing(users: UserMatching, groups: GroupMatching) -> Iterator[Drift]:
    """What jcsync created, is still wanted, and is not there any more."""
    wanted = {user.external_id for user in users.missing}
    wanted |= {group.external_id for group in groups.missing}
    for link in (*users.gone, *groups.gone):
        if link.external_id in wanted:
            yield Drift(
                kind=DriftKind.MISSING,
                resource=link.kind,
                name=link.name,
                external_id=link.external_id,
                resource_id=link.resource_id,
                message="was deleted on the platform",
            )


def _edits(
    changes: Iterable[Change], known: Mapping[tuple[Kind, str], Link], past: Past
) -> Iterator[Drift]:
    for change in changes:
        link = known.get((change.kind, change.external_id))
        if change.action not in WRITING or link is None:
            continue
        edits = tuple(
            Edit(path=a.path, applied=applied, found=a.before, wanted=a.after)
            for a in change.attributes
            for applied in _applied(a, link, past.get(change.external_id, ()), known)
        )
        if edits:
            message = "changed on the platform since jcsync last set it"
            active = None
            if change.kind is Kind.USER:
                active = not any(edit.path == "active" for edit in edits)
            drift = _of_change(change, DriftKind.EDITED, message, active=active)
            yield replace(drift, edits=edits)


def _applied(
    due: AttributeChange,
    link: Link,
    records: Sequence[ChangeRecord],
    known: Mapping[tuple[Kind, str], Link],
) -> Iterator[Value]:
    """Yield what was last applied, where somebody else has changed it since."""
    if link.kind is Kind.GROUP:
        if due.path == "displayName" and due.before != link.name:
            yield link.name
    elif due.path == "active":
        if due.before is False and link.deactivated_at is None:
            yield True
    else:
        for applied in last_write(due.path, records):
            # A reference to an account that was new then is kept as the id of its person.
            target = known.get((Kind.USER, str(applied)))
            meant = (applied, target.resource_id) if target else (applied,)
            if not any(is_equal(due.path, due.before, value) for value in meant):
                yield meant[-1]


def _extra_members(changes: Iterable[Change], groups: GroupMatching) -> Iterator[Drift]:
    left = {orphan.actual.resource_id for orphan in groups.orphans}
    for change in changes:
        if change.kind is Kind.GROUP and change.remove and change.resource_id not in left:
            message = "has members that the directory does not imply"
            drift = _of_change(change, DriftKind.EXTRA_MEMBERS, message)
            yield replace(drift, members=tuple(member.name for member in change.remove))


def _of_change(
    change: Change, kind: DriftKind, message: str, *, active: bool | None = None
) -> Drift:
    return Drift(
        kind=kind,
        resource=change.kind,
        name=change.name,
        external_id=change.external_id,
        resource_id=change.resource_id,
        message=message,
        active=active,
    )


def _of_resource(
    resource: UserResource | GroupResource, kind: DriftKind, of: Kind, message: str
) -> Drift:
    return Drift(
        kind=kind,
        resource=of,
        name=resource.user_name if isinstance(resource, UserResource) else resource.display_name,
        external_id=resource.external_id,
        resource_id=resource.resource_id,
        message=message,
        active=resource.active if isinstance(resource, UserResource) else None,
    )
