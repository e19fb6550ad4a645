"""The strict SCIM platform: what it keeps, and what it refuses."""

from typing import Any

import pytest

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.scim_schema import ENTERPRISE, GROUP, PATCH_OP, USER
from jcsync.sandbox.world import World
from tests.unit.sandbox.client import Client

ANN = {
    "schemas": [USER, ENTERPRISE],
    "userName": "Ann@example.com",
    "externalId": "jc-ann",
    "name": {"givenName": "Ann"},
    "emails": [{"type": "work", "value": "Ann@example.com", "primary": True}],
    ENTERPRISE: {"department": "IT"},
}


@pytest.fixture
def ann(platform: Client) -> str:
    return str(platform.post("/Users", json=ANN).json()["id"])


def _patch(client: Client, path: str, *operations: dict[str, object]) -> tuple[int, str]:
    answer = client.patch(path, json={"schemas": [PATCH_OP], "Operations": list(operations)})
    return answer.status_code, answer.json().get("scimType", "") if answer.content else ""


# ---- discovery


def test_it_says_what_it_can(platform: Client) -> None:
    """Configuration, schemas and resource types, one by one and as lists."""
    config = platform.get("/ServiceProviderConfig", headers={"Authorization": ""}).json()
    schemas = platform.get("/Schemas").json()
    types = platform.get("/ResourceTypes").json()

    assert config["patch"] == {"supported": True}
    assert [schema["id"] for schema in schemas["Resources"]] == [USER, GROUP, ENTERPRISE]
    assert [kind["endpoint"] for kind in types["Resources"]] == ["/Users", "/Groups"]
    assert platform.get(f"/Schemas/{USER}").json()["name"] == "User"
    assert platform.get("/ResourceTypes/Group").json()["schema"] == GROUP
    assert platform.get("/ResourceTypes/Robot").status_code == 404
    assert platform.get("/Robots").status_code == 404


def test_wrong_token_is_refused(platform: Client) -> None:
    """With a SCIM error."""
    answer = platform.get("/Users", headers={"Authorization": "Bearer wrong"})

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["status"] == "401"


def test_methods_have_their_places(platform: Client, ann: str) -> None:
    """Collections are posted to, resources are put, patched and deleted."""
    assert platform.delete("/Users").status_code == 405
    assert platform.post(f"/Users/{ann}", json={}).status_code == 405
    assert platform.request("OPTIONS", "/Users").status_code == 405
    with Client(platform.base.removesuffix("/scim/v2")) as outside:
        assert outside.get("/other").status_code == 404


# ---- users


def test_user_is_kept_as_sent(platform: Client, ann: str) -> None:
    """With an id, a location and ``active``; the same at the location as in the answer."""
    created = platform.post("/Users", json={**ANN, "userName": "bob", "password": "x"})
    shown = platform.get(f"/Users/{created.json()['id']}").json()

    assert (created.status_code, created.json()) == (201, shown)
    assert created.headers["Location"] == shown["meta"]["location"]
    assert shown["meta"]["location"].endswith(f"/scim/v2/Users/{shown['id']}")
    assert {name: value for name, value in shown.items() if name not in {"id", "meta"}} == {
        **ANN,
        "userName": "bob",
        "active": True,
    }
    assert ann != shown["id"]


def test_user_name_is_taken_once(platform: Client, ann: str) -> None:
    """Whatever its case, for new users and for renamed ones; one's own name is free."""
    bob = platform.post("/Users", json={"schemas": [USER], "userName": "bob"}).json()["id"]
    conflict = platform.post("/Users", json={**ANN, "userName": "ANN@EXAMPLE.COM"})
    rename = {"op": "replace", "path": "userName", "value": "ann@example.com"}

    assert (conflict.status_code, conflict.json()["scimType"]) == (409, "uniqueness")
    assert _patch(platform, f"/Users/{bob}", rename) == (409, "uniqueness")
    assert _patch(platform, f"/Users/{ann}", rename) == (200, "")
    platform.delete(f"/Users/{ann}")
    assert _patch(platform, f"/Users/{bob}", rename) == (200, "")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"id": "mine"}, 400, id="id"),
        pytest.param({"title": None}, 400, id="null"),
        pytest.param({"shoeSize": 46}, 400, id="unknown"),
        pytest.param({"active": "true"}, 400, id="boolean"),
        pytest.param({"userName": ""}, 400, id="empty-name"),
        pytest.param({"emails": {"value": "x"}}, 400, id="not-a-list"),
        pytest.param({"emails": ["x"]}, 400, id="not-an-object"),
        pytest.param({"emails": [{"value": "x", "primary": True}] * 2}, 400, id="two-primaries"),
        pytest.param({"schemas": [ENTERPRISE]}, 400, id="schema"),
        pytest.param({"schemas": [USER]}, 400, id="extension-not-named"),
        pytest.param({"title": 5}, 400, id="number"),
        pytest.param({"groups": [{"value": "x"}]}, 201, id="read-only"),
        pytest.param({"USERNAME": "ann"}, 201, id="case"),
        pytest.param({"phoneNumbers": []}, 201, id="empty-list"),
    ],
)
def test_new_user_is_checked(platform: Client, change: dict[str, object], status: int) -> None:
    """A strict server overlooks nothing but what the RFC tells it to."""
    answer = platform.post("/Users", json={**ANN, **change})

    assert answer.status_code == status, answer.text


def test_media_type_and_syntax_are_checked(platform: Client, ann: str) -> None:
    """JSON only, and it must be JSON."""
    plain = {"Content-Type": "text/plain"}

    assert platform.post("/Users", data=b"{}", headers=plain).status_code == 415
    assert platform.post("/Users", data=b"{").json()["scimType"] == "invalidSyntax"
    assert platform.post("/Users", data=b"[]").status_code == 400
    assert platform.patch(f"/Users/{ann}", data=b"{}").status_code == 400
    headers = {"Content-Type": "application/json"}
    assert platform.post("/Users", json={**ANN, "userName": "x"}, headers=headers).ok


def test_put_replaces_everything(platform: Client, ann: str) -> None:
    """What is not sent is gone; the id may be repeated, not changed."""
    document = {"schemas": [USER], "userName": "ann2", "active": False}
    answer = platform.put(f"/Users/{ann}", json={**document, "id": ann}).json()

    assert answer.keys() == {"schemas", "userName", "active", "id", "meta"}
    assert platform.put(f"/Users/{ann}", json={**document, "id": "x"}).status_code == 400
    assert platform.put("/Users/none", json=document).status_code == 404


def test_deleted_user_is_gone(platform: Client, ann: str) -> None:
    """Also from his groups."""
    body = {"schemas": [GROUP], "displayName": "Team", "members": [{"value": ann}]}
    group = platform.post("/Groups", json=body).json()["id"]

    assert platform.delete(f"/Users/{ann}").status_code == 204
    assert platform.delete(f"/Users/{ann}").status_code == 404
    assert platform.get(f"/Users/{ann}").status_code == 404
    assert "members" not in platform.get(f"/Groups/{group}").json()


# ---- lists


@pytest.fixture
def crowd(platform: Client) -> list[str]:
    bodies = [{"schemas": [USER], "userName": f"user{n}", "displayName": "X"} for n in range(7)]
    return [platform.post("/Users", json=body).json()["id"] for body in bodies]


def test_pages_are_counted_from_one(world: World, platform: Client, crowd: list[str]) -> None:
    """A page holds no more than the cap, and says how many there are."""
    world.platform.state.page_cap = 3  # type: ignore[attr-defined]  # of this platform
    pages = [platform.get(f"/Users?startIndex={n}&count=100").json() for n in (0, 1, 4, 7, 8)]

    assert [len(page["Resources"]) for page in pages] == [3, 3, 3, 1, 0]
    assert {page["totalResults"] for page in pages} == {7}
    assert [page["startIndex"] for page in pages] == [1, 1, 4, 7, 8]
    assert [r["id"] for page in pages[1:4] for r in page["Resources"]] == crowd
    assert platform.get("/Users?count=0").json()["totalResults"] == 7
    assert platform.get("/Users?count=many").status_code == 400


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param('userName eq "ANN@EXAMPLE.com"', 1, id="name"),
        pytest.param('externalId eq "jc-ann"', 1, id="external"),
        pytest.param('externalId eq "JC-ANN"', 0, id="external-case"),
        pytest.param('emails.value eq "ann@example.com"', 1, id="email"),
        pytest.param('emails eq "ann@example.com"', 1, id="email-short"),
        pytest.param('displayName eq "x"', 7, id="display"),
        pytest.param('displayName eq "x" and userName eq "user3"', 1, id="and"),
        pytest.param('displayName eq "x" and active eq true', 7, id="active"),
        pytest.param("active eq false", 0, id="inactive"),
        pytest.param('id eq "none"', 0, id="id"),
        pytest.param('userName eq "a\\"b"', 0, id="escaped"),
    ],
)
@pytest.mark.usefixtures("ann", "crowd")
def test_filters(platform: Client, text: str, found: int) -> None:
    """Equality, joined by and."""
    assert platform.get("/Users", params={"filter": text}).json()["totalResults"] == found


@pytest.mark.parametrize(
    "text", ['userName sw "a"', "userName eq a", 'title eq "x"', 'id eq "x" or id eq "y"', "id"]
)
def test_other_filters_are_refused(platform: Client, text: str) -> None:
    """Rather than answered wrongly."""
    answer = platform.get("/Users", params={"filter": text})

    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


def test_attributes_are_chosen(platform: Client, ann: str) -> None:
    """Some of them, or all but some; id, schemas and meta always come."""
    always = {"id", "schemas", "meta"}
    some = platform.get(f"/Users/{ann}?attributes=userName,name.givenName").json()
    rest = platform.get(f"/Users/{ann}?excludedAttributes=emails,name").json()

    assert some.keys() == always | {"userName", "name", ENTERPRISE}
    assert rest.keys() == always | {"userName", "externalId", "active", ENTERPRISE}


def test_groups_are_listed_without_members(platform: Client, ann: str) -> None:
    """When asked to; and found by a member."""
    body = {"schemas": [GROUP], "displayName": "Team", "members": [{"value": ann}]}
    platform.post("/Groups", json=body)
    platform.post("/Groups", json={"schemas": [GROUP], "displayName": "Empty"})

    def listed(query: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = platform.get(f"/Groups?{query}").json()["Resources"]
        return rows

    assert "members" not in listed("excludedAttributes=members")[0]
    assert "members" not in listed("attributes=displayName")[0]
    assert listed("attributes=members")[0]["members"] == [{"value": ann, "type": "User"}]
    assert len(listed(f'filter=members.value eq "{ann}"')) == 1
    assert len(listed('filter=displayName eq "empty"')) == 1


# ---- patch


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        pytest.param(
            {"op": "replace", "path": "active", "value": False}, {"active": False}, id="active"
        ),
        pytest.param(
            {"op": "add", "path": "name.familyName", "value": "Lee"},
            {"name": {"givenName": "Ann", "familyName": "Lee"}},
            id="part",
        ),
        pytest.param(
            {"op": "replace", "path": "name", "value": {"familyName": "Lee"}},
            {"name": {"givenName": "Ann", "familyName": "Lee"}},
            id="complex-merges",
        ),
        pytest.param({"op": "remove", "path": "name.givenName"}, {"name": None}, id="last-part"),
        pytest.param({"op": "remove", "path": "nickName"}, {"nickName": None}, id="absent"),
        pytest.param(
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@example.com"},
            {"emails": [{"type": "work", "value": "new@example.com", "primary": True}]},
            id="selected",
        ),
        pytest.param(
            {
                "op": "replace",
                "path": 'emails[type eq "work" and primary eq true]',
                "value": {"display": "A"},
            },
            {
                "emails": [
                    {"type": "work", "value": "Ann@example.com", "primary": True, "display": "A"}
                ]
            },
            id="selected-whole",
        ),
        pytest.param(
            {"op": "remove", "path": 'emails[type eq "work"]'}, {"emails": None}, id="remove-one"
        ),
        pytest.param(
            {"op": "remove", "path": 'emails[type eq "work"].primary'},
            {"emails": [{"type": "work", "value": "Ann@example.com"}]},
            id="remove-part",
        ),
        pytest.param(
            {"op": "add", "path": "phoneNumbers", "value": [{"type": "work", "value": "1"}]},
            {"phoneNumbers": [{"type": "work", "value": "1"}]},
            id="add-list",
        ),
        pytest.param(
            {"op": "add", "path": "phoneNumbers", "value": {"type": "work", "value": "1"}},
            {"phoneNumbers": [{"type": "work", "value": "1"}]},
            id="add-one",
        ),
        pytest.param({"op": "replace", "path": "emails", "value": []}, {"emails": None}, id="none"),
        pytest.param(
            {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "HR"},
            {ENTERPRISE: {"department": "HR"}},
            id="extension",
        ),
        pytest.param(
            {"op": "add", "path": f"{ENTERPRISE}:manager.value", "value": "boss"},
            {ENTERPRISE: {"department": "IT", "manager": {"value": "boss"}}},
            id="manager",
        ),
        pytest.param(
            {"op": "replace", "path": ENTERPRISE, "value": {"costCenter": "7"}},
            {ENTERPRISE: {"department": "IT", "costCenter": "7"}},
            id="extension-whole",
        ),
        pytest.param(
            {"op": "remove", "path": f"{ENTERPRISE}:department"},
            {ENTERPRISE: None, "schemas": [USER]},
            id="extension-emptied",
        ),
        pytest.param(
            {"op": "remove", "path": ENTERPRISE}, {ENTERPRISE: None}, id="extension-removed"
        ),
        pytest.param(
            {"op": "replace", "path": f"{USER}:title", "value": "Dr"}, {"title": "Dr"}, id="urn"
        ),
    ],
)
def test_patch_changes_just_that(
    platform: Client, ann: str, operation: dict[str, object], expected: dict[str, object]
) -> None:
    """And answers with the whole user."""
    before = platform.get(f"/Users/{ann}").json()
    body = {"schemas": [PATCH_OP], "Operations": [operation]}
    answer = platform.patch(f"/Users/{ann}", json=body)
    after = platform.get(f"/Users/{ann}").json()

    assert answer.json() == after
    assert {name: after.get(name) for name in expected} == expected
    untouched = before.keys() - expected.keys() - {"meta", "schemas"}
    assert {name: before[name] for name in untouched} == {name: after[name] for name in untouched}


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        pytest.param({"op": "replace", "value": {"title": "T"}}, "noTarget", id="no-path"),
        pytest.param({"op": "remove"}, "noTarget", id="remove-nothing"),
        pytest.param({"op": "Replace", "path": "title", "value": "T"}, "invalidSyntax", id="case"),
        pytest.param({"op": "replace", "path": "title"}, "invalidSyntax", id="no-value"),
        pytest.param({"op": "replace", "path": "title", "value": None}, "invalidValue", id="null"),
        pytest.param({"op": "replace", "path": "shoe", "value": "x"}, "invalidPath", id="unknown"),
        pytest.param({"op": "replace", "path": "name.x", "value": "x"}, "invalidPath", id="part"),
        pytest.param({"op": "replace", "path": "a b", "value": "x"}, "invalidPath", id="malformed"),
        pytest.param({"op": "replace", "path": "id", "value": "x"}, "mutability", id="id"),
        pytest.param({"op": "add", "path": "groups", "value": []}, "mutability", id="read-only"),
        pytest.param({"op": "remove", "path": "userName"}, "mutability", id="required"),
        pytest.param(
            {"op": "replace", "path": 'emails[type eq "home"].value', "value": "x"},
            "noTarget",
            id="nothing-selected",
        ),
        pytest.param(
            {"op": "add", "path": 'emails[type eq "home"].value', "value": "x"},
            "noTarget",
            id="nothing-selected-to-add",
        ),
        pytest.param(
            {"op": "replace", "path": 'emails[type sw "w"].value', "value": "x"},
            "invalidFilter",
            id="filter",
        ),
        pytest.param(
            {"op": "replace", "path": 'name[givenName eq "Ann"]', "value": {}},
            "invalidPath",
            id="single-valued",
        ),
        pytest.param({"op": "replace", "path": ENTERPRISE, "value": 5}, "invalidSyntax", id="ext"),
    ],
)
def test_patch_is_refused_as_a_whole(
    platform: Client, ann: str, operation: dict[str, object], scim_type: str
) -> None:
    """Operations before the wrong one have no effect."""
    before = platform.get(f"/Users/{ann}").json()
    good = {"op": "replace", "path": "active", "value": False}

    assert _patch(platform, f"/Users/{ann}", good, operation) == (400, scim_type)
    assert platform.get(f"/Users/{ann}").json() == before


# ---- members


@pytest.fixture
def team(platform: Client, crowd: list[str]) -> str:
    members = [{"value": user_id} for user_id in crowd[:3]]
    body = {"schemas": [GROUP], "displayName": "Team", "members": members}
    return f"/Groups/{platform.post('/Groups', json=body).json()['id']}"


def _members(client: Client, group: str) -> list[str]:
    return [member["value"] for member in client.get(group).json().get("members", [])]


def test_members_come_and_go(platform: Client, team: str, crowd: list[str]) -> None:
    """By lists to add, filters to remove, and a list to replace them all."""
    add = {"op": "add", "path": "members", "value": [{"value": i} for i in crowd[2:5]]}
    remove = {"op": "remove", "path": f'members[value eq "{crowd[0]}"]'}
    assert _patch(platform, team, add, remove) == (204, "")
    assert _members(platform, team) == crowd[1:5]
    assert _patch(platform, team, remove) == (204, "")

    replace = {"op": "replace", "path": "members", "value": [{"value": crowd[6]}]}
    assert _patch(platform, team, replace) == (204, "")
    assert _members(platform, team) == [crowd[6]]
    assert _patch(platform, team, {"op": "remove", "path": "members"}) == (204, "")
    assert _members(platform, team) == []


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "members", "value": [{"value": "nobody"}]},
        {"op": "add", "path": "members", "value": [{"type": "User"}]},
        {"op": "add", "path": 'members[value eq "x"]', "value": [{"value": "x"}]},
        {"op": "replace", "path": "members.value", "value": "x"},
        {"op": "remove", "path": 'members[type eq "User"]'},
        {"op": "remove", "path": "members", "value": [{"value": "x"}]},
        {"op": "remove", "path": "displayName"},
    ],
)
def test_members_are_checked(platform: Client, team: str, operation: dict[str, object]) -> None:
    """Members must exist, and no operation means more than it says."""
    before = _members(platform, team)

    assert _patch(platform, team, operation)[0] == 400
    assert _members(platform, team) == before


def test_member_is_named_once(platform: Client, team: str, crowd: list[str]) -> None:
    """In an operation and in a new group."""
    twice = [{"value": crowd[5]}] * 2
    body = {"schemas": [GROUP], "displayName": "Twice", "members": twice}

    assert _patch(platform, team, {"op": "add", "path": "members", "value": twice})[0] == 400
    assert platform.post("/Groups", json=body).status_code == 400


def test_put_replaces_members(platform: Client, team: str, crowd: list[str]) -> None:
    """All of them, or none when there are none."""
    body = {"schemas": [GROUP], "displayName": "Crew", "members": [{"value": crowd[4]}]}
    platform.put(team, json=body)
    assert _members(platform, team) == [crowd[4]]
    del body["members"]
    platform.put(team, json=body)
    assert _members(platform, team) == []
    assert platform.delete(team).status_code == 204


# ---- lenient


def test_lenient_server_overlooks() -> None:
    """What the strict one refuses."""
    with World(platform=FastPlatform("t", strict=False)) as world:
        headers = {"authorization": "Bearer t", "content_type": "text/plain"}
        with Client(world.platform.url, **headers) as client:
            odd = {**ANN, "id": "mine", "active": "False", "title": None, "shoeSize": 46}
            user = client.post("/Users", json=odd, headers={"Content-Type": "text/plain"}).json()
            path = f"/Users/{user['id']}"
            pathless = {"op": "Replace", "value": {"title": "Dr", "schemas": [USER]}}
            manager = {"op": "add", "path": f"{ENTERPRISE}:manager", "value": "boss"}
            typed = {"op": "add", "path": 'emails[type eq "home"].value', "value": "h@x.example"}
            new_primary = {
                "op": "add",
                "path": 'emails[type eq "home"].primary',
                "value": True,
            }
            cleared = {"op": "replace", "path": "externalId", "value": None}
            assert _patch(client, path, pathless, manager, typed, new_primary, cleared)[0] == 200
            wrong = {"op": "replace", "value": 5}
            assert _patch(client, path, wrong)[0] == 400
            after = client.get(path).json()
            twice = [{"value": user["id"]}] * 2
            body = {"schemas": [GROUP], "displayName": "Team", "members": twice}
            group = f"/Groups/{client.post('/Groups', json=body).json()['id']}"
            assert _members(client, group) == [user["id"]]
            leave = {"op": "remove", "path": "members", "value": [{"value": user["id"]}]}
            assert _patch(client, group, leave)[0] == 204
            assert _members(client, group) == []

    assert (user["id"] != "mine", user["active"], "title" in user) == (True, False, False)
    assert after["title"] == "Dr"
    assert after[ENTERPRISE]["manager"] == {"value": "boss"}
    assert after["emails"] == [
        {"type": "work", "value": "Ann@example.com"},
        {"type": "home", "value": "h@x.example", "primary": True},
    ]
    assert "externalId" not in after
