"""Keys, service accounts and organisations of JumpCloud."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from jcsync.errors import SettingsError, TransientError, UnauthorizedError, UnreadableError
from jcsync.jumpcloud.auth import ApiKey, ServiceAccount
from jcsync.jumpcloud.client import JumpCloud
from jcsync.model.directory import Organization
from jcsync.model.rules import GroupSelector, Scope
from jcsync.sandbox import misfortunes
from jcsync.sandbox.world import DirectorySide
from tests.contract.jumpcloud.conftest import Connect
from tests.contract.transport.server import NOW, RawServer, in_turn, reply, transport_to

SALES = Scope(groups=(GroupSelector(name="Sales"),))


class MovingClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        """Begin at ten."""
        self.time = NOW

    def now(self) -> datetime:
        """Return the time."""
        return self.time


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def account(clock: MovingClock) -> Iterator[Callable[..., ServiceAccount]]:
    with ExitStack() as stack:

        def account(url: str, *pair: str) -> ServiceAccount:
            client_id, secret = pair or ("id", "s3cr3t")
            transport = stack.enter_context(
                transport_to(url, name="the token end point", authorization={"Accept": "*/*"})
            )
            return ServiceAccount(transport, client_id, secret, clock)

        yield account


# --- keys


def test_wrong_key_is_refused_once(side: DirectorySide, connect: Connect) -> None:
    """401 is not tried again, and the advice is given."""
    with pytest.raises(UnauthorizedError, match=r"401.*api key user not found.*Check the key"):
        connect(api_key="wrong").fetch_groups()
    assert side.faults.traffic.total == 1


def test_missing_key_is_a_redirect_to_the_login_page(connect: Connect) -> None:
    """It is not followed."""
    with pytest.raises(UnreadableError, match=r"redirects to /login.*credentials"):
        connect(api_key="").fetch_groups()


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (misfortunes.fail(403), UnauthorizedError, "does not permit"),
        (misfortunes.fail(404), Exception, "does not know"),
        (misfortunes.throttle(60), TransientError, "asks to slow down"),
        (misfortunes.fail(500), TransientError, "failed"),
        (misfortunes.page(200), UnreadableError, "HTML instead of JSON"),
        (misfortunes.cut_json(), UnreadableError, "broken JSON"),
    ],
)
def test_each_failure_has_its_own_words(
    side: DirectorySide, connect: Connect, fault: Any, kind: type[Exception], words: str
) -> None:
    """What the operator reads tells what happened, where."""
    side.faults.add(fault, count=None)
    with pytest.raises(kind, match=rf"JumpCloud .*{words}.*/api/v2/usergroups"):
        connect().fetch_groups()


# --- organisations


def test_organisation_of_the_key_is_named(side: DirectorySide, connect: Connect) -> None:
    """One organisation needs no setting."""
    found = connect().fetch_organization()
    assert found == Organization(id=side.state.id, name="Example Holding")


def test_several_organisations_need_a_choice(side: DirectorySide, connect: Connect) -> None:
    """The default of an MSP's key is never taken silently; the choice is sent where it counts."""
    other = side.api.add_organization("Other")
    key = side.api.issue_key(side.state.id, other.id)
    with pytest.raises(SettingsError, match=rf"directory\.org_id.*{other.id} \(Other\)"):
        connect(api_key=key).fetch_organization()
    other.create_group("Sales", [other.hire("ann@example.com").id])
    client = connect(api_key=key, org_id=other.id)
    assert client.fetch_organization() == Organization(id=other.id, name="Other")
    assert len(client.fetch_state(SALES).users) == 1
    for asked in side.faults.traffic.log:
        organizations = asked.path == "/api/organizations"
        assert ("x-org-id" in asked.headers) is not organizations


def test_organisation_that_the_key_does_not_see(side: DirectorySide, connect: Connect) -> None:
    """A mistyped id is a fault of the settings, unless the list is incomplete."""
    with pytest.raises(SettingsError, match="does not see the organisation"):
        connect(org_id="f" * 24).fetch_organization()
    side.faults.add(misfortunes.no_total(), path="organizations")
    assert connect(org_id="f" * 24).fetch_organization() == Organization(id="f" * 24)


@pytest.mark.parametrize("status", [403, 404])
def test_key_that_may_not_ask_for_organisations(
    side: DirectorySide, connect: Connect, status: int
) -> None:
    """The configured id is taken at its word."""
    side.faults.add(misfortunes.fail(status), path="organizations", count=None)
    assert connect().fetch_organization() == Organization()
    assert connect(org_id=side.state.id).fetch_organization().id == side.state.id


def test_refused_key_is_told_while_asking_for_organisations(connect: Connect) -> None:
    """401 is not 403."""
    with pytest.raises(UnauthorizedError):
        connect(api_key="wrong").fetch_organization()


# --- service accounts


def test_token_is_asked_for_as_documented(account: Callable[..., ServiceAccount]) -> None:
    """Basic authentication, form fields, and no JSON."""
    with RawServer(in_turn(reply({"access_token": "t1", "expires_in": 3600}))) as server:
        headers = account(f"{server.url}/oauth2/token").headers()
    assert headers == {"Authorization": "Bearer t1"}
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/oauth2/token")
    assert asked.headers["authorization"] == f"Basic {base64.b64encode(b'id:s3cr3t').decode()}"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["api"]}


@pytest.mark.parametrize(
    ("expires_in", "good_for", "renewed_after"),
    [
        (3600, 3539, 3541),
        ("1800", 1739, 1741),
        (None, 3539, 3541),
        (0, 3539, 3541),
        (-5, 3539, 3541),
        (True, 3539, 3541),
        (1e99, 3539, 3541),
        (10, 4, 6),
    ],
)
def test_token_is_renewed_before_its_end(
    account: Callable[..., ServiceAccount],
    clock: MovingClock,
    expires_in: object,
    good_for: int,
    renewed_after: int,
) -> None:
    """A minute early, or after half of a short life; an hour where nothing is said."""
    body = {"access_token": "t", "expires_in": expires_in}
    with RawServer(in_turn(reply(body))) as server:
        credentials = account(server.url)
        for seconds, asked in ((0, 1), (good_for, 1), (renewed_after, 2)):
            clock.time = NOW + timedelta(seconds=seconds)
            credentials.headers()
            assert len(server.asked) == asked


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply({"error": "invalid_client"}, 401), UnauthorizedError, "client_id and client_secret"),
        (reply({"error": "invalid_client"}, 400), UnauthorizedError, "client_id and client_secret"),
        (reply({}, 404), UnreadableError, "directory.token_url"),
        (reply({}), UnreadableError, "no access_token"),
        (reply({"access_token": 7}), UnreadableError, "no access_token"),
        (reply(["t"]), UnreadableError, "no access_token"),
        (reply(b"<html>"), UnreadableError, "HTML instead of JSON"),
    ],
)
def test_token_that_is_not_given(
    account: Callable[..., ServiceAccount], answer: bytes, kind: type[Exception], words: str
) -> None:
    """The message names the setting, and never the secret."""
    with (
        RawServer(in_turn(answer)) as server,
        pytest.raises(kind, match=words) as caught,
    ):
        account(server.url).headers()
    assert "s3cr3t" not in str(caught.value)


def test_token_end_point_may_fail_in_passing(account: Callable[..., ServiceAccount]) -> None:
    """A POST that changes nothing is repeated."""
    with RawServer(in_turn(reply({}, 503), reply({"access_token": "t"}))) as server:
        assert account(server.url).headers() == {"Authorization": "Bearer t"}


def test_service_account_reads_the_directory(
    side: DirectorySide, connect: Connect, account: Callable[..., ServiceAccount]
) -> None:
    """With a bearer token in place of the key; a token that is refused is replaced once."""
    side.state.create_group("Sales", [side.state.hire("ann@example.com").id])
    client = connect(credentials=account(side.token_url, *side.api.issue_client()))
    assert client.fetch_state(SALES).complete
    assert all("x-api-key" not in asked.headers for asked in side.faults.traffic.log)
    side.api.expire_tokens()
    assert client.fetch_state(SALES).complete
    assert side.faults.traffic.counts["POST", "/oauth2/token"] == 2


def test_token_that_is_refused_twice_is_an_error(
    side: DirectorySide, connect: Connect, account: Callable[..., ServiceAccount]
) -> None:
    """One renewal is enough."""
    client = connect(credentials=account(side.token_url, *side.api.issue_client()))
    side.faults.add(misfortunes.fail(401), path="/api/", count=None)
    with pytest.raises(UnauthorizedError):
        client.fetch_groups()
    assert side.faults.traffic.counts["GET", "/api/v2/usergroups"] == 2


def test_role_without_permission_does_not_renew(
    side: DirectorySide, connect: Connect, account: Callable[..., ServiceAccount]
) -> None:
    """403 is about the role, not the token."""
    side.faults.add(misfortunes.fail(403), path="/api/", count=None)
    with pytest.raises(UnauthorizedError):
        connect(credentials=account(side.token_url, *side.api.issue_client())).fetch_groups()
    assert side.faults.traffic.counts["POST", "/oauth2/token"] == 1


def test_renewal_of_another_thread_is_kept(account: Callable[..., ServiceAccount]) -> None:
    """Who was refused with an old token does not throw the new one away."""
    tokens = [reply({"access_token": f"t{n}"}) for n in range(3)]
    with RawServer(in_turn(*tokens)) as server:
        credentials = account(server.url)
        old = credentials.headers()
        assert credentials.renew(old)
        new = credentials.headers()
        assert credentials.renew(old)
        assert credentials.headers() == new != old


def test_odd_answers_of_list_routes(build: Callable[..., JumpCloud]) -> None:
    """A total of -1 or as text proves nothing; keys that are not known are ignored."""
    rows = [{"id": "a" * 24, "name": "Sales", "novelty": {"deep": [1]}}]
    for envelope in (
        {"results": rows, "totalCount": -1},
        {"results": rows, "totalCount": True},
        {"results": rows},
        rows,
    ):
        with RawServer(in_turn(reply(envelope), reply([]))) as server:
            client = build(server.url, ApiKey("k"))
            assert [group.name for group in client.fetch_groups()] == ["Sales"]
            with pytest.raises(UnreadableError, match="no total for the groups"):
                client.fetch_state(Scope(groups=(GroupSelector(name="Other"),)))
