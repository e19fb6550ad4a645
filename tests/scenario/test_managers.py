"""Managers: a reference to the account of another person, in a second pass where it has to be."""

import json

import pytest

from tests.scenario.site import GROUP, Json, Site

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATH = f"{ENTERPRISE}:manager.value"


def configure(site: Site, *, clear: bool = False, **more: object) -> None:
    """Map the manager."""
    source: Json = {"reference": "manager"} | ({"clear": True} if clear else {})
    site.configure(
        users={"attributes": {PATH: source}}, limits={"patch": {"percent": None}}, **more
    )


def set_manager(site: Site, who: str, manager: str) -> None:
    """Say in JumpCloud who somebody's manager is."""
    state = site.world.jumpcloud.state
    key = state.user(f"{manager}@example.com").id if manager else ""
    state.change(f"{who}@example.com", manager=key)


def managers(site: Site) -> dict[str, str]:
    """The manager on the platform of everybody who has one, by mailbox."""
    accounts = site.world.platform.accounts()
    names = {a["id"]: a["userName"].partition("@")[0] for a in accounts}
    return {
        names[a["id"]]: names[value]
        for a in accounts
        if (value := a.get(ENTERPRISE, {}).get("manager", {}).get("value"))
    }


@pytest.fixture
def hired(site: Site) -> Site:
    """ann, bob and cid, not yet provisioned; the managers are mapped."""
    configure(site)
    site.join("ann", "bob", "cid")
    return site


def test_everybody_gets_his_manager_in_one_run(hired: Site) -> None:
    """A ring, and somebody who is his own manager, included; a second run writes nothing."""
    for who, manager in (("ann", "bob"), ("bob", "ann"), ("cid", "cid")):
        set_manager(hired, who, manager)

    run = hired("reconcile", "--json").run

    assert run["outcome"] == "applied"
    assert managers(hired) == {"ann": "bob", "bob": "ann", "cid": "cid"}
    counts = run["plan"]["counts"]["users"]
    assert (counts["create"], counts["patch"], counts["unchanged"]) == (3, 3, 0)
    second = [c for c in run["plan"]["changes"] if c["action"] == "patch"]
    directory_ids = {u.id for u in hired.world.jumpcloud.state.users.values()}
    assert {a["after"] for c in second for a in c["attributes"]} == directory_ids
    hired.forget_traffic()
    assert hired("reconcile", "--json").run["outcome"] == "in_sync"
    assert hired.writes == []


def test_the_second_pass_sends_the_platforms_id(hired: Site) -> None:
    """As one operation, after both accounts exist."""
    set_manager(hired, "ann", "bob")

    hired("reconcile")

    *creates, patch = hired.writes
    assert [w.method for w in creates] == ["POST"] * 3
    (operation,) = json.loads(patch.body)["Operations"]
    bob = hired.world.platform.account("bob@example.com")["id"]
    assert (operation["path"], operation["value"]) == (PATH, bob)


def test_a_new_manager_of_somebody_who_has_an_account(hired: Site) -> None:
    """Known accounts are named at once, in the ordinary patch."""
    hired("reconcile")
    set_manager(hired, "ann", "bob")
    hired.join("dora")
    set_manager(hired, "dora", "cid")
    set_manager(hired, "cid", "dora")

    run = hired("reconcile", "--json").run

    assert managers(hired) == {"ann": "bob", "dora": "cid", "cid": "dora"}
    assert [(c["action"], c["name"]) for c in run["plan"]["changes"]] == [
        ("create", "dora@example.com"),
        ("patch", "ann@example.com"),
        ("patch", "cid@example.com"),
    ]


@pytest.mark.parametrize(("clear", "left"), [(False, {"ann": "bob"}), (True, {})])
def test_a_manager_who_leaves_the_scope(site: Site, left: dict[str, str], *, clear: bool) -> None:
    """His account is deactivated; the reference to it stays unless ``clear`` is set."""
    configure(site, clear=clear)
    site.join("ann", "bob", "cid")
    set_manager(site, "ann", "bob")
    site("reconcile")

    site.world.jumpcloud.state.remove_member(GROUP, "bob@example.com")
    assert site("reconcile").status == 0

    assert site.active == {"ann", "cid"}
    assert managers(site) == left
    site.forget_traffic()
    assert site("reconcile", "--json").run["outcome"] == "in_sync"


def test_a_manager_who_was_never_in_scope_or_does_not_exist(hired: Site) -> None:
    """Nothing is sent of him, and nobody is worse off for it."""
    hired.world.jumpcloud.state.create_group("Board")
    hired.join("zoe", group="Board")
    set_manager(hired, "ann", "zoe")
    hired.world.jumpcloud.state.change("bob@example.com", manager="f" * 24)

    assert hired("reconcile").status == 0

    assert (hired.active, managers(hired)) == ({"ann", "bob", "cid"}, {})


def test_a_manager_whose_account_cannot_be_created(hired: Site) -> None:
    """Everybody else is provisioned; once it can be, the reference is made up for."""
    set_manager(hired, "ann", "bob")
    platform = hired.world.platform.state
    taken = platform.add_by_hand(userName="bob@example.com", externalId="foreign")

    assert hired("reconcile").status == 3
    assert (hired.active, managers(hired)) == ({"ann", "bob", "cid"}, {})

    platform.delete_by_hand(taken)
    assert hired("reconcile").status == 0
    assert managers(hired) == {"ann": "bob"}


def test_one_person_alone(hired: Site) -> None:
    """Whose manager has no account yet is created without one, and gets him with the next run."""
    set_manager(hired, "ann", "bob")

    assert hired("reconcile", "--user", "ann").status == 0
    assert (hired.active, managers(hired)) == ({"ann"}, {})

    assert hired("reconcile").status == 0
    assert managers(hired) == {"ann": "bob"}


def test_explain_says_who_is_meant(hired: Site) -> None:
    """By name where he is in scope, and why nothing is sent where he is not."""
    set_manager(hired, "ann", "bob")
    hired.world.jumpcloud.state.change("cid@example.com", manager="f" * 24)

    ann, cid = (hired("explain", "demo", who).out for who in ("ann", "cid"))

    assert "manager.value = the account of bob@example.com" in ann
    assert "f" * 24 in cid
    assert "left alone" in cid
