"""Nothing is lost: kill the process at any instant."""

import contextlib
import random
import sqlite3
from pathlib import Path

from jcsync.store import open_store
from tests.unit.store.builders import (
    FixedClock,
    a_change,
    pause,
    start,
    start_program,
)

CHANGES = 20_000
RECORDER = """
import sys
from jcsync.store import open_store
from tests.unit.store.builders import NOON, FixedClock, a_change, a_link, applied, record_outcome

with open_store(sys.argv[1], FixedClock()) as store:
    for n in range(int(sys.argv[2]), 20_000):
        change = a_change(f"u{n}")
        record_outcome(store, "run-1", "keepnet", change, applied(n), at=NOON, link=a_link(f"u{n}"))
        print(n, flush=True)
"""


def test_an_acknowledged_outcome_survives_a_kill(tmp_path: Path) -> None:
    """Ten times killed amid its work: what was acknowledged is there, link and outcome alike."""
    path = tmp_path / "jcsync.db"
    url = f"sqlite:///{path}"
    with open_store(url, FixedClock()) as store:
        start(store, "run-1", *(a_change(f"u{n}") for n in range(1, CHANGES + 1)))
    chance = random.Random(7)
    acknowledged: set[int] = set()
    first = 1

    for _ in range(10):
        with start_program(RECORDER, url, str(first)) as recorder:
            assert recorder.stdout is not None
            acknowledged.add(int(recorder.stdout.readline()))
            pause(chance.uniform(0, 0.1))
            recorder.kill()
            # The last line may have been cut by the kill.
            for line in recorder.stdout.read().splitlines(keepends=True):
                if line.endswith("\n"):
                    acknowledged.add(int(line))
        first = max(acknowledged) + 1

    with open_store(url, FixedClock()) as store:
        recorded = {c.n for c in store.changes(limit=CHANGES) if c.status == "applied"}
        linked = {int(link.external_id.removeprefix("jc-u")) for link in store.links("keepnet")}
    assert acknowledged <= recorded
    assert recorded == linked
    # At most one outcome a kill was recorded and could not be acknowledged any more.
    assert len(recorded - acknowledged) <= 10
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
