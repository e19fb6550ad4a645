"""The retry policy and the pace, without a server."""

import threading
from collections.abc import Callable
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.errors import ThrottledError, TransientError, UnknownOutcomeError
from jcsync.transport.retry import (
    NoConnectionError,
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


def unheard(_method: str, _seconds: float) -> None:
    """Pause nobody."""


def failing(error: Exception, times: int = 10**6) -> Callable[[], str]:
    left = iter(range(times))

    def call(_method: str, _began: float) -> str:
        if next(left, None) is not None:
            raise error
        return "done"

    return call


def waits_of(error: Exception, policy: RetryPolicy) -> list[float]:
    """Return how long a call that always fails was waited for before each repetition."""
    stop = Waits()
    retrying = build_retrying(
        policy, of=is_safe_to_repeat, pause=unheard, stop=stop, waited=lambda: None
    )
    with pytest.raises(type(error)):
        retrying(failing(error), "GET", monotonic())
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


def test_who_is_asked_to_slow_down_does_so_while_the_budget_lasts() -> None:
    """Attempts are counted against failures, not against patience."""
    policy = RetryPolicy(attempts=3, budget_s=10**6)
    stop = Waits()
    paused: list[tuple[str, float]] = []
    retrying = build_retrying(
        policy,
        of=is_safe_to_repeat,
        pause=lambda method, seconds: paused.append((method, seconds)),
        stop=stop,
        waited=lambda: None,
    )
    assert (
        retrying(failing(ThrottledError("x", retry_after=1), 2000), "PATCH", monotonic()) == "done"
    )
    assert paused == [("PATCH", 1)] * 2000
    assert waits_of(ThrottledError("x", retry_after=9), RetryPolicy(budget_s=1)) == []


def test_unknown_outcomes_are_repeated_by_their_own_policy() -> None:
    """Only who looks first repeats them."""
    stop = Waits()
    retrying = build_retrying(
        RetryPolicy(), of=is_unknown, pause=unheard, stop=stop, waited=lambda: None
    )
    assert retrying(failing(UnknownOutcomeError("x"), 2), "POST", monotonic()) == "done"
    with pytest.raises(TransientError):
        retrying(failing(TransientError("x"), 1), "POST", monotonic())


def test_nothing_is_repeated_after_stop() -> None:
    """A stop signal ends the trying, whatever the policy."""
    stop = threading.Event()
    stop.set()
    retrying = build_retrying(
        RetryPolicy(), of=is_safe_to_repeat, pause=unheard, stop=stop, waited=lambda: None
    )
    with pytest.raises(TransientError):
        retrying(failing(TransientError("x"), 1), "POST", monotonic())
