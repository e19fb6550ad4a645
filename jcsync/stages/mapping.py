"""Directory users and groups → the SCIM resources they should be. Pure."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from sys import intern

from jcsync.model.compact import NOTHING, Ids, Record
from jcsync.model.directory import (
    DirectoryGroup,
    DirectoryState,
    DirectoryUser,
    UserState,
    field_value,
)
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import (
    Access,
    DesiredGroup,
    DesiredUser,
    Reference,
    Value,
)
from jcsync.model.rules import (
    AttributeRule,
    Clause,
    GroupPolicy,
    MappingError,
    Operator,
    Policy,
    Removal,
    Scope,
)

_ACCESS = {
    Removal.DEACTIVATE: Access.INACTIVE,
    Removal.DELETE: Access.DELETE,
    Removal.KEEP: Access.KEEP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """What the directory implies for the platform.

    Attributes:
        state: What was read of the directory, but for the records of people: what they imply is in
            ``users``, and of a large directory both together take a sixth of a run's memory.
        users: As ``map_users`` returns them.
        groups: As ``map_groups`` returns them.
        findings: What is wrong with other groups.
    """

    state: DirectoryState
    users: tuple[DesiredUser, ...]
    groups: tuple[DesiredGroup, ...]
    findings: tuple[Finding, ...]


def map_state(
    state: DirectoryState,
    scope: Scope,
    policy: Policy,
    rules: Iterable[AttributeRule],
    groups: GroupPolicy,
) -> DesiredState:
    """Return what the directory, or the part of it that was read, implies for the platform.

    Args:
        state: What was read.
        scope: Conditions and exclusions.
        policy: What each state of a person leads to.
        rules: The attribute mapping.
        groups: Which groups, and how they are named.
    """
    users = map_users(state, scope, policy, rules)
    wanted, findings = map_groups(state, users, groups, scope)
    return DesiredState(
        state=replace(state, users={}), users=users, groups=wanted, findings=findings
    )


def map_users(
    state: DirectoryState, scope: Scope, policy: Policy, rules: Iterable[AttributeRule]
) -> tuple[DesiredUser, ...]:
    """Return the account that each member of the scope should have.

    Args:
        state: What was read; members without a record are left out.
        scope: Conditions and exclusions.
        policy: What each state of a person leads to.
        rules: The attribute mapping.

    Returns:
        One desired user for each member with a record, ordered by ``external_id``.
    """
    rules = tuple(rules)
    ways = groups_of(state, scope)
    users = (state.users[user_id] for user_id in sorted(state.member_ids() & state.users.keys()))
    return tuple(map_user(user, scope, policy, rules, via=ways.get(user.id)) for user in users)


def groups_of(state: DirectoryState, scope: Scope) -> Mapping[str, str]:
    """Return which group brings each person in, its own conditions considered.

    Returns:
        The name of the first such group by the person's ``id``; who is in none is left out.
    """
    ways = dict.fromkeys(state.direct.user_ids, f"the application {scope.application}")
    for group in reversed(state.groups):
        where = group_conditions(group, scope)
        for user_id in state.members[group.id].user_ids:
            user = state.users.get(user_id)
            if user is not None and not failed(user, where):
                ways[user_id] = group.name
    return ways


def group_conditions(group: DirectoryGroup, scope: Scope) -> tuple[Clause, ...]:
    """Return the conditions that ``scope.groups`` puts on the members of one group."""
    return tuple(
        clause
        for selector in scope.groups
        if selector.name == group.name or selector.name.casefold() == group.id.casefold()
        for clause in selector.where
    )


def map_user(
    user: DirectoryUser,
    scope: Scope,
    policy: Policy,
    rules: Iterable[AttributeRule],
    *,
    via: str | None = "",
) -> DesiredUser:
    """Return the account that one person should have.

    Args:
        user: A member of the scope.
        scope: Conditions and exclusions.
        policy: What each state of a person leads to.
        rules: The attribute mapping.
        via: Name of a group that brings him in, ``None`` when none does.
    """
    out = out_of_scope_reason(user, scope)
    if via is None and not out:
        out = "is out of scope by configuration (meets the conditions of no group: scope.groups.where)"
    access, reason = decide_access(user, policy)
    if access is Access.ACTIVE and via:
        reason = intern(f"is in {via}")
    if out:
        access, reason = _ACCESS[policy.on_leave], out
    rules = tuple(rules)
    attributes, initial, problems = _map_attributes(user, rules)
    references = _map_references(user, rules)
    name = str(attributes.get("userName") or initial.get("userName") or "")
    if not name and not problems:
        problems.append("no userName: the field that it is mapped from is empty in JumpCloud")
    return DesiredUser(
        external_id=user.id,
        user_name=name or user.label,
        access=access,
        reason=reason,
        attributes=Record(attributes, attributes.values()),
        initial=initial or NOTHING,
        references=references or NOTHING,
        problem="; ".join(problems),
        in_scope=not out,
        state_unknown=user.state is UserState.UNKNOWN,
    )


def decide_access(user: DirectoryUser, policy: Policy) -> tuple[Access, str]:
    """Return what a person's state means for his access, and why.

    Source:
        JumpCloud, "User states"; the defaults are those of JumpCloud's own provisioning, except
        that a locked or expired password takes no access away.
    """
    match user.state:
        case UserState.ACTIVATED:
            return _decide_activated(user, policy)
        case UserState.SUSPENDED:
            return _ACCESS[policy.on_suspend], "is suspended in JumpCloud"
        case UserState.STAGED:
            return _ACCESS[policy.on_staged], "is staged in JumpCloud"
        case _:
            return Access.KEEP, "is in a state that jcsync does not know"


def _decide_activated(user: DirectoryUser, policy: Policy) -> tuple[Access, str]:
    if user.account_locked and policy.on_locked is not Removal.KEEP:
        return _ACCESS[policy.on_locked], "is locked in JumpCloud"
    if user.password_expired and policy.on_password_expired is not Removal.KEEP:
        return _ACCESS[policy.on_password_expired], "has an expired password in JumpCloud"
    return Access.ACTIVE, "is in the chosen groups"


def out_of_scope_reason(user: DirectoryUser, scope: Scope) -> str:
    """Return which exclusion or condition of the scope keeps a person out, or ``""``."""
    names = {user.id.casefold(), user.username.casefold(), user.email.casefold()} - {""}
    if names & scope.exclude:
        return "is out of scope by configuration (scope.exclude)"
    clause = failed(user, scope.where)
    return f"is out of scope by configuration (scope.where: {clause})" if clause else ""


def failed(user: DirectoryUser, clauses: Iterable[Clause]) -> Clause | None:
    """Return the first condition that a person does not meet, or ``None``."""
    return next((clause for clause in clauses if not _holds(user, clause)), None)


def _holds(user: DirectoryUser, clause: Clause) -> bool:
    value = field_value(user, clause.attribute)
    match clause.operator:
        case Operator.EXISTS:
            return bool(value) == (clause.operand == ("true",))
        case Operator.EQUALS | Operator.IN:
            return bool(value) and value in clause.operand
        case Operator.NOT_EQUALS | Operator.NOT_IN:
            return not value or value not in clause.operand
        case _:
            return bool(value) and clause.pattern.search(value) is not None


def _map_attributes(
    user: DirectoryUser, rules: Iterable[AttributeRule]
) -> tuple[dict[str, Value], dict[str, Value], list[str]]:
    attributes: dict[str, Value] = {}
    initial: dict[str, Value] = {}
    problems: list[str] = []
    for rule in rules:
        try:
            value = rule.read(user)
        except MappingError as error:
            problems.append(f"{rule.path}: {error}")
            continue
        if isinstance(value, str) and not value.strip():
            value = None
        if value is None:
            value = rule.default
        if isinstance(value, str) and rule.max_length is not None:
            value = value[: rule.max_length]
        if rule.reference and value is not None:
            continue
        if rule.create_only:
            if value is not None:
                initial[rule.path] = value
        elif value is not None or rule.clear:
            attributes[rule.path] = value
    return attributes, initial, problems


def _map_references(user: DirectoryUser, rules: Iterable[AttributeRule]) -> dict[str, Reference]:
    return {
        rule.path: Reference(target=target, clear=rule.clear, create_only=rule.create_only)
        for rule in rules
        if rule.reference and (target := str(rule.read(user) or "").strip())
    }


def map_groups(
    state: DirectoryState,
    desired: Iterable[DesiredUser],
    policy: GroupPolicy,
    scope: Scope,
) -> tuple[tuple[DesiredGroup, ...], tuple[Finding, ...]]:
    """Return the groups that the platform should have, and what is wrong with others.

    Args:
        state: What was read.
        desired: The users of this run; only those in scope are members.
        policy: Which groups, and how they are named.
        scope: Conditions on the members of each group: who does not meet them is none.

    Returns:
        Groups ordered by name, each name once; two directory groups that map to one name are
        both left out and reported.
    """
    if not policy.enabled:
        return (), ()
    inside = {user.external_id for user in desired if user.in_scope}
    groups: list[DesiredGroup] = []
    findings: list[Finding] = []
    for group in state.groups:
        if not is_selected(group, policy.only):
            continue
        membership, where = state.members[group.id], group_conditions(group, scope)
        try:
            name = policy.name(group.id, group.name)
        except MappingError as error:
            findings.append(
                Finding(
                    kind=FindingKind.SKIPPED, subject=group.name, message=f"groups.name: {error}"
                )
            )
            continue
        groups.append(
            DesiredGroup(
                external_id=group.id,
                display_name=name,
                members=_members(membership.user_ids, inside, state, where),
                members_known=not membership.gap,
            )
        )
    return _distinct(groups, findings, {group.id: group.name for group in state.groups})


def _members(
    user_ids: AbstractSet[str],
    inside: AbstractSet[str],
    state: DirectoryState,
    where: tuple[Clause, ...],
) -> AbstractSet[str]:
    """Those of a group who are in scope and meet its conditions; mostly all, in the same set."""
    if not where and user_ids <= inside:
        return user_ids
    found = user_ids & inside
    return Ids(key for key in found if not where or not failed(state.users[key], where))


def is_selected(group: DirectoryGroup, only: Iterable[str]) -> bool:
    """Whether ``groups.only`` takes a group: by name, id or shell pattern; empty takes all."""
    patterns = tuple(only)
    return not patterns or any(
        pattern == group.id or fnmatchcase(group.name, pattern) or pattern == group.name
        for pattern in patterns
    )


def _distinct(
    groups: list[DesiredGroup], findings: list[Finding], names: Mapping[str, str]
) -> tuple[tuple[DesiredGroup, ...], tuple[Finding, ...]]:
    by_name: dict[str, list[DesiredGroup]] = {}
    for group in groups:
        by_name.setdefault(group.display_name.casefold(), []).append(group)
    kept = [same[0] for same in by_name.values() if len(same) == 1]
    for same in by_name.values():
        if len(same) > 1:
            others = ", ".join(f'"{names[g.external_id]}" ({g.external_id})' for g in same)
            message = f"several directory groups would have this name: {others}; see groups.name"
            findings.append(
                Finding(kind=FindingKind.CONFLICT, subject=same[0].display_name, message=message)
            )
    ordered = sorted(kept, key=lambda g: (g.display_name, g.external_id))
    return tuple(ordered), tuple(findings)
