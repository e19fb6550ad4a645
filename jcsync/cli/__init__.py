"""The command line: one module a family of commands; prints; exit status.

The first of the two front doors: every error ends here, in words, with its exit status.
"""

import atexit
import errno
import gc
import importlib
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click
from click.shell_completion import CompletionItem

from jcsync import __version__
from jcsync.cli.common import (
    Options,
    common_options,
    emit_refusal,
    fault_text,
    fit_text,
)
from jcsync.errors import JcsyncError

_COMMANDS = {
    "init": (
        "jcsync.cli.init:init",
        "Ask for what is needed, test it, and write a configuration.",
    ),
    "check": ("jcsync.cli.check:check", "Test both sides without side effects, one line a step."),
    "groups": (
        "jcsync.cli.check:groups",
        "The groups of the directory, with their numbers of members.",
    ),
    "plan": ("jcsync.cli.runs:plan", "Show what a run would do; cannot write."),
    "apply": (
        "jcsync.cli.runs:apply",
        "Apply exactly a saved plan, or refuse because the world has moved.",
    ),
    "reconcile": ("jcsync.cli.runs:reconcile", "One run, now."),
    "run": ("jcsync.cli.daemon:run", "The daemon: every connection by its schedule."),
    "status": ("jcsync.cli.status:status", "Last run, age of the last success, holds."),
    "runs": ("jcsync.cli.history:runs", "Past runs, newest first."),
    "changes": ("jcsync.cli.history:changes", "Changes that runs made, newest first."),
    "audit": ("jcsync.cli.audit:audit", "The whole history for other programs: audit export."),
    "escrow": ("jcsync.cli.escrow:escrow", "What failed and waits: escrow list | retry | forget."),
    "holds": (
        "jcsync.cli.holds:holds",
        "Plans that exceeded their limits; holds show HOLD for one of them.",
    ),
    "links": (
        "jcsync.cli.links:links",
        "Which account belongs to whom: links list | forget | adopt.",
    ),
    "approve": ("jcsync.cli.holds:approve", "Apply a held plan, if it is still the one due."),
    "reject": ("jcsync.cli.holds:reject", "Refuse a held plan."),
    "store": (
        "jcsync.cli.store:store",
        "Copies of the store, and whether it is whole: store backup | restore | check.",
    ),
    "pause": ("jcsync.cli.daemon:pause", "Let the daemon leave a connection alone."),
    "resume": ("jcsync.cli.daemon:resume", "Let the daemon take a connection up again."),
    "drift": (
        "jcsync.cli.drift:drift",
        "What the platform holds that the directory does not imply.",
    ),
    "notify": ("jcsync.cli.notify:notify", "Who is told what happened: notify test."),
    "explain": ("jcsync.cli.explain:explain", "One person through all stages."),
    "config": ("jcsync.cli.config:config", "Check, show and describe the settings."),
    "completion": (
        "jcsync.cli.completion:completion",
        "Print what bash, zsh or fish needs to complete commands.",
    ),
    "demo": ("jcsync.cli.demo:demo", "All of it against an embedded JumpCloud and SCIM platform."),
}
"""Where each command is and what it is for, in the order of the help; imported only when called."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        _import_log_without_rich()
        module, name = _COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the one that is nearest."""
        mistyped = args and args[0] not in _COMMANDS and not args[0].startswith("-")
        if mistyped and not ctx.resilient_parsing:
            from jcsync.model.text import did_you_mean  # noqa: PLC0415 - not for the help

            ctx.fail(f"there is no command {args[0]!r}{did_you_mean(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands without importing them."""
        del ctx
        return [
            CompletionItem(name, help=text)
            for name, (_, text) in _COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jcsync", message="%(prog)s %(version)s")
@common_options
@click.pass_context
def cli(ctx: click.Context, options: Options) -> None:
    """Keep a platform's users and groups in step with JumpCloud.

    Start with "jcsync init", which asks, tests both sides and shows the first plan; or with
    "jcsync demo", which needs no account anywhere.
    """
    ctx.obj = options


# A run keeps nearly all it reads until its end, and makes hardly any cycles: 500 objects in all.
# With Python's own threshold of 700 the collector walks through all of it again and again, for a
# fifth of the time. A first run of 10,000 people has 300,000 objects, one of 100,000 ten times as
# many; the daemon collects after each run.
GC_THRESHOLD = (3_000_000, 50, 100)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Why output cannot be written; where files and the store cannot, they have errors of their own."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its status.

    Source:
        ``docs/exit-status.md``.
    """
    _print_whatever_comes()
    gc.set_threshold(*GC_THRESHOLD)
    # The system takes all memory back at once: to look through it first, several times, as
    # Python does at its end, takes a fifth of a run that finds nothing to do.
    atexit.register(gc.freeze)
    words = sys.argv[1:] if args is None else args
    try:
        status = cli.main(args=args, prog_name="jcsync", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        _refuse_in_json(words, error.format_message())
        with suppress(OSError):
            error.show()
        sys.exit(error.exit_code)
    except JcsyncError as error:
        sys.exit(_refuse(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - a front door: no traceback reaches a user
        sys.exit(_apologize(error, words))
    finally:
        _end_tracing()
    sys.exit(status if isinstance(status, int) else 0)


def _import_log_without_rich() -> None:
    """Import structlog as where rich is missing: it would load all of it at once.

    It takes rich for the tracebacks of development, and that is a tenth of the time of a small run.
    """
    if "rich" in sys.modules or "structlog" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment] # how an import is made to fail
    try:
        importlib.import_module("structlog")
    finally:
        del sys.modules["rich"]


def _end_tracing() -> None:
    """Send what is left of the traces, where a command has begun any."""
    tracing = sys.modules.get("jcsync.tracing")
    if tracing is not None:
        tracing.end_tracing()


def _print_whatever_comes() -> None:
    """Let a terminal that lacks a sign show another one in its place, rather than end in an error.

    One that is closed is nowhere, also for those who would get its number.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _nowhere())
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _refuse_in_json(words: list[str], message: str) -> None:
    """Give those who asked for JSON a document, where no command got so far as to know of it."""
    if "--json" in words:
        with suppress(OSError):
            emit_refusal(next((word for word in words if word in _COMMANDS), None), message)


def _refuse(error: JcsyncError) -> int:
    from jcsync.cli.exits import error_status  # noqa: PLC0415 - not for the help

    _say(str(error))
    return error_status(error)


def _apologize(error: Exception, words: list[str]) -> int:
    if isinstance(error, OSError) and error.errno in _FULL:
        sys.stdout = _nowhere()
        _say(f"the output cannot be written: {error.strerror}; what was applied is in jcsync runs")
    else:
        _refuse_in_json(words, fault_text(error))
        _say(fault_text(error))
    return 1


def _say(text: str) -> None:
    with suppress(OSError):
        click.echo(fit_text(f"jcsync: {text}"), err=True)
