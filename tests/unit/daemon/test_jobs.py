"""The runs of a daemon, one after the other for months."""

import gc
import threading
import weakref
from pathlib import Path

from jcsync.daemon.jobs import Jobs
from jcsync.daemon.metrics import Metrics
from jcsync.settings import load_settings
from jcsync.store import open_store
from tests.fakes import FixedClock

TEXT = """
connections:
  demo:
    directory: {api_key: key}
    scope: {groups: [Staff]}
    provider: {base_url: "https://scim.example.com", token: token}
"""


class Knot:
    """What refers to itself, so that nothing but the collector can free it."""

    def __init__(self) -> None:
        """Tie it."""
        self.end = self


def test_what_runs_leave_behind_is_freed(tmp_path: Path) -> None:
    """Runs are spared the collector, and each turn ends with it."""
    path = tmp_path / "jcsync.yaml"
    path.write_text(TEXT, encoding="utf-8")
    path.chmod(0o600)
    clock = FixedClock()
    with open_store(f"sqlite:///{tmp_path}/jcsync.db", clock) as store:
        store.pause("demo", paused=True)
        loaded = load_settings(path, {}, tmp_path)
        jobs = Jobs(loaded, store, threading.Event(), metrics=Metrics(), clock=clock)
        jobs.scheduler.start(paused=True)
        gc.disable()
        try:
            left = weakref.ref(Knot())
            jobs.turn("demo")
            assert left() is None
        finally:
            gc.enable()
            jobs.scheduler.shutdown()
