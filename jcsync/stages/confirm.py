"""Before somebody's access is taken, he is asked for again, directly and now."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from jcsync.model.directory import Evidence
from jcsync.model.limits import Limit
from jcsync.model.resource import Access
from jcsync.model.rules import Policy, Scope
from jcsync.ports import Directory
from jcsync.stages.guard import allowance
from jcsync.stages.matching import UserMatching

_READS_AT_ONCE = 8


def removal_candidates(matching: UserMatching) -> tuple[str, ...]:
    """Return the JumpCloud ``id`` of everybody whose account may be deactivated or deleted."""
    orphans = [orphan.link.external_id for orphan in matching.orphans if orphan.actual.active]
    leavers = [
        pair.desired.external_id
        for pair in matching.pairs
        if pair.desired.access in (Access.INACTIVE, Access.DELETE) and pair.actual.active
    ]
    return tuple(sorted({*orphans, *leavers}))


def worth_confirming(matching: UserMatching, limit: Limit, policy: Policy) -> tuple[str, ...]:
    """Return whom to ask for again, which is nobody when the plan is far beyond its limit.

    A plan that takes access from many times more people than it may is held whatever is found;
    asking for each of them would take hours of the directory's rate. They are asked for before
    an approved plan is applied. Where ``on_delete`` differs from ``on_leave`` everybody is asked
    for, since the answer decides the action.
    """
    candidates = removal_candidates(matching)
    active = sum(pair.actual.active for pair in matching.pairs)
    active += sum(orphan.actual.active for orphan in matching.orphans)
    allowed = allowance(limit, active)
    if (
        policy.on_delete is policy.on_leave
        and allowed is not None
        and len(candidates) > 2 * allowed + 20
    ):
        return ()
    return candidates


def fetch_evidence(
    directory: Directory, user_ids: Iterable[str], scope: Scope
) -> Mapping[str, Evidence]:
    """Ask for each person directly.

    Returns:
        What was found, by ``id``.

    Raises:
        RemoteError: Somebody could not be asked for; nobody is then believed to have left.
    """
    with ThreadPoolExecutor(max_workers=_READS_AT_ONCE) as pool:
        pending = {
            user_id: pool.submit(directory.fetch_evidence, user_id, scope) for user_id in user_ids
        }
        return {user_id: future.result() for user_id, future in pending.items()}
