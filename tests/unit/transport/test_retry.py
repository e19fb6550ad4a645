"""The retry policy and the pace, without a server."""

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.errors import TransientError, UnknownOutcomeError
from jcsync.transport.retry import (
    NoConnectionError,
    Pace,
    RetryPolicy,
    UntrustedError,
    build_retrying,
    is_safe_to_repeat,
    is_unknown,
)


class Waits(threading.Event):
    """A stop event that remembers how long it was waited for, and does not wait."""

    def __init__(self) -> None:
        """Begin unset."""
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Return at once."""
        self.seconds.append(timeout or 0)
        return self.is_set()


def failing(error: Exception, times: int = 10**6) -> Callable[[], str]:
    left = iter(range(times))

    def call() -> str:
        if next(left, None) is not None:
            raise error
        return "done"

    return call


def waits_of(error: Exception, policy: RetryPolicy) -> list[float]:
    """Return how long a call that always fails was waited for before each repetition."""
    stop = Waits()
    retrying = build_retrying(
        policy, of=is_safe_to_repeat, pace=Pace(None, stop), stop=stop, waited=lambda: None
    )
    with pytest.raises(type(error)):
        retrying(failing(error))
    return stop.seconds


def test_waits_grow_with_full_jitter() -> None:
    """Each wait is drawn from 0 to a ceiling that doubles, up to the longest."""
    seen = [waits_of(TransientError("x"), RetryPolicy(longest_wait_s=3)) for _ in range(60)]
    assert {len(waits) for waits in seen} == {5}
    for ceiling, waits in zip((1, 2, 3, 3, 3), zip(*seen, strict=True), strict=True):
        assert all(0 <= wait <= ceiling for wait in waits)
        assert max(waits) > 0.7 * ceiling
        assert min(waits) < 0.3 * ceiling


@given(st.floats(0, 1e9))
def test_retry_after_is_capped_and_never_undercut(asked: float) -> None:
    """At least what was asked, at most 300 s and a tenth."""
    policy = RetryPolicy(attempts=2, budget_s=10**6)
    (wait,) = waits_of(TransientError("x", retry_after=asked), policy)
    assert min(asked, 300) <= wait <= min(asked, 300) * 1.1 + 0.05


def test_default_budget_allows_for_the_longest_retry_after() -> None:
    """A server that asks for five minutes gets them."""
    assert waits_of(TransientError("x", retry_after=300), RetryPolicy())


def test_connections_are_tried_less_often_and_bad_certificates_once() -> None:
    """Each kind of failure has its own number of attempts."""
    policy = RetryPolicy(attempts=6, connect_attempts=4)
    assert len(waits_of(NoConnectionError("x"), policy)) == 3
    assert waits_of(UntrustedError("x"), policy) == []
    assert waits_of(UnknownOutcomeError("x"), policy) == []


def test_unknown_outcomes_are_repeated_by_their_own_policy() -> None:
    """Only who looks first repeats them."""
    stop = Waits()
    retrying = build_retrying(
        RetryPolicy(), of=is_unknown, pace=Pace(None, stop), stop=stop, waited=lambda: None
    )
    assert retrying(failing(UnknownOutcomeError("x"), 2)) == "done"
    with pytest.raises(TransientError):
        retrying(failing(TransientError("x"), 1))


def test_nothing_is_repeated_after_stop() -> None:
    """A stop signal ends the trying, whatever the policy."""
    stop = threading.Event()
    stop.set()
    retrying = build_retrying(
        RetryPolicy(), of=is_safe_to_repeat, pace=Pace(None, stop), stop=stop, waited=lambda: None
    )
    with pytest.raises(TransientError):
        retrying(failing(TransientError("x"), 1))


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


def test_rate_is_halved_at_most_once_a_while_and_recovers() -> None:
    """Eight threads that are throttled at once halve the rate once, not 256 times."""
    pace = Pace(None, threading.Event())
    for _ in range(8):
        pace.slow_down()
    assert pace.gap_s == 0.1
    for _ in range(30):
        pace.speed_up()
    assert pace.gap_s == 0


def test_rate_never_exceeds_the_ceiling_nor_falls_to_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Five seconds between requests at the most; the ceiling of the settings at the least."""
    now = iter(range(0, 10**6, 100))
    monkeypatch.setattr("jcsync.transport.retry.monotonic", lambda: float(next(now)))
    pace = Pace(4, threading.Event())
    for _ in range(10):
        pace.slow_down()
    assert pace.gap_s == 5
    for _ in range(200):
        pace.speed_up()
    assert pace.gap_s == 0.25


def test_pace_ends_with_stop() -> None:
    """No turn is waited for once the process stops."""
    stop = threading.Event()
    pace = Pace(None, stop)
    pace.pause(60)
    stop.set()
    began = time.monotonic()
    pace.wait()
    assert time.monotonic() - began < 20
