"""Whether a process is provably dead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jcsync.store import process
from jcsync.store.process import identify_process, is_dead
from tests.unit.store.builders import wait_until

THREADED = """
import ctypes, sys, threading
from jcsync.store.process import identify_process
print(identify_process(), flush=True)
if sys.argv[1] == "first thread ends":
    threading.Thread(target=sys.stdin.readline).start()
    ctypes.CDLL(None).pthread_exit(None)
sys.stdin.readline()
"""


def another(pid: int | str = 999_999_999, started: str = "1") -> str:
    """A process that this machine could have."""
    return f"{identify_process().rsplit(' ', 2)[0]} {pid} {started}"


def a_proc(directory: Path, pid: int, stat: str = "") -> Path:
    """A ``/proc`` with this process in it, as itself."""
    (directory / "self/ns").mkdir(parents=True)
    (directory / "self/ns/pid").symlink_to("pid:[1]")
    (directory / "self/stat").write_text(f"{pid} (a ) R b) S {' '.join(['7'] * 30)}")
    (directory / "boot_id").write_text("a-boot\n")
    if stat:
        (directory / str(pid)).mkdir()
        (directory / str(pid) / "stat").write_text(stat)
    return directory


def test_this_process_lives() -> None:
    """It says so itself, the same each time."""
    assert identify_process() == identify_process()
    assert f" {os.getpid()} " in identify_process()
    assert not is_dead(identify_process())


def test_nobody_of_that_number_is_dead() -> None:
    """Neither /proc nor the kernel knows him."""
    assert is_dead(another())


def test_a_number_that_was_given_again_tells_a_death() -> None:
    """A process of the same number that started at another time is another one."""
    assert is_dead(another(os.getpid()))


@pytest.mark.parametrize("identity", ["", "a-boot pid:[1] time:[1] 999999999 1"])
def test_who_is_not_of_this_machine_may_live(identity: str) -> None:
    """Of another boot, another container or another machine nothing is known."""
    assert not is_dead(identity)


@pytest.mark.parametrize("how", ["all threads live", "first thread ends"])
def test_a_process_lives_until_its_last_thread_has_ended(how: str) -> None:
    """The first may have ended, and looks like a zombie; a real zombie is dead."""
    command = [sys.executable, "-c", THREADED, how]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as program:
        assert program.stdout is not None
        identity = program.stdout.readline().strip()
        if how == "first thread ends":
            stat = Path(f"/proc/{program.pid}/stat")
            wait_until(lambda: ") Z " in stat.read_text())
        assert not is_dead(identity)
        program.kill()
        # Until it is waited for it is a zombie.
        os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(identity)
    assert is_dead(identity)


@pytest.mark.parametrize(("pid", "dead"), [(1, False), (999_999_999, True)])
def test_a_hidden_process_lives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pid: int, dead: bool
) -> None:
    """Where /proc hides the processes of others, the kernel is asked."""
    proc = a_proc(tmp_path, os.getpid())
    monkeypatch.setattr(process, "_PROC", proc)
    monkeypatch.setattr(process, "_BOOT_ID", proc / "boot_id")

    assert identify_process() == f"a-boot pid:[1] - {os.getpid()} 7"
    assert is_dead(another(pid)) is dead


def test_a_process_of_others_lives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The kernel refuses the question about it, which is an answer."""

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(process, "_PROC", proc := a_proc(tmp_path, os.getpid()))
    monkeypatch.setattr(process, "_BOOT_ID", proc / "boot_id")
    monkeypatch.setattr(os, "kill", refuse)

    assert not is_dead(another(1))


@pytest.mark.parametrize("how", ["no proc", "another namespace's proc", "cut short"])
def test_where_nothing_is_told_nobody_is_dead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    """Not Linux, or a /proc that counts otherwise: the expiry decides."""
    identity = another()
    proc = a_proc(tmp_path, 1 if how.startswith("another") else os.getpid())
    if how == "cut short":
        (proc / "self/stat").write_text("17 (python) S 1")
    monkeypatch.setattr(process, "_PROC", tmp_path / "none" if how == "no proc" else proc)
    monkeypatch.setattr(process, "_BOOT_ID", proc / "boot_id")

    assert identify_process() == ""
    assert not is_dead(identity)
