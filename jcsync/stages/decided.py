"""What each person should have, as one fingerprint: equal ones need no look at the platform. Pure."""

import hashlib
from collections.abc import Iterable, Mapping

from jcsync.json_bytes import dump_json
from jcsync.model.baseline import BLOCKED
from jcsync.model.plan import Plan
from jcsync.model.resource import DesiredGroup, DesiredUser, Kind


def fingerprints(users: Iterable[DesiredUser], groups: Iterable[DesiredGroup]) -> dict[str, str]:
    """Return a fingerprint of the account and the memberships that each person should have.

    Args:
        users: Who is in the scope.
        groups: In which they should be.

    Returns:
        By JumpCloud id. Two equal ones mean that nothing that jcsync provisions is different;
        why somebody has access is no part of it, nor whom he refers to has an account by now.
    """
    inside: dict[str, list[str]] = {}
    for group in groups:
        for key in group.members:
            inside.setdefault(key, []).append(group.external_id)
    return {
        user.external_id: _fingerprint(user, sorted(inside.pop(user.external_id, ())))
        for user in users
    }


def _fingerprint(user: DesiredUser, groups: list[str]) -> str:
    references = [[path, r.target, r.clear] for path, r in sorted(user.references.items())]
    content = [
        user.access,
        user.in_scope,
        user.user_name,
        user.problem,
        sorted(user.attributes.items()),
        references,
        groups,
    ]
    return hashlib.sha256(dump_json(content)).hexdigest()[:32]


def blocked_marks(marks: Mapping[str, str | None], people: Iterable[str]) -> Mapping[str, str]:
    """Return the marks of people who are kept from what was decided."""
    return {key: BLOCKED + (marks.get(key) or "") for key in people}


def without_blocked(marks: Mapping[str, str]) -> Mapping[str, str]:
    """Return what was decided, whether it could be made so or not."""
    return {key: mark.removeprefix(BLOCKED) for key, mark in marks.items()}


def find_differing(now: Mapping[str, str], before: Mapping[str, str]) -> frozenset[str]:
    """Return the JumpCloud id of everybody who joined, changed or left in between."""
    changed = {key for key, mark in now.items() if before.get(key) != mark}
    return frozenset(changed.union(key for key in before if key not in now))


def find_touched(plan: Plan) -> frozenset[str]:
    """Return the JumpCloud id of everybody whose account or memberships a plan changes."""
    users = {change.external_id for change in plan.changes if change.kind is Kind.USER}
    members = {m.external_id for change in plan.changes for m in (*change.add, *change.remove)}
    return frozenset(users | members) - {""}
