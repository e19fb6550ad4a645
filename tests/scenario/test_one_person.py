"""``plan``, ``reconcile`` and ``explain`` about one person: on demand, without reading everything."""

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Json, Site
from tests.scenario.test_groups import members

CROWD = 130


@pytest.fixture
def crowd(site: Site) -> Site:
    """More people than a page holds on both sides, in three groups that are managed, and one full run."""
    state = site.world.jumpcloud.state
    site.join(*(f"p{n}" for n in range(CROWD)))
    everybody = [state.user(f"p{n}@example.com").id for n in range(CROWD)]
    state.create_group("Even", everybody[::2])
    state.create_group("Empty")
    site.configure(scope={"groups": [GROUP, "Even", "Empty"]}, groups={"enabled": True})
    assert site("reconcile").status == 0
    site.forget_traffic()
    return site


def run_about(site: Site, who: str, *options: str, command: str = "reconcile") -> Json:
    """Run about one person; every list is longer than what such a run may ask for."""
    site.forget_traffic()
    result = site(command, "--user", who, "--json", *options)
    assert result.status == 0, result.text
    asked = [*site.world.jumpcloud.faults.traffic.log, *site.world.platform.faults.traffic.log]
    reads = [request for request in asked if request.method == "GET"]
    assert len(reads) <= 30, reads
    listed = [r.query for r in reads if r.path.endswith(("/Users", "/systemusers"))]
    one_page = ("filter=", "search=", "startIndex=1&count=100")
    assert all(any(part in query for part in one_page) for query in listed), listed
    assert not any("/membership" in request.path for request in asked)
    assert result.run["findings"] == []
    return result.run


def done(run: Json) -> list[tuple[str, str]]:
    """What was done to whom."""
    return [(change["action"], change["name"]) for change in run["plan"]["changes"]]


def test_nothing_to_do(crowd: Site) -> None:
    """Counted as one, unchanged, and nothing is written."""
    run = run_about(crowd, "p7")

    assert (run["outcome"], run["mode"]) == ("in_sync", "user")
    assert run["plan"]["counts"]["users"]["unchanged"] == 1
    assert run["plan"]["counts"]["users"]["unmanaged"] == 0
    assert crowd.writes == []


def test_joiner(crowd: Site) -> None:
    """An account, and one new member in each of his groups; the others stay."""
    crowd.join("new")
    crowd.world.jumpcloud.state.add_member("Even", "new@example.com")

    run = run_about(crowd, "new")

    assert done(run) == [
        ("create", "new@example.com"),
        ("patch", "Even"),
        ("patch", GROUP),
    ]
    assert len(members(crowd, "Even")) == CROWD / 2 + 1
    assert len(members(crowd, GROUP)) == CROWD + 1
    assert run_about(crowd, "new")["outcome"] == "in_sync"
    assert crowd("plan", "--json").run["outcome"] == "in_sync"


def test_mover(crowd: Site) -> None:
    """Attributes and memberships; out of one group and into the other."""
    state = crowd.world.jumpcloud.state
    state.change("p4@example.com", jobTitle="Boss")
    state.remove_member("Even", "p4@example.com")
    state.add_member("Empty", "p4@example.com")

    run = run_about(crowd, "p4@example.com")

    assert done(run) == [("patch", "p4@example.com"), ("patch", "Empty"), ("patch", "Even")]
    assert members(crowd, "Empty") == {"p4"}
    assert len(members(crowd, "Even")) == CROWD / 2 - 1
    assert crowd("plan", "--json").run["outcome"] == "in_sync"


@pytest.mark.parametrize("how", ["suspended", "left", "deleted"])
@pytest.mark.parametrize("who", ["p8", "p8@example.com", "id", "resource id"])
def test_leaver(crowd: Site, how: str, who: str) -> None:
    """Deactivated after a second question, whatever he is called by."""
    state = crowd.world.jumpcloud.state
    account = crowd.world.platform.account("p8@example.com")
    names = {"id": account["externalId"], "resource id": account["id"]}
    match how:
        case "suspended":
            state.suspend("p8@example.com")
        case "left":
            for group in (GROUP, "Even"):
                state.remove_member(group, "p8@example.com")
        case _:
            state.delete("p8@example.com")
            who = "p8@example.com" if who == "p8" else who

    run = run_about(crowd, names.get(who, who))

    assert ("deactivate", "p8@example.com") in done(run)
    assert "p8" not in crowd.active
    assert len(crowd.active) == CROWD - 1
    log = crowd.world.jumpcloud.faults.traffic.log
    assert len([r for r in log if r.path.endswith(account["externalId"])]) >= 2
    assert crowd("plan", "--json").run["outcome"] == "in_sync"


def test_rename_and_hand_made_changes(crowd: Site) -> None:
    """A new name is a patch of his account; what somebody changed by hand is put right."""
    crowd.world.jumpcloud.state.change("p2@example.com", email="renamed@example.com")
    account = crowd.world.platform.account("p2@example.com")
    crowd.world.platform.state.edit(account["id"], active=False, title="Hacker")

    run = run_about(crowd, "renamed@example.com")

    assert done(run) == [("reactivate", "renamed@example.com")]
    assert crowd.world.platform.account("renamed@example.com")["id"] == account["id"]


def test_deleted_account_is_made_anew(crowd: Site) -> None:
    """His link leads nowhere; no other account is his."""
    account = crowd.world.platform.account("p2@example.com")
    crowd.world.platform.state.delete_by_hand(account["id"])

    assert ("create", "p2@example.com") in done(run_about(crowd, "p2"))
    assert crowd("plan", "--json").run["outcome"] == "in_sync"


def test_store_that_was_lost(crowd: Site) -> None:
    """He is found by externalId, and so are his groups; his link is back."""
    for file in crowd.folder.glob("jcsync.db*"):
        file.unlink()

    assert run_about(crowd, "p2")["outcome"] == "in_sync"
    links = {link["name"] for link in crowd.json("links")["links"]}
    assert links == {"p2@example.com", GROUP, "Even"}


def test_foreign_account_of_his_name(crowd: Site) -> None:
    """A conflict, as in a full run."""
    crowd.world.platform.state.add_by_hand(userName="new@example.com", externalId="foreign")
    crowd.join("new")

    result = crowd("reconcile", "--user", "new", "--json")

    assert result.status == 3
    assert [finding["kind"] for finding in result.run["findings"]] == ["conflict"]
    assert crowd.writes == []


@pytest.mark.parametrize("by", ["userName", "emails"])
def test_account_is_adopted(crowd: Site, by: str) -> None:
    """By the names of users.match, without reading all accounts."""
    name = "new@example.com" if by == "userName" else "old@example.com"
    crowd.world.platform.state.add_by_hand(
        userName=name, emails=[{"type": "work", "value": "new@example.com", "primary": True}]
    )
    crowd.join("new")
    crowd.forget_traffic()

    run = crowd("reconcile", "--user", "new", "--json").run

    assert done(run)[0] == ("patch", "new@example.com")
    assert [finding["kind"] for finding in run["findings"]] == ["adopted"]
    assert crowd.names.count("new") == 1


def test_manager_is_read_too(crowd: Site) -> None:
    """A reference to an account that exists is set at once, though he is not the one asked for."""
    path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"
    crowd.configure(
        scope={"groups": [GROUP]},
        users={"attributes": {path: {"reference": "manager", "clear": True}}},
    )
    state = crowd.world.jumpcloud.state
    state.change("p1@example.com", manager=state.user("p3@example.com").id)

    run = run_about(crowd, "p1")

    (change,) = run["plan"]["changes"]
    assert change["attributes"][0]["after"] == crowd.world.platform.account("p3@example.com")["id"]
    assert run_about(crowd, "p1")["outcome"] == "in_sync"


def test_platform_without_filters(crowd: Site) -> None:
    """All accounts are read, a finding says why, and the result is the same."""
    crowd.world.platform.faults.add(misfortunes.fail(400), path="filter=", count=None)
    crowd.join("new")

    result = crowd("reconcile", "--user", "new", "--json")

    assert result.status == 0, result.text
    assert {finding["kind"] for finding in result.run["findings"]} == {"read_in_full"}
    assert "new" in members(crowd, GROUP)


def test_licences_are_counted(crowd: Site) -> None:
    """limits.accounts is about everybody: the accounts are counted when one is added."""
    crowd.configure(
        scope={"groups": [GROUP, "Even", "Empty"]},
        groups={"enabled": True},
        limits={"accounts": {"count": CROWD}},
    )
    crowd.join("new")

    result = crowd("reconcile", "--user", "new", "--json")

    assert result.status == 4
    assert result.run["violations"] == [
        {"limit": "accounts.count", "allowed": CROWD, "planned": CROWD + 1}
    ]
    assert run_about(crowd, "p1")["outcome"] == "in_sync"


def test_directory_that_contradicts_itself(crowd: Site) -> None:
    """A list of his groups that leaves one out takes nothing when it is asked for again."""
    crowd.world.jumpcloud.faults.add(misfortunes.empty_list(), path="/memberof", count=1)

    run = crowd("reconcile", "--user", "p1", "--json").run

    assert run["plan"]["changes"] == []
    assert [finding["kind"] for finding in run["findings"]] == ["not_confirmed"]
    assert len(crowd.active) == CROWD


def test_explain_reads_no_lists_either(crowd: Site) -> None:
    """The same look-ups, and a person out of scope by his id."""
    crowd.forget_traffic()

    text = crowd("explain", "demo", "p4").out

    assert "by link (externalId agrees)" in text
    assert "nothing to do" in text
    assert crowd.world.jumpcloud.faults.traffic.total <= 10
    assert crowd.world.platform.faults.traffic.total <= 10


def test_unknown_person_is_looked_for_everywhere(crowd: Site) -> None:
    """And the error names what may be given."""
    crowd.forget_traffic()

    result = crowd("plan", "--user", "nobody@example.com", "--json")

    assert result.status == 2
    assert "give an id, username or e-mail" in result.run["error"]
    assert crowd.world.jumpcloud.faults.traffic.total <= 10
