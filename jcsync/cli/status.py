"""``status``: how each connection stands."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from jcsync.cli.common import Options, common_options, emit_json
from jcsync.cli.filters import open_store_of
from jcsync.cli.history import run_document
from jcsync.cli.naming import connections_argument
from jcsync.cli.tables import age_text, local_text, print_lines
from jcsync.cli.watch import check_watchable, watch_lines
from jcsync.clock import SystemClock
from jcsync.model.facts import BELIEVED_FOR
from jcsync.model.history import (
    DRIFT,
    NEXT_RUN,
    THROTTLED,
    ConnectionRecord,
    EscrowRecord,
    HoldRecord,
    Memo,
)
from jcsync.render import Line, counted, time_text

if TYPE_CHECKING:
    from jcsync.settings import Loaded
    from jcsync.settings.connection import ScheduleSettings
    from jcsync.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """How one connection stands, as the store knows it."""

    record: ConnectionRecord
    holds: tuple[HoldRecord, ...]
    escrow: tuple[EscrowRecord, ...]
    memos: Mapping[str, Memo]
    schedule: "ScheduleSettings"
    now: datetime

    @property
    def next_run(self) -> datetime | None:
        """When the daemon runs it next, where one is at work."""
        memo = self.memos.get(NEXT_RUN)
        return datetime.fromisoformat(memo.value) if memo else None

    @property
    def throttled(self) -> int:
        """How often the last run was asked to slow down."""
        return int(self.memos[THROTTLED].value) if THROTTLED in self.memos else 0

    @property
    def drift(self) -> Counter[str] | None:
        """How much drift was seen last, by kind; ``None`` where nobody looked."""
        return Counter(json.loads(self.memos[DRIFT].value)) if DRIFT in self.memos else None

    @property
    def drift_seen_at(self) -> datetime | None:
        """When that was."""
        return self.memos[DRIFT].at if DRIFT in self.memos else None

    @property
    def lag_s(self) -> float:
        """For how long something that is due has not reached the platform, in seconds."""
        from jcsync.daemon.lag import lag_s  # noqa: PLC0415 - loads the scheduler

        since = self.record.last_success if self.next_run else None
        return lag_s(self.record, self.holds, self.escrow, self.schedule, since=since, now=self.now)


@click.command(short_help="Last run, age of the last success, holds.")
@connections_argument
@click.option("--watch", is_flag=True, help="Stay, and look again every 2 s; q or Ctrl-C ends it.")
@common_options
def status(options: Options, connections: tuple[str, ...], *, watch: bool) -> int:
    """Show how each connection stands."""
    if watch:
        check_watchable(options)
    loaded, store = open_store_of(options)
    from jcsync.wiring import chosen_names  # noqa: PLC0415 - not for the help

    with store:
        names = chosen_names(loaded, connections) or chosen_names(
            loaded, tuple(loaded.settings.connections)
        )
        if watch:
            watch_lines(lambda: _lines_of(loaded, store, names))
        elif options.json:
            documents = [_connection_document(_standing(loaded, store, name)) for name in names]
            emit_json({"connections": documents})
        else:
            print_lines(_lines_of(loaded, store, names))
    return 0


def _standing(loaded: "Loaded", store: "SqlStore", name: str) -> _Standing:
    return _Standing(
        record=store.connection(name),
        holds=store.holds(connection=name, open_only=True),
        escrow=store.escrow(name),
        memos=store.memos(name),
        schedule=loaded.settings.connections[name].schedule,
        now=SystemClock().now(),
    )


def _lines_of(loaded: "Loaded", store: "SqlStore", names: tuple[str, ...]) -> list[Line]:
    return [line for name in names for line in _connection_lines(_standing(loaded, store, name))]


def _connection_lines(standing: _Standing) -> list[Line]:
    record, now, escrow = standing.record, standing.now, standing.escrow
    lines: list[Line] = [((record.name, "bold"), (" (paused)" if record.paused else "", "yellow"))]
    lines += _run_lines(standing)
    success = "never"
    if record.last_success is not None:
        success = f"{age_text((now - record.last_success).total_seconds())} ago"
    lines.append((("  last success  ", "dim"), (success, "")))
    if lag := int(standing.lag_s):
        words = f"{age_text(lag)}: something that is due has not reached the platform"
        lines.append((("  behind        ", "dim"), (words, "yellow")))
    if standing.next_run is not None and not record.paused:
        lines.append((("  next run      ", "dim"), (local_text(standing.next_run), "")))
    if standing.throttled:
        words = f"{counted(standing.throttled, 'answer')} of the last run asked to slow down"
        lines.append((("  throttled     ", "dim"), (words, "yellow")))
    lines.append((("  managed       ", "dim"), (counted(record.managed, "account"), "")))
    if record.learnt_at is not None:
        since = now - record.learnt_at
        old = "; too old for runs to go by, again: jcsync check" if since > BELIEVED_FOR else ""
        words = f"{age_text(since.total_seconds())} ago what the platform does{old}"
        lines.append((("  learnt        ", "dim"), (words, "")))
    if record.last_run is not None:
        lines.append((("  drift         ", "dim"), _drift_words(standing)))
    lines += [
        line
        for hold in standing.holds
        for line in (
            (
                ("  held          ", "dim"),
                (f"hold {hold.id}: {', '.join(v.limit for v in hold.violations)}", "red"),
            ),
            ((f"                look: jcsync holds show {hold.id}", ""),),
        )
    ]
    if escrow:
        first = age_text(max(0.0, (escrow[0].next_try_at - now).total_seconds()))
        lines.append(
            (
                ("  escrow        ", "dim"),
                (counted(len(escrow), "resource"), "red"),
                (f", next try in {first}; look: jcsync escrow", ""),
            )
        )
    if record.lease_owner:
        lines.append((("  writing now   ", "dim"), (record.lease_owner, "")))
    return lines


def _run_lines(standing: _Standing) -> Iterator[Line]:
    """Say how the last run went."""
    record, run = standing.record, standing.record.last_run
    if run is None:
        yield (("  never run; next: ", ""), (f"jcsync plan {record.name}", ""))
        return
    bad = run.outcome in ("failed", "partial", "held", "")
    outcome = run.outcome or ("under way" if record.lease_owner else "not finished")
    age = age_text((standing.now - run.started_at).total_seconds())
    yield (
        ("  last run      ", "dim"),
        (outcome, "red" if bad else "green"),
        (f", {age} ago, {counted(run.applied, 'change')} applied", ""),
        (f", {run.failed} failed" if run.failed else "", "red"),
    )
    if run.error:
        yield (("                ", ""), (run.error, "red"))


def _drift_words(standing: _Standing) -> tuple[str, str]:
    """Say how much drift there was when somebody looked, and how it looks."""
    drift, seen_at, look = standing.drift, standing.drift_seen_at, standing.record.name
    if drift is None or seen_at is None:
        return f"not looked for yet; look: jcsync drift {look}", ""
    age = age_text((standing.now - seen_at).total_seconds())
    if not drift.total():
        return f"none, {age} ago", ""
    kinds = ", ".join(f"{number} {kind}" for kind, number in drift.items())
    words = f"{counted(drift.total(), 'resource')}, {age} ago: {kinds}; look: jcsync drift {look}"
    return words, "yellow"


def _connection_document(standing: _Standing) -> dict[str, Any]:
    record, now, next_run = standing.record, standing.now, standing.next_run
    drift, seen_at = standing.drift, standing.drift_seen_at
    success = record.last_success
    return {
        "connection": record.name,
        "paused": record.paused,
        "organization": record.organization or None,
        "last_run": run_document(record.last_run) if record.last_run else None,
        "last_success": time_text(success) if success else None,
        "last_success_age_s": int((now - success).total_seconds()) if success else None,
        "lag_s": int(standing.lag_s),
        "next_run": time_text(next_run) if next_run else None,
        "throttled": standing.throttled,
        "learnt_at": time_text(record.learnt_at) if record.learnt_at else None,
        "managed": record.managed,
        "holds": [hold.id for hold in standing.holds],
        "escrow": len(standing.escrow),
        "drift": drift.total() if drift is not None else None,
        "drift_seen_at": time_text(seen_at) if seen_at else None,
        "lease_owner": record.lease_owner or None,
    }
