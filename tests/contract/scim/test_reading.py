"""Reading a platform: lists, look-ups, capabilities."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jcsync.errors import (
    NotFoundError,
    RejectedError,
    RemoteError,
    TransientError,
    UnauthorizedError,
    UnreadableError,
)
from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Fault
from jcsync.sandbox.world import PlatformSide
from tests.contract.scim.conftest import Connect, Forge
from tests.contract.transport.server import Asked, in_turn, reply


def hire(side: PlatformSide, number: int) -> list[str]:
    """Create accounts and return their ids."""
    return [
        side.state.add_by_hand(userName=f"p{n}@example.com", externalId=f"x{n}", active=True)
        for n in range(number)
    ]


def listed(rows: list[Any], total: int | None = None) -> bytes:
    return reply({"totalResults": len(rows) if total is None else total, "Resources": rows})


def query_of(asked: Asked) -> dict[str, str]:
    return {key: value[0] for key, value in parse_qs(urlsplit(asked.target).query).items()}


# --- lists


def test_accounts_and_groups_are_read_in_full(side: PlatformSide, connect: Connect) -> None:
    """By real length of the pages, with both parameters, groups with their members."""
    ids = hire(side, 25)
    side.state.add_by_hand(displayName="Sales", members=[{"value": ids[0]}])
    provider = connect(page_size=10)
    state = provider.fetch_state(groups=True)
    assert state.complete
    assert {user.resource_id for user in state.users} == set(ids)
    assert [group.members for group in state.groups] == [{ids[0]}]
    pages = [parse_qs(a.query) for a in side.faults.traffic.log if a.path.endswith("/Users")]
    assert [(p["startIndex"], p["count"]) for p in pages] == [
        (["1"], ["10"]),
        (["11"], ["10"]),
        (["21"], ["10"]),
    ]
    for asked in side.faults.traffic.log:
        assert asked.headers["accept"] == "application/scim+json, application/json;q=0.9"
    assert provider.fetch_state(groups=False).groups == ()
    assert provider.requests == sum(provider.answers.values()) == 8
    assert (provider.retries, provider.repeats) == (0, 0)


@pytest.mark.parametrize(
    ("fault", "gap"),
    [
        (misfortunes.no_total(), "gives no totalResults"),
        (misfortunes.wrong_total(9), "counts 9 accounts but lists 3"),
        (misfortunes.drop_rows(), "counts 3 accounts but lists 2"),
        (misfortunes.repeat_rows(), "counts 3 accounts but lists 2"),
    ],
)
def test_list_that_cannot_be_trusted_has_a_gap(
    side: PlatformSide, connect: Connect, fault: Fault, gap: str
) -> None:
    """Nobody may lose access by it."""
    hire(side, 3)
    side.faults.add(fault, path="/Users", count=None)
    assert gap in connect().fetch_state(groups=False).gaps[0]


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (misfortunes.fail(401), UnauthorizedError, r"401.*Make a new token"),
        (misfortunes.fail(403), UnauthorizedError, r"does not permit.*Make a new token"),
        (misfortunes.fail(404), NotFoundError, r"check provider\.base_url.*/Users"),
        (misfortunes.page(404), UnreadableError, "not as an API does"),
        (misfortunes.throttle(60), TransientError, "asks to slow down"),
        (misfortunes.fail(500), TransientError, "failed"),
        (misfortunes.page(200), UnreadableError, "HTML instead of JSON"),
        (misfortunes.cut_json(), UnreadableError, "broken JSON"),
        (misfortunes.login(), UnreadableError, "redirects to /login"),
    ],
)
def test_list_that_cannot_be_read_is_an_error(
    side: PlatformSide, connect: Connect, fault: Fault, kind: type[RemoteError], words: str
) -> None:
    """Each with its own words."""
    hire(side, 3)
    side.faults.add(fault, path="/Users", count=None)
    with pytest.raises(kind, match=words):
        connect().fetch_state(groups=True)


@pytest.mark.parametrize("status", [404, 403, 501])
def test_platform_without_groups_has_a_gap(
    side: PlatformSide, connect: Connect, status: int
) -> None:
    """Its accounts are read all the same."""
    hire(side, 3)
    side.faults.add(misfortunes.fail(status), path="/Groups", count=None)
    state = connect().fetch_state(groups=True)
    assert len(state.users) == 3
    assert "groups.enabled" in state.gaps[0]


def test_groups_that_fail_in_passing_are_an_error(side: PlatformSide, connect: Connect) -> None:
    """An outage is not the absence of groups."""
    side.faults.add(misfortunes.fail(503), path="/Groups", count=None)
    with pytest.raises(TransientError):
        connect().fetch_state(groups=True)


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(("most", "asked"), [(100, ["1000", "100"]), (0, ["1000", "100", ""])])
def test_count_that_is_refused_is_lowered(
    forge: Forge, status: int, most: int, asked: list[str]
) -> None:
    """First a smaller one, then none; what was learned is kept."""

    def respond(request: Asked, _: object) -> bytes:
        query = query_of(request)
        if int(query.get("count", 0)) > most:
            return reply({"detail": "count"}, status)
        return listed([{"id": "1"}] if query["startIndex"] == "1" else [], 1)

    provider, server = forge(respond)
    for _ in range(2):
        assert provider.fetch_state(groups=False).complete
    counts = [query_of(a).get("count", "") for a in server.asked]
    assert list(dict.fromkeys(counts)) == asked
    assert set(counts[-2:]) == {asked[-1]}


def test_list_that_is_refused_without_count_too(forge: Forge) -> None:
    """It was not the count."""
    provider, server = forge(in_turn(reply({"detail": "no"}, 400)))
    with pytest.raises(RejectedError):
        provider.fetch_state(groups=False)
    assert ["cursor=" in a.target for a in server.asked] == [False, True, False, False]


# --- single resources


def test_one_account_is_read_by_its_encoded_id(forge: Forge) -> None:
    """An id may be a user name."""
    provider, server = forge(in_turn(reply({"id": "a+b/c@example.com", "members": [{"value": 1}]})))
    user = provider.fetch_user("a+b/c@example.com")
    group = provider.fetch_group("a+b/c@example.com")
    assert user is not None
    assert user.resource_id == "a+b/c@example.com"
    assert group is not None
    assert group.members == {"1"}
    assert [a.target for a in server.asked] == [
        "/scim/Users/a%2Bb%2Fc%40example.com",
        "/scim/Groups/a%2Bb%2Fc%40example.com",
    ]


def test_absent_resource_is_none_and_junk_is_not(forge: Forge) -> None:
    """Only a 404 of the API means that a resource is gone."""
    provider, _ = forge(in_turn(reply({"status": "404"}, 404)))
    assert provider.fetch_user("1") is None
    assert provider.fetch_group("1") is None
    for junk in (reply([]), reply("x")):
        provider, _ = forge(in_turn(junk))
        with pytest.raises(UnreadableError, match="no resource at /Users/1"):
            provider.fetch_user("1")


# --- look-ups


def test_account_is_found_by_filter(side: PlatformSide, connect: Connect) -> None:
    """By externalId first, by userName in any case then."""
    ids = hire(side, 3)
    provider = connect()
    provider.fetch_state(groups=False)
    side.faults.traffic.clear()
    (found,) = provider.find_users(external_id="x1", user_name="p2@example.com")
    assert found.resource_id == ids[1]
    (found,) = provider.find_users(external_id="none", user_name="P2@Example.com")
    assert found.resource_id == ids[2]
    assert provider.find_users(external_id="none", user_name="nobody@example.com") == ()
    assert provider.find_users() == ()
    assert all("filter" in asked.query for asked in side.faults.traffic.log)


@pytest.mark.parametrize("value", ['a"b', "a\\b", "Zoë 李", "a b&c=d+e%", "a'b", "line\nbreak"])
def test_values_are_escaped_in_filters(forge: Forge, value: str) -> None:
    """As JSON texts, and then for the URL."""
    provider, server = forge(in_turn(listed([{"id": "1", "userName": value}])))
    (found,) = provider.find_users(user_name=value)
    assert found.user_name == value
    query = query_of(server.asked[0])
    name, operator, text = query["filter"].split(" ", 2)
    assert (name, operator, json.loads(text)) == ("userName", "eq", value)
    assert query["startIndex"], query["count"]


def test_filter_that_is_ignored_finds_nobody_else(forge: Forge) -> None:
    """The first of all resources is never taken for the one that was asked for."""
    rows = [{"id": f"u{n}", "userName": f"p{n}", "externalId": f"x{n}"} for n in range(5)]

    def respond(asked: Asked, _: object) -> bytes:
        start = int(query_of(asked).get("startIndex", 1))
        return listed(rows[start - 1 :][:2], 5)

    provider, server = forge(respond)
    assert [u.resource_id for u in provider.find_users(external_id="x4")] == ["u4"]
    assert provider.find_users(external_id="x9", user_name="p9") == ()
    scans = [a for a in server.asked if "filter" not in query_of(a)]
    assert len(scans) == 3, "the list is read once for all look-ups"


@pytest.mark.parametrize("answer", [reply({}, 400), reply({}, 404), reply({}, 501)])
def test_filter_that_is_refused_is_replaced_by_the_list(forge: Forge, answer: bytes) -> None:
    """Look-ups work on every platform."""

    def respond(asked: Asked, _: object) -> bytes:
        if "filter" in query_of(asked):
            return answer
        rows = [{"id": "1", "userName": "Ann"}]
        return listed(rows if query_of(asked)["startIndex"] == "1" else [], 1)

    provider, _ = forge(respond)
    assert [u.resource_id for u in provider.find_users(user_name="ANN")] == ["1"]


def test_filter_that_finds_nothing_is_no_proof_until_it_has_found_something(forge: Forge) -> None:
    """A server that drops terms it does not know answers an empty list to every filter."""
    rows = [{"id": "1", "userName": "ann", "externalId": "x1"}]

    def respond(asked: Asked, _: object) -> bytes:
        query = query_of(asked)
        return listed(rows if "filter" not in query and query["startIndex"] == "1" else [], None)

    provider, _ = forge(respond)
    provider.fetch_state(groups=False)
    assert [u.resource_id for u in provider.find_users(external_id="x1")] == ["1"]


@pytest.mark.parametrize(("name", "found"), [("userName", True), ("externalId", False)])
def test_case_counts_for_external_ids_only(forge: Forge, name: str, *, found: bool) -> None:
    """A userName ignores case, an externalId does not."""
    provider, _ = forge(in_turn(listed([{"id": "1", name: "ABC"}])))
    arguments = {"userName": "user_name", "externalId": "external_id"}
    assert bool(provider.find_users(**{arguments[name]: "abc"})) is found


# --- capabilities


def test_capabilities_are_learned_by_reading(side: PlatformSide, connect: Connect) -> None:
    """What the platform says, and what its filters do."""
    hire(side, 3)
    found = connect().fetch_capabilities()
    assert found.described
    assert "patch" in found.config
    assert found.filters == {"userName": True, "externalId": True}
    assert side.faults.traffic.writes == []


def test_capabilities_of_a_poor_platform(forge: Forge) -> None:
    """No description, no count, filters ignored."""

    def respond(asked: Asked, _: object) -> bytes:
        query = query_of(asked)
        if asked.target.endswith("/ServiceProviderConfig"):
            return reply({}, 404)
        if query.get("count") == "1":
            return reply({}, 400)
        return listed([{"id": "1", "userName": "a"}, {"id": "2", "userName": "b"}])

    provider, _ = forge(respond)
    found = provider.fetch_capabilities()
    assert (found.described, found.config) == (False, "404")
    assert found.filters == {"userName": False}


def test_capabilities_of_an_empty_platform_say_nothing_of_filters(forge: Forge) -> None:
    """There is no account to try them on."""
    provider, _ = forge(in_turn(None, None, None, None, listed([])))
    found = provider.fetch_capabilities()
    assert (found.described, found.config, found.filters) == (False, "no answer", {})


def test_capabilities_need_a_token(forge: Forge) -> None:
    """ServiceProviderConfig may be public: the list of accounts proves the token."""
    provider, _ = forge(in_turn(reply({"patch": {"supported": True}}), reply({}, 401)))
    with pytest.raises(UnauthorizedError):
        provider.fetch_capabilities()
