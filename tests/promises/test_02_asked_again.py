"""Promise 2: before somebody is deactivated he is asked for again, directly."""

import pytest

from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Fault
from tests.scenario.site import GROUP, Site

EVERYBODY = {"ann", "bob", "cid", "dora", "emil"}


def test_each_leaver_is_asked_for_again(team: Site) -> None:
    """Before a deactivation that one person and his groups are read directly."""
    ann = team.world.jumpcloud.state.user("ann").id
    team.world.jumpcloud.state.remove_member(GROUP, "ann")

    assert team("reconcile").status == 0

    asked = [r.path for r in team.world.jumpcloud.faults.traffic.log]
    assert f"/api/systemusers/{ann}" in asked
    assert f"/api/v2/users/{ann}/memberof" in asked
    assert team.active == EVERYBODY - {"ann"}


@pytest.mark.parametrize(
    "fault", [misfortunes.fail(403), misfortunes.fail(404), misfortunes.page(200, "Hello")]
)
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
    assert {f["kind"] for f in result.run["findings"]} == {"not_confirmed", "incomplete"}
    assert result.status == 6


def test_one_of_several_leavers_who_is_not_confirmed(team: Site) -> None:
    """Somebody who came back in between keeps his access, and the others lose theirs."""
    state = team.world.jumpcloud.state
    group = state.group(GROUP)
    state.remove_member(GROUP, "ann", "bob", "cid")
    back = [{"type": "user_group", "id": group.id}]
    team.world.jumpcloud.faults.add(
        misfortunes.rewrite(lambda _: back, ("x-total-count", "1")),
        path=f"/users/{state.user('bob').id}/memberof",
        count=None,
    )
    team.configure(limits={"deactivate": {"count": None, "percent": None}})

    result = team("reconcile", "--json")

    assert (result.status, team.active) == (0, EVERYBODY - {"ann", "cid"})
    assert [f["kind"] for f in result.run["findings"]] == ["not_confirmed"]


def test_only_leavers_are_asked_for(team: Site) -> None:
    """The cost is bounded: two requests for each of those who would lose access, none for others."""
    team.world.jumpcloud.state.remove_member(GROUP, "ann")

    assert team("reconcile").status == 0

    asked = [r.path for r in team.world.jumpcloud.faults.traffic.log if "/memberof" in r.path]
    assert len(asked) == 1


def test_far_too_many_leavers_are_not_asked_for(site: Site) -> None:
    """A plan that is held whatever is found costs no hour of questions."""
    site.join(*(f"p{n:03}" for n in range(80)))
    site("reconcile")
    state = site.world.jumpcloud.state
    state.remove_member(GROUP, *list(state.group(GROUP).members))
    site.forget_traffic()

    assert site("reconcile").status == 4
    asked = [r for r in site.world.jumpcloud.faults.traffic.log if "/memberof" in r.path]
    assert asked == []
    assert len(site.active) == 80
