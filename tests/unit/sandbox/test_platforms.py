"""Both SCIM platforms: the same to whoever tests with them, and the same to clients."""

from collections.abc import Iterator

import pytest

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.reference import ReferencePlatform
from jcsync.sandbox.scim_schema import ENTERPRISE, GROUP, PATCH_OP, USER
from jcsync.sandbox.world import World
from tests.unit.sandbox.client import Client

KINDS = pytest.mark.parametrize("make", [FastPlatform, ReferencePlatform])


@KINDS
def test_state_is_edited_by_hand(make: type[FastPlatform | ReferencePlatform]) -> None:
    """Without a request: somebody else used the platform's own pages."""
    platform = make("t")
    ann = platform.add_by_hand(userName="ann", displayName="Ann", active=True)
    team = platform.add_by_hand(displayName="Team", members=[{"value": ann}])
    platform.edit(ann, active=False, title="Dr", displayName=None)

    (account,) = platform.accounts()
    assert (account["id"], account["active"], account["title"]) == (ann, False, "Dr")
    assert "displayName" not in account
    (group,) = platform.groups()
    assert (group["id"], [member["value"] for member in group["members"]]) == (team, [ann])
    platform.edit(team, displayName="Crew", members=None)
    assert platform.groups()[0]["displayName"] == "Crew"
    assert not platform.groups()[0].get("members")
    platform.delete_by_hand(team)
    platform.delete_by_hand(ann)
    assert platform.accounts() + platform.groups() == []
    with pytest.raises(KeyError):
        platform.edit(ann, title="x")
    with pytest.raises(KeyError):
        platform.delete_by_hand(ann)


@pytest.fixture
def pair() -> Iterator[tuple[Client, Client]]:
    headers = {"authorization": "Bearer t", "content_type": "application/scim+json"}
    with (
        World(platform=FastPlatform("t")) as fast,
        World(platform=ReferencePlatform("t")) as reference,
        Client(fast.platform.url, **headers) as ours,
        Client(reference.platform.url, **headers) as theirs,
    ):
        yield ours, theirs


HISTORY = [
    {"op": "replace", "path": "active", "value": False},
    {"op": "replace", "path": "name.givenName", "value": "Anna"},
    {"op": "add", "path": "name.familyName", "value": "Lee"},
    {"op": "remove", "path": "name.familyName"},
    {"op": "replace", "path": 'emails[type eq "work"].value', "value": "a2@example.com"},
    {"op": "replace", "path": 'emails[type eq "home"].value', "value": "h@example.com"},
    {"op": "add", "path": "emails", "value": [{"type": "home", "value": "h@example.com"}]},
    {"op": "remove", "path": 'emails[type eq "home"]'},
    {"op": "add", "path": 'addresses[type eq "work"].country', "value": "PL"},
    {"op": "add", "path": "addresses", "value": [{"type": "work", "country": "PL"}]},
    {"op": "replace", "path": "emails", "value": [{"type": "work", "value": "w@example.com"}]},
    {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "HR"},
    {"op": "replace", "path": f"{ENTERPRISE}:manager", "value": {"value": "boss"}},
    {"op": "remove", "path": f"{ENTERPRISE}:manager"},
    {"op": "remove", "path": f"{ENTERPRISE}:department"},
    {"op": "replace", "path": "externalId", "value": "e2"},
    {"op": "remove", "path": "userName"},
    {"op": "replace", "path": "id", "value": "x"},
    {"op": "replace", "path": "nothing", "value": "x"},
    {"op": "replace", "path": "userName", "value": "bob"},
    {"op": "remove"},
]


def test_platforms_agree_on_a_history(pair: tuple[Client, Client]) -> None:
    """The fast platform says and keeps what the reference does, operation by operation."""
    user = {
        "schemas": [USER, ENTERPRISE],
        "userName": "ann",
        "active": True,
        "name": {"givenName": "Ann"},
        "emails": [{"type": "work", "value": "ann@example.com", "primary": True}],
        ENTERPRISE: {"department": "IT"},
    }
    ids = [client.post("/Users", json=user).json()["id"] for client in pair]
    for client in pair:
        bob = {"schemas": [USER], "userName": "bob", "active": True}
        assert client.post("/Users", json=bob).status_code == 201
        assert client.post("/Users", json=bob).status_code == 409
        nameless = {"schemas": [USER], "active": True}
        assert client.post("/Users", json=nameless).status_code == 400
    for operation in HISTORY:
        body = {"schemas": [PATCH_OP], "Operations": [operation]}
        ours, theirs = (
            client.patch(f"/Users/{identity}", json=body)
            for client, identity in zip(pair, ids, strict=True)
        )
        assert ours.ok == theirs.ok, operation
        if not ours.ok:
            assert ours.status_code == theirs.status_code
            assert ours.json().get("scimType") == theirs.json().get("scimType")
        kept = [
            client.get(f"/Users/{identity}").json()
            for client, identity in zip(pair, ids, strict=True)
        ]
        for document in kept:
            del document["id"], document["meta"]
            document["schemas"].sort()
        assert kept[0] == kept[1], operation


def test_platforms_agree_on_members(pair: tuple[Client, Client]) -> None:
    """Who is in a group after each way to add and remove."""
    sizes = []
    for client in pair:
        people = [
            client.post("/Users", json={"schemas": [USER], "userName": name}).json()["id"]
            for name in ("ann", "bob")
        ]
        body = {"schemas": [GROUP], "displayName": "Team", "members": [{"value": people[0]}]}
        path = f"/Groups/{client.post('/Groups', json=body).json()['id']}"
        seen = []
        for operation in (
            {"op": "add", "path": "members", "value": [{"value": people[1]}]},
            {"op": "add", "path": "members", "value": [{"value": people[1]}]},
            {"op": "remove", "path": f'members[value eq "{people[1]}"]'},
            {"op": "replace", "path": "members", "value": [{"value": people[1]}]},
            {"op": "remove", "path": "members", "value": [{"value": people[1]}]},
            {"op": "remove", "path": "members"},
            {"op": "replace", "path": "displayName", "value": "Crew"},
        ):
            body = {"schemas": [PATCH_OP], "Operations": [operation]}
            status = client.patch(path, json=body).status_code
            seen.append((status, len(client.get(path).json().get("members", []))))
        sizes.append(seen)

    assert sizes[0] == sizes[1]
    assert [size for _, size in sizes[0]] == [2, 2, 1, 1, 1, 0, 0]


@KINDS
def test_token_guards_the_door(make: type[FastPlatform | ReferencePlatform]) -> None:
    """A wrong one is answered with a SCIM error; the base URL has the path that it is served at."""
    with World(platform=make("t")) as world, Client(world.platform.url) as client:
        answer = client.get("/Users", headers={"Authorization": "Bearer wrong"})
        body = {"schemas": [USER], "userName": "ann"}
        created = client.post("/Users", json=body, headers={"Authorization": "Bearer t"}).json()

        assert answer.status_code == 401
        assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert created["meta"]["location"] == f"{world.platform.url}/Users/{created['id']}"
