"""What a flawless answer shows and is still not believed."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from jcsync.model.directory import DirectoryState
from jcsync.model.limits import Limit, Limits
from jcsync.model.resource import GroupResource, Link, ProviderState
from jcsync.model.rules import GroupPolicy, Policy
from jcsync.stages.doubt import contradicted, doubtful_losses, fetch_gone
from jcsync.stages.matching import UserMatching, match_users
from tests.factories import (
    a_directory,
    a_group,
    a_group_link,
    a_link,
    a_person,
    a_user,
    an_account,
    evidence_of,
)
from tests.fakes import FakeProvider, failing, refused

GROUPS = replace(GroupPolicy(), enabled=True)
EMPTIED = a_directory(a_person("ann"), a_person("bob"), groups={"Staff": ["ann"], "Admins": []})
HELD = a_group("Admins", "ann", "bob")


def matched(*who: str, links: Iterable[Link] = ()) -> UserMatching:
    """These people with their accounts."""
    return match_users(
        [a_user(name) for name in who], [an_account(name) for name in who], links, Policy()
    )


@pytest.mark.parametrize(
    ("state", "held", "policy", "limits", "expected"),
    [
        pytest.param(EMPTIED, HELD, GROUPS, None, {"g-admins": ("ann", "bob")}, id="emptied"),
        pytest.param(EMPTIED, a_group("Admins"), GROUPS, None, {}, id="empty-there-too"),
        pytest.param(EMPTIED, a_group("Others", "ann"), GROUPS, None, {}, id="not-there"),
        pytest.param(
            EMPTIED, HELD, replace(GROUPS, remove_extra=False), None, {}, id="nobody-is-removed"
        ),
        pytest.param(EMPTIED, HELD, GroupPolicy(), None, {}, id="groups-off"),
        pytest.param(EMPTIED, HELD, replace(GROUPS, only=("Staff",)), None, {}, id="not-chosen"),
        pytest.param(
            EMPTIED,
            HELD,
            GROUPS,
            Limits(remove_members=Limit(count=1)),
            {"g-admins": ("ann", "bob")},
            id="near-the-limit",
        ),
    ],
)
def test_who_is_asked_for_about_an_emptied_group(
    state: DirectoryState,
    held: GroupResource,
    policy: GroupPolicy,
    limits: Limits | None,
    expected: dict[str, tuple[str, ...]],
) -> None:
    """Managed people in scope who would lose a membership because a list is empty."""
    asked = doubtful_losses(state, [held], matched("ann", "bob"), [], policy, limits)

    assert asked == expected


def test_who_has_a_jumpcloud_id_and_no_link_is_asked_for() -> None:
    """A store was lost; of another agent's account JumpCloud knows nothing."""
    lost = "5f0000000000000000000001"
    accounts = [
        an_account("leo", external_id=lost),
        an_account("oli", external_id="okta-1"),
        an_account("una", external_id=""),
    ]
    users = match_users([], accounts, [], Policy())
    held = a_group("Admins", "leo", "oli", "una")

    assert doubtful_losses(EMPTIED, [held], users, [], GROUPS) == {"g-admins": (lost,)}


def test_inactive_member_who_seems_to_have_left_is_asked_for() -> None:
    """Who is active is asked for as a leaver anyway."""
    accounts = [an_account("ann", active=False), an_account("bob")]
    users = match_users([], accounts, [a_link("ann"), a_link("bob")], Policy())

    assert doubtful_losses(EMPTIED, [HELD], users, [], GROUPS) == {"g-admins": ("ann",)}


def test_group_is_found_by_its_link() -> None:
    """A group whose externalId somebody removed is still the one."""
    held = replace(HELD, external_id="")

    asked = doubtful_losses(
        EMPTIED,
        [held],
        matched("ann"),
        [a_group_link("Admins", resource_id=held.resource_id)],
        GROUPS,
    )

    assert asked == {"g-admins": ("ann",)}


def test_few_are_asked_for_about_a_group_that_is_not_empty() -> None:
    """Those whom its list does not name, fifty in all groups together."""
    who = [f"p{n:03}" for n in range(80)]
    state = a_directory(
        *map(a_person, who), groups={"Staff": who, "Admins": who[:50], "Board": who[70:]}
    )
    held = [a_group("Admins", *who), a_group("Board", *who), a_group("Staff", *who)]

    asked = doubtful_losses(state, held, matched(*who), [], GROUPS, Limits())

    assert asked == {"g-admins": tuple(who[50:]), "g-board": tuple(who[:20])}


@pytest.mark.parametrize("listed", [True, False])
def test_who_was_asked_for_directly_is_not_asked_again(listed: bool) -> None:
    """Some people of a list are doubted like all."""
    some = replace(EMPTIED, asked=frozenset({"ann"}), listed=listed)

    asked = doubtful_losses(some, [HELD], matched("ann"), [], GROUPS)

    assert bool(asked) is listed


def test_nobody_is_asked_for_when_the_plan_is_held_anyway() -> None:
    """Hundreds of questions about a plan that is held whatever they bring are not asked."""
    who = [f"p{n}" for n in range(40)]
    state = a_directory(*map(a_person, who), groups={"Staff": who, "Admins": []})
    held = a_group("Admins", *who)
    limits = Limits(remove_members=Limit(count=2))

    assert doubtful_losses(state, [held], matched(*who), [], GROUPS, limits) == {}
    assert doubtful_losses(state, [held], matched(*who), [], GROUPS, None).keys() == {"g-admins"}


def test_one_record_that_contradicts_is_enough() -> None:
    """The list of members is wrong if one person says by his own record that he is in the group."""
    asked = {"g-admins": ("ann", "bob")}
    out, inside = evidence_of(a_person("ann")), evidence_of(a_person("bob"), "Admins")

    (gap,) = contradicted(EMPTIED, asked, {"ann": out, "bob": inside})
    assert '"Admins"' in gap
    assert contradicted(EMPTIED, asked, {"ann": out}) == ()


def test_account_that_the_list_leaves_out_is_found_by_its_id() -> None:
    """A linked account that exists makes the list incomplete, and is put back into it."""
    provider = FakeProvider(an_account("ann"))
    users = match_users([a_user("ann")], [], [a_link("ann"), a_link("bob")], Policy())

    actual = fetch_gone(provider, ProviderState(users=(), groups=()), users)

    assert [user.resource_id for user in actual.users] == ["scim-ann"]
    assert len(actual.gaps) == 1


def test_group_that_the_list_leaves_out_is_found_by_its_id() -> None:
    """Likewise; one that is really gone is not."""
    provider = FakeProvider(groups=[a_group("Staff", "ann")])
    users = match_users([], [], [], Policy())
    links = [a_group_link("Staff"), a_group_link("Gone"), a_group_link("Listed")]
    state = ProviderState(users=(), groups=(a_group("Listed"),))

    actual = fetch_gone(provider, state, users, links)

    assert {group.display_name for group in actual.groups} == {"Staff", "Listed"}
    assert actual.gaps == ("the list of groups leaves out 1 that exist",)
    assert "fetch-group scim-listed" not in provider.calls
    assert fetch_gone(provider, state, users, links[1:]) == state


def test_account_that_is_really_gone_leaves_the_list_complete() -> None:
    """Who was deleted by hand is created again."""
    users = match_users([a_user("ann")], [], [a_link("ann")], Policy())
    state = ProviderState(users=(), groups=())

    assert fetch_gone(FakeProvider(), state, users) == state


def test_account_that_cannot_be_asked_for_is_not_gone() -> None:
    """No answer is no proof."""
    provider = FakeProvider()
    provider.fails = failing("fetch", error=refused())
    users = match_users([a_user("ann")], [], [a_link("ann")], Policy())

    actual = fetch_gone(provider, ProviderState(users=(), groups=()), users)

    assert len(actual.gaps) == 1


def test_empty_list_is_not_believed_without_links_either() -> None:
    """With an empty store as well, a few are looked up by name before everybody is created."""
    provider = FakeProvider(an_account("ann"))
    users = match_users([a_user("ann")], [], [], Policy())

    assert not fetch_gone(provider, ProviderState(users=(), groups=()), users).complete
    assert fetch_gone(FakeProvider(), ProviderState(users=(), groups=()), users).complete


def test_inactive_account_may_be_left_out_of_a_list_of_active_ones() -> None:
    """Some platforms hide whom they have deactivated; that makes no other account doubtful."""
    ann, bob = an_account("ann"), replace(an_account("bob"), active=False)
    provider = FakeProvider(ann, bob)
    links = [a_link("ann"), a_link("bob")]
    users = match_users([a_user("ann"), a_user("bob")], [ann], links, Policy())

    actual = fetch_gone(provider, ProviderState(users=(ann,), groups=()), users)

    assert (actual.complete, actual.users) == (True, (ann, bob))
    assert not fetch_gone(provider, ProviderState(users=(), groups=()), users).complete
