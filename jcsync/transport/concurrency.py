"""How many requests are under way at once: as many as allowed, or as the other side bears.

Some servers refuse what comes while they are busy with too many requests, others what comes too
fast, and both in the same words. The first show themselves at once: of the requests that begin
together the last are refused, while one at a time always passes. So where the first refusal comes
before so many at once have passed, it is tried how many do: one at a time, then two, until one is
refused. Where that is one that was alone, or where refusals go on at a number that has passed, it
is for the rate, which ``pace`` looks after. Else it is for their number: one more is tried now and
then, ever more seldom, and all is tried anew where fewer pass than did for long.
"""

import threading
from collections.abc import Callable
from enum import Enum, auto
from math import inf
from time import monotonic

_SHOWN = 8
_RARE = 100
_FIRST_HOLD = 32
_LONGEST_HOLD = 4096
_LONGER = 2


class Belief(Enum):
    """Why requests are refused, as far as is known."""

    NOTHING = auto()
    """None was."""
    EITHER = auto()
    """For their number or for their rate: it is tried how many pass."""
    NUMBER = auto()
    RATE = auto()


class Concurrency:
    """A number of requests that adapts. No clock, no lock: times come in, as for ``pace.Rate``.

    Attributes:
        limit: Requests that may be under way now.
        belief: Why some were refused.
    """

    def __init__(self, most: int, known: int = 0) -> None:
        """Begin with as many as are allowed, or as were found to be borne before; 0 for unknown."""
        self._most = most
        self.limit = self._borne = min(known or most, most)
        self.belief = Belief.NUMBER if self.limit < most else Belief.NOTHING
        self._was_refused = False
        self._passed = [0] * (most + 1)
        self._full = self._known = self._unexplained = 0
        self._hold = _FIRST_HOLD
        self._since = -inf

    @property
    def found(self) -> int:
        """How many requests at once were found to be borne; 0 where none was refused for it."""
        return self._borne if self._was_refused and self.belief is Belief.NUMBER else 0

    def passed(self, number: int, began: float, now: float) -> None:
        """A request was not refused.

        Args:
            number: How many were under way when it began or ended, itself included.
            began: When it began.
            now: When it was answered.
        """
        self._passed[number] += 1
        self._known += self.belief is Belief.NUMBER
        if began < self._since or number < self.limit:
            return
        self._full += 1
        if self._full < (_SHOWN if self.belief is Belief.EITHER else self._hold):
            return
        self._borne = self.limit
        if self.limit < self._most:
            self._let(self.limit + 1, now)
        elif self.belief is Belief.EITHER:
            self.belief = Belief.NUMBER

    def refused(self, number: int, began: float, now: float) -> None:
        """A request was refused, for their number or for their rate.

        Args:
            number: How many may have been under way while it was, itself included.
            began: When it began.
            now: When it was refused.
        """
        self._was_refused = True
        if self.belief is Belief.RATE or began < self._since:
            return
        if self.belief is Belief.NOTHING and number > 1 and sum(self._passed[number:]) < _SHOWN:
            self.belief, self._borne = Belief.EITHER, 0
            self._let(1, now)
        elif 0 < self._borne < self.limit:
            self.belief = Belief.NUMBER
            self._hold = min(self._hold * _LONGER, _LONGEST_HOLD)
            self._let(self._borne, now)
        elif self.belief is Belief.NUMBER and (self._unexplained + 1) * _RARE <= self._known:
            # A server may count a request that has just been answered.
            self._unexplained += 1
        elif self.belief is Belief.NUMBER and number > 1 and self._known >= _RARE:
            # What has passed for so long may have become less.
            self.belief, self._borne = Belief.EITHER, 0
            self._known = self._unexplained = 0
            self._let(1, now)
        else:
            self.blame_rate()

    def blame_rate(self) -> None:
        """Believe from now on that requests are refused for their rate."""
        self.belief, self.limit = Belief.RATE, self._most

    def _let(self, limit: int, now: float) -> None:
        self.limit, self._since, self._full = limit, now, 0


class Slots:
    """Lets as many requests of several threads be under way as the other side bears."""

    def __init__(self, most: int, known: int = 0) -> None:
        """Start as ``Concurrency`` does."""
        self._concurrency = Concurrency(most, known)
        self._taken = 0
        self._free = threading.Condition(threading.Lock())
        self._untold: list[Callable[[], None]] = []

    def take(self) -> float:
        """Wait for a slot, and take it; return when, as ``passed`` and ``refused`` want to know."""
        with self._free:
            while self._taken >= self._concurrency.limit:
                self._free.wait()
            self._taken += 1
            return monotonic()

    def give(self) -> None:
        """Give it to another request."""
        with self._free:
            self._taken -= 1
            self._free.notify()

    def passed(self, number: int, began: float) -> None:
        """A request was not refused; see ``Concurrency``."""
        with self._free:
            before = self._concurrency.limit
            self._concurrency.passed(number, began, monotonic())
            if self._concurrency.limit > before:
                self._free.notify(self._concurrency.limit - before)

    def refused(self, number: int, began: float, blame_rate: Callable[[], None]) -> None:
        """A request was refused; see ``Concurrency``.

        Args:
            number: How many may have been under way while it was, itself included.
            began: When it took its slot.
            blame_rate: Called as soon as this one is known to be for the rate.
        """
        with self._free:
            self._concurrency.refused(number, began, monotonic())
            if self._concurrency.belief is Belief.NUMBER:
                self._untold = []
                return
            self._untold.append(blame_rate)
            if self._concurrency.belief is Belief.EITHER:
                return
        self._tell()

    @property
    def found(self) -> int:
        """How many requests at once were found to be borne; see ``Concurrency``."""
        with self._free:
            return self._concurrency.found

    def end_doubt(self) -> None:
        """Put what is in doubt down to the rate."""
        with self._free:
            if self._concurrency.belief is not Belief.EITHER:
                return
            self._concurrency.blame_rate()
        self._tell()

    def _tell(self) -> None:
        """Tell of all refusals that are for the rate, and only then let those begin who wait."""
        with self._free:
            untold, self._untold = self._untold, []
        for blame_rate in untold:
            blame_rate()
        with self._free:
            self._free.notify_all()
