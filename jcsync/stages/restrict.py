"""A plan → the part of it that is about one person. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from jcsync.errors import UsageError
from jcsync.model.directory import DirectoryState
from jcsync.model.plan import Change, Plan
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import Kind, ProviderState
from jcsync.stages.references import without_dangling


def restrict_plan(plan: Plan, wanted: str) -> Plan:
    """Keep the changes of one person, his memberships included.

    His references to people whose accounts are still to be created wait for a run about them.

    Args:
        plan: Of everybody.
        wanted: JumpCloud id, or id of an unmanaged account.
    """
    parts = (_part(change, wanted) for change in plan.changes)
    kept = (part for part in parts if part is not None)
    return replace(plan, changes=without_dangling(kept))


def restrict_findings(findings: Iterable[Finding], names: Collection[str]) -> tuple[Finding, ...]:
    """Keep the findings about one person, and those about whole sides."""
    return tuple(f for f in findings if f.kind is FindingKind.INCOMPLETE or f.subject in names)


def choose_one(ids: Collection[str], who: str) -> str:
    """Return the only id.

    Raises:
        UsageError: Nobody is called so, or several people are.
    """
    if not ids:
        message = (
            f"nobody called {who!r} is in JumpCloud or on the platform; give an id, username or "
            "e-mail"
        )
        raise UsageError(message)
    if len(ids) > 1:
        message = f"several people are called {who!r}: give one of the ids {', '.join(sorted(ids))}"
        raise UsageError(message)
    return next(iter(ids))


def find_ids(state: DirectoryState, actual: ProviderState, who: str) -> set[str]:
    """Return the keys of everybody called so: JumpCloud ids, or ids of unmanaged accounts."""
    name, members = who.strip().casefold(), state.member_ids()
    if not name:
        return set()
    people = {
        user.id
        for user in state.users.values()
        if user.id in members
        and name in (user.id.casefold(), user.username.casefold(), user.email.casefold())
    }
    if people:
        return people
    accounts = [
        account
        for account in actual.users
        if name in (account.resource_id.casefold(), account.external_id.casefold())
        or name == account.user_name.casefold()
        or name in (email.casefold() for email in account.emails)
    ]
    return {account.external_id or account.resource_id for account in accounts}


def _part(change: Change, wanted: str) -> Change | None:
    if change.kind is Kind.USER:
        return change if wanted in (change.external_id, change.resource_id) else None
    add = tuple(m for m in change.add if wanted in (m.external_id, m.resource_id))
    remove = tuple(m for m in change.remove if wanted in (m.external_id, m.resource_id))
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
