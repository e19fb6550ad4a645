"""Processes of this machine, and whether one is dead; on Linux, elsewhere nobody is known.

A process is named by what tells it apart from every other one there ever was: the boot of the
machine, the namespaces in which its number and its start time count, the number and the start
time. Of a process of another boot or namespace nothing can be said.

Source:
    proc(5): ``/proc/PID/stat``, ``/proc/PID/ns``, ``/proc/sys/kernel/random/boot_id``.
"""

import os
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_BOOT_ID: Final = _PROC / "sys/kernel/random/boot_id"
# Behind the name of the program, which may contain anything: fields 3, 20 and 22 of proc(5).
_STATE, _THREADS, _STARTED = 0, 17, 19
_ENDED: Final = ("Z", "X", "x")


class _Stat(NamedTuple):
    pid: str
    state: str
    threads: int
    started: str


def identify_process() -> str:
    """Return what this process is known by, ``""`` where the system does not tell."""
    try:
        stat = _read_stat("self")
        machine = _identify_machine()
    except (OSError, ValueError, IndexError):
        return ""
    # The /proc of another namespace, as some containers see it, counts otherwise than kill().
    if stat.pid != str(os.getpid()):
        return ""
    return f"{machine} {stat.pid} {stat.started}"


def is_dead(identity: str) -> bool:
    """Whether a process is provably dead; a zombie is, a stopped one is not.

    Args:
        identity: As ``identify_process`` returned it in that process, or ``""``.
    """
    machine, *process = identity.rsplit(" ", 2)
    ours = identify_process()
    if not identity or not ours or ours.rsplit(" ", 2)[0] != machine:
        return False
    number, started = process
    try:
        stat = _read_stat(number)
    except OSError:
        # Hidden from this user (hidepid), perhaps: kill() knows.
        return not _exists(int(number))
    if stat.started != started:
        return True
    # The first thread of a process may have ended while others go on.
    return stat.state in _ENDED and stat.threads <= 1


def _identify_machine() -> str:
    pids, times = (_PROC / "self/ns" / name for name in ("pid", "time"))
    # Linux before 5.6 has no namespaces of time.
    clock = times.readlink() if times.is_symlink() else "-"
    return f"{_BOOT_ID.read_text().strip()} {pids.readlink()} {clock}"


def _read_stat(number: str) -> _Stat:
    number, _, rest = (_PROC / number / "stat").read_text(errors="replace").partition(" (")
    fields = rest.rpartition(") ")[2].split()
    return _Stat(number, fields[_STATE], int(fields[_THREADS]), fields[_STARTED])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
