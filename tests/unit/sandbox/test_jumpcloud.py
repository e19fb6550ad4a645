"""JumpCloud's API 1.0 and 2.0 as the sandbox imitates them."""

import re

import pytest
import requests

from jcsync.sandbox.people import generate_people
from jcsync.sandbox.world import World
from tests.unit.sandbox.client import Client


@pytest.fixture
def staff(world: World) -> World:
    """Twenty-five people; Ann, Bob and Cid in Team, an application bound to Team and to Dee."""
    state = world.jumpcloud.state
    state.admit(generate_people(21))
    team = state.create_group("Team")
    for name in ("ann.lee", "bob.ray", "cid.poe"):
        state.hire(f"{name}@example.com", groups=[team.id], department="Lab")
    state.hire("dee.fox@example.com")
    state.create_application("Keepnet")
    state.bind("Keepnet", groups=["Team"], users=["dee.fox"])
    return world


# ---- who is asking


def test_without_a_key_the_login_page_is_shown(world: World) -> None:
    """No key at all is no error: a redirect leads to a web page with status 200."""
    with Client(world.jumpcloud.url) as client:
        answer = client.get("/api/systemusers")
        page = client.get(answer.headers["Location"])

    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/api/systemusers", "/api/v2/usergroups", "/nowhere"])
def test_unknown_key_is_refused_before_routing(world: World, path: str) -> None:
    """Also a key of another region, also on a path that does not exist."""
    with Client(world.jumpcloud.url, x_api_key="jca_other_region") as client:
        answer = client.get(path)

    assert answer.status_code == 401
    assert answer.json() == {
        "error": "Unauthorized",
        "message": "Unauthorized: api key user not found",
    }


def test_unknown_path_is_not_found(jumpcloud: Client) -> None:
    """With a good key."""
    assert jumpcloud.get("/api/v2/nothing").status_code == 404
    assert jumpcloud.get("/api/systemusers/0123456789abcdef01234567").status_code == 404
    assert jumpcloud.get("/api/v2/usergroups/0123456789abcdef01234567/members").status_code == 404


def test_role_without_permission_is_forbidden(world: World) -> None:
    """A key may be denied some routes and allowed others."""
    key = world.jumpcloud.api.issue_key(denied=r"/members$")
    group = world.jumpcloud.state.create_group("Team")
    with Client(world.jumpcloud.url, x_api_key=key) as client:
        assert client.get(f"/api/v2/usergroups/{group.id}/members").status_code == 403
        assert client.get(f"/api/v2/usergroups/{group.id}").status_code == 200


def test_revoked_key_is_unknown(world: World, jumpcloud: Client) -> None:
    """There is no overlap between an old key and a new one."""
    world.jumpcloud.api.revoke_key(world.jumpcloud.api_key)

    assert jumpcloud.get("/api/systemusers").status_code == 401


def test_service_account_gets_tokens_that_expire(world: World) -> None:
    """A bearer token stands in for the key until its time is up."""
    api = world.jumpcloud.api
    client_id, secret = api.issue_client()
    api.token_lifetime = 120
    form = {"grant_type": "client_credentials", "scope": "api"}
    with Client(world.jumpcloud.url) as client:
        token = client.post("/oauth2/token", data=form, auth=(client_id, secret)).json()
        assert (token["expires_in"], token["token_type"]) == (120, "Bearer")
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        assert client.get("/api/systemusers", headers=bearer).status_code == 200
        api.expire_tokens()
        assert client.get("/api/systemusers", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"auth": ("somebody", "else")}, 401, id="secret"),
        pytest.param({"data": {"grant_type": "password"}}, 400, id="grant"),
        pytest.param({"data": {"grant_type": "client_credentials", "scope": "x"}}, 400, id="scope"),
        pytest.param({"auth": None}, 401, id="nobody"),
    ],
)
def test_token_is_refused(world: World, change: dict[str, object], status: int) -> None:
    """Everything about a token request is checked."""
    options = {
        "auth": world.jumpcloud.api.issue_client(),
        "data": {"grant_type": "client_credentials", "scope": "api"},
        **change,
    }
    with Client(world.jumpcloud.url) as client:
        assert client.post("/oauth2/token", **options).status_code == status


def test_key_of_a_service_provider_chooses_an_organization(world: World) -> None:
    """Without x-org-id a key that sees several organisations works in its default one."""
    api = world.jumpcloud.api
    other = api.add_organization("Second Ltd")
    foreign = api.add_organization("Foreign Ltd")
    other.hire("eve@second.example")
    key = api.issue_key(api.state.id, other.id)
    with Client(world.jumpcloud.url, x_api_key=key) as client:
        listed = client.get("/api/organizations").json()
        chosen = client.get("/api/systemusers", headers={"x-org-id": other.id}).json()
        default = client.get("/api/systemusers").json()
        refused = client.get("/api/systemusers", headers={"x-org-id": foreign.id})
        shown = client.get(f"/api/organizations/{other.id}").json()
        hidden = client.get(f"/api/organizations/{foreign.id}")

    assert listed["totalCount"] == 2
    assert (chosen["totalCount"], default["totalCount"]) == (1, 0)
    assert (refused.status_code, hidden.status_code) == (403, 404)
    assert shown["displayName"] == "Second Ltd"


# ---- paging


@pytest.mark.usefixtures("staff")
def test_a_page_has_ten_rows_unless_asked_for_more(jumpcloud: Client) -> None:
    """The most common mistake of clients is to forget the limit."""
    users = jumpcloud.get("/api/systemusers").json()

    assert (len(users["results"]), users["totalCount"]) == (10, 25)


@pytest.mark.parametrize("path", ["/api/systemusers", "/api/v2/usergroups", "/api/applications"])
@pytest.mark.usefixtures("staff")
def test_limit_is_bounded(jumpcloud: Client, path: str) -> None:
    """More than a hundred rows are an error, not fewer rows."""
    answer = jumpcloud.get(f"{path}?limit=101")

    assert answer.status_code == 400
    message = 'Bad Request: request parameter "limit" exceeds maximum value of 100'
    assert answer.json()["message"] == message
    assert jumpcloud.get(f"{path}?limit=100").status_code == 200
    assert jumpcloud.get(f"{path}?skip=x").status_code == 400
    assert jumpcloud.get(f"{path}?skip=-1").status_code == 400


def _pages(client: Client, path: str, limit: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for skip in range(0, 40, limit):
        joint = "&" if "?" in path else "?"
        answer = client.get(f"{path}{joint}limit={limit}&skip={skip}").json()
        rows += answer["results"] if isinstance(answer, dict) else answer
    return rows


def test_pages_cover_everybody_once(staff: World, jumpcloud: Client) -> None:
    """In the order asked for, whatever the size of the page."""
    rows = _pages(jumpcloud, "/api/systemusers?sort=_id", 7)

    assert [row["_id"] for row in rows] == sorted(staff.jumpcloud.state.users)


def test_order_of_ids_is_not_the_order_of_arrival(world: World, jumpcloud: Client) -> None:
    """People admitted later may have older ids; nobody is admitted twice."""
    state = world.jumpcloud.state
    state.hire("ann.lee@example.com")
    old = generate_people(20)
    state.admit(old)
    rows = _pages(jumpcloud, "/api/systemusers?sort=_id", 6)
    later = jumpcloud.get(f"/api/systemusers?filter=_id:$gt:{old[-1].id}").json()

    assert [row["_id"] for row in rows] == sorted(state.users)
    assert [row["username"] for row in later["results"]] == ["ann.lee"]
    with pytest.raises(ValueError, match="taken"):
        state.admit(old)


def test_without_sort_pages_may_overlap(staff: World, jumpcloud: Client) -> None:
    """With the quirk on, only a sort gives reliable pages; v2 graph routes have none."""
    staff.jumpcloud.state.quirks.unstable_order = True
    everybody = set(staff.jumpcloud.state.users)

    loose = [{row["_id"] for row in _pages(jumpcloud, "/api/systemusers", 3)} for _ in range(3)]
    firm = [row["_id"] for row in _pages(jumpcloud, "/api/systemusers?sort=_id", 3)]

    assert any(found != everybody for found in loose)
    assert set(firm) == everybody


@pytest.mark.usefixtures("staff")
def test_ids_can_be_paged_by_filter(jumpcloud: Client) -> None:
    """What is greater than the last id is the next page."""
    first = jumpcloud.get("/api/systemusers?sort=_id&limit=20").json()["results"]
    last = first[-1]["_id"]
    rest = jumpcloud.get(f"/api/systemusers?sort=_id&filter=_id:$gt:{last}").json()

    assert len(first) + len(rest["results"]) == rest["totalCount"] + 20 == 25


def test_v2_total_stands_in_a_header(staff: World, jumpcloud: Client) -> None:
    """Unless the quirk leaves it out."""
    group = staff.jumpcloud.state.group("Team")
    path = f"/api/v2/usergroups/{group.id}/members?limit=2"

    assert jumpcloud.get(path).headers["x-total-count"] == "3"
    staff.jumpcloud.state.quirks.totals = False
    assert "x-total-count" not in jumpcloud.get(path).headers


# ---- sort, fields, filters


def _emails(answer: requests.Response) -> list[str]:
    return [row["email"] for row in answer.json()["results"]]


def test_users_sort_by_a_field_and_backwards(staff: World, jumpcloud: Client) -> None:
    """A list separated by commas is one impossible field and ignored."""
    up = _emails(jumpcloud.get("/api/systemusers?limit=100&sort=email"))
    down = _emails(jumpcloud.get("/api/systemusers?limit=100&sort=-email"))
    ignored = jumpcloud.get("/api/systemusers?limit=100&sort=email,username").json()["results"]

    assert up == sorted(up)
    assert down == up[::-1]
    assert [row["_id"] for row in ignored] == sorted(staff.jumpcloud.state.users)


def test_groups_sort_by_name(staff: World, jumpcloud: Client) -> None:
    """Also backwards."""
    for name in ("Alpha", "Zulu"):
        staff.jumpcloud.state.create_group(name)

    for sort, expected in [("name", "Alpha Team Zulu"), ("-name", "Zulu Team Alpha")]:
        rows = jumpcloud.get(f"/api/v2/usergroups?sort={sort}").json()
        assert [row["name"] for row in rows] == expected.split()


@pytest.mark.usefixtures("staff")
def test_fields_are_separated_by_spaces_or_commas(jumpcloud: Client) -> None:
    """Version 1 wants spaces, version 2 commas; ids always come."""
    user = jumpcloud.get("/api/systemusers?fields=email%20state&limit=1").json()["results"][0]
    group = jumpcloud.get("/api/v2/usergroups?fields=name,type").json()[0]

    assert user.keys() == {"_id", "id", "email", "state"}
    assert group.keys() == {"id", "name", "type"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("filter=department:$eq:Lab&filter=username:$ne:bob.ray", 2, id="and"),
        pytest.param(
            "filter[0]=department:$eq:Lab&filter[1]=username:$eq:bob.ray", 1, id="indexed"
        ),
        pytest.param("filter=username:$gte:bob.ray&filter=username:$lt:bob.raz", 1, id="order"),
        pytest.param("filter=username:$eq:BOB.RAY", 0, id="case"),
        pytest.param("filter=username:eq:bob.ray", 25, id="no-dollar"),
        pytest.param("filter=account_locked:$eq:true", 1, id="boolean"),
        pytest.param("search=bob.ray", 1, id="search"),
    ],
)
@pytest.mark.usefixtures("staff")
def test_users_are_filtered(jumpcloud: Client, text: str, expected: int) -> None:
    """All filters must hold; one without the dollar sign filters nothing."""
    assert jumpcloud.get(f"/api/systemusers?{text}").json()["totalCount"] == expected


@pytest.mark.usefixtures("staff")
def test_groups_are_filtered(jumpcloud: Client) -> None:
    """Version 2 filters have no dollar sign."""
    assert len(jumpcloud.get("/api/v2/usergroups?filter=name:eq:Team").json()) == 1
    assert len(jumpcloud.get("/api/v2/usergroups?filter=name:search:EA").json()) == 1
    assert len(jumpcloud.get("/api/v2/usergroups?filter=name:eq:team").json()) == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({}, 25, id="all"),
        pytest.param({"filter": [{"department": "Lab"}, {"username": "bob.ray"}]}, 1, id="list"),
        pytest.param(
            {"filter": {"or": [{"username": "ann.lee"}, {"username": "bob.ray"}]}}, 2, id="or"
        ),
        pytest.param({"filter": {"username": {"$regex": "(?i)^BOB"}}}, 1, id="regex"),
        pytest.param({"filter": {"and": [{"created": {"$gt": "2026"}}]}}, 4, id="greater"),
        pytest.param({"filter": {"username": {"$in": ["ann.lee", "x"]}}}, 1, id="in"),
        pytest.param(
            {"searchFilter": {"searchTerm": ["ANN", "bob"], "fields": ["username"]}}, 2, id="terms"
        ),
    ],
)
@pytest.mark.usefixtures("staff")
def test_search_takes_a_filter(jumpcloud: Client, body: dict[str, object], expected: int) -> None:
    """In the language of MongoDB, or as a text in some fields."""
    answer = jumpcloud.post("/api/search/systemusers", json=body).json()

    assert answer["totalCount"] == expected


def test_search_pages_by_body_or_query_and_knows_the_groups(
    staff: World, jumpcloud: Client
) -> None:
    """Up to a thousand rows; each names the groups of the user."""
    path = "/api/search/systemusers"
    by_body = jumpcloud.post(path, json={"limit": 1000, "sort": "_id"}).json()["results"]
    by_query = jumpcloud.post(f"{path}?limit=2&skip=1", json={"sort": "_id"}).json()["results"]
    team = staff.jumpcloud.state.group("Team").id

    assert len(by_body) == 25
    assert by_query == by_body[1:3]
    assert {row["username"] for row in by_body if row["memberof"] == [team]} == {
        "ann.lee",
        "bob.ray",
        "cid.poe",
    }
    assert jumpcloud.post(path, json={"limit": 1001}).status_code == 400
    assert jumpcloud.post(path, data="{").status_code == 400


# ---- records


def test_sub_documents_change_their_ids_with_every_write(staff: World, jumpcloud: Client) -> None:
    """A careless comparison sees differences that are none."""
    person = next(p for p in staff.jumpcloud.state.users.values() if p.addresses and p.attributes)
    before = jumpcloud.get(f"/api/systemusers/{person.id}").json()
    staff.jumpcloud.state.change(person.id, description="new")
    after = jumpcloud.get(f"/api/systemusers/{person.id}").json()

    for name in ("addresses", "attributes"):
        old, new = before[name][0], after[name][0]
        assert old != new
        ids = {"_id", "id"}
        assert {k: v for k, v in old.items() if k not in ids} == {
            k: v for k, v in new.items() if k not in ids
        }


def test_empty_texts_are_absent_empty_or_null(staff: World, jumpcloud: Client) -> None:
    """As it happens; and there are fields that no specification names."""
    rows = jumpcloud.get("/api/systemusers?limit=100").json()["results"]
    descriptions = {repr(row.get("description", "absent")) for row in rows}

    assert descriptions == {"''", "None", "'absent'"}
    assert all("associatedTagCount" in row and row["id"] == row["_id"] for row in rows)
    assert any("state" not in row for row in rows)
    staff.jumpcloud.state.quirks.nulls = False
    rows = jumpcloud.get("/api/systemusers?limit=100").json()["results"]
    assert not any(row.get("description", "") is None for row in rows)


# ---- the graph


def _ids(answer: requests.Response) -> list[str]:
    return [row["to"]["id"] if "to" in row else row["id"] for row in answer.json()]


def test_members_and_membership_agree(staff: World, jumpcloud: Client) -> None:
    """Edges and traversal rows differ in shape only."""
    state = staff.jumpcloud.state
    path = f"/api/v2/usergroups/{state.group('Team').id}"
    members = jumpcloud.get(f"{path}/members")
    membership = jumpcloud.get(f"{path}/membership?filter=type:eq:user&sort=id")

    assert members.json()[0]["from"] is None
    assert membership.json()[0]["paths"][0][0]["to"]["type"] == "user"
    assert sorted(_ids(members)) == _ids(membership)
    assert len(_ids(members)) == 3


def test_bindings_are_read_from_every_end(staff: World, jumpcloud: Client) -> None:
    """User, group and application tell the same story."""
    state = staff.jumpcloud.state
    ann, dee = state.user("ann.lee").id, state.user("dee.fox").id
    team, app = state.group("Team").id, state.application("Keepnet").id

    assert _ids(jumpcloud.get(f"/api/v2/users/{ann}/memberof")) == [team]
    assert _ids(jumpcloud.get(f"/api/v2/users/{ann}/applications")) == [app]
    assert _ids(jumpcloud.get(f"/api/v2/users/{dee}/applications")) == [app]
    assert _ids(jumpcloud.get(f"/api/v2/usergroups/{team}/applications")) == [app]
    assert _ids(jumpcloud.get(f"/api/v2/applications/{app}/usergroups")) == [team]
    for target, expected in [("user_group", team), ("user", dee)]:
        path = f"/api/v2/applications/{app}/associations?targets={target}"
        assert _ids(jumpcloud.get(path)) == [expected]
    assert jumpcloud.get(f"/api/v2/applications/{app}/associations").status_code == 400


def test_users_of_an_application_come_with_all_their_paths(staff: World, jumpcloud: Client) -> None:
    """Each path is one binding that would have to be removed."""
    state = staff.jumpcloud.state
    app = state.application("Keepnet").id
    second = state.create_group("Second", ["ann.lee"])
    state.bind("Keepnet", groups=["Second"])

    rows = {r["id"]: r["paths"] for r in jumpcloud.get(f"/api/v2/applications/{app}/users").json()}

    assert len(rows) == 4
    ways = rows[state.user("ann.lee").id]
    assert {way[0]["to"]["id"] for way in ways} == {state.group("Team").id, second.id}
    (direct,) = rows[state.user("dee.fox").id]
    assert [hop["to"]["type"] for hop in direct] == ["user"]


@pytest.mark.parametrize("hidden", [False, True])
def test_edges_to_nothing_count_as_members(
    staff: World, jumpcloud: Client, *, hidden: bool
) -> None:
    """They are null rows, or rows that are missing in the middle."""
    team = staff.jumpcloud.state.group("Team")
    team.null_edges, team.hide_null_edges = 2, hidden
    answer = jumpcloud.get(f"/api/v2/usergroups/{team.id}/members")

    assert answer.headers["x-total-count"] == "5"
    assert answer.json().count(None) == (0 if hidden else 2)
    assert len([row for row in answer.json() if row]) == 3


def test_member_may_dangle(staff: World, jumpcloud: Client) -> None:
    """A user is gone, and his group still names him."""
    state = staff.jumpcloud.state
    ann = state.user("ann.lee").id
    state.delete("ann.lee", dangling=True)
    state.delete("bob.ray")
    members = _ids(jumpcloud.get(f"/api/v2/usergroups/{state.group('Team').id}/members"))

    assert (len(members), ann in members) == (2, True)
    assert jumpcloud.get(f"/api/systemusers/{ann}").status_code == 404
    state.remove_member("Team", ann)
    assert len(state.group("Team").members) == 1


def test_group_flags_are_shown(staff: World, jumpcloud: Client) -> None:
    """Groups whose members are computed say so, and whether that failed."""
    fields = {"method": "DYNAMIC_AUTOMATED", "error_flags": ("CYCLE",)}
    group = staff.jumpcloud.state.create_group("Rule", **fields)
    row = jumpcloud.get(f"/api/v2/usergroups/{group.id}").json()

    assert row["membershipMethod"] == "DYNAMIC_AUTOMATED"
    assert row["memberQueryErrorFlags"] == ["CYCLE"]


@pytest.mark.usefixtures("staff")
def test_small_lists_answer(jumpcloud: Client) -> None:
    """What checks ask for exists."""
    assert len(jumpcloud.get("/api/v2/directories?limit=1").json()) == 1
    assert jumpcloud.get("/api/v2/bulk/userstates").json() == []
    assert len(jumpcloud.get("/api/v2/groups?filter=type:eq:user_group").json()) == 1
    (app,) = jumpcloud.get("/api/applications?fields=displayLabel").json()["results"]
    assert app.keys() == {"_id", "id", "displayLabel"}
    assert jumpcloud.get(f"/api/applications/{app['id']}").json()["displayLabel"] == "Keepnet"
    assert re.fullmatch("[0-9a-f]{24}", app["id"])


# ---- changes


def test_changes_show_at_once(staff: World, jumpcloud: Client) -> None:
    """What people do in the portal, the API tells."""
    state = staff.jumpcloud.state
    ann = state.user("ann.lee")
    state.suspend("ann.lee")
    suspended = jumpcloud.get(f"/api/systemusers/{ann.id}").json()
    state.unsuspend("ann.lee")
    state.rename("ann.lee", "ann.poe@example.com", lastname="Poe")
    renamed = jumpcloud.get(f"/api/systemusers/{ann.id}").json()
    state.rename_group("Team", "Crew")
    state.remove_member("Crew", "ann.poe")
    state.unbind("Keepnet", groups=["Crew"], users=["dee.fox"])
    state.delete_group("Crew")

    assert (suspended["state"], suspended["suspended"]) == ("SUSPENDED", True)
    assert (renamed["email"], renamed["state"]) == ("ann.poe@example.com", "ACTIVATED")
    assert jumpcloud.get("/api/v2/usergroups").json() == []
    assert jumpcloud.get(f"/api/v2/users/{ann.id}/memberof").json() == []
    app = state.application("Keepnet").id
    assert jumpcloud.get(f"/api/v2/applications/{app}/users").json() == []


def test_names_are_taken_once(staff: World) -> None:
    """E-mails and usernames are unique whatever their case, and free again after a rename."""
    state = staff.jumpcloud.state
    with pytest.raises(ValueError, match="taken"):
        state.hire("ANN.LEE@example.com")
    with pytest.raises(ValueError, match="taken"):
        state.change("bob.ray", email="ann.lee@example.com")
    state.rename("ann.lee", "ann.poe@example.com")
    state.hire("ann.lee@example.com")
    with pytest.raises(KeyError, match="no shoeSize"):
        state.change("bob.ray", shoeSize="46")
    with pytest.raises(KeyError):
        state.user("nobody")


def test_manager_who_leaves_is_nobodys_manager(staff: World) -> None:
    """His people stay."""
    state = staff.jumpcloud.state
    state.change("bob.ray", manager=state.user("ann.lee").id)
    state.delete("ann.lee")

    assert state.user("bob.ray").manager == ""


def test_staged_user_is_activated(staff: World) -> None:
    """His state and his password."""
    state = staff.jumpcloud.state
    state.hire("new@example.com", state="STAGED", activated=False)

    person = state.activate("new")

    assert (person.state, person.activated) == ("ACTIVATED", True)
