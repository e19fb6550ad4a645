"""Whom to ask for again before his access is taken."""

from dataclasses import replace

import pytest

from jcsync.model.limits import Limit, Limits
from jcsync.model.resource import Access, DesiredUser, Link, UserResource
from jcsync.model.rules import Policy, Removal, Scope
from jcsync.stages.confirm import fetch_evidence, removal_candidates, worth_confirming
from jcsync.stages.matching import UserMatching, match_users
from tests.factories import a_directory, a_link, a_person, a_user, an_account
from tests.fakes import FakeDirectory, failing, refused

KEEP_ALL = Policy(on_leave=Removal.KEEP, on_delete=Removal.KEEP)
DELETE_ALL = Policy(on_leave=Removal.DELETE, on_delete=Removal.DELETE)


def matched(
    *desired: DesiredUser,
    accounts: list[UserResource],
    leavers: tuple[str, ...] = (),
    policy: Policy | None = None,
) -> UserMatching:
    """These people against these accounts; the leavers are linked."""
    links: list[Link] = [a_link(who) for who in leavers]
    return match_users(desired, accounts, links, policy or Policy())


def crowd(size: int) -> tuple[list[UserResource], tuple[str, ...]]:
    """So many accounts, and who they belong to."""
    people = tuple(f"u{n:03}" for n in range(size))
    return [an_account(who) for who in people], people


def test_everybody_who_may_lose_access_is_asked_for() -> None:
    """Leavers and the suspended, once each and in order; not who keeps his account."""
    matching = matched(
        a_user("sid", Access.INACTIVE),
        a_user("del", Access.DELETE),
        a_user("ann"),
        a_user("kim", Access.KEEP),
        accounts=[an_account(who) for who in ("sid", "del", "ann", "kim", "lea")],
        leavers=("lea",),
    )

    assert removal_candidates(matching, Policy()) == ("del", "lea", "sid")


def test_who_has_no_access_is_not_asked_for() -> None:
    """An account that is inactive already cannot be deactivated."""
    matching = matched(
        a_user("sid", Access.INACTIVE),
        accounts=[an_account("sid", active=False), an_account("lea", active=False)],
        leavers=("lea",),
    )

    assert removal_candidates(matching, Policy()) == ()


@pytest.mark.parametrize("policy", [DELETE_ALL, Policy(on_delete=Removal.DELETE)])
def test_inactive_account_that_could_be_deleted_is_asked_for(policy: Policy) -> None:
    """Nothing is deleted on the word of a list alone, and who is gone is found out."""
    matching = matched(
        a_user("sid", Access.DELETE),
        accounts=[an_account("sid", active=False), an_account("lea", active=False)],
        leavers=("lea",),
    )

    assert removal_candidates(matching, policy) == ("lea", "sid")


def test_leavers_who_keep_their_accounts_are_not_asked_for() -> None:
    """Their number grows for ever, and nothing would follow."""
    matching = matched(accounts=[an_account("lea")], leavers=("lea",))

    assert removal_candidates(matching, KEEP_ALL) == ()
    assert removal_candidates(matching, Policy(on_leave=Removal.KEEP)) == ("lea",)


def test_run_about_one_person_asks_for_him_only() -> None:
    """By his JumpCloud id, or by the id of his account."""
    accounts, people = crowd(3)
    matching = matched(accounts=accounts, leavers=people)

    assert removal_candidates(matching, Policy(), frozenset({"u001"})) == ("u001",)
    assert removal_candidates(matching, Policy(), frozenset({"scim-u002"})) == ("u002",)
    assert removal_candidates(matching, Policy(), frozenset()) == ()


@pytest.mark.parametrize(("leaving", "asked"), [(30, 30), (31, 0)])
def test_crowd_far_beyond_its_limit_is_not_asked_for(leaving: int, asked: int) -> None:
    """Such a plan is held whatever is found; a little beyond it the answers may settle it."""
    accounts, people = crowd(100)
    matching = matched(
        *(a_user(who) for who in people[leaving:]), accounts=accounts, leavers=people
    )
    limits = Limits(deactivate=Limit(count=5))

    assert len(worth_confirming(matching, limits, Policy())) == asked


def test_without_a_limit_everybody_is_asked_for() -> None:
    """A plan that nothing holds is confirmed in full."""
    accounts, people = crowd(100)
    matching = matched(accounts=accounts, leavers=people)

    assert worth_confirming(matching, Limits(deactivate=Limit()), Policy()) == people


def test_everybody_is_asked_for_where_the_answer_decides() -> None:
    """Who was deleted in JumpCloud is treated differently from who left the groups."""
    accounts, people = crowd(100)
    matching = matched(accounts=accounts, leavers=people)

    found = worth_confirming(
        matching, Limits(deactivate=Limit(count=1)), Policy(on_delete=Removal.DELETE)
    )

    assert found == people


def test_leavers_who_keep_their_accounts_do_not_spare_the_others_the_question() -> None:
    """A suspended person is confirmed, however many kept accounts have piled up."""
    accounts, people = crowd(100)
    matching = matched(
        a_user("sid", Access.INACTIVE),
        accounts=[*accounts, an_account("sid")],
        leavers=people,
    )

    assert worth_confirming(matching, Limits(), KEEP_ALL) == ("sid",)


def test_protected_people_do_not_spare_the_others_the_question() -> None:
    """They are in no plan, so they make no plan exceed its limit."""
    accounts, people = crowd(100)
    matching = matched(accounts=accounts, leavers=people)
    policy = Policy(protect=frozenset(people[1:]))

    assert "u000" in worth_confirming(matching, Limits(), policy)


def test_deletions_are_measured_by_their_own_limit() -> None:
    """A plan within limits.delete is not held, so everybody in it is confirmed."""
    accounts, people = crowd(100)
    matching = matched(accounts=accounts, leavers=people)

    generous = Limits(delete=Limit(count=1000))
    assert worth_confirming(matching, generous, DELETE_ALL) == people
    assert worth_confirming(matching, Limits(), DELETE_ALL) == ()


def test_evidence_is_found_for_each() -> None:
    """Also that somebody does not exist any more."""
    ann = a_person("ann")
    directory = FakeDirectory(a_directory(ann))

    found = fetch_evidence(directory, ["ann", "gone"], Scope())

    assert found["ann"].user == ann
    assert found["ann"].group_ids == {"g-staff"}
    assert found["gone"].user is None


def test_one_failed_question_is_no_answer() -> None:
    """Nobody is believed to have left on half the answers."""
    directory = FakeDirectory(a_directory(a_person("ann")))
    directory.fails = failing("evidence gone", error=refused())

    with pytest.raises(type(refused())):
        fetch_evidence(directory, ["ann", "gone"], Scope())


def test_account_whose_time_is_over_is_asked_for() -> None:
    """By all that was said of those who are deactivated; not where policies keep it."""
    matching = matched(
        a_user("sid", Access.INACTIVE),
        accounts=[an_account("sid", active=False), an_account("lea", active=False)],
        leavers=("lea",),
    )
    expired = {"sid", "lea"}

    assert removal_candidates(matching, Policy(), expired=expired) == ("lea", "sid")
    assert removal_candidates(matching, KEEP_ALL, expired=expired) == ("sid",)


def test_many_whose_time_is_over_are_held_without_being_asked_for() -> None:
    """As with those who lose access: the plan is held whatever is found."""
    accounts, people = crowd(100)
    idle = [replace(account, active=False) for account in accounts]
    matching = matched(accounts=idle, leavers=people)
    limits = Limits(delete=Limit(count=2))

    assert worth_confirming(matching, limits, Policy(), expired=people) == ()
    assert worth_confirming(matching, limits, Policy(), expired=people[:9]) == people[:9]
