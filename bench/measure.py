"""Run one command and print what it cost, as JSON.

A process of its own for each measurement: on Linux the peak memory of a child is never below what
its parent used when it was started, so the parent has to be small.
"""

import json
import os
import sys
import time
from pathlib import Path


def measure(command: list[str], output: Path) -> dict[str, object]:
    """Run a command to its end.

    Args:
        command: Program and arguments.
        output: Where its standard output goes.

    Returns:
        ``status``; ``wall_s`` from start to end; ``cpu_s``, user and system, and ``memory_mb``, the
        peak of resident memory, of that process alone.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    began = time.perf_counter()
    pid = os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.fspath(output), flags, 0o600)],
    )
    _, status, usage = os.wait4(pid, 0)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "wall_s": time.perf_counter() - began,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "memory_mb": usage.ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[2:], Path(sys.argv[1]))))
