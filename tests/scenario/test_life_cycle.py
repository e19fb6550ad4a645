"""What each reason to lose access leads to, and accounts that are deleted after a time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jcsync.clock import SystemClock
from jcsync.sandbox import misfortunes
from jcsync.sandbox.directory import Organization
from jcsync.store import open_store
from tests.scenario.site import GROUP, Json, Site

NO_LIMITS = {name: {"count": None, "percent": None} for name in ("deactivate", "delete", "patch")}
ANN = "ann@example.com"


def configure(site: Site, *, limits: Json | None = None, **policy: object) -> None:
    site.configure(policy=policy, limits=NO_LIMITS if limits is None else limits)


def let_pass(site: Site, **time: float) -> None:
    """Let this much time pass for what is deactivated: a new process later finds it so."""
    url = f"sqlite:///{site.config.with_suffix('.db')}"
    with open_store(url, SystemClock()) as store:
        links = [
            replace(
                link,
                deactivated_at=(
                    datetime.fromisoformat(link.deactivated_at) - timedelta(**time)
                ).isoformat(),
            )
            for link in store.links("demo")
            if link.deactivated_at is not None
        ]
        store.record_links("demo", links)


def counts(site: Site, *args: str) -> Json:
    """How many people a run does what to; only what it does to somebody."""
    found = site("reconcile", "--json", *args).run["plan"]["counts"]["users"]
    return {
        key: n
        for key, n in found.items()
        if n and key not in ("unchanged", "unmanaged", "out_of_scope")
    }


# ---------------------------------------------------------------------- one policy for each reason


def leave(state: Organization) -> None:
    state.remove_member(GROUP, ANN)


def suspend(state: Organization) -> None:
    state.suspend(ANN)


def delete(state: Organization) -> None:
    state.delete(ANN)


def stage(state: Organization) -> None:
    state.change(ANN, state="STAGED")


def lock(state: Organization) -> None:
    state.change(ANN, account_locked=True)


def expire(state: Organization) -> None:
    state.change(ANN, password_expired=True)


REASONS = [
    ("on_leave", leave),
    ("on_suspend", suspend),
    ("on_delete", delete),
    ("on_staged", stage),
    ("on_locked", lock),
    ("on_password_expired", expire),
]


@pytest.mark.parametrize(("key", "happens"), REASONS)
@pytest.mark.parametrize("value", ["deactivate", "keep", "delete"])
def test_every_reason_has_its_policy(
    team: Site, key: str, value: str, happens: Callable[[Organization], None]
) -> None:
    """The account of the person concerned, nobody else's; a second run has nothing to do."""
    configure(team, **{key: value})
    happens(team.world.jumpcloud.state)

    done = counts(team)

    names, active = set(team.names), team.active
    assert ("ann" in names, "ann" in active) == {
        "deactivate": (True, False),
        "keep": (True, True),
        "delete": (False, False),
    }[value]
    assert done == ({} if value == "keep" else {value: 1})
    assert active - {"ann"} == {"bob", "cid", "dora", "emil"}
    team.forget_traffic()
    assert counts(team) == {}
    assert team.writes == []


@pytest.mark.parametrize("key", ["on_leave", "on_suspend", "on_staged", "on_locked"])
def test_who_comes_back_gets_his_old_account(team: Site, key: str) -> None:
    """Whatever took his access."""
    configure(team, **{key: "deactivate"})
    state = team.world.jumpcloud.state
    before = team.world.platform.account(ANN)["id"]
    dict(REASONS)[key](state)
    assert counts(team) == {"deactivate": 1}

    state.change(ANN, state="ACTIVATED", account_locked=False)
    if key == "on_leave":
        state.add_member(GROUP, ANN)

    assert counts(team) == {"reactivate": 1}
    assert team.world.platform.account(ANN)["id"] == before
    assert team.active == {"ann", "bob", "cid", "dora", "emil"}


# ---------------------------------------------------------------------- delete_after


@pytest.mark.parametrize(("key", "happens"), [r for r in REASONS if r[0] != "on_password_expired"])
def test_account_is_deleted_when_its_time_is_over(
    team: Site, key: str, happens: Callable[[Organization], None]
) -> None:
    """Not a day earlier, and the plan says why and since when."""
    configure(team, **{key: "deactivate", "delete_after": "30d"})
    happens(team.world.jumpcloud.state)
    assert counts(team) == {"deactivate": 1}
    let_pass(team, days=29)
    assert counts(team) == {}

    let_pass(team, days=1)
    run = team("reconcile", "--json").run

    (change,) = run["plan"]["changes"]
    assert (change["action"], run["outcome"]) == ("delete", "applied")
    assert "its time is over (delete_after)" in change["reason"]
    assert set(team.names) == {"bob", "cid", "dora", "emil"}
    assert counts(team) == {}


def test_nothing_is_deleted_without_the_setting(team: Site) -> None:
    """The default keeps deactivated accounts for ever."""
    leave(team.world.jumpcloud.state)
    team("reconcile")
    let_pass(team, days=4000)

    assert counts(team) == {}
    assert "ann" in team.names


def test_return_cancels_the_deletion(team: Site) -> None:
    """The time begins anew with the next deactivation."""
    configure(team, delete_after="30d")
    state = team.world.jumpcloud.state
    leave(state)
    team("reconcile")
    let_pass(team, days=31)
    state.add_member(GROUP, ANN)
    assert counts(team) == {"reactivate": 1}
    leave(state)
    assert counts(team) == {"deactivate": 1}
    let_pass(team, days=29)

    assert counts(team) == {}


def test_return_by_hand_cancels_it_too(team: Site) -> None:
    """Somebody at the platform gave him his access back before jcsync could."""
    configure(team, delete_after="30d")
    state, platform = team.world.jumpcloud.state, team.world.platform
    leave(state)
    team("reconcile")
    let_pass(team, days=31)
    state.add_member(GROUP, ANN)
    state.change(ANN, firstname="Anne")
    platform.state.edit(platform.account(ANN)["id"], active=True)
    assert counts(team) == {"patch": 1}

    leave(state)
    platform.state.edit(platform.account(ANN)["id"], active=False)

    assert counts(team) == {}
    assert "ann" in team.names


def test_who_is_active_by_hand_is_deactivated_first(team: Site) -> None:
    """Nobody loses an account that is in use."""
    configure(team, delete_after="30d")
    platform = team.world.platform
    leave(team.world.jumpcloud.state)
    team("reconcile")
    let_pass(team, days=31)
    platform.state.edit(platform.account(ANN)["id"], active=True)

    assert counts(team) == {"deactivate": 1}
    assert counts(team) == {}


def test_what_others_deactivated_is_not_deleted(team: Site) -> None:
    """Only what jcsync itself has deactivated has a time."""
    configure(team, delete_after="1d")
    platform = team.world.platform
    platform.state.edit(platform.account(ANN)["id"], active=False)
    leave(team.world.jumpcloud.state)
    team("reconcile")
    let_pass(team, days=31)

    assert counts(team) == {}
    assert "ann" in team.names


def test_policy_that_keeps_deletes_nothing(team: Site) -> None:
    """on_leave: keep, after he was deactivated under another policy."""
    leave(team.world.jumpcloud.state)
    team("reconcile")
    let_pass(team, days=31)
    configure(team, delete_after="1d", on_leave="keep", on_delete="keep")

    assert counts(team) == {}


def test_deletion_counts_against_its_limit(team: Site) -> None:
    """And is held like any other."""
    configure(team, delete_after="30d")
    for who in ("ann", "bob", "cid"):
        team.world.jumpcloud.state.remove_member(GROUP, f"{who}@example.com")
    team("reconcile")
    let_pass(team, days=31)
    configure(team, limits={"delete": {"count": 2, "percent": None}}, delete_after="30d")

    held = team("reconcile", "--json")

    assert (held.status, held.run["violations"][0]["limit"]) == (4, "delete.count")
    assert len(team.names) == 5
    assert team("approve", str(held.run["hold"])).status == 0
    assert set(team.names) == {"dora", "emil"}


def test_protected_account_is_not_deleted(team: Site) -> None:
    """It is reported."""
    configure(team, delete_after="30d")
    leave(team.world.jumpcloud.state)
    team("reconcile")
    let_pass(team, days=31)
    configure(team, delete_after="30d", protect=[ANN])

    run = team("reconcile", "--json").run

    assert ([f["kind"] for f in run["findings"]], "ann" in team.names) == (["protected"], True)
    assert "delete" in run["findings"][0]["message"]


def test_incomplete_read_deletes_nothing(team: Site) -> None:
    """Nor does one after which he could not be asked for."""
    configure(team, delete_after="30d")
    leave(team.world.jumpcloud.state)
    team("reconcile")
    let_pass(team, days=31)
    team.world.jumpcloud.faults.add(misfortunes.fail(400), path="/systemusers/", count=None)

    result = team("reconcile")

    assert (result.status, "ann" in team.names) == (6, True)
