"""Accounts and groups that look like ours and are not: left alone, and named. Pure.

    a second one with the ``externalId`` of somebody who has his account      ambiguous
    one with the ``externalId`` of nobody in scope, and without a link        orphan

The second kind is what a store leaves that is lost before somebody leaves: whether it was jcsync's
only a person can tell.
"""

from collections.abc import Iterator

from jcsync.model.directory import is_object_id
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import UserResource
from jcsync.model.rules import Policy
from jcsync.stages.diff import is_protected
from jcsync.stages.matching import GroupMatching, UserMatching

_SHOWN = 20


def find_twins(users: UserMatching, groups: GroupMatching) -> Iterator[Finding]:
    """Name whatever carries the ``externalId`` of somebody, or of a group, that has another one.

    An inactive account is no matter: it may be what a platform keeps of a deleted one.
    """
    account_of = {pair.desired.external_id: pair.actual for pair in users.pairs}
    account_of |= {orphan.link.external_id: orphan.actual for orphan in users.orphans}
    for twin in users.unmanaged:
        account = account_of.get(twin.external_id)
        if account is not None and twin.active:
            yield _twin("account", account.user_name, account.resource_id, twin.resource_id)
    group_of = {pair.desired.external_id: pair.actual for pair in groups.pairs}
    group_of |= {orphan.link.external_id: orphan.actual for orphan in groups.orphans}
    for other in groups.unmanaged:
        group = group_of.get(other.external_id)
        if group is not None:
            yield _twin("group", group.display_name, group.resource_id, other.resource_id)


def find_lost(users: UserMatching, policy: Policy) -> Iterator[Finding]:
    """Name the active accounts with a JumpCloud id that have neither a link nor a person in scope.

    Args:
        users: Of a complete read; else whose person is in scope is not known.
        policy: What it protects needs no decision.
    """
    known = {pair.desired.external_id for pair in users.pairs}
    known |= {user.external_id for user in (*users.missing, *users.blocked)}
    known |= {orphan.link.external_id for orphan in users.orphans}
    lost = sorted(
        (account for account in users.unmanaged if _is_lost(account, known, policy)),
        key=lambda account: (account.user_name.casefold(), account.resource_id),
    )
    for account in lost[:_SHOWN]:
        adopt = f"jcsync links adopt CONNECTION {account.resource_id} {account.external_id}"
        message = (
            f"the active account {account.resource_id} has the JumpCloud id {account.external_id} as "
            "externalId, is linked to nobody, and nobody in scope has this id: jcsync may have created "
            "it before its store was lost. It is left alone until a person decides: "
            f'"{adopt}" lets the next run take its access, policy.protect keeps it'
        )
        yield Finding(kind=FindingKind.ORPHAN, subject=account.user_name, message=message)
    if len(lost) > _SHOWN:
        message = f'{len(lost) - _SHOWN} more accounts like these; "jcsync drift" lists them all'
        yield Finding(kind=FindingKind.ORPHAN, subject="provider", message=message)


def _is_lost(account: UserResource, known: set[str], policy: Policy) -> bool:
    return (
        account.active
        and is_object_id(account.external_id)
        and account.external_id not in known
        and not is_protected(policy, account.external_id, account.user_name, account)
    )


def _twin(noun: str, name: str, ours: str, other: str) -> Finding:
    message = (
        f"the {noun} {other} has the same externalId as the {noun} {ours}, which jcsync goes on with; "
        f"{other} is left alone: remove it, or its externalId, on the platform"
    )
    return Finding(kind=FindingKind.AMBIGUOUS, subject=name, message=message)
