"""Attributes that agree already are sent again (``reconcile --rewrite``). Pure.

A platform that has changed what it does with a value, such as the groups that it makes of
departments, does so with the values that it is sent from then on.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from jcsync.model.equality import is_equal
from jcsync.model.plan import Action, AttributeChange, Change
from jcsync.model.resource import Access, Kind
from jcsync.model.rules import Policy
from jcsync.stages.diff import STEP_PATCH, is_protected
from jcsync.stages.matching import UserMatching, UserPair
from jcsync.stages.settle import WRITING


def rewrite_users(
    changes: Iterable[Change], matching: UserMatching, policy: Policy, immutable: Collection[str]
) -> tuple[Change, ...]:
    """Add to what is due the attributes of all active people that agree already.

    Left out are ``userName``, by which accounts are told apart, and who is protected.

    Args:
        changes: Of users, as far as they differ.
        matching: Everybody whom the run is about.
        policy: Whether attributes are updated at all.
        immutable: SCIM paths that the platform does not let be changed, case ignored.

    Returns:
        One change for each of these accounts, that which was due where there was one; then the rest.
    """
    left_out = {"username", *(path.casefold() for path in immutable)}
    due = list(changes)
    place = {change.resource_id: n for n, change in enumerate(due) if change.action in WRITING}
    for pair in _written(matching, policy):
        again = tuple(_agreeing(pair, left_out))
        number = place.get(pair.actual.resource_id)
        if number is not None:
            due[number] = replace(due[number], attributes=(*due[number].attributes, *again))
        elif again and pair.actual.active:
            due.append(_change(pair, again))
    return tuple(due)


def _written(matching: UserMatching, policy: Policy) -> Iterator[UserPair]:
    for pair in matching.pairs if policy.update else ():
        user = pair.desired
        if user.access is not Access.ACTIVE or not user.in_scope or user.problem:
            continue
        if not is_protected(policy, user.external_id, user.user_name, pair.actual):
            yield pair


def _agreeing(pair: UserPair, left_out: Collection[str]) -> Iterator[AttributeChange]:
    for path, value in pair.desired.attributes.items():
        before = pair.actual.attributes.get(path)
        if value in (None, "") or path.casefold() in left_out or not is_equal(path, before, value):
            continue
        yield AttributeChange(path=path, before=before, after=value)


def _change(pair: UserPair, attributes: tuple[AttributeChange, ...]) -> Change:
    return Change(
        action=Action.PATCH,
        kind=Kind.USER,
        name=pair.desired.user_name,
        external_id=pair.desired.external_id,
        resource_id=pair.actual.resource_id,
        reason="is sent again (--rewrite)",
        step=STEP_PATCH,
        attributes=attributes,
    )
