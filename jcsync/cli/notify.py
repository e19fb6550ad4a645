"""``notify``: try whether people can be told."""

import click

from jcsync.cli.common import Options, common_options, emit_json, load_and_log
from jcsync.cli.exits import DONE, UNREADABLE
from jcsync.cli.tables import print_lines
from jcsync.errors import UsageError

_TITLE = "jcsync: a test"
_BODY = 'This is how jcsync tells what happened. Nothing has: somebody ran "jcsync notify test".'


@click.group(short_help="Who is told what happened: notify test.")
@common_options
@click.pass_context
def notify(ctx: click.Context, options: Options) -> None:
    """Tell people what happened."""
    ctx.obj = options


@notify.command()
@common_options
def test(options: Options) -> int:
    """Send a test message to each address of notify.urls, and say which of them took it."""
    from jcsync.notices import send  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options)
    urls = [url.get_secret_value() for url in loaded.settings.notify.urls]
    if not urls:
        message = "nobody is told anything: notify.urls is empty; see docs/notices.md"
        raise UsageError(message)
    results = send(urls, _TITLE, _BODY)
    if options.json:
        emit_json(
            {
                "addresses": [
                    {"address": sent.address, "sent": not sent.error, "error": sent.error or None}
                    for sent in results
                ]
            }
        )
    else:
        print_lines(
            (
                ("  ✗ ", "red") if sent.error else ("  ✓ ", "green"),
                (f"{sent.address}  ", ""),
                (sent.error or "sent", ""),
            )
            for sent in results
        )
    return UNREADABLE if any(sent.error for sent in results) else DONE
