"""A few accounts and groups, looked up on the embedded platform and on one that takes no filters."""

from contextlib import ExitStack

import pytest

from jcsync.model.resource import Sought
from jcsync.sandbox import misfortunes
from jcsync.sandbox.deviant import DeviantPlatform
from jcsync.sandbox.deviations import Deviations
from jcsync.sandbox.faults import Answer, Exchange, Fault
from jcsync.sandbox.world import PlatformSide
from tests.contract.scim.conftest import TOKEN, Connect, build

CROWD = 450


def populate(side: PlatformSide) -> dict[str, str]:
    """Put a crowd on the platform, more than a page holds; return ids by mailbox."""
    return {
        f"p{n}": side.state.add_by_hand(
            userName=f"p{n}@example.com",
            externalId=f"jc-{n}",
            emails=[{"type": "work", "value": f"mail{n}@example.com", "primary": True}],
        )
        for n in range(CROWD)
    }


@pytest.fixture
def ids(side: PlatformSide) -> dict[str, str]:
    """A crowd on the strict platform."""
    return populate(side)


def lists(side: PlatformSide, collection: str = "/scim/v2/Users") -> int:
    """How many pages were read without a filter."""
    log = side.faults.traffic.log
    return sum(a.path == collection and "filter" not in a.query for a in log)


def filters(side: PlatformSide) -> int:
    """How many requests had a filter."""
    return sum("filter" in asked.query for asked in side.faults.traffic.log)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ({"external_id": "jc-7", "resource_id": "linked"}, {"p7"}),
        ({"external_id": "jc-7"}, {"p7"}),
        ({"external_id": "jc-7", "resource_id": "no-such-id"}, {"p7"}),
        ({"external_id": "other", "resource_id": "linked"}, {"p7"}),
        ({"external_id": "other", "name": "P9@EXAMPLE.COM"}, {"p9"}),
        ({"external_id": "other", "name": "x", "emails": ("MAIL4@example.com",)}, {"p4"}),
        ({"external_id": "other", "name": "x", "emails": ("x@example.com",)}, set()),
        ({"external_id": "other"}, set()),
    ],
)
def test_account_is_looked_up(
    side: PlatformSide,
    connect: Connect,
    ids: dict[str, str],
    sought: dict[str, str],
    found: set[str],
) -> None:
    """By link, externalId, userName, then e-mail, without reading the list."""
    if "resource_id" in sought:
        sought = {**sought, "resource_id": sought["resource_id"].replace("linked", ids["p7"])}
    state = connect().fetch_accounts([Sought(**sought)])

    names = {account.user_name.partition("@")[0] for account in state.users}
    assert (names, state.gaps, state.notes) == (found, (), ())
    assert lists(side) <= 1, "one page, to see the filter find what is there"
    assert len(side.faults.traffic.log) <= 8


def test_an_account_that_carries_another_id_is_found_beside_it(
    connect: Connect, ids: dict[str, str]
) -> None:
    """A link to an account of somebody else is told from his own account."""
    sought = Sought(external_id="jc-8", resource_id=ids["p7"])

    state = connect().fetch_accounts([sought])

    assert {account.external_id for account in state.users} == {"jc-7", "jc-8"}


def test_several_people_share_what_is_learnt(
    side: PlatformSide, connect: Connect, ids: dict[str, str]
) -> None:
    """Ten joiners take no more than their filters: one page and two filters show that these work."""
    assert ids
    joiners = [Sought(external_id=f"new-{n}", name=f"new{n}@example.com") for n in range(10)]

    assert connect().fetch_accounts(joiners).users == ()
    assert (lists(side), filters(side)) == (1, 2 * len(joiners) + 2)


def test_a_filter_that_finds_nobody_is_not_asked_again(
    side: PlatformSide, connect: Connect, ids: dict[str, str]
) -> None:
    """Once it has not found what is there, the list tells about all others."""
    assert ids
    side.faults.add(misfortunes.empty_list(), path="filter=", count=None)
    client = connect()
    client.find_users(external_id="new")
    side.faults.traffic.clear()

    assert client.find_users(external_id="jc-7")[0].resource_id == ids["p7"]
    assert side.faults.traffic.log == []


BROKEN = {
    "refused": misfortunes.fail(400),
    "fails": misfortunes.fail(501),
    "finds nobody": misfortunes.empty_list(),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_filter_that_cannot_be_trusted(
    side: PlatformSide, connect: Connect, ids: dict[str, str], broken: str
) -> None:
    """All accounts are read once, for all who are sought, and a note says so."""
    side.faults.add(BROKEN[broken], path="filter=", count=None)
    sought = [Sought(external_id="jc-7"), Sought(external_id="x", name="P9@example.com")]

    state = connect().fetch_accounts(sought)

    assert {account.resource_id for account in state.users} == {ids["p7"], ids["p9"]}
    assert state.gaps == ()
    assert any(f"all {CROWD} accounts were read" in note for note in state.notes)


def ignore(exchange: Exchange) -> Answer:
    """Answer as if no filter had been sent."""
    query = exchange.request.query
    kept = "&".join(part for part in query.split("&") if not part.startswith("filter="))
    exchange._environ["QUERY_STRING"] = kept  # noqa: SLF001 - what a proxy may do
    return exchange.pass_on()


def test_a_filter_that_is_ignored(
    side: PlatformSide, connect: Connect, ids: dict[str, str]
) -> None:
    """What comes back is compared again."""
    side.faults.add(ignore, path="filter=", count=None)
    sought = [Sought(external_id="jc-400"), Sought(external_id="x", name="new@example.com")]

    state = connect().fetch_accounts(sought)

    assert {account.resource_id for account in state.users} == {ids["p400"]}
    assert state.notes != ()


def test_a_profile_without_filters_is_obeyed(
    side: PlatformSide, connect: Connect, ids: dict[str, str]
) -> None:
    """No filter is sent to a platform that is known to take none."""
    state = connect(filters=["displayName"]).fetch_accounts([Sought(external_id="jc-7")])

    assert {account.resource_id for account in state.users} == {ids["p7"]}
    assert not any("filter" in asked.query for asked in side.faults.traffic.log)


def test_a_list_that_had_to_be_read_may_be_incomplete(
    side: PlatformSide, connect: Connect, ids: dict[str, str]
) -> None:
    """Then who is not found may be there all the same."""
    assert ids
    side.faults.add(misfortunes.fail(400), path="filter=", count=None)
    side.faults.add(misfortunes.wrong_total(CROWD + 3), path="/Users", count=None)

    assert connect().fetch_accounts([Sought(external_id="jc-none")]).gaps != ()


# ---------------------------------------------------------------------- groups


@pytest.fixture
def teams(side: PlatformSide, ids: dict[str, str]) -> dict[str, str]:
    """Thirty groups: p0 in the first three, p1 in none, p2 in all; return ids by name."""
    inside = {n: [ids["p2"], ids["p5"]] + ([ids["p0"]] if n < 3 else []) for n in range(30)}
    return {
        f"Team {n}": side.state.add_by_hand(
            displayName=f"Team {n}",
            externalId=f"g-{n}",
            members=[{"value": member} for member in members],
        )
        for n, members in inside.items()
    }


@pytest.mark.parametrize("broken", [None, *BROKEN])
@pytest.mark.parametrize(("who", "number"), [("p0", 3), ("p1", 0), ("p2", 30)])
def test_groups_of_an_account(
    side: PlatformSide,
    connect: Connect,
    ids: dict[str, str],
    teams: dict[str, str],
    broken: str | None,
    who: str,
    number: int,
) -> None:
    """All of them and no others, with him as their only known member and their true size."""
    assert teams
    if broken:
        side.faults.add(BROKEN[broken], path="Groups.*filter=", count=None)

    state = connect().fetch_memberships([], [ids[who]])

    mine = [group for group in state.groups if group.members]
    assert len(mine) == number
    assert all(group.members == {ids[who]} for group in mine)
    assert {group.size for group in mine} <= {2, 3}
    assert (state.gaps, bool(state.notes)) == ((), bool(broken))


@pytest.mark.parametrize(("who", "requests"), [("p0", 1), ("p2", 2)])
def test_a_few_groups_are_taken_at_once(
    side: PlatformSide,
    connect: Connect,
    ids: dict[str, str],
    teams: dict[str, str],
    who: str,
    requests: int,
) -> None:
    """A page as short as no server caps them needs no look at what follows."""
    state = connect().fetch_memberships([], [ids[who]])

    assert (
        teams.items() >= {group.display_name: group.resource_id for group in state.groups}.items()
    )
    assert len(side.faults.traffic.log) == filters(side) == requests


def test_groups_that_he_is_in_are_not_read_one_by_one(
    side: PlatformSide, connect: Connect, ids: dict[str, str], teams: dict[str, str]
) -> None:
    """The filter shows them; read by itself is only which of them he lacks."""
    linked = {f"Team {n}": teams[f"Team {n}"] for n in range(6)}
    sought = [
        Sought(external_id="g-" + name[5:], resource_id=key, name=name)
        for name, key in linked.items()
    ]

    state = connect().fetch_memberships(sought, [ids["p0"]])

    assert {g.resource_id: bool(g.members) for g in state.groups} == {
        key: name in ("Team 0", "Team 1", "Team 2") for name, key in linked.items()
    }
    assert (len(side.faults.traffic.log), filters(side)) == (1 + 3, 1)


@pytest.mark.parametrize("refusal", [misfortunes.fail(400, "invalidFilter"), misfortunes.fail(501)])
def test_a_filter_that_is_refused_is_tried_once(
    side: PlatformSide, connect: Connect, ids: dict[str, str], teams: dict[str, str], refusal: Fault
) -> None:
    """For all accounts, whose groups are then found in the whole list."""
    side.faults.add(refusal, path="filter=", count=None)

    sought = [Sought(external_id="g-9", resource_id=teams["Team 9"])]
    state = connect().fetch_memberships(sought, [ids[f"p{n}"] for n in range(10)])

    assert {group.resource_id for group in state.groups if group.members} == {*teams.values()}
    assert len(side.faults.traffic.log) == 3
    assert (filters(side), lists(side, "/scim/v2/Groups")) == (1, 2)


def test_a_filter_that_is_ignored_is_tried_once(
    side: PlatformSide, connect: Connect, ids: dict[str, str], teams: dict[str, str]
) -> None:
    """Groups that the first account is not in tell."""
    side.faults.add(ignore, path="filter=", count=None)

    state = connect().fetch_memberships([], [ids[f"p{n}"] for n in range(10)])

    assert {group.resource_id for group in state.groups if group.members} == {*teams.values()}
    two_pages, one_group = 2, 1
    assert len(side.faults.traffic.log) == two_pages + one_group + two_pages


def test_groups_that_a_list_shows_without_members_are_read_once(stack: ExitStack) -> None:
    """Whoever is in them: one request for each account and one for each group."""
    side = PlatformSide(DeviantPlatform(TOKEN, Deviations(unlisted_members=True)), 0)
    side.server.start()
    stack.callback(side.server.stop)
    stack.callback(side.faults.release)
    people = [side.state.add_by_hand(userName=f"p{n}") for n in range(6)]
    groups = {
        side.state.add_by_hand(displayName=name, members=[{"value": key} for key in people])
        for name in ("Sales", "All")
    }

    state = build(stack, side.url, {}, "rfc").fetch_memberships([], people)

    assert {g.resource_id: g.members for g in state.groups} == {key: {*people} for key in groups}
    assert len(side.faults.traffic.log) == len(people) + len(groups)


def test_groups_that_he_should_be_in(
    connect: Connect, ids: dict[str, str], teams: dict[str, str]
) -> None:
    """By link, externalId or exact name, whether he is in them or not."""
    sought = [
        Sought(external_id="x", resource_id=teams["Team 9"]),
        Sought(external_id="g-8"),
        Sought(external_id="y", name="Team 7"),
        Sought(external_id="z", name="Team 99"),
    ]

    state = connect().fetch_memberships(sought, [ids["p0"]])

    found = {group.display_name: bool(group.members) for group in state.groups}
    his = dict.fromkeys(("Team 0", "Team 1", "Team 2"), True)
    assert found == {**his, **dict.fromkeys(("Team 9", "Team 8", "Team 7"), False)}


def test_groups_of_a_platform_that_hides_members(stack: ExitStack) -> None:
    """They are asked for account by account, as in a full read."""
    side = PlatformSide(DeviantPlatform(TOKEN, Deviations(hide_members=True)), 0)
    side.server.start()
    stack.callback(side.server.stop)
    stack.callback(side.faults.release)
    ann, bob = (side.state.add_by_hand(userName=name) for name in ("ann", "bob"))
    group = side.state.add_by_hand(displayName="Sales", members=[{"value": ann}])
    client = build(stack, side.url, {"members_read": "members.value"}, "rfc")

    state = client.fetch_memberships([], [ann, bob])

    assert {g.resource_id: g.members for g in state.groups} == {group: {ann}}


def test_a_platform_without_groups_has_a_gap(side: PlatformSide, connect: Connect) -> None:
    """As in a full read: nobody's access is taken by what cannot be seen."""
    side.faults.add(misfortunes.fail(404), path="/Groups", count=None)

    state = connect().fetch_memberships([Sought(external_id="g", name="Sales")], ["u"])

    assert "lists no groups" in state.gaps[0]
