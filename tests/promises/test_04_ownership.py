"""Promise 4: what jcsync did not create or adopt, it does not touch.

Adoption has its own tests in ``tests/scenario/test_joiner_mover_leaver.py``; strangers are part
of every random history.
"""

import pytest

from tests.scenario.site import GROUP, Site


@pytest.mark.parametrize("lost", [False, True], ids=["store", "no-store"])
def test_account_of_another_agent(team: Site, lost: bool) -> None:
    """An account with a foreign externalId stays byte by byte, though a joiner has its name."""
    state = team.world.platform.state
    state.add_by_hand(userName="fay@example.com", externalId="other-agent-1", active=False)
    before = team.world.platform.account("fay@example.com")
    team.join("fay")
    if lost:
        for file in team.folder.glob("jcsync.db*"):
            file.unlink()

    result = team("reconcile", "--json")

    assert team.world.platform.account("fay@example.com") == before
    assert "conflict" in {f["kind"] for f in result.run["findings"]}
    assert len(team.names) == 6


def test_protected_account_is_never_touched(team: Site) -> None:
    """``policy.protect`` holds for leavers, the suspended and the renamed alike."""
    team.configure(
        policy={"protect": ["ann@example.com", "bob@example.com"]},
        limits={"deactivate": {"count": None, "percent": None}},
    )
    before = {n: team.world.platform.account(f"{n}@example.com") for n in ("ann", "bob")}
    state = team.world.jumpcloud.state
    state.remove_member(GROUP, "ann")
    state.change("bob", department="Sales", state="SUSPENDED")

    team("reconcile")

    assert before == {n: team.world.platform.account(f"{n}@example.com") for n in ("ann", "bob")}
