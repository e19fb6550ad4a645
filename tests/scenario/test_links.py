"""``links forget`` and ``links adopt``: what a person decides about single links."""

import pytest

from jcsync.clock import SystemClock
from jcsync.sandbox import misfortunes
from jcsync.settings import load_settings
from jcsync.store import open_store
from tests.scenario.site import GROUP, Site

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def by_hand(site: Site, name: str, **attributes: object) -> str:
    """Create an account by hand and return its id."""
    return site.world.platform.state.add_by_hand(
        schemas=[USER], userName=name, active=True, **attributes
    )


@pytest.fixture
def strange(team: Site) -> Site:
    """A team that fay joined, whose account bears a former name."""
    by_hand(team, "fay.formerly@example.com")
    team.join("fay")
    return team


# ---- forget


def test_forgotten_link_is_looked_up_again(team: Site) -> None:
    """The platform stays as it is, the next run finds the account by its externalId."""
    assert len(team.json("links")["links"]) == 5

    document = team.json("links", "forget", "demo", "ann@example.com")

    (forgotten,) = document["forgotten"]
    assert forgotten["name"] == "ann@example.com"
    assert len(team.json("links")["links"]) == 4
    assert team.writes == []
    assert team("reconcile", "--json").run["outcome"] == "in_sync"
    assert len(team.json("links")["links"]) == 5


def test_forget_is_in_the_history_with_who_did_it(team: Site) -> None:
    """Who, what, when; and it counts as no run for the status."""
    before = team.json("status")["connections"][0]
    team.environ["SUDO_USER"] = "alice"

    document = team.json("links", "forget", "demo", "bob@example.com")

    (run,) = team.json("runs", "--run", document["run_id"])["runs"]
    assert run["trigger"] == "forget"
    assert run["actor"].startswith("alice@")
    (change,) = team.json("changes", "--run", run["run_id"])["changes"]
    assert (change["name"], change["reason"], change["status"]) == (
        "bob@example.com",
        "link forgotten by hand",
        "applied",
    )
    (attribute,) = change["attributes"]
    assert (attribute["path"], attribute["after"]) == ("link", None)
    after = team.json("status")["connections"][0]
    assert (after["last_run"], after["last_success"]) == (
        before["last_run"],
        before["last_success"],
    )
    assert "jcsync plan demo" in team("links", "forget", "demo", "cid@example.com").out


def test_forget_nobody_or_several(team: Site) -> None:
    """A name that fits no link or two of them is refused, and nothing is forgotten."""
    assert team("links", "forget", "demo", "nobody").status == 2
    assert team("links", "forget", "elsewhere", "ann@example.com").status == 2
    team.world.jumpcloud.state.create_group("ann@example.com", ["ann"])
    team.configure(groups={"enabled": True}, scope={"groups": [GROUP, "ann@example.com"]})
    assert team("reconcile").status == 0

    result = team("links", "forget", "demo", "ANN@example.com")

    assert result.status == 2
    assert "several links" in result.err
    assert "(Group)" in result.err


def test_forget_while_a_run_is_under_way(team: Site) -> None:
    """The lease is asked for: exit status 5."""
    url = load_settings(team.config, {}, team.folder).settings.store.url.get_secret_value()
    with open_store(url, SystemClock()) as store, store.lease("demo", "somebody"):
        assert team("links", "forget", "demo", "ann@example.com").status == 5


# ---- adopt


def test_adopt_while_a_run_is_under_way(strange: Site) -> None:
    """Nothing is even read: what the run changes meanwhile would not be seen."""
    url = load_settings(strange.config, {}, strange.folder).settings.store.url.get_secret_value()
    strange.forget_traffic()
    with open_store(url, SystemClock()) as store, store.lease("demo", "somebody"):
        result = strange("links", "adopt", "demo", "fay.formerly@example.com", "fay@example.com")

    assert result.status == 5
    assert strange.world.platform.faults.traffic.total == 0


def test_adopted_account_becomes_his(strange: Site) -> None:
    """It gets the externalId and a link; the next run renames it instead of creating another."""
    strange.environ["SUDO_USER"] = "alice"
    document = strange.json("links", "adopt", "demo", "FAY.formerly@example.com", "fay@example.com")

    person = strange.world.jumpcloud.state.user("fay").id
    assert document["adopted"]["external_id"] == person
    account = strange.world.platform.account("fay.formerly@example.com")
    assert account["externalId"] == person
    assert len(strange.writes) == 1
    (run,) = strange.json("runs", "--run", document["run_id"])["runs"]
    assert (run["trigger"], run["applied"]) == ("adopt", 1)
    assert run["actor"].startswith("alice@")
    (change,) = strange.json("changes", "--run", document["run_id"])["changes"]
    assert change["reason"] == "adopted by hand"
    assert strange("reconcile").status == 0
    assert "fay" in strange.names
    assert "fay.formerly" not in strange.names
    again = strange("links", "adopt", "demo", account["id"], person)
    assert again.status == 0
    assert "already" in again.out


def test_adoption_says_what_is_next(strange: Site) -> None:
    """Text for a person, who has to look at the plan next."""
    result = strange("links", "adopt", "demo", "fay.formerly@example.com", "fay@example.com")

    assert "jcsync plan demo --user fay@example.com" in result.out


@pytest.mark.parametrize(
    ("account", "who", "says"),
    [
        pytest.param("ann@example.com", "fay@example.com", "is linked to", id="other person's"),
        pytest.param(
            "fay.formerly@example.com", "ann@example.com", "linked to the account", id="has another"
        ),
        pytest.param("fay.formerly@example.com", "zoe@example.com", "nobody called", id="nobody"),
        pytest.param("nothing", "fay@example.com", "no account on the platform", id="nothing"),
        pytest.param(
            "foreign@example.com", "fay@example.com", "carries the externalId", id="foreign"
        ),
        pytest.param(
            "fay.formerly@example.com", "gil@example.com", "not in the scope", id="out of scope"
        ),
    ],
)
def test_adoption_is_refused(strange: Site, account: str, who: str, says: str) -> None:
    """Whatever would take an account from somebody, or give somebody a second one."""
    by_hand(strange, "foreign@example.com", externalId="somebody-else")
    strange.join("gil", group="Others")
    strange.forget_traffic()

    result = strange("links", "adopt", "demo", account, who)

    assert result.status == 2, result.text
    assert says in result.err
    assert strange.writes == []


def test_adoption_beside_an_account_with_his_id(strange: Site) -> None:
    """Two accounts of one person are for the operator to sort out."""
    person = strange.world.jumpcloud.state.user("fay").id
    by_hand(strange, "second@example.com", externalId=person)

    result = strange("links", "adopt", "demo", "fay.formerly@example.com", "fay@example.com")

    assert result.status == 2
    assert "second@example.com" in result.err


def test_adoption_that_the_platform_refuses(strange: Site) -> None:
    """Exit status 3, nothing is linked, the reason is told and kept."""
    strange.world.platform.faults.add(
        misfortunes.fail(400, "no vacancy"), method="PATCH", count=None
    )
    strange.world.platform.faults.add(misfortunes.fail(400, "no vacancy"), method="PUT", count=None)

    result = strange("links", "adopt", "demo", "fay.formerly@example.com", "fay@example.com")

    assert result.status == 3, result.text
    assert "no vacancy" in result.err
    assert len(strange.json("links")["links"]) == 5


def test_adoption_needs_both_sides(strange: Site) -> None:
    """What could not be read completely proves nothing: exit status 6, nothing written."""
    strange.world.platform.faults.add(
        misfortunes.drop_rows(1), method="GET", path="/Users", count=None
    )

    result = strange("links", "adopt", "demo", "fay.formerly@example.com", "fay@example.com")

    assert result.status == 6, result.text
    assert strange.writes == []
