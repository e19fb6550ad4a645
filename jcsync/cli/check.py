"""``check`` and ``groups``: look at both sides before anything is planned."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from jcsync.checkup import Cause, Step, StepStatus, check_connection
from jcsync.cli.common import (
    Options,
    common_options,
    emit_json,
    first_status,
    load_and_log,
)
from jcsync.cli.exits import UNREADABLE, USAGE
from jcsync.cli.naming import connection_argument, connections_argument
from jcsync.cli.stopping import stop_signals
from jcsync.cli.tables import print_lines, print_table
from jcsync.errors import JcsyncError
from jcsync.model.facts import Learnt
from jcsync.model.text import printable
from jcsync.render import Line, time_text

if TYPE_CHECKING:
    from jcsync.settings import Connection as ConnectionSettings

_MARKS = {
    StepStatus.PASSED: ("✓", "green"),
    StepStatus.WARNING: ("!", "yellow"),
    StepStatus.SKIPPED: ("-", "dim"),
    StepStatus.FAILED: ("✗", "red"),
}
_NAME_WIDTH = 26


@click.command(short_help="Test both sides without side effects, one line a step.")
@connections_argument
@common_options
def check(options: Options, connections: tuple[str, ...]) -> int:
    """Test both sides of a connection without side effects.

    Ends with 0 when every step passes, 2 for a step that the configuration causes, 6 otherwise.
    """
    from jcsync.wiring import QUICK, build_store, chosen_names, wired  # noqa: PLC0415

    loaded = load_and_log(options)
    documents = []
    statuses = []
    with build_store(loaded) as store, stop_signals() as stop:
        for name in chosen_names(loaded, connections):
            steps: list[Step] = []
            try:
                with wired(
                    loaded, name, store, read_only=True, stop=stop, retry=QUICK, learning=True
                ) as connection:
                    if not options.json:
                        print_lines([_heading(name, loaded.settings.connections[name])])
                    for step in check_connection(connection):
                        if not options.json:
                            print_lines(_lines(step, steps))
                        steps.append(step)
            except JcsyncError as error:
                steps.append(_refused(error))
                if not options.json:
                    print_lines(_lines(steps[-1], []))
            statuses.append(_status(steps))
            documents.append(
                {
                    "connection": name,
                    "steps": [_document(step) for step in steps],
                    "learnt": _learnt_document(store.learnt(name)),
                }
            )
            if not options.json:
                _say_what_is_next(name, statuses[-1])
    if options.json:
        emit_json({"checks": documents})
    return first_status(statuses)


def _heading(name: str, connection: "ConnectionSettings") -> Line:
    from jcsync.settings import hosts  # noqa: PLC0415 - not for the help

    directory, provider = connection.directory, str(connection.provider.base_url)
    where = urlsplit(hosts(directory).base_url).netloc
    return ((name, "bold"), (f" · JumpCloud {where} → {urlsplit(provider).netloc}", ""))


def _refused(error: JcsyncError) -> Step:
    return Step(
        side="Settings",
        name="settings",
        status=StepStatus.FAILED,
        message=str(error),
        cause=Cause.SETTINGS,
    )


def _status(steps: Iterable[Step]) -> int:
    causes = {step.cause for step in steps if step.status is StepStatus.FAILED}
    if Cause.SETTINGS in causes:
        return USAGE
    return UNREADABLE if causes else 0


def _lines(step: Step, before: list[Step]) -> Iterable[Line]:
    if not before or before[-1].side != step.side:
        yield ()
        yield ((f"  {step.side}", "bold"),)
    sign, style = _MARKS[step.status]
    yield (
        ("    ", ""),
        (f"{sign} ", style),
        (f"{step.name:<{_NAME_WIDTH}} ", ""),
        (printable(step.message), "red" if step.status is StepStatus.FAILED else ""),
        (f"  {step.seconds * 1000:.0f} ms" if step.seconds else "", "dim"),
    )


def _document(step: Step) -> dict[str, object]:
    return {
        "side": step.side,
        "step": step.name,
        "status": step.status.value,
        "message": step.message,
        "cause": step.cause.value or None,
        "seconds": round(step.seconds, 3),
    }


def _learnt_document(learnt: Learnt | None) -> dict[str, object] | None:
    if learnt is None:
        return None
    return {"at": time_text(learnt.at), "facts": asdict(learnt.facts)}


def _say_what_is_next(name: str, status: int) -> None:
    click.echo()
    if status == 0:
        click.echo(f"  Nothing was written. Next: jcsync plan {name}")
    else:
        click.echo(f"  Nothing was written. Correct what is marked ✗, then: jcsync check {name}")


@click.command(short_help="The groups of the directory, with their numbers of members.")
@connection_argument
@click.option("--search", metavar="TEXT", default="", help="Only groups whose name contains this.")
@common_options
def groups(options: Options, connection: str, search: str) -> int:
    """List the user groups of the directory, for scope.groups."""
    from jcsync.wiring import QUICK, build_store, chosen_names, wired  # noqa: PLC0415

    loaded = load_and_log(options)
    (name,) = chosen_names(loaded, (connection,))
    chosen = {group.name for group in loaded.settings.connections[name].scope.groups}
    with (
        build_store(loaded) as store,
        stop_signals() as stop,
        wired(loaded, name, store, read_only=True, stop=stop, retry=QUICK) as wire,
    ):
        wire.directory.fetch_organization()
        found = [
            group
            for group in wire.directory.fetch_groups()
            if search.casefold() in group.name.casefold()
        ]
        counts = {group.id: wire.directory.fetch_member_count(group.id) for group in found}
    rows = [
        {
            "id": group.id,
            "name": group.name,
            "members": counts[group.id],
            "dynamic": group.dynamic,
            "in_scope": group.name in chosen or group.id in chosen,
        }
        for group in found
    ]
    if options.json:
        emit_json({"connection": name, "groups": rows})
        return 0
    print_table(
        ("", "group", "members", "id"),
        [
            (
                "✓" if row["in_scope"] else "",
                f"{row['name']}{' (dynamic)' if row['dynamic'] else ''}",
                str(row["members"]),
                str(row["id"]),
            )
            for row in rows
        ],
        right=(2,),
        broken=1,
    )
    scope = f"connections.{name}.scope.groups"
    click.echo(f"\n  ✓ is in {scope}. Add others there by name or id." if rows else "no groups")
    return 0
