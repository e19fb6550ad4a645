"""Links, runs, changes, holds, escrow and leases, on SQLite or PostgreSQL. Meets ``ports.Store``.

sqlstore.py     the methods of the port, one transaction each; read this first
tables.py       the tables; ``migrations`` builds them, schema.py sees to it
database.py     how SQLite and PostgreSQL are opened, and their transactions
lease.py        who may write to a platform
process.py      whether the owner of a lease is dead
links.py        directory id ↔ resource
history.py      runs, changes, findings
audit.py        the whole history, oldest first
holds.py        plans that wait for a person
escrow.py       resources that failed and wait for their next try
backup.py       copies of a store: made, checked, put back
connections.py  pauses, organisations, and the state of a connection
rows.py         rows ↔ ``model``, pure
failures.py     errors of databases, in words for the operator
"""

from jcsync.store.backup import StoreCheck, back_up, check_file, check_store, restore
from jcsync.store.sqlstore import SqlStore, open_store

__all__ = [
    "SqlStore",
    "StoreCheck",
    "back_up",
    "check_file",
    "check_store",
    "open_store",
    "restore",
]
