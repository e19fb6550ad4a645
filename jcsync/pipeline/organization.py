"""A key must go on working in the organisation that its connection was set up with."""

from collections.abc import Iterator
from contextlib import contextmanager

from jcsync.errors import SettingsError
from jcsync.pipeline.orders import Connection
from jcsync.threads import Pool


def check_organization(connection: Connection) -> None:
    """Refuse a key that works in another organisation than the connection was set up with.

    Raises:
        SettingsError: It is another one.
    """
    with organization_checked(connection, remember=False):
        pass


@contextmanager
def organization_checked(connection: Connection, *, remember: bool) -> Iterator[None]:
    """Ask while the block reads; another organisation is told whatever the block has met in it.

    Args:
        connection: Whose directory and store.
        remember: Remember the organisation of a connection that has none yet.

    Raises:
        SettingsError: It is another one.
    """
    with Pool(1) as pool:
        asked = pool.submit(connection.directory.fetch_organization)
        try:
            yield
        finally:
            _compare(connection, asked.result().id, remember=remember)


def _compare(connection: Connection, found: str, *, remember: bool) -> None:
    known = connection.store.organization(connection.name)
    if found and known and found != known:
        message = (
            f"the key now works in the organisation {found}, this connection was set up in {known}: "
            "give the new organisation a connection of its own, or put the old key back"
        )
        raise SettingsError(message)
    if found and not known and remember:
        connection.store.record_organization(connection.name, found)
