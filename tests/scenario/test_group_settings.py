"""The settings of groups and of the scope, in whole runs."""

import pytest

from tests.scenario.site import GROUP, Json, Site
from tests.scenario.test_groups import group, members

BOTH = {"groups": [GROUP, "Admins"]}


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
        ({"exclude": ["bob"]}, "excluded by the configuration"),
        ({"where": [{"attribute": "username", "not_equals": "bob"}]}, "out of scope by config"),
        (
            {
                "groups": [
                    {"name": GROUP, "where": [{"attribute": "username", "in": ["ann", "cid"]}]}
                ]
            },
            "meets the conditions of no group",
        ),
        ({"groups": ["Admins", "Rest"]}, "left the chosen groups (confirmed)"),
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
