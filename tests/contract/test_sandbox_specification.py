"""The sandbox answers as JumpCloud's published specification says.

The specification (Swagger 2.0, by JumpCloud) is looked for beside the repository and not part of
it; without it these tests are skipped. It marks few fields as nullable though real answers are
full of nulls, also in its own examples: a field that is not required may therefore be null.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

from jcsync.sandbox import clock
from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.world import World

SPECIFICATIONS = Path(__file__).parents[3] / "shared" / "specs"
pytestmark = pytest.mark.skipif(
    not SPECIFICATIONS.is_dir(), reason=f"no specification of JumpCloud in {SPECIFICATIONS}"
)

Document = dict[str, Any]

V1 = [
    "/systemusers",
    "/systemusers/{id}",
    "/search/systemusers",
    "/applications",
    "/applications/{id}",
    "/organizations",
    "/organizations/{id}",
]
V2 = [
    "/usergroups",
    "/usergroups/{id}",
    "/usergroups/{group_id}/members",
    "/usergroups/{group_id}/membership",
    "/usergroups/{group_id}/applications",
    "/users/{user_id}/memberof",
    "/users/{user_id}/applications",
    "/groups",
    "/applications/{application_id}/associations",
    "/applications/{application_id}/users",
    "/applications/{application_id}/usergroups",
    "/bulk/userstates",
    "/directories",
]
INSIGHTS = ["/events", "/events/count"]


def _specification(name: str) -> Document:
    document: Document = json.loads((SPECIFICATIONS / f"jumpcloud-{name}.json").read_text("utf-8"))
    return document


def _nullable(schema: Any, *, optional: bool) -> Any:
    """Turn a Swagger 2.0 schema into a JSON Schema that allows the nulls there are."""
    if isinstance(schema, list):
        return [_nullable(part, optional=optional) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: _nullable(part, optional=optional) for name, part in schema.items()}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        required = schema.get("required", [])
        for name, part in properties.items():
            if part.get("x-nullable") or (optional and name not in required):
                properties[name] = _or_null(part)
    return schema


def _or_null(schema: Document) -> Document:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **enum}


def _check(specification: Document, path: str, answer: object, *, optional: bool = True) -> None:
    operations = specification["paths"][path]
    (operation,) = (operations[method] for method in ("get", "post") if method in operations)
    schema = copy.deepcopy(operation["responses"]["200"]["schema"])
    whole = {**schema, "definitions": specification["definitions"]}
    validator = jsonschema.Draft4Validator(_nullable(whole, optional=optional))
    problems = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(answer)]
    assert problems == []


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World(platform=FastPlatform("t")) as world:
        world.populate(120, 6)
        state = world.jumpcloud.state
        for person in state.users.values():
            if person.state == "PENDING_REVIEW":  # which is there to surprise the agent
                person.state = "ACTIVATED"
        state.events.enabled = True
        ann = state.hire("ann.lee@example.com", groups=["Keepnet Users"])
        state.bind("Keepnet", users=[ann.id])
        state.suspend(ann.id)
        state.create_group("Rule", method="DYNAMIC_AUTOMATED", error_flags=("CYCLE",))
        yield world


def _fill(world: World, path: str) -> str:
    state = world.jumpcloud.state
    ids = {
        "systemusers": state.user("ann.lee").id,
        "users": state.user("ann.lee").id,
        "applications": state.application("Keepnet").id,
        "usergroups": state.group("Keepnet Users").id,
        "organizations": state.id,
    }
    kind = path.split("/")[1]
    return "/".join(ids[kind] if part.startswith("{") else part for part in path.split("/"))


def _fetch(world: World, base: str, path: str, body: Document | None = None) -> Any:
    query = "?limit=100"
    if path.endswith("/associations"):
        query += "&targets=user_group"
    method = "GET" if body is None else "POST"
    with requests.Session() as session:
        session.headers["x-api-key"] = world.jumpcloud.api_key
        url = f"{world.jumpcloud.url}{base}{_fill(world, path)}{query}"
        answer = session.request(method, url, json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer.json()


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("path", V1)
def test_version_1(world: World, path: str, *, nulls: bool) -> None:
    """Users, applications, organisations; without the quirk there is no null too many."""
    world.jumpcloud.state.quirks.nulls = nulls
    body = {"limit": 100} if path.startswith("/search") else None
    answer = _fetch(world, "/api", path, body)

    _check(_specification("v1"), path, answer, optional=nulls)
    if "results" in answer:
        assert answer["results"]


@pytest.mark.parametrize("path", V2)
def test_version_2(world: World, path: str) -> None:
    """Groups and the graph."""
    answer = _fetch(world, "/api/v2", path)

    _check(_specification("v2"), path, answer)
    assert answer or path == "/bulk/userstates"


@pytest.mark.parametrize("path", INSIGHTS)
def test_insights(world: World, path: str) -> None:
    """Events and their number; the query is one that the specification allows."""
    now = clock.now()
    query = {
        "service": ["directory"],
        "start_time": clock.stamp(now - 60),
        "end_time": clock.stamp(now + 1),
        "search_term": {"and": {"event_type": "user_update"}},
    }
    specification = _specification("insights")
    definitions = specification["definitions"]
    schema = {"$ref": "#/definitions/EventQuery", "definitions": definitions}
    jsonschema.Draft4Validator(schema).validate(query)
    answer = _fetch(world, "/insights/directory/v1", path, query)

    _check(specification, path, answer)
    assert answer in ([*answer][:1], {"count": 1})


def test_every_route_is_covered() -> None:
    """Of the specified routes only reports and distinct values are not imitated."""
    left = {
        path
        for name, done in (("v1", V1), ("v2", V2), ("insights", INSIGHTS))
        for path in _specification(name)["paths"].keys() - set(done)
    }

    assert all(path.startswith("/reports") or path == "/events/distinct" for path in left)


def test_wrong_answer_is_noticed(world: World) -> None:
    """The check can fail: a number is no name, and a total is no text."""
    specification = _specification("v1")
    answer = _fetch(world, "/api", "/systemusers")
    answer["results"][0]["firstname"] = 5

    with pytest.raises(AssertionError):
        _check(specification, "/systemusers", answer)
    with pytest.raises(AssertionError):
        _check(specification, "/systemusers", {"totalCount": "many", "results": []})
