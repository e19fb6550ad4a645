"""Directory ids of other people → the ids of their accounts: the manager. Pure.

Whose account exists is known at once, and the attribute is compared like any other. Whose
account is created by the same plan gets his id then: the attribute follows in a second pass, by
a change of its own. Only ids are looked at, never chains: cycles and people who are their own
manager are nothing special.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from jcsync.model.plan import Action, AttributeChange, Change
from jcsync.model.resource import Access, DesiredUser, Kind, UserResource, Value
from jcsync.model.rules import Policy
from jcsync.stages.diff import is_protected
from jcsync.stages.matching import UserMatching, UserPair

STEP_REFERENCE = 3500
"""After all accounts and groups exist, before anybody's access is taken."""


def resolve_references(matching: UserMatching, *, removals: bool) -> UserMatching:
    """Put the ids of accounts that exist in place of the directory ids of their people.

    Args:
        matching: Both sides.
        removals: Whether both sides are complete: else who is absent may only not have been read.

    Returns:
        The matching with the references as ordinary attributes. A reference to somebody who is
        out of scope, or is to have no account, is left out, and with ``clear`` removed; one to
        somebody of whom nothing can be decided now, or whose account comes or goes, is left out.
    """
    if not any(user.references for user in _people(matching)):
        return matching
    ids = {
        pair.desired.external_id: pair.actual.resource_id
        for pair in matching.pairs
        if pair.desired.in_scope and pair.desired.access is not Access.DELETE
    }
    open_ids = {user.external_id for user in matching.blocked}
    open_ids |= {
        pair.desired.external_id
        for pair in matching.pairs
        if pair.desired.in_scope and pair.desired.external_id not in ids
    }
    open_ids |= {
        user.external_id
        for user in matching.missing
        if user.in_scope and user.access is Access.ACTIVE
    }

    def resolved(user: DesiredUser) -> DesiredUser:
        if not user.references:
            return user
        known: dict[str, Value] = {}
        initial: dict[str, Value] = {}
        for path, reference in user.references.items():
            if reference.target in ids:
                (initial if reference.create_only else known)[path] = ids[reference.target]
            elif reference.clear and removals and reference.target not in open_ids:
                known[path] = None
        return replace(
            user, attributes={**user.attributes, **known}, initial={**user.initial, **initial}
        )

    return replace(
        matching,
        pairs=tuple(replace(pair, desired=resolved(pair.desired)) for pair in matching.pairs),
        missing=tuple(resolved(user) for user in matching.missing),
    )


def _people(matching: UserMatching) -> Iterator[DesiredUser]:
    yield from (pair.desired for pair in matching.pairs)
    yield from matching.missing


def diff_references(
    matching: UserMatching, changes: Iterable[Change], policy: Policy
) -> tuple[Change, ...]:
    """Return the second pass: references to people whose accounts this plan creates.

    Args:
        matching: Both sides.
        changes: Those of users that will be made.
        policy: Who is protected, and whether accounts are updated.

    Returns:
        A change for each person, after his own and his target's account exist. Until then
        ``after`` is the JumpCloud id of the target, and so is its part of the digest.
    """
    created = {c.external_id for c in changes if c.action is Action.CREATE}
    due: list[Change] = []
    for user in matching.missing:
        if user.external_id in created:
            due += _second_pass(user, None, created)
    for pair in matching.pairs:
        if _is_updated(pair, policy):
            due += _second_pass(pair.desired, pair.actual, created)
    return tuple(due)


def _is_updated(pair: UserPair, policy: Policy) -> bool:
    """Whether an account's attributes are kept up to date."""
    desired, actual = pair.desired, pair.actual
    return (
        policy.update
        and desired.access is Access.ACTIVE
        and not desired.problem
        and not is_protected(policy, desired.external_id, desired.user_name, actual)
    )


def _second_pass(
    user: DesiredUser, actual: UserResource | None, created: set[str]
) -> Iterator[Change]:
    before: Mapping[str, Value] = actual.attributes if actual is not None else {}
    attributes = tuple(
        AttributeChange(
            path=path, before=before.get(path), after=reference.target, target=reference.target
        )
        for path, reference in user.references.items()
        if reference.target in created and not (actual is not None and reference.create_only)
    )
    if attributes:
        yield Change(
            action=Action.PATCH,
            kind=Kind.USER,
            name=user.user_name,
            external_id=user.external_id,
            resource_id=actual.resource_id if actual is not None else "",
            reason="refers to an account that is created by this plan",
            step=STEP_REFERENCE,
            attributes=attributes,
        )


def without_dangling(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Leave out references to people whose accounts are not among those created.

    Returns:
        The other changes as they are.
    """
    changes = tuple(changes)
    created = {c.external_id for c in changes if c.action is Action.CREATE}
    kept = []
    for change in changes:
        left = tuple(a for a in change.attributes if not a.target or a.target in created)
        if left == change.attributes:
            kept.append(change)
        elif left:
            kept.append(replace(change, attributes=left))
    return tuple(kept)
