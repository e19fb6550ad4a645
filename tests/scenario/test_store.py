"""``store backup``, ``restore`` and ``check``."""

import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from jcsync.clock import SystemClock
from jcsync.store import open_store
from tests.scenario.site import Site


def store_of(site: Site) -> Path:
    """The file of the store."""
    return site.config.with_suffix(".db")


@pytest.fixture
def saved(team: Site) -> Path:
    """A backup of five links, after which fay joined."""
    copy = team.folder / "copy.db"
    assert team("store", "backup", str(copy)).status == 0
    team.join("fay")
    assert team("reconcile").status == 0
    return copy


def test_backup_is_a_whole_store_of_its_own(team: Site) -> None:
    """One file, mode 0600, with what the store holds; again in its place the next day."""
    copy = team.folder / "copy.db"

    document = team.json("store", "backup", str(copy))

    assert document["place"] == str(copy)
    assert document["problems"] == []
    assert document["rows"]["link"] == 5
    assert document["current"] is True
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in team.folder.iterdir() if "copy" in path.name] == ["copy.db"]
    team.join("fay")
    team("reconcile")
    assert team.json("store", "backup", str(copy))["rows"]["link"] == 6
    assert str(copy) in team("store", "backup", str(copy)).out


def test_backup_while_others_write(team: Site) -> None:
    """A copy is a state that was: as many runs as were started, never half a transaction."""
    url = f"sqlite:///{store_of(team)}"
    stop = threading.Event()

    def write() -> None:
        with open_store(url, SystemClock()) as store:
            number = 0
            while not stop.is_set():
                number += 1
                now = SystemClock().now()
                run = f"run-{number}"
                store.record_start(run, "demo", mode="full", trigger="manual", started_at=now)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            assert team.json("store", "backup", str(team.folder / f"{number}.db"))["problems"] == []
    finally:
        stop.set()
        writer.join()


def test_backup_overwrites_nothing_else(team: Site) -> None:
    """A file that is no store stays as it is, and so does the store itself."""
    other = team.folder / "notes.txt"
    other.write_text("important", encoding="utf-8")
    foreign = team.folder / "foreign.db"
    with closing(sqlite3.connect(foreign)) as database:
        database.execute("CREATE TABLE notes (text)")

    for path in (other, foreign, store_of(team)):
        result = team("store", "backup", str(path))
        assert result.status == 2, result.text
        assert str(path) in result.err
    assert other.read_text(encoding="utf-8") == "important"
    assert team("store", "backup", "/nowhere/copy.db").status == 1


def test_restore_brings_it_back_and_keeps_the_other(team: Site, saved: Path) -> None:
    """The links of the backup; the store before is beside it; the next run corrects both."""
    result = team("store", "restore", str(saved))

    assert result.status == 0, result.text
    assert len(team.json("links")["links"]) == 5
    (kept,) = team.folder.glob("jcsync.db.before-restore-*")
    assert str(kept) in result.out
    assert team.json("store", "check", str(kept))["rows"]["link"] == 6
    assert team("reconcile").status == 0
    assert len(team.json("links")["links"]) == 6
    assert len(team.world.platform.accounts()) == 6


def test_restore_under_a_process_that_has_it_open(team: Site, saved: Path) -> None:
    """A daemon between two runs finds the restored store, and goes on writing into it."""
    with open_store(f"sqlite:///{store_of(team)}", SystemClock()) as daemon:
        assert len(daemon.links("demo")) == 6
        assert team("store", "restore", str(saved)).status == 0
        assert len(daemon.links("demo")) == 5
        daemon.pause("demo", paused=True)
    assert team.json("status")["connections"][0]["paused"] is True


def test_restore_is_refused_while_a_run_is_under_way(team: Site, saved: Path) -> None:
    """Exit status 5, and nothing changes."""
    with (
        open_store(f"sqlite:///{store_of(team)}", SystemClock()) as store,
        store.lease("demo", "somebody"),
    ):
        assert team("store", "restore", str(saved)).status == 5
    assert len(team.json("links")["links"]) == 6
    assert list(team.folder.glob("*.before-restore-*")) == []


def test_restore_in_place_of_a_damaged_or_lost_store(team: Site, saved: Path) -> None:
    """That is what backups are for."""
    place = store_of(team)
    content = bytearray(place.read_bytes())
    content[4096 * 2 : 4096 * 6] = os.urandom(4096 * 4)
    for side in ("-wal", "-shm"):
        Path(f"{place}{side}").unlink(missing_ok=True)
    place.write_bytes(content)
    checked = team("store", "check")
    assert checked.status == 1, checked.text

    assert team("store", "restore", str(saved)).status == 0
    assert team("store", "check").status == 0
    place.unlink()
    assert team("store", "restore", str(saved)).status == 0
    assert len(team.json("links")["links"]) == 5
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_restore_of_something_else(team: Site) -> None:
    """A file that is missing, no database, another database, or the store itself."""
    text = team.folder / "notes.txt"
    text.write_text("important, and longer than the header of a database " * 40, encoding="utf-8")
    newer = team.folder / "newer.db"
    assert team("store", "backup", str(newer)).status == 0
    with closing(sqlite3.connect(newer)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()

    for path, status in ((team.folder / "no.db", 2), (text, 2), (store_of(team), 2), (newer, 1)):
        result = team("store", "restore", str(path))
        assert result.status == status, result.text
        assert str(path) in result.err
    assert len(team.json("links")["links"]) == 5


def test_check_says_how_much_is_in_it(team: Site) -> None:
    """Rows by table, for a person and for a program."""
    text = team("store", "check").out
    assert "whole" in text
    assert "link" in text
    assert team.json("store", "check")["rows"]["link"] == 5


def test_no_store_yet(site: Site) -> None:
    """Nothing is created by looking."""
    result = site("store", "check")

    assert result.status == 1
    assert "there is no store yet" in result.err
    assert not store_of(site).exists()


def test_postgresql_has_tools_of_its_own(team: Site) -> None:
    """A clear answer instead of half a copy."""
    team.configure(store={"url": "postgresql+psycopg://jcsync@localhost/jcsync"})

    for args, tool in ((("backup", "copy.db"), "pg_dump"), (("restore", "copy.db"), "pg_restore")):
        result = team("store", *args)
        assert result.status == 2, result.text
        assert tool in result.err
