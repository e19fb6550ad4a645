"""Fingerprints of what people should have."""

from dataclasses import replace

import pytest

from jcsync.model.directory import DirectoryState, Membership
from jcsync.model.resource import Access, DesiredUser, Reference
from jcsync.model.rules import GroupPolicy, Scope
from jcsync.stages.decided import find_differing, find_touched, fingerprints
from jcsync.stages.mapping import map_groups
from tests.factories import a_change, a_directory, a_group_change, a_member, a_person, a_plan

ANN = DesiredUser(
    external_id="jc-ann",
    user_name="ann@example.com",
    access=Access.ACTIVE,
    reason="is in Sales",
    attributes={"userName": "ann@example.com", "title": None},
    references={"manager": Reference(target="jc-bob")},
)
NOBODY = DirectoryState(groups=(), members={}, direct=Membership(user_ids=frozenset()), users={})


def mark(user: DesiredUser, state: DirectoryState = NOBODY, **policy: bool) -> str:
    groups, _ = map_groups(state, [user], GroupPolicy(**policy), Scope())
    return fingerprints([user], groups)[user.external_id]


@pytest.mark.parametrize(
    "changed",
    [
        {"access": Access.INACTIVE},
        {"user_name": "lee@example.com"},
        {"in_scope": False},
        {"problem": "no userName"},
        {"attributes": {"userName": "ann@example.com"}},
        {"attributes": {"userName": "ann@example.com", "title": ""}},
        {"references": {"manager": Reference(target="jc-cid")}},
        {"references": {"manager": Reference(target="jc-bob", clear=True)}},
    ],
)
def test_what_is_provisioned_changes_it(changed: dict[str, object]) -> None:
    assert mark(replace(ANN, **changed)) != mark(ANN)  # type: ignore[arg-type] # of any field


def test_what_is_not_provisioned_does_not() -> None:
    """Reasons tell the order of groups, and mappings have an order of their own."""
    same = replace(
        ANN, reason="is in Keepnet", attributes={"title": None, "userName": "ann@example.com"}
    )

    assert mark(same) == mark(ANN)


def test_memberships_count_where_groups_are_provisioned() -> None:
    person = a_person("ann")
    user = replace(ANN, external_id=person.id)
    inside = a_directory(person, groups={"Sales": [person.id]})
    outside = replace(
        inside, members={g.id: Membership(user_ids=frozenset()) for g in inside.groups}
    )

    assert mark(user, inside, enabled=True) != mark(user, outside, enabled=True)
    assert mark(user, inside) == mark(user, outside)


def test_joiners_movers_and_leavers_differ() -> None:
    before = {"ann": "1", "bob": "2", "cid": "3"}

    assert find_differing({"ann": "1", "bob": "9", "dora": "4"}, before) == {"bob", "cid", "dora"}


def test_whom_a_plan_touches() -> None:
    """By their accounts or by their memberships; a group is nobody."""
    group = a_group_change(add=(a_member("bob"),), remove=(a_member("cid", external_id=""),))

    touched = find_touched(a_plan(a_change(who="ann"), group))

    assert touched == {a_change(who="ann").external_id, a_member("bob").external_id}
