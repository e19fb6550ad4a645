"""Promise 7: one bad record stops nobody else, is named, and is retried with growing delay."""

from jcsync.sandbox import misfortunes
from jcsync.sandbox.wsgi import json_reply
from tests.scenario.site import Site, wait_for


def refuse_fay(site: Site) -> misfortunes.Fault:
    """Refuse to create one person, and nobody else."""

    def fault(exchange):  # noqa: ANN001, ANN202
        if b"fay@" in exchange.request.body:
            return misfortunes.fail(400, "fay is not welcome")(exchange)
        return exchange.pass_on()

    del site
    return fault


def test_others_go_on_and_the_exit_status_tells(team: Site) -> None:
    """The one is named with the platform's reason; the others are created; 3 tells."""
    team.join("fay", "gil", "hal")
    team.world.platform.faults.add(refuse_fay(team), method="POST", count=None)

    result = team("reconcile", "--json")

    assert result.status == 3
    assert {"gil", "hal"} <= team.active
    assert "fay" not in team.active
    (failed,) = [o for o in result.run["outcomes"] if o["status"] == "failed"]
    assert "fay is not welcome" in failed["error"]
    (waiting,) = team.json("escrow", "list")["escrow"]
    assert waiting["name"] == "fay@example.com"
    assert team.json("escrow", "--run", result.run["run_id"])["escrow"] == [waiting]
    assert team.json("escrow", "--since", "2100-01-01")["escrow"] == []


def test_deactivation_that_the_platform_only_pretends(team: Site) -> None:
    """It has failed, whatever was answered; it waits in escrow, and succeeds as soon as it is done."""
    account = team.world.platform.account("ann@example.com")
    pretence = json_reply({**account, "active": False})
    for method in ("PATCH", "PUT"):
        team.world.platform.faults.add(
            misfortunes.answer(pretence), method=method, path=account["id"], count=None
        )
    team.world.jumpcloud.state.change("ann", state="SUSPENDED")
    team.join("fay")

    result = team("reconcile", "--json")

    assert result.status == 3
    assert {"ann", "fay"} <= team.active
    (failed,) = [o for o in result.run["outcomes"] if o["status"] == "failed"]
    assert "the account is still active" in failed["error"]
    (waiting,) = team.json("escrow", "list")["escrow"]
    assert waiting["name"] == "ann@example.com"

    team.world.platform.faults.clear()
    assert team("reconcile").status == 0
    assert team.active == {"bob", "cid", "dora", "emil", "fay"}


def test_daemon_waits_longer_each_time(team: Site) -> None:
    """What failed is not tried at every interval: it waits its turn, and delays nobody."""
    team.join("fay")
    rule = team.world.platform.faults.add(refuse_fay(team), method="POST", count=None)
    with team.short_intervals():
        wait_for(lambda: rule.hits == 1)
        team.world.jumpcloud.state.change("ann", department="Sales")
        team.world.jumpcloud.state.suspend("bob")
        wait_for(lambda: "bob" not in team.active)
        runs = len(team.json("runs")["runs"])
        wait_for(lambda: len(team.json("runs")["runs"]) > runs + 2)

    assert rule.hits == 1


def test_it_leaves_escrow_when_its_cause_is_gone(team: Site) -> None:
    """A record that changed is tried at once by a person's run, and forgotten when it works."""
    team.join("fay")
    team.world.platform.faults.add(refuse_fay(team), method="POST", count=None)
    assert team("reconcile").status == 3
    team.world.platform.faults.clear()

    assert team("reconcile").status == 0
    assert team.json("escrow", "list")["escrow"] == []
    assert "fay" in team.active
