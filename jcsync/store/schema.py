"""Bring a database to the tables of this version.

The ordinary case, a store that is up to date, costs one ``SELECT``; a new one gets the tables as
they are described. Alembic is imported only when there is something to migrate.
"""

from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from jcsync.errors import StoreError
from jcsync.store.database import Database
from jcsync.store.tables import METADATA

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0004"
"""Revision that this version works with: the newest in ``migrations/versions``."""

_ADVISORY_LOCK: Final = 0x6A6373796E63  # "jcsync"
# As Alembic makes it.
_CREATE_REVISION: Final = text(
    "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_INSERT_REVISION: Final = text("INSERT INTO alembic_version (version_num) VALUES (:revision)")


def ensure_schema(database: Database, *, create: bool) -> None:
    """Create the tables, or migrate them, unless they are those of this version.

    Several processes may do this at once: the first migrates, the others wait for it.

    Args:
        database: An open database, empty or with any version of the store.
        create: Whether an empty database becomes a store.

    Raises:
        StoreError: The store is of a newer version; or there is none and ``create`` is false.
    """
    with database.read() as connection:
        present = read_revision(connection)
    if present == HEAD:
        return
    if present is None and not create:
        message = f"there is no store yet in {database.place}; the first run creates it"
        raise StoreError(message)
    if present is not None:
        # Imported before the others are kept waiting: it takes longer than the migration.
        from alembic import command  # noqa: F401, PLC0415

    with database.migrate() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        present = read_revision(connection)
        if present is None:
            _create(connection)
        elif present != HEAD:
            _upgrade(connection, present, database.place)


def read_revision(connection: Connection) -> str | None:
    """Return the revision of the tables, ``None`` where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def _create(connection: Connection) -> None:
    METADATA.create_all(connection, checkfirst=False)
    connection.execute(_CREATE_REVISION)
    connection.execute(_INSERT_REVISION, {"revision": HEAD})


def _upgrade(connection: Connection, present: str, place: str) -> None:
    from alembic import command  # noqa: PLC0415 - see the docstring of the module
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = build_config(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present not in known:
        message = (
            f"the store ({place}) is of a newer version of jcsync (revision {present}, this "
            f"version knows {HEAD}); install that version, or restore a backup from before it"
        )
        raise StoreError(message)
    command.upgrade(config, HEAD)


def build_config(connection: Connection) -> "Config":
    """Alembic's configuration for the packaged migrations, to run on this connection."""
    from alembic.config import Config  # noqa: PLC0415 - see the docstring of the module

    config = Config()
    config.set_main_option("script_location", "jcsync.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
