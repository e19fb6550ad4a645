"""The time, in the forms that the sandbox writes it."""

import time
from datetime import UTC, datetime


def now() -> float:
    """Return the seconds since 1970, in UTC."""
    return time.time_ns() / 1e9


def stamp(seconds: float) -> str:
    """Return a time as JumpCloud writes it: ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> float:
    """Return the seconds since 1970 of an ISO 8601 time.

    Raises:
        ValueError: It is none.
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
