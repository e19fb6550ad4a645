"""The event log of Directory Insights as the sandbox imitates it."""

import json

import pytest
import requests

from jcsync.sandbox import clock
from jcsync.sandbox.world import World
from tests.unit.sandbox.client import Client

PATH = "/insights/directory/v1/events"


@pytest.fixture
def logged(world: World) -> World:
    """A world with a licence, in which some things happened."""
    state = world.jumpcloud.state
    state.events.enabled = True
    state.hire("ann.lee@example.com", addresses=(("work", "", "Paris", "", "", "FR"),))
    state.create_group("Team", ["ann.lee"])
    state.suspend("ann.lee")
    state.remove_member("Team", "ann.lee")
    state.delete_group("Team")
    state.delete("ann.lee")
    return world


def _ask(client: Client, path: str = PATH, **query: object) -> requests.Response:
    now = clock.now()
    window = {"start_time": clock.stamp(now - 60), "end_time": clock.stamp(now + 1)}
    return client.post(path, json={"service": ["directory"], **window, **query})


@pytest.mark.usefixtures("world")
def test_without_a_licence_it_is_forbidden(jumpcloud: Client) -> None:
    """Which is how most organisations have it."""
    assert _ask(jumpcloud).status_code == 403


@pytest.mark.usefixtures("logged")
def test_what_happened_is_told_in_order(jumpcloud: Client) -> None:
    """With the headers by which the next page is found."""
    answer = _ask(jumpcloud)

    assert [event["event_type"] for event in answer.json()] == [
        "user_create",
        "group_create",
        "association_change",
        "user_update",
        "association_change",
        "group_delete",
        "user_delete",
    ]
    assert answer.headers["X-Result-Count"] == "7"
    assert answer.headers["X-Limit"] == "1000"
    assert json.loads(answer.headers["X-Search_after"])[1] == answer.json()[-1]["id"]
    newest = _ask(jumpcloud, sort="DESC", limit=1).json()
    assert newest[0]["event_type"] == "user_delete"


@pytest.mark.usefixtures("logged")
def test_suspension_arrives_as_an_update(jumpcloud: Client) -> None:
    """Beside sub-documents whose ids alone changed."""
    (event,) = _ask(jumpcloud, search_term={"and": [{"event_type": ["user_update"]}]}).json()
    changes = {change["field"]: (change["from"], change["to"]) for change in event["changes"]}

    assert changes["state"] == ("ACTIVATED", "SUSPENDED")
    assert changes["suspended"] == (False, True)
    assert "addresses" in changes


def test_pages_follow_the_last_row(logged: World, jumpcloud: Client) -> None:
    """There are more while a page is full."""
    seen: list[str] = []
    after: list[object] = []
    while True:
        answer = _ask(jumpcloud, limit=3, **({"search_after": after} if after else {}))
        seen += [event["id"] for event in answer.json()]
        if int(answer.headers["X-Result-Count"]) < int(answer.headers["X-Limit"]):
            break
        after = json.loads(answer.headers["X-Search_after"])

    assert seen == [event["id"] for event in logged.jumpcloud.state.events.events()]


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ({"and": {"event_type": "association_change"}}, 2),
        ({"or": [{"association.op": "add"}, {"event_type": "user_delete"}]}, 2),
        ({"not": [{"event_type": ["association_change"]}]}, 5),
        ({"and": [{"association.connection.to.type": "user"}, {"association.op": "remove"}]}, 1),
    ],
)
@pytest.mark.usefixtures("logged")
def test_count_searches(jumpcloud: Client, term: dict[str, object], expected: int) -> None:
    """By and, or, not and paths with dots."""
    answer = _ask(jumpcloud, f"{PATH}/count", search_term=term)

    assert answer.json() == {"count": expected}


@pytest.mark.parametrize(
    "query",
    [
        {"service": []},
        {"service": ["nonsense"]},
        {"fields": ["nonsense"]},
        {"start_time": None},
        {"start_time": "soon"},
    ],
)
@pytest.mark.usefixtures("logged")
def test_senseless_query_is_refused(jumpcloud: Client, query: dict[str, object]) -> None:
    """With a message."""
    answer = _ask(jumpcloud, **query)

    assert answer.status_code == 400
    assert answer.json()["message"]


@pytest.mark.usefixtures("logged")
def test_window_must_not_be_empty(jumpcloud: Client) -> None:
    """A start after the end, or in the future, is an error."""
    now = clock.now()
    late = _ask(jumpcloud, start_time=clock.stamp(now + 100), end_time=clock.stamp(now + 200))
    swapped = _ask(jumpcloud, start_time=clock.stamp(now), end_time=clock.stamp(now - 60))

    assert (late.status_code, swapped.status_code) == (400, 400)
    assert swapped.json()["message"].startswith("Start Time not after End Time ")
    assert jumpcloud.post(PATH, data="[]").status_code == 400


def test_events_may_show_up_late(logged: World, jumpcloud: Client) -> None:
    """What happened within the lag is not told yet."""
    logged.jumpcloud.state.events.lag = 30.0

    assert _ask(jumpcloud).json() == []


@pytest.mark.usefixtures("logged")
def test_fields_and_nonsense_limits(jumpcloud: Client) -> None:
    """Fields project; a limit that makes no sense is the default; other services are silent."""
    (event,) = _ask(jumpcloud, fields=["id", "event_type"], limit=1, skip=1).json()

    assert (event.keys(), event["event_type"]) == ({"id", "event_type"}, "group_create")
    assert _ask(jumpcloud, limit=-5).headers["X-Limit"] == "1000"
    assert _ask(jumpcloud, limit=99_999).headers["X-Limit"] == "10000"
    assert _ask(jumpcloud, service=["sso"]).json() == []


def test_what_goes_wrong_with_events(world: World, jumpcloud: Client) -> None:
    """They come late, twice, in disorder, with a time stamp of the future, or never."""
    log, state = world.jumpcloud.state.events, world.jumpcloud.state
    log.enabled = True
    start = {"start_time": clock.stamp(clock.now() - 60), "end_time": None}
    ann, bob = state.hire("ann@example.com"), state.hire("bob@example.com")

    def told() -> list[str]:
        return [event["resource"]["id"] for event in _ask(jumpcloud, **start).json()]

    assert told() == [ann.id, bob.id]
    log.repeated = log.shuffled = True
    assert told() == [ann.id, bob.id, ann.id, bob.id]
    log.repeated = log.shuffled = False
    log.lag = 30
    assert told() == []
    log.lag, log.silent = 0, True
    state.hire("cid@example.com")
    assert told() == [ann.id, bob.id]
    log.silent, log.ahead = False, 3600
    dora = state.hire("dora@example.com")
    assert told() == [ann.id, bob.id, dora.id]


def test_connectors_leave_events_of_their_own(world: World, jumpcloud: Client) -> None:
    """With the application whose connector it is."""
    state = world.jumpcloud.state
    state.events.enabled = True
    state.create_application("Awareness")
    state.hire("ann@example.com")
    state.connector_acts("Awareness", "user_update_provision", "ann@example.com")
    state.connector_acts("Awareness", "integration_deactivate")

    written, ended = _ask(jumpcloud).json()[-2:]

    assert written["application"]["display_label"] == "Awareness"
    assert written["resource"]["username"] == "ann"
    assert ended["event_type"] == "integration_deactivate"
    assert "resource" not in ended
