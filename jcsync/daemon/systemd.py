"""What systemd is told of the process, where it asks: ready, reloading, stopping, alive.

Source:
    sd_notify(3), systemd.service(5) ``Type=notify`` and ``WatchdogSec=``.
"""

import os
import socket
from collections.abc import Mapping
from time import clock_gettime_ns

_MONOTONIC = 1  # CLOCK_MONOTONIC of Linux; elsewhere nobody asks


class Systemd:
    """The service manager of this process; where there is none, nothing is said to anybody."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """Read from the environment whether and where it listens."""
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._watched = mine and environ.get("WATCHDOG_USEC", "0") != "0"

    def ready(self, status: str) -> None:
        """The daemon is up, or has reloaded."""
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The daemon reads its settings anew; ``ready`` ends it."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={clock_gettime_ns(_MONOTONIC) // 1000}")

    def status(self, status: str) -> None:
        """What ``systemctl status`` shows, one line."""
        self._tell(f"STATUS={status}")

    def alive(self) -> None:
        """The daemon is well; silence makes a watchdog start it again."""
        if self._watched:
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The daemon ends."""
        self._tell("STOPPING=1", "STATUS=stopping")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # A full queue must not stop the daemon, and a lost message is followed by others.
        flags = socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)
        try:
            with socket.socket(socket.AF_UNIX, flags) as channel:
                channel.settimeout(0)
                channel.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            pass
