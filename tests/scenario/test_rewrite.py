"""``reconcile --rewrite``: everything is sent once more."""

import pytest

from tests.scenario.site import Site

EVERYBODY = {"ann", "bob", "cid"}


@pytest.fixture
def settled(site: Site) -> Site:
    """Three people with accounts in step."""
    site.join(*EVERYBODY)
    assert site("reconcile").status == 0
    site.forget_traffic()
    return site


def test_everybody_is_sent_once_more(settled: Site) -> None:
    """Each account gets one write with what it has; then there is nothing to do again."""
    before = [settled.world.platform.account(f"{who}@example.com") for who in sorted(EVERYBODY)]

    result = settled("reconcile", "--rewrite", "--json")

    assert result.status == 0, result.text
    assert result.run["outcome"] == "applied"
    assert result.run["plan"]["counts"]["users"]["patch"] == 3
    assert result.run["plan"]["counts"]["users"]["unchanged"] == 0
    for change in result.run["plan"]["changes"]:
        assert change["reason"] == "is sent again (--rewrite)"
        assert {a["path"] for a in change["attributes"]} >= {"name.givenName", "displayName"}
        assert all(a["before"] == a["after"] for a in change["attributes"])
    assert sorted(r.method for r in settled.writes) == ["PATCH"] * 3
    after = [settled.world.platform.account(f"{who}@example.com") for who in sorted(EVERYBODY)]
    assert [_values(account) for account in after] == [_values(account) for account in before]
    assert settled("reconcile", "--json").run["outcome"] == "in_sync"
    assert len(settled.writes) == 3


def _values(account: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in account.items() if name != "meta"}


def test_what_differs_goes_with_it(settled: Site) -> None:
    """One call brings an account up to date and sends the rest; access is given and taken as ever."""
    state = settled.world.jumpcloud.state
    state.change("ann@example.com", firstname="Anna")
    state.remove_member("Keepnet Users", "bob@example.com")
    settled.join("dora")

    run = settled("reconcile", "--rewrite", "--json").run

    done = [(c["action"], c["name"].split("@")[0]) for c in run["plan"]["changes"]]
    assert done == [
        ("create", "dora"),
        ("patch", "ann"),
        ("patch", "cid"),
        ("deactivate", "bob"),
    ]
    assert run["outcome"] == "applied"
    assert settled.world.platform.account("ann@example.com")["name"]["givenName"] == "Anna"
    assert settled.active == {"ann", "cid", "dora"}


def test_one_person(settled: Site) -> None:
    """Nobody else is written to."""
    run = settled("reconcile", "--user", "ann", "--rewrite", "--json").run

    assert [c["name"] for c in run["plan"]["changes"]] == ["ann@example.com"]
    assert len(settled.writes) == 1


@pytest.mark.parametrize(
    "policy", [{"update": False}, {"protect": [f"{who}@example.com" for who in EVERYBODY]}]
)
def test_policies_hold(settled: Site, policy: dict[str, object]) -> None:
    """Who is not to be patched is not."""
    settled.configure(policy=policy)

    run = settled("reconcile", "--rewrite", "--json").run

    assert (run["outcome"], run["findings"]) == ("in_sync", [])
    assert settled.writes == []


def test_beyond_a_limit(settled: Site) -> None:
    """Nothing is written, and no plan is kept that only the same command would make again."""
    settled.configure(limits={"create": {"count": 1}})
    settled.join("dora", "emil")

    result = settled("reconcile", "--rewrite")

    assert result.status == 4, result.text
    assert "--exceed-limits" in result.out
    assert settled.json("holds")["holds"] == []
    assert settled.writes == []
    assert settled("reconcile", "--rewrite", "--exceed-limits").status == 0
    assert len(settled.writes) == 5
