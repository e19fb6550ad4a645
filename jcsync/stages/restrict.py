"""Matching, plan and findings → the part of them that is about some people. Pure."""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace

from jcsync.errors import NobodyError, UsageError
from jcsync.model.plan import Change, Plan
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import DesiredUser, Kind, Link
from jcsync.stages.matching import GroupMatching, UserMatching
from jcsync.stages.references import without_dangling

_OF_SIDES = frozenset({FindingKind.INCOMPLETE, FindingKind.READ_IN_FULL})


def restrict_users(matching: UserMatching, wanted: AbstractSet[str]) -> UserMatching:
    """Keep some people and accounts: nothing can be said of the others.

    Args:
        matching: Of all who were read.
        wanted: JumpCloud ids, or ids of unmanaged accounts.
    """

    def keep(users: Iterable[DesiredUser]) -> tuple[DesiredUser, ...]:
        return tuple(user for user in users if user.external_id in wanted)

    blocked = keep(matching.blocked)
    names = {user.user_name for user in blocked}
    return UserMatching(
        pairs=tuple(p for p in matching.pairs if p.desired.external_id in wanted),
        missing=keep(matching.missing),
        blocked=blocked,
        orphans=tuple(o for o in matching.orphans if o.link.external_id in wanted),
        unmanaged=tuple(a for a in matching.unmanaged if wanted & {a.external_id, a.resource_id}),
        findings=tuple(f for f in matching.findings if f.subject in names),
    )


def restrict_groups(
    matching: GroupMatching, wanted: AbstractSet[str], group: str = ""
) -> GroupMatching:
    """Leave out the groups that were not looked for.

    Args:
        matching: Of all groups that were read.
        wanted: People who should be in a group, else it was not looked for.
        group: JumpCloud id of the only group that was, or ``""``.
    """
    if not group:
        missing = tuple(one for one in matching.missing if one.members & wanted)
        return replace(matching, missing=missing, gone=())
    return GroupMatching(
        pairs=tuple(pair for pair in matching.pairs if pair.desired.external_id == group),
        missing=tuple(one for one in matching.missing if one.external_id == group),
        blocked=tuple(one for one in matching.blocked if one.external_id == group),
        findings=matching.findings,
    )


def measure_plan(plan: Plan, links: Iterable[Link]) -> Plan:
    """Take from the store what percentages are of, which the reading of some people cannot tell."""
    links = tuple(links)
    users = [link for link in links if link.kind is Kind.USER]
    active = sum(link.deactivated_at is None for link in users)
    return replace(
        plan,
        managed=max(plan.managed, len(users)),
        managed_active=max(plan.managed_active, active),
        managed_groups=max(plan.managed_groups, len(links) - len(users)),
    )


def names_in(matching: UserMatching) -> frozenset[str]:
    """What findings may call the people and accounts of a matching."""
    people = [*(pair.desired for pair in matching.pairs), *matching.missing, *matching.blocked]
    accounts = [
        *(pair.actual for pair in matching.pairs),
        *(orphan.actual for orphan in matching.orphans),
        *matching.unmanaged,
    ]
    return frozenset([p.user_name for p in people] + [a.user_name for a in accounts])


def restrict_plan(plan: Plan, wanted: AbstractSet[str], *, group: str = "") -> Plan:
    """Keep the changes of some people, their memberships included.

    Their references to people whose accounts are still to be created wait for a run about those.

    Args:
        plan: Of all who were read.
        wanted: JumpCloud ids, or ids of unmanaged accounts.
        group: JumpCloud id of the only group whose changes are kept, whole; ``""`` for those of
            all groups, as far as they are about these people.
    """
    parts = (
        _whole(change, wanted, group) if group else _part(change, wanted) for change in plan.changes
    )
    kept = (part for part in parts if part is not None)
    return replace(plan, changes=without_dangling(kept))


def restrict_findings(findings: Iterable[Finding], names: Collection[str]) -> tuple[Finding, ...]:
    """Keep the findings about some people, and those about whole sides."""
    return tuple(f for f in findings if f.kind in _OF_SIDES or f.subject in names)


def choose_one(ids: Collection[str], who: str) -> str:
    """Return the only id.

    Raises:
        NobodyError: Nobody is called so.
        UsageError: Several people are.
    """
    if not ids:
        message = (
            f"nobody called {who!r} is in JumpCloud or on the platform; give an id, username or "
            "e-mail"
        )
        raise NobodyError(message)
    if len(ids) > 1:
        message = f"several people are called {who!r}: give one of the ids {', '.join(sorted(ids))}"
        raise UsageError(message)
    return next(iter(ids))


def linked_ids(links: Iterable[Link], who: str) -> set[str]:
    """Return the JumpCloud ids of those whose account was called so when it was last seen."""
    return {
        link.external_id
        for link in links
        if link.kind is Kind.USER and called(who, link.external_id, link.resource_id, link.name)
    }


def _whole(change: Change, wanted: AbstractSet[str], group: str) -> Change | None:
    if change.kind is Kind.GROUP:
        return change if change.external_id == group else None
    return _part(change, wanted)


def _part(change: Change, wanted: AbstractSet[str]) -> Change | None:
    if change.kind is Kind.USER:
        return change if wanted & {change.external_id, change.resource_id} else None
    add = tuple(m for m in change.add if wanted & {m.external_id, m.resource_id})
    remove = tuple(m for m in change.remove if wanted & {m.external_id, m.resource_id})
    if not add and not remove:
        return None
    return replace(
        change,
        attributes=change.attributes if not change.resource_id else (),
        add=add,
        remove=remove,
    )


def called(who: str, *names: str) -> bool:
    """Whether one of these names is meant, case ignored."""
    return who.strip().casefold() in (name.casefold() for name in names if name)
