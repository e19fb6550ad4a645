"""Writes that a platform refuses, ignores or misunderstands, and lists by cursor."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from jcsync.errors import ConflictError, NotFoundError, RejectedError
from jcsync.model.facts import Facts
from jcsync.model.plan import AttributeChange
from jcsync.sandbox import misfortunes
from jcsync.sandbox.deviant import DeviantPlatform
from jcsync.sandbox.deviations import Deviations
from jcsync.sandbox.platform import Platform
from jcsync.sandbox.reference_code import ReferenceCode
from jcsync.sandbox.world import PlatformSide
from jcsync.sandbox.wsgi import Reply, json_reply
from jcsync.scim.client import ScimProvider
from tests.contract.scim.conftest import TOKEN, Connect, Forge, build
from tests.contract.transport.server import Asked, in_turn, reply

WORK = 'emails[type eq "work"].value'
LEAVER = AttributeChange(path="active", before=True, after=False)
RETURNER = AttributeChange(path="active", before=False, after=True)
Serve = Callable[..., tuple[ScimProvider, PlatformSide]]


@pytest.fixture
def serve(stack: ExitStack) -> Iterator[Serve]:
    """Return a function that serves a platform and builds a client to it."""

    def serve(
        platform: Platform | Deviations, profile: str = "rfc", **quirks: Any
    ) -> tuple[ScimProvider, PlatformSide]:
        if isinstance(platform, Deviations):
            platform = DeviantPlatform(TOKEN, platform)
        side = PlatformSide(platform, 0)
        side.server.start()
        stack.callback(side.server.stop)
        stack.callback(side.faults.release)
        return build(stack, side.url, quirks, profile), side

    return serve


def change(path: str, before: Any, after: Any) -> AttributeChange:
    return AttributeChange(path=path, before=before, after=after)


def methods(side: PlatformSide) -> list[str]:
    return [asked.method for asked in side.faults.traffic.log]


def a_user(side: PlatformSide, name: str = "ann") -> str:
    return side.state.add_by_hand(
        userName=name,
        displayName="Ann",
        name={"givenName": "Ann", "familyName": "Lee"},
        emails=[{"type": "work", "value": "a@example.com", "primary": True}],
        title="Kept",
        active=True,
    )


# --- attributes


def test_answer_that_shows_the_resource_is_enough(side: PlatformSide, connect: Connect) -> None:
    """A strict server gets one request for one change."""
    created = a_user(side)
    written = connect().patch_user(created, [change("displayName", "Ann", "Bea")])
    assert (written.seen, written.unkept) == (True, ())
    assert methods(side) == ["PATCH"]


@pytest.mark.parametrize(("verify", "reads"), [("never", 0), ("sampled", 1), ("always", 3)])
def test_silent_answer_is_read_back_as_the_profile_says(
    serve: Serve, verify: str, reads: int
) -> None:
    """The first of each attribute, each one, or none."""
    provider, side = serve(Deviations(quiet=True), verify=verify)
    created = a_user(side)
    for before, after in (("Ann", "Bea"), ("Bea", "Cem"), ("Cem", "Dan")):
        provider.patch_user(created, [change("displayName", before, after)])
    assert methods(side).count("GET") == reads
    assert side.account("ann")["displayName"] == "Dan"


RENAME = [change("name.givenName", "Ann", "Bea"), change(WORK, "a@example.com", "b@example.com")]


@pytest.mark.parametrize(
    ("deviations", "last"),
    [
        (Deviations(no_patch=True), "PUT"),
        (Deviations(no_filtered_paths=True), "PATCH"),
        (Deviations(no_paths=True), "PUT"),
        (Deviations(ignored=frozenset({"name", "emails"})), "PUT"),
        (Deviations(ignored=frozenset({"name", "emails"}), quiet=True), "PUT"),
    ],
    ids=["no PATCH", "no filters", "no paths", "ignored", "ignored in silence"],
)
def test_what_is_refused_or_ignored_is_sent_in_another_way(
    serve: Serve, deviations: Deviations, last: str
) -> None:
    """And what worked is taken at once for the next account."""
    provider, side = serve(deviations)
    first, second = a_user(side), a_user(side, "bea")
    written = provider.patch_user(first, RENAME)
    assert written.unkept == ()
    account = side.account("ann")
    assert (account["name"], account["title"], account["active"]) == (
        {"givenName": "Bea", "familyName": "Lee"},
        "Kept",
        True,
    )
    assert account["emails"] == [{"type": "work", "value": "b@example.com", "primary": True}]
    side.faults.traffic.clear()
    provider.patch_user(second, RENAME)
    writes = [a.method for a in side.faults.traffic.writes]
    assert writes in ([last], ["PATCH", last])
    assert side.account("bea")["name"]["givenName"] == "Bea"


@pytest.mark.parametrize("style", ["element-fallback", "pathless", "put", "path"])
def test_every_style_changes_adds_and_removes(serve: Serve, style: str) -> None:
    """On a server that takes them all, and nothing else is touched."""
    provider, side = serve(Deviations(), patch_style=style, missing_element="put")
    created = a_user(side)
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    changes = [
        change("displayName", "Ann", None),
        change("name.givenName", "Ann", "Bea"),
        change('phoneNumbers[type eq "mobile"].value', None, "+90"),
        change(f"{enterprise}:department", None, "IT"),
    ]
    assert provider.patch_user(created, changes).unkept == ()
    account = side.account("ann")
    assert "displayName" not in account
    assert account["name"] == {"givenName": "Bea", "familyName": "Lee"}
    assert account["phoneNumbers"] == [{"type": "mobile", "value": "+90"}]
    assert account[enterprise] == {"department": "IT"}
    assert account["emails"][0]["value"] == "a@example.com"
    bodies = [json.loads(a.body) for a in side.faults.traffic.writes]
    operations = [op for body in bodies for op in body.get("Operations", ())]
    if style == "pathless":
        assert {op["op"] for op in operations if "path" in op} <= {"remove"}
    if style != "path":
        assert not any("[" in op.get("path", "") for op in operations)


def test_what_no_way_changes_is_reported_and_not_tried_for_ever(serve: Serve) -> None:
    """PATCH, whole attribute, PUT; from the third account on only once."""
    provider, side = serve(Deviations(dropped=frozenset({"displayName"})))
    counts = []
    for name in ("ann", "bea", "cem"):
        created = a_user(side, name)
        side.state.edit(created, displayName=None)
        side.faults.traffic.clear()
        written = provider.patch_user(created, [change("displayName", None, "X")])
        assert written.unkept == (change("displayName", None, "X"),)
        counts.append([a.method for a in side.faults.traffic.writes])
    assert counts == [["PATCH", "PUT"], ["PATCH", "PUT"], ["PATCH"]]


def test_new_account_is_compared_too(serve: Serve) -> None:
    """What was dropped is sent again, and then reported."""
    provider, _ = serve(Deviations(dropped=frozenset({"displayName"})))
    written = provider.create_user("x", {"userName": "ann", "displayName": "Ann"})
    assert written.unkept == (change("displayName", None, "Ann"),)


def test_normalised_value_is_reported_at_once(side: PlatformSide, connect: Connect) -> None:
    """No other way of sending it would help."""
    created = a_user(side)

    def trim(document: Any) -> Any:
        return {**document, "displayName": str(document["displayName"]).strip()}

    side.faults.add(misfortunes.rewrite(trim), method="PATCH", count=None)
    written = connect().patch_user(created, [change("displayName", "Ann", " Bea ")])
    assert written.unkept == (change("displayName", "Bea", " Bea "),)
    assert methods(side) == ["PATCH"]


def test_refused_value_is_not_sent_in_other_ways(side: PlatformSide, connect: Connect) -> None:
    """It is wrong in every one."""
    created = a_user(side)
    error = {"status": "400", "scimType": "invalidValue", "detail": "no"}
    side.faults.add(misfortunes.answer(json_reply(error, 400)), method="PATCH", count=None)
    with pytest.raises(RejectedError, match="invalidValue"):
        connect().patch_user(created, RENAME)
    assert methods(side) == ["PATCH"]


def test_first_refusal_is_told_when_no_way_works(serve: Serve) -> None:
    """Neither PATCH nor PUT."""
    provider, side = serve(Deviations(no_patch=True, no_put=frozenset({"Users"})))
    created = a_user(side)
    with pytest.raises(RejectedError, match="PATCH is not possible"):
        provider.patch_user(created, RENAME)


def test_500_to_a_typed_path_is_no_dead_end(serve: Serve) -> None:
    """Microsoft's reference code fails on a list that lacks the type."""
    provider, side = serve(ReferenceCode(TOKEN), missing_element="typed")
    created = side.state.add_by_hand(
        userName="ann", active=True, phoneNumbers=[{"type": "work", "value": "1"}]
    )
    mobile = 'phoneNumbers[type eq "mobile"].value'
    assert provider.patch_user(created, [change(mobile, None, "2")]).unkept == ()
    assert {"type": "mobile", "value": "2"} in side.account("ann")["phoneNumbers"]


def test_leaver_is_out_even_where_patch_ignores_active(serve: Serve) -> None:
    """The whole resource goes, and is looked at."""
    provider, side = serve(Deviations(ignored=frozenset({"active"}), quiet=True))
    for name in ("ann", "bea", "cem", "dan"):
        provider.patch_user(a_user(side, name), [LEAVER])
    assert not any(account["active"] for account in side.accounts())


def test_leaver_is_out_even_where_the_answer_pretends_so(serve: Serve) -> None:
    """A deactivation counts by what a read shows, and goes another way until it has."""
    provider, side = serve(Deviations(echoed=frozenset({"active"})))
    written = provider.patch_user(a_user(side), [LEAVER])
    assert (written.seen, written.unkept) == (True, ())
    assert side.account("ann")["active"] is False
    assert methods(side) == ["PATCH", "GET", "PUT", "GET"]


def test_deactivation_that_no_way_brings_about_is_told(serve: Serve) -> None:
    """Whatever the answers pretend."""
    active = frozenset({"active"})
    provider, side = serve(Deviations(echoed=active, dropped=active))
    written = provider.patch_user(a_user(side), [LEAVER])
    assert written.unkept == (LEAVER,)
    assert side.account("ann")["active"] is True


def test_deactivation_costs_one_read_and_nothing_else_does(serve: Serve) -> None:
    """The answer shows all else."""
    provider, side = serve(Deviations())
    created = a_user(side)
    provider.patch_user(created, [change("displayName", "Ann", "B")])
    provider.patch_user(created, [LEAVER])
    provider.patch_user(created, [RETURNER])
    assert methods(side) == ["PATCH", "PATCH", "GET", "PATCH"]


def test_account_that_is_made_anew_is_named_as_such(serve: Serve) -> None:
    """The next run finds its owner's new account."""
    provider, _ = serve(Deviations())
    with pytest.raises(NotFoundError, match="made anew since it was listed"):
        provider.patch_user("gone", [LEAVER])
    putting, _ = serve(Deviations(), patch_style="put")
    with pytest.raises(NotFoundError):
        putting.patch_user("gone", [LEAVER])


def test_accepted_for_later_is_believed(side: PlatformSide, connect: Connect) -> None:
    """202: there is nothing to look at yet."""
    created = a_user(side)
    side.faults.add(misfortunes.answer(Reply(202)), method="PATCH")
    written = connect(verify="always").patch_user(created, [change("displayName", "Ann", "B")])
    assert (written.seen, written.unkept) == (False, ())
    assert methods(side) == ["PATCH"]


# --- switches


def test_deactivation_that_deletes_needs_a_person(side: PlatformSide, connect: Connect) -> None:
    """Nothing is sent before he has said so."""
    created = a_user(side)
    leaver = [LEAVER]
    with pytest.raises(RejectedError, match="deletes-confirmed"):
        connect(deactivate="deletes").patch_user(created, leaver)
    assert methods(side) == []
    connect(deactivate="deletes-confirmed").patch_user(created, leaver)
    assert side.account("ann")["active"] is False


def test_accounts_that_may_not_be_deleted_are_not(side: PlatformSide, connect: Connect) -> None:
    """The profile says so."""
    with pytest.raises(RejectedError, match="delete_users"):
        connect(delete_users=False).delete_user(a_user(side))
    assert methods(side) == []


def test_hidden_external_ids_are_neither_compared_nor_looked_up(
    side: PlatformSide, connect: Connect
) -> None:
    """They are sent all the same."""
    created = a_user(side)
    provider = connect(external_id="hidden")
    assert provider.patch_user(created, [change("externalId", None, "x1")]).unkept == ()
    assert provider.find_users(external_id="x1") == ()


def test_attributes_that_cannot_be_filtered_by_are_looked_up_in_the_list(
    side: PlatformSide, connect: Connect
) -> None:
    """No filter is sent."""
    created = a_user(side)
    (found,) = connect(filters=[]).find_users(user_name="ANN")
    assert found.resource_id == created
    assert not any("filter" in a.query for a in side.faults.traffic.log)


def test_requests_keep_to_the_pace_of_their_method(side: PlatformSide, connect: Connect) -> None:
    """Six hundred a minute are one in a tenth of a second."""
    created = a_user(side)
    provider = connect(requests_per_minute={"PATCH": 600})
    began = monotonic()
    for before, after in (("Ann", "B"), ("B", "C"), ("C", "D"), ("D", "E")):
        provider.patch_user(created, [change("displayName", before, after)])
    assert monotonic() - began > 0.29


@pytest.mark.parametrize(
    "answer",
    [
        json_reply({"detail": "slow"}, 429, ("Retry-After", "0")),
        json_reply({"detail": "slow"}, 403, ("x-ratelimit-remaining", "0")),
        json_reply({"__type": "ThrottlingException", "message": "Rate exceeded"}, 400),
    ],
    ids=["429", "GitHub", "AWS"],
)
def test_every_spelling_of_slow_down_is_obeyed(
    side: PlatformSide, connect: Connect, answer: Reply
) -> None:
    """The write is sent again, once."""
    created = a_user(side)
    side.faults.add(misfortunes.answer(answer), method="PATCH")
    connect().patch_user(created, [change("displayName", "Ann", "Bea")])
    assert methods(side) == ["PATCH", "PATCH"]


def test_media_type_that_is_refused_is_changed_for_good(serve: Serve) -> None:
    """415 once, and plain JSON from then on."""
    provider, side = serve(Deviations(json_only=True))
    provider.create_user("x1", {"userName": "ann"})
    provider.create_user("x2", {"userName": "bea"})
    kinds = [a.headers["content-type"] for a in side.faults.traffic.writes]
    assert kinds == ["application/scim+json", "application/json", "application/json"]


def test_versions_are_sent_where_they_mean_something(serve: Serve) -> None:
    """And a change by somebody else is read, and sent once more."""
    provider, side = serve(Deviations(versions=True))
    created = a_user(side)
    provider.fetch_state(groups=True)
    provider.patch_user(created, [change("displayName", "Ann", "Bea")])
    side.state.edit(created, title="Other")
    provider.patch_user(created, [change("displayName", "Bea", "Cem")])
    assert [a.headers["if-match"] is not None for a in side.faults.traffic.writes] == [True] * 3
    assert (side.account("ann")["displayName"], side.account("ann")["title"]) == ("Cem", "Other")


def test_versions_that_mean_nothing_are_not_sent(forge: Forge) -> None:
    """Some frameworks send them without a word in ServiceProviderConfig."""
    user = {"id": "1", "userName": "ann", "active": False, "meta": {"version": "1"}}

    def respond(asked: Asked, _: object) -> bytes:
        return reply({}, 404) if "Config" in asked.target else reply(user)

    provider, server = forge(respond)
    provider.fetch_user("1")
    provider.patch_user("1", [LEAVER])
    assert not any("if-match" in a.headers for a in server.asked)


# --- members


def a_group(side: PlatformSide, number: int = 5) -> tuple[str, list[str]]:
    ids = [side.state.add_by_hand(userName=f"p{n}") for n in range(number)]
    return side.state.add_by_hand(displayName="G", members=[{"value": i} for i in ids]), ids


def members_of(side: PlatformSide) -> set[str]:
    return {m["value"] for m in side.groups()[0].get("members", [])}


def test_removal_that_takes_everybody_is_undone_and_stops_groups(serve: Serve) -> None:
    """One member was the canary; the others are back, and no group is written any more."""
    provider, side = serve(Deviations(removals="all"))
    group, ids = a_group(side)
    with pytest.raises(RejectedError, match=r"took 4 others.*put back.*member_style"):
        provider.patch_members(group, add=[], remove=ids[:2])
    assert members_of(side) == set(ids[1:])
    side.faults.traffic.clear()
    for write in (
        lambda: provider.patch_members(group, add=[], remove=ids[1:2]),
        lambda: provider.create_group("x", "New", []),
        lambda: provider.patch_group(group, [change("displayName", "G", "H")]),
        lambda: provider.delete_group(group),
    ):
        with pytest.raises(RejectedError, match="no group is written"):
            write()
    assert methods(side) == []
    provider.create_user("x", {"userName": "goes on"})


def test_members_that_cannot_be_put_back_are_told(serve: Serve) -> None:
    """A person has to know."""
    provider, side = serve(Deviations(removals="all"))
    group, ids = a_group(side)
    side.faults.add(misfortunes.delay(0), method="PATCH")
    side.faults.add(misfortunes.fail(400), method="PATCH", count=None)
    with pytest.raises(RejectedError, match="4 of them could not be put back"):
        provider.patch_members(group, add=[], remove=ids[:1])


def test_removal_that_does_nothing_is_tried_in_other_styles(serve: Serve) -> None:
    """Down to replacing the group."""
    provider, side = serve(Deviations(removals="nothing"))
    group, ids = a_group(side)
    provider.patch_members(group, add=[], remove=ids[:2])
    assert members_of(side) == set(ids[2:])
    side.faults.traffic.clear()
    provider.patch_members(group, add=ids[:1], remove=ids[2:3])
    assert members_of(side) == {ids[0], *ids[3:]}
    assert [a.method for a in side.faults.traffic.writes] == ["PUT"]


def test_removal_is_proven_once(side: PlatformSide, connect: Connect) -> None:
    """Two reads for the first removal of a run, none for those that follow."""
    provider = connect()
    group, ids = a_group(side)
    provider.patch_members(group, add=[], remove=ids[:2])
    assert methods(side) == ["GET", "PATCH", "GET", "PATCH"]
    side.faults.traffic.clear()
    provider.patch_members(group, add=[], remove=ids[2:3])
    assert methods(side) == ["PATCH"]
    assert members_of(side) == set(ids[3:])


def test_only_member_proves_nothing(side: PlatformSide, connect: Connect) -> None:
    """To remove him and to remove all is the same; who left already needs no removal."""
    provider = connect()
    group, ids = a_group(side, 1)
    provider.patch_members(group, add=[], remove=ids)
    assert members_of(side) == set()
    side.faults.traffic.clear()
    provider.patch_members(group, add=[], remove=ids)
    assert methods(side)[0] == "GET"
    assert side.faults.traffic.writes == []


def test_styles_that_are_refused_are_left(serve: Serve) -> None:
    """A strict server takes no list of values; there PATCH of groups may be missing altogether."""
    for deviations in (Deviations(), Deviations(no_patch=True)):
        provider, side = serve(deviations, member_style="value")
        group, ids = a_group(side)
        provider.patch_members(group, add=[], remove=ids[:2])
        provider.patch_members(group, add=ids[:1], remove=[])
        assert members_of(side) == {ids[0], *ids[2:]}


def test_member_that_is_not_added_is_noticed(side: PlatformSide, connect: Connect) -> None:
    """First by replacing the group, then by saying so."""
    provider = connect(verify="always")
    group, ids = a_group(side)
    new = side.state.add_by_hand(userName="new")
    side.faults.add(misfortunes.answer(Reply(204)), method="PATCH")
    provider.patch_members(group, add=[new], remove=[])
    assert members_of(side) == {*ids, new}
    other = side.state.add_by_hand(userName="other")
    side.faults.add(misfortunes.answer(Reply(204)), method="PUT", count=None)
    with pytest.raises(RejectedError, match="1 of 1 are not in it"):
        provider.patch_members(group, add=[other], remove=[])


def test_name_of_a_group_that_stays_is_a_failure(serve: Serve) -> None:
    """Some platforms rename no groups, and keep no externalId of theirs."""
    provider, side = serve(Deviations(dropped=frozenset({"externalId"}), quiet=True))
    group, _ = a_group(side)
    provider.patch_group(group, [change("externalId", None, "x")])
    side.faults.add(misfortunes.answer(Reply(204)), method="PATCH", count=None)
    side.faults.add(misfortunes.answer(Reply(204)), method="PUT", count=None)
    with pytest.raises(RejectedError, match="keeps the name 'G'"):
        provider.patch_group(group, [change("displayName", "G", "H")])


def test_memberships_that_groups_do_not_show_are_read_by_account(serve: Serve) -> None:
    """And a filter that is ignored proves nothing."""
    provider, side = serve(Deviations(hide_members=True), members_read="members.value")
    _, ids = a_group(side)
    state = provider.fetch_state(groups=True)
    assert state.complete
    assert state.groups[0].members == set(ids)


def test_group_whose_members_are_hidden_is_never_replaced(serve: Serve) -> None:
    """Its other members would be lost by it."""
    provider, side = serve(
        Deviations(hide_members=True, no_patch=True), members_read="members.value"
    )
    group, ids = a_group(side)

    with pytest.raises(RejectedError, match="405"):
        provider.patch_members(group, add=[], remove=ids[:1])
    with pytest.raises(RejectedError, match="405"):
        provider.patch_group(group, [change("displayName", "G", "H")])
    provider, side = serve(
        Deviations(hide_members=True),
        members_read="members.value",
        member_style="put",
        patch_style="put",
    )
    group, ids = a_group(side)
    with pytest.raises(RejectedError, match="would lose its members"):
        provider.patch_members(group, add=ids[:1], remove=[])
    with pytest.raises(RejectedError, match="would lose its members"):
        provider.patch_group(group, [change("displayName", "G", "H")])

    assert {r.method for r in side.faults.traffic.writes} == set()


def test_hidden_members_that_nobody_knows_of_are_not_lost(serve: Serve) -> None:
    """A group that shows nobody after somebody was added is not replaced by one with him alone."""
    provider, side = serve(Deviations(hide_members=True))
    group, _ = a_group(side)
    new = side.state.add_by_hand(userName="new")

    with pytest.raises(RejectedError, match="members_read"):
        provider.patch_members(group, add=[new], remove=[])

    assert [r.method for r in side.faults.traffic.writes] == ["PATCH"]


@pytest.mark.parametrize("style", ["path", "put"])
def test_group_that_shows_nobody_may_have_members(serve: Serve, style: str) -> None:
    """It is not replaced by PUT, neither for its members nor for its name."""
    provider, side = serve(Deviations(hide_members=True, no_patch=True), patch_style=style)
    group, ids = a_group(side)
    new = side.state.add_by_hand(userName="new")
    provider.fetch_state(groups=True)

    with pytest.raises(RejectedError, match="would lose its members"):
        provider.patch_members(group, add=[new], remove=[])
    with pytest.raises(RejectedError, match="would lose its members"):
        provider.patch_group(group, [change("displayName", "G", "H")])

    assert members_of(side) == set(ids)
    assert "PUT" not in methods(side)


@pytest.mark.parametrize("evidence", ["listed", "read", "told"])
def test_group_that_shows_nobody_is_empty_where_members_are_shown(
    serve: Serve, evidence: str
) -> None:
    """Another group shows its members, or a person says that groups do."""
    quirks = {"members_read": "groups"} if evidence == "told" else {}
    provider, side = serve(Deviations(no_patch=True), **quirks)
    empty = side.state.add_by_hand(displayName="Empty")
    new = side.state.add_by_hand(userName="new")
    if evidence != "told":
        with pytest.raises(RejectedError, match="members_read"):
            provider.patch_members(empty, add=[new], remove=[])
        group, _ = a_group(side)
        _ = (
            provider.fetch_state(groups=True)
            if evidence == "listed"
            else provider.fetch_group(group)
        )

    provider.patch_members(empty, add=[new], remove=[])
    provider.patch_group(empty, [change("displayName", "Empty", "Full")])

    (changed,) = (g for g in side.state.groups() if g["id"] == empty)
    assert (changed["displayName"], [m["value"] for m in changed["members"]]) == ("Full", [new])


def test_filter_of_members_that_is_ignored_proves_nothing(forge: Forge) -> None:
    """Else everybody would be in every group."""

    def respond(asked: Asked, _: object) -> bytes:
        first = "startIndex=1&" in asked.target
        row = {"id": "1", "userName": "ann", "displayName": "G"}
        return reply({"totalResults": 1, "Resources": [row] if first else []})

    provider, _ = forge(respond, members_read="members")
    state = provider.fetch_state(groups=True)
    assert "takes no notice of the filter members eq" in state.gaps[0]
    assert state.groups[0].members == frozenset()


# --- lists


@pytest.mark.parametrize("cursors", ["yes", "only"])
@pytest.mark.parametrize("paging", ["auto", "cursor"])
def test_lists_are_read_by_cursor(serve: Serve, cursors: str, paging: str) -> None:
    """Without a total, to the last page."""
    provider, side = serve(Deviations(cursors=cursors), paging=paging, page_size=10)
    for number in range(25):
        side.state.add_by_hand(userName=f"p{number}")
    state = provider.fetch_state(groups=True)
    assert (len(state.users), state.gaps) == (25, ())


def test_server_without_cursors_is_read_by_index(serve: Serve) -> None:
    """Though its profile says otherwise."""
    provider, side = serve(Deviations(), paging="cursor", page_size=10)
    for number in range(25):
        side.state.add_by_hand(userName=f"p{number}")
    state = provider.fetch_state(groups=False)
    assert (len(state.users), state.gaps) == (25, ())


def test_cursors_that_go_in_circles_end(forge: Forge) -> None:
    """And the list is not trusted."""
    page = {"Resources": [{"id": "1", "userName": "a"}], "nextCursor": "x"}
    provider, server = forge(in_turn(reply(page)), paging="cursor")
    state = provider.fetch_state(groups=False)
    assert "does not end" in state.gaps[0]
    assert len(server.asked) < 10


def test_cursor_that_expires_is_a_gap(forge: Forge) -> None:
    """After a second reading from the start."""

    def respond(asked: Asked, _: object) -> bytes:
        if "cursor=x" in asked.target:
            return reply({"scimType": "expiredCursor"}, 400)
        return reply({"Resources": [{"id": "1", "userName": "a"}], "nextCursor": "x"})

    provider, _ = forge(respond, paging="cursor")
    state = provider.fetch_state(groups=False)
    assert "expiredCursor" in state.gaps[0]
    assert len(state.users) == 1


def test_page_by_index_that_offers_a_cursor_is_followed(forge: Forge) -> None:
    """Some servers page by cursor whatever they are asked."""

    def respond(asked: Asked, _: object) -> bytes:
        if "cursor=two" in asked.target:
            return reply({"Resources": [{"id": "2", "userName": "b"}]})
        return reply({"Resources": [{"id": "1", "userName": "a"}], "nextCursor": "two"})

    provider, _ = forge(respond)
    state = provider.fetch_state(groups=False)
    assert (len(state.users), state.gaps) == (2, ())


@pytest.mark.parametrize("number", [7, 20, 2500])
def test_servers_that_skip_no_rows_are_read_with_a_large_count(serve: Serve, number: int) -> None:
    """Microsoft's reference code gives the first rows, whatever startIndex says."""
    provider, side = serve(ReferenceCode(TOKEN), "msref")
    for n in range(number):
        side.state.add_by_hand(userName=f"p{n}")
    state = provider.fetch_state(groups=False)
    assert (len(state.users), state.complete) == (number, True)


def test_first_page_that_may_be_capped_is_not_trusted(serve: Serve) -> None:
    """A round number may be the cap of a server that lies in its total."""
    provider, side = serve(ReferenceCode(TOKEN))
    for n in range(20):
        side.state.add_by_hand(userName=f"p{n}")
    assert not provider.fetch_state(groups=False).complete


# --- conflicts


def test_holder_of_a_name_is_found_where_filters_mind_the_case(
    side: PlatformSide, connect: Connect
) -> None:
    """The list is looked through before nobody is named."""
    other = side.state.add_by_hand(userName="ANN@example.com", externalId="other")
    side.faults.add(misfortunes.empty_list(), path="filter=", count=None)
    with pytest.raises(ConflictError, match=f"has {other}, externalId other"):
        connect().create_user("5f", {"userName": "ann@example.com"})


# --- what can be learnt by reading


def traits(provider: ScimProvider) -> dict[str, tuple[str, bool]]:
    return {t.name: (t.found, t.agrees) for t in provider.fetch_capabilities().traits}


def test_strict_platform_agrees_with_its_profile(side: PlatformSide, connect: Connect) -> None:
    """Every line of the table, and nothing was written."""
    a_group(side)
    side.state.edit(side.accounts()[0]["id"], externalId="x")
    side.faults.traffic.clear()
    provider = connect(page_size=100)
    found = provider.fetch_capabilities()
    assert [t.name for t in found.traits if not t.agrees] == []
    assert traits(provider)["externalId"] == ("shown by 1 of 5 accounts", True)
    assert traits(provider)["filter userName"] == ("ignores case", True)
    assert traits(provider)["paging"] == ("by startIndex and count", True)
    assert traits(provider)["ResourceTypes"] == ("Group, User", True)
    assert found.attributes is not None
    assert {"username", "emails"} <= found.attributes
    assert any(name.endswith(":department") for name in found.attributes)
    assert side.faults.traffic.writes == []


def test_platform_that_deviates_is_told_from_its_profile(serve: Serve) -> None:
    """By each switch that can be seen from outside."""
    provider, side = serve(ReferenceCode(TOKEN), "rfc", page_size=3, members_read="members")
    a_group(side)
    found = traits(provider)
    assert found["paging"] == ("startIndex or count means nothing", False)
    assert found["Schemas"] == ("not described", True)
    assert found["filter userName"][1] is False
    assert found["members"] == ("shown by 1 of 1 groups", False)
    cursors, other = serve(Deviations(cursors="yes", versions=True), paging="cursor")
    a_group(other)
    assert traits(cursors)["cursors"] == ("offered", True)
    assert traits(cursors)["versions (ETag)"][0].startswith("If-Match")
    capped, full = serve(DeviantPlatform(TOKEN, Deviations(), page_cap=3))
    a_group(full)
    assert traits(capped)["page size"] == ("3 of 5, 3 at the most", False)
    none, _ = serve(Deviations(), paging="cursor")
    assert traits(none)["cursors"] == ("not offered", False)


def test_facts_are_learnt_of_a_platform_that_lists_by_cursor_only(serve: Serve) -> None:
    """And it can be checked at all."""
    provider, side = serve(Deviations(cursors="only"))
    a_group(side)
    found = provider.fetch_capabilities()
    assert (found.facts.needs_cursor, found.facts.cursors) == (True, True)
    assert found.used == ("page_size 200", "paging cursor")
    assert side.faults.traffic.writes == []


def test_facts_of_a_strict_platform(side: PlatformSide, connect: Connect) -> None:
    """All that can be learnt of it, and no switch that the profile has wrong."""
    a_group(side)
    side.state.edit(side.accounts()[0]["id"], externalId="x")
    provider = connect(page_size=100)
    facts = provider.fetch_capabilities().facts
    assert len(facts.attributes) > 20
    assert replace(facts, attributes=()) == Facts(
        described=True,
        patch=True,
        versions=False,
        most_results=200,
        skips=True,
        filters={"userName": True, "externalId": True},
        ignores_case=True,
        external_id=True,
        members="list",
    )
    assert provider.fetch_capabilities().used == ()


def test_refused_count_is_learnt(side: PlatformSide, connect: Connect) -> None:
    """Of a platform that fails on a larger page than it gives."""
    a_group(side)
    side.faults.add(misfortunes.fail(400), path="count=1000", count=None)
    found = connect().fetch_capabilities()
    assert (found.facts.page_size, found.used) == (100, ("page_size 100",))


@pytest.mark.parametrize(("status", "described"), [(404, False), (403, False), (500, None)])
def test_platform_that_cannot_describe_itself_now_may_later(
    side: PlatformSide, connect: Connect, status: int, described: bool | None
) -> None:
    """A no is a fact, a failure is none."""
    side.faults.add(misfortunes.fail(status), path="/ServiceProviderConfig", count=None)
    assert connect().fetch_capabilities().facts.described is described


@pytest.mark.parametrize(
    ("status", "words"), [(404, "none (404)"), (403, "not readable"), (501, "none (501)")]
)
def test_groups_that_cannot_be_read_are_told(
    side: PlatformSide, connect: Connect, status: int, words: str
) -> None:
    """Accounts are enough to go on with."""
    a_user(side)
    side.faults.add(misfortunes.fail(status), path="/Groups", count=None)
    side.faults.add(misfortunes.fail(400), path="startIndex=2", count=None)
    assert traits(connect())["groups"][0].startswith(words)


def test_second_page_that_is_refused_is_told(side: PlatformSide, connect: Connect) -> None:
    """Such a server lists its first page only."""
    a_group(side)
    side.faults.add(misfortunes.fail(400), path="startIndex=2", count=None)
    assert traits(connect())["paging"][1] is False


# --- members, at the edges


def test_group_that_is_gone_is_told(connect: Connect) -> None:
    """404, whatever the style."""
    for quirks in ({}, {"member_style": "put"}):
        with pytest.raises(NotFoundError):
            connect(**quirks).patch_members("gone", add=[], remove=["1"])


def test_canary_that_is_refused_for_another_reason_stops_that_group(
    side: PlatformSide, connect: Connect
) -> None:
    """It is not the style."""
    group, ids = a_group(side)
    side.faults.add(misfortunes.fail(422), method="PATCH", count=None)
    with pytest.raises(RejectedError, match="422"):
        connect().patch_members(group, add=[], remove=ids[:1])
    with pytest.raises(RejectedError, match="422"):
        connect(members_verified=True).patch_members(group, add=[], remove=ids[:1])


def test_members_of_a_group_that_others_change_are_sent_again(serve: Serve) -> None:
    """With its new version."""
    provider, side = serve(Deviations(versions=True), members_verified=True)
    group, ids = a_group(side)
    provider.fetch_state(groups=True)
    side.state.edit(group, displayName="H")
    provider.patch_members(group, add=[], remove=ids[:1])
    assert members_of(side) == set(ids[1:])


def test_lost_answer_to_hidden_members_is_unknown(serve: Serve) -> None:
    """They cannot be looked at: the change, which may be made twice, is sent again."""
    provider, side = serve(Deviations(hide_members=True), "aws")
    group, ids = a_group(side)
    side.faults.add(misfortunes.lose_answer(), method="PATCH")
    provider.patch_members(group, add=[], remove=ids[:2])
    assert members_of(side) == set(ids[2:])
    assert methods(side) == ["PATCH", "PATCH"]
