"""``run``: the daemon."""

import click

from jcsync.cli.common import (
    Options,
    common_options,
    emit_json,
    load_and_log,
    note,
    stop_signals,
)


@click.command(short_help="The daemon: every connection by its schedule.")
@common_options
def run(options: Options) -> int:
    """Run every enabled connection by its schedule, the first time at once.

    SIGTERM and SIGINT end it within seconds: the calls under way are finished, the rest is left
    to the next start. Logs go to standard error; /healthz, /readyz and /metrics to http.bind.
    """
    from jcsync.daemon import serve  # noqa: PLC0415 - not for the help
    from jcsync.wiring import build_store  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options, daemon=True)
    with build_store(loaded) as store, stop_signals(late_status=0) as stop:
        serve(loaded, store, stop)
    return 0


@click.command(short_help="Let the daemon leave a connection alone.")
@click.argument("connection", metavar="CONNECTION")
@common_options
def pause(options: Options, connection: str) -> int:
    """Let the daemon leave a connection alone until it is resumed.

    A run under way is finished. "jcsync reconcile" still works.
    """
    return _record_pause(options, connection, paused=True)


@click.command(short_help="Let the daemon take a connection up again.")
@click.argument("connection", metavar="CONNECTION")
@common_options
def resume(options: Options, connection: str) -> int:
    """Let the daemon take a paused connection up again, at its next turn."""
    return _record_pause(options, connection, paused=False)


def _record_pause(options: Options, connection: str, *, paused: bool) -> int:
    from jcsync.wiring import build_store, chosen_names  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options)
    (name,) = chosen_names(loaded, (connection,))
    with build_store(loaded) as store:
        store.pause(name, paused=paused)
    if options.json:
        emit_json({"connection": name, "paused": paused})
    else:
        note(f"{name} is {'paused' if paused else 'resumed'}", options)
    return 0
