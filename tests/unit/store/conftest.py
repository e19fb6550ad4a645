"""A new store for every test, on each database."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from jcsync.store import SqlStore, open_store
from jcsync.store.tables import METADATA
from tests.unit.store.builders import FixedClock


def find_program(name: str) -> str | None:
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (directory / name).exists():
            return str(directory / name)
    return shutil.which(name)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The directory of the socket of a PostgreSQL that lives as long as the tests."""
    initdb, pg_ctl = find_program("initdb"), find_program("pg_ctl")
    if not initdb or not pg_ctl:
        pytest.skip("PostgreSQL is not installed: no initdb or pg_ctl")
    # Not below tmp_path: a socket has 107 characters, and root's directories let nobody in.
    home = Path(tempfile.mkdtemp(prefix="jcsync-pg-"))
    user = None
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        account = pwd.getpwnam("nobody")
        user = account.pw_uid
        os.chown(home, account.pw_uid, account.pw_gid)
    control = [pg_ctl, "-D", str(home / "data"), "-w"]
    options = f"-c listen_addresses= -c unix_socket_directories={home} -c fsync=off"
    steps = [
        [
            initdb,
            "-D",
            str(home / "data"),
            *["-U", "jcsync", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        ],
        [*control, "-l", str(home / "log"), "-o", options, "start"],
    ]
    try:
        for step in steps:
            subprocess.run(step, user=user, cwd=home, check=True, stdout=subprocess.DEVNULL)
        yield str(home)
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, user=user, cwd=home, check=True, stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def run_sql(socket: str, database: str, *statements: str) -> str:
    """Run statements in a database of PostgreSQL and return the URL of the database."""
    address = f"host={socket} user=jcsync dbname={database}"
    with psycopg.connect(address, autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement.encode())
    return f"postgresql+psycopg://jcsync@/{database}?host={socket}"


@pytest.fixture(scope="session")
def shared_url(postgresql: str) -> str:
    """A PostgreSQL database that tests use one after the other."""
    run_sql(postgresql, "postgres", "CREATE DATABASE jcsync_shared")
    return run_sql(postgresql, "jcsync_shared")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that does not exist yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/jcsync.db"
    socket = request.getfixturevalue("postgresql")
    return run_sql(socket, "postgres", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """An open, empty store; a lease lasts a minute."""
    if request.param == "sqlite":
        with open_store(f"sqlite:///{tmp_path}/jcsync.db", FixedClock()) as opened:
            yield opened
        return
    url = request.getfixturevalue("shared_url")
    with open_store(url, FixedClock()) as opened:
        yield opened
    tables = ", ".join(f'"{table.name}"' for table in METADATA.sorted_tables)
    truncate = f"TRUNCATE {tables} RESTART IDENTITY"
    run_sql(request.getfixturevalue("postgresql"), "jcsync_shared", truncate)
