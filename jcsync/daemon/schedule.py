"""Settings of a schedule → a trigger of APScheduler, and what is late by it."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from jcsync.settings.connection import ScheduleSettings
from jcsync.settings.times import Jitter, Window

_STARTS_AHEAD = 20
_DAYS_AHEAD = 6 * 366
"""A cron expression may mean the 29th of February, and a window Mondays."""

_PATIENCE = 3
"""Starts without success after which a connection is late."""


def build_trigger(schedule: ScheduleSettings) -> "Timetable":
    """Return when runs begin, in the window of the schedule, each start moved by its jitter."""
    zone, cron = ZoneInfo(schedule.timezone), schedule.cron_fields
    if cron is not None:
        trigger: BaseTrigger = CronTrigger(
            minute=cron.minute,
            hour=cron.hour,
            day=cron.day,
            month=cron.month,
            day_of_week=cron.day_of_week,
            timezone=zone,
        )
    else:
        trigger = IntervalTrigger(seconds=int(schedule.every or 0), timezone=zone)
    return Timetable(trigger, schedule.opening, zone, schedule.jitter_s)


class Timetable(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """Starts of another trigger within a window, each moved at random.

    A start of an interval comes earlier, as nobody should wait longer than that; every other is
    put off.
    """

    def __init__(
        self, trigger: BaseTrigger, window: Window | None, zone: ZoneInfo, jitter_s: float
    ) -> None:
        """Wrap a trigger."""
        self._trigger = trigger
        self._window = window
        self._zone = zone
        self._jitter_s = jitter_s

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return the next start, ``None`` where there is none."""
        start = self._trigger.get_next_fire_time(previous, now)
        window = self._window
        if isinstance(self._trigger, IntervalTrigger):
            if window is None or is_open(window, start, self._zone):
                return self._bring_forward(start, self._trigger.interval_length / 2)
            return self.put_off(next_opening(window, start, self._zone))
        for _ in range(_DAYS_AHEAD):
            if start is None or window is None or is_open(window, start, self._zone):
                break
            opening = next_opening(window, start, self._zone)
            start = self._trigger.get_next_fire_time(None, opening)
        return None if start is None else self.put_off(start)

    def put_off(self, start: datetime) -> datetime:
        """Return a start later by the jitter, where the window is open then."""
        later = start + _at_random(self._jitter_s)
        return later if self._opens(later) else start

    def _bring_forward(self, start: datetime, longest_s: float) -> datetime:
        earlier = start - _at_random(min(self._jitter_s, longest_s))
        return earlier if self._opens(earlier) else start

    def _opens(self, moment: datetime) -> bool:
        return self._window is None or is_open(self._window, moment, self._zone)


def _at_random(longest_s: float) -> timedelta:
    return timedelta(seconds=random.uniform(0, longest_s))  # noqa: S311 - no secret


def is_due(schedule: ScheduleSettings, moment: datetime) -> bool:
    """Whether a run may start at a moment."""
    window = schedule.opening
    return window is None or is_open(window, moment, ZoneInfo(schedule.timezone))


def first_start(schedule: ScheduleSettings, now: datetime) -> datetime | None:
    """Return when the first run begins: at once, or as soon as the window opens.

    By cron outside of the window: at the first start in it.
    """
    window = schedule.opening
    if window is None or is_due(schedule, now):
        return now
    trigger = build_trigger(schedule)
    if schedule.cron is None:
        now = next_opening(window, now, ZoneInfo(schedule.timezone))
        return trigger.put_off(now)
    start: datetime | None = trigger.get_next_fire_time(None, now)
    return start


def is_open(window: Window, moment: datetime, zone: ZoneInfo) -> bool:
    """Whether a window is open at a moment, by the clocks of a time zone."""
    local = moment.astimezone(zone)
    return window.contains(local.weekday(), local.hour * 60 + local.minute)


def next_opening(window: Window, moment: datetime, zone: ZoneInfo) -> datetime:
    """Return ``moment`` where the window is open then, else when it opens next.

    In the night in which the clocks go forward over the opening, it opens at the new time.
    """
    if is_open(window, moment, zone):
        return moment
    local = moment.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    # In UTC, because times of one zone compare by what their clocks show.
    openings = (
        (midnight + timedelta(days=days, minutes=window.start)).astimezone(UTC)
        for days in range(9)
        if (local.weekday() + days) % 7 in window.days
    )
    return next(opening for opening in openings if opening > moment)


def shortest_interval_s(schedule: ScheduleSettings, now: datetime) -> float:
    """Return the shortest time between two of the next starts, in seconds."""
    if schedule.every is not None:
        return schedule.every
    starts = next_starts(schedule, now, _STARTS_AHEAD)
    return min(
        ((later - earlier).total_seconds() for earlier, later in pairwise(starts)), default=0.0
    )


def late_after(schedule: ScheduleSettings, success: datetime) -> datetime | None:
    """Return when a connection is late: three more starts were due after its last success.

    ``None`` where so many never come.
    """
    starts = next_starts(schedule, success, _PATIENCE)
    if len(starts) < _PATIENCE:
        return None
    # Each start may be put off, and the next one counts from there.
    return starts[-1] + timedelta(seconds=_PATIENCE * schedule.jitter_s)


def next_starts(schedule: ScheduleSettings, after: datetime, number: int) -> list[datetime]:
    """Return the next starts after a moment, as if there were no jitter."""
    punctual = schedule.model_copy(update={"jitter": Jitter()})
    trigger = build_trigger(punctual)
    starts: list[datetime] = []
    before = after
    while len(starts) < number:
        start = trigger.get_next_fire_time(before, before + timedelta(microseconds=1))
        if start is None:
            break
        starts.append(start)
        before = start
    return starts
