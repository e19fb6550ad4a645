"""The part of a matching and a plan that is about some people."""

from dataclasses import replace

import pytest

from jcsync.errors import UsageError
from jcsync.model.plan import Action, AttributeChange, Plan
from jcsync.model.report import Finding, FindingKind
from jcsync.model.rules import Policy
from jcsync.stages.matching import UserMatching, match_users
from jcsync.stages.restrict import (
    called,
    choose_one,
    linked_ids,
    measure_plan,
    names_in,
    restrict_findings,
    restrict_plan,
    restrict_users,
)
from tests.factories import (
    a_change,
    a_group_change,
    a_group_link,
    a_link,
    a_member,
    a_plan,
    a_stranger,
    a_user,
    an_account,
    an_attribute,
    mail,
)


@pytest.mark.parametrize("who", ["LEA", "scim-lea", " Lea@Example.com "])
def test_leaver_is_known_by_his_link(who: str) -> None:
    """By either id and by the name that he had; a group of that name is somebody else."""
    links = [a_link("lea"), a_link("bob"), a_group_link("lea@example.com")]

    assert linked_ids(links, who) == {"lea"}
    assert linked_ids(links, "") == set()


def test_nothing_is_said_of_others() -> None:
    """Neither are they counted, nor is what is wrong with them."""
    others = match_users(
        [a_user("ann"), a_user("bob"), a_user("cid")],
        [an_account("ann"), a_stranger("bob", external_id="foreign"), an_account("dan")],
        [a_link("ann"), a_link("dan"), a_link("eve")],
        Policy(),
    )

    mine = restrict_users(others, {"ann"})

    assert [pair.desired.external_id for pair in mine.pairs] == ["ann"]
    assert replace(mine, pairs=()) == UserMatching()
    assert names_in(mine) == {mail("ann")}
    assert restrict_users(others, {"dan"}).orphans == others.orphans
    assert restrict_users(others, {"bob"}).findings == others.findings
    assert names_in(others) == {mail(who) for who in ("ann", "bob", "cid", "dan")}


def test_percentages_are_of_everybody() -> None:
    """A plan about some people is measured by what jcsync manages, not by what was read."""
    links = [a_link("ann"), a_link("bob", deactivated_at="2026-01-01"), a_group_link()]

    measured = measure_plan(a_plan(managed=1, managed_active=1), links)

    assert (measured.managed, measured.managed_active, measured.managed_groups) == (2, 1, 1)
    assert measure_plan(a_plan(managed=9), links).managed == 9


def restricted(plan: Plan, who: str) -> Plan:
    """The part of a plan that is about somebody."""
    return restrict_plan(plan, {who})


def test_only_his_changes_and_memberships_are_left() -> None:
    """What happens to others and to the group itself waits for a full run."""
    group = a_group_change(
        attributes=(an_attribute("displayName", "Old", "Staff"),),
        add=(a_member("ann", external_id="ann-id"), a_member("bob")),
        remove=(a_member("lea"),),
    )
    plan = a_plan(a_change(who="ann-id"), a_change(who="bob"), group, managed=7)

    mine = restricted(plan, "ann-id")

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

    (change,) = restricted(a_plan(group), "ann-id").changes

    assert len(change.attributes) == len(change.add) == 1


def test_groups_that_do_not_concern_him_are_left_out() -> None:
    """Also one that is to be deleted."""
    plan = a_plan(a_group_change(Action.DELETE), a_group_change(add=(a_member("bob"),)))

    assert restricted(plan, "ann-id").changes == ()


def test_account_that_returns_no_external_id_is_found_by_its_own() -> None:
    """The orphan of a platform that forgets externalId can be named too."""
    plan = a_plan(
        a_change(Action.DEACTIVATE, "gone", resource_id="scim-eve"),
        a_group_change(remove=(a_member("gone", resource_id="scim-eve"),)),
    )

    assert len(restricted(plan, "scim-eve").changes) == 2


@pytest.mark.parametrize("who", ["nobody", ""])
def test_unknown_person_is_an_error_of_the_command(who: str) -> None:
    """It says where he was looked for."""
    with pytest.raises(UsageError, match="nobody called"):
        choose_one((), who)


def test_ambiguous_name_is_an_error_of_the_command() -> None:
    """It says by which ids they can be told apart."""
    with pytest.raises(UsageError, match="x, y"):
        choose_one({"y", "x"}, "n")


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

    assert restrict_plan(plan, {"ann"}).changes == plan.changes[:1]
