"""``run``: the daemon."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from jcsync.cli.common import (
    Options,
    common_options,
    emit_json,
    load_and_log,
    note,
)
from jcsync.cli.naming import connection_argument
from jcsync.cli.stopping import stop_signals

if TYPE_CHECKING:
    from jcsync.settings import Loaded


@click.command(short_help="The daemon: every connection by its schedule.")
@common_options
def run(options: Options) -> int:
    """Run every enabled connection by its schedule, the first time at once.

    SIGTERM and SIGINT end it within seconds: the calls under way are finished, the rest is left
    to the next start. When the settings file or a file of a secret changes, or upon SIGHUP, the
    settings are read anew; wrong ones are logged, and those from before stay in force. Logs go to
    standard error; /healthz, /readyz and /metrics to http.bind.
    """
    from jcsync.daemon import check_anything_to_do, serve  # noqa: PLC0415 - not for the help
    from jcsync.wiring import build_store, secrets_of  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options, daemon=True)
    same_file = replace(options, config=loaded.source or options.config)
    # A run under way goes on with its old secrets, and they must not appear in the log either.
    secrets = set(secrets_of(loaded))

    def load() -> "Loaded":
        newer = load_and_log(same_file, daemon=True, secrets=secrets, accept=check_anything_to_do)
        secrets.update(secrets_of(newer))
        return newer

    with (
        build_store(loaded) as store,
        stop_signals(late_status=0) as stop,
        _reload_signal() as asked,
    ):
        serve(loaded, store, stop, load=load, asked=asked)
    return 0


@contextmanager
def _reload_signal() -> Iterator[threading.Event]:
    """Give an event that SIGHUP sets."""
    asked = threading.Event()
    before = signal.signal(signal.SIGHUP, lambda _number, _frame: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGHUP, before)


@click.command(short_help="Let the daemon leave a connection alone.")
@connection_argument
@common_options
def pause(options: Options, connection: str) -> int:
    """Let the daemon leave a connection alone until it is resumed.

    A run under way is finished. "jcsync reconcile" still works.
    """
    return _record_pause(options, connection, paused=True)


@click.command(short_help="Let the daemon take a connection up again.")
@connection_argument
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
