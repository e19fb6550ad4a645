"""What every command shares: options, output, exit status."""

import io
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcsync.errors import JcsyncError

if TYPE_CHECKING:
    from rich.console import Console

    from jcsync.settings import Loaded

_NARROWEST = 40
WIDTH = 100
"""Columns of tables and plans where the terminal does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that every command takes, before or after its name.

    Attributes:
        config: Settings file, ``None`` to look for it.
        json: Print one JSON document to standard output.
        quiet: Print results only.
        verbose: Print more, and log what is done.
    """

    config: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the common options to a command, which gets them as ``options``."""

    @click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Settings file [default: $JCSYNC_CONFIG, config/jcsync.yaml, /etc/jcsync/jcsync.yaml].",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @click.option("--quiet", "-q", is_flag=True, help="Print results only.")
    @click.option("--verbose", "-v", is_flag=True, help="Print more, and log what is done.")
    @wraps(command)
    def with_options(
        *args: object,
        config: Path | None,
        as_json: bool,
        quiet: bool,
        verbose: bool,
        **kwargs: object,
    ) -> object:
        outer = click.get_current_context().find_object(Options) or Options()
        options = Options(
            config=config or outer.config,
            json=as_json or outer.json,
            quiet=quiet or outer.quiet,
            verbose=verbose or outer.verbose,
        )
        try:
            return command(*args, options=options, **kwargs)
        except JcsyncError as error:
            if options.json:
                emit_refusal(click.get_current_context().info_name, str(error))
            raise

    return with_options


def emit_refusal(command: str | None, message: str) -> None:
    """Print the document of a command that could not do its work: whoever asked for JSON gets it."""
    of_runs = command in ("plan", "apply", "reconcile")
    emit_json({**({"runs": []} if of_runs else {}), "error": message})


def emit_json(document: object) -> None:
    """Print one JSON document to standard output, in whatever encoding it takes."""
    encoding = (sys.stdout.encoding or "utf-8").lower().replace("-", "")
    from jcsync.render.json_text import json_pieces  # noqa: PLC0415 - not for the help

    for piece in json_pieces(document, ascii_only=encoding != "utf8"):
        sys.stdout.write(piece)
    click.echo()


def note(text: str, options: Options) -> None:
    """Print a line of progress or advice to standard error, unless quiet."""
    if not options.quiet:
        with suppress(OSError):
            click.echo(text, err=True)


def build_console(*, stderr: bool = False) -> "Console":
    """Return a rich console of this terminal, or one for plain text of 100 columns."""
    from rich.console import Console  # noqa: PLC0415 - costs 30 ms, and pipes need none of it

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def load_and_log(
    options: Options,
    *,
    daemon: bool = False,
    secrets: Iterable[str] = (),
    accept: "Callable[[Loaded], None] | None" = None,
) -> "Loaded":
    """Read the settings and set up the logs.

    A person at a terminal sees tables and a progress bar, and errors in the report; the log is for
    him only when he asks.

    Args:
        options: Of the command line.
        daemon: Log, whatever reads it.
        secrets: Hidden in the log beside those of the settings.
        accept: Raises what is wrong with the settings, before the logs change.
    """
    from jcsync.logs import configure_logs  # noqa: PLC0415 - not for the help
    from jcsync.wiring import load, secrets_of  # noqa: PLC0415 - not for the help

    loaded = load(options.config)
    if accept is not None:
        accept(loaded)
    level = loaded.settings.log.level
    if not daemon and not options.verbose and options.quiet:
        level = "error"
    if options.verbose and level not in ("debug", "info"):
        level = "info"
    unread = not daemon and not options.verbose and sys.stderr.isatty()
    configure_logs(
        level=level,
        style=loaded.settings.log.format,
        secrets=(*secrets_of(loaded), *secrets),
        stream=io.StringIO() if unread else None,
    )
    for warning in loaded.warnings:
        note(f"jcsync: warning: {warning}", options)
    return loaded


def fit_text(text: str) -> str:
    """Break text for standard error between words, where that is a terminal and lines are longer."""
    if not sys.stderr.isatty():
        return text
    import shutil  # noqa: PLC0415 - not for the help
    import textwrap  # noqa: PLC0415 - not for the help

    width = max(shutil.get_terminal_size().columns, _NARROWEST)
    lines = text.split("\n")
    return "\n".join(
        textwrap.fill(
            line,
            width,
            subsequent_indent=" " * (len(line) - len(line.lstrip()) + 2),
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
        )
        for line in lines
    )


def fault_text(error: Exception) -> str:
    """Return what to say of an error that nobody foresaw: what, where, and what to do."""
    import traceback  # noqa: PLC0415 - hardly ever needed

    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.name} ({last.filename.rsplit('/', 1)[-1]}:{last.lineno})"
    return (
        f"unexpected {type(error).__name__} at {where}: {error}; this is a fault of jcsync. "
        "Nothing that was applied is lost: run the command again, and report this line"
    )


def first_status(statuses: Iterable[int]) -> int:
    """Return the exit status of several connections: the first that applies.

    Source:
        ``docs/exit-status.md``.
    """
    found = set(statuses)
    return next((status for status in (1, 2, 6, 4, 7, 3, 5, 10) if status in found), 0)
