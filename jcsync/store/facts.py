"""What was learnt of the platform of a connection."""

from dataclasses import asdict, fields

from sqlalchemy import Connection, select

from jcsync.model.facts import Facts, Learnt
from jcsync.store.database import insert_into
from jcsync.store.tables import LEARNT

_NAMES = frozenset(field.name for field in fields(Facts))


def record_learnt(tx: Connection, connection: str, learnt: Learnt) -> None:
    """Remember it, in place of what was learnt before."""
    values = {"subject": learnt.subject, "at": learnt.at, "facts": asdict(learnt.facts)}
    statement = insert_into(LEARNT, tx.dialect.name).values(connection=connection, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=[LEARNT.c.connection], set_=values))


def read_learnt(tx: Connection, connection: str) -> Learnt | None:
    """Return what was learnt last; ``None`` when nothing was, or another version learnt it."""
    row = tx.execute(select(LEARNT).where(LEARNT.c.connection == connection)).mappings().first()
    if row is None or set(row["facts"]) != _NAMES:
        return None
    kept = {**row["facts"], "attributes": tuple(row["facts"]["attributes"])}
    return Learnt(facts=Facts(**kept), subject=row["subject"], at=row["at"])
