"""Text that comes from outside: made safe to show, and what it may have meant."""

import difflib
from collections.abc import Iterable


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
