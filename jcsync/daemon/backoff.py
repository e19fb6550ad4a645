"""How long a connection that fails as a whole is left alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

LONGEST_S = 3600.0
"""No delay is longer, unless the connection's own interval is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    failures: int
    until: datetime


class Backoff:
    """Delays by connection: its interval, doubled with every failure in a row, up to an hour."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Begin without failures; ``now`` tells the time."""
        self._now = now
        self._troubles: dict[str, _Trouble] = {}

    def is_waiting(self, name: str, interval_s: float) -> bool:
        """Whether it is too early for another try.

        Starts are spread by a jitter, so a start up to half an interval early counts as in time.
        """
        trouble = self._troubles.get(name)
        tolerance = timedelta(seconds=interval_s / 2)
        return trouble is not None and self._now() < trouble.until - tolerance

    def fail(self, name: str, interval_s: float) -> tuple[int, float]:
        """Count a failure; return how many there were in a row, and the seconds to the next try."""
        before = self._troubles.get(name)
        failures = before.failures + 1 if before else 1
        longest = max(LONGEST_S, interval_s)
        # The exponent is bounded because a float is.
        delay = min(interval_s * 2 ** min(failures - 1, 32), longest)
        self._troubles[name] = _Trouble(
            failures=failures, until=self._now() + timedelta(seconds=delay)
        )
        return failures, delay

    def forgive(self, name: str) -> None:
        """Let a connection be tried at once: somebody has changed something."""
        trouble = self._troubles.get(name)
        if trouble is not None:
            self._troubles[name] = replace(trouble, until=self._now())

    def succeed(self, name: str) -> int:
        """Forget the failures of a connection; return how many there were in a row."""
        trouble = self._troubles.pop(name, None)
        return trouble.failures if trouble else 0
