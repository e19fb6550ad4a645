"""What the store remembers of a run."""

import pytest

from jcsync.model.plan import Action, Change, Plan
from jcsync.model.report import Outcome, Status
from jcsync.model.resource import Access, Kind, Link
from jcsync.model.rules import GroupPolicy, Policy
from jcsync.stages.matching import GroupMatching, UserMatching, match_groups, match_users
from jcsync.stages.record import record_matching, record_outcomes
from tests.factories import (
    NOON,
    a_change,
    a_desired_group,
    a_group,
    a_group_change,
    a_group_link,
    a_link,
    a_plan,
    a_user,
    an_account,
    an_attribute,
    an_outcome,
)
from tests.fakes import FakeStore, FixedClock

NO_GROUPS = GroupMatching()
NO_USERS = UserMatching()


def users_of(*links: Link, people: str = "", accounts: str = "") -> UserMatching:
    """A matching of people and accounts, each of one letter."""
    return match_users(
        [a_user(who) for who in people], [an_account(who) for who in accounts], links, Policy()
    )


# ---------------------------------------------------------------------- links


def test_lost_store_is_rebuilt_by_external_id() -> None:
    """The next leaver is then known to be ours."""
    store = FakeStore()
    groups = match_groups([a_desired_group()], [a_group()], [], GroupPolicy())

    record_matching(store, "keepnet", users_of(people="a", accounts="a"), groups, [], complete=True)

    assert store.kept == {(Kind.USER, "a"): a_link("a"), (Kind.GROUP, "g-staff"): a_group_link()}


def test_known_links_are_not_written_again() -> None:
    """A run that has nothing to do writes nothing."""
    store = FakeStore.of(a_link("a"))
    matching = users_of(a_link("a"), people="a", accounts="a")

    record_matching(store, "keepnet", matching, NO_GROUPS, [a_link("a")], complete=True)

    assert store.calls == []


@pytest.mark.parametrize(("complete", "kept"), [(True, 0), (False, 1)])
def test_link_to_a_vanished_account_is_forgotten_after_a_complete_read(
    complete: bool, kept: int
) -> None:
    """An account that half a list leaves out may still be there."""
    store = FakeStore.of(a_link("a"))

    record_matching(
        store, "keepnet", users_of(a_link("a")), NO_GROUPS, [a_link("a")], complete=complete
    )

    assert len(store.kept) == kept


def test_link_to_a_vanished_group_is_forgotten() -> None:
    """Likewise."""
    store = FakeStore.of(a_group_link())
    groups = match_groups([], [], [a_group_link()], GroupPolicy())

    record_matching(store, "keepnet", NO_USERS, groups, [a_group_link()], complete=True)

    assert store.kept == {}


def test_link_to_a_vanished_account_is_replaced_by_the_one_that_carries_the_id() -> None:
    """Somebody recreated the account by hand, with our externalId."""
    stale = a_link("a", resource_id="scim-old")
    store = FakeStore.of(stale)

    record_matching(
        store,
        "keepnet",
        users_of(stale, people="a", accounts="a"),
        NO_GROUPS,
        [stale],
        complete=True,
    )

    assert store.kept == {(Kind.USER, "a"): a_link("a")}


# ---------------------------------------------------------------------- outcomes


def recorded(plan: Plan, *outcomes: Outcome, links: tuple[Link, ...] = ()) -> FakeStore:
    """A store after these outcomes."""
    store = FakeStore.of(*links)
    seen: list[tuple[Change, Outcome]] = []
    passed = record_outcomes(
        store,
        "run",
        plan,
        [outcomes],
        links=links,
        clock=FixedClock(),
        seen=lambda change, outcome: seen.append((change, outcome)),
    )
    assert tuple(passed) == outcomes
    assert seen == [(plan.changes[outcome.n - 1], outcome) for outcome in outcomes]
    return store


def test_created_account_is_linked() -> None:
    """By the id that the platform gave it."""
    store = recorded(a_plan(a_change(Action.CREATE)), an_outcome(resource_id="r1"))

    assert store.links("keepnet") == (a_link(resource_id="r1"),)


def test_deactivation_is_remembered_with_its_time() -> None:
    """So that policy.delete_after can count from it; reactivation ends it."""
    when = NOON.isoformat(timespec="seconds")
    gone = recorded(
        a_plan(a_change(Action.DEACTIVATE)), an_outcome(resource_id="scim-ann"), links=(a_link(),)
    )
    back = recorded(
        a_plan(a_change(Action.REACTIVATE)),
        an_outcome(resource_id="scim-ann"),
        links=gone.links("keepnet"),
    )

    assert [link.deactivated_at for link in gone.links("")] == [when]
    assert [link.deactivated_at for link in back.links("")] == [None]


def test_account_whose_adoption_failed_is_not_ours() -> None:
    """Else nobody would ever give it its externalId."""
    adopt = a_change(Action.PATCH, attributes=(an_attribute("externalId", None, "ann"),))
    failed = an_outcome(status=Status.FAILED, error="no", resource_id="")
    gone = an_outcome(n=2, resource_id="scim-ann")

    store = recorded(a_plan(adopt, a_change(Action.DEACTIVATE)), failed, gone)

    assert store.links("keepnet") == ()


def test_rename_is_remembered() -> None:
    """And leaves the rest of the link as it is."""
    before = a_link(deactivated_at="2026-01-01T00:00:00+00:00")

    store = recorded(
        a_plan(a_change(name="married@x")), an_outcome(resource_id="scim-ann"), links=(before,)
    )

    (link,) = store.links("")
    assert (link.name, link.deactivated_at) == ("married@x", before.deactivated_at)


def test_two_changes_of_one_person_build_on_each_other() -> None:
    """A patch after a deactivation keeps its time."""
    plan = a_plan(a_change(Action.DEACTIVATE), a_change(name="married@x"))
    outcomes = [an_outcome(n, resource_id="scim-ann") for n in (1, 2)]

    (link,) = recorded(plan, *outcomes, links=(a_link(),)).links("")

    assert link.name == "married@x"
    assert link.deactivated_at is not None


def test_deleted_account_loses_its_link() -> None:
    """Who returns gets a new account."""
    store = recorded(a_plan(a_change(Action.DELETE)), an_outcome(), links=(a_link(),))

    assert store.kept == {}


def test_failed_change_is_recorded_and_links_nothing() -> None:
    """The next run looks again."""
    failed = an_outcome(status=Status.FAILED, error="400")

    store = recorded(a_plan(a_change(Action.CREATE)), failed)

    assert (store.outcomes, store.kept) == ([failed], {})


def test_group_without_its_members_is_linked_all_the_same() -> None:
    """It exists, so it must not be created again."""
    failed = an_outcome(status=Status.FAILED, error="its members failed", resource_id="r1")

    store = recorded(a_plan(a_group_change(Action.CREATE)), failed)

    assert store.links("") == (a_group_link(resource_id="r1"),)


def test_change_that_was_not_attempted_stays_intended() -> None:
    """Its end is written with that of the run."""
    store = recorded(a_plan(a_change()), an_outcome(status=Status.NOT_ATTEMPTED, attempts=0))

    assert store.outcomes == []


def test_resource_without_external_id_is_not_linked() -> None:
    """There is nothing to link it to."""
    store = recorded(a_plan(a_change(external_id="")), an_outcome(resource_id="scim-ann"))

    assert store.kept == {}


@pytest.mark.parametrize(
    ("active", "access", "kept"),
    [(True, Access.ACTIVE, False), (False, Access.ACTIVE, True), (True, Access.INACTIVE, True)],
)
def test_time_of_a_deactivation_ends_with_the_access_that_somebody_else_gave_back(
    active: bool, access: Access, kept: bool
) -> None:
    """Only of who should have it; else it is taken again, and the time with it."""
    link = a_link("a", deactivated_at="2026-01-01T00:00:00+00:00")
    store = FakeStore.of(link)
    matching = match_users(
        [a_user("a", access)], [an_account("a", active=active)], [link], Policy()
    )

    links = record_matching(store, "keepnet", matching, NO_GROUPS, [link], complete=True)

    assert links == store.links("") == ((link if kept else a_link("a")),)
