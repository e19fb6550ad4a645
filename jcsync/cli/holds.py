"""``holds``, ``approve`` and ``reject``: plans that exceeded their limits."""

from typing import Any

import click

from jcsync.cli.common import Options, common_options, emit_json, load_and_log
from jcsync.cli.exits import run_status
from jcsync.cli.filters import (
    ALL,
    by_connection,
    by_run,
    by_since,
    by_user,
    check_known,
    moment,
    run_ids_of,
)
from jcsync.cli.history import planned_change
from jcsync.cli.runs import run_connection, show_reports
from jcsync.cli.stopping import stop_signals
from jcsync.cli.tables import local_text, print_lines, print_table
from jcsync.clock import SystemClock
from jcsync.errors import StalePlanError, UsageError
from jcsync.model.history import HoldRecord, HoldStatus
from jcsync.pipeline import Order
from jcsync.ports import Store
from jcsync.render import (
    change_document,
    render_changes,
    time_text,
    violation_document,
    violation_text,
)

_SHOWN = 50


@click.command(short_help="Plans that exceeded their limits; holds show HOLD for one of them.")
@click.argument("show", required=False, metavar="[show HOLD]")
@click.argument("hold_id", type=int, required=False, metavar="")
@by_connection
@by_user
@by_since
@by_run
@click.option("--all", "everything", is_flag=True, help="Decided ones too.")
@common_options
def holds(
    options: Options,
    show: str | None,
    hold_id: int | None,
    connection: str | None,
    user: str | None,
    since: str | None,
    run_id: str | None,
    everything: bool,  # noqa: FBT001 - click passes flags by name
) -> int:
    """List held plans, or show one: "jcsync holds show 18"."""
    from jcsync.wiring import build_store  # noqa: PLC0415 - not for the help

    if show is not None and (show != "show" or hold_id is None):
        message = 'usage: "jcsync holds", or "jcsync holds show HOLD"'
        raise UsageError(message)
    loaded = load_and_log(options)
    with build_store(loaded) as store:
        if hold_id is not None:
            return _show_one(store, hold_id, options)
        found = store.holds(connection=connection, open_only=not everything)
        of_user = run_ids_of(store, user) if user is not None else frozenset()
    check_known(loaded, connection, found)
    begin = moment(since)
    found = tuple(
        hold
        for hold in found
        if (begin is None or hold.created_at >= begin)
        and (run_id is None or hold.run_id.endswith(run_id))
        and (user is None or hold.run_id in of_user)
    )
    if options.json:
        emit_json({"holds": [_document(hold) for hold in found]})
        return 0
    print_table(
        ("hold", "connection", "since", "status", "beyond"),
        [
            (
                str(hold.id),
                hold.connection,
                local_text(hold.created_at),
                hold.status.value,
                ", ".join(v.limit for v in hold.violations),
            )
            for hold in found
        ],
        right=(0,),
    )
    click.echo("\n  Look: jcsync holds show HOLD" if found else "nothing is held")
    return 0


def _show_one(store: Store, hold_id: int, options: Options) -> int:
    hold = find_hold(store, hold_id)
    planned = sorted(store.changes(run_id=hold.run_id, limit=ALL), key=lambda change: change.n)
    if options.json:
        emit_json({"hold": {**_document(hold), "changes": [change_document(c) for c in planned]}})
        return 0
    click.echo(f"hold {hold.id} · {hold.connection} · {hold.status.value} · {hold.digest}")
    print_lines((("  ", ""), (violation_text(v), "red")) for v in hold.violations)
    shown = planned if options.verbose else planned[:_SHOWN]
    print_lines(render_changes(map(planned_change, shown), verbose=options.verbose))
    if len(planned) > len(shown):
        click.echo(f"  … {len(planned) - len(shown)} more changes (--verbose)")
    if hold.status is HoldStatus.HELD:
        click.echo(f"  Accept:   jcsync approve {hold.id}")
        click.echo(f"  Refuse:   jcsync reject {hold.id}")
    return 0


@click.command(short_help="Apply a held plan, if it is still the one due.")
@click.argument("hold", type=int, metavar="HOLD")
@common_options
def approve(options: Options, hold: int) -> int:
    """Apply a held plan.

    Both sides are read again; when another plan would now be due, nothing is written and the exit
    status is 7.
    """
    from jcsync.wiring import build_store, chosen_names  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options)
    with build_store(loaded) as store, stop_signals() as stop:
        held = find_hold(store, hold)
        if held.status not in (HoldStatus.HELD, HoldStatus.REJECTED):
            message = f"hold {hold} is {held.status.value} already"
            if held.status is HoldStatus.SUPERSEDED:
                message = f"{message}: {_next_hold(store, held.connection)}"
                raise StalePlanError(message)
            raise UsageError(message)
        chosen_names(loaded, (held.connection,))
        order = Order(apply=True, trigger="approve", digest=held.digest, approved=held)
        report = run_connection(loaded, held.connection, store, order, stop=stop, options=options)
    show_reports([report], options, applied=True)
    return run_status(report)


@click.command(short_help="Refuse a held plan.")
@click.argument("hold", type=int, metavar="HOLD")
@common_options
def reject(options: Options, hold: int) -> int:
    """Refuse a held plan: as long as the same plan is due, nothing is written."""
    from jcsync.wiring import acting_person, build_store  # noqa: PLC0415 - not for the help

    loaded = load_and_log(options)
    with build_store(loaded) as store:
        find_hold(store, hold)
        store.decide_hold(hold, HoldStatus.REJECTED, by=acting_person(), at=SystemClock().now())
        rejected = find_hold(store, hold)
    if options.json:
        emit_json({"hold": _document(rejected)})
    else:
        click.echo(
            f"hold {hold} is rejected; nothing was written. Runs go on ending with 4 as long as this "
            f"plan is due: correct what is wrong in JumpCloud, or change limits of {rejected.connection}"
        )
    return 0


def _next_hold(store: Store, connection: str) -> str:
    """What has taken the place of a superseded hold."""
    for hold in store.holds(connection=connection, open_only=True):
        return (
            f"another plan is due now; look with: jcsync holds show {hold.id}, "
            f"accept with: jcsync approve {hold.id}"
        )
    return f"another plan was due since then; look with: jcsync plan {connection}"


def find_hold(store: Store, hold_id: int) -> HoldRecord:
    """Return a hold by its number.

    Raises:
        UsageError: There is none.
    """
    known = {hold.id: hold for hold in store.holds()}
    if hold_id not in known:
        message = f"there is no hold {hold_id}; look with: jcsync holds --all"
        raise UsageError(message)
    return known[hold_id]


def _document(hold: HoldRecord) -> dict[str, Any]:
    return {
        "id": hold.id,
        "connection": hold.connection,
        "run_id": hold.run_id,
        "digest": hold.digest,
        "status": hold.status.value,
        "created_at": time_text(hold.created_at),
        "decided_at": time_text(hold.decided_at) if hold.decided_at else None,
        "decided_by": hold.decided_by or None,
        "violations": [violation_document(violation) for violation in hold.violations],
    }
