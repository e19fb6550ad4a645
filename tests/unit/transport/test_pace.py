"""The rate that adapts: against simulated servers, in simulated time."""

import heapq
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcsync.transport.pace import Pace, Paces, Rate

Bears = Callable[[float], bool]
"""Whether a server takes a request that arrives at a time."""


def bucket(per_second: float, burst: int) -> Bears:
    """A server with a token bucket."""
    tokens, last = float(burst), 0.0

    def bears(now: float) -> bool:
        nonlocal tokens, last
        tokens, last = min(burst, tokens + (now - last) * per_second), now
        if tokens < 1:
            return False
        tokens -= 1
        return True

    return bears


def window(number: int, seconds: float) -> Bears:
    """A server that counts anew in every window of time."""
    current, count = -1, 0

    def bears(now: float) -> bool:
        nonlocal current, count
        if now // seconds != current:
            current, count = int(now // seconds), 0
        count += 1
        return count <= number

    return bears


def simulate(
    bears: Bears,
    requests: int,
    *,
    latency: float = 0.02,
    threads: int = 8,
    ceiling: float | None = None,
    told: Callable[[float], float] | None = None,
) -> tuple[int, float, list[float]]:
    """Let threads make requests until all have passed.

    Args:
        bears: The server.
        requests: How many have to pass.
        latency: Seconds from a request to its answer.
        threads: As many requests are under way at the most.
        ceiling: Of the rate.
        told: Returns the ``Retry-After`` of a refusal; ``None``: the server says none.

    Returns:
        How many were refused, how long all took, and when each arrived.
    """
    rate, chance = Rate(ceiling), random.Random(1)
    refused, left, now = 0, requests, 0.0
    arrivals: list[float] = []
    queue: list[tuple[float, int, str, float]] = [(0.0, n, "comes", 0.0) for n in range(threads)]
    waiting: deque[int] = deque()
    is_awaited = False
    while queue:
        now, number, what, began = heapq.heappop(queue)
        if what == "comes":
            waiting.append(number)
            if is_awaited:
                continue
        elif what == "passes":
            rate.passed(began, now)
            heapq.heappush(queue, (now, number, "comes", 0.0))
            continue
        elif what == "fails":
            refused += 1
            left += 1
            wait = chance.uniform(0, 1) if told is None else told(now)
            rate.refused(began, now, told=None if told is None else wait)
            if told is not None:
                rate.pause(now, wait)
            heapq.heappush(queue, (now + wait, number, "comes", 0.0))
            continue
        else:
            is_awaited = False
        while waiting and left and (due := rate.due(now)) <= now:
            left -= 1
            rate.begins(now)
            arrivals.append(now)
            what = "passes" if bears(now) else "fails"
            heapq.heappush(queue, (now + latency, waiting.popleft(), what, now))
        if waiting and left:
            is_awaited = True
            heapq.heappush(queue, (due, -1, "turn", 0.0))
    return refused, now, arrivals


@pytest.mark.parametrize("latency", [0.002, 0.02, 0.2, 1.0])
@pytest.mark.parametrize(
    ("per_second", "burst"), [(2, 5), (5, 1), (10, 20), (25, 25), (100, 50), (300, 10)]
)
def test_few_requests_are_lost_to_a_token_bucket(
    per_second: float, burst: int, latency: float
) -> None:
    """Under 5 % of them, and most of what the server bears is used."""
    number = 1000

    refused, took, _ = simulate(bucket(per_second, burst), number, latency=latency)

    fastest = max((number - burst) / per_second, number * latency / 8)
    assert refused < 0.05 * (number + refused)
    assert took < 1.7 * fastest + 10


@pytest.mark.parametrize("latency", [0.005, 0.02])
@pytest.mark.parametrize(
    ("per_second", "burst"), [(5, 5), (10, 10), (10, 20), (25, 25), (25, 50), (50, 50)]
)
def test_few_of_few_hundred_requests_are_lost(
    per_second: float, burst: int, latency: float
) -> None:
    """What passed in the first moment, at full speed, is not taken for a rate."""
    refused, took, _ = simulate(bucket(per_second, burst), 300, latency=latency)

    assert refused < 0.05 * (300 + refused)
    assert took < 1.1 * (300 - burst) / per_second


@pytest.mark.parametrize("told", [False, True], ids=["untold", "told"])
def test_few_requests_are_lost_to_a_server_that_counts_by_the_minute(*, told: bool) -> None:
    """Also where a whole minute is spent at once and nobody says when the next one begins."""
    refused, took, _ = simulate(
        window(180, 60), 900, told=(lambda now: 60 - now % 60) if told else None
    )

    assert refused < 0.05 * (900 + refused)
    assert took < 600


def test_rate_recovers_when_the_limit_is_gone() -> None:
    """What a server bears no more for a while is not believed for ever."""
    slow = bucket(5, 5)

    _, took, arrivals = simulate(lambda now: now > 20 or slow(now), 4000)

    later = [at for at in arrivals if at > took - 5]
    assert len(later) > 5 * 100
    assert took < 90


@pytest.mark.parametrize("told", [False, True], ids=["untold", "told"])
@pytest.mark.parametrize("share", [0.012, 0.05])
def test_refusals_by_chance_slow_nobody_down(share: float, *, told: bool) -> None:
    """However slowly requests come, some are refused: then only the pauses are waited for."""
    chance = random.Random(5)

    refused, took, _ = simulate(
        lambda _: chance.random() >= share, 5000, told=(lambda _: 1.0) if told else None
    )

    assert took < refused + 150


def test_limit_is_found_after_refusals_by_chance() -> None:
    """Belief in chance ends where far more is refused."""
    chance, limit = random.Random(5), bucket(20, 20)

    def bears(now: float) -> bool:
        return limit(now) if now > 60 else chance.random() >= 0.05

    refused, took, arrivals = simulate(bears, 4000)

    assert refused - 0.05 * sum(at < 60 for at in arrivals) < 0.1 * (4000 + refused)
    assert took < 60 + 1.5 * 4000 / 20


@given(
    ceiling=st.floats(0.5, 200),
    per_second=st.floats(0.5, 300),
    burst=st.integers(1, 50),
    latency=st.floats(0.001, 2),
)
@settings(max_examples=60, deadline=None)
def test_ceiling_is_hard(ceiling: float, per_second: float, burst: int, latency: float) -> None:
    """No request begins sooner after the one before than the ceiling allows, whatever happens."""
    _, _, arrivals = simulate(bucket(per_second, burst), 120, latency=latency, ceiling=ceiling)

    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    assert min(gaps) >= 1 / ceiling - 1e-6


def test_server_without_limit_is_never_waited_for() -> None:
    """Requests go as they come."""
    refused, took, _ = simulate(lambda _: True, 800)

    assert (refused, round(took, 6)) == (0, 2)


def test_refusals_of_one_moment_count_once() -> None:
    """Eight threads that are refused at once lower the rate once."""
    rates = []
    for threads in (3, 8):
        rate = Rate(10)
        for number in range(30):
            rate.due(number / 10)
            rate.passed(number / 10, number / 10 + 0.01)
        for number in range(threads):
            rate.refused(3, 3.1 + number / 100)
        rates.append(rate.per_second)
    assert rates[0] == rates[1] == pytest.approx(0.9 * 30 / 3.1)


@pytest.mark.parametrize("told", [False, True], ids=["untold", "told"])
@pytest.mark.parametrize("share", [0.1, 0.2])
def test_frequent_refusals_by_chance_are_no_limit_either(share: float, *, told: bool) -> None:
    """The share of refusals that does not fall with the rate is found out soon."""
    refused, took = 0, 0.0
    for seed in range(8):
        chance = random.Random(seed)
        more, seconds, _ = simulate(
            lambda _, chance=chance: chance.random() >= share,
            1500,
            told=(lambda _: 1.0) if told else None,
        )
        refused, took = refused + more, took + seconds

    assert took < refused * (1.0 if told else 0.25) + 8 * 60


def test_window_that_is_spent_is_tried_seldom_and_not_late() -> None:
    """Nobody says when it begins anew: seven questions for 15 seconds, and no pause beyond ten."""
    refused, _, arrivals = simulate(lambda now: now > 15, 100, threads=1)

    assert refused <= 9
    assert max(later - earlier for earlier, later in pairwise(arrivals)) < 11


@pytest.mark.parametrize("told", [False, True], ids=["untold", "told"])
def test_rate_is_found_again_whenever_it_changes(*, told: bool) -> None:
    """Fifty a second, five, and fifty again: few are lost, and most of it is used."""
    fast, slow = bucket(50, 10), bucket(5, 5)

    refused, took, arrivals = simulate(
        lambda now: slow(now) if 20 < now < 40 else fast(now),
        3000,
        told=(lambda _: 1.0) if told else None,
    )

    assert refused < 0.05 * (3000 + refused)
    assert sum(at > took - 5 for at in arrivals) > 5 * 35


def test_new_method_begins_at_what_others_have_found() -> None:
    """The limit may be one for all of them; where it is not, the rate grows soon."""
    paces = Paces(None, {"DELETE": 600}, threading.Event())
    began = time.monotonic()
    get = paces.of("GET")
    assert get is paces.of("GET")
    assert paces.of("POST").peak is None
    for _ in range(3):
        get.refused(began + 60, 0.0)
    assert get.peak is not None
    assert paces.of("PATCH").peak == get.peak


def test_rates_are_told_of_who_was_refused() -> None:
    """Who was not is free; who made few requests is taken to bear what the busiest method does."""
    paces = Paces(None, {}, threading.Event())
    began = time.monotonic()
    for method, number in (("GET", 1), ("POST", 60), ("PUT", 50), ("PATCH", 1)):
        for _ in range(number):
            paces.of(method).passed(began)
    assert paces.rates == {}
    for method in ("POST", "GET"):
        for _ in range(3):
            paces.of(method).refused(began + 60, 0.0)
    rates = paces.rates
    assert rates["PUT"] == 0
    assert rates["GET"] == rates["PATCH"] == rates["POST"] > 0
    again = Paces(None, {}, threading.Event(), rates=rates)
    assert [again.of(m).peak for m in ("GET", "PUT")] == [rates["POST"], None]


def test_pause_of_one_method_holds_all_but_those_with_a_ceiling() -> None:
    """Who is told to wait does not go on with another method, unless that is counted by itself."""
    stop = Waits()
    paces = Paces(None, {"DELETE": 60_000}, stop)
    get, delete = paces.of("GET"), paces.of("DELETE")
    paces.pause("GET", 50)
    for wait, held in ((delete.wait, False), (get.wait, True), (paces.wait, True)):
        stop.clear()
        stop.seconds.clear()
        wait()
        assert [seconds > 49 for seconds in stop.seconds] == [True] * held


# --- with threads


class Waits(threading.Event):
    """A stop event that remembers how long it was waited for, and is set in place of a wait."""

    def __init__(self) -> None:
        """Begin unset."""
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Be set at once."""
        self.seconds.append(timeout or 0)
        self.set()
        return True


def test_pause_holds_those_who_wait_already() -> None:
    """A thread that has its turn soon waits for the end of a pause that begins meanwhile."""
    pace = Pace(20, threading.Event())
    pace.wait()
    thread = threading.Thread(target=pace.wait)
    began = time.monotonic()
    thread.start()
    pace.pause(0.2)
    thread.join()
    assert time.monotonic() - began >= 0.19


def test_shorter_pause_changes_nothing() -> None:
    """The longest pause counts."""
    stop = Waits()
    pace = Pace(None, stop)
    pace.pause(50)
    pace.pause(10)
    pace.wait()
    assert 49 < stop.seconds[0] <= 50


def test_refusal_without_a_word_pauses_and_one_with_does_not() -> None:
    """Where the server names the time, the retry policy pauses; and an outage holds nobody else."""
    for told, waited in ((None, True), (1.0, False), (0.0, False)):
        stop = Waits()
        pace = Pace(None, stop)
        for _ in range(3):
            pace.refused(time.monotonic() + 1, told)
        pace.wait()
        assert bool(stop.seconds) is waited


def test_pause_ends_with_stop() -> None:
    """No turn is waited for once the process stops."""
    stop = threading.Event()
    pace = Pace(None, stop)
    pace.pause(60)
    stop.set()
    began = time.monotonic()
    pace.wait()
    assert time.monotonic() - began < 20
