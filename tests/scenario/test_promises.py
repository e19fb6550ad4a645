"""A bad read never removes anybody; whoever loses access is asked for again first."""

import pytest

from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Fault
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


@pytest.mark.parametrize("people", [1, 5])
def test_group_that_is_suddenly_empty_is_not_believed(site: Site, people: int) -> None:
    """A flawless empty list is contradicted by each person's own record."""
    site.join(*sorted(EVERYBODY)[:people])
    site("reconcile")
    site.configure(limits={"deactivate": {"count": None, "percent": None}})
    site.world.jumpcloud.faults.add(misfortunes.empty_list(), path="/membership", count=None)

    result = site("reconcile", "--json")

    assert len(site.active) == people
    assert result.run["plan"]["counts"]["users"]["deactivate"] == 0
    assert {f["kind"] for f in result.run["findings"]} == {"not_confirmed"}


def test_each_leaver_is_asked_for_again(team: Site) -> None:
    """Before a deactivation that one person and his groups are read directly."""
    ann = team.world.jumpcloud.state.user("ann").id
    team.world.jumpcloud.state.remove_member(GROUP, "ann")

    assert team("reconcile").status == 0

    asked = [r.path for r in team.world.jumpcloud.faults.traffic.log]
    assert f"/api/systemusers/{ann}" in asked
    assert f"/api/v2/users/{ann}/memberof" in asked
    assert team.active == EVERYBODY - {"ann"}


@pytest.mark.parametrize("fault", [misfortunes.fail(403), misfortunes.page(200, "Hello")])
def test_nobody_is_believed_to_have_left_who_cannot_be_asked_for(team: Site, fault: Fault) -> None:
    """When the direct read fails the leaver keeps his access, and 6 tells."""
    team.world.jumpcloud.state.remove_member(GROUP, "ann")
    team.world.jumpcloud.faults.add(fault, path="/memberof", count=None)

    result = team("reconcile", "--json")

    assert result.status == 6
    assert team.active == EVERYBODY


def test_suspended_by_the_list_only(team: Site) -> None:
    """A listing that calls somebody suspended is contradicted by his own record."""

    def suspend_first(document):  # noqa: ANN001, ANN202
        document["results"][0]["state"] = "SUSPENDED"
        return document

    team.world.jumpcloud.faults.add(
        misfortunes.rewrite(suspend_first), path="/systemusers\\?", count=None
    )

    result = team("reconcile", "--json")

    assert team.active == EVERYBODY
    assert {f["kind"] for f in result.run["findings"]} == {"not_confirmed"}


def test_group_that_is_deleted(team: Site) -> None:
    """A chosen group that is gone is an error of the settings, not an empty group."""
    team.world.jumpcloud.state.delete_group(GROUP)

    assert team("reconcile").status == 2
    assert team.active == EVERYBODY


def test_application_that_is_unbound(site: Site) -> None:
    """One unbound group does not silently deactivate everybody in it: the plan is held."""
    site.join(*sorted(EVERYBODY))
    state = site.world.jumpcloud.state
    state.create_application("Keepnet")
    state.bind("Keepnet", groups=[GROUP])
    site.configure(scope={"groups": [], "application": "Keepnet"})
    site("reconcile")
    state.unbind("Keepnet", groups=[GROUP])

    assert site("reconcile").status == 4
    assert site.active == EVERYBODY


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


def test_plan_and_check_cannot_write(team: Site) -> None:
    """Every command that looks leaves both sides and the history as they were."""
    team.join("fay")
    team.world.jumpcloud.state.suspend("ann")
    before = team.json("runs")

    for args in (("check",), ("plan",), ("groups", "demo"), ("explain", "demo", "fay")):
        assert team(*args).status == 0
    assert team.writes == []
    assert team.json("runs") == before
    assert team.json("holds")["holds"] == []
