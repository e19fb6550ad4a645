"""Accounts of a platform that does not show whether they are active. Pure.

Then nothing but the history tells: an account is what jcsync has made it last. Somebody else's
change of it goes unseen, which a finding of every run says.
"""

from collections.abc import Iterable
from dataclasses import replace

from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import Kind, Link, ProviderState

_NAMED = 5


def with_known_access(actual: ProviderState, links: Iterable[Link]) -> ProviderState:
    """Return the platform with ``active`` as jcsync knows it, where it is not shown.

    Args:
        actual: As it was read: what does not show it counts as active.
        links: When jcsync deactivated accounts.
    """
    if all(account.shows_active for account in actual.users):
        return actual
    ended = _deactivated(links)
    users = (
        account
        if account.shows_active or account.resource_id not in ended
        else replace(account, active=False)
        for account in actual.users
    )
    return replace(actual, users=tuple(users))


def find_unshown(actual: ProviderState, links: Iterable[Link]) -> tuple[Finding, ...]:
    """Return one finding about all deactivated accounts of which it cannot be seen that they are."""
    ended = _deactivated(links)
    names = sorted(
        account.user_name
        for account in actual.users
        if not account.shows_active and account.resource_id in ended
    )
    if not names:
        return ()
    listed = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    message = (
        f"active was set to false of {len(names)} accounts that do not show it, so that it cannot "
        f"be seen whether it took; they are left alone: look at them on the platform ({listed})"
    )
    return (Finding(kind=FindingKind.UNSUPPORTED_ATTRIBUTE, subject="provider", message=message),)


def _deactivated(links: Iterable[Link]) -> frozenset[str]:
    return frozenset(
        link.resource_id for link in links if link.kind is Kind.USER and link.deactivated_at
    )
