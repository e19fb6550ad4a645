"""Matching → plan. Pure.

Access is never given or taken inside an ordinary patch: who has to be deactivated and patched
is in the plan twice, so that a patch that fails leaves nobody his access.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from jcsync.model.directory import DirectoryGroup, Evidence
from jcsync.model.equality import is_equal
from jcsync.model.plan import Action, AttributeChange, Change, Counts, Plan
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import Access, DesiredUser, Kind, UserResource, Value
from jcsync.model.rules import Policy, Removal, Scope
from jcsync.stages.former import Former
from jcsync.stages.mapping import failed, group_conditions, map_user
from jcsync.stages.matching import UserMatching, UserOrphan, UserPair

STEP_CREATE = 100
STEP_PATCH = 200
STEP_GROUP_CREATE = 3000
STEP_GROUP_PATCH = 3100
STEP_DEACTIVATE = 4000
STEP_DELETE = 4100
STEP_GROUP_DELETE = 4200
_REMOVALS = frozenset({Access.INACTIVE, Access.DELETE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides about one user.

    Attributes:
        evidence: What was found of those who may lose access, by JumpCloud ``id``; somebody who
            is not in it was not asked for.
        removals: Whether access may be taken at all: both sides were read completely.
        groups: The groups of the scope.
        expired: Since when, by JumpCloud ``id``, accounts are deactivated whose time is over
            (``policy.delete_after``).
        former: What the settings choose no more.
    """

    policy: Policy
    scope: Scope
    evidence: Mapping[str, Evidence]
    removals: bool
    groups: tuple[DirectoryGroup, ...]
    expired: Mapping[str, str] = field(default_factory=dict)
    former: Former = field(default_factory=Former)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDiff:
    """The changes of users, and where everybody else ended.

    Attributes:
        unconfirmed: ``resource_id`` of those who keep their access, because their own records
            contradict the lists.
    """

    changes: tuple[Change, ...]
    counts: Counts
    findings: tuple[Finding, ...]
    unconfirmed: frozenset[str]


def diff_users(matching: UserMatching, rules: Rules) -> UserDiff:
    """Return the least set of changes that makes the accounts what they should be.

    Args:
        matching: Both sides, every person and account in exactly one place.
        rules: Policy, evidence, and whether both sides are complete.

    Returns:
        Changes in the order in which they are applied: access is given before it is taken.
        Applied in full and computed again, there are none.
    """
    changes: list[Change] = []
    findings = list(matching.findings)
    unchanged = len(matching.blocked)
    out_of_scope = 0
    for pair in matching.pairs:
        due = list(_diff_pair(pair, rules, findings))
        changes += due
        kept = pair.desired.access is Access.KEEP or not pair.desired.in_scope
        out_of_scope += not due and kept
        unchanged += not due and not kept
    for user in matching.missing:
        created = _diff_missing(user, rules.policy, findings)
        changes += [created] if created else []
        wanted = user.access is Access.ACTIVE and user.in_scope
        out_of_scope += not wanted
        unchanged += wanted and created is None
    for orphan in matching.orphans:
        removed = _diff_orphan(orphan, rules, findings)
        changes += [removed] if removed else []
        out_of_scope += removed is None
    return UserDiff(
        changes=_ordered(changes),
        counts=Counts(
            unchanged=unchanged, unmanaged=len(matching.unmanaged), out_of_scope=out_of_scope
        ),
        findings=tuple(findings),
        unconfirmed=frozenset(_unconfirmed(matching, rules)),
    )


def _unconfirmed(matching: UserMatching, rules: Rules) -> Iterator[str]:
    for pair in matching.pairs:
        if pair.desired.access in _REMOVALS and _confirmed(pair, rules) not in _REMOVALS:
            yield pair.actual.resource_id
    for orphan in matching.orphans:
        found = rules.evidence.get(orphan.link.external_id)
        if found is not None and found.is_inside(rules.groups):
            yield orphan.actual.resource_id


def _diff_pair(pair: UserPair, rules: Rules, findings: list[Finding]) -> Iterator[Change]:
    desired, actual = pair.desired, pair.actual
    if desired.access is Access.KEEP:
        _note_unknown_state(desired, findings)
        return
    if desired.access is Access.ACTIVE:
        if desired.problem:
            findings.append(_finding(FindingKind.SKIPPED, desired, desired.problem))
            return
        due = list(_renewal(pair, rules.policy))
    elif not rules.removals or (pair.adopts and not actual.active):
        return
    else:
        due = list(_removal(pair, rules, findings))
    if due and is_protected(rules.policy, desired.external_id, desired.user_name, actual):
        findings.append(_finding(FindingKind.PROTECTED, desired, _protected(due)))
        return
    if due and pair.adopts:
        message = f"adopted the account {actual.resource_id}, found by {pair.how}"
        findings.append(_finding(FindingKind.ADOPTED, desired, message))
    yield from due


def _renewal(pair: UserPair, policy: Policy) -> Iterator[Change]:
    """Give access back, or bring the attributes of somebody who has it up to date."""
    if pair.actual.active:
        yield from _patch(pair, policy)
        return
    access = (AttributeChange(path="active", before=False, after=True),)
    attributes = access + _attributes_due(pair, policy)
    reason = f"{pair.desired.reason} again"
    yield _change(Action.REACTIVATE, pair, reason, STEP_CREATE, attributes)


def _patch(pair: UserPair, policy: Policy) -> Iterator[Change]:
    """Bring the attributes of an account up to date, and nothing of its access."""
    attributes = _attributes_due(pair, policy)
    if not attributes:
        return
    reason = "differs from JumpCloud"
    if pair.adopts:
        reason = f"adopted by {pair.how}"
    elif _renames(attributes):
        reason = "renamed in JumpCloud"
    yield _change(Action.PATCH, pair, reason, STEP_PATCH, attributes)


def _attributes_due(pair: UserPair, policy: Policy) -> tuple[AttributeChange, ...]:
    due = _differing(pair.desired.attributes, pair.actual.attributes) if policy.update else ()
    if not pair.adopts:
        return due
    return (AttributeChange(path="externalId", before=None, after=pair.desired.external_id), *due)


def _removal(pair: UserPair, rules: Rules, findings: list[Finding]) -> Iterator[Change]:
    """Take access from a member whose state or scope says so."""
    desired, actual = pair.desired, pair.actual
    confirmed = _confirmed(pair, rules)
    if confirmed not in _REMOVALS:
        message = f"{desired.reason} by the list, but not by the record itself; left alone"
        findings.append(_finding(FindingKind.NOT_CONFIRMED, desired, message))
        return
    access = Access.INACTIVE if confirmed is Access.INACTIVE else desired.access
    if pair.adopts and access is Access.DELETE:
        access = Access.INACTIVE  # found by a name just now: the next run, which knows it, deletes
    access, reason = _after_grace(access, desired.external_id, actual, desired.reason, rules)
    if access is Access.INACTIVE and desired.in_scope and not desired.problem:
        yield from _patch(pair, rules.policy)
    yield from _end(access, desired.external_id, actual, reason)


def _after_grace(
    access: Access, external_id: str, actual: UserResource, reason: str, rules: Rules
) -> tuple[Access, str]:
    """Delete, in place of deactivating, what has been deactivated for long enough."""
    since = rules.expired.get(external_id)
    if access is not Access.INACTIVE or actual.active or since is None:
        return access, reason
    return Access.DELETE, f"{reason}; deactivated on {since}, its time is over (delete_after)"


def _confirmed(pair: UserPair, rules: Rules) -> Access:
    """What somebody's own record and memberships mean, by the rules by which lists are judged."""
    found = rules.evidence.get(pair.desired.external_id)
    if found is None or found.user is None:
        return pair.desired.access
    ways = [
        group.name
        for group in rules.groups
        if group.id in found.group_ids
        and not failed(found.user, group_conditions(group, rules.scope))
    ]
    via = next(iter(ways), "" if found.bound else None)
    return map_user(found.user, rules.scope, rules.policy, (), via=via).access


def _diff_orphan(orphan: UserOrphan, rules: Rules, findings: list[Finding]) -> Change | None:
    """Take access from somebody who is in no group of the scope any more."""
    link, actual = orphan.link, orphan.actual
    found = rules.evidence.get(link.external_id)
    if found is not None and found.is_inside(rules.groups):
        message = (
            "is missing from the member list but is in the group by his own record; left alone"
        )
        findings.append(
            Finding(kind=FindingKind.NOT_CONFIRMED, subject=actual.user_name, message=message)
        )
        return None
    if not rules.removals:
        return None
    removal, reason = rules.policy.on_leave, rules.former.why_left(found)
    if found is not None and found.user is None:
        removal, reason = rules.policy.on_delete, "no longer exists in JumpCloud (confirmed)"
    access = {Removal.DEACTIVATE: Access.INACTIVE, Removal.DELETE: Access.DELETE}.get(removal)
    if access is not None:
        access, reason = _after_grace(access, link.external_id, actual, reason, rules)
    due = list(_end(access, link.external_id, actual, reason)) if access else []
    if due and is_protected(rules.policy, link.external_id, actual.user_name, actual):
        message = _protected(due)
        findings.append(
            Finding(kind=FindingKind.PROTECTED, subject=actual.user_name, message=message)
        )
        return None
    return due[0] if due else None


def _diff_missing(user: DesiredUser, policy: Policy, findings: list[Finding]) -> Change | None:
    _note_unknown_state(user, findings)
    if user.access is not Access.ACTIVE or not user.in_scope or not policy.create:
        return None
    if user.problem:
        findings.append(_finding(FindingKind.SKIPPED, user, user.problem))
        return None
    if is_protected(policy, user.external_id, user.user_name, None):
        message = "protected: no account is created (policy.protect)"
        findings.append(_finding(FindingKind.PROTECTED, user, message))
        return None
    values = dict(user.attributes.items()) | dict(user.initial)
    attributes = tuple(
        AttributeChange(path=path, before=None, after=value)
        for path, value in values.items()
        if value not in (None, "")
    )
    return Change(
        action=Action.CREATE,
        kind=Kind.USER,
        name=user.user_name,
        external_id=user.external_id,
        resource_id="",
        reason=user.reason,
        step=STEP_CREATE,
        attributes=attributes,
    )


def _end(
    access: Access | None, external_id: str, actual: UserResource, reason: str
) -> Iterator[Change]:
    if access is Access.DELETE:
        action, step, after = Action.DELETE, STEP_DELETE, None
    elif actual.active:
        action, step, after = Action.DEACTIVATE, STEP_DEACTIVATE, False
    else:
        return
    yield Change(
        action=action,
        kind=Kind.USER,
        name=actual.user_name,
        external_id=external_id,
        resource_id=actual.resource_id,
        reason=reason,
        step=step,
        attributes=(AttributeChange(path="active", before=actual.active, after=after),),
    )


def _change(
    action: Action,
    pair: UserPair,
    reason: str,
    step: int,
    attributes: tuple[AttributeChange, ...],
) -> Change:
    return Change(
        action=action,
        kind=Kind.USER,
        name=pair.desired.user_name,
        external_id=pair.desired.external_id,
        resource_id=pair.actual.resource_id,
        reason=reason,
        step=step,
        attributes=attributes,
    )


def _differing(
    desired: Mapping[str, Value], actual: Mapping[str, Value]
) -> tuple[AttributeChange, ...]:
    held = dict(actual.items())
    return tuple(
        AttributeChange(path=path, before=held.get(path), after=value)
        for path, value in desired.items()
        if not is_equal(path, held.get(path), value)
    )


def _renames(attributes: Iterable[AttributeChange]) -> bool:
    return any(a.path.casefold() == "username" for a in attributes)


def is_protected(
    policy: Policy, external_id: str, user_name: str, actual: UserResource | None
) -> bool:
    """Whether ``policy.protect`` names a person or his account, by any name or id."""
    names = {external_id.casefold(), user_name.casefold()}
    if actual is not None:
        names |= {actual.resource_id.casefold(), actual.user_name.casefold()}
    return bool(names & policy.protect)


def _protected(due: Iterable[Change]) -> str:
    return f"protected from {', '.join(c.action for c in due)} (policy.protect)"


def _note_unknown_state(user: DesiredUser, findings: list[Finding]) -> None:
    if user.state_unknown:
        findings.append(_finding(FindingKind.UNKNOWN_STATE, user, f"{user.reason}; left alone"))


def _finding(kind: FindingKind, user: DesiredUser, message: str) -> Finding:
    return Finding(kind=kind, subject=user.user_name, message=message, external_id=user.external_id)


def _ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda c: (c.step, c.name.casefold(), c.external_id)))


def build_plan(
    connection: str,
    matching: UserMatching,
    changes: Iterable[Change],
    *,
    users_counts: Counts | None = None,
    groups_counts: Counts | None = None,
    group_sizes: Mapping[str, int] | None = None,
    managed_groups: int = 0,
) -> Plan:
    """Put the changes of users and groups together, measured and ordered.

    Args:
        connection: Its name.
        matching: For the numbers of managed and of active accounts.
        changes: Of users and groups, in any order.
        users_counts: Accounts left alone.
        groups_counts: Groups left alone.
        group_sizes: Members now, by ``resource_id``.
        managed_groups: Groups that are ours.
    """
    ours = [*(pair.actual for pair in matching.pairs), *(o.actual for o in matching.orphans)]
    active = sum(account.active for account in ours)
    return Plan(
        connection=connection,
        changes=_ordered(changes),
        users=users_counts or Counts(),
        groups=groups_counts or Counts(),
        managed=len(ours),
        managed_active=active,
        active=active + sum(account.active for account in matching.unmanaged),
        managed_groups=managed_groups,
        group_sizes=dict(group_sizes or {}),
    )
