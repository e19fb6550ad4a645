"""The number of requests at once that adapts: against simulated servers, in simulated time."""

import heapq
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcsync.transport.concurrency import Belief, Concurrency, Slots
from tests.unit.transport.test_pace import bucket

Bears = Callable[[float, int], bool]
"""Whether a server takes a request, by its time and how many are being worked on."""


def simulate(
    bears: Bears,
    requests: int,
    *,
    threads: int = 8,
    latency: float = 0.02,
    seed: int = 1,
    known: int = 0,
) -> tuple[int, Concurrency]:
    """Let threads make requests until all have passed, each repeated a while after a refusal.

    Requests arrive in another order than they begin, and some answers take longer than others.

    Returns:
        How many were refused before it was for the rate, and what was found.
    """
    concurrency, chance = Concurrency(threads, known), random.Random(seed)
    refused, left, under_way, busy, now = 0, requests, 0, 0, 0.0
    ready = threads
    events: list[tuple[float, int, str, int, float]] = []

    def after(seconds: float, what: str, number: int = 0, began: float = 0.0) -> None:
        heapq.heappush(events, (now + seconds, chance.randrange(10**9), what, number, began))

    while (left and ready) or events:
        while left and ready and under_way < concurrency.limit:
            left, ready, under_way = left - 1, ready - 1, under_way + 1
            after(chance.uniform(0, 0.002), "arrives", under_way, now)
        now, _, what, number, began = heapq.heappop(events)
        number = max(number, under_way)
        if what == "arrives":
            is_borne = bears(now, busy)
            busy += is_borne
            if is_borne:
                after(latency * chance.uniform(0.8, 1.2), "passes", number, began)
            else:
                after(0.001, "fails", number, began)
        elif what == "passes":
            busy, under_way, ready = busy - 1, under_way - 1, ready + 1
            concurrency.passed(number, began, now)
        elif what == "fails":
            under_way, left = under_way - 1, left + 1
            refused += concurrency.belief is not Belief.RATE
            concurrency.refused(number, began, now)
            after(chance.uniform(0, 1), "ready")
        else:
            ready += 1
    return refused, concurrency


def bears_at_once(most: int) -> Bears:
    """A server that refuses what comes while it works on so many."""
    return lambda _, busy: busy < most


def bears_per_second(rate: float, burst: int) -> Bears:
    """A server with a token bucket."""
    bears = bucket(rate, burst)
    return lambda now, _: bears(now)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("latency", [0.005, 0.02, 0.5])
@pytest.mark.parametrize(("most", "threads"), [(1, 2), (1, 8), (2, 8), (3, 8), (6, 8), (10, 32)])
def test_number_that_a_server_bears_is_found(
    most: int, threads: int, latency: float, seed: int
) -> None:
    """By the requests of the first moment and a few others, and is kept."""
    number = 2000

    refused, found = simulate(
        bears_at_once(most), number, threads=threads, latency=latency, seed=seed
    )

    assert found.belief is Belief.NUMBER
    assert most <= found.limit <= most + 1
    assert refused < threads - most + 0.01 * number


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("latency", [0.005, 0.02])
@pytest.mark.parametrize(("rate", "burst"), [(2, 5), (5, 2), (10, 10), (25, 25), (25, 5)])
def test_rate_is_not_taken_for_a_number(rate: float, burst: int, latency: float, seed: int) -> None:
    """Few requests are lost until it is left to the rate; then as many as allowed may begin."""
    refused, found = simulate(bears_per_second(rate, burst), 300, latency=latency, seed=seed)

    assert (found.belief, found.limit) == (Belief.RATE, 8)
    assert refused <= 8 + 3


def test_number_is_found_again_when_it_grows() -> None:
    """What a server bore at first is not believed for ever."""
    _, found = simulate(lambda now, busy: busy < (2 if now < 5 else 6), 6000)

    assert (found.belief, found.limit in (6, 7)) == (Belief.NUMBER, True)


def test_number_is_found_again_when_it_shrinks() -> None:
    """Nor is it left to the rate then, for which little would pass."""
    refused, found = simulate(lambda now, busy: busy < (6 if now < 3 else 2), 3000)

    assert (found.belief, found.limit in (2, 3)) == (Belief.NUMBER, True)
    assert refused < 0.02 * 3000


def test_number_that_is_known_costs_nothing_and_is_told_only_if_found() -> None:
    """It is where the next run begins, and not what it has found unless something was refused."""
    refused, knowing = simulate(bears_at_once(3), 30, known=3)
    lost, found = simulate(bears_at_once(3), 300)
    grown = simulate(bears_at_once(8), 600, known=3)[1]

    assert (refused, knowing.limit, knowing.found) == (0, 3, 0)
    assert (lost > 0, found.found) == (True, 3)
    assert (grown.limit, grown.found) == (8, 0)


def test_refusal_where_so_many_have_passed_is_for_the_rate() -> None:
    """A number that passed again and again did so for good."""
    concurrency = Concurrency(4)
    for moment in range(8):
        concurrency.passed(4, moment, moment + 0.5)

    concurrency.refused(4, 10, 11)

    assert (concurrency.belief, concurrency.limit) == (Belief.RATE, 4)


def test_refusal_where_more_have_passed_is_for_the_rate() -> None:
    """Who took eight at once takes seven, which seldom happen to be under way."""
    concurrency = Concurrency(8)
    for moment in range(100):
        concurrency.passed(8, moment, moment + 0.5)

    concurrency.refused(7, 200, 201)

    assert (concurrency.belief, concurrency.limit) == (Belief.RATE, 8)


def test_who_took_a_slot_before_the_number_was_lowered_shows_nothing() -> None:
    """However late it began; the one that is alone then does, and all are told of."""
    slots, told = Slots(8), []
    for number, taken in enumerate([slots.take(), slots.take()]):
        slots.give()
        slots.refused(2, taken, lambda number=number: told.append(number))
    assert told == []
    slots.refused(1, slots.take(), lambda: told.append(2))
    assert told == [0, 1, 2]


def test_refusal_of_a_request_that_is_alone_is_for_the_rate() -> None:
    """There is no smaller number."""
    concurrency = Concurrency(4)

    concurrency.refused(1, 1, 2)

    assert (concurrency.belief, concurrency.limit) == (Belief.RATE, 4)


@given(
    answers=st.lists(
        st.tuples(st.booleans(), st.integers(1, 6), st.floats(0, 9), st.floats(0, 9)), max_size=300
    )
)
@settings(max_examples=200, deadline=None)
def test_one_request_may_always_begin_and_never_more_than_allowed(
    answers: list[tuple[bool, int, float, float]],
) -> None:
    """Whatever is answered, in whatever order."""
    concurrency = Concurrency(6)
    for is_borne, number, began, took in answers:
        answer = concurrency.passed if is_borne else concurrency.refused
        answer(number, began, began + took)
        assert 1 <= concurrency.limit <= 6
