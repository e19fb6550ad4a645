"""Groups and memberships follow when ``groups.enabled`` is set."""

import pytest

from tests.scenario.site import GROUP, Json, Site


@pytest.fixture
def grouped(site: Site) -> Site:
    """Two provisioned groups: Keepnet Users (ann, bob, cid) and Admins (ann)."""
    site.join("ann", "bob", "cid")
    site.world.jumpcloud.state.create_group("Admins", ["ann"])
    site.configure(groups={"enabled": True}, scope={"groups": [GROUP, "Admins"]})
    result = site("reconcile")
    assert result.status == 0, result.text
    site.forget_traffic()
    return site


def group(site: Site, name: str) -> Json:
    """The one group of this name."""
    (found,) = [g for g in site.world.platform.groups() if g["displayName"] == name]
    return found


def members(site: Site, name: str) -> set[str]:
    """The mailboxes of its members."""
    names = {a["id"]: a["userName"].partition("@")[0] for a in site.world.platform.accounts()}
    return {names[m["value"]] for m in group(site, name).get("members", [])}


def test_groups_are_created_with_their_members(grouped: Site) -> None:
    """Each chosen group exists once, with exactly the members of the directory."""
    assert members(grouped, GROUP) == {"ann", "bob", "cid"}
    assert members(grouped, "Admins") == {"ann"}
    assert group(grouped, "Admins")["externalId"] == (
        grouped.world.jumpcloud.state.group("Admins").id
    )
    assert grouped("reconcile", "--json").run["outcome"] == "in_sync"
    assert grouped.writes == []


def test_membership_changes_are_sent_alone(grouped: Site) -> None:
    """Who joins and who leaves a group is one patch of that group."""
    state = grouped.world.jumpcloud.state
    state.add_member("Admins", "bob")
    state.remove_member("Admins", "ann")

    run = grouped("reconcile", "--json").run

    (change,) = run["plan"]["changes"]
    assert (change["action"], change["resource"], change["name"]) == ("patch", "Group", "Admins")
    assert change["members"] == {"add": ["bob@example.com"], "remove": ["ann@example.com"]}
    assert members(grouped, "Admins") == {"bob"}
    counts = run["plan"]["counts"]["groups"]
    assert (counts["members_added"], counts["members_removed"]) == (1, 1)
    assert {w.path.rsplit("/", 1)[0] for w in grouped.writes} == {"/scim/v2/Groups"}


def test_rename_keeps_the_group(grouped: Site) -> None:
    """A renamed group keeps its id, and with it all that the platform hangs on it."""
    before = group(grouped, "Admins")["id"]
    admins = grouped.world.jumpcloud.state.group("Admins").id
    grouped.world.jumpcloud.state.rename_group("Admins", "Administrators")
    grouped.configure(groups={"enabled": True}, scope={"groups": [GROUP, admins]})

    assert grouped("reconcile").status == 0

    assert group(grouped, "Administrators")["id"] == before
    assert len(grouped.world.platform.groups()) == 2


@pytest.mark.parametrize(
    ("policy", "left"),
    [("keep", {"ann"}), ("empty", set()), ("delete", None)],
)
def test_group_that_leaves_the_scope(grouped: Site, policy: str, left: set[str] | None) -> None:
    """It stays, is emptied or is deleted, as ``groups.on_leave`` says; its people stay members."""
    grouped.configure(groups={"enabled": True, "on_leave": policy}, scope={"groups": [GROUP]})

    assert grouped("reconcile").status == 0

    names = {g["displayName"] for g in grouped.world.platform.groups()}
    assert ("Admins" in names) == (left is not None)
    if left is not None:
        assert members(grouped, "Admins") == left
    assert grouped.active == {"ann", "bob", "cid"}


def test_leaver_leaves_his_groups(grouped: Site) -> None:
    """Who loses his access is no member any more, and the plan is done in one run."""
    grouped.world.jumpcloud.state.delete("ann")

    assert grouped("reconcile").status == 0
    assert members(grouped, GROUP) == {"bob", "cid"}
    assert members(grouped, "Admins") == set()
    assert grouped("reconcile", "--json").run["outcome"] == "in_sync"


def test_empty_group_is_created_or_skipped(site: Site) -> None:
    """``groups.empty`` decides about a group without members."""
    site.world.jumpcloud.state.create_group(GROUP)
    site.configure(groups={"enabled": True, "empty": "skip"})
    assert site("reconcile").status == 0
    assert site.world.platform.groups() == []

    site.configure(groups={"enabled": True})
    assert site("reconcile").status == 0
    assert members(site, GROUP) == set()
    assert site("reconcile", "--json").run["outcome"] == "in_sync"


@pytest.mark.parametrize("policy", ["remove", "keep"])
def test_members_that_the_directory_does_not_imply(grouped: Site, policy: str) -> None:
    """A member added by hand is removed or kept, as ``groups.extra_members`` says."""
    user = grouped.world.platform.account("cid@example.com")["id"]
    admins = group(grouped, "Admins")
    grouped.world.platform.state.edit(
        admins["id"], members=[*admins["members"], {"value": user, "type": "User"}]
    )
    grouped.configure(
        groups={"enabled": True, "extra_members": policy}, scope={"groups": [GROUP, "Admins"]}
    )

    assert grouped("reconcile").status == 0
    assert members(grouped, "Admins") == ({"ann"} if policy == "remove" else {"ann", "cid"})


def test_more_members_than_one_request_takes(site: Site) -> None:
    """Members are sent in chunks of a hundred, beside those whom the group is created with."""
    site.join(*(f"p{n:03}" for n in range(230)))
    site.configure(groups={"enabled": True})

    assert site("reconcile").status == 0
    assert len(members(site, GROUP)) == 230
    site.forget_traffic()
    site.world.jumpcloud.state.create_group("Second", [f"p{n:03}" for n in range(230)])
    site.configure(
        groups={"enabled": True},
        scope={"groups": [GROUP, "Second"]},
        provider={"quirks": {"members_at_create": 100}},
    )
    assert site("reconcile").status == 0
    assert [w.method for w in site.writes] == ["POST", "PATCH", "PATCH"]


def test_group_of_that_name_is_adopted(site: Site) -> None:
    """A group without owner and of exactly that name is taken over, not created beside it."""
    identity = site.world.platform.state.add_by_hand(
        schemas=["urn:ietf:params:scim:schemas:core:2.0:Group"], displayName=GROUP
    )
    site.join("ann")
    site.configure(groups={"enabled": True})

    assert site("reconcile").status == 0
    assert group(site, GROUP)["id"] == identity
    assert members(site, GROUP) == {"ann"}
    assert site("reconcile", "--json").run["outcome"] == "in_sync"


def test_groups_are_left_alone_unless_enabled(team: Site) -> None:
    """Without ``groups.enabled`` no group is read or written."""
    assert team("reconcile").status == 0
    assert not [r for r in team.world.platform.faults.traffic.log if "/Groups" in r.path]
    assert team.world.platform.groups() == []
