"""The part of a plan that is about one person."""

import pytest

from jcsync.errors import UsageError
from jcsync.model.plan import Action, AttributeChange, Plan
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import ProviderState
from jcsync.stages.restrict import (
    called,
    choose_one,
    find_ids,
    restrict_findings,
    restrict_plan,
)
from tests.factories import (
    a_change,
    a_directory,
    a_group_change,
    a_member,
    a_person,
    a_plan,
    a_stranger,
    an_account,
    an_attribute,
    mail,
)

STATE = a_directory(
    a_person("ann", id="ann-id"), a_person("bob", email=""), groups={"Staff": ["ann-id", "bob"]}
)
ACTUAL = ProviderState(
    users=(
        an_account("lea", emails=("lea@private.example",)),
        a_stranger("eve"),
        an_account("ann", external_id="ann-id"),
    )
)


@pytest.mark.parametrize(
    ("who", "ids"),
    [
        ("ANN-ID", {"ann-id"}),
        (" Ann ", {"ann-id"}),
        ("Ann@Example.com", {"ann-id"}),
        ("scim-lea", {"lea"}),
        ("LEA", {"lea"}),
        ("lea@example.com", {"lea"}),
        ("Lea@private.example", {"lea"}),
        ("eve@example.com", {"scim-eve"}),
        ("nobody", set()),
        ("", set()),
        ("  ", set()),
    ],
)
def test_person_is_found_by_any_name(who: str, ids: set[str]) -> None:
    """In the directory first, then on the platform; an empty name is nobody's."""
    assert find_ids(STATE, ACTUAL, who) == ids


def test_record_outside_the_scope_is_not_found_in_the_directory() -> None:
    """Who is in none of the groups is known by his account only."""
    state = a_directory(a_person("lea", id="lea-id"), groups={"Staff": []})

    assert find_ids(state, ACTUAL, mail("lea")) == {"lea"}


def restricted(plan: Plan, who: str) -> Plan:
    """The part of a plan that is about somebody."""
    return restrict_plan(plan, choose_one(find_ids(STATE, ACTUAL, who), who))


def test_only_his_changes_and_memberships_are_left() -> None:
    """What happens to others and to the group itself waits for a full run."""
    group = a_group_change(
        attributes=(an_attribute("displayName", "Old", "Staff"),),
        add=(a_member("ann", external_id="ann-id"), a_member("bob")),
        remove=(a_member("lea"),),
    )
    plan = a_plan(a_change(who="ann-id"), a_change(who="bob"), group, managed=7)

    mine = restricted(plan, "ann")

    assert [change.external_id for change in mine.changes] == ["ann-id", "g-staff"]
    assert mine.changes[1].attributes == ()
    assert [m.external_id for m in mine.changes[1].add] == ["ann-id"]
    assert mine.changes[1].remove == ()
    assert mine.managed == 7
    assert mine.digest != plan.digest


def test_group_is_created_for_him() -> None:
    """With its name, which it needs, and with him alone."""
    group = a_group_change(
        Action.CREATE,
        attributes=(an_attribute("displayName", None, "Staff"),),
        add=(a_member("ann", external_id="ann-id"), a_member("bob")),
    )

    (change,) = restricted(a_plan(group), "ann").changes

    assert len(change.attributes) == len(change.add) == 1


def test_groups_that_do_not_concern_him_are_left_out() -> None:
    """Also one that is to be deleted."""
    plan = a_plan(a_group_change(Action.DELETE), a_group_change(add=(a_member("bob"),)))

    assert restricted(plan, "ann").changes == ()


def test_account_that_returns_no_external_id_is_found_by_its_own() -> None:
    """The orphan of a platform that forgets externalId can be named too."""
    plan = a_plan(
        a_change(Action.DEACTIVATE, "gone", resource_id="scim-eve"),
        a_group_change(remove=(a_member("gone", resource_id="scim-eve"),)),
    )

    assert len(restricted(plan, "eve@example.com").changes) == 2


@pytest.mark.parametrize("who", ["nobody", ""])
def test_unknown_person_is_an_error_of_the_command(who: str) -> None:
    """It says where he was looked for."""
    with pytest.raises(UsageError, match="nobody called"):
        restricted(a_plan(), who)


def test_ambiguous_name_is_an_error_of_the_command() -> None:
    """It says by which ids they can be told apart."""
    actual = ProviderState(users=(an_account("x", user_name="n"), an_account("y", user_name="N")))

    with pytest.raises(UsageError, match="x, y"):
        choose_one(find_ids(STATE, actual, "n"), "n")


@pytest.mark.parametrize(
    ("who", "meant"), [(" ANN ", True), ("ann", True), ("an", False), ("", False), ("x", False)]
)
def test_name_is_compared_as_a_whole(who: str, meant: bool) -> None:
    """Case ignored, and an empty name is nobody's."""
    assert called(who, "ann", "") is meant


def test_findings_about_others_are_left_out() -> None:
    """What is wrong with somebody else is no part of a run about one person; a gap is."""
    mine = Finding(kind=FindingKind.CONFLICT, subject=mail("ann"), message="taken")
    other = Finding(kind=FindingKind.CONFLICT, subject=mail("bob"), message="taken")
    gap = Finding(kind=FindingKind.INCOMPLETE, subject="directory", message="a page is missing")

    assert restrict_findings([mine, other, gap], {mail("ann")}) == (mine, gap)


def test_reference_to_an_account_of_somebody_else_waits() -> None:
    """A run about one person creates no manager for him."""
    manager = AttributeChange(path="manager.value", before=None, after="mgr", target="mgr")
    plan = a_plan(
        a_change(Action.CREATE, "ann"),
        a_change(Action.CREATE, "mgr"),
        a_change(attributes=(manager,), resource_id=""),
    )

    assert restrict_plan(plan, "ann").changes == plan.changes[:1]
