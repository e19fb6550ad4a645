"""For how long something that is due has not reached the platform. Pure.

Source:
    ``docs/metrics.md``.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from jcsync.daemon.schedule import next_starts
from jcsync.model.history import ConnectionRecord, EscrowRecord, HoldRecord
from jcsync.settings.connection import ScheduleSettings


def lag_s(
    record: ConnectionRecord,
    holds: Iterable[HoldRecord],
    escrow: Iterable[EscrowRecord],
    schedule: ScheduleSettings,
    *,
    since: datetime | None,
    now: datetime,
) -> float:
    """Return the age of what waits longest, in seconds; 0 when nothing does.

    Args:
        record: The connection; the starts of one that is paused do not count.
        holds: Its open holds.
        escrow: What failed and waits.
        schedule: When it should run.
        since: The last success, or what counts for it; ``None`` where no daemon is at work.
        now: The time.
    """
    waiting = [
        *(hold.created_at for hold in holds),
        *(resource.first_failed_at for resource in escrow),
    ]
    if since is not None and not record.paused:
        # Each start may be put off by its jitter; the next one is missed only after that.
        jitter = timedelta(seconds=schedule.jitter_s)
        waiting += [start + jitter for start in next_starts(schedule, since, 1)]
    return max([0.0, *((now - moment).total_seconds() for moment in waiting)])
