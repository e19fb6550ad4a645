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

from jcsync.errors import GarbledError, ThrottledError, TransientError, UnknownOutcomeError

LONGEST_RETRY_AFTER_S = 300.0
_MOST_DOUBLINGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long one call is repeated.

    Attributes:
        attempts: Including the first; who is asked to slow down has as many as the time allows.
        connect_attempts: The same while no connection can be made at all.
        garbled_attempts: The same where the answer is no JSON: a wrong address answers so for ever.
        budget_s: Seconds from the first attempt, waiting included.
        longest_wait_s: Ceiling of one wait when the server names none.
    """

    attempts: int = 6
    connect_attempts: int = 4
    garbled_attempts: int = 4
    budget_s: float = 600
    longest_wait_s: float = 30


class NoConnectionError(TransientError):
    """Nothing was sent, for want of a connection: every method may be repeated."""


class UntrustedError(NoConnectionError):
    """Nothing was sent, and nothing will be: the certificate or the address is refused."""


def is_safe_to_repeat(error: BaseException) -> bool:
    """Tell whether a call failed in passing and certainly had no effect, or may have it twice."""
    return isinstance(error, TransientError | GarbledError) and not isinstance(
        error, UnknownOutcomeError | UntrustedError
    )


def is_unknown(error: BaseException) -> bool:
    """Tell whether a write may have been applied."""
    return isinstance(error, UnknownOutcomeError)


def build_retrying(
    policy: RetryPolicy,
    *,
    of: Callable[[BaseException], bool],
    pause: Callable[[str, float], None],
    stop: threading.Event,
    waited: Callable[[], None],
) -> tenacity.Retrying:
    """Return the policy as an object to call with a function and what it takes.

    That is the method, and when the first attempt began, on the monotonic clock.

    ``Retry-After`` wins, capped at 300 s, and holds every thread of this side as long as the
    budget allows for it; without it the wait is drawn from 0 to half of ``2 ** attempt`` seconds
    (full jitter), so that agents started at the same minute drift apart. Who is asked to slow down
    and not told for how long waits a second at the most: the pace sees to the rest.

    Args:
        policy: The bounds.
        of: Which errors are repeated.
        pause: Told of ``Retry-After``, with the method and in seconds.
        stop: Once set, nothing is repeated and no wait goes on.
        waited: Called before each wait, to count.
    """

    def is_spent(state: tenacity.RetryCallState) -> bool:
        error = _error(state)
        attempts = policy.attempts
        if isinstance(error, NoConnectionError):
            attempts = policy.connect_attempts
        elif isinstance(error, GarbledError):
            attempts = min(attempts, policy.garbled_attempts)
        elapsed = monotonic() - state.args[1] + state.upcoming_sleep
        if stop.is_set() or elapsed > policy.budget_s:
            return True
        return state.attempt_number >= attempts and not isinstance(error, ThrottledError)

    def wait_s(state: tenacity.RetryCallState) -> float:
        error = _error(state)
        asked = _asked_s(error)
        if asked is not None:
            return asked + random.uniform(0, 0.05 + 0.1 * asked)  # noqa: S311 - no secret
        doublings = 1 if isinstance(error, ThrottledError) else state.attempt_number
        longest = min(policy.longest_wait_s, 0.5 * 2 ** min(doublings, _MOST_DOUBLINGS))
        return random.uniform(0, longest)  # noqa: S311 - no secret

    def hold_others(state: tenacity.RetryCallState) -> None:
        asked = _asked_s(_error(state))
        if asked is not None:
            pause(str(state.args[0]), asked)

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
