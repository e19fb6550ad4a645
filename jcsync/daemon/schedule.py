"""Settings of a schedule → a trigger of APScheduler."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from jcsync.settings.connection import ScheduleSettings

_STARTS_AHEAD = 20


def build_trigger(schedule: ScheduleSettings) -> BaseTrigger:
    """Return when runs begin; the first one begins at once, whatever the trigger says."""
    zone = ZoneInfo(schedule.timezone)
    jitter = int(schedule.jitter_s) or None
    cron = schedule.cron_fields
    if cron is not None:
        return CronTrigger(
            minute=cron.minute,
            hour=cron.hour,
            day=cron.day,
            month=cron.month,
            day_of_week=cron.day_of_week,
            timezone=zone,
            jitter=jitter,
        )
    return IntervalTrigger(seconds=int(schedule.every or 0), timezone=zone, jitter=jitter)


def interval_s(schedule: ScheduleSettings, now: datetime) -> float:
    """Return the longest time between two of the next runs, in seconds."""
    if schedule.every is not None:
        return schedule.every
    trigger = build_trigger(schedule)
    starts = [trigger.get_next_fire_time(None, now)]
    while len(starts) < _STARTS_AHEAD and starts[-1] is not None:
        starts.append(trigger.get_next_fire_time(starts[-1], starts[-1]))
    return max(
        ((later - earlier).total_seconds() for earlier, later in pairwise(filter(None, starts))),
        default=0.0,
    )
