"""Promise 3: a plan is complete before its first write, and held as a whole beyond a limit.

Each limit, hold and approval has its own tests in ``tests/scenario/test_guard_and_holds.py`` and
``tests/unit/stages/test_guard.py``.
"""

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Site

EVERYBODY = {"ann", "bob", "cid", "dora", "emil"}


def test_application_that_is_unbound(site: Site) -> None:
    """One unbound group does not silently deactivate everybody in it: the plan is held."""
    site.join(*sorted(EVERYBODY))
    state = site.world.jumpcloud.state
    state.create_application("Keepnet")
    state.bind("Keepnet", groups=[GROUP])
    site.configure(scope={"groups": [], "application": "Keepnet"})
    site("reconcile")
    state.unbind("Keepnet", groups=[GROUP])

    assert site("reconcile").status == 4
    assert site.active == EVERYBODY


def test_plan_and_check_cannot_write(team: Site) -> None:
    """Every command that looks leaves both sides and the history as they were."""
    team.join("fay")
    team.world.jumpcloud.state.suspend("ann")
    before = team.json("runs")

    for args in (("check",), ("plan",), ("groups", "demo"), ("explain", "demo", "fay")):
        assert team(*args).status == 0
    assert team.writes == []
    assert team.json("runs") == before
    assert team.json("holds")["holds"] == []


def test_all_limits_that_are_exceeded_are_named_at_once(team: Site) -> None:
    """Who raises one limit is not told of the next one only then; nothing is written."""
    team.configure(
        limits={
            "deactivate": {"count": 1, "percent": 30},
            "patch": {"count": 1},
            "create": {"count": 1},
            "accounts": {"count": 3},
        }
    )
    state = team.world.jumpcloud.state
    state.remove_member(GROUP, "ann", "bob")
    for who in ("cid", "dora"):
        state.change(who, department="Sales")
    team.join("fay", "gil", "hal")

    result = team("reconcile", "--json")

    assert result.status == 4
    assert {v["limit"] for v in result.run["violations"]} == {
        "deactivate.count",
        "deactivate.percent",
        "patch.count",
        "create.count",
        "accounts.count",
    }
    assert team.writes == []
    assert team.active == EVERYBODY


@pytest.mark.parametrize("people", range(1, 5))
def test_small_teams_have_limits_too(site: Site, people: int) -> None:
    """One person may go; two are already more than a tenth of any small team."""
    names = ["ann", "bob", "cid", "dora"][:people]
    site.join(*names)
    site("reconcile")
    site.world.jumpcloud.state.remove_member(GROUP, *names)

    assert site("reconcile").status == (0 if people == 1 else 4)
    assert len(site.active) == (0 if people == 1 else people)


def test_hold_clears_itself_when_its_cause_is_gone(team: Site) -> None:
    """A group that was emptied by mistake and filled again leaves nothing to decide."""
    state = team.world.jumpcloud.state
    members = list(state.group(GROUP).members)
    state.remove_member(GROUP, *members)
    assert team("reconcile").status == 4
    state.add_member(GROUP, *members)

    assert team("reconcile", "--json").run["outcome"] == "in_sync"
    assert team.json("holds")["holds"] == []


def test_failing_reads_do_not_use_up_the_limit(team: Site) -> None:
    """An incomplete read plans no deactivation, so that nothing is held for it either."""
    team.world.jumpcloud.faults.add(misfortunes.no_total(), path="/membership", count=None)
    state = team.world.jumpcloud.state
    state.remove_member(GROUP, *list(state.group(GROUP).members))

    assert team("reconcile").status == 6
    assert team.json("holds")["holds"] == []
    assert team.active == EVERYBODY
