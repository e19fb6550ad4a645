"""A person at a terminal: reads what is asked, types answers, presses Ctrl-C."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

COLUMNS = 100
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _take_terminal() -> None:
    """Make standard input the terminal of the process, so that Ctrl-C reaches it.

    And is not ignored, as it is by whatever a shell has started in the background.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A command on a terminal of 100 columns, while it runs.

    Attributes:
        seen: All that it has shown, without escapes.
    """

    def __init__(self, folder: Path, *args: str, environ: Mapping[str, str] | None = None) -> None:
        """Start ``jcsync`` with these arguments in a folder."""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        usual = {n: v for n, v in os.environ.items() if not n.startswith(("JCSYNC", "COLUMNS"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jcsync", *args],
            cwd=folder,
            env={**usual, "TERM": "xterm-256color", "LANG": "C.UTF-8", **(environ or {})},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - in a test without threads of its own
        )
        os.close(theirs)
        self.seen = ""
        self._read_to = 0

    def __enter__(self) -> Self:
        """Return the terminal."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what still runs."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def expect(self, text: str, *, seconds: float = 60) -> None:
        """Wait until a text is shown, after what was expected before.

        Raises:
            AssertionError: It never was.
        """
        end = time.monotonic() + seconds
        while (found := self.seen.find(text, self._read_to)) < 0:
            assert self._read(end), f"{text!r} was not shown: {self.seen}"
        self._read_to = found + len(text)

    def type(self, text: str) -> None:
        """Type a text and Enter."""
        os.write(self._ours, f"{text}\n".encode())

    def press(self, key: str) -> None:
        """Press a key, without Enter."""
        os.write(self._ours, key.encode())

    def answer(self, question: str, text: str) -> None:
        """Wait for a question and answer it."""
        self.expect(question)
        self.type(text)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._ours, b"\x03")

    def end(self) -> int:
        """Wait for the end and return the exit status."""
        while self._read(time.monotonic() + 60):
            pass
        return self._process.wait(60)

    def _read(self, end: float) -> bool:
        if not select.select([self._ours], [], [], max(0.0, end - time.monotonic()))[0]:
            return False
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # the other end is closed
            return False
        text = ESCAPE.sub("", piece.decode("utf-8", "replace"))
        self.seen += text.replace("\r\n", "\n")
        return bool(piece)
