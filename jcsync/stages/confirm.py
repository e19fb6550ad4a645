"""Before somebody's access is taken, he is asked for again, directly and now."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from jcsync.model.directory import Evidence
from jcsync.model.limits import Limits
from jcsync.model.resource import Access
from jcsync.model.rules import Policy, Removal, Scope
from jcsync.ports import Directory
from jcsync.stages.diff import is_protected
from jcsync.stages.guard import allowance
from jcsync.stages.matching import UserMatching
from jcsync.threads import Pool

_READS_AT_ONCE = 8
_MARGIN = 20
_ON_LEAVE = {Removal.DEACTIVATE: Access.INACTIVE, Removal.DELETE: Access.DELETE}


def removal_candidates(
    matching: UserMatching,
    policy: Policy,
    only: frozenset[str] | None = None,
    *,
    expired: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the JumpCloud ``id`` of everybody whose account may be deactivated or deleted.

    Args:
        matching: Both sides.
        policy: What may happen to those who left: an inactive account can still be deleted.
        only: JumpCloud ids, or ids of accounts; ``None`` for everybody.
        expired: JumpCloud ids of those whose deactivated accounts are due to be deleted.
    """
    on_leave = {policy.on_leave, policy.on_delete}
    orphans = [
        (orphan.link.external_id, orphan.actual)
        for orphan in matching.orphans
        if Removal.DELETE in on_leave
        or (
            (orphan.actual.active or orphan.link.external_id in expired)
            and on_leave != {Removal.KEEP}
        )
    ]
    leavers = [
        (pair.desired.external_id, pair.actual)
        for pair in matching.pairs
        if pair.desired.access is Access.DELETE
        or (
            pair.desired.access is Access.INACTIVE
            and (pair.actual.active or pair.desired.external_id in expired)
        )
    ]
    return tuple(
        sorted(
            external_id
            for external_id, actual in (*orphans, *leavers)
            if only is None or only & {external_id, actual.resource_id}
        )
    )


def worth_confirming(
    matching: UserMatching, limits: Limits, policy: Policy, *, expired: Collection[str] = ()
) -> tuple[str, ...]:
    """Return whom to ask for again, which is nobody when the plan is far beyond its limit.

    A plan that takes access from many times more people than it may is held whatever is found;
    asking for each of them would take hours of the directory's rate. They are asked for before
    an approved plan is applied. Where ``on_delete`` differs from ``on_leave`` everybody is asked
    for, since the answer decides the action.
    """
    certain = policy.on_delete is policy.on_leave
    if certain and _held_anyway(matching, limits, policy, expired):
        return ()
    return removal_candidates(matching, policy, expired=expired)


def _held_anyway(
    matching: UserMatching, limits: Limits, policy: Policy, expired: Collection[str]
) -> bool:
    """Whether the plan is far beyond a limit when everybody is believed to have left."""
    ours = [*(pair.actual for pair in matching.pairs), *(o.actual for o in matching.orphans)]
    bases = {
        Access.INACTIVE: (limits.deactivate, sum(account.active for account in ours)),
        Access.DELETE: (limits.delete, len(ours)),
    }
    ends = Counter(_ends(matching, policy, expired))
    for access, (limit, base) in bases.items():
        allowed = allowance(limit, base)
        if allowed is not None and ends[access] > 2 * allowed + _MARGIN:
            return True
    return False


def _ends(matching: UserMatching, policy: Policy, expired: Collection[str]) -> Iterator[Access]:
    """Yield what would happen to each account that is to lose its access, or itself, now."""
    on_leave = _ON_LEAVE.get(policy.on_leave, Access.KEEP)
    ends = [(o.link.external_id, o.actual.user_name, o.actual, on_leave) for o in matching.orphans]
    ends += [
        (p.desired.external_id, p.desired.user_name, p.actual, p.desired.access)
        for p in matching.pairs
    ]
    for external_id, user_name, actual, access in ends:
        if is_protected(policy, external_id, user_name, actual):
            continue
        if actual.active:
            yield access
        elif access is Access.INACTIVE and external_id in expired:
            yield Access.DELETE


def fetch_evidence(
    directory: Directory, user_ids: Iterable[str], scope: Scope
) -> Mapping[str, Evidence]:
    """Ask for each person directly.

    Returns:
        What was found, by ``id``.

    Raises:
        RemoteError: Somebody could not be asked for; nobody is then believed to have left.
    """
    with Pool(max_workers=_READS_AT_ONCE) as pool:
        pending = {
            user_id: pool.submit(directory.fetch_evidence, user_id, scope) for user_id in user_ids
        }
        return {user_id: future.result() for user_id, future in pending.items()}
