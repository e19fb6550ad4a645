"""``plan``, ``apply`` and ``reconcile``: one run, now."""

import hashlib
import json
import os
import shlex
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcsync.cli.common import (
    Options,
    build_console,
    common_options,
    emit_json,
    fault_text,
    first_status,
    load_and_log,
    note,
)
from jcsync.cli.exits import plan_status, run_status
from jcsync.cli.naming import connections_argument
from jcsync.cli.stopping import stop_signals
from jcsync.cli.tables import print_lines
from jcsync.clock import SystemClock
from jcsync.errors import JcsyncError, SettingsError, StalePlanError, UsageError
from jcsync.model.report import ErrorKind, RunError, RunOutcome, RunReport
from jcsync.pipeline import Order, Progress, new_run_id
from jcsync.pipeline import run as run_pipeline
from jcsync.render import json_pieces, render_run, reports_document

if TYPE_CHECKING:
    from jcsync.ports import Store
    from jcsync.settings import Loaded

_STAGES = {"read": "reading both sides", "decide": "comparing", "apply": "applying"}


def _checked_name(_: click.Context, __: click.Parameter, name: str | None) -> str:
    """Refuse an empty name: a script whose variable is empty does not mean everybody."""
    if name is not None and not name.strip():
        message = "is empty; leave the option out to mean everybody"
        raise click.BadParameter(message)
    return name or ""


def _narrowing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name one person or one group, of which only one may be given."""

    @click.option(
        "--user",
        "who",
        metavar="WHO",
        callback=_checked_name,
        help="One person only: id, username or e-mail.",
    )
    @click.option(
        "--group",
        metavar="NAME",
        callback=_checked_name,
        help="One group of the scope and its people only: name or id.",
    )
    @wraps(command)
    def narrowed(*args: object, who: str, group: str, **kwargs: object) -> object:
        if who and group:
            message = "give either --user or --group"
            raise click.UsageError(message)
        return command(*args, who=who, group=group, **kwargs)

    return narrowed


@click.command(short_help="Show what a run would do; cannot write.")
@connections_argument
@_narrowing_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help='Save the plan for "jcsync apply FILE".',
)
@click.option(
    "--exit-code", is_flag=True, help="End with 10 when changes are due, 4 when beyond limits."
)
@common_options
def plan(
    options: Options,
    connections: tuple[str, ...],
    who: str,
    group: str,
    out: Path | None,
    exit_code: bool,  # noqa: FBT001 - click passes flags by name
) -> int:
    """Show what a run would do: read both sides, compare, and write nothing."""
    loaded = load_and_log(options)
    order = Order(apply=False, who=who, group=group)
    reports = _run_all(loaded, connections, options, lambda _name: order)
    found = _found(reports)
    saved = out is not None and _save(out, found, order)
    show_reports(reports, options, applied=False)
    if out is not None:
        _say_saved(out, options, saved=saved)
    return first_status(plan_status(report, exit_code=exit_code) for report in found)


@click.command(short_help="Apply exactly a saved plan, or refuse because the world has moved.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common_options
def apply(options: Options, file: Path) -> int:
    """Apply the plan that "jcsync plan --out FILE" saved.

    Both sides are read again; when another plan would now be due, nothing is written and the exit
    status is 7.
    """
    saved, who, group = _read_saved(file)
    loaded = load_and_log(options)
    orders = {
        name: Order(apply=True, trigger="apply", who=who, group=group, digest=digest)
        for name, digest in saved.items()
    }
    reports = _run_all(loaded, tuple(saved), options, orders.__getitem__)
    show_reports(reports, options, applied=True)
    return first_status(run_status(report) for report in reports)


@click.command(short_help="One run, now.")
@connections_argument
@_narrowing_options
@click.option(
    "--fast", is_flag=True, help="Look only at those who may have changed since the last run."
)
@click.option(
    "--rewrite", is_flag=True, help="Send every attribute again, also those that agree already."
)
@click.option(
    "--exceed-limits", is_flag=True, help="Waive all limits, this once; the history says so."
)
@common_options
def reconcile(
    options: Options,
    connections: tuple[str, ...],
    who: str,
    group: str,
    fast: bool,  # noqa: FBT001 - click passes flags by name
    rewrite: bool,  # noqa: FBT001 - likewise
    exceed_limits: bool,  # noqa: FBT001 - likewise
) -> int:
    """Make the platform agree with JumpCloud, once.

    A plan beyond a limit is held: nothing is written until a person approves it. A fast run becomes
    a full one where single people will not do.
    """
    others = {
        "--user": who,
        "--group": group,
        "--rewrite": rewrite,
        "--exceed-limits": exceed_limits,
    }
    if fast and (other := next((name for name, given in others.items() if given), "")):
        message = f"--fast does not go with {other}"
        raise UsageError(message)
    loaded = load_and_log(options)
    trigger = "exceed_limits" if exceed_limits else "manual"
    order = Order(
        apply=True,
        trigger=trigger,
        who=who,
        group=group,
        exceed_limits=exceed_limits,
        fast=fast,
        rewrite=rewrite,
    )
    reports = _run_all(
        loaded, connections, options, lambda _name: order, tell=not who and not group
    )
    show_reports(reports, options, applied=True)
    return first_status(run_status(report) for report in _found(reports))


def _found(reports: list[RunReport]) -> list[RunReport]:
    """The runs that a command is judged by: not every connection need know a person or group."""
    return [
        report
        for report in reports
        if report.error is None or report.error.kind is not ErrorKind.NOBODY
    ] or reports


def _run_all(
    loaded: "Loaded",
    names: tuple[str, ...],
    options: Options,
    order: Callable[[str], Order],
    *,
    tell: bool = False,
) -> list[RunReport]:
    from jcsync.wiring import (  # noqa: PLC0415 - not for the help
        build_notices,
        build_store,
        chosen_names,
    )

    chosen = chosen_names(loaded, names)
    if not chosen:
        message = "no connection is enabled; set connections.NAME.enabled, or name one"
        raise UsageError(message)
    with build_store(loaded) as store, stop_signals() as stop:
        notices = build_notices(loaded, store)
        now = SystemClock().now()
        orders = {name: replace(order(name), run_id=new_run_id(now)) for name in chosen}
        if tell:
            notices.begin({name: order.run_id for name, order in orders.items()})
        reports = [
            run_connection(loaded, name, store, order, stop=stop, options=options)
            for name, order in orders.items()
        ]
        if tell and not stop.is_set():
            notices.end(reports, room=store.room())
            notices.tell_digest(chosen_names(loaded, ()))
    return reports


def run_connection(
    loaded: "Loaded",
    name: str,
    store: "Store",
    order: Order,
    *,
    stop: threading.Event,
    options: Options,
) -> RunReport:
    """Run one connection, with a progress bar for a person who waits for it.

    A connection that cannot even be built, and a fault of ours, are failed runs as well: the
    other connections go on.
    """
    from jcsync.wiring import wired  # noqa: PLC0415 - not for the help

    started = SystemClock().now()
    try:
        with (
            progress_bar(name, options) as progress,
            wired(loaded, name, store, read_only=not order.apply, stop=stop) as connection,
        ):
            return run_pipeline(connection, order, progress)
    except SettingsError as error:
        return _failed(name, order, started, ErrorKind.SETTINGS, str(error))
    except JcsyncError as error:
        return _failed(name, order, started, ErrorKind.UNEXPECTED, str(error))
    except Exception as error:  # noqa: BLE001 - part of a front door: the others go on
        return _failed(name, order, started, ErrorKind.UNEXPECTED, fault_text(error))


def _failed(name: str, order: Order, started: datetime, kind: ErrorKind, message: str) -> RunReport:
    """The report of a run that could not make its own."""
    return RunReport(
        run_id=order.run_id or new_run_id(started),
        connection=name,
        mode=order.mode,
        outcome=RunOutcome.FAILED,
        started_at=started,
        finished_at=SystemClock().now(),
        error=RunError(kind=kind, message=message),
    )


@contextmanager
def progress_bar(name: str, options: Options) -> Iterator[Progress]:
    """Show how far a run is, on a terminal; elsewhere nothing."""
    if options.quiet or options.json or options.verbose or not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    from rich import progress as rich_progress  # noqa: PLC0415 - not for pipes

    console = build_console(stderr=True)
    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.TextColumn("{task.fields[counts]}"),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{name}: {_STAGES['read']}", total=None, counts="")

        def progress(stage: str, done: int, total: int) -> None:
            text = f"{name}: {_STAGES.get(stage, stage)}"
            counts = f"{done}/{total}" if total else ""
            bar.update(task, description=text, completed=done, total=total or None, counts=counts)

        yield progress


def show_reports(reports: list[RunReport], options: Options, *, applied: bool) -> None:
    """Print runs: one JSON document, or text for people."""
    if options.json:
        emit_json(reports_document(reports))
        return
    for report in reports:
        lines = render_run(report, verbose=options.verbose, quiet=options.quiet, applied=applied)
        print_lines(lines)


def _save(path: Path, reports: list[RunReport], order: Order) -> bool:
    """Save the plans with their checksum; nothing when one of them could not be made."""
    if any(report.plan is None for report in reports):
        return False
    document = {
        **reports_document(reports),
        "user": order.who or None,
        "group": order.group or None,
    }
    document["checksum"] = _checksum(document)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, 0o600)  # a file that was there may be open to all
            file.writelines(json_pieces(document))
            file.write("\n")
    except OSError as error:
        message = f"the plan cannot be written to {path}: {error.strerror}"
        raise UsageError(message) from error
    return True


def _say_saved(path: Path, options: Options, *, saved: bool) -> None:
    if not saved:
        click.echo(f"jcsync: no plan was made, {path} was not written", err=True)
        return
    text = f"  Saved as {path}. To apply exactly this plan: jcsync apply {shlex.quote(str(path))}"
    if options.json:
        note(text.strip(), options)
    else:
        click.echo(text)


def _checksum(document: dict[str, Any]) -> str:
    """Return what tells an edited plan file: a digest of all it says, whatever its layout."""
    content = {name: value for name, value in document.items() if name != "checksum"}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=list)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _read_saved(path: Path) -> tuple[dict[str, str], str, str]:
    """Return the digest of each connection's plan, and the person or group that it is about.

    Raises:
        UsageError: The file cannot be read or is no plan.
        StalePlanError: Somebody has changed it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        saved = {run["connection"]: run["plan"]["digest"] for run in document["runs"]}
        who, group = document.get("user") or "", document.get("group") or ""
        checksum = document["checksum"]
    except OSError as error:
        message = f"{path}: {error.strerror}; save a plan with: jcsync plan --out FILE"
        raise UsageError(message) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f'{path} is no plan that "jcsync plan --out FILE" saved'
        raise UsageError(message) from error
    if checksum != _checksum(document):
        message = (
            f"{path} was changed after it was saved; nothing was written. A plan is applied as it "
            f"is or not at all: make another with jcsync plan --out {shlex.quote(str(path))}"
        )
        raise StalePlanError(message)
    if not saved:
        message = f"{path} holds no plan"
        raise UsageError(message)
    return saved, str(who), str(group)
