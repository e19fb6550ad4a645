"""The filters that the commands of the history share."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from jcsync.cli.common import Options, load_and_log
from jcsync.cli.naming import complete_connections
from jcsync.clock import SystemClock
from jcsync.errors import UsageError
from jcsync.settings.times import parse_duration

if TYPE_CHECKING:
    from jcsync.settings import Loaded
    from jcsync.store import SqlStore

ALL = 1_000_000
"""More rows than any history has."""

Command = Callable[..., Any]


def by_connection(command: Command) -> Command:
    """Add ``--connection``."""
    return click.option(
        "--connection",
        metavar="NAME",
        help="Of this connection only.",
        shell_complete=complete_connections,
    )(command)


def by_user(command: Command) -> Command:
    """Add ``--user``."""
    return click.option("--user", metavar="WHO", help="Of this person or group only: name or id.")(
        command
    )


def by_since(command: Command) -> Command:
    """Add ``--since``."""
    return click.option(
        "--since", metavar="AGE", help="Not older than this: 2h, 7d, or 2026-01-31."
    )(command)


def by_run(command: Command) -> Command:
    """Add ``--run``."""
    return click.option(
        "--run", "run_id", metavar="ID", help="Of this run only; the end of its id is enough."
    )(command)


def by_changes(command: Command) -> Command:
    """Add ``--since`` and ``--run`` for what has no time of its own: what runs changed counts."""
    since = click.option(
        "--since", metavar="AGE", help="Changed by a run since: 2h, 7d, or 2026-01-31."
    )
    run = click.option(
        "--run", "run_id", metavar="ID", help="Changed by this run; the end of its id is enough."
    )
    return since(run(command))


def at_most(number: int) -> Callable[[Command], Command]:
    """Return what adds ``--limit`` with this default."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=number,
        show_default=True,
        help="How many at the most.",
    )


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


def changed_ids(
    store: "SqlStore", since: str | None, run_id: str | None
) -> frozenset[tuple[str, str]] | None:
    """Return connection and JumpCloud id of what runs changed, or tried to; ``None`` for all."""
    if since is None and run_id is None:
        return None
    found = store.changes(since=moment(since), run_id=run_id, limit=ALL)
    return frozenset((change.connection, change.external_id) for change in found)


def open_store_of(options: Options) -> "tuple[Loaded, SqlStore]":
    """Return the settings and their store, which the caller closes."""
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
        message = (
            f"--since must be an age such as 2h or 7d, or a date such as 2026-01-31; is {text}"
        )
        raise UsageError(message) from error
