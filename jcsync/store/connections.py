"""Connections: what the store knows of each, beside its runs and links."""

from datetime import datetime

from sqlalchemy import Connection, select

from jcsync.model.history import LINKING, ConnectionRecord
from jcsync.store.database import insert_into
from jcsync.store.history import read_last_success, read_runs
from jcsync.store.lease import database_time
from jcsync.store.links import count_accounts
from jcsync.store.process import is_dead
from jcsync.store.tables import CONNECTION, LEARNT, LEASE


def read_connection(tx: Connection, name: str) -> ConnectionRecord:
    """Return what is known of a connection; also of one that never ran."""
    known = tx.execute(
        select(CONNECTION.c.organization, CONNECTION.c.paused).where(CONNECTION.c.name == name)
    ).first()
    lease = tx.execute(
        select(LEASE.c.owner, LEASE.c.process).where(
            LEASE.c.connection == name, LEASE.c.expires_at > database_time(tx.dialect.name)
        )
    ).first()
    learnt = tx.execute(select(LEARNT.c.at).where(LEARNT.c.connection == name)).scalar()
    runs = read_runs(tx, connection=name, without=LINKING, limit=1)
    return ConnectionRecord(
        name=name,
        organization=known[0] if known else "",
        last_run=runs[0] if runs else None,
        last_success=read_last_success(tx, name),
        managed=count_accounts(tx, name),
        paused=known[1] if known else False,
        lease_owner=lease[0] if lease and not is_dead(lease[1]) else "",
        learnt_at=learnt,
    )


def read_organization(tx: Connection, name: str) -> str:
    """Return the organisation that a connection was first used with, ``""`` for none yet."""
    found = tx.execute(select(CONNECTION.c.organization).where(CONNECTION.c.name == name)).scalar()
    return found or ""


def read_names(tx: Connection) -> tuple[str, ...]:
    """Return every connection that was ever used, ordered by name."""
    names = select(CONNECTION.c.name).union(select(LEASE.c.connection))
    return tuple(sorted(tx.execute(names).scalars()))


def record_organization(tx: Connection, name: str, organization: str, *, at: datetime) -> None:
    """Remember the JumpCloud organisation of a connection, in place of an earlier one."""
    statement = insert_into(CONNECTION, tx.dialect.name).values(
        name=name, organization=organization, paused=False, changed_at=at
    )
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[CONNECTION.c.name],
            set_={"organization": organization, "changed_at": at},
        )
    )


def record_pause(tx: Connection, name: str, *, paused: bool, at: datetime) -> None:
    """Remember whether the daemon leaves a connection alone, and since when."""
    statement = insert_into(CONNECTION, tx.dialect.name).values(
        name=name, organization="", paused=paused, changed_at=at
    )
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[CONNECTION.c.name], set_={"paused": paused, "changed_at": at}
        )
    )
