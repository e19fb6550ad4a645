"""``jcsync``, dead at its n-th write point: ``python dying.py N ARGUMENTS…``.

A write point lies before and after each write of the store and each request that may change the
platform. The process ends there without a word, as after ``kill -9``.
"""

import os
import sys
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from requests import PreparedRequest
from requests.adapters import HTTPAdapter

from jcsync.cli import main
from jcsync.stages import apply
from jcsync.store import SqlStore

DEAD = 137
_WRITES = ("record_", "open_hold", "decide_hold", "supersede_holds", "settle_escrow")


def die_at(point: int) -> None:
    """Let this process die at its n-th write point."""
    passed, lock = [0], threading.Lock()

    def write_point() -> None:
        with lock:
            passed[0] += 1
            if passed[0] == point:
                os._exit(DEAD)

    def mortal(call: Callable[..., Any], *, is_write: Callable[..., bool]) -> Callable[..., Any]:
        @wraps(call)
        def called(*args: Any, **options: Any) -> Any:
            if not is_write(*args):
                return call(*args, **options)
            write_point()
            result = call(*args, **options)
            write_point()
            return result

        return called

    for name in [name for name in dir(SqlStore) if name.startswith(_WRITES)]:
        setattr(SqlStore, name, mortal(getattr(SqlStore, name), is_write=lambda *_: True))
    setattr(  # noqa: B010 - as above, and mypy does not let a method be assigned
        HTTPAdapter,
        "send",
        mortal(HTTPAdapter.send, is_write=_may_change),
    )
    # Outcomes that come together are one write: one after another, so that the points are always
    # the same ones.
    apply._take = lambda ended, _halt: [ended.get()]  # noqa: SLF001


def _may_change(_adapter: HTTPAdapter, request: PreparedRequest, *_: object) -> bool:
    return request.method != "GET" and "/insights/" not in str(request.url)


if __name__ == "__main__":
    die_at(int(sys.argv[1]))
    main(sys.argv[2:])
