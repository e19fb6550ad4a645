"""``runs`` and ``changes``: what was done."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import Any

import click

from jcsync.cli.common import Options, common_options, emit_json
from jcsync.cli.filters import (
    ALL,
    at_most,
    by_connection,
    by_run,
    by_since,
    by_user,
    check_known,
    moment,
    open_store_of,
    run_ids_of,
)
from jcsync.cli.tables import local_text, print_lines, print_noted_table
from jcsync.model.history import ChangeRecord, RunRecord
from jcsync.model.plan import Change
from jcsync.model.report import Status
from jcsync.model.text import printable
from jcsync.render import Line, Span, change_document, render_changes, time_text

_SHORT_ID = 6
_MARKS: Mapping[str, Span] = {
    Status.APPLIED: ("✓ ", "green"),
    Status.FAILED: ("✗ ", "red"),
    Status.NOT_ATTEMPTED: ("· ", "dim"),
}


@click.command(short_help="Past runs, newest first.")
@by_connection
@by_user
@by_since
@by_run
@at_most(20)
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
    loaded, store = open_store_of(options)
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
        emit_json({"runs": [run_document(run) for run in found]})
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
@by_connection
@by_user
@by_since
@by_run
@at_most(200)
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
    loaded, store = open_store_of(options)
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


def run_document(run: RunRecord) -> dict[str, Any]:
    """Return a run of the past as JSON."""
    return {
        "run_id": run.run_id,
        "connection": run.connection,
        "mode": run.mode,
        "trigger": run.trigger,
        "actor": run.actor or None,
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
