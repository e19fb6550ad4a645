"""People come, change and go; the platform follows, and nothing else happens to it."""

import pytest

from tests.scenario.site import GROUP, Site


def test_everybody_in_the_group_gets_an_account(site: Site) -> None:
    """A first run creates one active account for each active member, with his attributes."""
    site.join("ann.lee", department="Sales")
    site.join("bob.may")
    site.world.jumpcloud.state.hire("not.chosen@example.com")

    result = site("reconcile")

    assert result.status == 0, result.text
    assert site.active == {"ann.lee", "bob.may"}
    account = site.world.platform.account("ann.lee@example.com")
    assert account["externalId"] == site.world.jumpcloud.state.user("ann.lee").id
    assert account["name"] == {"givenName": "Ann", "familyName": "Lee"}
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert account[enterprise]["department"] == "Sales"


def test_a_second_run_writes_nothing(team: Site) -> None:
    """A run that has nothing to do sends no request that could change anything."""
    run = team("reconcile", "--json").run

    assert run["outcome"] == "in_sync"
    assert team.writes == []


def test_joiner_is_created(team: Site) -> None:
    """Who joins the group gets an account, and nobody else is touched."""
    team.join("fay")

    run = team("reconcile", "--json").run

    assert [(c["action"], c["name"]) for c in run["plan"]["changes"]] == [
        ("create", "fay@example.com")
    ]
    assert [write.method for write in team.writes] == ["POST"]


def test_mover_is_patched_with_what_changed_only(team: Site) -> None:
    """A changed department is one patch of one attribute."""
    team.world.jumpcloud.state.change("ann", department="Marketing")

    run = team("reconcile", "--json").run

    (change,) = run["plan"]["changes"]
    assert change["action"] == "patch"
    assert [(a["before"], a["after"]) for a in change["attributes"]] == [(None, "Marketing")]
    assert [write.method for write in team.writes] == ["PATCH"]


def test_rename_keeps_the_account(team: Site) -> None:
    """A new name and e-mail are a patch of the old account: identity is the JumpCloud id."""
    before = team.world.platform.account("ann@example.com")["id"]
    team.world.jumpcloud.state.rename("ann", "ann.lee@example.com")

    assert team("reconcile").status == 0

    assert team.world.platform.account("ann.lee@example.com")["id"] == before
    assert len(team.names) == 5


def test_name_passes_from_one_to_another(team: Site) -> None:
    """A name that one person gives up and another takes changes hands in one run."""
    state = team.world.jumpcloud.state
    ann, bob = state.user("ann").id, state.user("bob").id
    state.rename(ann, "zoe@example.com")
    state.rename(bob, "ann@example.com")

    result = team("reconcile")

    assert result.status == 0, result.text
    by_id = {a["externalId"]: a["userName"] for a in team.world.platform.accounts()}
    assert (by_id[ann], by_id[bob]) == ("zoe@example.com", "ann@example.com")


def test_people_swap_names(team: Site) -> None:
    """Each keeps his account; the way there is in the plan and in the history."""
    state = team.world.jumpcloud.state
    ann, bob = state.user("ann").id, state.user("bob").id
    state.rename(ann, "temporary@example.com")
    state.rename(bob, "ann@example.com")
    state.rename(ann, "bob@example.com")
    team.join("fay")

    result = team("reconcile", "--json")

    by_id = {a["externalId"]: a["userName"] for a in team.world.platform.accounts()}
    assert result.status == 0, result.text
    assert (by_id[ann], by_id[bob]) == ("bob@example.com", "ann@example.com")
    assert "fay" in team.names
    assert len(team.names) == 6
    assert len(result.run["plan"]["changes"]) == 3
    told = team.json("changes", "--run", result.run["run_id"])
    assert any("goes round, so it is" in change["reason"] for change in told["changes"])
    assert team("reconcile", "--json").run["outcome"] == "in_sync"


def test_name_of_a_leaver_goes_to_a_joiner(team: Site) -> None:
    """A recycled e-mail never gives one person the account of another."""
    state = team.world.jumpcloud.state
    left = team.world.platform.account("ann@example.com")["id"]
    state.delete("ann")
    team("reconcile")
    team.join("ann")

    result = team("reconcile", "--json")

    assert result.status == 3
    assert team.world.platform.account("ann@example.com")["id"] == left
    assert not team.world.platform.account("ann@example.com")["active"]
    (finding,) = result.run["findings"]
    assert finding["kind"] == "conflict"
    assert finding["subject"] == "ann@example.com"


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda s: s.suspend("ann"), id="suspended"),
        pytest.param(lambda s: s.remove_member(GROUP, "ann"), id="left-the-group"),
        pytest.param(lambda s: s.delete("ann"), id="deleted"),
        pytest.param(lambda s: s.change("ann", state="STAGED"), id="staged"),
    ],
)
def test_leaver_is_deactivated_and_not_deleted(team: Site, leave) -> None:  # noqa: ANN001
    """Whoever goes, by whatever way, keeps his account and loses his access."""
    leave(team.world.jumpcloud.state)

    result = team("reconcile")

    assert result.status == 0, result.text
    assert team.active == {"bob", "cid", "dora", "emil"}
    assert len(team.names) == 5


def test_who_returns_gets_his_old_account(team: Site) -> None:
    """A person who leaves and comes back is reactivated, not created again."""
    state = team.world.jumpcloud.state
    before = team.world.platform.account("ann@example.com")["id"]
    state.remove_member(GROUP, "ann")
    team("reconcile")
    state.add_member(GROUP, "ann")
    state.change("ann", department="Sales")

    run = team("reconcile", "--json").run

    assert [c["action"] for c in run["plan"]["changes"]] == ["reactivate"]
    account = team.world.platform.account("ann@example.com")
    assert (account["id"], account["active"]) == (before, True)
    assert team("reconcile", "--json").run["outcome"] == "in_sync"


@pytest.mark.parametrize("flag", ["account_locked", "password_expired"])
def test_temporary_trouble_takes_no_access(team: Site, flag: str) -> None:
    """A lock-out or an expired password is not the end of an employment."""
    team.world.jumpcloud.state.change("ann", **{flag: True})

    assert team("reconcile", "--json").run["outcome"] == "in_sync"
    assert team.writes == []


def test_unknown_state_is_left_alone_and_reported(team: Site) -> None:
    """A state that this version does not know changes nothing and is named."""
    team.world.jumpcloud.state.change("ann", state="PENDING_REVIEW", department="Sales")

    result = team("reconcile", "--json")

    assert team.writes == []
    assert [(f["kind"], f["subject"]) for f in result.run["findings"]] == [
        ("unknown_state", "ann@example.com")
    ]


def test_staged_people_are_not_created(site: Site) -> None:
    """Whoever has not begun yet, and who is suspended, gets no account."""
    site.join("ann")
    site.join("new", state="STAGED", activated=False)
    site.join("old", state="SUSPENDED")

    assert site("reconcile").status == 0
    assert site.names == ["ann"]


def test_accounts_of_others_are_not_touched(team: Site) -> None:
    """What jcsync neither created nor adopted stays as it is, active or not."""
    platform = team.world.platform.state
    platform.add_by_hand(
        schemas=["urn:ietf:params:scim:schemas:core:2.0:User"],
        userName="admin@example.com",
        active=True,
    )
    before = team.world.platform.account("admin@example.com")

    run = team("reconcile", "--json").run

    assert run["plan"]["counts"]["users"]["unmanaged"] == 1
    assert team.world.platform.account("admin@example.com") == before
    assert team.writes == []


def test_account_of_the_same_name_is_adopted_and_reported(site: Site) -> None:
    """An account without owner is taken over by its name, and the report says so."""
    identity = site.world.platform.state.add_by_hand(
        schemas=["urn:ietf:params:scim:schemas:core:2.0:User"],
        userName="Ann@Example.com",
        active=True,
    )
    site.join("ann")

    result = site("reconcile", "--json")

    assert result.status == 0, result.text
    account = site.world.platform.account("ann@example.com")
    assert account["id"] == identity
    assert account["externalId"] == site.world.jumpcloud.state.user("ann").id
    assert [f["kind"] for f in result.run["findings"]] == ["adopted"]
    assert site.names in (["Ann"], ["ann"])


def test_lost_store_is_rebuilt_from_the_platform(team: Site) -> None:
    """Without its store jcsync finds its accounts by externalId, and still sees who left."""
    for file in team.folder.glob("jcsync.db*"):
        file.unlink()
    assert team("reconcile", "--json").run["outcome"] == "in_sync"
    team.world.jumpcloud.state.suspend("ann")

    assert team("reconcile").status == 0
    assert team.active == {"bob", "cid", "dora", "emil"}
    assert len(team.names) == 5


def test_drift_on_the_platform_is_repaired(team: Site) -> None:
    """Whoever changes an account by hand has his change undone by the next run."""
    account = team.world.platform.account("ann@example.com")
    team.world.platform.state.edit(account["id"], name={"givenName": "Mistake"})
    bob = team.world.platform.account("bob@example.com")["id"]
    team.world.platform.state.edit(bob, active=False)

    run = team("reconcile", "--json").run

    assert {(c["action"], c["name"]) for c in run["plan"]["changes"]} == {
        ("patch", "ann@example.com"),
        ("reactivate", "bob@example.com"),
    }
    assert team.world.platform.account("ann@example.com")["name"]["givenName"] == "Ann"


def test_account_deleted_on_the_platform_is_created_again(team: Site) -> None:
    """A missing account is no reason to stop."""
    team.world.platform.state.delete_by_hand(team.world.platform.account("ann@example.com")["id"])

    assert team("reconcile").status == 0
    assert team.names == ["ann", "bob", "cid", "dora", "emil"]
    assert team("reconcile", "--json").run["outcome"] == "in_sync"


def test_nobody_in_jumpcloud(site: Site) -> None:
    """An empty group and an empty platform are in step."""
    site.world.jumpcloud.state.create_group(GROUP)

    result = site("reconcile", "--json")

    assert result.status == 0, result.text
    assert result.run["outcome"] == "in_sync"
    assert result.run["complete"] == {"directory": True, "provider": True}


def test_last_member_who_leaves_loses_his_access(site: Site) -> None:
    """An empty group is believed when every loss is confirmed and few."""
    site.join("ann")
    site("reconcile")
    site.world.jumpcloud.state.remove_member(GROUP, "ann")

    assert site("reconcile").status == 0
    assert site.active == set()


def test_scope_by_application(site: Site) -> None:
    """The groups bound to an SSO application are the scope, as with JumpCloud's own connector."""
    state = site.world.jumpcloud.state
    site.join("ann", group="Sales")
    site.join("bob", group="IT")
    state.create_application("Keepnet")
    state.bind("Keepnet", groups=["Sales"], users=["bob"])
    site.configure(scope={"groups": [], "application": "Keepnet"})

    assert site("reconcile").status == 0
    assert site.active == {"ann", "bob"}

    state.unbind("Keepnet", users=["bob"])
    assert site("reconcile").status == 0
    assert site.active == {"ann"}


def test_service_account_reads_the_directory(site: Site) -> None:
    """Client id and secret work in place of an API key, also past the end of a token."""
    name, secret = site.world.jumpcloud.api.issue_client()
    site.configure(directory={"api_key": None, "client_id": name, "client_secret": secret})
    site.join("ann")

    assert site("reconcile").status == 0, site("reconcile").text
    assert site.active == {"ann"}
    site.world.jumpcloud.api.expire_tokens()
    assert site("reconcile").status == 0
