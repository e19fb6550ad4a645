"""One run: read → map → match → confirm → diff → guard → apply → record.

    run.py        ``run`` is the architecture: each line is a stage; read it first
    decide.py     ``decide``: what follows from both sides
    fast.py       who may have changed since the last run
    orders.py     what a run works with, what is asked of it, what it remembers and decides
    drift.py      what the platform holds that the directory does not imply
    links.py      what a person decides about single links
    reading.py    what it reads: everybody, or some people only
    recorder.py   the run as it goes: its report, its log, and what the store knows of it

Every stage that decides is a function of values (``stages``); the world comes in through the
ports.
"""

from jcsync.pipeline.decide import decide
from jcsync.pipeline.drift import look_for_drift
from jcsync.pipeline.links import adopt_account, forget_links
from jcsync.pipeline.orders import (
    Connection,
    Decision,
    Memory,
    Order,
    Progress,
    new_run_id,
)
from jcsync.pipeline.reading import identify, map_directory, read_people, recall
from jcsync.pipeline.run import run

__all__ = [
    "Connection",
    "Decision",
    "Memory",
    "Order",
    "Progress",
    "adopt_account",
    "decide",
    "forget_links",
    "identify",
    "look_for_drift",
    "map_directory",
    "new_run_id",
    "read_people",
    "recall",
    "run",
]
