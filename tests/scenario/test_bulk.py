"""A platform that takes several accounts by one request, and is trusted with it."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from jcsync.sandbox import misfortunes
from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.world import World
from tests.scenario.site import Site

PEOPLE = [f"user{n:02}" for n in range(25)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site of 25 people whose platform takes ten operations at once."""
    with World(platform=FastPlatform(secrets.token_hex(20), bulk=10)) as world:
        site = Site(world, tmp_path)
        site.join(*PEOPLE)
        yield site


def paths(site: Site) -> list[str]:
    return sorted(w.path.removeprefix("/scim/v2/") for w in site.writes)


def trust(site: Site) -> None:
    site.configure(provider={"quirks": {"bulk": True}})


def test_bulk_is_not_used_unasked(site: Site) -> None:
    """Whatever the platform advertises."""
    assert site("reconcile").status == 0
    assert paths(site) == ["Users"] * 25


def test_everybody_is_made_and_changed_by_few_requests(site: Site) -> None:
    """Three requests for 25 people; each has his own line in the history; a second run is quiet."""
    trust(site)
    run = site("reconcile", "--json").run
    assert (run["outcome"], paths(site)) == ("applied", ["Bulk"] * 3)
    assert len([o for o in run["outcomes"] if o["status"] == "applied"]) == 25
    assert site.names == PEOPLE
    assert len(site.json("links")["links"]) == 25
    site.forget_traffic()

    assert site("reconcile", "--json").run["outcome"] == "in_sync"
    for who in PEOPLE:
        site.world.jumpcloud.state.change(who, lastname="Changed")
    site.configure(provider={"quirks": {"bulk": True}}, limits={"patch": {"percent": None}})
    assert site("reconcile").status == 0
    assert paths(site) == ["Bulk"] * 3
    assert {a["name"]["familyName"] for a in site.world.platform.accounts()} == {"Changed"}

    site.forget_traffic()
    site.world.jumpcloud.state.suspend(PEOPLE[0])
    assert site("reconcile").status == 0
    assert [w.method for w in site.writes] == ["PATCH"]
    assert PEOPLE[0] not in site.active


def test_lost_answer_and_one_bad_record(site: Site) -> None:
    """Nobody is made twice, the bad one is named, and everybody else has an account."""
    trust(site)
    site.world.platform.state.add_by_hand(userName=f"{PEOPLE[3]}@example.com", externalId="other")
    site.world.platform.faults.add(misfortunes.lose_answer(), path="/Bulk")
    result = site("reconcile")
    assert result.status == 3
    assert PEOPLE[3] in result.text
    assert site.names == PEOPLE
