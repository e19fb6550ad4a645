"""Whether the memory of the daemon grows with the runs that it has made.

    make bench-memory                          10,000 runs: half an hour
    make bench-memory ARGS="--runs 1000"

One process makes runs that find nothing to do, one after the other and each as the daemon makes
it, with its store, its metrics and its notices; JumpCloud and the platform are processes of their
own. After a tenth of the runs, by when caches and pools are filled, memory is measured for the
first time. The growth from there to the end is what counts.
"""

import argparse
import gc
import json
import os
import platform
import sys
import threading
import tracemalloc
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import structlog
from scene import Scene, Size, open_scene

from jcsync.cli import GC_THRESHOLD
from jcsync.clock import SystemClock
from jcsync.daemon.jobs import Jobs
from jcsync.daemon.metrics import Metrics
from jcsync.logs import configure_logs
from jcsync.settings import Loaded, load_settings
from jcsync.wiring import build_store

FULL_EVERY_S = 1.0
"""In place of hours: some of the runs are full ones, the others fast."""
SHARES = 10
KB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What the process holds after a number of runs, in kilobytes.

    Attributes:
        rss: Resident memory.
        traced: Of objects that Python has made since the first measurement and not freed; 0
            unless they are traced.
        store: Size of the store's file; it grows, one row for each run.
    """

    runs: int
    rss: int
    traced: int
    store: int


def main() -> None:
    """Run, measure, and print a table or JSON."""
    options = _options()
    size = Size(users=options.users, groups=2, latency_ms=0, platform="fast")
    with open_scene(size) as scene:
        scene.run("applied")
        began = monotonic()
        marks, modes = _live(scene, options.runs, trace=options.trace)
        seconds = monotonic() - began
    first, last = marks[0], marks[-1]
    runs = last.runs - first.runs
    document = {
        "runs": last.runs,
        "modes": modes,
        "users": options.users,
        "seconds": round(seconds),
        "python": platform.python_version(),
        "rss_kb": {mark.runs: mark.rss for mark in marks},
        "store_kb": last.store,
        "rss_growth_bytes_per_run": round((last.rss - first.rss) * KB / runs, 1),
    }
    if options.trace:
        document["traced_growth_bytes_per_run"] = round(last.traced * KB / runs, 1)
    if options.json:
        print(json.dumps(document, indent=2))
        return
    for name, value in document.items():
        print(f"{name}: {value}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-memory", description="Measure how memory grows with the number of runs."
    )
    parser.add_argument("--runs", type=int, default=10_000, metavar="N")
    parser.add_argument("--users", type=int, default=20, metavar="N")
    parser.add_argument(
        "--trace",
        action="store_true",
        help="name the lines whose objects grew most, by tracemalloc: takes twice as long",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document in place of lines")
    return parser.parse_args()


def _live(scene: Scene, runs: int, *, trace: bool) -> tuple[list[Footprint], dict[str, int]]:
    """Make so many runs, and return what the process held after each tenth of them."""
    configure_logs(level="error", style="json")
    gc.set_threshold(*GC_THRESHOLD)
    loaded = _often_in_full(load_settings(scene.config, {}, scene.config.parent))
    metrics, marks, before = Metrics(), [], None
    with build_store(loaded) as store:
        gc.freeze()
        jobs = Jobs(loaded, store, threading.Event(), metrics=metrics, clock=SystemClock())
        (name,) = jobs.names
        for number in range(1, runs + 1):
            jobs.turn(name)
            metrics.render()
            if number % (runs // SHARES):
                continue
            marks.append(_footprint(number, scene, trace=before is not None))
            print(f"{number} runs, {marks[-1].rss} KB", file=sys.stderr, flush=True)
            if trace and before is None:
                tracemalloc.start(1)
                before = tracemalloc.take_snapshot()
        if before is not None:
            for grown in tracemalloc.take_snapshot().compare_to(before, "lineno")[:12]:
                print(grown, file=sys.stderr)
        modes = {run.mode: 0 for run in store.runs(limit=runs)}
        for run in store.runs(limit=runs):
            modes[run.mode] += 1
    structlog.reset_defaults()
    return marks, modes


def _often_in_full(loaded: Loaded) -> Loaded:
    """Shorten the time between full runs below what the settings allow."""
    (name, connection), *_ = loaded.settings.connections.items()
    schedule = connection.schedule.model_copy(update={"full_every": FULL_EVERY_S})
    connections = {name: connection.model_copy(update={"schedule": schedule})}
    return replace(loaded, settings=loaded.settings.model_copy(update={"connections": connections}))


def _footprint(runs: int, scene: Scene, *, trace: bool) -> Footprint:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Footprint(
        runs=runs,
        rss=pages * os.sysconf("SC_PAGE_SIZE") // KB,
        traced=tracemalloc.get_traced_memory()[0] // KB if trace else 0,
        store=sum(path.stat().st_size for path in scene.config.parent.glob("jcsync.db*")) // KB,
    )


if __name__ == "__main__":
    main()
