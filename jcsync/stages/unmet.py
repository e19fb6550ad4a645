"""Settings that name nobody and nothing: mistyped, or about people who are gone. Pure."""

from collections.abc import Iterable, Iterator

from jcsync.model.directory import DirectoryState, DirectoryUser
from jcsync.model.resource import UserResource
from jcsync.model.rules import GroupPolicy, Policy, Scope
from jcsync.model.text import did_you_mean
from jcsync.stages.mapping import failed, group_conditions, is_selected


def find_unmet(
    state: DirectoryState,
    accounts: Iterable[UserResource],
    *,
    scope: Scope,
    policy: Policy,
    groups: GroupPolicy,
) -> Iterator[str]:
    """Yield each setting that means nobody in the chosen groups, or no account.

    Args:
        state: The directory, completely read.
        accounts: All of the platform.
        scope: Its conditions and exclusions are looked at.
        policy: Whom it protects.
        groups: Which of them it provisions.
    """
    people = [state.users[key] for key in sorted(state.member_ids() & state.users.keys())]
    yield from _conditions(state, people, scope)
    called = {name for user in people for name in (user.id, user.username, user.email)}
    for name in _unknown(scope.exclude, called):
        hint = did_you_mean(name, called)
        yield f'scope.exclude: nobody in the chosen groups is called "{name}"{hint}'
    for account in accounts:
        called |= {account.resource_id, account.user_name, account.external_id}
    for name in _unknown(policy.protect, called):
        hint = did_you_mean(name, called)
        yield f'policy.protect: no account and nobody in scope is called "{name}"{hint}'
    for pattern in groups.only if groups.enabled else ():
        if not any(is_selected(group, [pattern]) for group in state.groups):
            hint = did_you_mean(pattern, [group.name for group in state.groups])
            yield f'groups.only: no group of the scope is called "{pattern}"{hint}'


def _conditions(state: DirectoryState, people: list[DirectoryUser], scope: Scope) -> Iterator[str]:
    for clause in scope.where:
        if people and all(failed(user, [clause]) for user in people):
            yield f"scope.where: nobody in the chosen groups meets {clause}"
    for group in state.groups:
        members = state.members[group.id].user_ids & state.users.keys()
        for clause in group_conditions(group, scope):
            if members and all(failed(state.users[key], [clause]) for key in members):
                yield f"scope.groups: nobody in {group.name} meets {clause}"


def _unknown(wanted: Iterable[str], called: Iterable[str]) -> list[str]:
    known = {name.casefold() for name in called}
    return sorted(name for name in wanted if name.casefold() not in known)
