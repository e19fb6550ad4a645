"""How a command is told to stop, and how long it may take."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jcsync.cli.exits import SOME_FAILED

_PATIENCE_S = 8


@contextmanager
def stop_signals(*, late_status: int = SOME_FAILED) -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set.

    A call that has not ended eight seconds later is abandoned: the process ends with
    ``late_status``, and the next run looks whether that call took effect. A second signal ends
    the process at once.
    """
    stop = threading.Event()
    patience = threading.Timer(_PATIENCE_S, os._exit, (late_status,))
    patience.daemon = True

    def on_signal(number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()
        patience.start()

    before = {n: signal.signal(n, on_signal) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        patience.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
