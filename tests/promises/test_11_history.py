"""Promise 11: everything that was done can be read afterwards."""

from tests.scenario.site import GROUP, Site


def test_every_write_is_a_change_of_the_history(team: Site) -> None:
    """Who, what, before and after, why, in which run: for each request that changed something."""
    state = team.world.jumpcloud.state
    team.join("fay")
    state.change("bob", department="Sales")
    state.remove_member(GROUP, "ann")

    run = team("reconcile", "--json").run

    changes = team.json("changes", "--run", run["run_id"])["changes"]
    assert {(c["name"], c["action"]) for c in changes} == {
        ("ann@example.com", "deactivate"),
        ("bob@example.com", "patch"),
        ("fay@example.com", "create"),
    }
    assert len(changes) == len(team.writes)
    patched = next(c for c in changes if c["action"] == "patch")
    (attribute,) = patched["attributes"]
    assert attribute["path"].endswith("department")
    assert (attribute["before"], attribute["after"]) == (None, "Sales")
    assert all(c["reason"] for c in changes)
    assert all(c["status"] == "applied" for c in changes)
