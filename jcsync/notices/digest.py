"""The digest: what happened in a day or a week, in a few lines."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from jcsync.model.history import RunRecord
from jcsync.ports import Store
from jcsync.render import counted

Rhythm = Literal["daily", "weekly"]

HOUR: Final = 7
_MONDAY: Final = 0
_RUNS: Final = 1_000_000


def last_turn(rhythm: Rhythm, now: datetime) -> datetime:
    """Return when the newest digest was due: at seven by the clock of ``now``, weekly on Monday."""
    turn = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    if turn > now:
        turn -= timedelta(days=1)
    if rhythm == "weekly":
        turn -= timedelta(days=(turn.weekday() - _MONDAY) % 7)
    return turn


def digest_text(store: Store, names: Sequence[str], since: datetime, now: datetime) -> str:
    """Return what happened to each connection since a moment."""
    return "\n\n".join(_about(store, name, since, now) for name in names)


def _about(store: Store, name: str, since: datetime, now: datetime) -> str:
    runs = store.runs(connection=name, since=since, limit=_RUNS)
    record = store.connection(name)
    holds = store.holds(connection=name, open_only=True)
    escrow = store.escrow(name)
    lines = [f"{name}{' (paused)' if record.paused else ''}", f"  runs: {_runs(runs)}"]
    lines.append(
        f"  changes: {sum(run.applied for run in runs)} applied, "
        f"{sum(run.failed for run in runs)} failed"
    )
    lines.append(f"  accounts managed: {record.managed}")
    if record.last_success is None:
        lines.append("  last success: never")
    else:
        hours = (now - record.last_success).total_seconds() / 3600
        lines.append(f"  last success: {hours:.1f} h ago")
    lines += [f"  held: jcsync approve {hold.id} or jcsync reject {hold.id}" for hold in holds]
    if escrow:
        lines.append(f"  in escrow: {counted(len(escrow), 'resource')}; look: jcsync escrow list")
    return "\n".join(lines)


def _runs(runs: Sequence[RunRecord]) -> str:
    ended = Counter(run.outcome or "not finished" for run in runs)
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(ended.items())) or "none"
