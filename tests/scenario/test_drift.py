"""``drift``: what the platform holds that the directory does not imply."""

import sqlite3
from typing import Any

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Site, account_by_hand, edit_by_hand, two_connections


def drift_of(site: Site, *args: str, status: int = 10) -> dict[str, Any]:
    """Look, and return the one connection of the document."""
    result = site("drift", "--json", *args)
    assert result.status == status, result.text
    (connection,) = result.document["connections"]
    assert isinstance(connection, dict)
    return connection


def kinds(document: dict[str, Any]) -> dict[str, list[str]]:
    """Names by kind of drift."""
    found: dict[str, list[str]] = {}
    for entry in document["drift"]:
        found.setdefault(entry["kind"], []).append(entry["name"].partition("@")[0])
    return found


def test_no_drift(team: Site) -> None:
    """Both sides agree: nothing to show, exit status 0, nothing written."""
    document = drift_of(team, status=0)

    assert document["drift"] == []
    assert document["complete"] == {"directory": True, "provider": True}
    assert set(document["counts"].values()) == {0}
    text = team("drift").out
    assert "Drift: none." in text
    assert team.writes == []


def test_change_in_the_directory_is_no_drift(team: Site) -> None:
    """A joiner and a mover are work for the next run, and nobody's edit."""
    team.join("fay")
    team.world.jumpcloud.state.change("ann", department="Sales")

    assert drift_of(team, status=0)["drift"] == []


def test_orphan_keeps_access(team: Site) -> None:
    """Who left the group and is still active is an orphan, with the reason; policies or not."""
    team.world.jumpcloud.state.remove_member(GROUP, "ann")
    team.configure(policy={"on_leave": "keep"})

    document = drift_of(team)

    (entry,) = document["drift"]
    assert (entry["kind"], entry["name"], entry["active"]) == ("orphan", "ann@example.com", True)
    assert "left the chosen groups" in entry["message"]
    assert document["counts"]["orphan"] == 1
    text = team("drift").out
    assert "ann@example.com" in text
    assert "jcsync plan demo" in text
    assert team.writes == []


def test_deactivated_leaver_is_no_drift(team: Site) -> None:
    """An account without access is what the directory implies."""
    team.world.jumpcloud.state.remove_member(GROUP, "ann")
    team("reconcile")

    assert drift_of(team, status=0)["drift"] == []


def test_reactivated_by_hand(team: Site) -> None:
    """Access that somebody gave back on the platform is found."""
    team.world.jumpcloud.state.suspend("ann")
    team("reconcile")
    edit_by_hand(team, "ann", active=True)

    assert kinds(drift_of(team)) == {"orphan": ["ann"]}


def test_edited_by_hand(team: Site) -> None:
    """What was applied, what is there now, and what JumpCloud has."""
    edit_by_hand(team, "bob", displayName="Bobby")
    edit_by_hand(team, "cid", active=False)

    document = drift_of(team)

    bob, cid = document["drift"]
    assert bob["kind"] == cid["kind"] == "edited"
    (attribute,) = bob["attributes"]
    assert attribute["path"] == "displayName"
    assert attribute["found"] == "Bobby"
    assert attribute["applied"] == attribute["wanted"] != "Bobby"
    assert cid["attributes"] == [
        {"path": "active", "applied": True, "found": False, "wanted": True}
    ]
    assert cid["active"] is False
    text = team("drift").out
    assert "→ Bobby" in text


def test_edited_by_hand_where_nothing_is_updated(team: Site) -> None:
    """``policy.update: false`` keeps the edit and does not hide it."""
    team.configure(policy={"update": False})
    edit_by_hand(team, "bob", displayName="Bobby")

    assert kinds(drift_of(team)) == {"edited": ["bob"]}


def test_deleted_by_hand(team: Site) -> None:
    """An account that somebody deleted is missing."""
    account = team.world.platform.account("dora@example.com")
    team.world.platform.state.delete_by_hand(account["id"])

    (entry,) = drift_of(team)["drift"]
    assert (entry["kind"], entry["name"]) == ("missing", "dora@example.com")
    assert entry["resource_id"] == account["id"]


def test_unmanaged_accounts_and_groups(team: Site) -> None:
    """What jcsync neither created nor adopted, and what policy.protect names is left out."""
    account_by_hand(team, "root")
    account_by_hand(team, "breakglass")
    team.world.platform.state.add_by_hand(displayName="Handmade")
    team.configure(policy={"protect": ["breakglass@example.com"]}, groups={"enabled": True})
    team("reconcile")

    document = drift_of(team)

    assert kinds(document) == {"unmanaged": ["Handmade", "root"]}
    assert {entry["resource"] for entry in document["drift"]} == {"User", "Group"}
    text = team("drift").out
    assert "group Handmade" in text
    assert "jcsync links adopt demo" in text


def test_account_with_a_directory_id_and_no_link(team: Site) -> None:
    """An account that carries a JumpCloud id of nobody in scope is an orphan while it is active."""
    account_by_hand(team, "gone", externalId="5f0c1e0e0b6c8a2f5d0e1a2b")

    (entry,) = drift_of(team)["drift"]
    assert (entry["kind"], entry["external_id"]) == ("orphan", "5f0c1e0e0b6c8a2f5d0e1a2b")


def test_extra_members_and_renamed_group(team: Site) -> None:
    """Members and a name that somebody gave a group on the platform, also where they are kept."""
    team.configure(groups={"enabled": True, "extra_members": "keep"})
    team("reconcile")
    platform = team.world.platform
    (group,) = platform.groups()
    root = account_by_hand(team, "root")
    platform.state.edit(group["id"], members=[*group["members"], {"value": root}])

    document = drift_of(team)

    entry = next(e for e in document["drift"] if e["kind"] == "extra_members")
    assert (entry["resource"], entry["name"], entry["members"]) == (
        "Group",
        GROUP,
        ["root@example.com"],
    )
    platform.state.edit(group["id"], displayName="Renamed")
    entry = next(e for e in drift_of(team)["drift"] if e["kind"] == "edited")
    assert entry["attributes"] == [
        {"path": "displayName", "applied": GROUP, "found": "Renamed", "wanted": GROUP}
    ]


def test_sides_that_cannot_be_read(team: Site) -> None:
    """6 when a side cannot be read or only in part; the other connection is looked at all the same."""
    two_connections(team, provider={"token": "wrong-token"})

    result = team("drift", "--json")

    assert result.status == 6
    first, second = result.document["connections"]
    assert first["error"] is None
    assert "401" in second["error"]
    team.configure()
    team.world.platform.faults.add(
        misfortunes.page(200, "<html></html>"), method="GET", path="/Users", count=None
    )
    assert team("drift").status == 6


def test_store_that_takes_nothing(team: Site) -> None:
    """What cannot be remembered for the status is shown all the same, and the log says so."""
    edit_by_hand(team, "bob", displayName="Bobby")
    with sqlite3.connect(team.config.with_suffix(".db")) as store:
        store.execute(
            "create trigger full before insert on memo begin select raise(abort, 'full'); end"
        )
    store.close()

    result = team("drift")

    assert result.status == 10
    assert "Bobby" in result.out
    assert "drift could not be remembered" in result.err
    assert team.json("status")["connections"][0]["drift"] == 0


def test_wrong_name(team: Site) -> None:
    """A mistyped connection is usage, as everywhere."""
    assert team("drift", "nobody").status == 2
