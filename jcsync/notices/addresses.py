"""Apprise URLs: whether they can be used, and sending to them.

Each may be a secret as a whole (a token can stand anywhere in it), so it is known by its number
and scheme only, and nothing that Apprise says is shown before its parts are blotted out.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from jcsync.model.text import printable

Tone = Literal["info", "success", "warning", "failure"]

_REDACTED: Final = "********"
_SHORTEST: Final = 4
_SERVICES: Final = "https://appriseit.com/services/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Whether an address took a message.

    Attributes:
        address: Its number and scheme, as ``notify.urls[0] (slack)``.
        error: Why it did not, ``""`` when it did.
    """

    address: str
    error: str = ""


def check_addresses(urls: Sequence[str]) -> list[str]:
    """Return what is wrong with Apprise URLs, one text for each that cannot be used."""
    if not urls:
        return []
    return [
        f"{_label(n, url)}: no address that Apprise knows; see {_SERVICES}"
        for n, url in enumerate(urls)
        if not _build(url)
    ]


def send(urls: Sequence[str], title: str, body: str, *, tone: Tone = "info") -> list[Sent]:
    """Send a message to every address; whatever happens is in what is returned.

    Args:
        urls: Apprise URLs.
        title: One line.
        body: Plain text.
        tone: For services that show one by colour or sign.
    """
    return [_send(n, url, title, body, tone) for n, url in enumerate(urls)]


def _send(n: int, url: str, title: str, body: str, tone: Tone) -> Sent:
    label = _label(n, url)
    with _overheard() as said:
        try:
            target = _build(url)
            if target is None:
                return Sent(address=label, error=f"no address that Apprise knows; see {_SERVICES}")
            if target.notify(title=title, body=body, notify_type=tone, body_format="text"):
                return Sent(address=label)
        except Exception as error:  # noqa: BLE001 - a plugin of a hundred authors must not end a run
            said.append(f"{type(error).__name__}: {error}")
    return Sent(address=label, error=_blotted(" ".join(said), url) or "it could not be sent")


def _build(url: str) -> Any:  # noqa: ANN401 - Apprise's own
    """Return Apprise with this one address, ``None`` when it is none."""
    import apprise  # noqa: PLC0415 - takes half a second, and most commands tell nobody

    logging.getLogger("apprise").propagate = False
    asset = apprise.AppriseAsset(app_id="jcsync", app_desc="jcsync", async_mode=False)
    target = apprise.Apprise(asset=asset)
    return target if target.add(url) else None


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Give what Apprise says while the block lasts."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, ear = logging.getLogger("apprise"), Ear(logging.WARNING)
    logger.addHandler(ear)
    try:
        yield said
    finally:
        logger.removeHandler(ear)


def _label(n: int, url: str) -> str:
    scheme = re.match(r"[a-z0-9+-]{1,20}(?=://)", url.strip().lower())
    return f"notify.urls[{n}]" + (f" ({scheme[0]})" if scheme else "")


def _blotted(text: str, url: str) -> str:
    scheme, _, rest = url.partition("://")
    parts = sorted({url, rest, *re.split(r"[/:@?&=,#]+", rest)}, key=len, reverse=True)
    for part in parts:
        if len(part) >= _SHORTEST and part != scheme:
            text = text.replace(part, _REDACTED)
    return printable(" ".join(text.split()))[:500]
