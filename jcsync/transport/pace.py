"""How fast requests follow one another: as fast as the other side bears, never faster than allowed.

Nobody says what a server bears, and servers count in many ways, so it is found out. Until the first
refusal requests go as they come. After it they are spaced, and the rate follows one curve: it
begins a tenth below the rate at which requests have passed, returns to it, stays near it for a
while, and leaves it ever faster, until a refusal begins the curve anew. It is measured in requests,
so that about one in forty is refused, at whatever rate. Each method has a rate of its own, as
servers often let fewer writes pass than reads; a method that begins later begins at the rate of
the others.

Three refusals in a row mean that nothing is left: then one request at a time is tried, after
pauses that grow. Refusals that do not become rarer as requests become slower come by chance: they
slow nobody down.

Source:
    The curve is that of CUBIC (RFC 9438, section 4.2).
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from math import inf, sqrt
from time import monotonic

_BELOW = 0.9
_MOST = 2.0
_NEAR_REQUESTS = 40
_NEAR_S = 1.0
_PAUSES = 8
_LEAST_KNOWN = 7
_FASTEST = 10_000.0
_SLOWEST = 0.1
_MEASURED = 16
_ENOUGH = 3
_LATELY = 32
_IN_A_ROW = 3
_FIRST_GUESS = 10.0
_CAUTIOUS_GUESS = 4.0
_HALF = 0.5
_SOME = 0.1
_FIRST_PAUSE_S = 0.5
_LONGER = 2.0
_LONGEST_PAUSE_S = 10.0
_SHORTEST_S = 1e-3
_CRAWL = 2.0
_SURER = 0.7
_TOO_MANY = 0.4
_TWICE = 2
_BEYOND = 4.0
_LONG = 4
_SETTLING = 0.25
_CEILING_GAP = 1.1
_MINUTE_S = 60


class Chance:
    """Tells a limit from a server that refuses some requests however slowly they come.

    What a limit lets pass does not depend on how fast requests come. Where ever less passes, as
    requests become slower, and some are still refused, it is not for the rate; nor where less than
    one a second would be too many.

    Attributes:
        share: Of the requests, that are refused by chance; 0 while a limit is believed in.
    """

    def __init__(self) -> None:
        """Begin with the belief in a limit."""
        self.share = 0.0
        self._less = _HALF
        self.forget()

    def forget(self) -> None:
        """Begin to look: a limit has shown itself, by many refusals at once."""
        self._most, self._refused, self._asked = 0.0, 0, 0

    def explains(self, refused: int, asked: int) -> bool:
        """Whether so many refusals are no more than chance brings."""
        if not self.share:
            return False
        expected = self.share * asked
        if refused > expected + _BEYOND * sqrt(expected) + 1:
            self.share, self._less = 0.0, self._less * _SURER
            self.forget()
            return False
        if asked >= _LONG * _MEASURED:
            self.share += (refused / asked - self.share) * _SETTLING
        return True

    def judge(self, refused: int, asked: int, seconds: float) -> bool:
        """Look at what has been refused since the rate was lowered; return whether it is chance."""
        self._refused += refused
        self._asked += asked
        passed = (asked - refused) / max(seconds, _SHORTEST_S)
        if refused > asked * _TOO_MANY:
            self.forget()
        elif seconds >= _NEAR_S:
            is_slow = passed < _CRAWL * self._less and refused > 1
            if is_slow or passed < self._most * self._less:
                self.share = self._refused / self._asked
                self.forget()
            self._most = max(self._most, passed)
        return self.share > 0


class Rate:
    """A rate that adapts. No clock, no lock: times come in, in seconds of any steady clock.

    Attributes:
        per_second: Requests a second now, ``None`` while they are not spaced.
        peak: What has passed when the last one was refused, per second; ``None`` before that.
    """

    def __init__(
        self, ceiling: float | None, peak: float | None = None, *, guessed: bool = True
    ) -> None:
        """Start at the ceiling, ``None`` for none, or near a rate that is guessed or known."""
        self.per_second = ceiling
        self.peak = peak
        self._ceiling = ceiling
        self._not_before = 0.0
        self._last = self._cut_at = self._spent_at = -inf
        self._since: float | None = None
        self._passed = self._refused = self._curve_passed = 0
        self._curve_at = -inf
        self._recent = deque[float]()
        self._before = (0.0, 0)
        self._row = self._vain = 0
        self._near = _LEAST_KNOWN if guessed else _NEAR_REQUESTS
        self._cost_s = 0.0
        self._is_known = peak is not None
        self._chance = Chance()

    # ------------------------------------------------------------------ turns

    def due(self, now: float) -> float:
        """Return when the next request may begin, as far as is known now."""
        if self._since is None:
            self._since = self._curve_at = now
        self._grow(now)
        gap = 1 / self.per_second if self.per_second else 0.0
        return max(self._last + gap, self._not_before)

    def begins(self, now: float) -> None:
        """A request begins, in its turn."""
        self._last = now

    def pause(self, now: float, seconds: float) -> None:
        """Let no request begin for so long; of several pauses the longest counts."""
        self._not_before = max(self._not_before, now + seconds)

    def _grow(self, now: float) -> None:
        """Follow the curve, sooner away from a rate that few requests have shown.

        And the later, the longer the pauses that a refusal costs. A rate that has doubled without
        a refusal is where the curve begins anew.
        """
        began = max(self._curve_at, self._not_before)
        if self.peak is None or now <= began:
            return
        near_s = max(_NEAR_S, _PAUSES * self._cost_s) * self._near / _NEAR_REQUESTS
        along = min((self._passed - self._curve_passed) / self._near, (now - began) / near_s)
        growth = 1 - (1 - _BELOW) * (1 - along) ** 3
        self.per_second = min(self.peak * min(growth, _MOST), self._ceiling or _FASTEST)
        if growth >= _MOST:
            self.peak, self._curve_at, self._curve_passed = self.per_second, now, self._passed

    # ------------------------------------------------------------------ answers

    def passed(self, began: float, now: float) -> None:
        """A request was not refused.

        Args:
            began: When the request began.
            now: When it was answered.
        """
        self._row = self._vain = 0
        if began > self._cut_at:
            self._passed += 1
            self._recent.append(now)
            while len(self._recent) > _LATELY and now - self._recent[0] > _NEAR_S:
                self._recent.popleft()
            self._look(now)

    def refused(self, began: float, now: float, *, told: float | None = None) -> None:
        """A request was refused for the rate: lower it, and pause where nobody says how long.

        Args:
            began: When the request began.
            now: When it was refused.
            told: Seconds to wait, as the other side says: then ``pause`` is called with them. 0: it
                may have failed for another reason, for which nobody else waits long.
        """
        self._cost_s = told or 0.0
        if began > self._cut_at:
            self._refused += 1
            self._look(now)
        if began <= self._spent_at:
            return
        self._row += 1
        if self._vain or self._row >= _IN_A_ROW * (_TWICE if self._chance.share else 1):
            self._spend(now, told)

    def _spend(self, now: float, told: float | None) -> None:
        """Nothing is left: try again after a pause, and after a longer one if that is in vain.

        What passed at full speed before is no rate: then one is guessed, unless a time is told.
        """
        self._spent_at, self._row = now, 0
        self._chance.forget()
        if self._passed or self._refused or not (told or self._is_known):
            least = _CAUTIOUS_GUESS if told == 0 else _SLOWEST
            self._cut(now, max(self._measure(now, spent=True), least))
        if told is None or (told and self._vain > 1):
            self.pause(now, min(_FIRST_PAUSE_S * _LONGER**self._vain, _LONGEST_PAUSE_S))
        self._vain += 1

    def _look(self, now: float) -> None:
        """Lower the rate once enough has been answered, unless all refusals come by chance."""
        asked = self._passed + self._refused
        if (asked < _MEASURED and self._refused < _ENOUGH) or not self._refused:
            return
        if not (
            self._chance.explains(self._refused, asked)
            or self._chance.judge(self._refused, asked, now - (self._since or 0.0))
        ):
            self._cut(now, self._measure(now))
        elif self.peak is not None or asked >= _LONG * _MEASURED:
            self.peak, self.per_second, self._is_known = None, self._ceiling, False
            self._begin(now)

    def _measure(self, now: float, *, spent: bool = False) -> float:
        """Return at which rate requests have passed; a guess after the first ones at full speed."""
        since, passed = self._since or 0.0, self._passed
        if passed < _IN_A_ROW and self._before[1]:
            since, passed = self._before[0], self._before[1] + passed
        self._before = (since, passed)
        seconds = max(now - since, _SHORTEST_S)
        self._near = min(max(passed, _LEAST_KNOWN), _NEAR_REQUESTS)
        rate = passed / seconds if passed else _CAUTIOUS_GUESS
        lately_s = now - self._recent[0] if len(self._recent) >= _MEASURED else 0.0
        if lately_s >= min(_NEAR_S, seconds * _SOME):
            rate = max(rate, (rate + (len(self._recent) - 1) / lately_s) * _HALF)
        self._is_known = self._is_known or (seconds >= _NEAR_S and passed >= _MEASURED)
        if spent and not self._is_known:
            self._is_known, self._near = True, _LEAST_KNOWN
            guess = min(max(passed, _CAUTIOUS_GUESS), _FIRST_GUESS)
            rate = max(passed / max(seconds, _NEAR_S) * _HALF, guess)
        return max(min(rate, self.per_second or _FASTEST), _SLOWEST)

    def _cut(self, now: float, peak: float) -> None:
        self.peak = peak
        self.per_second = min(peak * _BELOW, self._ceiling or _FASTEST)
        self._begin(now)

    def _begin(self, now: float) -> None:
        self._cut_at = self._since = self._curve_at = now
        self._passed = self._refused = self._curve_passed = 0
        self._recent.clear()


class Pace:
    """Lets the requests of several threads begin one after another, at a rate that adapts.

    Attributes:
        answers: Requests that were answered.
    """

    def __init__(
        self,
        per_second: float | None,
        stop: threading.Event,
        peak: float | None = None,
        *,
        guessed: bool = True,
    ) -> None:
        """Start as ``Rate`` does; ``stop`` ends every wait."""
        self._rate = Rate(per_second, peak, guessed=guessed)
        self.answers = 0
        self._was_refused = False
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._stop = stop

    @property
    def peak(self) -> float | None:
        """What has passed when the last request was refused, per second."""
        return self._rate.peak

    @property
    def was_refused(self) -> bool:
        """Whether a request was refused for the rate."""
        return self._was_refused

    def wait(self, take: Callable[[], float] = monotonic) -> float:
        """Wait for this thread's turn; a pause that begins before it is waited for too.

        Args:
            take: Called in its turn, and may wait as well: the next one comes after that.

        Returns:
            What ``take`` does: when the turn was taken, on the monotonic clock.
        """
        with self._turn:
            while not self._stop.is_set() and (left_s := self._left_s()) > 0:
                self._stop.wait(left_s)
            taken = take()
            with self._lock:
                self._rate.begins(taken)
        return taken

    def _left_s(self) -> float:
        """Return how long it is until the next turn, as far as is known now."""
        with self._lock:
            now = monotonic()
            return self._rate.due(now) - now

    def pause(self, seconds: float) -> None:
        """Let nobody begin a request for so long."""
        with self._lock:
            self._rate.pause(monotonic(), seconds)

    def passed(self, began: float) -> None:
        """A request that began then, on the monotonic clock, was not refused."""
        with self._lock:
            self.answers += 1
            self._rate.passed(began, monotonic())

    def refused(self, began: float, told: float | None) -> None:
        """A request was refused for the rate.

        Args:
            began: When it began, on the monotonic clock.
            told: Seconds to wait, as for ``Rate``: then the retry policy pauses.
        """
        with self._lock:
            self.answers += 1
            self._was_refused = True
            self._rate.refused(began, monotonic(), told=told)


class Paces:
    """The paces of one side: one of each method, and one of all together with the ceiling."""

    def __init__(
        self,
        per_second: float | None,
        per_minute: Mapping[str, int],
        stop: threading.Event,
        *,
        rates: Mapping[str, float] | None = None,
    ) -> None:
        """Take the ceilings: of all requests a second, and of single methods a minute.

        Args:
            per_second: Of all requests, ``None`` for none.
            per_minute: Of single methods.
            stop: Ends every wait.
            rates: What methods were found to bear before, as in ``rates``.
        """
        spaced = None if per_second is None else per_second / _CEILING_GAP
        self._all = Pace(spaced, stop)
        self._own = {m: Pace(limit / _MINUTE_S, stop) for m, limit in per_minute.items()}
        known = {
            m: Pace(None, stop, rate or None, guessed=False) for m, rate in (rates or {}).items()
        }
        self._of = known | self._own
        self._stop = stop
        self._lock = threading.Lock()

    def of(self, method: str) -> Pace:
        """Return the pace of a method; a new one begins at the lowest that others have found."""
        pace = self._of.get(method)
        if pace is not None:
            return pace
        with self._lock:
            found = [peak for pace in self._of.values() if (peak := pace.peak) is not None]
            return self._of.setdefault(method, Pace(None, self._stop, min(found, default=None)))

    @property
    def rates(self) -> Mapping[str, float]:
        """What each method was found to bear, per second; 0 for any, empty if nothing was refused.

        A method of few requests shows little: it is taken to bear what the busiest one does.
        """
        with self._lock:
            paces = dict(self._of)
        if not any(pace.was_refused for pace in paces.values()):
            return {}
        busiest = max(paces.values(), key=lambda pace: pace.answers).peak or 0.0
        return {
            method: round(max(pace.peak or 0.0, busiest), 2)
            if pace.peak or pace.answers < _LATELY
            else 0.0
            for method, pace in paces.items()
        }

    def wait(self) -> None:
        """Wait for the turn among all requests."""
        self._all.wait()

    def pause(self, method: str, seconds: float) -> None:
        """Let nobody begin for so long; only the method where it has a ceiling of its own."""
        if method in self._own:
            self._own[method].pause(seconds)
            return
        with self._lock:
            held = [pace for name, pace in self._of.items() if name not in self._own]
        # Each of them: who had his turn in one would begin with all others once the pause is over.
        for pace in (self._all, *held):
            pace.pause(seconds)
