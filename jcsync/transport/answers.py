"""An HTTP answer → parsed JSON, or the error that names the reaction. Pure.

Source:
    RFC 7644, section 3.12 (SCIM errors); JumpCloud's ``{"message": …}`` and ``{"error": …}``;
    and what proxies and login pages answer in their place.
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from jcsync.errors import (
    ConflictError,
    GarbledError,
    NotFoundError,
    RejectedError,
    RemoteError,
    ThrottledError,
    TransientError,
    UnauthorizedError,
    UnknownOutcomeError,
    UnreadableError,
)
from jcsync.json_bytes import parse_json

_REFUSALS: Mapping[int, tuple[type[RemoteError], str]] = {
    HTTPStatus.UNAUTHORIZED: (UnauthorizedError, "refused the credentials at"),
    HTTPStatus.FORBIDDEN: (UnauthorizedError, "does not permit"),
    HTTPStatus.NOT_FOUND: (NotFoundError, "does not know"),
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: (
        RejectedError,
        "is behind a proxy that wants other credentials, see provider.proxy; at",
    ),
    HTTPStatus.CONFLICT: (ConflictError, "reports a conflict at"),
}
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
_LASTING = frozenset({HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED})
_RATE_HEADERS = ("x-ratelimit", "ratelimit", "x-rate-limit")
_ALLOWANCE = re.compile(r"\br=(\d+)(?:;t=(\d+))?")
_RATE_WORDS = re.compile(
    rb"rate[-_ ]?limit|too[-_ ]?many[-_ ]?requests|request[-_ ]?limit[-_ ]?exceeded|\bthrottled\b",
    re.IGNORECASE,
)
_SINCE_1970 = 1e9
_IN_MILLISECONDS = 1e11
_READS = frozenset({"GET", "HEAD"})
_DETAIL_CHARACTERS = 300
_DETAIL_BYTES = 65536
_DETAIL_KEYS = ("scimType", "detail", "message", "error", "error_description", "title")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 2xx answer.

    Attributes:
        body: Parsed JSON, ``None`` when the body was empty.
    """

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """An answer as it came.

    Attributes:
        name: What messages call the side that answered.
        method: Of the request.
        url: Of the request, without its query.
        repeatable: Whether the request may be repeated without looking first.
        advice: What to do when the credentials are refused.
        secrets: Texts of the request that no message may repeat.
    """

    name: str
    method: str
    url: str
    repeatable: bool
    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    advice: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def where(self) -> str:
        """The request, for messages."""
        return f"{self.method} {self.url}"


def parse_answer(raw: RawAnswer, now: datetime) -> Answer:
    """Return the JSON of a 2xx answer.

    Raises:
        RemoteError: For everything else, in the form that names the reaction.
    """
    if not HTTPStatus.OK <= raw.status < HTTPStatus.MULTIPLE_CHOICES:
        raise _refusal(raw, now)
    if not raw.content.strip() and not (raw.method == "GET" and raw.status == HTTPStatus.OK):
        return Answer(status=raw.status, headers=raw.headers, body=None)
    try:
        body = parse_json(raw.content)
    except (ValueError, RecursionError) as error:
        what = "HTML" if _looks_like_html(raw.content) else "broken JSON"
        what = what if raw.content.strip() else "nothing"
        kind = one_line(raw.headers.get("Content-Type") or "no content type")
        message = (
            f"{raw.name} answered {what} instead of JSON at {raw.where} "
            f"({raw.status}, {kind}){_detail(raw)}; check that the base URL leads to the API, and "
            "that no proxy answers in its place"
        )
        if raw.repeatable:
            raise GarbledError(message, status=raw.status) from error
        raise UnknownOutcomeError(message, status=raw.status) from error
    return Answer(status=raw.status, headers=raw.headers, body=body)


def _refusal(raw: RawAnswer, now: datetime) -> RemoteError:
    status, detail = raw.status, _detail(raw)
    if status < HTTPStatus.BAD_REQUEST:
        target = one_line(raw.headers.get("Location", "nowhere").partition("?")[0])
        return UnreadableError(
            f"{raw.name} redirects to {target} ({status}) at {raw.where}; redirects are never "
            "followed: check the base URL, and that the credentials are sent to the right host",
            status=status,
        )
    now = _their_time(raw.headers, now)
    wait = retry_after_s(raw.headers.get("Retry-After"), now)
    plainly = _is_throttling(raw)
    if plainly or _speaks_of_a_rate(raw):
        message = f"{raw.name} asks to slow down ({status}) at {raw.where}{detail}"
        throttled = ThrottledError if plainly else TransientError
        wait = allowance(raw.headers, now)[1] if wait is None else wait
        return throttled(message, status=status, retry_after=wait)
    if status in _PASSING or (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _LASTING
    ):
        message = f"{raw.name} failed ({status}) at {raw.where}{detail}"
        failed = TransientError if raw.repeatable else UnknownOutcomeError
        return failed(message, status=status, retry_after=wait)
    if status == HTTPStatus.NOT_FOUND and not _is_of_an_api(raw.content):
        return UnreadableError(
            f"{raw.name} answered {status} at {raw.where}, but not as an API does{detail}; nothing "
            "is believed to be gone: check the base URL, and that no proxy answers in its place",
            status=status,
        )
    kind, what = _REFUSALS.get(status, (RejectedError, "rejected"))
    if status == HTTPStatus.UNAUTHORIZED or (
        status == HTTPStatus.FORBIDDEN and raw.method in _READS
    ):
        detail = f"{detail}. {raw.advice}" if raw.advice else detail
    return kind(f"{raw.name} {what} {raw.where} ({status}){detail}", status=status)


def _is_throttling(raw: RawAnswer) -> bool:
    """Tell whether a refusal means "not now"; some servers say so with another status than 429."""
    spent = any(raw.headers.get(f"{name}-remaining") == "0" for name in _RATE_HEADERS)
    if raw.status == HTTPStatus.FORBIDDEN:
        return "Retry-After" in raw.headers or spent
    if raw.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return spent or _has_rate_words(raw)
    if raw.status == HTTPStatus.BAD_REQUEST:
        return b"ThrottlingException" in raw.content[:_DETAIL_BYTES]
    return raw.status == HTTPStatus.TOO_MANY_REQUESTS


def _speaks_of_a_rate(raw: RawAnswer) -> bool:
    """Tell whether a 400 or 403 is about a rate by its words alone, which might be about a name."""
    if raw.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}:
        return False
    return _has_rate_words(raw)


def _has_rate_words(raw: RawAnswer) -> bool:
    return _RATE_WORDS.search(raw.content[:_DETAIL_BYTES]) is not None


def allowance(headers: Mapping[str, str], now: datetime) -> tuple[int | None, float | None]:
    """How many more requests a server takes, and in how many seconds it takes others.

    ``None`` for what it does not say. The time is told as seconds from now, or as seconds or
    milliseconds since 1970.

    Source:
        ``X-RateLimit-*``, ``X-Rate-Limit-*`` and ``RateLimit-*``, which many servers use;
        draft-ietf-httpapi-ratelimit-headers-10, section 4 (``RateLimit: "name";r=0;t=12``).
    """
    if not any("rate" in name.lower() for name in headers):
        return None, None
    policies = _ALLOWANCE.findall(headers.get("RateLimit", ""))
    left, reset = min(policies, key=lambda policy: int(policy[0]), default=("", ""))
    for name in _RATE_HEADERS:
        left = left or headers.get(f"{name}-remaining", "").strip()
        reset = reset or headers.get(f"{name}-reset", "").strip()
    number = int(left) if left.isdecimal() else None
    if not reset.isdecimal():
        return number, None
    seconds = float(reset)
    if seconds > _IN_MILLISECONDS:
        seconds /= 1000
    if seconds >= _SINCE_1970:
        seconds = max(0.0, seconds - _their_time(headers, now).timestamp())
    return number, seconds


def _their_time(headers: Mapping[str, str], now: datetime) -> datetime:
    """The time by the clock of who answers: a date is to be compared with that one."""
    try:
        theirs = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return now
    return theirs if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC)


def _is_of_an_api(content: bytes) -> bool:
    """Tell whether a 404 may come from the API itself: it is a JSON object, or empty."""
    if not content.strip():
        return True
    try:
        return isinstance(parse_json(content), dict)
    except (ValueError, RecursionError):
        return False


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """Seconds to wait by a ``Retry-After`` header in either of its forms, else ``None``.

    Source:
        RFC 9110, section 10.2.3.
    """
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        due = parsedate_to_datetime(text)
    except ValueError:
        return None
    if due.tzinfo is None:
        due = due.replace(tzinfo=UTC)
    return max(0.0, (due - now).total_seconds())


def one_line(text: str) -> str:
    """One line of printable text, cut to a length that fits a message."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _DETAIL_CHARACTERS else line[:_DETAIL_CHARACTERS] + "…"


def _detail(raw: RawAnswer) -> str:
    """What an answer says of itself, as ``: text`` for the end of a message, or nothing."""
    content = raw.content[:_DETAIL_BYTES]
    for secret in raw.secrets:
        content = content.replace(secret.encode(), b"***")
    text = _detail_text(content)
    return f": {text}" if text else ""


def _detail_text(content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    if _looks_like_html(content):
        title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
        return "an HTML page" + (f' "{one_line(html.unescape(title[1]))}"' if title else "")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return one_line(text)
    known = parsed if isinstance(parsed, dict) else {}
    texts = [known[key] for key in _DETAIL_KEYS if isinstance(known.get(key), str)]
    return one_line("; ".join(dict.fromkeys(t for t in texts if t)) or text)


def _looks_like_html(content: bytes) -> bool:
    start = content[:512].lstrip().lower()
    return start.startswith((b"<!doctype", b"<head", b"<body")) or b"<html" in start
