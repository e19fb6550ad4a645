"""The settings of groups and of the scope, in whole runs."""

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Json, Site
from tests.scenario.test_groups import group, members

BOTH = {"groups": [GROUP, "Admins"]}

NO_LIMITS: Json = {"deactivate": {"count": None, "percent": None}}


def _limits(percent: int | None) -> Json:
    return {"deactivate": {"count": None, "percent": percent}}


@pytest.fixture
def two(site: Site) -> Site:
    """Keepnet Users (ann, bob, cid) and Admins (ann), not yet provisioned."""
    site.join("ann", "bob", "cid")
    site.world.jumpcloud.state.create_group("Admins", ["ann"])
    return site


def present(site: Site) -> set[str]:
    """The names of all groups on the platform."""
    return {g["displayName"] for g in site.world.platform.groups()}


def test_memberships_of_existing_groups_only(two: Site) -> None:
    """groups.create: false fills what is there, and neither creates, marks, renames nor deletes."""
    two.world.platform.state.add_by_hand(displayName="Admins")
    off = {"enabled": True, "create": False, "on_leave": "delete"}
    two.configure(scope=BOTH, groups=off)

    assert two("reconcile").status == 0
    assert (present(two), members(two, "Admins")) == ({"Admins"}, {"ann"})
    assert not group(two, "Admins").get("externalId")

    two.configure(scope={"groups": [GROUP]}, groups=off)
    assert two("reconcile").status == 0
    assert present(two) == {"Admins"}
    two.forget_traffic()
    assert two("reconcile", "--json").run["outcome"] == "in_sync"


def test_two_groups_that_would_have_one_name(two: Site) -> None:
    """Neither is written, both are named; people are provisioned all the same."""
    two.configure(scope=BOTH, groups={"enabled": True, "name": "The same"})

    result = two("reconcile", "--json")

    assert (result.status, present(two), two.active) == (3, set(), {"ann", "bob", "cid"})
    (finding,) = result.run["findings"]
    assert finding["kind"] == "conflict"
    assert "Admins" in finding["message"]
    assert GROUP in finding["message"]


def test_template_that_fails_for_one_group(two: Site) -> None:
    """The other one is written."""
    name = "{{ 'x' if group.name == 'Admins' else 1 // (group.name | length - 13) }}"
    two.configure(scope=BOTH, groups={"enabled": True, "name": name})

    result = two("reconcile", "--json")

    assert (result.status, present(two)) == (3, {"x"})
    assert [(f["kind"], f["subject"]) for f in result.run["findings"]] == [("skipped", GROUP)]


def test_only_some_groups(two: Site) -> None:
    """People of the others are provisioned without their group."""
    two.configure(scope=BOTH, groups={"enabled": True, "only": ["Adm*"]})

    assert two("reconcile").status == 0
    assert (present(two), two.active) == ({"Admins"}, {"ann", "bob", "cid"})


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ({"exclude": ["bob"]}, "is out of scope by configuration (scope.exclude)"),
        ({"where": [{"attribute": "username", "not_equals": "bob"}]}, "out of scope by config"),
        (
            {
                "groups": [
                    {"name": GROUP, "where": [{"attribute": "username", "in": ["ann", "cid"]}]}
                ]
            },
            "meets the conditions of no group",
        ),
        (
            {"groups": ["Admins", "Rest"]},
            f"is out of scope by configuration (still in {GROUP}, not chosen any more)",
        ),
    ],
)
def test_changed_scope_is_said_and_counted(two: Site, scope: Json, reason: str) -> None:
    """Who falls out by configuration loses his access like a leaver, within the same limits."""
    state = two.world.jumpcloud.state
    for who in ("ann", "bob", "cid"):
        state.change(f"{who}@example.com", username=who)
    state.create_group("Rest", ["cid"])
    two("reconcile")

    two.configure(scope=scope, limits={"deactivate": {"count": 0}})
    (change,) = two("reconcile", "--json").run["plan"]["changes"]

    assert (change["action"], change["name"]) == ("deactivate", "bob@example.com")
    assert reason in change["reason"]
    assert two.active == {"ann", "cid"}


@pytest.mark.parametrize("percent", [None, 0], ids=["asked-for", "held"])
def test_a_dropped_group_and_a_leaver_are_told_apart(two: Site, percent: int | None) -> None:
    """Also while nothing has come of it: until a full run has gone through, the reason stays."""
    state = two.world.jumpcloud.state
    state.create_group("Rest", ["bob"])
    two.configure(scope={"groups": ["Admins", "Rest"]}, limits=NO_LIMITS)
    state.hire("dora@example.com", groups=["Rest"])
    state.hire("eve@example.com", groups=["Admins"])
    two("reconcile")
    state.remove_member("Admins", "eve@example.com")
    two.configure(scope={"groups": ["Admins"]}, limits=_limits(percent))

    reasons = {}
    for _ in range(2):
        run = two("reconcile" if percent is not None else "plan", "--json").run
        reasons = {c["name"].partition("@")[0]: c["reason"] for c in run["plan"]["changes"]}

    assert reasons == {
        "bob": "is out of scope by configuration (still in Rest, not chosen any more)",
        "dora": "is out of scope by configuration (still in Rest, not chosen any more)",
        "eve": "left the chosen groups (confirmed)",
    }
    assert (
        "out: is out of scope by configuration (still in Rest"
        in two("explain", "demo", "dora@example.com").out
    )
    left = two.json("explain", "demo", "eve@example.com")
    assert left["scope"]["reason"] == "is in none of the chosen groups"


@pytest.mark.parametrize("fast", [False, True])
def test_the_reason_stays_while_it_waits(two: Site, fast: bool) -> None:
    """The platform refuses what follows from a dropped group: it is tried again for that reason."""
    state = two.world.jumpcloud.state
    state.create_group("Rest", ["cid"])
    two.configure(scope={"groups": [*BOTH["groups"], "Rest"]}, limits=NO_LIMITS)
    state.hire("dora@example.com", groups=["Rest"])
    two("reconcile")
    two.configure(scope=BOTH, limits=NO_LIMITS)
    for method in ("PATCH", "PUT"):
        two.world.platform.faults.add(misfortunes.fail(400), method=method, count=None)

    for _ in range(2):
        result = two("reconcile", *(["--fast"] if fast else []), "--json")
        assert result.status == 3
        (change,) = result.run["plan"]["changes"]
        assert change["reason"] == (
            "is out of scope by configuration (still in Rest, not chosen any more)"
        )

    two.world.platform.faults.clear()
    state.remove_member("Rest", "dora@example.com")
    (change,) = two("reconcile", "--json").run["plan"]["changes"]
    assert change["reason"] == "left the chosen groups (confirmed)"


def test_a_dropped_group_of_many(site: Site) -> None:
    """Nobody is asked for where the plan is held anyway, and the reason is there all the same."""
    site.join("ann")
    site.join(*(f"p{n}" for n in range(25)), group="Rest")
    site.configure(scope={"groups": [GROUP, "Rest"]})
    site("reconcile")
    site.configure(limits={"deactivate": {"count": 1}})

    result = site("reconcile", "--json")

    (hold,) = site.json("holds")["holds"]
    assert (result.status, len(result.run["plan"]["changes"])) == (4, 25)
    assert {c["reason"] for c in result.run["plan"]["changes"]} == {
        "is out of scope by configuration (not chosen any more: Rest), or left the chosen groups"
    }
    assert site("approve", str(hold["id"])).status == 0
    assert site.active == {"ann"}
    assert {c["reason"] for c in site.json("changes")["changes"][:25]} == {
        "is out of scope by configuration (still in Rest, not chosen any more)"
    }


def test_another_application_is_a_changed_scope(two: Site) -> None:
    """Also for those who were bound to the former one by themselves; an ended binding is none."""
    state = two.world.jumpcloud.state
    for name in ("App", "Other"):
        state.create_application(name)
    state.create_group("Rest", ["bob"])
    state.bind("App", groups=["Admins", "Rest"], users=["cid@example.com"])
    state.bind("Other", groups=["Admins"])
    two.configure(scope={"groups": [], "application": "App"}, limits=NO_LIMITS)
    two("reconcile")

    two.configure(scope={"groups": [], "application": "Other"}, limits=NO_LIMITS)
    run = two("plan", "--json").run

    assert {c["name"].partition("@")[0]: c["reason"] for c in run["plan"]["changes"]} == {
        "bob": "is out of scope by configuration (still in Rest, not chosen any more)",
        "cid": "is out of scope by configuration (scope.application is not App any more)",
    }
    two.configure(scope={"groups": [], "application": "App"}, limits=NO_LIMITS)
    state.unbind("App", groups=["Rest"])
    (change,) = two("plan", "--json").run["plan"]["changes"]
    assert change["reason"] == "left the chosen groups (confirmed)"


@pytest.mark.parametrize(
    ("scope", "only", "reason"),
    [
        ({"groups": [GROUP]}, [], "is out of scope by configuration (not chosen any more)"),
        (BOTH, ["Keep*"], "is out of scope by configuration (groups.only)"),
    ],
)
def test_groups_that_the_settings_choose_no_more(
    two: Site, scope: Json, only: list[str], reason: str
) -> None:
    """Emptied as groups.on_leave says, and drift names the same reason."""
    two.configure(scope=BOTH, groups={"enabled": True})
    two("reconcile")
    two.configure(scope=scope, groups={"enabled": True, "only": only, "on_leave": "empty"})

    (entry,) = two("drift", "--json").document["connections"][0]["drift"]
    (change,) = two("reconcile", "--json").run["plan"]["changes"]

    assert (entry["message"], change["reason"]) == (reason, reason)
    assert (change["name"], members(two, "Admins")) == ("Admins", set())


def test_application_with_groups_and_people(two: Site) -> None:
    """Everybody bound to it, by a group or by himself; unbinding ends his access."""
    state = two.world.jumpcloud.state
    state.create_application("App")
    state.bind("App", groups=["Admins"], users=["cid@example.com"])
    two.configure(scope={"groups": [], "application": "App"})

    assert two("reconcile").status == 0
    assert two.active == {"ann", "cid"}

    state.unbind("App", users=["cid@example.com"])
    assert two("reconcile").status == 0
    assert two.active == {"ann"}


def test_conditions_of_one_group(two: Site) -> None:
    """They keep people out of that group, and out of the scope where no other group takes them."""
    for who in ("ann", "bob", "cid"):
        two.world.jumpcloud.state.change(f"{who}@example.com", department="Sales")
    two.world.jumpcloud.state.change("cid@example.com", department="IT")
    where = [{"attribute": "department", "equals": "IT"}]
    scope = {"groups": [{"name": GROUP, "where": where}, "Admins"]}
    two.configure(scope=scope, groups={"enabled": True})

    assert two("reconcile").status == 0
    assert two.active == {"ann", "cid"}
    assert (members(two, GROUP), members(two, "Admins")) == ({"cid"}, {"ann"})

    two.world.jumpcloud.state.change("ann@example.com", department="IT")
    assert two("reconcile").status == 0
    assert members(two, GROUP) == {"ann", "cid"}


@pytest.mark.parametrize(("empty", "there"), [("keep", True), ("skip", False)])
def test_empty_groups(two: Site, empty: str, there: bool) -> None:
    """A group that was never there waits for its first member; one that is there stays, empty."""
    state = two.world.jumpcloud.state
    state.create_group("Nobody")
    scope = {"groups": [GROUP, "Admins", "Nobody"]}
    two.configure(scope=scope, groups={"enabled": True, "empty": empty})

    assert two("reconcile").status == 0
    assert ("Nobody" in present(two)) is there
    two.forget_traffic()
    assert two("reconcile", "--json").run["outcome"] == "in_sync"
    assert two.writes == []

    state.remove_member("Admins", "ann")
    state.add_member("Nobody", "bob")
    assert two("reconcile").status == 0
    assert (members(two, "Admins"), members(two, "Nobody")) == (set(), {"bob"})
