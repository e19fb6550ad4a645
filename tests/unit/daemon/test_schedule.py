"""When runs begin, and when a connection is late."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jcsync.daemon.schedule import (
    build_trigger,
    first_start,
    late_after,
    shortest_interval_s,
)
from jcsync.settings.connection import ScheduleSettings

TUESDAY_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def a_schedule(**fields: object) -> ScheduleSettings:
    return ScheduleSettings.model_validate({"jitter": "0%", **fields})


def starts(schedule: ScheduleSettings, after: datetime, number: int = 4) -> list[str]:
    """The next starts after a start, by the clocks of the schedule."""
    trigger, found = build_trigger(schedule), []
    for _ in range(number):
        start = trigger.get_next_fire_time(after, after + timedelta(microseconds=1))
        assert start is not None
        after = start
        found.append(f"{start.astimezone(ZoneInfo(schedule.timezone)):%a %d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"every": "30m"}, ["Tue 24 12:30", "Tue 24 13:00", "Tue 24 13:30", "Tue 24 14:00"]),
        (
            {"every": "5h", "window": "mon-fri 07:00-19:00"},
            ["Tue 24 17:00", "Wed 25 07:00", "Wed 25 12:00", "Wed 25 17:00"],
        ),
        (
            {"every": "24h", "window": "sat 22:00-06:00", "timezone": "Europe/Berlin"},
            ["Sat 28 22:00", "Sat 05 22:00", "Sat 12 22:00", "Sat 19 22:00"],
        ),
        (
            {"cron": "0 */6 * * *", "window": "08:00-20:00", "timezone": "Europe/Berlin"},
            ["Tue 24 18:00", "Wed 25 12:00", "Wed 25 18:00", "Thu 26 12:00"],
        ),
        (
            {"cron": "*/30 * * * *", "window": "sun 23:30-00:30"},
            ["Sun 29 23:30", "Mon 30 00:00", "Sun 06 23:30", "Mon 07 00:00"],
        ),
    ],
)
def test_starts(fields: dict[str, object], expected: list[str]) -> None:
    """Starts outside of the window move to its next opening, or to the next of cron in it."""
    assert starts(a_schedule(**fields), TUESDAY_NOON) == expected


@pytest.mark.parametrize(
    ("fields", "now", "expected"),
    [
        ({"every": "6h"}, TUESDAY_NOON, TUESDAY_NOON),
        ({"cron": "0 3 * * *"}, TUESDAY_NOON, TUESDAY_NOON),
        ({"every": "6h", "window": "11:00-13:00"}, TUESDAY_NOON, TUESDAY_NOON),
        ({"every": "6h", "window": "13:00-14:00"}, TUESDAY_NOON, TUESDAY_NOON.replace(hour=13)),
        (
            {"cron": "30 * * * *", "window": "13:00-14:00"},
            TUESDAY_NOON,
            TUESDAY_NOON.replace(hour=13, minute=30),
        ),
    ],
)
def test_first_start(fields: dict[str, object], now: datetime, expected: datetime) -> None:
    """At once, or as soon as the window lets it."""
    assert first_start(a_schedule(**fields), now) == expected


def test_window_over_the_night_of_the_clocks() -> None:
    """At 02:30 on the night in which 02:00 becomes 03:00, the window opens at 03:30."""
    night = datetime(2027, 3, 28, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    schedule = a_schedule(every="24h", window="sun 02:30-06:00", timezone="Europe/Berlin")

    assert starts(schedule, night - timedelta(days=1), 1) == ["Sun 28 03:30"]


def minutes_to_the_next(schedule: ScheduleSettings) -> list[float]:
    """From noon to the start after it, fifty times."""
    trigger = build_trigger(schedule)
    found = [trigger.get_next_fire_time(TUESDAY_NOON, TUESDAY_NOON) for _ in range(50)]
    return [(start - TUESDAY_NOON).total_seconds() / 60 for start in found if start is not None]


@pytest.mark.parametrize(
    ("fields", "first", "last"),
    [
        ({"every": "10m", "jitter": "10%"}, 9, 10),
        ({"every": "10m", "jitter": "100%"}, 5, 10),
        ({"every": "10m", "jitter": "20m"}, 5, 10),
        ({"cron": "*/10 * * * *", "jitter": "2m"}, 10, 12),
    ],
)
def test_jitter_makes_no_interval_longer(
    fields: dict[str, object], first: float, last: float
) -> None:
    """``every`` is what people wait at the most; a start of cron is put off."""
    found = minutes_to_the_next(a_schedule(**fields))

    assert len(found) == len(set(found)) == 50
    assert first <= min(found) < max(found) <= last


def test_jitter_never_leaves_the_window() -> None:
    """A start moves at random, and not out of the window; the first one is put off."""
    within = a_schedule(every="10m", jitter="100%", window="12:07-12:11")
    assert all(7 <= minutes < 11 for minutes in minutes_to_the_next(within))
    later = a_schedule(every="10m", jitter="1m", window="13:00-14:00")
    assert all(60 <= minutes <= 61 for minutes in minutes_to_the_next(later))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"every": "10m"}, TUESDAY_NOON + timedelta(minutes=30)),
        ({"every": "10m", "jitter": "1m"}, TUESDAY_NOON + timedelta(minutes=33)),
        ({"cron": "0 3 * * *"}, datetime(2026, 11, 27, 3, tzinfo=UTC)),
        (
            {"every": "8h", "window": "mon-fri 07:00-19:00"},
            datetime(2026, 11, 26, 7, tzinfo=UTC),
        ),
        ({"cron": "0 0 29 2 *"}, datetime(2036, 2, 29, tzinfo=UTC)),
    ],
)
def test_late(fields: dict[str, object], expected: datetime) -> None:
    """Three starts without success; a closed window makes nobody late."""
    assert late_after(a_schedule(**fields), TUESDAY_NOON) == expected


def test_shortest_interval() -> None:
    """Nights and weekends do not count: who failed at noon is not left alone until Monday."""
    assert shortest_interval_s(a_schedule(every="7m"), TUESDAY_NOON) == 420
    assert shortest_interval_s(a_schedule(cron="*/5 7-18 * * mon-fri"), TUESDAY_NOON) == 300
