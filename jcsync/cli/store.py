"""``store``: copies of the store, and whether it is whole."""

from pathlib import Path
from typing import Any

import click

from jcsync.cli.common import Options, common_options, emit_json, load_and_log
from jcsync.cli.exits import DONE, UNEXPECTED
from jcsync.cli.tables import print_table
from jcsync.clock import SystemClock
from jcsync.store import StoreCheck, back_up, check_file, check_store, restore

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(
    short_help="Copies of the store, and whether it is whole: store backup | restore | check."
)
@common_options
@click.pass_context
def store(ctx: click.Context, options: Options) -> None:
    """Copy the store, put a copy back, or look whether it is whole."""
    ctx.obj = options


@store.command(short_help="Copy the store into FILE, while jcsync runs.")
@click.argument("file", type=_FILE)
@common_options
def backup(options: Options, file: Path) -> int:
    """Copy the store into FILE as it is at one moment, while jcsync runs, and check the copy.

    FILE is replaced as a whole when it is an earlier copy, and refused when it is anything else.
    It holds what the store holds: names and values of people, no secrets; it gets mode 0600.
    """
    loaded = load_and_log(options)
    found = back_up(loaded.settings.store.url.get_secret_value(), file)
    return _show(
        found, options, f"the store is in {file}. To put it back: jcsync store restore {file}"
    )


@store.command("restore", short_help="Put a copy in the place of the store.")
@click.argument("file", type=_FILE)
@common_options
def restore_(options: Options, file: Path) -> int:
    """Put the copy in FILE in the place of the store; what is there now is kept beside it.

    Refused while a run is under way. A daemon may go on: it finds the restored store at its next
    run, which corrects the links by reading both sides.
    """
    from jcsync.wiring import run_owner  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options)
    url, clock = loaded.settings.store.url.get_secret_value(), SystemClock()
    suffix = f"before-restore-{clock.now():%Y%m%dT%H%M%SZ}"
    found, kept = restore(url, file, clock, owner=run_owner(), suffix=suffix)
    before = f"; the one before is {kept}" if kept else ""
    return _show(found, options, f"{file} was put in the place of the store{before}")


@store.command(short_help="Whether the store, or a copy in FILE, is whole.")
@click.argument("file", type=_FILE, required=False)
@common_options
def check(options: Options, file: Path | None) -> int:
    """Look whether the store, or a copy in FILE, is whole, of which version, and how much is in it.

    Ends with 1 when it is damaged. Changes nothing.
    """
    if file is not None:
        found = check_file(file)
    else:
        loaded = load_and_log(options)
        found = check_store(loaded.settings.store.url.get_secret_value())
    return _show(found, options, "")


def _show(found: StoreCheck, options: Options, done: str) -> int:
    if options.json:
        emit_json(_document(found))
        return UNEXPECTED if found.problems else DONE
    if not options.quiet:
        state = "damaged" if found.problems else "whole"
        version = (
            "of this version of jcsync" if found.is_current else "of another version of jcsync"
        )
        click.echo(f"{found.place}: {state}, revision {found.revision} ({version})")
        rows = [(name, str(count)) for name, count in sorted(found.counts.items())]
        print_table(("table", "rows"), rows, right=(1,))
    for problem in found.problems:
        click.echo(f"jcsync: {problem}", err=True)
    if found.problems:
        click.echo("jcsync: put a backup back: jcsync store restore FILE", err=True)
        return UNEXPECTED
    if done:
        click.echo(done)
    return DONE


def _document(found: StoreCheck) -> dict[str, Any]:
    return {
        "place": found.place,
        "revision": found.revision,
        "current": found.is_current,
        "problems": list(found.problems),
        "rows": dict(sorted(found.counts.items())),
    }
