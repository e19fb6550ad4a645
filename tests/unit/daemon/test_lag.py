"""For how long something that is due has not reached the platform."""

from datetime import UTC, datetime, timedelta

import pytest

from jcsync.daemon.lag import lag_s
from jcsync.model.history import ConnectionRecord, EscrowRecord, HoldRecord, HoldStatus
from jcsync.model.plan import Action
from jcsync.model.resource import Kind
from jcsync.settings.connection import ScheduleSettings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVERY_5M = {"every": "5m", "jitter": "0%"}


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def lag(
    *,
    schedule: dict[str, object] | None = None,
    since: datetime | None = NOON,
    paused: bool = False,
    held: datetime | None = None,
    failed: datetime | None = None,
    now: datetime,
) -> float:
    """The lag in minutes."""
    record = ConnectionRecord(
        name="demo",
        organization="",
        last_run=None,
        last_success=None,
        managed=0,
        paused=paused,
        lease_owner="",
    )
    holds = [
        HoldRecord(
            id=1,
            connection="demo",
            run_id="r",
            digest="",
            status=HoldStatus.HELD,
            created_at=moment,
            decided_at=None,
            decided_by="",
            violations=(),
        )
        for moment in ([held] if held else [])
    ]
    escrow = [
        EscrowRecord(
            connection="demo",
            kind=Kind.USER,
            external_id="u1",
            resource_id="",
            name="ann",
            action=Action.CREATE,
            fingerprint="",
            reason="",
            attempts=3,
            first_failed_at=moment,
            last_failed_at=moment + minutes(1),
            next_try_at=moment + minutes(99),
        )
        for moment in ([failed] if failed else [])
    ]
    settings = ScheduleSettings.model_validate(schedule or EVERY_5M)
    return lag_s(record, holds, escrow, settings, since=since, now=now) / 60


@pytest.mark.parametrize(("after", "expected"), [(0, 0), (5, 0), (6, 1), (65, 60)])
def test_missed_starts(after: int, expected: int) -> None:
    """It counts from the first start without success since."""
    assert lag(now=NOON + minutes(after)) == expected


def test_jitter_is_no_lag() -> None:
    """A start may be put off so much."""
    schedule: dict[str, object] = {"every": "10m", "jitter": "50%"}

    assert lag(schedule=schedule, now=NOON + minutes(15)) == 0
    assert lag(schedule=schedule, now=NOON + minutes(16)) == 1


def test_closed_window_is_no_lag() -> None:
    """Nothing is due while it is closed."""
    schedule = {**EVERY_5M, "window": "mon-fri 07:00-12:03"}

    assert lag(schedule=schedule, now=NOON + minutes(60 * 18)) == 0
    assert lag(schedule=schedule, now=NOON + minutes(60 * 20)) == 60


def test_nothing_is_due_without_a_daemon_or_when_paused() -> None:
    """Nobody has promised a start."""
    assert lag(since=None, now=NOON + minutes(600)) == 0
    assert lag(paused=True, now=NOON + minutes(600)) == 0


def test_what_waits_longest_counts() -> None:
    """Held plans and resources in escrow wait, whatever the schedule says."""
    now = NOON + minutes(6)

    assert lag(held=NOON - minutes(60), now=now) == 66
    assert lag(failed=NOON - minutes(10), held=NOON, now=now, paused=True) == 16
