"""How fast requests follow one another: as fast as the other side bears, never faster than allowed.

Nobody says what a server bears, and servers count in many ways, so it is found out. Until the first
refusal requests go as they come. After it they are spaced: at a part of the rate that has passed
since the refusal before. From there the rate grows, the faster the longer none is refused, so
that one refusal in some forty requests tells that the limit is reached, and a limit that is gone
is soon forgotten. Requests that were under way when a refusal came say nothing new.
"""

import threading
from math import inf
from time import monotonic

_ENOUGH = 10
_MEASURED_S = 1.0
_BELOW_BORNE = 0.85
_LESS = 0.7
_HALF = 0.5
_SLOWEST = 0.1
_FIRST_AT_LEAST = 4.0
_ONE_AMONG_MANY = 5
_BY_TIME = 0.02
_BY_REQUESTS = 0.0002
_HASTE = 50.0
_CALMER = 0.3
_MOST = 0.1
_FASTER = 1.5
_UNSPACED = 10_000.0
_CLEARLY_LESS = 0.6
_IN_A_ROW = 2
_SHORT = 30
_LONG = 80
_FAR_MORE = 0.15
_FIRST_PAUSE_S = 0.5
_LONGER = 3.0
_LONGEST_PAUSE_S = 30.0


class Chance:
    """Tells a limit from a server that refuses some requests however slowly they come.

    What a limit lets pass does not depend on how fast requests come. Where less passes, pauses
    included, each time that they have become slower, the pauses are all that slows them.

    Attributes:
        borne: The most that has passed between two refusals, per second.
    """

    def __init__(self) -> None:
        """Begin with the belief in a limit."""
        self.borne = 0.0
        self._asked = self._refused = 0
        self._less = self._dense = 0
        self._needed = 2
        self._is_chance = False

    def judge(self, passed: int, elapsed: float) -> bool:
        """Return whether a refusal came by chance.

        Args:
            passed: Requests since the refusal before.
            elapsed: Seconds since then.
        """
        self.count(passed)
        if self._is_chance:
            if self._asked >= _SHORT and self._refused > self._asked * _FAR_MORE:
                self._is_chance, self._needed = False, self._needed + 2
                self._less, self.borne = 0, 0.0
            elif self._asked >= _LONG:
                self._asked, self._refused = self._asked // 2, self._refused // 2
        elif passed < _IN_A_ROW:
            self._dense += 1
            if self._dense >= _IN_A_ROW:
                self._less, self.borne = 0, 0.0
        elif passed >= _ENOUGH and elapsed >= _MEASURED_S:
            rate = passed / elapsed
            self._less = self._less + 1 if rate < self.borne * _CLEARLY_LESS else 0
            self.borne = max(self.borne, rate)
            self._dense = 0
            self._is_chance = self._less >= self._needed
            if self._is_chance:
                self._asked = self._refused = 0
        return self._is_chance

    def count(self, passed: int) -> None:
        """Count a refusal, and the requests that have passed before it."""
        self._asked += passed + 1
        self._refused += 1


class Rate:
    """A rate that adapts. No clock, no lock: times come in, in seconds of any steady clock.

    Attributes:
        per_second: Requests a second now, ``None`` while they are not spaced.
        turns: Grows whenever the turns that were given out are void: who waits for one asks again.
    """

    def __init__(self, ceiling: float | None) -> None:
        """Start at the ceiling, ``None`` for none."""
        self.per_second = ceiling
        self._ceiling = ceiling
        self.turns = 0
        self._next = 0.0
        self._last = -inf
        self._not_before = 0.0
        self._passed = 0
        self._haste = _HASTE
        self._since: float | None = None
        self._grown = 0.0
        self._refused_at = -1.0
        self._vain = 0
        self._chance = Chance()

    def reserve(self, now: float) -> float:
        """Return when the next request may begin."""
        self._since = now if self._since is None else self._since
        self._grow(now)
        due = max(self._next, self._not_before, now)
        self._next = due + (1 / self.per_second if self.per_second else 0)
        return due

    def begins(self, now: float) -> None:
        """A request begins, in its turn."""
        self._last = now

    def pause(self, now: float, seconds: float) -> None:
        """Let no request begin for so long; of several pauses the longest counts."""
        if now + seconds > self._not_before:
            self._not_before = now + seconds
            self._give_out_anew(now)

    def passed(self) -> None:
        """A request was not refused."""
        self._passed += 1
        self._vain = 0

    def refused(self, began: float, now: float, *, told: bool = False) -> None:
        """A request was refused for the rate: lower it, and pause where nobody says how long.

        Args:
            began: When the request began.
            now: When it was refused.
            told: Whether the other side says how long to wait: then ``pause`` is called with it.
        """
        if began <= self._refused_at:
            self._chance.count(0)
            return
        elapsed = now - (began if self._since is None else self._since)
        if self._chance.judge(self._passed, elapsed):
            faster = (self.per_second or _UNSPACED) * _FASTER
            self._take(min(faster, self._ceiling or _UNSPACED), now, told=told)
            return
        if self._passed >= _ENOUGH and elapsed >= _MEASURED_S:
            slower = self._passed / elapsed * _BELOW_BORNE
            if self.per_second is not None:
                slower = min(max(slower, self.per_second * _HALF), self.per_second * _BELOW_BORNE)
            self._haste = 1.0
        elif self.per_second is None:
            least = _FIRST_AT_LEAST * (1 if self._passed < _IN_A_ROW else _ONE_AMONG_MANY)
            slower = max(self._passed / max(elapsed, _MEASURED_S) * _HALF, least)
        elif self._passed:
            slower = self.per_second * _LESS
            self._haste = max(self._haste * _CALMER, 1.0)
        else:
            # The pauses grow meanwhile.
            slower = max(self.per_second * _HALF, 1.0)
        slower = max(slower, _SLOWEST, self._chance.borne * _HALF)
        slower = slower if self.per_second is None else min(slower, self.per_second)
        self._take(slower, now, told=told)

    def _take(self, rate: float, now: float, *, told: bool) -> None:
        """Go on at a rate after a refusal, and after a pause where nobody says how long."""
        self.per_second = rate
        self._refused_at = self._since = self._grown = now
        pause = 0 if told else min(_FIRST_PAUSE_S * _LONGER**self._vain, _LONGEST_PAUSE_S)
        self._passed, self._vain = 0, self._vain + 1
        self._give_out_anew(now)
        self.pause(now, pause)

    def _give_out_anew(self, now: float) -> None:
        gap = 1 / self.per_second if self.per_second else 0.0
        self._next = max(now, self._last + gap)
        self.turns += 1

    def _grow(self, now: float) -> None:
        """Raise the rate, ever faster the longer and the oftener no request was refused.

        Not while it holds nobody: then it is no reason that more were not refused.
        """
        if self.per_second is None or self._refused_at < 0:
            return
        since = now - max(self._refused_at, self._not_before)
        if self._next <= now or since <= 0:
            self._grown = now
            return
        by_time = _BY_TIME * since * (now - self._grown)
        by_requests = _BY_REQUESTS * self._passed
        self.per_second *= 1 + min(min(by_time, by_requests) * self._haste, _MOST)
        self._grown = now
        if self._ceiling:
            self.per_second = min(self.per_second, self._ceiling)


class Pace:
    """Lets the requests of several threads begin at a rate that adapts, in the order they came."""

    def __init__(self, per_second: float | None, stop: threading.Event) -> None:
        """Start at the ceiling, ``None`` for none; ``stop`` ends every wait."""
        self._rate = Rate(per_second)
        self._lock = threading.Lock()
        self._stop = stop

    def wait(self) -> None:
        """Wait for this thread's turn; a pause that begins meanwhile is waited for too."""
        while not self._stop.is_set():
            with self._lock:
                now = monotonic()
                due = self._rate.reserve(now)
                turns = self._rate.turns
            if due > now:
                self._stop.wait(due - now)
            with self._lock:
                if turns == self._rate.turns:
                    self._rate.begins(max(due, now))
                    return

    def pause(self, seconds: float) -> None:
        """Let nobody begin a request for so long."""
        with self._lock:
            self._rate.pause(monotonic(), seconds)

    def passed(self) -> None:
        """A request was not refused."""
        with self._lock:
            self._rate.passed()

    def refused(self, began: float, *, told: bool) -> None:
        """A request was refused for the rate.

        Args:
            began: When it began, on the monotonic clock.
            told: Whether the other side says how long to wait: then the retry policy pauses.
        """
        with self._lock:
            self._rate.refused(began, monotonic(), told=told)
