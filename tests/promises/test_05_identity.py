"""Promise 5: identity is the JumpCloud id, never a name or an e-mail."""

import pytest

from tests.scenario.site import GROUP, Site


@pytest.mark.parametrize("lost", [False, True], ids=["store", "no-store"])
def test_renamed_person_keeps_his_account(team: Site, lost: bool) -> None:
    """Another name and e-mail are a patch of the old account, also without a store."""
    before = team.world.platform.account("ann@example.com")["id"]
    team.world.jumpcloud.state.rename("ann", "zoe@example.com")
    if lost:
        for file in team.folder.glob("jcsync.db*"):
            file.unlink()

    assert team("reconcile").status == 0
    assert team.world.platform.account("zoe@example.com")["id"] == before
    assert len(team.names) == 5


def test_recycled_email_gives_nobody_s_account_away(team: Site) -> None:
    """A new person with the e-mail of one who left gets no access to the old account."""
    old = team.world.platform.account("ann@example.com")
    team.world.jumpcloud.state.delete("ann")
    assert team("reconcile").status == 0
    team.join("ann")

    result = team("reconcile", "--json")

    now = team.world.platform.account("ann@example.com")
    assert (now["id"], now["externalId"]) == (old["id"], old["externalId"])
    assert now["active"] is False
    assert "conflict" in {f["kind"] for f in result.run["findings"]}


def test_group_renamed_on_both_sides_is_one_group(site: Site) -> None:
    """A group is found by its id as well: no second one is created under the new name."""
    site.join("ann")
    group = site.world.jumpcloud.state.group(GROUP)
    site.configure(groups={"enabled": True}, scope={"groups": [group.id]})
    site("reconcile")
    site.world.jumpcloud.state.rename_group(GROUP, "Renamed")
    site.world.platform.state.edit(site.world.platform.groups()[0]["id"], displayName="By hand")

    assert site("reconcile").status == 0
    assert [g["displayName"] for g in site.world.platform.groups()] == ["Renamed"]
