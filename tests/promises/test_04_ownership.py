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


def test_leaver_of_a_lost_store(team: Site) -> None:
    """His account is left alone, and named with what to do, at every run until somebody decides."""
    ann = team.world.jumpcloud.state.user("ann").id
    account = team.world.platform.account("ann@example.com")
    for file in team.folder.glob("jcsync.db*"):
        file.unlink()
    team.world.jumpcloud.state.remove_member(GROUP, "ann")

    for _ in range(2):
        result = team("reconcile", "--json")
        assert result.status == 0, result.text
        (finding,) = (f for f in result.run["findings"] if f["kind"] == "orphan")
        assert finding["subject"] == "ann@example.com"
        assert f"links adopt CONNECTION {account['id']} {ann}" in finding["message"]
    assert team.world.platform.account("ann@example.com") == account

    assert team("links", "adopt", "demo", account["id"], ann).status == 0
    assert team("reconcile").status == 0
    assert team.active == {"bob", "cid", "dora", "emil"}


def test_second_account_of_the_same_person(team: Site) -> None:
    """It is named beside the one that jcsync goes on with, and not touched."""
    ann = team.world.jumpcloud.state.user("ann").id
    twin = team.world.platform.state.add_by_hand(
        userName="ann2@example.com", externalId=ann, active=True
    )
    before = team.world.platform.account("ann2@example.com")
    team.world.jumpcloud.state.change("ann", department="Sales")

    result = team("reconcile", "--json")

    assert result.status == 3
    (finding,) = (f for f in result.run["findings"] if f["kind"] == "ambiguous")
    assert (finding["subject"], twin in finding["message"]) == ("ann@example.com", True)
    assert team.world.platform.account("ann2@example.com") == before
    assert [c["action"] for c in result.run["plan"]["changes"]] == ["patch"]


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
