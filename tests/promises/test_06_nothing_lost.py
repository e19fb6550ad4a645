"""Promise 6: kill it at any write, lose any answer: the next run ends in the same state."""

import subprocess
import sys
from pathlib import Path

import pytest

from jcsync.sandbox import misfortunes
from tests.promises.dying import DEAD
from tests.scenario.site import GROUP, Site

SCRIPT = Path(__file__).with_name("dying.py")
POINTS = 32
UNDISTURBED = {
    "accounts": {
        "ann@example.com": (False, None),
        "bob@example.com": (True, "Sales"),
        "cid@example.com": (True, None),
        "fay@example.com": (True, None),
    },
    "groups": {GROUP: {"bob@example.com", "cid@example.com", "fay@example.com"}},
}


def die(site: Site, point: int) -> int:
    """Run jcsync until its n-th write point; return its exit status."""
    arguments = [sys.executable, str(SCRIPT), str(point), "reconcile", "--config", str(site.config)]
    return subprocess.run(arguments, cwd=site.folder, capture_output=True, check=False).returncode


def changed(site: Site) -> None:
    """Three people are there; one more joins, one changes, one leaves; groups are switched on."""
    site.join("ann", "bob", "cid")
    assert site("reconcile").status == 0
    site.configure(groups={"enabled": True})
    site.join("fay")
    site.world.jumpcloud.state.change("bob", department="Sales")
    site.world.jumpcloud.state.remove_member(GROUP, "ann")


def state_of(site: Site) -> dict[str, object]:
    """What the platform holds, by names; a duplicate would be seen by its number."""
    accounts = site.world.platform.accounts()
    names = {a["id"]: a["userName"] for a in accounts}
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert len(set(names.values())) == len(names)
    groups = site.world.platform.groups()
    assert len({g["displayName"] for g in groups}) == len(groups)
    return {
        "accounts": {
            a["userName"]: (a["active"], a.get(enterprise, {}).get("department")) for a in accounts
        },
        "groups": {
            g["displayName"]: {names[m["value"]] for m in g.get("members", [])} for g in groups
        },
    }


@pytest.mark.parametrize("point", range(1, POINTS + 1))
def test_killed_at_each_write_point(site: Site, point: int) -> None:
    """A process that dies before or after any intent, call or outcome leaves nothing wrong."""
    changed(site)
    assert die(site, point) == DEAD

    result = site("reconcile")

    assert result.status == 0, result.text
    assert state_of(site) == UNDISTURBED
    assert site("reconcile", "--json").run["outcome"] == "in_sync"


def test_there_are_no_more_write_points(site: Site) -> None:
    """A run that is let live ends in the state that all others are compared with."""
    changed(site)

    assert die(site, POINTS + 1) == 0
    assert state_of(site) == UNDISTURBED


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_killed_twice(site: Site, nth: int) -> None:
    """Two deaths in a row are no worse than one."""
    changed(site)
    die(site, 3 + 4 * nth)
    die(site, 2 * nth)
    assert site("reconcile").status == 0
    assert state_of(site) == UNDISTURBED


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    "fault",
    [misfortunes.lose_answer(), misfortunes.fail_after(500), misfortunes.truncate(0.2)],
    ids=["lost", "done-and-500", "cut"],
)
def test_each_write_loses_its_first_answer(
    site: Site, method: str, fault: misfortunes.Fault
) -> None:
    """A write that was applied and not confirmed is looked up, and there once."""
    changed(site)
    site.world.platform.faults.add(fault, method=method, count=2)

    assert site("reconcile").status in (0, 3)
    site.world.platform.faults.clear()
    assert site("reconcile").status == 0
    assert state_of(site) == UNDISTURBED


@pytest.mark.parametrize("point", range(9, 17))
def test_who_leaves_after_a_kill_loses_his_access(site: Site, point: int) -> None:
    """Though no run could record that his account was created, or adopted."""
    site.configure(limits={"deactivate": {"count": None, "percent": None}})
    site.join("ann")
    assert site("reconcile").status == 0
    site.world.platform.state.add_by_hand(userName="bob@example.com", active=True)
    site.join("bob", "fay")
    assert die(site, point) == DEAD
    adopted = bool(site.world.platform.account("bob@example.com").get("externalId"))
    for name in ("bob", "fay"):
        site.world.jumpcloud.state.delete(name)

    assert site("reconcile").status == 0

    assert site.active == ({"ann"} if adopted else {"ann", "bob"})
    assert site("reconcile", "--json").run["outcome"] == "in_sync"
