"""``links``: which account belongs to whom."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from jcsync.cli.common import Options, common_options, emit_json, load_and_log
from jcsync.cli.exits import run_status
from jcsync.cli.filters import (
    Command,
    by_changes,
    by_connection,
    by_user,
    changed_ids,
    check_known,
    open_store_of,
)
from jcsync.cli.naming import connection_argument
from jcsync.cli.stopping import stop_signals
from jcsync.cli.tables import local_text, print_table, short_id
from jcsync.clock import SystemClock
from jcsync.errors import UsageError
from jcsync.model.resource import Kind, Link
from jcsync.pipeline import adopt_account, forget_links
from jcsync.stages.restrict import called

if TYPE_CHECKING:
    from jcsync.model.report import RunReport


def _filters(command: Command) -> Command:
    return by_connection(by_user(by_changes(command)))


@click.group(
    invoke_without_command=True,
    short_help="Which account belongs to whom: links list | forget | adopt.",
)
@_filters
@common_options
@click.pass_context
def links(ctx: click.Context, /, options: Options, **filters: str | None) -> int:
    """List the links between JumpCloud ids and the ids of the platform.

    A link makes an account ours: it is patched, and deactivated when its person leaves.
    """
    ctx.obj = options
    return _list(options, **filters) if ctx.invoked_subcommand is None else 0


@links.command("list", short_help="Which account belongs to whom.")
@_filters
@common_options
def list_(options: Options, **filters: str | None) -> int:
    """List the links between JumpCloud ids and the ids of the platform."""
    return _list(options, **filters)


@links.command(short_help="Forget whose an account or group is; the next run looks again.")
@connection_argument
@click.argument("who", metavar="WHO")
@common_options
def forget(options: Options, connection: str, who: str) -> int:
    """Forget the link of WHO: a name, a JumpCloud id or an id of the platform.

    Nothing changes on the platform. The next run looks the account up by its externalId, then by
    its name, as on the first day. The history keeps who forgot it.
    """
    from jcsync.wiring import acting_person, run_owner  # noqa: PLC0415 - not for the help

    loaded, store = open_store_of(options)
    with store:
        found = [
            link
            for link in store.links(connection)
            if called(who, link.name, link.external_id, link.resource_id)
        ]
        check_known(loaded, connection, found)
        if not found:
            message = f"no link of {connection} is called {who!r}; look with: jcsync links"
            raise UsageError(message)
        if len(found) > 1:
            ids = ", ".join(sorted(f"{link.resource_id} ({link.kind})" for link in found))
            message = f"several links are called {who!r}: give one of the ids {ids}"
            raise UsageError(message)
        run_id = forget_links(
            store, SystemClock(), connection, found, owner=run_owner(), actor=acting_person()
        )
    if options.json:
        emit_json({"forgotten": [_document(connection, link) for link in found], "run_id": run_id})
    else:
        click.echo(
            f"forgot that the {_noun(found[0])} {found[0].resource_id} is {found[0].name}'s; "
            f"nothing was written. Next: jcsync plan {connection}"
        )
    return 0


@links.command(short_help="Give an account that is nobody's to a person.")
@connection_argument
@click.argument("account", metavar="ACCOUNT")
@click.argument("who", metavar="WHO")
@common_options
def adopt(options: Options, connection: str, account: str, who: str) -> int:
    """Give ACCOUNT, an id or userName on the platform, to WHO: an id, username or e-mail.

    For an account that no rule finds, such as one under a former name. Both sides are read first:
    the person must be in scope and have no other account, the account must be nobody else's. It
    gets his externalId; the next run brings the rest up to date. The history keeps who adopted it.
    An account that carries a JumpCloud id is linked by exactly this id, whoever is in scope: so an
    orphan of a lost store becomes one that the next run deactivates.
    """
    from jcsync.wiring import build_store, chosen_names, wired  # noqa: PLC0415

    loaded = load_and_log(options)
    (name,) = chosen_names(loaded, (connection,))
    with (
        build_store(loaded) as store,
        stop_signals() as stop,
        wired(loaded, name, store, read_only=False, stop=stop) as wire,
    ):
        report = adopt_account(wire, account, who)
    if options.json:
        emit_json(_adoption_document(name, report))
    else:
        _tell_adoption(name, account, who, report)
    return run_status(report) if report else 0


def _failure(report: "RunReport") -> str:
    """Why the account was not adopted, or ``""``."""
    if report.error is not None:
        return report.error.message
    return next((outcome.error for outcome in report.outcomes if outcome.error), "")


def _tell_adoption(name: str, account: str, who: str, report: "RunReport | None") -> None:
    if report is None:
        click.echo(f"the account {account} is linked to {who} already; nothing to do")
        return
    error = _failure(report)
    if error:
        click.echo(f"jcsync: the account {account} was not adopted: {error}", err=True)
        return
    click.echo(f"the account {account} is {who}'s now. Next: jcsync plan {name} --user {who}")


def _adoption_document(name: str, report: "RunReport | None") -> dict[str, Any]:
    if report is None or report.plan is None:
        return {"connection": name, "adopted": None, "run_id": None, "error": None}
    (change,) = report.plan.changes
    error = _failure(report)
    link = Link(
        kind=change.kind,
        external_id=change.external_id,
        resource_id=change.resource_id,
        name=change.name,
    )
    return {
        "connection": name,
        "adopted": None if error else _document(name, link),
        "run_id": report.run_id,
        "error": error or None,
    }


def _list(
    options: Options,
    *,
    connection: str | None,
    user: str | None,
    since: str | None,
    run_id: str | None,
) -> int:
    loaded, store = open_store_of(options)
    with store:
        changed = changed_ids(store, since, run_id)
        found = [
            (of, link)
            for of in ([connection] if connection else loaded.settings.connections)
            for link in sorted(store.links(of), key=lambda link: (link.kind, link.name.casefold()))
            if (user is None or called(user, link.name, link.external_id, link.resource_id))
            and (changed is None or (of, link.external_id) in changed)
        ]
    check_known(loaded, connection, found)
    if options.json:
        emit_json({"links": [_document(of, link) for of, link in found]})
        return 0
    several = len({of for of, _ in found}) > 1
    print_table(
        (
            *(("connection",) if several else ()),
            "resource",
            "name",
            "JumpCloud id",
            "platform id",
            "deactivated",
        ),
        [
            (
                *((of,) if several else ()),
                link.kind,
                link.name,
                short_id(link.external_id, verbose=options.verbose),
                short_id(link.resource_id, verbose=options.verbose),
                _day(link.deactivated_at),
            )
            for of, link in found
        ],
        broken=2 if several else 1,
    )
    if not found:
        click.echo("no links")
    return 0


def _noun(link: Link) -> str:
    return "group" if link.kind is Kind.GROUP else "account"


def _day(text: str | None) -> str:
    """A time of the store in the reader's zone, ``""`` for none."""
    return local_text(datetime.fromisoformat(text)) if text else ""


def _document(connection: str, link: Link) -> dict[str, Any]:
    return {
        "connection": connection,
        "resource": link.kind.value,
        "name": link.name,
        "external_id": link.external_id,
        "resource_id": link.resource_id,
        "deactivated_at": link.deactivated_at,
    }
