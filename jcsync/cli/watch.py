"""Lines that stay on a terminal and are written anew every two seconds."""

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic

from jcsync.cli.common import Options, build_console
from jcsync.cli.tables import fit_lines, local_text
from jcsync.clock import SystemClock
from jcsync.errors import UsageError
from jcsync.render import Line

_EVERY_S = 2
_QUIT = frozenset("qQ\x03\x04")


def check_watchable(options: Options) -> None:
    """Do nothing where there is a terminal that lines can be written to anew.

    Raises:
        UsageError: Somebody else reads what is printed.
    """
    if options.json:
        message = "--watch is for people and --json for programs; leave one of them out"
    elif not sys.stdout.isatty():
        message = (
            "--watch needs a terminal, and standard output is none; without --watch, the state "
            "of now is printed once"
        )
    elif os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        message = (
            "--watch needs a terminal that can be written to anew, and TERM says that this one "
            "cannot; set TERM, or leave --watch out"
        )
    else:
        return
    raise UsageError(message)


def watch_lines(look: Callable[[], list[Line]]) -> None:
    """Show lines, and those of now every two seconds, until q or Ctrl-C is pressed.

    Args:
        look: Returns the lines of now.
    """
    from rich.console import Group  # noqa: PLC0415 - not for the help
    from rich.live import Live  # noqa: PLC0415 - not for the help

    console = build_console()

    def picture() -> Group:
        found = list(fit_lines(look(), console.width))
        room = console.height - 2
        rest = len(found) - room
        head: Line = ((f"{local_text(SystemClock().now())}, every {_EVERY_S} s", "dim"),)
        tail: Line = (("q ends", "dim"),)
        if rest > 0:
            found = found[:room]
            tail = ((f"{rest} more lines do not fit: name connections; q ends", "yellow"),)
        return Group(*fit_lines([head], console.width), *found, *fit_lines([tail], console.width))

    with (
        _interruptible(),
        _single_keys(),
        Live(picture(), console=console, screen=True, auto_refresh=False) as live,
    ):
        while not _is_quit(_EVERY_S):
            live.update(picture(), refresh=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """End quietly upon Ctrl-C and SIGTERM, with the terminal as it was."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _single_keys() -> Iterator[None]:
    """Take keys without Enter, and do not show them."""
    if not sys.stdin.isatty():
        yield
        return
    import termios  # noqa: PLC0415 - not everywhere
    import tty  # noqa: PLC0415 - not everywhere

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _is_quit(seconds: float) -> bool:
    """Wait so long, and tell at once when somebody wants to leave."""
    end = monotonic() + seconds
    listening = [sys.stdin] if sys.stdin.isatty() else []
    while (left := end - monotonic()) > 0:
        if not select.select(listening, [], [], left)[0]:
            return False
        keys = os.read(sys.stdin.fileno(), 64).decode(errors="replace")
        if not keys or _QUIT & set(keys):
            return True
    return False
