"""Plan and limits → violations. Pure.

All limits, in a directory of any size, every violation named. A single change always passes:
a limit is there against the many.
"""

from collections.abc import Iterator
from math import floor

from jcsync.model.equality import is_equal
from jcsync.model.limits import Limit, Limits, Violation
from jcsync.model.plan import Action, Plan
from jcsync.model.resource import Kind


def check_plan(plan: Plan, limits: Limits) -> tuple[Violation, ...]:
    """Return every limit that a plan exceeds, in the order of the settings.

    Percentages are of the managed, active accounts for ``deactivate``, of the managed accounts
    for ``delete`` and ``patch``, of the managed groups for ``delete_groups``, and of one group's
    members for ``remove_members``; they are rounded down, but never below one change.
    """
    return tuple(_violations(plan, limits))


def allowance(limit: Limit, base: int) -> int | None:
    """Return how many changes a limit allows, ``None`` for any number.

    Args:
        limit: The smaller of its two parts counts.
        base: What ``percent`` is a share of.
    """
    parts = [part for part in (limit.count, _share(limit, base)) if part is not None]
    return max(1, min(parts)) if parts else None


def _violations(plan: Plan, limits: Limits) -> Iterator[Violation]:
    def users(action: Action) -> int:
        return plan.count(Kind.USER, action)

    yield from _exceeded(
        "deactivate", limits.deactivate, users(Action.DEACTIVATE), plan.managed_active
    )
    yield from _exceeded("delete", limits.delete, users(Action.DELETE), plan.managed)
    for change in plan.changes:
        if change.remove:
            size = plan.group_sizes.get(change.resource_id, 0)
            yield from _exceeded(
                "remove_members", limits.remove_members, len(change.remove), size, change.name
            )
    deleted = plan.count(Kind.GROUP, Action.DELETE)
    yield from _exceeded("delete_groups", limits.delete_groups, deleted, plan.managed_groups)
    yield from _exceeded("patch", limits.patch, _rewritten(plan), plan.managed)
    yield from _exceeded("create", limits.create, users(Action.CREATE), plan.managed)
    lost = users(Action.DEACTIVATE) + sum(
        change.action is Action.DELETE and change.kind is Kind.USER and change.takes_access
        for change in plan.changes
    )
    after = plan.active + plan.gained - lost
    if limits.accounts.count is not None and plan.gained and after > limits.accounts.count:
        yield Violation(limit="accounts.count", allowed=limits.accounts.count, planned=after)


def _rewritten(plan: Plan) -> int:
    """Accounts that are patched.

    One that is taken over and given what it lacks loses nothing, nor does one that is sent again
    what it has.
    """
    adopted = {change.resource_id for change in plan.changes if change.adopts}
    return len(
        {
            change.resource_id
            for change in plan.changes
            if change.kind is Kind.USER
            and change.action is Action.PATCH
            and change.resource_id
            and any(
                not is_equal(a.path, a.before, a.after)
                and (a.before is not None or change.resource_id not in adopted)
                for a in change.attributes
            )
        }
    )


def _exceeded(
    name: str, limit: Limit, planned: int, base: int, subject: str = ""
) -> Iterator[Violation]:
    if planned <= 1:
        return
    if limit.count is not None and planned > max(1, limit.count):
        yield Violation(
            limit=f"{name}.count", allowed=limit.count, planned=planned, subject=subject
        )
    share = _share(limit, base)
    if share is not None and planned > max(1, share):
        yield Violation(
            limit=f"{name}.percent",
            allowed=max(1, share),
            planned=planned,
            subject=subject,
            base=base,
        )


def _share(limit: Limit, base: int) -> int | None:
    return None if limit.percent is None else floor(base * limit.percent / 100)
