"""``run``: the daemon."""

import click

from jcsync.cli.common import Options, common_options, load_and_log, stop_signals


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
