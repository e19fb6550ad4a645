"""Text that comes from outside: made safe to show, and what it may have meant."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


def printable(text: str) -> str:
    """Return a text with every control and direction character written as an escape.

    A name with a line feed cannot forge a line of a log, one with an escape sequence cannot
    drive a terminal, and one with a direction override cannot turn the rest of a line round.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """Return ``; did you mean "groups"?`` for the nearest allowed word, else ``""``."""
    known = {name.casefold(): name for name in allowed}
    near = difflib.get_close_matches(word.casefold(), known, n=1)
    return f'; did you mean "{known[near[0]]}"?' if near else ""


_SHARED: ContextVar[dict[str, str] | None] = ContextVar("_SHARED", default=None)


@contextmanager
def shared_texts() -> Iterator[None]:
    """Keep one object for each text that is read meanwhile, by whichever ``Repeated``.

    The two sides say the same of everybody: that is a tenth of the memory of a run. Threads of a
    ``Pool`` that are given work meanwhile take part.
    """
    token = _SHARED.set({})
    try:
        yield
    finally:
        _SHARED.reset(token)


class Repeated:
    """Keeps one object for each text that repeats, such as a department or a country.

    Only for the first ones that come, so that texts which never repeat take no room in it; for all
    of them while ``shared_texts`` are kept.
    """

    def __init__(self, most: int = 10_000) -> None:
        """Remember ``most`` different texts."""
        self._known: dict[str, str] = {}
        self._most = most

    def __call__(self, text: str) -> str:
        """Return a text that is equal."""
        shared = _SHARED.get()
        if shared is not None:
            return shared.setdefault(text, text)
        known = self._known.get(text)
        if known is not None:
            return known
        if len(self._known) < self._most:
            self._known[text] = text
        return text
