"""What a flawless answer shows and is still not believed: asked for again, directly.

    a group that is suddenly empty     its people are asked for before they lose the membership
    an account that is suddenly gone   it is asked for before it is created anew, or forgotten

A list that one direct answer contradicts is incomplete, whatever its totals say.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from jcsync.errors import RemoteError
from jcsync.model.directory import DirectoryState, Evidence
from jcsync.model.limits import Limits
from jcsync.model.resource import DesiredUser, GroupResource, Link, ProviderState
from jcsync.model.rules import GroupPolicy
from jcsync.ports import ServiceProvider
from jcsync.stages.guard import allowance
from jcsync.stages.mapping import is_selected
from jcsync.stages.matching import UserMatching

_MARGIN = 20
_LOOK_UPS = 8
_SAMPLE = 10


def emptied_groups(
    state: DirectoryState,
    actual: Iterable[GroupResource],
    users: UserMatching,
    links: Iterable[Link],
    policy: GroupPolicy,
    limits: Limits | None = None,
) -> Mapping[str, tuple[str, ...]]:
    """Return who is to be asked for about a group that has members there and none here.

    Args:
        state: The directory.
        actual: All groups of the platform.
        users: Whose account is whose.
        links: Of kind Group.
        policy: Nobody is asked for where no member is removed.
        limits: Groups that lose far more members than these allow are left out: the plan is held
            whatever is found. ``None`` for every group.

    Returns:
        JumpCloud ids of the managed people in scope, by id of the directory group. Those who are
        in no group any more are asked for as leavers.
    """
    if not policy.enabled or not policy.remove_extra:
        return {}
    by_owner = {group.external_id: group for group in actual if group.external_id}
    by_id = {group.resource_id: group for group in actual}
    linked = {link.external_id: by_id.get(link.resource_id) for link in links}
    people = {
        pair.actual.resource_id: pair.desired.external_id
        for pair in users.pairs
        if pair.desired.in_scope
    }
    asked: dict[str, tuple[str, ...]] = {}
    for group in state.groups:
        held = linked.get(group.id) or by_owner.get(group.id)
        if held is None or state.members[group.id].user_ids or not is_selected(group, policy.only):
            continue
        losing = tuple(sorted(people[key] for key in held.members & people.keys()))
        allowed = allowance(limits.remove_members, len(held.members)) if limits else None
        if losing and (allowed is None or len(losing) <= 2 * allowed + _MARGIN):
            asked[group.id] = losing
    return asked


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
                f'the group "{names[group_id]}" was listed without members, and '
                f"{len(inside)} of its people say by their own records that they are in it"
            )
    return tuple(gaps)


def fetch_gone(
    provider: ServiceProvider, actual: ProviderState, users: UserMatching
) -> ProviderState:
    """Look directly for what a complete list of accounts does not show any more.

    Every linked account that is missing is asked for by its ``id``. Where the list is empty,
    and so may be the store, a few of those who would be created are looked up by their names.

    Returns:
        ``actual``; incomplete, and with the accounts that were found, when there are any.
    """

    def fetch(link: Link) -> None:
        account = provider.fetch_user(link.resource_id)
        if account is not None:
            found[account.resource_id] = account

    def find(user: DesiredUser) -> None:
        accounts = provider.find_users(external_id=user.external_id, user_name=user.user_name)
        found.update((account.resource_id, account) for account in accounts)

    found = {account.resource_id: account for account in actual.users}
    before = len(found)
    doubtful = () if actual.users else users.missing[:_SAMPLE]
    try:
        with ThreadPoolExecutor(max_workers=_LOOK_UPS) as pool:
            list(pool.map(fetch, users.gone))
            list(pool.map(find, doubtful))
    except RemoteError as error:
        gap = f"accounts that are not listed any more could not be asked for: {error}"
        return replace(actual, gaps=(*actual.gaps, gap))
    missed = len(found) - before
    if not missed:
        return actual
    gap = f"the list of accounts leaves out {missed} that exist"
    return replace(actual, users=tuple(found.values()), gaps=(*actual.gaps, gap))
