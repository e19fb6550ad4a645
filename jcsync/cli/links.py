"""``links``: which account belongs to whom."""

from datetime import datetime
from typing import Any

import click

from jcsync.cli.common import Options, common_options, emit_json
from jcsync.cli.filters import by_connection, by_user, check_known, open_store_of
from jcsync.cli.tables import local_text, print_table, short_id
from jcsync.errors import UsageError
from jcsync.model.resource import Link


@click.command(short_help="Which account belongs to whom.")
@click.argument("name", required=False, metavar="[CONNECTION]")
@by_connection
@by_user
@common_options
def links(options: Options, name: str | None, connection: str | None, user: str | None) -> int:
    """List the links between JumpCloud ids and the ids of the platform."""
    loaded, store = open_store_of(options)
    chosen = connection or name
    if connection and name and connection != name:
        message = f"two connections are named, {name!r} and {connection!r}; name one"
        raise UsageError(message)
    with store:
        found = [
            (of, link)
            for of in ([chosen] if chosen else loaded.settings.connections)
            for link in sorted(store.links(of), key=lambda link: (link.kind, link.name.casefold()))
            if user is None or _is_about(link, user.casefold())
        ]
    check_known(loaded, chosen, found)
    if options.json:
        emit_json({"links": [_link_document(of, link) for of, link in found]})
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


def _is_about(link: Link, wanted: str) -> bool:
    names = (link.name, link.external_id, link.resource_id)
    return wanted in (name.casefold() for name in names)


def _day(text: str | None) -> str:
    """A time of the store in the reader's zone, ``""`` for none."""
    return local_text(datetime.fromisoformat(text)) if text else ""


def _link_document(connection: str, link: Link) -> dict[str, Any]:
    return {
        "connection": connection,
        "resource": link.kind.value,
        "name": link.name,
        "external_id": link.external_id,
        "resource_id": link.resource_id,
        "deactivated_at": link.deactivated_at,
    }
