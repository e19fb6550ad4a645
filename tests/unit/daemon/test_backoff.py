"""How long a connection that fails as a whole is left alone."""

from jcsync.daemon.backoff import Backoff
from tests.fakes import FixedClock


def test_delay_doubles_up_to_an_hour() -> None:
    """The next try is an interval away, then two, then four, and never more than an hour."""
    backoff = Backoff(FixedClock().now)

    delays = [backoff.fail("demo", 300)[1] for _ in range(6)]

    assert delays == [300, 600, 1200, 2400, 3600, 3600]


def test_interval_longer_than_an_hour_is_kept() -> None:
    """Who runs once a day is tried once a day."""
    backoff = Backoff(FixedClock().now)

    assert [backoff.fail("demo", 86_400)[1] for _ in range(3)] == [86_400] * 3


def test_it_waits_until_its_time_has_come() -> None:
    """Starts before the next try are left out; one that a jitter brought early is not."""
    clock = FixedClock()
    backoff = Backoff(clock.now)
    for _ in range(3):
        backoff.fail("demo", 300)

    clock.move(seconds=900)
    assert backoff.is_waiting("demo", 300)
    assert not backoff.is_waiting("other", 300)
    clock.move(seconds=270)
    assert not backoff.is_waiting("demo", 300)


def test_success_starts_anew() -> None:
    """A connection that recovered is as if it had never failed."""
    backoff = Backoff(FixedClock().now)
    backoff.fail("demo", 300)
    backoff.fail("demo", 300)

    assert backoff.succeed("demo") == 2
    assert backoff.succeed("demo") == 0
    assert not backoff.is_waiting("demo", 300)
    assert backoff.fail("demo", 300) == (1, 300)


def test_a_thousand_failures_are_no_overflow() -> None:
    """Whoever is down for a year is still tried every hour."""
    backoff = Backoff(FixedClock().now)

    assert [backoff.fail("demo", 300)[1] for _ in range(2000)][-1] == 3600
