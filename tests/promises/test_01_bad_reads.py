"""Promise 1: a bad read never removes anything, whichever list, side or group it is."""

from typing import Any

import pytest

from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Answer, Exchange, Fault
from tests.scenario.site import GROUP, Site

EVERYBODY = {"ann", "bob", "cid", "dora", "emil"}
BAD_READS = [
    ("drop-rows", misfortunes.drop_rows(1)),
    ("repeat-rows", misfortunes.repeat_rows(1)),
    ("wrong-total", misfortunes.wrong_total(99)),
    ("no-total", misfortunes.no_total()),
    ("html", misfortunes.page(200, "Welcome")),
    ("login", misfortunes.login()),
    ("cut", misfortunes.cut_json(0.6)),
    ("gone", misfortunes.fail(404, "not found")),
    ("forbidden", misfortunes.fail(403, "forbidden")),
]
ROUTES = ["/membership", "/systemusers", "/usergroups\\?", "/Users"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("name", "fault"), BAD_READS, ids=[name for name, _ in BAD_READS])
def test_bad_read_removes_nobody(team: Site, route: str, name: str, fault: Fault) -> None:
    """Whatever is wrong with the answers of one route, nobody loses access, and 6 or 2 tells."""
    team.world.jumpcloud.state.suspend("ann")
    team.world.jumpcloud.state.create_group("Another")
    side = team.world.platform if route == "/Users" else team.world.jumpcloud
    side.faults.add(fault, method="GET", path=route, count=None)

    result = team("reconcile", "--json")

    assert team.active == EVERYBODY, name
    assert len(team.names) == 5
    if name == "wrong-total" and result.status == 0:
        pytest.fail("believed a total that does not agree")
    assert result.status in (2, 6), (name, result.text)
    complete = result.run["complete"]
    assert not (complete["directory"] and complete["provider"])


def test_incomplete_read_still_creates_and_patches(team: Site) -> None:
    """What is sure is done also when something is missing."""
    team.join("fay")
    team.world.jumpcloud.state.change("ann", department="Sales")
    team.world.jumpcloud.state.suspend("bob")
    team.world.jumpcloud.faults.add(misfortunes.no_total(), path="/membership", count=None)

    result = team("reconcile", "--json")

    assert result.status == 6
    assert {c["action"] for c in result.run["plan"]["changes"]} == {"create", "patch"}
    assert team.active == EVERYBODY | {"fay"}
    assert "incomplete" in {f["kind"] for f in result.run["findings"]}


def test_bad_read_removes_no_member(site: Site) -> None:
    """Memberships are kept as well when the list of members cannot be trusted."""
    site.join("ann", "bob", "cid")
    site.configure(groups={"enabled": True}, limits={"remove_members": {"percent": None}})
    site("reconcile")
    site.world.jumpcloud.faults.add(misfortunes.drop_rows(1), path="/membership", count=None)

    assert site("reconcile").status == 6
    (group,) = site.world.platform.groups()
    assert len(group["members"]) == 3


def test_group_that_is_deleted(team: Site) -> None:
    """A chosen group that is gone is an error of the settings, not an empty group."""
    team.world.jumpcloud.state.delete_group(GROUP)

    assert team("reconcile").status == 2
    assert team.active == EVERYBODY


def test_broken_rule_of_a_dynamic_group(team: Site) -> None:
    """Members of a group whose rule JumpCloud calls broken are not removed."""
    state = team.world.jumpcloud.state
    state.remove_member(GROUP, "ann")

    def flag(rows):  # noqa: ANN001, ANN202
        return [{**row, "memberQueryErrorFlags": ["CYCLE"]} for row in rows]

    team.world.jumpcloud.faults.add(misfortunes.rewrite(flag), path="/usergroups\\?", count=None)

    assert team("reconcile").status == 6
    assert team.active == EVERYBODY


def test_pages_in_no_order(site: Site) -> None:
    """Pages that overlap and skip, as JumpCloud's do without a sort, lose nobody."""
    site.join(*(f"p{n:03}" for n in range(250)))
    site.world.jumpcloud.state.quirks.unstable_order = True

    for _ in range(3):
        site("reconcile")
    assert len(site.active) == 250
    assert {c["action"] for c in site.json("changes")["changes"]} == {"create"}


def test_platform_that_hides_accounts(team: Site) -> None:
    """An account that the listing leaves out is not created a second time."""
    team.world.platform.faults.add(
        misfortunes.drop_rows(2), method="GET", path="/Users\\?(?!.*filter)", count=None
    )

    result = team("reconcile", "--json")

    assert result.status == 6
    assert len(team.names) == 5
    assert team.writes == []


def null_rows(document: Any) -> Any:
    """Put nothing in the place of the last row."""
    if isinstance(document, list):
        return [*document[:-1], None]
    return {
        key: [*value[:-1], None] if key in ("results", "Resources") else value
        for key, value in document.items()
    }


@pytest.fixture
def grouped(site: Site) -> Site:
    """Two groups with their members: Keepnet Users (ann, bob, cid) and Admins (ann, bob)."""
    site.join("ann", "bob", "cid")
    site.world.jumpcloud.state.create_group("Admins", ["ann", "bob"])
    site.configure(
        groups={"enabled": True},
        scope={"groups": [GROUP, "Admins"]},
        limits={"remove_members": {"count": None, "percent": None}},
    )
    assert site("reconcile").status == 0
    return site


def members(site: Site, name: str) -> int:
    """How many members a group of the platform has."""
    (found,) = [g for g in site.world.platform.groups() if g["displayName"] == name]
    return len(found.get("members", []))


@pytest.mark.parametrize("route", ["/membership", "/usergroups\\?", "/Users", "/Groups"])
def test_null_rows_are_missing_rows(grouped: Site, route: str) -> None:
    """A row that is null counts as one that is missing: nobody and no member is removed."""
    grouped.world.jumpcloud.state.remove_member("Admins", "ann")
    side = (
        grouped.world.platform if route.endswith(("Users", "Groups")) else grouped.world.jumpcloud
    )
    side.faults.add(misfortunes.rewrite(null_rows), method="GET", path=route, count=None)

    result = grouped("reconcile", "--json")

    assert result.status in (2, 6), result.text
    assert (members(grouped, GROUP), members(grouped, "Admins")) == (3, 2)
    assert grouped.active == {"ann", "bob", "cid"}


@pytest.mark.parametrize(("name", "fault"), BAD_READS, ids=[name for name, _ in BAD_READS])
def test_bad_list_of_one_group_removes_no_member_of_any(
    grouped: Site, name: str, fault: Fault
) -> None:
    """What is wrong with one group's members keeps those of the others as well."""
    state = grouped.world.jumpcloud.state
    admins = state.group("Admins").id
    state.remove_member(GROUP, "cid")
    grouped.world.jumpcloud.faults.add(fault, path=f"/{admins}/membership", count=None)

    result = grouped("reconcile", "--json")

    assert result.status == 6, (name, result.text)
    assert (members(grouped, GROUP), members(grouped, "Admins")) == (3, 2)


@pytest.mark.parametrize(("name", "fault"), BAD_READS, ids=[name for name, _ in BAD_READS])
def test_bad_list_of_the_platform_s_groups(grouped: Site, name: str, fault: Fault) -> None:
    """Groups of the platform that cannot be listed for certain are neither doubled nor emptied."""
    grouped.world.jumpcloud.state.remove_member("Admins", "ann")
    grouped.world.platform.faults.add(fault, method="GET", path="/Groups", count=None)

    result = grouped("reconcile", "--json")

    assert result.status in (3, 6), (name, result.text)
    assert len(grouped.world.platform.groups()) == 2
    assert (members(grouped, GROUP), members(grouped, "Admins")) == (3, 2)


def test_total_that_changes_while_it_is_read(site: Site) -> None:
    """A total that is another one at the end is no proof: nobody loses access by it."""
    site.join(*(f"p{n:03}" for n in range(120)))
    site("reconcile")
    totals = iter(range(500, 10_000))

    def another_total(exchange: Exchange) -> Answer:
        return misfortunes.wrong_total(next(totals))(exchange)

    site.world.jumpcloud.faults.add(another_total, path="/membership", count=None)

    assert site("reconcile").status == 6
    assert len(site.active) == 120


def test_member_without_a_record(grouped: Site) -> None:
    """A member whom no list of users knows makes the read incomplete, and nobody is removed."""
    state = grouped.world.jumpcloud.state
    state.delete("ann", dangling=True)
    state.remove_member(GROUP, "bob")

    result = grouped("reconcile", "--json")

    assert result.status == 6
    assert grouped.active == {"ann", "bob", "cid"}
    assert members(grouped, GROUP) == 3


def test_emptied_group_whose_people_are_in_another(grouped: Site) -> None:
    """A flawless empty list of members is contradicted by the records of those who are in it."""
    admins = grouped.world.jumpcloud.state.group("Admins").id
    grouped.world.jumpcloud.faults.add(
        misfortunes.empty_list(), path=f"/{admins}/membership", count=None
    )

    result = grouped("reconcile", "--json")

    assert result.status == 6
    assert members(grouped, "Admins") == 2
    messages = [f["message"] for f in result.run["findings"] if f["kind"] == "incomplete"]
    assert any("Admins" in message for message in messages), messages


def test_emptied_groups_after_the_store_was_lost(grouped: Site) -> None:
    """Whoever has a JumpCloud id is asked for, though nothing says any more that he is managed."""
    for file in grouped.folder.glob("jcsync.db*"):
        file.unlink()
    grouped.world.jumpcloud.faults.add(misfortunes.empty_list(), path="/membership", count=None)

    assert grouped("reconcile").status == 6

    assert grouped.active == {"ann", "bob", "cid"}
    assert (members(grouped, GROUP), members(grouped, "Admins")) == (3, 2)


def test_emptied_group_of_somebody_deactivated_by_hand(grouped: Site) -> None:
    """He has no access to lose, and is asked for all the same before he loses the membership."""
    jumpcloud, platform = grouped.world.jumpcloud, grouped.world.platform
    jumpcloud.state.remove_member("Admins", "ann", "bob")
    assert grouped("reconcile").status == 0
    jumpcloud.state.remove_member(GROUP, "bob", "cid")
    platform.state.edit(platform.account("ann@example.com")["id"], active=False)
    jumpcloud.faults.add(misfortunes.empty_list(), path="/membership", count=None)

    assert grouped("reconcile").status == 6

    assert members(grouped, GROUP) == 3


def test_list_of_members_that_leaves_somebody_out(grouped: Site) -> None:
    """A flawless list without one of its people is contradicted by his own record."""
    state = grouped.world.jumpcloud.state
    admins, ann = state.group("Admins").id, state.user("ann").id

    def leave_out(document):  # noqa: ANN001, ANN202
        return [row for row in document if row["id"] != ann]

    grouped.world.jumpcloud.faults.add(
        misfortunes.rewrite(leave_out, ("x-total-count", "1")),
        path=f"/{admins}/membership",
        count=None,
    )

    result = grouped("reconcile", "--json")

    assert result.status == 6
    assert members(grouped, "Admins") == 2
    messages = [f["message"] for f in result.run["findings"] if f["kind"] == "incomplete"]
    assert any("Admins" in message for message in messages), messages

    grouped.world.jumpcloud.faults.clear()
    state.remove_member("Admins", "ann")
    assert grouped("reconcile").status == 0
    assert members(grouped, "Admins") == 1


@pytest.mark.parametrize("path", ["/Users\\?", "/Users\\?(?!.*filter)"], ids=["all", "lists"])
@pytest.mark.parametrize("filters", [True, False], ids=["filters", "no-filters"])
def test_account_that_neither_list_nor_filter_shows(team: Site, path: str, filters: bool) -> None:
    """It is counted and not given: that is no reason to create it again under another name."""
    platform, state = team.world.platform, team.world.jumpcloud.state
    state.rename("emil", "emile@example.com")  # the last one listed
    if not filters:
        platform.faults.add(misfortunes.fail(400), method="GET", path="filter=", count=None)
    platform.faults.add(misfortunes.drop_rows(1), method="GET", path=path, count=None)
    team.join("fay")

    team("reconcile")

    owners = [account["externalId"] for account in platform.accounts()]
    assert len(owners) == len(set(owners))

    platform.faults.clear()
    assert team("reconcile").status == 0
    assert team.active == {"ann", "bob", "cid", "dora", "emile", "fay"}


def test_platform_that_lists_no_groups(grouped: Site) -> None:
    """A flawless empty list of groups creates none again, and forgets none."""
    grouped.world.platform.faults.add(
        misfortunes.empty_list(), method="GET", path="/Groups\\?(?!.*filter)", count=None
    )
    grouped.join("fay")
    before = {group["id"] for group in grouped.world.platform.groups()}

    result = grouped("reconcile", "--json")

    assert result.status == 6
    assert {group["id"] for group in grouped.world.platform.groups()} == before
    messages = [f["message"] for f in result.run["findings"] if f["kind"] == "incomplete"]
    assert any("list of groups leaves out 2" in message for message in messages), messages

    grouped.world.platform.faults.clear()
    assert grouped("reconcile").status == 0
    assert {group["id"] for group in grouped.world.platform.groups()} == before


def test_group_that_is_really_empty(grouped: Site) -> None:
    """When everybody's own record agrees, the members are removed in one run."""
    grouped.world.jumpcloud.state.remove_member("Admins", "ann", "bob")

    assert grouped("reconcile").status == 0
    assert members(grouped, "Admins") == 0
    assert grouped("reconcile", "--json").run["outcome"] == "in_sync"


@pytest.mark.parametrize("lost", [False, True], ids=["store", "no-store"])
def test_platform_that_lists_nobody(team: Site, lost: bool) -> None:
    """A flawless empty list of accounts creates nobody again, and forgets nobody who left."""
    state = team.world.jumpcloud.state
    state.rename("ann", "anna@example.com")
    state.remove_member(GROUP, "bob")
    if lost:
        for file in team.folder.glob("jcsync.db*"):
            file.unlink()
    team.world.platform.faults.add(
        misfortunes.empty_list(), method="GET", path="/Users\\?(?!.*filter)", count=None
    )

    assert team("reconcile").status == 6
    assert len(team.names) == 5

    team.world.platform.faults.clear()
    assert team("reconcile").status == 0
    assert len(team.names) == 5
    if not lost:
        assert team.active == {"anna", "cid", "dora", "emil"}


def test_account_deleted_by_hand_is_created_again(team: Site) -> None:
    """An account that is gone by every answer is created anew, in one run."""
    team.world.platform.state.delete_by_hand(team.world.platform.account("ann@example.com")["id"])

    assert team("reconcile").status == 0
    assert team.active == EVERYBODY
