"""What systemd is told, over a real socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from jcsync.daemon.systemd import Systemd


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "notify"))
        opened.settimeout(5)
        yield opened


def told(listener: socket.socket) -> dict[str, str]:
    """The next message."""
    return dict(line.split("=", 1) for line in listener.recv(4096).decode().splitlines())


def test_the_life_of_a_service(listener: socket.socket) -> None:
    """Ready, reloading with its time, stopping; and alive only for a watchdog."""
    environ = {"NOTIFY_SOCKET": listener.getsockname()}
    systemd = Systemd({**environ, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())})

    systemd.ready("two connections")
    assert told(listener) == {"READY": "1", "STATUS": "two connections"}
    systemd.reloading()
    reloading = told(listener)
    assert reloading["RELOADING"] == "1"
    assert int(reloading["MONOTONIC_USEC"]) > 0
    systemd.alive()
    assert told(listener) == {"WATCHDOG": "1"}
    systemd.status("keepnet: applied")
    assert told(listener) == {"STATUS": "keepnet: applied"}
    systemd.stopping()
    assert told(listener)["STOPPING"] == "1"


@pytest.mark.parametrize(
    "watchdog", [{}, {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "0"}]
)
def test_nobody_watches(listener: socket.socket, watchdog: dict[str, str]) -> None:
    """A watchdog of another process, or none, hears nothing."""
    Systemd({"NOTIFY_SOCKET": listener.getsockname(), **watchdog}).alive()

    listener.settimeout(0)
    with pytest.raises(BlockingIOError):
        listener.recv(4096)


def test_abstract_address() -> None:
    """An address that begins with @ is no file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(f"\0jcsync-test-{os.getpid()}")
        opened.settimeout(5)
        Systemd({"NOTIFY_SOCKET": f"@jcsync-test-{os.getpid()}"}).ready("up")

        assert told(opened)["READY"] == "1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
def test_no_service_manager(environ: dict[str, str]) -> None:
    """Whoever does not listen is told nothing, and nothing happens."""
    Systemd(environ).ready("up")
