"""A plan beyond a limit waits for a person."""

import pytest

from tests.scenario.site import GROUP, Json, Site

EVERYBODY = {"ann", "bob", "cid", "dora", "emil"}


@pytest.fixture
def held(team: Site) -> Site:
    """Everybody was removed from the group, and the run was held."""
    team.world.jumpcloud.state.remove_member(GROUP, *sorted(EVERYBODY))
    result = team("reconcile")
    assert result.status == 4, result.text
    team.forget_traffic()
    return team


def refill(site: Site, *people: str) -> None:
    """Put people back into the group."""
    site.world.jumpcloud.state.add_member(GROUP, *people)


def the_hold(site: Site) -> Json:
    """The one open hold."""
    (hold,) = site.json("holds")["holds"]
    return hold


def test_plan_beyond_a_limit_changes_nothing(held: Site) -> None:
    """Nobody loses access, not even those within the limit, and the report names the limit."""
    result = held("reconcile", "--json")

    assert result.status == 4
    assert held.active == EVERYBODY
    assert held.writes == []
    run = result.run
    assert run["outcome"] == "held"
    assert run["violations"] == [{"limit": "deactivate.percent", "allowed": 1, "planned": 5}]
    assert isinstance(run["hold"], int)
    assert run["outcomes"] == []


def test_held_run_says_what_to_do_next(held: Site) -> None:
    """The text names the number, the limit, its setting and the three commands."""
    result = held("reconcile")

    hold = the_hold(held)["id"]
    assert "5 deactivations planned, 1 of 5 allowed (limits.deactivate.percent" in result.out
    assert "Nothing was written." in result.out
    for command in (f"holds show {hold}", f"approve {hold}", f"reject {hold}"):
        assert f"jcsync {command}" in result.out


def test_one_plan_is_held_once(held: Site) -> None:
    """However often the same plan comes up, there is one hold with one number."""
    first = the_hold(held)
    held("reconcile")
    held("reconcile")

    assert the_hold(held)["id"] == first["id"]
    assert held.json("status")["connections"][0]["holds"] == [first["id"]]


def test_hold_shows_its_plan(held: Site) -> None:
    """``holds show`` lists each change, with its digest and how to decide."""
    hold = the_hold(held)

    text = held("holds", "show", str(hold["id"])).out
    assert all(f"{name}@example.com" in text for name in EVERYBODY)
    assert f"jcsync approve {hold['id']}" in text
    document = held.json("holds", "show", str(hold["id"]))["hold"]
    assert document["digest"] == hold["digest"]
    assert {c["name"].partition("@")[0] for c in document["changes"]} == EVERYBODY
    assert {c["action"] for c in document["changes"]} == {"deactivate"}


def test_approved_plan_is_applied(held: Site) -> None:
    """After ``approve`` exactly that plan is carried out, and the hold is closed."""
    hold = the_hold(held)

    result = held("approve", str(hold["id"]))

    assert result.status == 0, result.text
    assert held.active == set()
    assert held.json("holds")["holds"] == []
    assert held.json("runs")["runs"][0]["digest"] == hold["digest"]
    assert held("reconcile", "--json").run["outcome"] == "in_sync"


def test_approved_plan_that_is_no_longer_due_is_refused(held: Site) -> None:
    """Approval is for one digest: another plan ends with 7 and writes nothing."""
    hold = the_hold(held)["id"]
    refill(held, "ann")

    result = held("approve", str(hold))

    assert result.status == 7
    assert held.active == EVERYBODY
    assert held.writes == []
    assert "jcsync" in result.text


def test_hold_is_superseded_by_a_new_plan(held: Site) -> None:
    """Another plan beyond limits is another hold; the old one cannot be approved any more."""
    old = the_hold(held)["id"]
    refill(held, "ann")
    held("reconcile")

    new = the_hold(held)["id"]
    assert new != old
    result = held("approve", str(old))
    assert result.status == 7
    assert f"jcsync approve {new}" in result.text or "jcsync holds" in result.text
    assert held.active == EVERYBODY
    statuses = {h["id"]: h["status"] for h in held.json("holds", "--all")["holds"]}
    assert statuses == {old: "superseded", new: "held"}


def test_mistake_that_is_corrected_closes_the_hold(held: Site) -> None:
    """Once the group is full again, nothing is due and nothing is held."""
    refill(held, *sorted(EVERYBODY))

    result = held("reconcile", "--json")

    assert result.status == 0
    assert held.json("holds")["holds"] == []
    assert held.active == EVERYBODY


def test_rejected_plan_is_not_applied(held: Site) -> None:
    """``reject`` closes the hold; the same plan stays out as long as nobody changes his mind."""
    hold = the_hold(held)["id"]

    result = held("reject", str(hold))

    assert result.status == 0, result.text
    assert held.json("holds")["holds"] == []
    again = held("reconcile", "--json")
    assert again.status == 4
    assert held.active == EVERYBODY
    assert held.writes == []

    result = held("approve", str(again.run["hold"]))
    assert result.status == 0, result.text
    assert held.active == set()


def test_decision_cannot_be_taken_twice(held: Site) -> None:
    """What was approved cannot be rejected afterwards, nor approved again."""
    hold = str(the_hold(held)["id"])
    held("approve", hold)

    assert held("reject", hold).status == 2
    assert held("approve", hold).status == 2
    (record,) = held.json("holds", "--all")["holds"]
    assert record["status"] in ("approved", "applied")


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_unknown_hold(team: Site, command: str) -> None:
    """A number that no hold has is a mistake of the command."""
    result = team(command, "99")

    assert result.status == 2
    assert "there is no hold 99" in result.err
    assert "jcsync holds" in result.err


def test_one_change_always_passes(team: Site) -> None:
    """A limit is there against the many: ten per cent of five people is one."""
    team.configure(limits={"deactivate": {"count": 0, "percent": 0}})
    team.world.jumpcloud.state.suspend("ann")

    assert team("reconcile").status == 0
    assert team.active == EVERYBODY - {"ann"}


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        ({"create": {"count": 2}}, "create.count"),
        ({"accounts": {"count": 7}}, "accounts.count"),
    ],
)
def test_licences_are_guarded(team: Site, limits: Json, limit: str) -> None:
    """More new accounts than allowed, or more accounts than licences, wait for a person."""
    team.configure(limits=limits)
    team.join("fay", "gus", "hal")

    result = team("reconcile", "--json")

    assert result.status == 4
    assert [v["limit"] for v in result.run["violations"]] == [limit]
    assert team.active == EVERYBODY


def test_rewriting_most_attributes_is_held(team: Site) -> None:
    """A change to more than half of the accounts is more likely a mistake in the mapping."""
    for name in ("ann", "bob", "cid"):
        team.world.jumpcloud.state.change(name, department="Sales")

    result = team("reconcile", "--json")

    assert result.status == 4
    assert [v["limit"] for v in result.run["violations"]] == ["patch.percent"]


def test_limit_that_is_switched_off(held: Site) -> None:
    """``null`` switches one off."""
    held.configure(limits={"deactivate": {"count": None, "percent": None}})

    assert held("reconcile").status == 0
    assert held.active == set()


def test_member_removals_are_limited_by_group(team: Site) -> None:
    """Emptying one group is held although nobody loses his account."""
    state = team.world.jumpcloud.state
    state.create_group("Admins", sorted(EVERYBODY))
    team.configure(groups={"enabled": True}, scope={"groups": [GROUP, "Admins"]})
    assert team("reconcile").status == 0
    state.remove_member("Admins", "ann", "bob", "cid")

    result = team("reconcile", "--json")

    assert result.status == 4
    (violation,) = result.run["violations"]
    assert (violation["limit"], violation["planned"]) == ("remove_members.percent", 3)
    assert "Admins" in team("reconcile").out


def test_plan_shows_that_it_is_beyond_limits(held: Site) -> None:
    """A preview says so and ends with 0; ``--exit-code`` turns that into 4, before 10."""
    result = held("plan")

    assert result.status == 0
    assert "limits.deactivate.percent" in result.out
    assert held("plan", "--exit-code").status == 4


def test_limits_can_be_waived_once(held: Site) -> None:
    """``--exceed-limits`` applies what is due, names what it exceeds, and is in the history."""
    result = held("reconcile", "--exceed-limits", "--json")

    assert result.status == 0, result.text
    assert held.active == set()
    assert [v["limit"] for v in result.run["violations"]] == ["deactivate.percent"]
    assert result.run["hold"] is None
    assert held.json("runs")["runs"][0]["trigger"] == "exceed_limits"
    assert held.json("holds")["holds"] == []


def test_waived_limits_are_not_called_held(held: Site) -> None:
    """The text of a run whose limits were waived does not say that it is held."""
    out = held("reconcile", "--exceed-limits").out

    assert "HELD" not in out
    assert "5 applied" in out
    assert "limits.deactivate.percent" in out
