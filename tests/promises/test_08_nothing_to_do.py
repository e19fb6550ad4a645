"""Promise 8: nothing to do writes nothing; a value that the platform changes does not flap."""

import json
from dataclasses import replace

import pytest

from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Answer, Exchange
from tests.scenario.site import GROUP, Json, Site

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize("kept", ["Sal", None], ids=["cut", "ignored"])
def test_value_that_the_platform_does_not_keep(team: Site, kept: str | None) -> None:
    """It is written a few times, in more than one way, then left alone, reported, and in step."""
    ann = team.world.platform.account("ann@example.com")["id"]

    def normalise(exchange: Exchange) -> Answer:
        answer = exchange.pass_on()
        team.world.platform.state.edit(ann, **{ENTERPRISE: {"department": kept} if kept else None})
        return answer

    team.world.platform.faults.add(normalise, method="PATCH", path=ann, count=None)
    team.world.jumpcloud.state.change("ann", department="Sales")

    team("reconcile")
    team("reconcile")
    writes = [w for w in team.writes if w.method in ("PATCH", "PUT")]
    team.forget_traffic()
    result = team("reconcile", "--json")

    assert 1 <= len(writes) <= 4, [json.loads(w.body) for w in writes]
    assert team.writes == []
    assert result.run["outcome"] == "in_sync"
    assert "unsupported_attribute" in {f["kind"] for f in result.run["findings"]}


def test_value_that_the_platform_changes_for_everybody(site: Site) -> None:
    """Also where its answers show nothing: no plan to write all of it again is due, or held."""
    people = [f"p{n}" for n in range(30)]
    state = site.world.platform.state

    def sign(exchange: Exchange) -> Answer:
        answer = exchange.pass_on()
        account = json.loads(answer.body)
        state.edit(account["id"], displayName=account["displayName"] + " (SSO)")
        return replace(answer, body=b"")

    site.world.platform.faults.add(sign, method="POST", path="/Users", count=None)
    site.configure(provider={"concurrency": 2})
    site.join(*people)

    assert site("reconcile").status == 0
    site.forget_traffic()
    for number in (2, 3):
        result = site("reconcile", "--json")
        assert result.status == 0, (number, result.text)
    assert result.run["outcome"] == "in_sync"
    # Those whose accounts were created beside the first are looked at one run later.
    assert len(site.writes) < 2 * 8
    assert site.active == set(people)


@pytest.mark.parametrize("shown", [None, True], ids=["never", "while-true"])
def test_access_that_the_platform_does_not_show(team: Site, shown: bool | None) -> None:
    """It is taken once and given once, by what jcsync knows; that it cannot be seen is said."""
    for path in ("/Users", "/Users/"):
        team.world.platform.faults.add(
            misfortunes.rewrite(lambda document: _without_active(document, shown)),
            path=path,
            method="GET",
            count=None,
        )
    state = team.world.jumpcloud.state
    state.remove_member(GROUP, "bob@example.com")
    assert team("reconcile").status == 0
    assert team.active == {"ann", "cid", "dora", "emil"}
    team.forget_traffic()
    for _ in range(2):
        result = team("reconcile", "--json")
        assert (result.status, result.run["outcome"], team.writes) == (0, "in_sync", [])
        (finding,) = result.run["findings"]
        assert finding["kind"] == "unsupported_attribute"
        assert "bob@example.com" in finding["message"]
    state.add_member(GROUP, "bob@example.com")

    assert team("reconcile").status == 0

    assert "bob" in team.active
    assert team("reconcile", "--json").run["findings"] == []


def _without_active(document: Json, shown: bool | None) -> Json:
    for row in document.get("Resources", [document]):
        if row.get("active") is not shown:
            row.pop("active", None)
    return document


def test_hand_edit_is_corrected_every_time(team: Site) -> None:
    """A person who changes a value by hand again and again is not taken for the platform."""
    team.world.jumpcloud.state.change("ann", department="Sales")
    team("reconcile")
    ann = team.world.platform.account("ann@example.com")["id"]
    for _ in range(4):
        team.world.platform.state.edit(ann, **{ENTERPRISE: {"department": "By hand"}})
        assert team("reconcile").status == 0
        account = team.world.platform.account("ann@example.com")
        assert account[ENTERPRISE]["department"] == "Sales"


def test_ten_runs_write_nothing(team: Site) -> None:
    """A world that stands still is read, and not written."""
    before = team.world.platform.accounts()
    for _ in range(10):
        assert team("reconcile", "--json").run["outcome"] == "in_sync"

    assert team.writes == []
    assert team.world.platform.accounts() == before
