"""Log format, level and redaction.

One event a line on standard error: a fixed message and key=value pairs, the connection and the
run id bound once. Secrets that are known are blotted out wherever they turn up, and control
characters in names cannot forge a line.
"""

import io
import logging
import sys
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import Any, Literal, TextIO, cast

import structlog

from jcsync.model.text import printable

REDACTED = "********"
_SHORTEST_SECRET = 4

Event = MutableMapping[str, Any]


def configure_logs(
    *,
    level: Literal["debug", "info", "warning", "error"],
    style: Literal["auto", "console", "json"],
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Set up structlog for this process.

    Args:
        level: The least severity that is logged.
        style: ``auto``: for people on a terminal, JSON elsewhere.
        secrets: Texts that never appear.
        stream: Standard error unless given.
    """
    out = stream or sys.stderr
    people = style == "console" or (style == "auto" and out.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=out.isatty())
        if people
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    known = (secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)
    hidden = tuple(sorted(known, key=len, reverse=True))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _Redaction(hidden),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Forgiving(out))),
        cache_logger_on_first_use=False,
    )
    logging.getLogger().handlers = [
        handler for handler in logging.getLogger().handlers if not isinstance(handler, _Passing)
    ] + [_Passing(logging.WARNING)]


class _Forgiving(io.TextIOBase):
    """Writes where it can: a log whose disk is full, or that nobody reads any more, stops no run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Passing(logging.Handler):
    """Warnings of libraries, as events of our log: redacted, and in its format."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one on."""
        structlog.get_logger().warning(record.getMessage(), logger=record.name)


class _Redaction:
    """A processor that blots out secrets and escapes control characters."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        if isinstance(value, list | tuple):
            return [self._clean(item) for item in value]
        if isinstance(value, bool | int | float) or value is None:
            return value
        text = str(value)
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return printable(text)
