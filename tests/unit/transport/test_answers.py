"""Answers → JSON or errors, without a server."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from jcsync.errors import RemoteError, ThrottledError, TransientError, UnknownOutcomeError
from jcsync.transport.answers import (
    RawAnswer,
    allowance,
    one_line,
    parse_answer,
    retry_after_s,
)

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)


def raw(content: bytes = b"", status: int = 200, **fields: Any) -> RawAnswer:
    return RawAnswer(
        **{
            "name": "JumpCloud",
            "method": "GET",
            "url": "https://example.com/x",
            "repeatable": True,
            "headers": {},
            "status": status,
            "content": content,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("2.5", 2.5),
        ("-3", 0),
        ("nan", 0),
        ("soon", None),
        ("Sat, 31 Jan 2026 10:00:30 GMT", 30),
        ("Sat, 31 Jan 2026 10:00:30 -0000", 30),
        ("Sat, 31 Jan 2026 11:00:30 +0100", 30),
        ("Sat, 31 Jan 2026 09:00:00 GMT", 0),
        ("Sat, 99 Jan 2026 09:00:00 GMT", None),
    ],
)
def test_retry_after_in_all_its_forms(text: str | None, seconds: float | None) -> None:
    """Seconds, a date, and nonsense."""
    assert retry_after_s(text, NOW) == seconds


@given(st.text(max_size=60))
def test_retry_after_survives_everything(text: str) -> None:
    """Whatever a server says, the answer is none or a time that is not negative."""
    seconds = retry_after_s(text, NOW)
    assert seconds is None or seconds >= 0


@given(st.integers(0, 10**6))
def test_retry_after_reads_every_date(ahead: int) -> None:
    """A date is as good as the seconds until then."""
    due = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    assert retry_after_s(due, NOW) == ahead


@given(st.text(max_size=1000))
def test_one_line_is_one_short_printable_line(text: str) -> None:
    """Nothing that a terminal could take for a command."""
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 301


@given(st.binary(max_size=200), st.integers(200, 599), st.booleans())
def test_every_answer_is_json_or_a_readable_error(
    content: bytes, status: int, repeatable: bool
) -> None:
    """No answer makes the parser fall over."""
    error = error_of(raw(content, status, repeatable=repeatable))
    if error is None:
        assert status < 300
        return
    assert str(error).isprintable()
    assert error.status == status
    if isinstance(error, TransientError) and status != 429:
        assert isinstance(error, UnknownOutcomeError) is not repeatable


def error_of(answer: RawAnswer) -> RemoteError | None:
    try:
        parse_answer(answer, NOW)
    except RemoteError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"scimType":"uniqueness","detail":"taken","status":"409"}', ": uniqueness; taken"),
        (b'{"message":"no","error":"no"}', ": no"),
        (b'{"errors":[{"why":"deep"}]}', ': {"errors":[{"why":"deep"}]}'),
        (b'["listed"]', ': ["listed"]'),
        (b"plain\ntext", ": plain text"),
        (b"<!DOCTYPE html><p>no title", ": an HTML page"),
        (b"<html><title>A &amp; B\n</title>", ': an HTML page "A & B"'),
        (b"", ""),
    ],
)
def test_details_of_a_refusal_are_shown(content: bytes, words: str) -> None:
    """In whichever form a server gives its reasons."""
    with pytest.raises(RemoteError) as caught:
        parse_answer(raw(content, 400), NOW)
    assert str(caught.value) == f"JumpCloud rejected GET https://example.com/x (400){words}"


def test_throttling_carries_its_wait() -> None:
    """The waiting time is in the error, for whoever repeats."""
    with pytest.raises(TransientError) as caught:
        parse_answer(raw(status=429, headers={"Retry-After": "7"}), NOW)
    assert caught.value.retry_after == 7


def test_secrets_are_in_no_representation() -> None:
    """Tracebacks of test tools and debuggers print arguments."""
    assert "s3cret" not in repr(raw(b"s3cret", secrets=("s3cret",)))


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, (None, None)),
        ({"X-RateLimit-Remaining": "7"}, (7, None)),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "12"}, (0, 12)),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": f"{NOW.timestamp():.0f}"}, (0, 0)),
        ({"RateLimit-Remaining": "3", "RateLimit-Reset": "9"}, (3, 9)),
        ({"RateLimit": '"default";r=50;t=30'}, (50, 30)),
        ({"RateLimit": '"day";r=900;t=3600, "second";r=0;t=1'}, (0, 1)),
        ({"RateLimit": "limit=10, remaining=soon", "X-RateLimit-Reset": "soon"}, (None, None)),
        (
            {
                "Date": format_datetime(NOW - timedelta(hours=1), usegmt=True),
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": f"{(NOW - timedelta(minutes=59)).timestamp() * 1000:.0f}",
            },
            (0, 60),
        ),
    ],
)
def test_allowance_in_all_its_forms(
    headers: dict[str, str], told: tuple[int | None, float | None]
) -> None:
    """What is left and for how long, by the clock of who says it."""
    assert allowance(CaseInsensitiveDict(headers), NOW) == told


def test_date_of_retry_after_is_read_by_the_clock_of_the_server() -> None:
    """A clock that goes wrong on either side makes no wait longer or shorter."""
    theirs = NOW - timedelta(hours=2)
    headers = CaseInsensitiveDict(
        {
            "Date": format_datetime(theirs, usegmt=True),
            "Retry-After": format_datetime(theirs + timedelta(seconds=5), usegmt=True),
        }
    )
    with pytest.raises(ThrottledError) as caught:
        parse_answer(raw(status=429, headers=headers), NOW)
    assert caught.value.retry_after == 5


@pytest.mark.parametrize(
    ("content", "headers", "error"),
    [
        (b'{"detail": "Too many requests"}', {}, ThrottledError),
        (b"", {"X-RateLimit-Remaining": "0"}, ThrottledError),
        (b"down for maintenance", {}, UnknownOutcomeError),
    ],
)
def test_503_that_is_about_a_rate_was_not_acted_upon(
    content: bytes, headers: dict[str, str], error: type[RemoteError]
) -> None:
    """It is as good as a 429; any other may have had its effect."""
    with pytest.raises(error):
        parse_answer(
            raw(
                content,
                status=503,
                method="POST",
                repeatable=False,
                headers=CaseInsensitiveDict(headers),
            ),
            NOW,
        )
