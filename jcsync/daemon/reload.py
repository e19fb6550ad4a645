"""The settings of a daemon that runs: read anew when a file of theirs changes.

The files are looked at, not subscribed to: that works on every system, and for the links by which
containers exchange mounted secrets.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

from jcsync.errors import JcsyncError
from jcsync.settings import Loaded

log = structlog.get_logger()

_Mark = tuple[int, int, int] | None


class Reloading:
    """The settings in force, and why newer ones are not.

    Attributes:
        loaded: In force.
        problem: What is wrong with the newest settings, ``""`` when they are in force.
        at: When settings were last read that were right.
    """

    def __init__(
        self, loaded: Loaded, load: Callable[[], Loaded] | None, now: Callable[[], datetime]
    ) -> None:
        """Begin with settings.

        Args:
            loaded: In force.
            load: Reads them anew; raises ``JcsyncError`` when they are wrong. ``None``: never.
            now: Tells the time.
        """
        self.loaded = loaded
        self.problem = ""
        self.at = now()
        self._load = load
        self._now = now
        self._applied = self._before = self._look()

    def poll(self, *, asked: bool = False) -> Loaded | None:
        """Return new settings to be used, ``None`` while there are none.

        A file that was just changed may still be written to: it is read when it has stayed the
        same from one call to the next. Wrong settings are read again at every call, because a
        file that they miss is not known to be theirs.

        Args:
            asked: Read them now, whether a file has changed or not.
        """
        if self._load is None:
            return None
        marks, before = self._look(), self._before
        self._before = marks
        changed = marks == before and marks != self._applied
        if not (asked or changed or self.problem):
            return None
        try:
            loaded = self._load()
        except JcsyncError as error:
            self._refuse(str(error), repeat=asked or changed)
            self._applied = marks
            return None
        except Exception as error:  # a front door: the daemon goes on
            log.exception("the new settings could not be read", error=repr(error))
            self.problem, self._applied = repr(error), marks
            return None
        self.loaded, self.problem, self.at = loaded, "", self._now()
        self._before = self._look()
        # As it was before it was read: what changed meanwhile is read once more.
        self._applied = {file: marks.get(file, mark) for file, mark in self._before.items()}
        return loaded

    def _refuse(self, problem: str, *, repeat: bool) -> None:
        if repeat or problem != self.problem:
            log.error(
                "the new settings are wrong, those from before stay in force",
                problems=problem.splitlines(),
            )
        self.problem = problem

    def _look(self) -> dict[Path, _Mark]:
        return {file: _mark(file) for file in _files(self.loaded)}


def _files(loaded: Loaded) -> list[Path]:
    """The file of the settings, and those whose content is in them."""
    origins = [origin for origin in loaded.origins.values() if origin.startswith("file ")]
    secrets = {Path(origin.removeprefix("file ")) for origin in origins}
    return sorted(secrets | ({loaded.source} if loaded.source else set()))


def _mark(file: Path) -> _Mark:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
