"""Accounts whose time is over: deactivated by jcsync, and never needed since. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from jcsync.model.resource import Link
from jcsync.model.rules import Policy


def find_expired(links: Iterable[Link], policy: Policy, now: datetime) -> Mapping[str, str]:
    """Return what was deactivated longer ago than ``policy.delete_after``.

    What somebody else deactivated has no such time and never expires.

    Args:
        links: Of accounts; one that is active is deactivated first, and its time begins anew.
        policy: For how long a deactivated account is kept.
        now: Aware.

    Returns:
        The day of its deactivation by JumpCloud ``id``; empty without ``delete_after``.
    """
    if policy.delete_after is None:
        return {}
    return {
        link.external_id: link.deactivated_at[:10]
        for link in links
        if link.deactivated_at is not None and _age(link.deactivated_at, now) >= policy.delete_after
    }


def _age(moment: str, now: datetime) -> float:
    return (now - datetime.fromisoformat(moment)).total_seconds()
