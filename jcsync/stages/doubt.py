"""What a flawless answer shows and is still not believed: asked for again, directly.

    a group that people are missing in    they are asked for before they lose the membership
    leavers who are still in by most of   so are all other losses that the same lists show
    their own records
    an account or group that is gone      it is asked for before it is created anew, or forgotten

A list that one direct answer contradicts is incomplete, whatever its totals say; but some platforms
list no inactive accounts: that one of them is found tells nothing about the others, unless the list
shows nobody at all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from jcsync.errors import RemoteError
from jcsync.model.directory import DirectoryState, Evidence, is_object_id
from jcsync.model.limits import Limits
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import DesiredUser, GroupResource, Link, ProviderState
from jcsync.model.rules import GroupPolicy
from jcsync.ports import ServiceProvider
from jcsync.stages.guard import allowance
from jcsync.stages.mapping import is_selected
from jcsync.stages.matching import UserMatching
from jcsync.threads import Pool

_MARGIN = 20
_LOOK_UPS = 8
_SAMPLE = 4
_FEW = 50


def doubtful_losses(
    state: DirectoryState,
    actual: Iterable[GroupResource],
    users: UserMatching,
    links: Iterable[Link],
    policy: GroupPolicy,
    limits: Limits | None = None,
) -> Mapping[str, tuple[str, ...]]:
    """Return who is to be asked for about a group that he is in there and not here.

    Of a group that is suddenly empty everybody is asked for, of the others a few: people move
    every day, and one of them is enough to prove a list wrong.

    Args:
        state: The directory; people who were read directly are not asked for again.
        actual: All groups of the platform.
        users: Whose account is whose.
        links: Of kind Group.
        policy: Nobody is asked for where no member is removed.
        limits: Emptied groups that lose far more members than these allow are left out: the plan
            is held whatever is found. ``None`` for every group.

    Returns:
        JumpCloud ids of all but those who are asked for as leavers, by id of the directory group.
    """
    certain = state.asked is not None and not state.listed
    if not policy.enabled or not policy.remove_extra or certain:
        return {}
    by_owner = {group.external_id: group for group in actual if group.external_id}
    by_id = {group.resource_id: group for group in actual}
    linked = {link.external_id: by_id.get(link.resource_id) for link in links}
    people = _askable(users)
    asked: dict[str, tuple[str, ...]] = {}
    left = _FEW
    for group in state.groups:
        held = linked.get(group.id) or by_owner.get(group.id)
        if held is None or not is_selected(group, policy.only):
            continue
        listed = state.members[group.id].user_ids
        losing = sorted({people[key] for key in held.members & people.keys()} - listed)
        if listed:
            losing = losing[:left]
            left -= len(losing)
        elif limits and _is_held_anyway(len(losing), len(held.members), limits):
            losing = []
        if losing:
            asked[group.id] = tuple(losing)
    return asked


def _askable(users: UserMatching) -> dict[str, str]:
    """JumpCloud id by ``id`` of the account, but for who has access and is in no group any more."""
    strange = ((a.resource_id, a.external_id) for a in users.unmanaged)
    return {
        **{key: owner for key, owner in strange if is_object_id(owner)},  # a store may be lost
        **{o.actual.resource_id: o.link.external_id for o in users.orphans if not o.actual.active},
        **{p.actual.resource_id: p.desired.external_id for p in users.pairs if p.desired.in_scope},
    }


def _is_held_anyway(losing: int, members: int, limits: Limits) -> bool:
    allowed = allowance(limits.remove_members, members)
    return allowed is not None and losing > 2 * allowed + _MARGIN


def contradicted(
    state: DirectoryState,
    asked: Mapping[str, Iterable[str]],
    evidence: Mapping[str, Evidence],
) -> tuple[str, ...]:
    """Return what is wrong with the lists of members that people's own records contradict."""
    names = {group.id: group.name for group in state.groups}
    gaps = []
    for group_id, user_ids in asked.items():
        inside = [i for i in user_ids if i in evidence and group_id in evidence[i].group_ids]
        if inside:
            gaps.append(
                f'the list of members of "{names[group_id]}" leaves out {len(inside)} people who '
                "are in the group by their own records"
            )
    return tuple(gaps)


def misled(
    state: DirectoryState, users: UserMatching, evidence: Mapping[str, Evidence]
) -> tuple[str, ...]:
    """Return what is wrong with lists of members when most who left by them have not.

    One of several who is not confirmed may have come back in between, and is left alone.

    Args:
        state: The directory; nothing is said of people who were read directly.
        users: Who left, by the lists.
        evidence: What was found of those who were asked for.
    """
    if state.asked is not None and not state.listed:
        return ()
    ids = (orphan.link.external_id for orphan in users.orphans)
    asked = [evidence[key] for key in ids if key in evidence]
    inside = sum(found.is_inside(state.groups) for found in asked)
    if 2 * inside <= len(asked):
        return ()
    gap = (
        f"of {len(asked)} who left the chosen groups by the lists of their members, {inside} are in "
        "them by their own records"
    )
    return (gap,)


def find_dangling(state: DirectoryState) -> tuple[Finding, ...]:
    """Name the members who have no user record, and what lists them."""
    lists = [(f'the group "{group.name}"', state.members[group.id]) for group in state.groups]
    where: dict[str, list[str]] = {user_id: [] for user_id in sorted(state.dangling)}
    for name, found in (*lists, ("the application", state.direct)):
        for user_id in found.user_ids & state.dangling:
            where[user_id].append(name)
    return tuple(
        Finding(
            kind=FindingKind.DANGLING_MEMBER,
            subject=user_id,
            message=(
                f"a member of {' and '.join(names)} without a user record in JumpCloud: deleted, or "
                "not shown to this key; take him out there, or let the key read him"
            ),
        )
        for user_id, names in where.items()
    )


def fetch_gone(
    provider: ServiceProvider,
    actual: ProviderState,
    users: UserMatching,
    group_links: Iterable[Link] = (),
) -> ProviderState:
    """Look directly for what complete lists of accounts and groups do not show any more.

    Whatever is linked and missing is asked for by its ``id``. Where the list of accounts is empty,
    and so may be the store, a few of those who would be created are looked up by ``userName``.

    Args:
        provider: The platform.
        actual: What it listed.
        users: For the links of accounts that it did not list.
        group_links: Of all groups; none where groups are not managed.

    Returns:
        ``actual`` with what was found; incomplete when that is more than inactive accounts.
    """

    def fetch(link: Link) -> None:
        account = provider.fetch_user(link.resource_id)
        if account is not None:
            found[account.resource_id] = account

    def fetch_group(link: Link) -> None:
        group = provider.fetch_group(link.resource_id)
        if group is not None:
            groups[group.resource_id] = group

    def find(user: DesiredUser) -> None:
        accounts = provider.find_users(user_name=user.user_name)
        found.update((account.resource_id, account) for account in accounts)

    found = {account.resource_id: account for account in actual.users}
    groups = {group.resource_id: group for group in actual.groups}
    gone = [link for link in group_links if link.resource_id not in groups]
    step = -(-len(users.missing) // _SAMPLE) or 1
    doubtful = () if actual.users else users.missing[::step]
    try:
        with Pool(max_workers=_LOOK_UPS) as pool:
            list(pool.map(fetch, users.gone))
            list(pool.map(fetch_group, gone))
            list(pool.map(find, doubtful))
    except RemoteError as error:
        gap = f"what is not listed any more could not be asked for: {error}"
        return replace(actual, gaps=(*actual.gaps, gap))
    listed = {account.resource_id for account in actual.users}
    unlisted = [account for key, account in found.items() if key not in listed]
    missed = {
        "accounts": sum(account.active or not listed for account in unlisted),
        "groups": len(groups) - len(actual.groups),
    }
    gaps = [f"the list of {what} leaves out {n} that exist" for what, n in missed.items() if n]
    if not gaps and not unlisted:
        return actual
    return replace(
        actual,
        users=tuple(found.values()),
        groups=tuple(groups.values()),
        gaps=(*actual.gaps, *gaps),
    )
