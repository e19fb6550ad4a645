"""The client of Directory Insights against the embedded JumpCloud, and against odd answers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jcsync.clock import SystemClock
from jcsync.errors import FeedError
from jcsync.jumpcloud.auth import ApiKey, Credentials, ServiceAccount
from jcsync.jumpcloud.insights import Insights, parse_connectors, parse_event
from jcsync.model.events import ConnectorUse, Event, Subject
from jcsync.sandbox import misfortunes
from jcsync.sandbox.world import DirectorySide
from tests.contract.transport.server import NOW, RawServer, in_turn, reply, transport_to

Listen = Callable[..., Insights]
DATE = {"Date": "Sat, 31 Jan 2026 09:00:00 GMT"}


@pytest.fixture
def listen(side: DirectorySide) -> Iterator[Listen]:
    """Return a function that builds a client; all are closed at the end."""
    side.state.events.enabled = True
    with ExitStack() as stack:

        def listen(url: str = "", credentials: Credentials | None = None, **more: Any) -> Insights:
            transport = stack.enter_context(
                transport_to(
                    url or side.insights_url, name="Insights", authorization={"Accept": "*/*"}
                )
            )
            key = more.pop("api_key", side.api_key)
            return Insights(transport, credentials or ApiKey(key), SystemClock(), **more)

        yield listen


def _ago(**by: float) -> datetime:
    return datetime.now(UTC) - timedelta(**by)  # noqa: TID251 - the sandbox goes by the real time


def test_changes_of_people_and_memberships_name_whom_to_look_at(
    side: DirectorySide, listen: Listen
) -> None:
    """In one request, in order, with ids only."""
    state = side.state
    ann = state.hire("ann@example.com")
    team = state.create_group("Team", [ann.id])
    state.suspend(ann.id)
    feed = listen()

    changes = feed.fetch_changes(_ago(minutes=10))

    user, group = Subject(kind="user", id=ann.id), Subject(kind="user_group", id=team.id)
    assert [(event.type, event.subjects) for event in changes.events] == [
        ("user_create", (user,)),
        ("group_create", (group,)),
        ("association_change", (group, user)),
        ("user_update", (user,)),
    ]
    assert {event.organization for event in changes.events} == {state.id}
    assert all(event.at and event.at > _ago(minutes=1) for event in changes.events)
    assert feed.requests == 1
    assert feed.answers == {"200": 1}
    assert (feed.retries, changes.cut) == (0, False)
    (asked,) = side.faults.traffic.log
    assert asked.path == "/insights/directory/v1/events"


def test_misfortunes_of_the_log_leave_each_event_once(side: DirectorySide, listen: Listen) -> None:
    """Whether told twice, in disorder, or with a time stamp of the future."""
    log = side.state.events
    log.repeated = log.shuffled = True
    side.state.hire("ann@example.com")
    side.state.hire("bob@example.com")
    log.ahead = 3600
    side.state.hire("cid@example.com")

    changes = listen().fetch_changes(_ago(minutes=10))

    assert len(changes.events) == 3
    assert changes.until <= datetime.now(UTC)  # noqa: TID251 - the sandbox goes by the real time


def test_nothing_happened(listen: Listen) -> None:
    """Is an answer too, and moves the end of the window."""
    changes = listen().fetch_changes(_ago(minutes=10))

    assert changes.events == ()
    assert changes.until > _ago(minutes=1)


def test_pages_follow_the_mark_of_the_answer(listen: Listen) -> None:
    """While an answer is full; the answer says what full is."""
    first = _page([_row("1"), _row("2")], 2, '[1, "2"]')
    last = reply([_row("2"), _row("3")], X_Result_Count="1", X_Limit="2")
    with RawServer(in_turn(first, last)) as server:
        changes = listen(server.url).fetch_changes(NOW)

        assert [event.id for event in changes.events] == ["1", "2", "3"]
        assert [asked.json.get("search_after") for asked in server.asked] == [None, [1, "2"]]
        assert server.asked[0].json["start_time"] == "2026-01-31T10:00:00.000Z"


def test_a_clock_that_runs_ahead_leaves_no_gap() -> None:
    """The window ends by JumpCloud's own clock, where that is earlier."""
    with RawServer(in_turn(reply([], **DATE))) as server, transport_to(server.url) as transport:
        changes = Insights(transport, ApiKey("k"), SystemClock()).fetch_changes(NOW)

    assert changes.until == datetime(2026, 1, 31, 9, tzinfo=UTC)


@pytest.mark.parametrize("mark", ["", "nonsense", "{}"])
def test_a_full_answer_without_a_mark_is_not_believed_to_be_all(listen: Listen, mark: str) -> None:
    answer = _page([_row("1")], 1, mark)
    with (
        RawServer(in_turn(answer)) as server,
        pytest.raises(FeedError, match="there is more, and not where") as caught,
    ):
        listen(server.url).fetch_changes(NOW)
    assert not caught.value.missing


def test_more_events_than_are_worth_reading(listen: Listen) -> None:
    """The caller is told that there were more."""
    rows = [[_row(f"{page}-{n}") for n in range(10_000)] for page in range(3)]
    answers = [_page(page, 10_000, f"[{n}]") for n, page in enumerate(rows)]
    with RawServer(in_turn(*answers)) as server:
        changes = listen(server.url).fetch_changes(NOW)

        assert (len(changes.events), changes.cut, len(server.asked)) == (20_000, True, 2)


@pytest.mark.parametrize(
    ("fault", "missing", "words"),
    [
        (misfortunes.fail(403), True, "the package of the organisation has no Directory Insights"),
        (misfortunes.fail(401), True, "it refuses the key"),
        (misfortunes.fail(404), True, "it is not at this address"),
        (misfortunes.page(404), True, "it is not at this address"),
        (misfortunes.fail(500), False, "failed"),
        (misfortunes.throttle(60), False, "asks to slow down"),
        (misfortunes.page(200), False, "HTML instead of JSON"),
        (misfortunes.login(), False, "redirects to /login"),
        (misfortunes.rewrite(lambda _: {}), False, "answered no list"),
    ],
)
def test_a_log_that_cannot_be_read_says_why(
    side: DirectorySide, listen: Listen, fault: Any, missing: bool, words: str
) -> None:
    """And whether it is of use to ask again."""
    side.faults.add(fault, path="/events", count=None)

    with pytest.raises(FeedError, match=words) as caught:
        listen().fetch_changes(_ago(minutes=10))

    assert caught.value.missing is missing


def test_without_a_licence(side: DirectorySide, listen: Listen) -> None:
    side.state.events.enabled = False

    with pytest.raises(FeedError, match=r"no Directory Insights.*403"):
        listen().fetch_connectors(_ago(days=1))


def test_organisation_and_bearer_are_sent(side: DirectorySide, listen: Listen) -> None:
    """A refused token is renewed once, as for the directory itself."""
    client_id, secret = side.api.issue_client()
    with transport_to(side.token_url, authorization={"Accept": "*/*"}) as tokens:
        account = ServiceAccount(tokens, client_id, secret, SystemClock())
        feed = listen(credentials=account, org_id=side.state.id)
        feed.fetch_changes(_ago(minutes=10))
        side.api.expire_tokens()

        feed.fetch_changes(_ago(minutes=10))

    assert feed.answers == {"200": 2, "401": 1}
    with pytest.raises(FeedError):
        listen(org_id="f" * 24).fetch_changes(_ago(minutes=10))


def test_connectors_that_acted(side: DirectorySide, listen: Listen) -> None:
    """The newest first, each with its last event; one that was deactivated since is left out."""
    state = side.state
    ann = state.hire("ann@example.com")
    awareness = state.create_application("Awareness")
    state.create_application("Old")
    state.connector_acts("Old", "user_create_provision", ann.id)
    state.connector_acts("Old", "integration_deactivate")
    state.connector_acts("Awareness", "integration_activate")
    state.connector_acts("Awareness", "user_update_provision", ann.id)
    feed = listen()

    (use,) = feed.fetch_connectors(_ago(days=1))

    assert use == ConnectorUse(
        application_id=awareness.id,
        names=("Awareness", "custom-saml"),
        events=2,
        last_type="user_update_provision",
        last_at=use.last_at,
    )
    assert feed.requests == 1


@pytest.mark.parametrize(
    ("row", "event"),
    [
        ("text", None),
        ({"id": "1", "event_type": "user_update", "success": False}, None),
        (
            {"id": "1", "event_type": "USER_CREATE", "resource": {"id": "u", "type": "USER"}},
            Event(id="1", type="user_create", subjects=(Subject(kind="user", id="u"),)),
        ),
        (
            {"id": "1", "event_type": "group_update", "resource": {"id": "g"}},
            Event(id="1", type="group_update", subjects=(Subject(kind="user_group", id="g"),)),
        ),
        (
            {"id": "1", "event_type": "user_update"},
            Event(id="1", type="user_update", subjects=(Subject(kind="user", id=""),)),
        ),
        (
            {"id": "1", "event_type": "admin_login_attempt", "organization": "o"},
            Event(id="1", type="admin_login_attempt", organization="o"),
        ),
        (
            {"id": "1", "event_type": "x", "timestamp": "2026-01-31T10:00:00.123456789Z"},
            Event(id="1", type="x", at=NOW.replace(microsecond=123456)),
        ),
        (
            {"id": "1", "event_type": "x", "timestamp": "2026-01-31T10:00:00"},
            Event(id="1", type="x", at=NOW),
        ),
        ({"id": "1", "event_type": "x", "timestamp": 17}, Event(id="1", type="x")),
        (
            {
                "id": "1",
                "event_type": "association_change",
                "association": {
                    "connection": {"from": {"type": "USER_GROUP", "id": "g"}, "to": None}
                },
            },
            Event(
                id="1", type="association_change", subjects=(Subject(kind="user_group", id="g"),)
            ),
        ),
    ],
)
def test_events_of_any_shape(row: object, event: Event | None) -> None:
    assert parse_event(row) == event


def test_an_event_without_an_id_is_known_by_what_it_says() -> None:
    first, same, other = (parse_event({"event_type": name}) for name in ("a", "a", "b"))

    assert first == same
    assert first is not None
    assert other is not None
    assert first.id != other.id


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (None, []),
        ([None, {"event_type": "sso_auth"}], []),
        ([{"event_type": "user_deprovision"}], [()]),
        ([{"event_type": "user_deprovision", "application": "Keepnet"}], [("Keepnet",)]),
        (
            [
                {
                    "event_type": "integration_activate",
                    "resource": {"type": "application", "id": "a", "name": "Keepnet"},
                }
            ],
            [("Keepnet",)],
        ),
    ],
)
def test_connector_events_of_any_shape(rows: object, names: list[tuple[str, ...]]) -> None:
    assert [use.names for use in parse_connectors(rows)] == names


def _row(number: str) -> dict[str, object]:
    return {"id": number, "event_type": "user_update", "resource": {"type": "user", "id": number}}


def _page(rows: list[dict[str, object]], limit: int, mark: str) -> bytes:
    count = str(len(rows))
    answer = reply(rows, X_Result_Count=count, X_Limit=str(limit), X_Search_after=mark)
    return answer.replace(b"X-Search-after", b"X-Search_after")
