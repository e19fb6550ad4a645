"""Naming connections on the command line; a shell completes them from the settings."""

import os
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem


def complete_connections(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the connections of the settings that begin so; none where none can be read.

    The file is looked for as usual. A secret that only the daemon may read, or a setting that is
    wrong, keeps no name from being completed.
    """
    from jcsync.settings import connection_names  # noqa: PLC0415 - not for the help

    config = next((path for c in _outwards(ctx) if (path := c.params.get("config"))), None)
    named = ctx.params.get(parameter.name or "") or ()
    try:
        # Where a shell completes, it has not put the home directory in place of ~ yet.
        file = config.expanduser() if config else None
        names = connection_names(file, os.environ, Path.cwd())
    except Exception:  # noqa: BLE001 - a shell waits for names, and has no use for a message
        return []
    return [CompletionItem(n) for n in names if n.startswith(incomplete) and n not in named]


def _outwards(ctx: click.Context | None) -> Iterator[click.Context]:
    while ctx is not None:
        yield ctx
        ctx = ctx.parent


connections_argument = click.argument(
    "connections", nargs=-1, metavar="[CONNECTION]...", shell_complete=complete_connections
)
"""Any number of connections, none for all."""

connection_argument = click.argument(
    "connection", metavar="CONNECTION", shell_complete=complete_connections
)
"""One connection."""
