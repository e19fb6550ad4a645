"""Writing to a platform: creates, patches, members, deletes, and their lost answers."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from scim2_models import EnterpriseUser, Group, PatchOp, User

from jcsync.errors import (
    ConflictError,
    NotFoundError,
    RejectedError,
    RemoteError,
    TransientError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from jcsync.model.plan import AttributeChange
from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Fault
from jcsync.sandbox.world import PlatformSide
from jcsync.sandbox.wsgi import Reply, json_reply
from tests.contract.scim.conftest import Connect, Forge
from tests.contract.transport.server import Asked, in_turn, reply

ANN = {
    "userName": "ann@example.com",
    "name.givenName": "Ann",
    'emails[type eq "work"].value': "ann@example.com",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "IT",
    "displayName": None,
}
LEAVER = [AttributeChange(path="active", before=True, after=False)]
RENAME = [
    AttributeChange(path="displayName", before="A", after="B"),
    AttributeChange(path="name.givenName", before="Ann", after=None),
    AttributeChange(path='emails[type eq "work"].value', before=None, after="b@example.com"),
]


def sent(side: PlatformSide) -> list[dict[str, Any]]:
    """Return the bodies of the writes that were sent."""
    return [json.loads(asked.body) for asked in side.faults.traffic.writes]


# --- creates


def test_account_is_created(side: PlatformSide, connect: Connect) -> None:
    """Valid for a strict server, with the media type of SCIM, and its id is returned."""
    created = connect().create_user("5f", ANN).resource_id
    (body,) = sent(side)
    User[EnterpriseUser].model_validate(body)
    assert "id" not in body
    assert "displayName" not in body
    assert side.faults.traffic.writes[0].headers["content-type"] == "application/scim+json"
    account = side.account("ann@example.com")
    assert (account["id"], account["externalId"], account["active"]) == (created, "5f", True)


def test_content_type_is_a_switch(side: PlatformSide, connect: Connect) -> None:
    """Some servers know JSON only."""
    connect(content_type="application/json").create_user("5f", ANN)
    assert side.faults.traffic.writes[0].headers["content-type"] == "application/json"


def test_group_is_created_without_members(side: PlatformSide, connect: Connect) -> None:
    """They follow by PATCH."""
    created, _ = connect(members_at_create=False).create_group("9a", "Sales", ["x"])
    (body,) = sent(side)
    Group.model_validate(body)
    assert "members" not in body
    assert side.groups()[0]["id"] == created


def test_group_is_created_with_members(side: PlatformSide, connect: Connect) -> None:
    """As many as a request may name; the rest is left to be added."""
    provider = connect(members_at_create=2)
    ids = [provider.create_user(n, {"userName": n}).resource_id for n in ("5f", "6f", "7f")]
    side.faults.traffic.clear()

    group, rest = provider.create_group("9a", "Sales", ids)

    (body,) = sent(side)
    Group.model_validate(body)
    assert body["members"] == [{"value": ids[0]}, {"value": ids[1]}]
    assert (side.groups()[0]["id"], list(rest)) == (group, [ids[2]])
    assert side.faults.traffic.total == 1


GROUP = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "g"}


@pytest.mark.parametrize(
    ("answers", "rest"),
    [
        ([reply({**GROUP, "members": [{"value": "1"}]}, 201)], ["2"]),
        ([reply({**GROUP, "members": []}, 201)], ["1", "2"]),
        ([reply(GROUP, 201), reply({**GROUP, "members": [{"value": "2"}]})], ["1"]),
        ([reply(GROUP, 201), reply({}, 404)], ["1", "2"]),
        ([reply({"status": "400"}, 400), reply(GROUP, 201)], ["1", "2"]),
        ([reply({"status": "413"}, 413), reply(GROUP, 201)], ["1", "2"]),
    ],
)
def test_members_that_a_new_group_does_not_show(
    forge: Forge, answers: list[bytes], rest: list[str]
) -> None:
    """Are added afterwards; servers drop them, or refuse to create a group with any."""
    listed = reply({"totalResults": 0, "Resources": []})
    asks = iter(answers)

    def respond(asked: Asked, _: object) -> bytes:
        return listed if "?" in asked.target else next(asks)

    provider, _ = forge(respond)

    assert provider.create_group("9a", "Sales", ["1", "2"]) == ("g", rest)
    assert not list(asks)


@pytest.mark.parametrize(
    ("most", "numbers"),
    [
        (0, [1_000, 100, 0, 0, 0]),  # two groups of 1,200, then one of 7
        (150, [1_000, 100, 100, 7]),
        (5_000, [1_000, 1_000, 7]),
    ],
)
def test_no_other_group_is_created_with_as_many_members_as_were_refused(
    forge: Forge, most: int, numbers: list[int]
) -> None:
    """What the server does not take is not tried again in the same run."""

    def respond(asked: Asked, _: object) -> bytes:
        if asked.method == "GET":
            return reply({"totalResults": 0, "Resources": []})
        members = asked.json.get("members", [])
        refused = len(members) > most
        return reply({}, 413) if refused else reply({**GROUP, "members": members}, 201)

    provider, server = forge(respond)
    crowd = [str(n) for n in range(1_200)]
    left = [len(provider.create_group(g, g, who)[1]) for g, who in [("a", crowd), ("b", crowd)]]
    left.append(len(provider.create_group("c", "c", crowd[:7])[1]))

    posts = [a.json for a in server.asked if a.method == "POST"]
    assert [len(body.get("members", [])) for body in posts] == numbers
    assert left == [1_200 - numbers[-2], 1_200 - numbers[-2], 7 - numbers[-1]]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_group_that_takes_too_long_with_so_many_members_is_created_with_fewer(
    forge: Forge, status: int
) -> None:
    """A gateway gives up, and the group is not there: it is tried with as many as one change has."""

    def respond(asked: Asked, _: object) -> bytes:
        if asked.method == "GET":
            return reply({"totalResults": 0, "Resources": []})
        members = asked.json["members"]
        return (
            reply({**GROUP, "members": members}, 201) if len(members) <= 100 else reply({}, status)
        )

    provider, _ = forge(respond)

    assert len(provider.create_group("9a", "9a", [str(n) for n in range(130)])[1]) == 30


def test_a_platform_that_drops_the_members_of_a_new_group_is_asked_once(forge: Forge) -> None:
    """What shows that it did, for all groups of the run: the others are created without any."""

    def respond(asked: Asked, _: object) -> bytes:
        return reply(GROUP, 201 if asked.method == "POST" else 200)

    provider, server = forge(respond)
    for external_id in ("9a", "9b"):
        assert provider.create_group(external_id, external_id, ["1"])[1] == ["1"]

    assert [a.method for a in server.asked] == ["POST", "GET", "POST"]
    assert "members" not in server.asked[-1].json


LOST: list[Fault] = [
    misfortunes.lose_answer(),
    misfortunes.lose_answer(reset=True),
    misfortunes.fail_after(500),
    misfortunes.fail_after(503),
    misfortunes.truncate(),
    misfortunes.cut_json(),
]
REFUSED: list[Fault] = [
    misfortunes.close(),
    misfortunes.fail(500),
    misfortunes.fail(502),
    misfortunes.page(200),
    misfortunes.throttle(0),
]


@pytest.mark.parametrize("fault", [*LOST, *REFUSED])
@pytest.mark.parametrize("group", [False, True], ids=["user", "group"])
def test_create_without_an_answer_makes_one_resource(
    side: PlatformSide, connect: Connect, fault: Fault, *, group: bool
) -> None:
    """It is looked for before it is repeated."""
    provider = connect()
    side.faults.add(fault, method="POST")
    created = (
        provider.create_group("5f", "Sales", [])[0]
        if group
        else provider.create_user("5f", ANN).resource_id
    )
    assert [r["id"] for r in (side.groups() if group else side.accounts())] == [created]
    posts = [a for a in side.faults.traffic.writes if a.applied]
    assert len(posts) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Reply(201, b""),
        Reply(202, b""),
        Reply(204, b""),
        json_reply({"schemas": []}, 201),
        json_reply({"ok": True}, 200),
    ],
)
def test_created_account_without_an_id_is_looked_up(
    side: PlatformSide, connect: Connect, answer: Reply
) -> None:
    """Whatever 2xx a server gives."""

    def fault(exchange: Any) -> Any:
        exchange.pass_on()
        return misfortunes.answer(answer)(exchange)

    side.faults.add(fault, method="POST")
    assert connect().create_user("5f", ANN).resource_id == side.account("ann@example.com")["id"]


def test_200_in_place_of_201_is_a_create(side: PlatformSide, connect: Connect) -> None:
    """With the id in the body."""
    side.faults.add(misfortunes.answer(json_reply({"ID": 77}, 200)), method="POST")
    assert connect().create_user("5f", ANN).resource_id == "77"


def test_created_account_that_cannot_be_found_is_a_failure(
    side: PlatformSide, connect: Connect
) -> None:
    """2xx without an account is not believed."""
    side.faults.add(misfortunes.answer(Reply(202, b"")), method="POST")
    with pytest.raises(RejectedError, match="answered 202 to a create but returned no id"):
        connect().create_user("5f", ANN)


@pytest.mark.parametrize("status", [409, 400, 500])
def test_conflict_with_our_own_account_is_no_conflict(
    side: PlatformSide, connect: Connect, status: int
) -> None:
    """An earlier attempt made it, whatever status the server gives to the second."""
    mine = side.state.add_by_hand(userName="Ann@example.com", externalId="5f")
    side.faults.add(misfortunes.fail(status), method="POST", count=None)
    assert connect().create_user("5f", ANN).resource_id == mine


@pytest.mark.parametrize(
    ("status", "kind"), [(409, ConflictError), (400, RejectedError), (500, UnknownOutcomeError)]
)
@pytest.mark.parametrize("external_id", ["other", ""])
def test_conflict_with_a_foreign_account_names_it(
    side: PlatformSide, connect: Connect, status: int, kind: type[RemoteError], external_id: str
) -> None:
    """It is not taken over."""
    extra = {"externalId": external_id} if external_id else {}
    other = side.state.add_by_hand(userName="ANN@example.com", **extra)
    side.faults.add(misfortunes.fail(status), method="POST", count=None)
    words = f"userName 'ann@example.com' has {other}, externalId {external_id or 'none'}"
    with pytest.raises(kind, match=re.escape(words)) as caught:
        connect().create_user("5f", ANN)
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert len(side.accounts()) == 1


def test_conflict_with_nobody_says_so(side: PlatformSide, connect: Connect) -> None:
    """The name may be held by an account that is hidden or in another company."""
    side.faults.add(misfortunes.fail(409), method="POST", count=None)
    with pytest.raises(ConflictError, match="lists no user with userName 'ann@example"):
        connect().create_user("5f", ANN)
    with pytest.raises(ConflictError, match="lists no group with displayName 'Sales'"):
        connect().create_group("5f", "Sales", [])
    side.faults.clear()
    side.faults.add(misfortunes.fail(400), method="POST", count=None)
    with pytest.raises(RejectedError, match=r"\(400\): Internal Server Error$"):
        connect().create_user("5f", ANN)
    side.faults.add(misfortunes.fail(503), method="GET", count=None)
    with pytest.raises(RejectedError, match=r"\(400\): Internal Server Error$"):
        connect().create_user("5f", ANN)


def test_lost_create_on_a_server_without_filters_is_found_in_the_list(
    side: PlatformSide, connect: Connect
) -> None:
    """Nobody is created twice because a filter finds nothing."""
    side.faults.add(misfortunes.empty_list(), path="filter=", count=None)
    side.faults.add(misfortunes.lose_answer(), method="POST")
    assert connect().create_user("5f", ANN).resource_id == side.account("ann@example.com")["id"]


def test_lost_creates_of_many_threads_share_the_lists(side: PlatformSide, connect: Connect) -> None:
    """The list is not read once for each of them."""
    side.faults.add(misfortunes.fail(400), path="filter=", count=None)
    side.faults.add(misfortunes.fail_after(500), method="POST", count=None)
    side.faults.latency = 0.1  # they have to wait for one another
    provider = connect()

    def create(number: int) -> str:
        return provider.create_user(
            f"x{number}", {"userName": f"p{number}@example.com"}
        ).resource_id

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(create, range(40)))
    assert sorted(created) == sorted(a["id"] for a in side.accounts())
    scans = [
        a for a in side.faults.traffic.log if "startIndex=1&" in a.query and "filter" not in a.query
    ]
    assert len(scans) <= 30


# --- patches


def test_attributes_are_patched(side: PlatformSide, connect: Connect) -> None:
    """One valid operation an attribute."""
    provider = connect()
    created = provider.create_user(
        "5f", {"userName": "ann", "displayName": "A", "name.givenName": "Ann"}
    ).resource_id
    provider.patch_user(created, RENAME)
    PatchOp[User[EnterpriseUser]].model_validate(sent(side)[1])
    account = side.account("ann")
    assert account["displayName"] == "B"
    assert not account.get("name", {}).get("givenName")
    assert account["emails"][0]["value"] == "b@example.com"


def test_leaver_is_deactivated_and_comes_back(side: PlatformSide, connect: Connect) -> None:
    """The one write to rely on."""
    provider = connect("keepnet")
    created = provider.create_user("5f", {"userName": "ann"}).resource_id
    provider.patch_user(created, LEAVER)
    assert side.account("ann")["active"] is False
    operations = [{"op": "replace", "path": "active", "value": False}]
    assert sent(side)[1]["Operations"] == operations


@pytest.mark.parametrize(
    "answer", [reply({"id": "1"}), reply(b"", 204), reply(b"", 200), reply(b"", 202)]
)
def test_every_2xx_answer_to_a_patch_will_do(forge: Forge, answer: bytes) -> None:
    """With or without a body."""
    provider, server = forge(in_turn(answer))
    provider.patch_user("a+b@example.com", RENAME)
    provider.patch_group("1", [AttributeChange(path="displayName", before="A", after="B")])
    targets = [a.target for a in server.asked if a.method == "PATCH"]
    assert targets == ["/scim/Users/a%2Bb%40example.com", "/scim/Groups/1"]


@pytest.mark.parametrize(
    ("changes", "reads"), [(LEAVER, 1), (RENAME, 2)], ids=["deactivate", "attributes"]
)
def test_patch_without_an_answer_is_read_back(
    side: PlatformSide, connect: Connect, changes: list[AttributeChange], reads: int
) -> None:
    """What took effect is not sent again; a list is read before the first element is added."""
    provider = connect()
    created = provider.create_user("5f", {"userName": "ann", "displayName": "A"}).resource_id
    side.faults.add(misfortunes.lose_answer(), method="PATCH")
    provider.patch_user(created, changes)
    assert side.faults.traffic.counts["PATCH", "/scim/v2/Users/{id}"] == 1
    assert side.faults.traffic.counts["GET", "/scim/v2/Users/{id}"] == reads


def test_patch_that_had_no_effect_is_sent_again(side: PlatformSide, connect: Connect) -> None:
    """Until it has."""
    provider = connect()
    created = provider.create_user("5f", {"userName": "ann"}).resource_id
    side.faults.add(misfortunes.fail(500), method="PATCH", count=2)
    provider.patch_user(created, LEAVER)
    assert side.account("ann")["active"] is False
    assert provider.repeats == 2


def test_patch_of_unknown_outcome_says_so(side: PlatformSide, connect: Connect) -> None:
    """Also where the account is gone meanwhile."""
    provider = connect()
    created = provider.create_user("5f", {"userName": "ann"}).resource_id
    side.faults.add(misfortunes.fail(500), method="PATCH", count=None)
    with pytest.raises(UnknownOutcomeError):
        provider.patch_user(created, LEAVER)
    side.state.delete_by_hand(created)
    with pytest.raises(UnknownOutcomeError):
        provider.patch_user(created, LEAVER)
    with pytest.raises(UnknownOutcomeError):
        provider.patch_members(created, add=["1"], remove=[])


@pytest.mark.parametrize("write", ["create", "patch", "members", "delete"])
def test_forbidden_write_stops_nobody_else(forge: Forge, write: str) -> None:
    """403 is about one account or its licence; the advice about the token would mislead."""

    def respond(asked: Asked, _: object) -> bytes:
        if asked.method == "GET":
            return reply({"totalResults": 0})
        return reply({"detail": "protected"}, 403)

    provider, _ = forge(respond)
    with pytest.raises(RejectedError, match=r"protected.*licence") as caught:
        write_of(provider, write)
    assert "Make a new token" not in str(caught.value)
    assert caught.value.status == 403


@pytest.mark.parametrize("write", ["create", "patch", "members", "delete"])
def test_refused_token_stops_everything(forge: Forge, write: str) -> None:
    """401 to one write is 401 to all."""
    provider, server = forge(in_turn(reply({}, 401)))
    with pytest.raises(UnauthorizedError, match="Make a new token"):
        write_of(provider, write)
    assert len(server.asked) == 1


def write_of(provider: Any, write: str) -> None:
    match write:
        case "create":
            provider.create_user("5f", ANN)
        case "patch":
            provider.patch_user("1", LEAVER)
        case "members":
            provider.patch_members("1", add=["2"], remove=[])
        case _:
            provider.delete_user("1")


def test_patch_of_an_account_that_is_gone_is_told(forge: Forge) -> None:
    """404 is not success, except for a delete."""
    provider, _ = forge(in_turn(reply({}, 404)))
    with pytest.raises(NotFoundError):
        provider.patch_user("1", LEAVER)


# --- members


def test_members_go_in_chunks_one_after_another(side: PlatformSide, connect: Connect) -> None:
    """A hundred a request, never two requests at once, each member once."""
    ids = [side.state.add_by_hand(userName=f"p{n}") for n in range(260)]
    side.state.add_by_hand(displayName="Sales", members=[{"value": i} for i in ids[:60]])
    group = side.groups()[0]["id"]
    provider = connect(members_verified=True)
    provider.patch_members(group, add=[*ids[60:], ids[60]], remove=[*ids[:30], ids[0]])
    assert {m["value"] for m in side.groups()[0]["members"]} == set(ids[30:])
    sizes = []
    for body in sent(side):
        PatchOp[Group].model_validate(body)
        assert all(op["op"] in {"add", "remove"} for op in body["Operations"])
        assert all("[" in op["path"] or op["value"] for op in body["Operations"])
        sizes.append(sum(len(op.get("value", [1])) for op in body["Operations"]))
    assert sizes == [100, 100, 30]
    assert side.faults.traffic.max_in_flight == 1


@pytest.mark.parametrize("fault", LOST)
def test_members_without_an_answer_are_read_back(
    side: PlatformSide, connect: Connect, fault: Fault
) -> None:
    """What took effect is not sent again."""
    ids = [side.state.add_by_hand(userName=f"p{n}") for n in range(3)]
    side.state.add_by_hand(displayName="Sales", members=[{"value": ids[0]}])
    group = side.groups()[0]["id"]
    side.faults.add(fault, method="PATCH")
    connect().patch_members(group, add=ids[1:], remove=ids[:1])
    assert {m["value"] for m in side.groups()[0]["members"]} == set(ids[1:])


def test_members_that_did_not_change_are_sent_again(side: PlatformSide, connect: Connect) -> None:
    """The group was read, and they were not there."""
    ids = [side.state.add_by_hand(userName=f"p{n}") for n in range(2)]
    side.state.add_by_hand(displayName="Sales", members=[{"value": ids[0]}])
    group = side.groups()[0]["id"]
    side.faults.add(misfortunes.fail(502), method="PATCH", count=2)
    connect().patch_members(group, add=[ids[1]], remove=[ids[0]])
    assert [m["value"] for m in side.groups()[0]["members"]] == [ids[1]]


KNOWN = {"members_per_request": 3, "members_verified": True, "verify": "never"}


def test_members_go_as_lists_of_values_where_the_profile_says_so(forge: Forge) -> None:
    """Microsoft's reference library reads no filter in the path."""
    provider, server = forge(in_turn(reply(b"", 204)), "keepnet", **KNOWN)
    provider.patch_members("g", add=["1", "2"], remove=["3", "4"])
    assert [a.json["Operations"] for a in server.asked] == [
        [
            {"op": "add", "path": "members", "value": [{"value": "1"}, {"value": "2"}]},
            {"op": "remove", "path": "members", "value": [{"value": "3"}]},
        ],
        [{"op": "remove", "path": "members", "value": [{"value": "4"}]}],
    ]


def test_request_that_is_too_large_is_halved(forge: Forge) -> None:
    """Down to single members, which are refused for good."""

    def respond(asked: Asked, _: object) -> bytes:
        (operation,) = asked.json["Operations"]
        values = [v["value"] for v in operation["value"]]
        fits = len(values) <= 2 and "fat" not in values
        return reply(b"", 204) if fits else reply({}, 413)

    provider, server = forge(respond, verify="never")
    provider.patch_members("g", add=["1", "2", "3", "4", "5"], remove=[])
    assert [len(a.json["Operations"][0]["value"]) for a in server.asked] == [5, 3, 2, 1, 2]
    with pytest.raises(RejectedError, match="413"):
        provider.patch_members("g", add=["fat", "1"], remove=[])


# --- deletes


def test_delete(side: PlatformSide, connect: Connect) -> None:
    """Accounts and groups; one that is gone already is deleted."""
    provider = connect()
    user = provider.create_user("5f", {"userName": "ann"}).resource_id
    group, _ = provider.create_group("9a", "Sales", [])
    for _ in range(2):
        provider.delete_user(user)
        provider.delete_group(group)
    assert side.accounts() == side.groups() == []


@pytest.mark.parametrize("status", [500, 503])
def test_delete_that_fails_is_looked_at(side: PlatformSide, connect: Connect, status: int) -> None:
    """It is done when the account is gone, and an error when it is there."""
    provider = connect()
    user = provider.create_user("5f", {"userName": "ann"}).resource_id
    side.faults.add(misfortunes.fail(status), method="DELETE", count=None)
    with pytest.raises(TransientError):
        provider.delete_user(user)
    side.state.delete_by_hand(user)
    provider.delete_user(user)


def test_page_of_a_proxy_does_not_prove_a_delete(forge: Forge) -> None:
    """A 404 that is a web page is not the platform's."""
    provider, _ = forge(in_turn(reply(b"<html>Not Found", 404)))
    with pytest.raises(RemoteError, match="nothing is believed to be gone"):
        provider.delete_user("1")


# --- many threads


def test_one_provider_serves_many_threads(side: PlatformSide, connect: Connect) -> None:
    """Random faults on every request, and every account exists once."""
    side.faults.add_random([*LOST, *REFUSED], rate=0.15, seed=7)
    provider = connect()

    def live(number: int) -> None:
        user = provider.create_user(
            f"x{number}", {"userName": f"p{number}@example.com"}
        ).resource_id
        provider.patch_user(user, LEAVER)

    done = 0
    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(live, number) for number in range(60)]:
            done += future.exception() is None
            assert isinstance(future.exception(), RemoteError | None)
    names = [account["userName"] for account in side.accounts()]
    assert len(names) == len(set(names))
    assert done >= 50
    assert len(side.active_names()) <= 60 - done
