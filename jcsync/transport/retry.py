"""When a call is repeated, how often, and how long to wait before.

The one retry policy of jcsync. A ``Retrying`` object is called, never a decorated function:
tenacity's decorator shares its statistics between threads.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import tenacity

from jcsync.errors import TransientError, UnknownOutcomeError

LONGEST_RETRY_AFTER_S = 300.0
_FIRST_GAP_S = 0.1
_LONGEST_GAP_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long one call is repeated.

    Attributes:
        attempts: Including the first.
        connect_attempts: The same while no connection can be made at all.
        budget_s: Seconds from the first attempt, waiting included.
        longest_wait_s: Ceiling of one wait when the server names none.
    """

    attempts: int = 6
    connect_attempts: int = 4
    budget_s: float = 600
    longest_wait_s: float = 30


class NoConnectionError(TransientError):
    """Nothing was sent, for want of a connection: every method may be repeated."""


class UntrustedError(NoConnectionError):
    """Nothing was sent, and nothing will be: the certificate or the address is refused."""


class Pace:
    """Spaces the requests of several threads, slower after every 429, and faster as they pass.

    With or without a ceiling the rate is halved when the other side throttles, at most once in
    the time that two requests take, and grows by a twentieth with every request that passes.
    """

    def __init__(self, per_second: float | None, stop: threading.Event) -> None:
        """Start at the ceiling; ``stop`` ends every wait."""
        self._least_gap = 1 / per_second if per_second else 0.0
        self._gap = self._least_gap
        self._next = 0.0
        self._slowed = 0.0
        self._pauses = 0
        self._lock = threading.Lock()
        self._stop = stop

    def wait(self) -> None:
        """Wait for this thread's turn; a pause that begins meanwhile is waited for too."""
        while not self._stop.is_set():
            with self._lock:
                now = monotonic()
                due = max(self._next, now)
                self._next = due + self._gap
                pauses = self._pauses
            if due > now:
                self._stop.wait(due - now)
            if pauses == self._pauses:
                return

    def pause(self, seconds: float) -> None:
        """Let nobody begin a request for so long."""
        with self._lock:
            until = monotonic() + seconds
            if until > self._next:
                self._next = until
                self._pauses += 1

    def slow_down(self) -> None:
        """Halve the rate: the other side throttles."""
        with self._lock:
            now = monotonic()
            if now - self._slowed > 2 * self._gap:
                self._slowed = now
                self._gap = min(max(2 * self._gap, _FIRST_GAP_S), _LONGEST_GAP_S)

    def speed_up(self) -> None:
        """Raise the rate a little: a request has passed."""
        with self._lock:
            gap = self._gap * 0.95
            self._gap = self._least_gap if gap < _FIRST_GAP_S / 2 else max(gap, self._least_gap)

    @property
    def gap_s(self) -> float:
        """Seconds between the starts of two requests, now."""
        return self._gap


def is_safe_to_repeat(error: BaseException) -> bool:
    """Tell whether a call failed in passing and certainly had no effect, or may have it twice."""
    return isinstance(error, TransientError) and not isinstance(
        error, UnknownOutcomeError | UntrustedError
    )


def is_unknown(error: BaseException) -> bool:
    """Tell whether a write may have been applied."""
    return isinstance(error, UnknownOutcomeError)


def build_retrying(
    policy: RetryPolicy,
    *,
    of: Callable[[BaseException], bool],
    pace: Pace,
    stop: threading.Event,
    waited: Callable[[], None],
) -> tenacity.Retrying:
    """Return the policy as an object to call.

    ``Retry-After`` wins, capped at 300 s, and holds every thread of this side as long as the
    budget allows for it; without it the wait is drawn from 0 to half of ``2 ** attempt`` seconds
    (full jitter), so that agents started at the same minute drift apart.

    Args:
        policy: The bounds.
        of: Which errors are repeated.
        pace: Told of ``Retry-After``.
        stop: Once set, nothing is repeated and no wait goes on.
        waited: Called before each wait, to count.
    """

    def is_spent(state: tenacity.RetryCallState) -> bool:
        no_connection = isinstance(_error(state), NoConnectionError)
        attempts = policy.connect_attempts if no_connection else policy.attempts
        elapsed = (state.seconds_since_start or 0) + state.upcoming_sleep
        return stop.is_set() or state.attempt_number >= attempts or elapsed > policy.budget_s

    def wait_s(state: tenacity.RetryCallState) -> float:
        error = _error(state)
        asked = _asked_s(error)
        if asked is not None:
            return asked + random.uniform(0, 0.05 + 0.1 * asked)  # noqa: S311 - no secret
        ceiling = min(policy.longest_wait_s, 0.5 * 2**state.attempt_number)
        return random.uniform(0, ceiling)  # noqa: S311 - no secret

    def hold_others(state: tenacity.RetryCallState) -> None:
        asked = _asked_s(_error(state))
        if asked is not None:
            pace.pause(asked)

    def sleep(seconds: float) -> None:
        waited()
        stop.wait(seconds)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(of),
        wait=wait_s,
        stop=is_spent,
        before_sleep=hold_others,
        sleep=sleep,
        reraise=True,
    )


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None


def _asked_s(error: BaseException | None) -> float | None:
    asked = error.retry_after if isinstance(error, TransientError) else None
    return None if asked is None else min(asked, LONGEST_RETRY_AFTER_S)
