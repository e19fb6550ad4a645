"""A key must go on working in the organisation that its connection was set up with."""

from jcsync.errors import SettingsError
from jcsync.pipeline.orders import Connection


def check_organization(connection: Connection, *, remember: bool) -> None:
    """Refuse a key that works in another organisation than the connection was set up with.

    Args:
        connection: Whose directory and store.
        remember: Remember the organisation of a connection that has none yet.

    Raises:
        SettingsError: It is another one.
    """
    found = connection.directory.fetch_organization().id
    known = connection.store.organization(connection.name)
    if found and known and found != known:
        message = (
            f"the key now works in the organisation {found}, this connection was set up in {known}: "
            "give the new organisation a connection of its own, or put the old key back"
        )
        raise SettingsError(message)
    if found and not known and remember:
        connection.store.record_organization(connection.name, found)
