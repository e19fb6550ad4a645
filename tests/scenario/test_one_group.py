"""``plan`` and ``reconcile`` about one group: its name, its members and their accounts."""

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Json, Site
from tests.scenario.test_groups import group, members
from tests.scenario.test_one_person import done

CROWD = 130
SCOPE = {"groups": [GROUP, "Sales", "Empty"]}


@pytest.fixture
def firm(site: Site) -> Site:
    """More people than a page holds, five of them in Sales; groups are managed; one full run."""
    site.join(*(f"p{n}" for n in range(CROWD)))
    site.world.jumpcloud.state.create_group("Sales", [f"p{n}@example.com" for n in range(5)])
    site.world.jumpcloud.state.create_group("Empty")
    site.configure(scope=SCOPE, groups={"enabled": True})
    assert site("reconcile").status == 0
    site.forget_traffic()
    return site


def run_about(site: Site, name: str, command: str = "reconcile") -> Json:
    """Run about one group, without reading everybody."""
    site.forget_traffic()
    result = site(command, "--group", name, "--json")
    assert result.status == 0, result.text
    sides = (site.world.jumpcloud, site.world.platform)
    asked = [r for side in sides for r in side.faults.traffic.log if r.method == "GET"]
    assert len(asked) <= 80, len(asked)
    assert sum("/membership" in request.path for request in asked) == 1
    assert result.run["findings"] == []
    assert result.run["mode"] == "group"
    return result.run


def test_nothing_to_do(firm: Site) -> None:
    """Its people are counted, and nothing is written."""
    run = run_about(firm, "sales")

    assert run["outcome"] == "in_sync"
    assert run["plan"]["counts"]["users"]["unchanged"] == 5
    assert run["plan"]["counts"]["groups"]["unchanged"] == 1
    assert firm.writes == []


def test_joiners_movers_and_leavers(firm: Site) -> None:
    """All that is due for the group, in one run; whatever is due elsewhere waits."""
    state = firm.world.jumpcloud.state
    firm.join("new", group="Sales")
    firm.join("elsewhere")
    state.change("p1@example.com", jobTitle="Boss")
    state.remove_member("Sales", "p2@example.com")
    for name in ("Sales", GROUP):
        state.remove_member(name, "p3@example.com")
    state.suspend("p4@example.com")
    state.rename_group("Sales", "Vertrieb")
    firm.configure(
        scope={"groups": [GROUP, "Vertrieb", "Empty"]},
        groups={"enabled": True},
        limits={"remove_members": {"percent": 50}},
    )

    run = run_about(firm, "Vertrieb")

    assert done(run) == [
        ("create", "new@example.com"),
        ("patch", "p1@example.com"),
        ("patch", "Vertrieb"),
        ("deactivate", "p3@example.com"),
        ("deactivate", "p4@example.com"),
    ]
    assert members(firm, "Vertrieb") == {"p0", "p1", "p4", "new"}
    assert "elsewhere" not in firm.active
    assert "p3" in members(firm, GROUP), "the other group waits"
    assert run_about(firm, "Vertrieb")["outcome"] == "in_sync"


def test_group_that_is_not_there_yet(firm: Site) -> None:
    """It is made, with its members."""
    found = group(firm, "Sales")
    firm.world.platform.state.delete_by_hand(found["id"])

    assert done(run_about(firm, "Sales")) == [("create", "Sales")]
    assert members(firm, "Sales") == {f"p{n}" for n in range(5)}


def test_hand_made_members_leave(firm: Site) -> None:
    """Also those whose account is nobody's; they are named, and keep their accounts."""
    platform = firm.world.platform.state
    stranger = platform.add_by_hand(userName="stranger@example.com")
    found = group(firm, "Sales")
    kept = [{"value": member["value"]} for member in found["members"]]
    p9 = firm.world.platform.account("p9@example.com")["id"]
    platform.edit(found["id"], members=[*kept, {"value": stranger}, {"value": p9}])
    firm.configure(
        scope=SCOPE, groups={"enabled": True}, limits={"remove_members": {"percent": 50}}
    )

    (change,) = run_about(firm, "Sales")["plan"]["changes"]

    assert change["members"]["remove"] == ["p9@example.com", "stranger@example.com"]
    assert {"p9", "stranger"} <= firm.active


def test_list_of_members_that_leaves_somebody_out(firm: Site) -> None:
    """His own record contradicts it: nobody is removed, and the run says so."""
    firm.world.jumpcloud.faults.add(misfortunes.empty_list(), path="/membership", count=None)

    result = firm("reconcile", "--group", "Sales", "--json")

    assert result.status == 6
    assert len(members(firm, "Sales")) == 5
    assert "by their own records" in result.run["findings"][0]["message"]


def test_who_is_in_scope_by_another_group_only(firm: Site) -> None:
    """The conditions of this group keep him out of it, not off the platform."""
    where = [{"attribute": "department", "equals": "Sales"}]
    state = firm.world.jumpcloud.state
    for n in range(3):
        state.change(f"p{n}@example.com", department="Sales")
    state.remove_member(GROUP, "p3@example.com")
    firm.configure(
        scope={"groups": [GROUP, {"name": "Sales", "where": where}]},
        groups={"enabled": True},
        limits={"remove_members": {"percent": 50}},
    )

    run = run_about(firm, "Sales")

    assert ("deactivate", "p3@example.com") in done(run)
    assert ("deactivate", "p4@example.com") not in done(run)
    assert members(firm, "Sales") == {"p0", "p1", "p2"}


def test_beyond_a_limit(firm: Site) -> None:
    """Nothing is written and nobody is asked to approve; --exceed-limits accepts it."""
    for n in range(3):
        firm.world.jumpcloud.state.remove_member("Sales", f"p{n}@example.com")

    result = firm("reconcile", "--group", "Sales")

    assert result.status == 4, result.text
    assert "--exceed-limits" in result.out
    assert firm.json("holds")["holds"] == []
    assert firm("reconcile", "--group", "Sales", "--exceed-limits").status == 0
    assert members(firm, "Sales") == {"p3", "p4"}


def test_people_alone_where_groups_are_not_managed(firm: Site) -> None:
    """Their accounts are brought up to date."""
    firm.configure(scope=SCOPE, groups={"enabled": False})
    firm.join("new", group="Sales")

    assert done(run_about(firm, "Sales")) == [("create", "new@example.com")]


def test_plan_of_a_group_can_be_saved(firm: Site) -> None:
    """``--group`` is remembered in the file."""
    firm.join("new", group="Sales")
    firm.join("elsewhere")
    assert firm("plan", "--group", "Sales", "--out", "plan.json").status == 0

    assert firm("apply", "plan.json").status == 0
    assert ("new" in firm.active, "elsewhere" in firm.active) == (True, False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--group", "Sale"], "did you mean 'Sales'?"),
        (["--group", "f" * 24], "the scope has no group"),
        (["--group", " "], "leave the option out"),
        (["--group", "Sales", "--user", "p1"], "either --user or --group"),
    ],
)
def test_group_that_cannot_be_meant(firm: Site, options: list[str], words: str) -> None:
    """2, what is wrong, and what may have been meant."""
    result = firm("plan", *options)

    assert result.status == 2
    assert words in result.text
