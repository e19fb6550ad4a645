"""One bad record is named and stops nobody else."""

from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Exchange
from jcsync.sandbox.wsgi import json_reply
from tests.scenario.site import Json, Site

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def findings(run: Json) -> list[tuple[str, str]]:
    """Kind and subject of each finding."""
    return [(f["kind"], f["subject"]) for f in run["findings"]]


def test_person_without_an_email(site: Site) -> None:
    """He is named by what he has, the others go through, and the status is 3, every time."""
    site.join("ann", "bob")
    site.world.jumpcloud.state.hire("x@example.com", groups=["Keepnet Users"])
    site.world.jumpcloud.state.change("x", email="", username="no.mail")

    for _ in range(2):
        result = site("reconcile", "--json")
        assert result.status == 3
        assert result.run["outcome"] == "partial"
        (finding,) = result.run["findings"]
        assert finding["kind"] == "skipped"
        assert "no.mail" in finding["subject"]
        assert "userName" in finding["message"]
    assert site.active == {"ann", "bob"}
    text = site("reconcile").out
    assert "no.mail" in text


def test_partial_run_does_not_say_that_all_is_in_step(site: Site) -> None:
    """Who could not be provisioned is part of the last line."""
    site.join("ann")
    site.world.jumpcloud.state.hire("x@example.com", groups=["Keepnet Users"])
    site.world.jumpcloud.state.change("x", email="", username="no.mail")
    site("reconcile")

    for args in (("reconcile",), ("reconcile", "--quiet")):
        result = site(*args)
        assert result.status == 3
        assert "no.mail" in result.out
        assert "In step." not in result.out


def test_existing_account_of_a_broken_record_is_kept(team: Site) -> None:
    """A record that loses its e-mail loses no access by that."""
    team.world.jumpcloud.state.change("ann", email="")

    result = team("reconcile", "--json")

    assert result.status == 3
    assert len(team.active) == 5
    assert team.writes == []


def test_user_name_taken_by_a_foreign_account(site: Site) -> None:
    """An account with somebody else's externalId is neither taken over nor changed."""
    site.world.platform.state.add_by_hand(
        schemas=[USER], userName="ann@example.com", externalId="of-another-system", active=True
    )
    site.join("ann", "bob")
    before = site.world.platform.account("ann@example.com")

    result = site("reconcile", "--json")

    assert result.status == 3
    assert findings(result.run) == [("conflict", "ann@example.com")]
    assert "of-another-system" in result.run["findings"][0]["message"]
    assert site.world.platform.account("ann@example.com") == before
    assert "bob" in site.active


def test_two_accounts_claim_one_person(site: Site) -> None:
    """Which of two accounts is his is for a person to say."""
    for name in ("first@example.com", "second@example.com"):
        site.world.platform.state.add_by_hand(
            schemas=[USER], userName=name, emails=[{"value": "ann@example.com", "type": "work"}]
        )
    site.join("ann", "bob")

    result = site("reconcile", "--json")

    assert result.status == 3
    assert findings(result.run) == [("ambiguous", "ann@example.com")]
    assert site.active == {"bob", "first", "second"}


def test_account_that_is_never_adopted(site: Site) -> None:
    """``policy.adopt: never`` leaves an account of the same name alone."""
    site.world.platform.state.add_by_hand(schemas=[USER], userName="ann@example.com", active=True)
    site.configure(policy={"adopt": "never"})
    site.join("ann")

    result = site("reconcile", "--json")

    assert result.status == 3
    assert findings(result.run) == [("conflict", "ann@example.com")]
    assert "policy.adopt" in result.run["findings"][0]["message"]


def test_name_that_the_platform_refuses(site: Site) -> None:
    """A record that the platform answers with 400 is named with the platform's own words."""
    long = "x" * 300

    def refuse_long_names(exchange: Exchange):  # noqa: ANN202
        if long.encode() in exchange.request.body:
            detail = {"status": "400", "detail": "familyName exceeds 255 characters"}
            return misfortunes.answer(json_reply(detail, 400))(exchange)
        return exchange.pass_on()

    site.world.platform.faults.add(refuse_long_names, method="POST", count=None)
    site.join("ann", "bob")
    site.join("cid", lastname=long)

    for _ in range(2):
        result = site("reconcile", "--json")
        assert result.status == 3
        (failed,) = [o for o in result.run["outcomes"] if o["status"] == "failed"]
        change = result.run["plan"]["changes"][failed["n"] - 1]
        assert change["name"] == "cid@example.com"
        assert "familyName exceeds 255 characters" in failed["error"]
    assert site.active == {"ann", "bob"}
    text = site("reconcile", "--quiet").out
    assert "cid@example.com" in text
    assert "familyName exceeds 255 characters" in text


def test_two_people_with_one_user_name(site: Site) -> None:
    """A mapping that gives two people one userName makes neither of them the other."""
    site.configure(users={"attributes": {"userName": "department"}})
    site.join("ann", "bob", department="sales@example.com")
    site.join("cid", department="cid@example.com")

    result = site("reconcile", "--json")

    assert result.status == 3
    assert [kind for kind, _ in findings(result.run)] == ["conflict", "conflict"]
    assert site.names == ["cid"]


def test_member_without_a_record(team: Site) -> None:
    """A group that lists somebody who does not exist is an incomplete read: nobody is removed."""
    state = team.world.jumpcloud.state
    ann = state.user("ann").id
    state.delete("ann", dangling=True)
    state.suspend("bob")
    team.join("fay")

    result = team("reconcile", "--json")

    assert result.status == 6
    assert {"ann", "bob", "fay"} <= team.active
    assert "no user record" in result.text
    (finding,) = [f for f in result.run["findings"] if f["kind"] == "dangling_member"]
    assert finding["subject"] == ann
    assert 'a member of the group "Keepnet Users" without' in finding["message"]


def test_failed_patch_leaves_nobody_his_access(team: Site) -> None:
    """Who has to go goes, although his attributes cannot be changed."""

    def refuse_department(exchange: Exchange):  # noqa: ANN202
        if b"department" in exchange.request.body:
            return misfortunes.fail(400, "no such department")(exchange)
        return exchange.pass_on()

    team.world.platform.faults.add(refuse_department, method="PATCH", count=None)
    team.world.jumpcloud.state.change("ann", department="Sales", state="SUSPENDED")

    assert team("reconcile").status == 3
    assert "ann" not in team.active


def test_protected_account(team: Site) -> None:
    """``policy.protect`` keeps an account from every change, and the report says so."""
    team.configure(policy={"protect": ["ann@example.com"]})
    team.world.jumpcloud.state.suspend("ann")

    result = team("reconcile", "--json")

    assert findings(result.run) == [("protected", "ann@example.com")]
    assert "ann" in team.active
    assert team.writes == []


def test_excluded_person(site: Site) -> None:
    """``scope.exclude`` keeps somebody from being provisioned at all."""
    site.configure(scope={"groups": ["Keepnet Users"], "exclude": ["Ann@Example.com"]})
    site.join("ann", "bob")

    assert site("reconcile").status == 0
    assert site.names == ["bob"]


def test_where_clause(site: Site) -> None:
    """``scope.where`` takes part of a group."""
    site.configure(
        scope={
            "groups": ["Keepnet Users"],
            "where": [{"attribute": "department", "in": ["IT", "HR"]}],
        }
    )
    site.join("ann", department="IT")
    site.join("bob", department="Sales")
    site.join("cid")

    assert site("reconcile").status == 0
    assert site.names == ["ann"]
