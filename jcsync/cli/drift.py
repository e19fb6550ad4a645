"""``drift``: what the platform holds that the directory does not imply."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import click

from jcsync.cli.common import (
    Options,
    common_options,
    emit_json,
    fault_text,
    first_status,
    load_and_log,
)
from jcsync.cli.exits import CHANGES_DUE, DONE, UNEXPECTED, UNREADABLE, error_status
from jcsync.cli.naming import connections_argument
from jcsync.cli.runs import progress_bar
from jcsync.cli.stopping import stop_signals
from jcsync.cli.tables import print_lines, short_id
from jcsync.errors import JcsyncError, UsageError
from jcsync.model.drift import Drift, DriftKind, DriftReport
from jcsync.model.report import ErrorKind, RunError
from jcsync.model.resource import Kind
from jcsync.model.text import printable
from jcsync.pipeline import look_for_drift
from jcsync.render import Line, counted, drift_document, finding_line, value_text

if TYPE_CHECKING:
    from jcsync.settings import Loaded
    from jcsync.store import SqlStore

_HEADINGS = {
    DriftKind.ORPHAN: ("Orphans: ours and active, though their people must not have access", "red"),
    DriftKind.UNMANAGED: ("Unmanaged: neither created nor adopted by jcsync", "yellow"),
    DriftKind.EDITED: ("Edited on the platform since jcsync last set them", "yellow"),
    DriftKind.MISSING: ("Missing: deleted on the platform", "red"),
    DriftKind.EXTRA_MEMBERS: ("Members that the directory does not imply", "yellow"),
}
_SHOWN = 20
_NAME_WIDTH = 34


@click.command(short_help="What the platform holds that the directory does not imply.")
@connections_argument
@common_options
def drift(options: Options, connections: tuple[str, ...]) -> int:
    """Show what the platform holds that the directory does not imply; writes to neither side.

    Orphans, unmanaged accounts and groups, attributes that somebody else has changed, accounts
    that somebody else has deleted, and members too many. What policy.protect names is left out.
    Ends with 10 when there is any, 0 when there is none, 6 when a side could not be read.
    """
    from jcsync.wiring import build_store, chosen_names  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options)
    chosen = chosen_names(loaded, connections)
    if not chosen:
        message = "no connection is enabled; set connections.NAME.enabled, or name one"
        raise UsageError(message)
    with build_store(loaded) as store, stop_signals() as stop:
        found = [_look(loaded, name, store, stop, options) for name in chosen]
    if options.json:
        emit_json({"connections": [drift_document(report) for report, _ in found]})
    else:
        for report, _ in found:
            print_lines(_lines(report, verbose=options.verbose, quiet=options.quiet))
    return first_status(status for _, status in found)


def _look(
    loaded: "Loaded", name: str, store: "SqlStore", stop: threading.Event, options: Options
) -> tuple[DriftReport, int]:
    """Look at one connection; one that cannot be looked at does not stop the others."""
    from jcsync.wiring import wired  # noqa: PLC0415 - not for the help

    try:
        with (
            progress_bar(name, options) as progress,
            wired(loaded, name, store, read_only=True, stop=stop) as connection,
        ):
            progress("read", 0, 0)
            report = look_for_drift(connection)
    except JcsyncError as error:
        return _failed(name, str(error)), error_status(error)
    except Exception as error:  # noqa: BLE001 - part of a front door: the others go on
        return _failed(name, fault_text(error)), UNEXPECTED
    if not (report.directory_complete and report.provider_complete):
        return report, UNREADABLE
    return report, CHANGES_DUE if report.entries else DONE


def _failed(name: str, message: str) -> DriftReport:
    return DriftReport(connection=name, error=RunError(kind=ErrorKind.UNEXPECTED, message=message))


def _lines(report: DriftReport, *, verbose: bool, quiet: bool) -> Iterator[Line]:
    yield ((report.connection, "bold"), (" · drift", ""))
    if report.error is not None:
        yield (("  FAILED: ", "red"), (printable(report.error.message), ""))
        return
    if not quiet:
        for kind, entries in groupby(report.entries, key=lambda drift: drift.kind):
            yield ()
            yield from _section(kind, list(entries), verbose=verbose)
    if report.findings and not quiet:
        yield ()
        shown = report.findings if verbose else report.findings[:_SHOWN]
        yield from (finding_line(finding) for finding in shown)
        yield from _more(len(report.findings) - len(shown), "findings")
    if not quiet:
        yield ()
    yield _summary(report)
    yield from _advice(report)


def _section(kind: DriftKind, entries: list[Drift], *, verbose: bool) -> Iterator[Line]:
    heading, style = _HEADINGS[kind]
    yield ((f"  {heading}", style),)
    shown = entries if verbose else entries[:_SHOWN]
    for entry in shown:
        yield from _entry(entry, verbose=verbose)
    yield from _more(len(entries) - len(shown), "more")


def _entry(entry: Drift, *, verbose: bool) -> Iterator[Line]:
    noun = "group " if entry.resource is Kind.GROUP else ""
    told = entry.kind in (DriftKind.ORPHAN, DriftKind.UNMANAGED)
    inactive = "inactive; " if entry.active is False else ""
    yield (
        (f"    {noun + printable(entry.name):<{_NAME_WIDTH}} ", ""),
        (f"{short_id(entry.resource_id, verbose=verbose)}  ", "dim"),
        (f"{inactive}{printable(entry.message)}" if told else "", "dim"),
    )
    for edit in entry.edits:
        yield (
            (f"      {edit.path}  ", ""),
            (value_text(edit.applied), "dim"),
            (" → ", "dim"),
            (value_text(edit.found), ""),
            *(
                ()
                if edit.wanted == edit.applied
                else ((f"  (JumpCloud: {value_text(edit.wanted)})", "dim"),)
            ),
        )
    members = entry.members if verbose else entry.members[:_SHOWN]
    for member in members:
        yield ((f"      + {printable(member)}", "red"),)
    yield from _more(len(entry.members) - len(members), "more members")


def _more(number: int, what: str) -> Iterable[Line]:
    return [((f"      … {number} {what} (--verbose)", "dim"),)] if number > 0 else []


def _summary(report: DriftReport) -> Line:
    numbers = Counter(entry.kind for entry in report.entries)
    parts = [
        (f"{counted(number, 'group')} with extra members")
        if kind is DriftKind.EXTRA_MEMBERS
        else f"{number} {kind.value}"
        for kind, number in numbers.items()
    ]
    complete = report.directory_complete and report.provider_complete
    none = "none" if complete else "none seen, but a side was read in part"
    return (("  Drift: ", "bold"), (", ".join(parts) or none, ""), (".", ""))


def _advice(report: DriftReport) -> Iterator[Line]:
    name = report.connection
    kinds = {entry.kind for entry in report.entries}
    if kinds - {DriftKind.UNMANAGED}:
        yield ((f"  Nothing was written. What a run would do: jcsync plan {name}", ""),)
    if DriftKind.UNMANAGED in kinds:
        yield (
            (f"  To take an account over: jcsync links adopt {name} ACCOUNT WHO; ", ""),
            ("to leave one out here: policy.protect", ""),
        )
