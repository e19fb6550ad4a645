"""``status``, ``runs``, ``changes`` and ``links``: what the store knows."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from jcsync.cli.common import Options, common_options, emit_json, load_and_log
from jcsync.cli.tables import print_lines, print_noted_table, print_table, short_id
from jcsync.clock import SystemClock
from jcsync.errors import UsageError
from jcsync.model.history import ChangeRecord, ConnectionRecord, EscrowRecord, HoldRecord, RunRecord
from jcsync.model.plan import Change
from jcsync.model.report import Status
from jcsync.model.resource import Link
from jcsync.model.text import printable
from jcsync.render import Line, Span, counted, render_changes, time_text
from jcsync.settings.times import parse_duration

if TYPE_CHECKING:
    from jcsync.settings import Loaded
    from jcsync.store import SqlStore

ALL = 1_000_000
"""More rows than any history has."""

_SHORT_ID = 6
_MARKS: Mapping[str, Span] = {
    Status.APPLIED: ("✓ ", "green"),
    Status.FAILED: ("✗ ", "red"),
    Status.NOT_ATTEMPTED: ("· ", "dim"),
}
_HOUR = 3600
_DAY = 86400
_MINUTE = 60


@click.command(short_help="Last run, age of the last success, holds.")
@click.argument("connections", nargs=-1, metavar="[CONNECTION]...")
@common_options
def status(options: Options, connections: tuple[str, ...]) -> int:
    """Show how each connection stands."""
    loaded, store = _open(options)
    from jcsync.wiring import chosen_names  # noqa: PLC0415 - not for the help

    with store:
        names = chosen_names(loaded, connections) or chosen_names(
            loaded, tuple(loaded.settings.connections)
        )
        records = [store.connection(name) for name in names]
        held = {name: store.holds(connection=name, open_only=True) for name in names}
        waiting = {name: store.escrow(name) for name in names}
    now = SystemClock().now()
    if options.json:
        documents = [_connection_document(r, held[r.name], waiting[r.name], now) for r in records]
        emit_json({"connections": documents})
        return 0
    for record in records:
        print_lines(_connection_lines(record, held[record.name], waiting[record.name], now))
    return 0


@click.command(short_help="Past runs, newest first.")
@click.option("--connection", metavar="NAME", help="Of this connection only.")
@click.option("--user", metavar="WHO", help="That changed this person or group: name or id.")
@click.option("--since", metavar="AGE", help="Not older than this: 2h, 7d, or 2026-01-31.")
@click.option("--run", "run_id", metavar="ID", help="This run only; the end of its id is enough.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many at the most.",
)
@common_options
def runs(
    options: Options,
    connection: str | None,
    user: str | None,
    since: str | None,
    run_id: str | None,
    limit: int,
) -> int:
    """List past runs, newest first."""
    loaded, store = _open(options)
    with store:
        found = store.runs(
            connection=connection,
            since=moment(since),
            run_id=run_id,
            limit=limit if user is None else ALL,
        )
        if user is not None:
            ids = run_ids_of(store, user)
            found = tuple(run for run in found if run.run_id in ids)[:limit]
    check_known(loaded, connection, found)
    if options.json:
        emit_json({"runs": [_run_document(run) for run in found]})
        return 0
    print_noted_table(
        ("started", "connection", "run", "by", "outcome", "planned", "applied", "failed", "error"),
        [
            (
                local_text(run.started_at),
                run.connection,
                run.run_id[-_SHORT_ID:],
                run.trigger,
                run.outcome or "not finished",
                str(run.planned),
                str(run.applied),
                str(run.failed),
                run.error,
            )
            for run in found
        ],
        right=(5, 6, 7),
        verbose=options.verbose,
    )
    if not found:
        filtered = any(given is not None for given in (connection, user, since, run_id))
        click.echo(
            "no such runs" if filtered else "no runs yet; next: jcsync plan, then jcsync reconcile"
        )
    return 0


@click.command(short_help="Changes that runs made, newest first.")
@click.option("--connection", metavar="NAME", help="Of this connection only.")
@click.option("--user", metavar="WHO", help="Of this person or group: name or id.")
@click.option("--since", metavar="AGE", help="Not older than this: 2h, 7d, or 2026-01-31.")
@click.option("--run", "run_id", metavar="ID", help="Of this run; the end of its id is enough.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How many at the most.",
)
@common_options
def changes(
    options: Options,
    connection: str | None,
    user: str | None,
    since: str | None,
    run_id: str | None,
    limit: int,
) -> int:
    """List changes with before and after, newest first."""
    loaded, store = _open(options)
    with store:
        read = partial(
            store.changes, connection=connection, user=user, since=moment(since), run_id=run_id
        )
        found = read(limit=limit) if run_id else _attempted(read, limit)
    check_known(loaded, connection, found)
    if options.json:
        emit_json({"changes": [change_document(change) for change in found]})
        return 0
    print_lines(_history(found, verbose=options.verbose))
    if not found:
        click.echo("no changes")
    return 0


def _attempted(
    read: Callable[..., tuple[ChangeRecord, ...]], limit: int
) -> tuple[ChangeRecord, ...]:
    """The newest changes that were tried: a held plan may have any number that were not."""
    rows = limit
    while True:
        found = read(limit=rows)
        tried = [change for change in found if change.status != Status.NOT_ATTEMPTED]
        if len(tried) >= limit or len(found) < rows:
            return tuple(tried[:limit])
        rows *= 4


@click.command(short_help="Which account belongs to whom.")
@click.argument("name", required=False, metavar="[CONNECTION]")
@click.option("--connection", metavar="NAME", help="Of this connection only.")
@click.option("--user", metavar="WHO", help="Of this person or group: name or id.")
@common_options
def links(options: Options, name: str | None, connection: str | None, user: str | None) -> int:
    """List the links between JumpCloud ids and the ids of the platform."""
    loaded, store = _open(options)
    chosen = connection or name
    if connection and name and connection != name:
        message = f"two connections are named, {name!r} and {connection!r}; name one"
        raise UsageError(message)
    with store:
        found = [
            (of, link)
            for of in ([chosen] if chosen else loaded.settings.connections)
            for link in sorted(store.links(of), key=lambda link: (link.kind, link.name.casefold()))
            if user is None or _is_about(link, user.casefold())
        ]
    check_known(loaded, chosen, found)
    if options.json:
        emit_json({"links": [_link_document(of, link) for of, link in found]})
        return 0
    several = len({of for of, _ in found}) > 1
    print_table(
        (
            *(("connection",) if several else ()),
            "resource",
            "name",
            "JumpCloud id",
            "platform id",
            "deactivated",
        ),
        [
            (
                *((of,) if several else ()),
                link.kind,
                link.name,
                short_id(link.external_id, verbose=options.verbose),
                short_id(link.resource_id, verbose=options.verbose),
                _day(link.deactivated_at),
            )
            for of, link in found
        ],
        broken=2 if several else 1,
    )
    if not found:
        click.echo("no links")
    return 0


def _is_about(link: Link, wanted: str) -> bool:
    names = (link.name, link.external_id, link.resource_id)
    return wanted in (name.casefold() for name in names)


def _day(text: str | None) -> str:
    """A time of the store in the reader's zone, ``""`` for none."""
    return local_text(datetime.fromisoformat(text)) if text else ""


def check_known(loaded: "Loaded", connection: str | None, found: Collection[object]) -> None:
    """Refuse a name that neither the settings nor the store know: an empty list looks like peace.

    What a connection did that is no longer in the settings can still be read.

    Raises:
        UsageError: It is mistyped.
    """
    from jcsync.wiring import chosen_names  # noqa: PLC0415 - not for the help

    if connection is not None and not found:
        chosen_names(loaded, (connection,))


def run_ids_of(store: "SqlStore", user: str) -> frozenset[str]:
    """Return the ids of the runs that planned a change of a person or group."""
    return frozenset(change.run_id for change in store.changes(user=user, limit=ALL))


def _open(options: Options) -> "tuple[Loaded, SqlStore]":
    from jcsync.wiring import build_store  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options)
    return loaded, build_store(loaded)


def moment(text: str | None) -> datetime | None:
    """Return the time that ``--since`` means: an age, or a date."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        pass
    try:
        return SystemClock().now() - timedelta(seconds=parse_duration(text))
    except ValueError as error:
        message = f"--since {text}: {error}; or a date such as 2026-01-31"
        raise UsageError(message) from error


def local_text(moment: datetime) -> str:
    """Return a time in the reader's zone, with the zone named."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def age_text(seconds: float) -> str:
    """Return how long ago something was, in the two largest units that matter."""
    whole = int(max(0, seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def _history(changes: Iterable[ChangeRecord], *, verbose: bool) -> Iterator[Line]:
    """Each run with its changes, as its plan showed them."""
    for number, (run_id, group) in enumerate(groupby(changes, key=lambda c: c.run_id)):
        found = list(group)
        if number:
            yield ()
        at = local_text(found[-1].at)
        yield ((found[0].connection, "bold"), (f" · run {run_id[-_SHORT_ID:]} · {at}", ""))
        for change in found:
            first, *rest = render_changes([planned_change(change)], verbose=verbose)
            yield (("  ", ""), _MARKS.get(change.status, ("? ", "yellow")), *first[1:])
            yield from rest
            if change.error:
                yield (("      ", ""), (printable(change.error), "red"))


def planned_change(record: ChangeRecord) -> Change:
    """Return a change of the past as its plan had it."""
    return Change(
        action=record.action,
        kind=record.kind,
        name=record.name,
        external_id=record.external_id,
        resource_id=record.resource_id,
        reason=record.reason,
        step=0,
        attributes=record.attributes,
        add=record.add,
        remove=record.remove,
    )


def _connection_lines(
    record: ConnectionRecord,
    holds: tuple[HoldRecord, ...],
    escrow: tuple[EscrowRecord, ...],
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
    lines.append((("  managed       ", "dim"), (counted(record.managed, "account"), "")))
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
    now: datetime,
) -> dict[str, Any]:
    success = record.last_success
    return {
        "connection": record.name,
        "paused": record.paused,
        "organization": record.organization or None,
        "last_run": _run_document(record.last_run) if record.last_run else None,
        "last_success": time_text(success) if success else None,
        "last_success_age_s": int((now - success).total_seconds()) if success else None,
        "managed": record.managed,
        "holds": [hold.id for hold in holds],
        "escrow": len(escrow),
        "lease_owner": record.lease_owner or None,
    }


def _run_document(run: RunRecord) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "connection": run.connection,
        "mode": run.mode,
        "trigger": run.trigger,
        "started_at": time_text(run.started_at),
        "finished_at": time_text(run.finished_at) if run.finished_at else None,
        "outcome": run.outcome or None,
        "complete": run.complete,
        "digest": run.digest or None,
        "planned": run.planned,
        "applied": run.applied,
        "failed": run.failed,
        "error": run.error or None,
    }


def change_document(change: ChangeRecord) -> dict[str, Any]:
    """Return a change of the past as JSON."""
    return {
        "at": time_text(change.at),
        "run_id": change.run_id,
        "connection": change.connection,
        "n": change.n,
        "action": change.action.value,
        "resource": change.kind.value,
        "name": change.name,
        "external_id": change.external_id or None,
        "resource_id": change.resource_id or None,
        "reason": change.reason,
        "attributes": [
            {"path": a.path, "before": a.before, "after": a.after} for a in change.attributes
        ],
        "members": {
            "add": [member.name for member in change.add],
            "remove": [member.name for member in change.remove],
        },
        "status": change.status,
        "error": change.error or None,
        "attempts": change.attempts,
    }


def _link_document(connection: str, link: Link) -> dict[str, Any]:
    return {
        "connection": connection,
        "resource": link.kind.value,
        "name": link.name,
        "external_id": link.external_id,
        "resource_id": link.resource_id,
        "deactivated_at": link.deactivated_at,
    }
