"""``explain --input``: a person from a file, through all stages that need no connection."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jcsync.errors import UsageError
from jcsync.jumpcloud.wire import UserParser
from jcsync.model.directory import DirectoryGroup, DirectoryState, DirectoryUser, Membership
from jcsync.model.path import parse_path
from jcsync.model.plan import Change
from jcsync.model.resource import DesiredUser
from jcsync.model.rules import AttributeRule, GroupPolicy, Policy, Scope
from jcsync.scim.profiles import load_profile
from jcsync.scim.wire import dump_user
from jcsync.settings import (
    Connection,
    build_group_policy,
    build_policy,
    build_rules,
    build_scope,
)
from jcsync.stages.diff import Rules, diff_users
from jcsync.stages.groups import build_roster, diff_groups
from jcsync.stages.mapping import map_groups, map_users
from jcsync.stages.matching import match_groups, match_users

_ID = "0" * 24
"""The JumpCloud id of a person to whom the file gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUp:
    """What a run would make of a person who joins now.

    Attributes:
        groups: Names of the chosen groups that he is in.
        body: Of the request that creates his account, ``None`` when none would be sent.
        targets: JumpCloud id of the other person by path of each reference.
    """

    user: DirectoryUser
    groups: tuple[str, ...]
    desired: DesiredUser | None
    changes: tuple[Change, ...]
    findings: tuple[str, ...]
    sources: Mapping[str, str]
    body: dict[str, Any] | None
    targets: Mapping[str, str]


def read_person(path: Path) -> tuple[DirectoryUser, tuple[str, ...] | None]:
    """Read a person and the names of his groups, ``None`` where the file says nothing of them.

    Raises:
        UsageError: The file cannot be read, or is no record of a user.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise UsageError(message) from error
    except (ValueError, RecursionError) as error:
        message = f"{path} is not JSON: {error}"
        raise UsageError(message) from error
    if not isinstance(document, dict):
        message = f"{path}: must be one JSON object, a user as JumpCloud's API gives him"
        raise UsageError(message)
    groups = document.pop("groups", None)
    if groups is not None and not (
        isinstance(groups, list) and all(isinstance(group, str) for group in groups)
    ):
        message = f"{path}: groups must be a list of names or ids"
        raise UsageError(message)
    user = UserParser()({"_id": document.get("id", _ID), **document})
    if user is None:
        message = f"{path}: _id must be a text"
        raise UsageError(message)
    return user, None if groups is None else tuple(groups)


def explain_made_up(
    connection: Connection, user: DirectoryUser, groups: tuple[str, ...] | None
) -> MadeUp:
    """Follow a made-up person through scope, mapping, access, and the creation of his account.

    Args:
        connection: Its settings; nothing is connected to.
        user: The person.
        groups: Names or ids of his groups; ``None``: he is in all that are chosen.
    """
    profile = load_profile(connection.provider.profile, connection.provider.quirks)
    rules = build_rules(connection, profile.attributes)
    scope, policy = build_scope(connection), build_policy(connection)
    state = _directory(user, scope, groups)
    return _follow(user, state, scope, policy, build_group_policy(connection), rules)


def _directory(user: DirectoryUser, scope: Scope, groups: tuple[str, ...] | None) -> DirectoryState:
    """A directory with one person in those of his groups that are chosen.

    Which groups are bound to an application only JumpCloud knows: he counts as bound, unless
    the file names his groups.
    """
    wanted = [selector.name for selector in scope.groups]
    names = wanted if groups is None else [name for name in wanted if name in groups]
    found = tuple(DirectoryGroup(id=name, name=name) for name in dict.fromkeys(names))
    alone = frozenset({user.id})
    bound = bool(scope.application) and groups is None
    return DirectoryState(
        groups=found,
        members={group.id: Membership(user_ids=alone) for group in found},
        direct=Membership(user_ids=alone if bound else frozenset()),
        users={user.id: user},
    )


def _follow(
    user: DirectoryUser,
    state: DirectoryState,
    scope: Scope,
    policy: Policy,
    group_policy: GroupPolicy,
    rules: Iterable[AttributeRule],
) -> MadeUp:
    rules = tuple(rules)
    desired = map_users(state, scope, policy, rules)
    matching = match_users(desired, (), (), policy)
    diff = diff_users(
        matching,
        Rules(policy=policy, scope=scope, evidence={}, removals=True, groups=state.groups),
    )
    wanted, group_findings = map_groups(state, desired, group_policy, scope)
    groups = diff_groups(
        match_groups(wanted, (), (), group_policy),
        build_roster(matching, diff, ()),
        group_policy,
        removals=True,
    )
    found = (*diff.findings, *group_findings, *groups.findings)
    return MadeUp(
        user=user,
        groups=tuple(group.name for group in state.groups),
        desired=next(iter(desired), None),
        changes=(*diff.changes, *(c for c in groups.changes if c.add)),
        findings=tuple(finding.message for finding in found),
        sources={rule.path: rule.source for rule in rules},
        body=next((_body(change) for change in diff.changes), None),
        targets={p: r.target for d in desired for p, r in d.references.items()},
    )


def _body(change: Change) -> dict[str, Any]:
    return dump_user(change.external_id, [(parse_path(a.path), a.after) for a in change.attributes])
