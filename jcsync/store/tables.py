"""The tables of the store.

They are described here once, for the statements and for the check that the migrations
build exactly them. A column added here needs a migration: ``docs/store.md``.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

from jcsync.store.packing import pack_json, unpack_json

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def clean_text(text: str) -> str:
    """Return text that both databases can keep.

    U+0000 becomes U+2400 (the symbol for it) and a lone surrogate U+FFFD: PostgreSQL keeps no
    NUL, and UTF-8 has no lone surrogates. Everything else stays as it is.
    """
    if text.isascii() and "\x00" not in text:
        return text
    text = text.replace("\x00", "\u2400")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _clean(value: str | None) -> str | None:
    return None if value is None else clean_text(value)


class Text(TypeDecorator[str]):
    """Text of any length, cleaned by ``clean_text`` on its way in, also where it is compared."""

    impl = String
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[str | None], str | None]:
        """Clean it, by a function without others around it: most of what is written is text."""
        return _clean


def _microseconds(value: datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MICROSECOND


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class Instant(TypeDecorator[datetime]):
    """A point in time: aware, in UTC; on SQLite, which has no type for it, microseconds since 1970."""

    impl = DateTime(timezone=True).with_variant(BigInteger(), "sqlite")
    cache_ok = True

    def bind_processor(
        self, dialect: Dialect
    ) -> Callable[[datetime | None], datetime | int | None]:
        """Turn it to microseconds, or to UTC."""
        return _microseconds if dialect.name == "sqlite" else _in_utc

    def process_result_value(
        self, value: datetime | int | None, _dialect: Dialect
    ) -> datetime | None:
        """Turn it back."""
        if isinstance(value, int):
            return _EPOCH + value * _MICROSECOND
        return None if value is None else value.astimezone(UTC)


class Packed(TypeDecorator[Any]):
    """A JSON value, packed: ``packing.py``."""

    impl = LargeBinary
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[object], bytes]:
        """Pack it."""
        return pack_json

    def process_result_value(self, value: bytes | None, _dialect: Dialect) -> Any:  # noqa: ANN401 - JSON
        """Unpack it."""
        return unpack_json(value or b"")


METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

CONNECTION = Table(
    "connection",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

BASELINE = Table(
    "baseline",
    METADATA,
    Column("connection", Text, primary_key=True),
    # Of the settings, as a digest.
    Column("basis", Text, nullable=False),
    Column("full_at", Instant, nullable=False),
    Column("followed", Instant, nullable=False),
    Column("seen", JSON, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("chosen", JSON, nullable=False),
    Column("application", Text, nullable=False),
    Column("requests", Integer, nullable=False),
)

DECIDED = Table(
    "decided",
    METADATA,
    Column("connection", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    # The key is most of the row: so it is kept once.
    sqlite_with_rowid=False,
)

LEASE = Table(
    "lease",
    METADATA,
    Column("connection", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    # Of the owner, by which a machine knows its dead: ``process.py``.
    Column("process", Text, nullable=False),
    # Seconds since 1970 by the clock of the database.
    Column("acquired_at", Double, nullable=False),
    Column("heartbeat_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
)

LINK = Table(
    "link",
    METADATA,
    Column("connection", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("resource_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("deactivated_at", Text),
    UniqueConstraint("connection", "kind", "resource_id"),
)

RUN = Table(
    "run",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    # Login name and host; empty for runs of versions that did not ask.
    Column("actor", Text, nullable=False, server_default=""),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("outcome", Text, nullable=False),
    Column("directory_complete", Boolean, nullable=False),
    Column("provider_complete", Boolean, nullable=False),
    Column("directory_users", Integer, nullable=False),
    Column("provider_users", Integer, nullable=False),
    Column("directory_requests", Integer, nullable=False),
    Column("provider_requests", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    # Of a plan that is held already, the changes are those of the run that held it first.
    Column("planned", Integer, nullable=False, server_default="0"),
    Column("error_kind", Text, nullable=False),
    Column("error", Text, nullable=False),
    Index(None, "connection", "started_at"),
    Index(None, "connection", "outcome", "finished_at"),
    Index(None, "started_at"),
)

CHANGE = Table(
    "change",
    METADATA,
    Column("run_id", Text, ForeignKey("run.run_id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("connection", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("action", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("resource_id", Text, nullable=False),
    # Of the same three, to search by: ``rows.search_key``.
    Column("name_key", BigInteger, nullable=False),
    Column("external_key", BigInteger, nullable=False),
    Column("resource_key", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attributes", Packed, nullable=False),
    Column("members_added", Packed, nullable=False),
    Column("members_removed", Packed, nullable=False),
    Column("status", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Index(None, "connection", "at"),
    Index(None, "at"),
    Index(None, "name_key"),
    Index(None, "external_key", "at"),
    Index(None, "resource_key"),
)

FINDING = Table(
    "finding",
    METADATA,
    Column("run_id", Text, ForeignKey("run.run_id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("message", Text, nullable=False),
)

HOLD = Table(
    "hold",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", Text, nullable=False),
    Column("violations", JSON, nullable=False),
    Index(None, "connection", "status"),
    Index(None, "connection", "digest"),
    Index(None, "decided_at"),
    # A number that people have seen never comes to mean another plan.
    sqlite_autoincrement=True,
)

ESCROW = Table(
    "escrow",
    METADATA,
    Column("connection", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    # The external_id, or the resource_id of a resource that has none.
    Column("key", Text, primary_key=True),
    Column("external_id", Text, nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_failed_at", Instant, nullable=False),
    Column("last_failed_at", Instant, nullable=False),
    Column("next_try_at", Instant, nullable=False),
)

LEARNT = Table(
    "learnt",
    METADATA,
    Column("connection", Text, primary_key=True),
    # The base URL, as a digest, and the profile that the facts hold for.
    Column("subject", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("facts", JSON, nullable=False),
)

MEMO = Table(
    "memo",
    METADATA,
    # Empty for what is about all of them.
    Column("connection", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

SETTLED = Table(
    "settled",
    METADATA,
    Column("connection", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    # Lists of one: a plain null is no JSON value to every database.
    Column("held", JSON, nullable=False),
    Column("sent", JSON, nullable=False),
)
