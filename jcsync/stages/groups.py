"""Group matching → changes of groups and of their members. Pure."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from jcsync.model.plan import Action, AttributeChange, Change, Counts, Member
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import DesiredGroup, Kind, UserResource
from jcsync.model.rules import GroupPolicy, GroupRemoval
from jcsync.stages.diff import STEP_GROUP_CREATE, STEP_GROUP_DELETE, STEP_GROUP_PATCH, UserDiff
from jcsync.stages.matching import GroupMatching, GroupOrphan, GroupPair, UserMatching


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Who can be a member.

    Attributes:
        members: By JumpCloud ``id``: everybody who has an account or gets one by this plan.
        names: ``userName`` by ``resource_id``, of every account.
        owners: JumpCloud ``id`` by ``resource_id``, of every managed account.
        spared: ``resource_id`` of accounts that neither enter nor leave a group: those that could
            be adopted and are not, and those of leavers whom their own records contradict.
        blocked: JumpCloud ``id`` of people whose account is not known.
    """

    members: Mapping[str, Member]
    names: Mapping[str, str]
    owners: Mapping[str, str]
    spared: frozenset[str]
    blocked: frozenset[str]

    def entering(self, group: DesiredGroup, present: AbstractSet[str]) -> list[Member]:
        """Those of a group who can be its members and are not yet."""
        there = frozenset(present)
        return [
            member
            for key in group.members
            if (member := self.members.get(key)) is not None
            and member.resource_id not in there
            and member.resource_id not in self.spared
        ]

    def leaving(self, group: DesiredGroup, present: AbstractSet[str]) -> AbstractSet[str]:
        """``resource_id`` of members that a group does not imply.

        While one of its people cannot be matched, any account of nobody may be his.
        """
        implied = {self.members[key].resource_id for key in group.members & self.members.keys()}
        extra = present - implied - self.spared
        return extra & self.owners.keys() if group.members & self.blocked else extra


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDiff:
    """The changes of groups, and where the other groups ended."""

    changes: tuple[Change, ...]
    counts: Counts
    findings: tuple[Finding, ...]
    sizes: Mapping[str, int]


def build_roster(
    matching: UserMatching, users: UserDiff, accounts: tuple[UserResource, ...]
) -> Roster:
    """Return who can be a member of a group after this plan."""
    members = {
        pair.desired.external_id: Member(
            name=pair.actual.user_name,
            external_id=pair.desired.external_id,
            resource_id=pair.actual.resource_id,
        )
        for pair in matching.pairs
    }
    for change in users.changes:
        if change.action is Action.CREATE:
            members[change.external_id] = Member(
                name=change.name, external_id=change.external_id, resource_id=""
            )
        elif change.action is Action.DELETE:
            members.pop(change.external_id, None)
    owners = {member.resource_id: key for key, member in members.items() if member.resource_id}
    owners |= {o.actual.resource_id: o.link.external_id for o in matching.orphans}
    adoptable = {pair.actual.resource_id for pair in matching.pairs if pair.adopts}
    return Roster(
        members=members,
        names={account.resource_id: account.user_name for account in accounts},
        owners=owners,
        spared=users.unconfirmed | (adoptable - {c.resource_id for c in users.changes}),
        blocked=frozenset(user.external_id for user in matching.blocked),
    )


def diff_groups(
    matching: GroupMatching, roster: Roster, policy: GroupPolicy, *, removals: bool
) -> GroupDiff:
    """Return the least set of changes that makes the groups what they should be.

    Args:
        matching: Both sides, every group in exactly one place.
        roster: Who can be a member.
        policy: What to do with groups.
        removals: Whether members may be removed and groups deleted: both sides are complete.
    """
    changes: list[Change] = []
    unchanged = len(matching.blocked) + len(matching.withheld)
    for pair in matching.pairs:
        change = _diff_pair(pair, roster, policy, removals=removals)
        changes += [change] if change else []
        unchanged += change is None
    for group in matching.missing:
        due = list(_diff_missing(group, roster, policy))
        changes += due
        unchanged += not due
    for orphan in matching.orphans:
        left = _diff_orphan(orphan, roster, policy) if removals else None
        changes += [left] if left else []
        unchanged += left is None
    adopted = [
        Finding(
            kind=FindingKind.ADOPTED,
            subject=pair.desired.display_name,
            message=f"adopted the group {pair.actual.resource_id}, found by its name",
        )
        for pair in matching.pairs
        if pair.adopts and policy.create
    ]
    actual = [*(p.actual for p in matching.pairs), *(o.actual for o in matching.orphans)]
    return GroupDiff(
        changes=tuple(changes),
        counts=Counts(unchanged=unchanged, unmanaged=len(matching.unmanaged)),
        findings=(*matching.findings, *adopted),
        sizes={
            group.resource_id: len(group.members) if group.size is None else group.size
            for group in actual
        },
    )


def _diff_pair(
    pair: GroupPair, roster: Roster, policy: GroupPolicy, *, removals: bool
) -> Change | None:
    desired, actual = pair.desired, pair.actual
    attributes: list[AttributeChange] = []
    if pair.adopts and policy.create:
        after = desired.external_id
        attributes.append(AttributeChange(path="externalId", before=None, after=after))
    if policy.create and desired.display_name != actual.display_name:
        attributes.append(
            AttributeChange(
                path="displayName", before=actual.display_name or None, after=desired.display_name
            )
        )
    add = roster.entering(desired, actual.members)
    remove: list[Member] = []
    if removals and policy.remove_extra and desired.members_known:
        remove = _named(roster.leaving(desired, actual.members), roster)
    if not attributes and not add and not remove:
        return None
    return Change(
        action=Action.PATCH,
        kind=Kind.GROUP,
        name=desired.display_name,
        external_id=desired.external_id,
        resource_id=actual.resource_id,
        reason="adopted by displayName" if pair.adopts else "differs from JumpCloud",
        step=STEP_GROUP_PATCH,
        attributes=tuple(attributes),
        add=_by_name(add),
        remove=_by_name(remove),
    )


def _diff_missing(group: DesiredGroup, roster: Roster, policy: GroupPolicy) -> Iterator[Change]:
    members = roster.entering(group, frozenset())
    if not policy.create or (not members and not policy.keep_empty):
        return
    yield Change(
        action=Action.CREATE,
        kind=Kind.GROUP,
        name=group.display_name,
        external_id=group.external_id,
        resource_id="",
        reason="is in the chosen groups",
        step=STEP_GROUP_CREATE,
        attributes=(AttributeChange(path="displayName", before=None, after=group.display_name),),
        add=_by_name(members),
    )


def _diff_orphan(orphan: GroupOrphan, roster: Roster, policy: GroupPolicy) -> Change | None:
    link, actual = orphan.link, orphan.actual
    delete = policy.on_leave is GroupRemoval.DELETE and policy.create
    if policy.on_leave is GroupRemoval.KEEP or (not delete and not actual.members):
        return None
    return Change(
        action=Action.DELETE if delete else Action.PATCH,
        kind=Kind.GROUP,
        name=actual.display_name,
        external_id=link.external_id,
        resource_id=actual.resource_id,
        reason=orphan.reason,
        step=STEP_GROUP_DELETE if delete else STEP_GROUP_PATCH,
        remove=() if delete else _by_name(_named(actual.members, roster)),
    )


def _named(leaving: AbstractSet[str], roster: Roster) -> list[Member]:
    return [
        Member(
            name=roster.names.get(resource_id, resource_id),
            external_id=roster.owners.get(resource_id, ""),
            resource_id=resource_id,
        )
        for resource_id in leaving
    ]


def _by_name(members: list[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda m: (m.name.casefold(), m.external_id, m.resource_id)))
