"""``status``: how each connection stands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from jcsync.cli.common import Options, common_options, emit_json
from jcsync.cli.filters import open_store_of
from jcsync.cli.history import run_document
from jcsync.cli.tables import age_text, local_text, print_lines
from jcsync.clock import SystemClock
from jcsync.model.facts import BELIEVED_FOR
from jcsync.model.history import (
    NEXT_RUN,
    THROTTLED,
    ConnectionRecord,
    EscrowRecord,
    HoldRecord,
    Memo,
)
from jcsync.render import Line, counted, time_text


@click.command(short_help="Last run, age of the last success, holds.")
@click.argument("connections", nargs=-1, metavar="[CONNECTION]...")
@common_options
def status(options: Options, connections: tuple[str, ...]) -> int:
    """Show how each connection stands."""
    loaded, store = open_store_of(options)
    from jcsync.wiring import chosen_names  # noqa: PLC0415 - not for the help

    with store:
        names = chosen_names(loaded, connections) or chosen_names(
            loaded, tuple(loaded.settings.connections)
        )
        records = [store.connection(name) for name in names]
        held = {name: store.holds(connection=name, open_only=True) for name in names}
        waiting = {name: store.escrow(name) for name in names}
        memos = {name: store.memos(name) for name in names}
    now = SystemClock().now()
    if options.json:
        documents = [
            _connection_document(r, held[r.name], waiting[r.name], memos[r.name], now)
            for r in records
        ]
        emit_json({"connections": documents})
        return 0
    for record in records:
        print_lines(
            _connection_lines(
                record, held[record.name], waiting[record.name], memos[record.name], now
            )
        )
    return 0


def _connection_lines(
    record: ConnectionRecord,
    holds: tuple[HoldRecord, ...],
    escrow: tuple[EscrowRecord, ...],
    memos: Mapping[str, Memo],
    now: datetime,
) -> list[Line]:
    run = record.last_run
    lines: list[Line] = [((record.name, "bold"), (" (paused)" if record.paused else "", "yellow"))]
    if run is None:
        lines.append((("  never run; next: ", ""), (f"jcsync plan {record.name}", "")))
    else:
        bad = run.outcome in ("failed", "partial", "held", "")
        outcome = run.outcome or ("under way" if record.lease_owner else "not finished")
        age = age_text((now - run.started_at).total_seconds())
        lines.append(
            (
                ("  last run      ", "dim"),
                (outcome, "red" if bad else "green"),
                (f", {age} ago, {counted(run.applied, 'change')} applied", ""),
                (f", {run.failed} failed" if run.failed else "", "red"),
            )
        )
        if run.error:
            lines.append((("                ", ""), (run.error, "red")))
    success = "never"
    if record.last_success is not None:
        success = f"{age_text((now - record.last_success).total_seconds())} ago"
    lines.append((("  last success  ", "dim"), (success, "")))
    if NEXT_RUN in memos and not record.paused:
        start = local_text(datetime.fromisoformat(memos[NEXT_RUN].value))
        lines.append((("  next run      ", "dim"), (start, "")))
    if throttled := _throttled(memos):
        words = f"{counted(throttled, 'answer')} of the last run asked to slow down"
        lines.append((("  throttled     ", "dim"), (words, "yellow")))
    lines.append((("  managed       ", "dim"), (counted(record.managed, "account"), "")))
    if record.learnt_at is not None:
        since = now - record.learnt_at
        old = "; too old for runs to go by, again: jcsync check" if since > BELIEVED_FOR else ""
        words = f"{age_text(since.total_seconds())} ago what the platform does{old}"
        lines.append((("  learnt        ", "dim"), (words, "")))
    lines += [
        line
        for hold in holds
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


def _connection_document(
    record: ConnectionRecord,
    holds: tuple[HoldRecord, ...],
    escrow: tuple[EscrowRecord, ...],
    memos: Mapping[str, Memo],
    now: datetime,
) -> dict[str, Any]:
    success = record.last_success
    return {
        "connection": record.name,
        "paused": record.paused,
        "organization": record.organization or None,
        "last_run": run_document(record.last_run) if record.last_run else None,
        "last_success": time_text(success) if success else None,
        "last_success_age_s": int((now - success).total_seconds()) if success else None,
        "next_run": time_text(datetime.fromisoformat(memos[NEXT_RUN].value))
        if NEXT_RUN in memos
        else None,
        "throttled": _throttled(memos),
        "learnt_at": time_text(record.learnt_at) if record.learnt_at else None,
        "managed": record.managed,
        "holds": [hold.id for hold in holds],
        "escrow": len(escrow),
        "lease_owner": record.lease_owner or None,
    }


def _throttled(memos: Mapping[str, Memo]) -> int:
    """How often the last run was asked to slow down."""
    return int(memos[THROTTLED].value) if THROTTLED in memos else 0
