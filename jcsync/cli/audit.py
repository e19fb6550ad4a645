"""``audit``: the whole history, for other programs."""

import io
import sys

import click

from jcsync.cli.common import Options, common_options, emit_json
from jcsync.cli.filters import (
    by_connection,
    by_run,
    by_since,
    by_user,
    check_known,
    moment,
    open_store_of,
)
from jcsync.render import audit_document, audit_header, audit_line, audit_rows


@click.group(short_help="The whole history for other programs: audit export.")
@common_options
@click.pass_context
def audit(ctx: click.Context, options: Options) -> None:
    """Hand the history to other programs."""
    ctx.obj = options


@audit.command(short_help="Every change, oldest first, as JSON lines or CSV.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="JSON lines, or a table with one row an attribute.",
)
@by_connection
@by_user
@by_since
@by_run
@common_options
def export(
    options: Options,
    form: str,
    connection: str | None,
    user: str | None,
    since: str | None,
    run_id: str | None,
) -> int:
    """Print every change, oldest first: who, what, before and after, why, in which run.

    In UTF-8, as it is read: a history of millions takes no memory. A cell of the table that would
    be a formula in a spreadsheet begins with an apostrophe.
    """
    loaded, store = open_store_of(options)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    with store:
        if not store.runs(connection=connection, limit=1):
            check_known(loaded, connection, ())
        records = store.audit(connection=connection, user=user, since=moment(since), run_id=run_id)
        if options.json:
            emit_json({"changes": [audit_document(record) for record in records]})
            return 0
        write = sys.stdout.write
        if form == "csv":
            write(audit_header())
        for record in records:
            write(audit_rows(record) if form == "csv" else f"{audit_line(record)}\n")
    return 0
