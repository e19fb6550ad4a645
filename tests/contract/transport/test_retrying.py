"""What is repeated, how often, after how long, over real sockets."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from jcsync.errors import (
    ConflictError,
    NotFoundError,
    RejectedError,
    RemoteError,
    StoppedError,
    TransientError,
    UnauthorizedError,
    UnknownOutcomeError,
    UnreadableError,
)
from jcsync.transport import RetryPolicy
from tests.contract.transport.server import HASTY, Asked, RawServer, in_turn, reply, transport_to

OK = reply({"ok": True})


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_passing_failures_are_repeated(method: str, status: int) -> None:
    """What does no harm twice is tried again."""
    with (
        RawServer(in_turn(reply({}, status), reply({}, status), OK)) as server,
        transport_to(server.url) as transport,
    ):
        assert transport.request(method, "/x").body == {"ok": True}
    assert len(server.asked) == 3
    assert transport.retries == 2
    assert transport.repeats == 2
    assert transport.answers == {str(status): 2, "200": 1}


@pytest.mark.parametrize("damaged", [b"", b"<html>", b'{"a": [1, 2'], ids=["empty", "page", "cut"])
def test_answer_that_is_no_json_may_be_better_the_next_time(damaged: bytes) -> None:
    """A read is repeated, not as often as a failure: a wrong address never gets better."""
    with (
        RawServer(in_turn(*[reply(damaged)] * 3, OK)) as server,
        transport_to(server.url) as transport,
    ):
        assert transport.request("GET", "/x").body == {"ok": True}
    with (
        RawServer(lambda _, __: reply(damaged)) as server,
        transport_to(server.url) as transport,
        pytest.raises(UnreadableError),
    ):
        transport.request("GET", "/x")
    assert len(server.asked) == 4


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_writes_are_not_repeated_after_a_failure(method: str, status: int) -> None:
    """A 5xx does not tell whether the write was applied."""
    with (
        RawServer(in_turn(reply({}, status), OK)) as server,
        transport_to(server.url) as transport,
        pytest.raises(UnknownOutcomeError),
    ):
        transport.request(method, "/x", body={})
    assert len(server.asked) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_writes_are_not_repeated_after_a_lost_answer(method: str) -> None:
    """The connection was closed, nobody knows when."""
    with (
        RawServer(in_turn(None, OK)) as server,
        transport_to(server.url) as transport,
        pytest.raises(UnknownOutcomeError),
    ):
        transport.request(method, "/x", body={})
    assert len(server.asked) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_writes_are_repeated_after_429(method: str) -> None:
    """Who asks to slow down has not acted."""
    with (
        RawServer(in_turn(reply({}, 429), OK)) as server,
        transport_to(server.url) as transport,
    ):
        transport.request(method, "/x", body={})
    assert len(server.asked) == 2


def test_search_by_post_is_repeated() -> None:
    """A POST that reads is like a GET."""
    with (
        RawServer(in_turn(reply({}, 500), OK)) as server,
        transport_to(server.url) as transport,
    ):
        transport.request("POST", "/search", body={}, reads=True)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply({}, 400), RejectedError, "rejected"),
        (reply({}, 401), UnauthorizedError, r"refused the credentials at GET.*Do this\."),
        (reply({}, 403), UnauthorizedError, r"does not permit GET.*Do this\."),
        (reply({}, 404), NotFoundError, "does not know"),
        (reply(b"", 404), NotFoundError, "does not know"),
        (reply(b"<html>404", 404), UnreadableError, "nothing is believed to be gone"),
        (reply(b"default backend - 404", 404), UnreadableError, "nothing is believed to be gone"),
        (reply({"scimType": "uniqueness"}, 409), ConflictError, "a conflict at .*uniqueness"),
        (reply({}, 412), RejectedError, "rejected"),
        (reply({}, 413), RejectedError, "rejected"),
        (reply({}, 422), RejectedError, "rejected"),
        (reply({}, 501), RejectedError, "rejected"),
        (reply({}, 505), RejectedError, "rejected"),
    ],
)
def test_lasting_refusals_are_not_repeated(
    answer: bytes, kind: type[RemoteError], words: str
) -> None:
    """Each has its own class, which tells what to do next."""
    with (
        RawServer(in_turn(answer)) as server,
        transport_to(server.url, advice="Do this.") as transport,
        pytest.raises(kind, match=words) as caught,
    ):
        transport.request("GET", "/x")
    assert type(caught.value) is kind
    assert len(server.asked) == 1


def test_write_that_is_forbidden_does_not_blame_the_token() -> None:
    """403 to a write is about the resource; the advice about the token would mislead."""
    with (
        RawServer(in_turn(reply({}, 403))) as server,
        transport_to(server.url, advice="Make a new token.") as transport,
        pytest.raises(UnauthorizedError) as caught,
    ):
        transport.request("PATCH", "/x", body={})
    assert "new token" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        reply({}, 403, Retry_After="0"),
        reply({}, 403, X_RateLimit_Remaining="0"),
        reply({}, 403, RateLimit_Remaining="0", RateLimit_Reset="0"),
        reply({}, 403, X_Rate_Limit_Remaining="0", X_Rate_Limit_Reset="1769853600"),
        reply({"__type": "ThrottlingException"}, 400),
        reply({"message": "You have exceeded a secondary rate limit."}, 403),
        reply({"detail": "Too many requests", "scimType": "tooMany"}, 400),
    ],
)
def test_throttling_in_disguise_is_repeated(answer: bytes) -> None:
    """Some servers say "slow down" by 403 or 400."""
    with RawServer(in_turn(answer, OK)) as server, transport_to(server.url) as transport:
        assert transport.request("GET", "/x").body == {"ok": True}


def test_attempts_are_bounded() -> None:
    """A server that always fails is left alone after the last attempt."""
    with (
        RawServer(in_turn(reply({}, 503))) as server,
        transport_to(server.url) as transport,
        pytest.raises(TransientError, match="failed"),
    ):
        transport.request("GET", "/x")
    assert len(server.asked) == HASTY.attempts


def test_retry_after_is_obeyed_and_holds_the_others() -> None:
    """Nobody begins a request before the time that the server named."""
    throttled = threading.Event()
    times: list[float] = []

    def respond(asked: Asked, _: object) -> bytes:
        times.append(time.monotonic())
        if asked.target == "/first" and not throttled.is_set():
            throttled.set()
            return reply({}, 429, Retry_After="0.4")
        return OK

    with (
        RawServer(respond) as server,
        transport_to(server.url) as transport,
        ThreadPoolExecutor(2) as pool,
    ):
        first = pool.submit(transport.request, "GET", "/first")
        throttled.wait(5)
        deadline = time.monotonic() + 5
        while transport.retries == 0 and time.monotonic() < deadline:
            time.sleep(0.001)  # noqa: TID251 - until the answer is worked on
        pool.submit(transport.request, "GET", "/other").result()
        first.result()
    assert len(times) == 3
    assert min(times[1:]) - times[0] > 0.35


def test_wait_beyond_the_budget_is_not_begun() -> None:
    """A person who waits for ``check`` is not held for minutes, nor is the next step."""
    policy = RetryPolicy(attempts=9, budget_s=1)
    began = time.monotonic()
    with (
        RawServer(in_turn(reply({}, 429, Retry_After="60"), OK)) as server,
        transport_to(server.url, policy=policy) as transport,
    ):
        with pytest.raises(TransientError, match="slow down") as caught:
            transport.request("GET", "/x")
        transport.request("GET", "/x")
    assert caught.value.retry_after == 60
    assert time.monotonic() - began < 20


def test_stop_ends_every_wait_at_once() -> None:
    """A process that is asked to stop does not sleep out a Retry-After."""
    stop = threading.Event()
    with (
        RawServer(in_turn(reply({}, 429, Retry_After="60"))) as server,
        transport_to(server.url, stop=stop, policy=RetryPolicy()) as transport,
        ThreadPoolExecutor(4) as pool,
    ):
        calls = [pool.submit(transport.request, "GET", "/x") for _ in range(4)]
        deadline = time.monotonic() + 5
        while transport.retries == 0 and time.monotonic() < deadline:
            time.sleep(0.001)  # noqa: TID251 - until one of them waits
        began = time.monotonic()
        stop.set()
        for call in calls:
            with pytest.raises((StoppedError, TransientError)):
                call.result(timeout=2)
    assert time.monotonic() - began < 20


# --- writes that must not be repeated blindly


def test_lost_answer_that_took_effect_is_not_repeated() -> None:
    """The resource is found, so it is not made a second time."""
    with (
        RawServer(in_turn(None, OK)) as server,
        transport_to(server.url) as transport,
    ):
        assert transport.write("POST", "/Users", {}, applied=lambda: "found") == "found"
    assert len(server.asked) == 1


def test_lost_write_that_had_no_effect_is_repeated() -> None:
    """The resource is not there, so it is made."""
    looks: list[int] = []

    def applied() -> None:
        looks.append(len(server.asked))

    with (
        RawServer(in_turn(None, reply({}, 500), reply({"id": "1"}, 201))) as server,
        transport_to(server.url) as transport,
    ):
        answer = transport.write("POST", "/Users", {"a": 1}, applied=applied)
    assert not isinstance(answer, str | None)
    assert answer.status == 201
    assert looks == [1, 2]
    assert [asked.json for asked in server.asked] == [{"a": 1}] * 3


def test_write_is_looked_for_once_more_before_giving_up() -> None:
    """The last attempt may have been the one that was applied."""
    found = iter([None, None, None, "found"])
    with (
        RawServer(in_turn(None)) as server,
        transport_to(server.url) as transport,
    ):
        assert transport.write("POST", "/Users", {}, applied=lambda: next(found)) == "found"
    assert len(server.asked) == HASTY.attempts


@pytest.mark.parametrize("blind", [False, True], ids=["not-there", "cannot-look"])
def test_write_of_unknown_outcome_says_so(*, blind: bool) -> None:
    """Neither applied nor refused, for all that can be seen."""
    calls = 0

    def applied() -> None:
        nonlocal calls
        calls += 1
        if blind and calls == HASTY.attempts:
            message = "cannot look"
            raise TransientError(message)

    with (
        RawServer(in_turn(reply({}, 502))) as server,
        transport_to(server.url) as transport,
        pytest.raises(UnknownOutcomeError, match="502"),
    ):
        transport.write("POST", "/Users", {}, applied=applied)


def test_refused_write_is_not_looked_for() -> None:
    """A clear refusal needs no second look."""
    with (
        RawServer(in_turn(reply({}, 400))) as server,
        transport_to(server.url) as transport,
        pytest.raises(RejectedError),
    ):
        transport.write("POST", "/Users", {}, applied=lambda: pytest.fail("looked"))


# --- pace and threads


def test_ceiling_of_requests_per_second_is_kept() -> None:
    """However many threads there are, the rate is that of the settings."""
    with (
        RawServer(in_turn(OK)) as server,
        transport_to(server.url, requests_per_second=50, concurrency=8) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        began = time.monotonic()
        list(pool.map(lambda _: transport.request("GET", "/x"), range(21)))
        took = time.monotonic() - began
    assert took >= 0.39


def test_concurrency_is_bounded() -> None:
    """Never more requests under way than the settings allow."""

    def respond(_: Asked, __: object) -> bytes:
        time.sleep(0.005)  # noqa: TID251 - a slow server
        return OK

    with (
        RawServer(respond) as server,
        transport_to(server.url, concurrency=3) as transport,
        ThreadPoolExecutor(16) as pool,
    ):
        list(pool.map(lambda _: transport.request("GET", "/x"), range(48)))
    assert server.most_busy == 3


def test_sixteen_threads_share_one_transport() -> None:
    """Counters add up, answers are not mixed up, and no connection is thrown away."""
    failures = iter(range(10**6))

    def respond(asked: Asked, _: object) -> bytes:
        return reply({}, 500) if next(failures) % 5 == 0 else reply({"at": asked.target})

    def fetch(number: int) -> bool:
        return bool(transport.request("GET", f"/{number}").body == {"at": f"/{number}"})

    policy = RetryPolicy(attempts=30, longest_wait_s=0.001)
    with (
        RawServer(respond) as server,
        transport_to(server.url, concurrency=16, policy=policy) as transport,
        ThreadPoolExecutor(16) as pool,
    ):
        assert all(pool.map(fetch, range(400)))
    assert transport.requests == len(server.asked) == 400 + transport.retries
    assert sum(transport.answers.values()) == transport.requests


class Bucket:
    """A server that bears so many requests a second, and so many at once."""

    def __init__(self, per_second: float, burst: int, refusal: bytes) -> None:
        """Begin full."""
        self._per_second, self._burst, self._refusal = per_second, burst, refusal
        self._tokens, self._at = float(burst), time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, _: Asked, __: object) -> bytes:
        """Answer one request."""
        with self._lock:
            now = time.monotonic()
            grown = self._tokens + (now - self._at) * self._per_second
            self._tokens, self._at = min(self._burst, grown), now
            if self._tokens < 1:
                return self._refusal
            self._tokens -= 1
            return OK


@pytest.mark.parametrize(
    "refusal",
    [
        reply({}, 429),
        reply({}, 429, Retry_After="0.2"),
        reply({"detail": "Too many requests"}, 503),
    ],
    ids=["429", "seconds", "503"],
)
def test_few_requests_are_lost_to_a_rate_limit(refusal: bytes) -> None:
    """Under 5 % of them, from the first on, and every call succeeds."""
    with (
        RawServer(Bucket(300, 100, refusal)) as server,
        transport_to(server.url, concurrency=8, policy=RetryPolicy()) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: transport.request("POST", "/x", body={}), range(400)))
    assert transport.answers["200"] == 400
    assert transport.requests - 400 < 0.05 * transport.requests


class Few:
    """A server that refuses what comes while it works on so many requests.

    Attributes:
        met: How many it was working on, with each one that it took.
    """

    def __init__(self, most: int, refusal: bytes) -> None:
        """Begin idle."""
        self.met: list[int] = []
        self._most, self._refusal = most, refusal
        self._busy = 0
        self._lock = threading.Lock()

    def __call__(self, _: Asked, __: object) -> bytes:
        """Answer one request."""
        with self._lock:
            if self._busy >= self._most:
                return self._refusal
            self._busy += 1
            self.met.append(self._busy)
        time.sleep(0.01)  # noqa: TID251 - a slow server
        with self._lock:
            self._busy -= 1
        return OK


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize(
    "refusal",
    [reply({}, 429), reply({}, 429, Retry_After="0.2"), reply({"detail": "rate limit"}, 503)],
    ids=["429", "seconds", "503"],
)
def test_server_that_bears_few_at_once_is_used_in_full(refusal: bytes, most: int) -> None:
    """Under 5 % of the requests are lost, none is held back for the rate, and the next run knows."""
    respond = Few(most, refusal)
    with (
        RawServer(respond) as server,
        transport_to(server.url, concurrency=8, policy=RetryPolicy()) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: transport.request("POST", "/x", body={}), range(300)))
        assert transport.rates == {"at once": most}
        with transport_to(server.url, concurrency=8, rates=transport.rates) as again:
            list(pool.map(lambda _: again.request("POST", "/x", body={}), range(15)))
            assert again.rates == {}
    assert transport.answers["200"] == 300
    assert transport.requests - 300 < 0.05 * transport.requests
    assert most in respond.met[-115:-15]
    assert again.answers == {"200": 15}


def test_who_is_refused_has_met_those_that_ended_before() -> None:
    """A server that refuses slowly has been busy with them, though they began later."""
    came, ended = threading.Event(), threading.Event()
    busy = []

    def respond(asked: Asked, _: object) -> bytes:
        if asked.target == "/first" and not came.is_set():
            came.set()
            ended.wait(20)
            return reply({}, 429)
        busy.append(server.busy)
        time.sleep(0.005)  # noqa: TID251 - a slow server
        return OK

    with (
        RawServer(respond) as server,
        transport_to(server.url, concurrency=3) as transport,
        ThreadPoolExecutor(3) as pool,
    ):
        first = pool.submit(transport.request, "GET", "/first")
        came.wait(20)
        transport.request("GET", "/second")
        ended.set()
        first.result()
        list(pool.map(lambda _: transport.request("GET", "/x"), range(6)))
    assert busy == [2, *[1] * 7]


def test_who_waited_for_a_slot_keeps_to_the_rate_that_was_found_meanwhile() -> None:
    """Those that are held while the number is tried do not all begin once it is for the rate."""
    few, lock = Few(1, reply({}, 429)), threading.Lock()
    refused_until, refused = 0.0, 0

    def respond(asked: Asked, connection: object) -> bytes:
        nonlocal refused_until, refused
        with lock:
            if len(few.met) >= 6 and not refused_until:
                refused_until = time.monotonic() + 0.3
            if time.monotonic() < refused_until:
                refused += 1
                return reply({}, 429)
        # Once it is for the rate, any number passes.
        return OK if refused_until else few(asked, connection)

    with (
        RawServer(respond) as server,
        transport_to(server.url, concurrency=8) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: transport.request("POST", "/x", body={}), range(12)))
    assert refused <= 2


def test_rate_that_was_found_before_is_kept_from_the_first_request_on() -> None:
    """So that a run of a few requests loses none of them to finding it out anew."""
    with (
        RawServer(Bucket(50, 2, reply({}, 429))) as server,
        transport_to(server.url, concurrency=8, rates={"GET": 35.0}) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: transport.request("GET", "/x"), range(15)))
        assert transport.answers == {"200": 15}
        assert transport.rates == {}


def test_rates_that_were_found_are_told() -> None:
    """Of each method that was refused; of none where nothing was."""
    with (
        RawServer(Bucket(50, 10, reply({}, 429, Retry_After="0.2"))) as server,
        transport_to(server.url, concurrency=8, policy=RetryPolicy()) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: transport.request("GET", "/x"), range(100)))
        assert 5 < transport.rates["GET"] < 200


def test_what_a_server_says_is_left_is_not_exceeded() -> None:
    """Who counts down in every answer has to refuse hardly anybody."""
    left, until = 0, 0.0
    lock = threading.Lock()

    def respond(_: Asked, __: object) -> bytes:
        nonlocal left, until
        with lock:
            now = time.monotonic()
            if now >= until:
                left, until = 40, now + 0.9
            left -= 1
            told = {"X_RateLimit_Remaining": str(max(left, 0)), "X_RateLimit_Reset": "1"}
            return reply({}, 200 if left >= 0 else 429, **told)

    with (
        RawServer(respond) as server,
        transport_to(server.url, concurrency=8, policy=RetryPolicy()) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: transport.request("GET", "/x"), range(60)))
    assert transport.answers["429"] <= 2


def test_server_that_has_never_anything_left_is_not_believed() -> None:
    """It takes requests all the same."""
    told = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "60"}
    with (
        RawServer(in_turn(reply({}, **told))) as server,
        transport_to(server.url, concurrency=8) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        began = time.monotonic()
        list(pool.map(lambda _: transport.request("GET", "/x"), range(40)))
        assert time.monotonic() - began < 30


def test_request_that_was_never_sent_is_not_under_way() -> None:
    """Credentials that no header can carry do not make a server look spent."""
    told = {"RateLimit_Remaining": "3", "RateLimit_Reset": "60"}
    credentials = {"Authorization": "Bearer a\nb"}
    with (
        RawServer(in_turn(reply({}, **told))) as server,
        transport_to(server.url, authorization=credentials) as transport,
    ):
        for _ in range(8):
            with pytest.raises(UnauthorizedError):
                transport.request("GET", "/x")
        credentials["Authorization"] = "Bearer ab"
        began = time.monotonic()
        for _ in range(2):
            transport.request("GET", "/x")
        assert time.monotonic() - began < 30


def test_limit_of_one_method_holds_after_a_standstill() -> None:
    """Who waited while a platform of one request at a time was slow does not begin with others."""
    came: list[float] = []
    one = threading.Lock()
    slow = iter([0] * 20 + [0.5] * 3)

    def respond(_: Asked, __: object) -> bytes:
        came.append(time.monotonic())
        if not one.acquire(blocking=False):
            return reply({}, 429)
        time.sleep(next(slow, 0))  # noqa: TID251 - a platform that is slow for a while
        one.release()
        return OK

    with (
        RawServer(respond) as server,
        transport_to(
            server.url, requests_per_minute={"POST": 2400}, concurrency=8, policy=RetryPolicy()
        ) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: transport.request("POST", "/x", body={}), range(60)))
    spans = [later - first for first, later in zip(came, came[5:], strict=False)]
    assert min(spans) > 0.03  # of 0.125, and not at once


def test_limit_of_one_method_does_not_hold_the_others() -> None:
    """Nor does a refusal of that method: each that has a ceiling has a rate of its own."""
    refused = iter([True])

    def respond(asked: Asked, _: object) -> bytes:
        if asked.method == "POST" and next(refused, False):
            return reply({}, 429, Retry_After="300")
        return OK

    stop = threading.Event()
    with (
        RawServer(respond) as server,
        transport_to(
            server.url,
            requests_per_minute={"POST": 600},
            concurrency=1,
            policy=RetryPolicy(),
            stop=stop,
        ) as transport,
        ThreadPoolExecutor(1) as pool,
    ):
        held = pool.submit(transport.request, "POST", "/x", body={})
        while transport.retries == 0:
            time.sleep(0.001)  # noqa: TID251 - until the answer is worked on
        for _ in range(50):
            transport.request("GET", "/x")
        assert not held.done()
        stop.set()
        with pytest.raises((StoppedError, TransientError)):
            held.result()
