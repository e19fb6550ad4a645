"""``escrow``: resources that failed and wait for their next try."""

from typing import Any

import click

from jcsync.cli.common import Options, common_options, emit_json, load_and_log
from jcsync.cli.filters import Command, by_changes, by_connection, by_user, changed_ids
from jcsync.cli.tables import local_text, print_table
from jcsync.clock import SystemClock
from jcsync.errors import UsageError
from jcsync.model.history import EscrowRecord
from jcsync.render import counted, time_text
from jcsync.stages.restrict import called


def _filters(command: Command) -> Command:
    return by_connection(by_user(by_changes(command)))


@click.group(
    invoke_without_command=True, short_help="What failed and waits: escrow list | retry | forget."
)
@_filters
@common_options
@click.pass_context
def escrow(ctx: click.Context, /, options: Options, **filters: str | None) -> int:
    """List resources that failed, with reason, attempts and next try.

    What the platform rejects is tried again by the daemon with growing delay, from a minute to a
    day; it never delays others, and is tried at once when it changes in JumpCloud. "jcsync
    reconcile" tries everything now.
    """
    ctx.obj = options
    return _list(options, **filters) if ctx.invoked_subcommand is None else 0


@escrow.command("list", short_help="What waits, and why.")
@_filters
@common_options
def list_(options: Options, **filters: str | None) -> int:
    """List resources that failed, with reason, attempts and next try."""
    return _list(options, **filters)


@escrow.command(short_help="Let the next run try again, whatever the delay.")
@click.argument("who", required=False, metavar="[WHO]")
@by_connection
@common_options
def retry(options: Options, who: str | None, connection: str | None) -> int:
    """Let the next run try everything again, or WHO: a name or id."""
    return _change(options, who, connection, retry=True)


@escrow.command(short_help="Forget failures, as if they had never been.")
@click.argument("who", required=False, metavar="[WHO]")
@by_connection
@common_options
def forget(options: Options, who: str | None, connection: str | None) -> int:
    """Forget the failures of everything, or of WHO: a name or id."""
    return _change(options, who, connection, retry=False)


def _list(
    options: Options,
    *,
    connection: str | None,
    user: str | None,
    since: str | None,
    run_id: str | None,
) -> int:
    from jcsync.wiring import build_store, chosen_names  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options)
    if connection is not None:
        chosen_names(loaded, (connection,))
    with build_store(loaded) as store:
        changed = changed_ids(store, since, run_id)
        found = [
            record
            for record in store.escrow(connection)
            if (user is None or called(user, record.name, record.external_id, record.resource_id))
            and (changed is None or (record.connection, record.external_id) in changed)
        ]
    if options.json:
        emit_json({"escrow": [_document(record) for record in found]})
        return 0
    print_table(
        ("connection", "name", "action", "tries", "next try", "reason"),
        [
            (
                record.connection,
                record.name,
                record.action.value,
                str(record.attempts),
                local_text(record.next_try_at),
                record.reason,
            )
            for record in found
        ],
        right=(3,),
    )
    next_step = "\n  Now: jcsync reconcile. By the daemon at its next run: jcsync escrow retry"
    click.echo(next_step if found else "nothing is in escrow")
    return 0


def _change(options: Options, who: str | None, connection: str | None, *, retry: bool) -> int:
    from jcsync.wiring import build_store, chosen_names  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options)
    names = (
        chosen_names(loaded, (connection,))
        if connection is not None
        else tuple(loaded.settings.connections)
    )
    with build_store(loaded) as store:
        now = SystemClock().now()
        number = sum(
            store.retry_escrow(name, who, at=now) if retry else store.forget_escrow(name, who)
            for name in names
        )
    if who is not None and not number:
        message = f"nothing called {who!r} is in escrow; look with: jcsync escrow"
        raise UsageError(message)
    if options.json:
        emit_json({"retried" if retry else "forgotten": number})
    else:
        done = "will be tried at the next run" if retry else "forgotten"
        click.echo(f"{counted(number, 'resource')} {done}")
    return 0


def _document(record: EscrowRecord) -> dict[str, Any]:
    return {
        "connection": record.connection,
        "resource": record.kind.value,
        "name": record.name,
        "external_id": record.external_id or None,
        "resource_id": record.resource_id or None,
        "action": record.action.value,
        "reason": record.reason,
        "attempts": record.attempts,
        "first_failed_at": time_text(record.first_failed_at),
        "last_failed_at": time_text(record.last_failed_at),
        "next_try_at": time_text(record.next_try_at),
    }
