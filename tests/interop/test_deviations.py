"""Whole runs against platforms that deviate, each with its profile, in memory of one computer."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jcsync.sandbox.deviant import DeviantPlatform
from jcsync.sandbox.deviations import AWS, GITHUB, SALESFORCE, SLACK, Deviations
from jcsync.sandbox.platform import Platform
from jcsync.sandbox.reference_code import ReferenceCode
from jcsync.sandbox.world import World
from tests.interop.mirror import accounts_by_external_id, groups_by_external_id
from tests.interop.operator import Operator

SCOPE = "Keepnet Users"
Build = Callable[[], Platform]


def deviant(deviations: Deviations) -> Build:
    return lambda: DeviantPlatform(secrets.token_urlsafe(), deviations)


PLATFORMS: dict[str, tuple[str, Build]] = {
    "msref": ("msref", lambda: ReferenceCode(secrets.token_urlsafe())),
    "keepnet as msref": ("keepnet", lambda: ReferenceCode(secrets.token_urlsafe())),
    "aws": ("aws", deviant(AWS)),
    "slack": ("slack", deviant(SLACK)),
    "github": ("github", deviant(GITHUB)),
    "salesforce": ("salesforce", deviant(SALESFORCE)),
    "atlassian": ("atlassian", deviant(Deviations(no_filtered_paths=True))),
    "databricks": ("databricks", deviant(Deviations(immutable_names=True))),
    # What no profile says, jcsync finds out.
    "rfc, no PATCH": ("rfc", deviant(Deviations(no_patch=True))),
    "rfc, no filters in paths": ("rfc", deviant(Deviations(no_filtered_paths=True))),
    "rfc, cursors only": ("rfc", deviant(Deviations(cursors="only"))),
    "rfc, PATCH ignores names": ("rfc", deviant(Deviations(ignored=frozenset({"name", "active"})))),
    "rfc, quiet": ("rfc", deviant(Deviations(quiet=True))),
    "rfc, removals do nothing": ("rfc", deviant(Deviations(removals="nothing"))),
    "rfc, versions": ("rfc", deviant(Deviations(versions=True))),
    "rfc, members of one group": ("rfc", deviant(Deviations(unlisted_members=True))),
    "rfc, no paging": ("rfc", deviant(Deviations(no_paging=True))),
    "rfc, JSON only": ("rfc", deviant(Deviations(json_only=True))),
}


@pytest.fixture(params=PLATFORMS, ids=str)
def chosen(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(chosen: str) -> Iterator[World]:
    with World(platform=PLATFORMS[chosen][1]()) as world:
        yield world


@pytest.fixture
def operator(world: World, tmp_path: Path, chosen: str) -> Operator:
    operator = Operator(world, tmp_path, strict=False)
    operator.configure(SCOPE, provider={"profile": PLATFORMS[chosen][0]})
    return operator


def test_right_end_state_and_nothing_to_do_afterwards(
    world: World, operator: Operator, chosen: str
) -> None:
    """Joiners, movers and leavers, with their group."""
    state = world.jumpcloud.state
    state.create_group(SCOPE)
    people = {
        name: state.hire(
            f"{name}@example.com",
            groups=[SCOPE],
            firstname=name,
            lastname="Lee",
            department="Sales",
        ).id
        for name in ("ann", "bea", "cem", "dan", "eva")
    }
    operator.reconcile_applied()
    operator.reconcile_in_step()

    state.change(people["ann"], lastname="Ray", phoneNumbers=(("work", "+90 212 000 0000"),))
    state.change(people["bea"], phoneNumbers=(("mobile", "+90 212 000 0001"),))
    state.suspend(people["cem"])
    state.remove_member(SCOPE, people["dan"], people["eva"])
    state.hire("fay@example.com", groups=[SCOPE], firstname="fay", lastname="Lee")
    operator.reconcile_applied()

    accounts = accounts_by_external_id(world)
    active = {a["name"]["givenName"] for a in accounts.values() if a.get("active", True)}
    assert active == {"ann", "bea", "fay"}
    assert accounts[people["ann"]]["name"]["familyName"] == "Ray"
    if PLATFORMS[chosen][0] not in {"github", "databricks", "atlassian"}:
        assert accounts[people["ann"]]["phoneNumbers"][0]["value"] == "+90 212 000 0000"
    (group,) = groups_by_external_id(world).values()
    names = {a["id"]: a["name"]["givenName"] for a in accounts.values()}
    assert {names[m["value"]] for m in group["members"]} == {"ann", "bea", "cem", "fay"}
    operator.reconcile_in_step()
