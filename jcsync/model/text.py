"""Text that comes from outside, made safe to show."""


def printable(text: str) -> str:
    """Return a text with every control and direction character written as an escape.

    A name with a line feed cannot forge a line of a log, one with an escape sequence cannot
    drive a terminal, and one with a direction override cannot turn the rest of a line round.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
