"""``docs/migration.md``, followed word by word."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from jcsync.sandbox.people import Person
from tests.scenario.site import GROUP, Json, Site

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def blocks() -> list[Json]:
    """The settings of the page, in order."""
    parts = PAGE.split("```yaml\n")[1:]
    return [yaml.safe_load(part.partition("```")[0])["connections"]["keepnet"] for part in parts]


def settings(*, without: tuple[str, ...] = (), **more: Any) -> Json:
    """Those of the first step, for the site's own hosts and secrets."""
    block = blocks()[0]
    attributes = {k: v for k, v in block["users"]["attributes"].items() if k not in without}
    return {
        "scope": {**block["scope"], "groups": []},
        "provider": {"profile": block["provider"]["profile"]},
        "users": {"attributes": attributes},
        "policy": block["policy"],
        **more,
    }


def provision(site: Site, person: Person, **fields: object) -> str:
    """Write an account as JumpCloud's connector does."""
    values: Json = {
        "externalId": person.id,
        "userName": person.username,
        "name": {"givenName": person.firstname, "familyName": person.lastname},
        "emails": [{"type": "work", "value": person.email, "primary": True}],
        "active": person.state == "ACTIVATED" and not person.password_expired,
    }
    if person.displayname:
        values["displayName"] = person.displayname
    return site.world.platform.state.add_by_hand(**{**values, **fields})


@pytest.fixture
def moving(site: Site) -> Site:
    """Five people of the application, with the accounts that the connector made for them."""
    state = site.world.jumpcloud.state
    site.join("ann", "bob", "cid", "dora", "emil", department="", jobTitle="")
    state.create_application("Keepnet")
    state.bind("Keepnet", groups=[GROUP])
    for person in list(state.users.values()):
        state.change(person.id, username=person.email.partition("@")[0], phoneNumbers=[])
    state.suspend("dora@example.com")
    state.change("emil@example.com", password_expired=True)
    for person in state.users.values():
        provision(site, person)
    site.configure(**settings())
    return site


def named(site: Site) -> dict[str, bool]:
    """Who has which access, by ``userName``."""
    return {a["userName"]: a["active"] for a in site.world.platform.accounts()}


def test_the_first_plan_is_empty(moving: Site) -> None:
    """Step by step: nobody's access changes, and the hand-over writes nothing."""
    before = named(moving)

    assert moving("config", "validate").status == 0
    assert moving("check", "demo").status == 0
    assert moving("plan", "demo", "--json").run["outcome"] == "in_sync"

    assert moving("reconcile", "demo", "--json").run["outcome"] == "in_sync"
    assert moving("plan", "demo", "--json").run["outcome"] == "in_sync"
    assert (
        named(moving)
        == before
        == dict.fromkeys(("ann", "bob", "cid"), True)
        | {
            "dora": False,
            "emil": False,
        }
    )
    assert moving.writes == []
    assert len(moving.json("links")["links"]) == 5


def test_who_leaves_after_the_hand_over_is_noticed(moving: Site) -> None:
    moving("reconcile", "demo")
    moving.world.jumpcloud.state.remove_member(GROUP, "ann@example.com")

    assert moving("reconcile", "demo").status == 0

    assert named(moving)["ann"] is False


def test_who_left_before_is_left_alone(moving: Site) -> None:
    """He is counted as unmanaged."""
    moving.world.jumpcloud.state.remove_member(GROUP, "ann@example.com")

    run = moving("reconcile", "demo", "--json").run

    assert (run["outcome"], run["plan"]["counts"]["users"]["unmanaged"]) == ("in_sync", 1)
    assert [(f["kind"], f["subject"]) for f in run["findings"]] == [("orphan", "ann")]
    assert named(moving)["ann"] is True


def test_what_the_connector_left_different_is_shown_exactly(moving: Site) -> None:
    """Each line of the table."""
    state, platform = moving.world.jumpcloud.state, moving.world.platform
    moving.join("fay")
    state.change("fay@example.com", username="fay")
    state.change("ann@example.com", department="IT")
    platform.state.edit(platform.account("bob")["id"], externalId="")
    platform.state.edit(platform.account("cid")["id"], active=False)
    platform.state.edit(platform.account("dora")["id"], active=True)

    changes = moving("plan", "demo", "--json").run["plan"]["changes"]

    assert {
        (c["action"], c["name"], *sorted(a["path"] for a in c["attributes"])[:1])
        for c in changes
        if c["action"] != "create"
    } == {
        ("patch", "ann", f"{ENTERPRISE}:department"),
        ("patch", "bob", "externalId"),
        ("reactivate", "cid", "active"),
        ("deactivate", "dora", "active"),
    }
    assert [c["name"] for c in changes if c["action"] == "create"] == ["fay"]
    moving.configure(**settings(policy={"update": False, "on_password_expired": "deactivate"}))
    changes = moving("plan", "demo", "--json").run["plan"]["changes"]
    assert "ann" not in {c["name"] for c in changes}


def test_an_account_of_somebody_else_has_his_name(moving: Site) -> None:
    """A conflict that names both; nothing is planned for him, and everybody else stays in step."""
    platform = moving.world.platform
    platform.state.edit(platform.account("bob")["id"], externalId="of-another-system")

    run = moving("plan", "demo", "--json").run

    assert run["plan"]["changes"] == []
    (finding,) = run["findings"]
    assert (finding["kind"], finding["subject"]) == ("conflict", "bob")
    assert "of-another-system" in finding["message"]


def test_the_lines_of_the_mapping_are_needed(moving: Site) -> None:
    """Without them the plan shows the login names, and that is held."""
    moving.configure(**settings(without=("userName",)))

    run = moving("plan", "demo", "--json").run

    paths = {a["path"] for c in run["plan"]["changes"] for a in c["attributes"]}
    assert paths == {"userName"}
    assert [v["limit"] for v in run["violations"]] == ["patch.percent"]


def test_the_application_can_be_replaced_by_its_groups(moving: Site) -> None:
    """The plan stays empty."""
    moving("reconcile", "demo")
    moving.configure(**settings(scope=blocks()[1]["scope"]))

    assert moving("plan", "demo", "--json").run["outcome"] == "in_sync"


def test_groups_are_taken_over_by_name(moving: Site) -> None:
    """With their members, who stay."""
    platform = moving.world.platform
    members = [
        {"value": platform.account(who)["id"]} for who in ("ann", "bob", "cid", "dora", "emil")
    ]
    platform.state.add_by_hand(displayName=GROUP, members=members)
    moving.configure(**settings(groups={"enabled": True}))

    (change,) = moving("plan", "demo", "--json").run["plan"]["changes"]

    assert (change["resource"], change["members"]) == ("Group", {"add": [], "remove": []})
    assert [a["path"] for a in change["attributes"]] == ["externalId"]
