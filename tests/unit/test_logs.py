"""Logs: one event a line, without secrets."""

import io
import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jcsync.logs import REDACTED, configure_logs

SECRET = "s3cr3t-token"


class Terminal(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        """It says so."""
        return True


@pytest.fixture(autouse=True)
def _fresh_structlog() -> Iterator[None]:
    """Leave the configuration of the process as it was."""
    yield
    structlog.reset_defaults()


def logged(
    *,
    level: Literal["debug", "info", "warning", "error"] = "info",
    style: Literal["auto", "console", "json"] = "json",
    stream: io.StringIO | None = None,
    **values: Any,
) -> str:
    """What is written for one event of each severity."""
    out = stream or io.StringIO()
    configure_logs(level=level, style=style, secrets=[SECRET, "abc"], stream=out)
    log = structlog.get_logger()
    log.debug("looked", **values)
    log.info("planned", **values)
    log.error("ended", **values)
    return out.getvalue()


def test_event_is_one_line_of_json() -> None:
    """With its time, its severity and what is bound."""
    with structlog.contextvars.bound_contextvars(connection="keepnet"):
        lines = logged(changes=3, complete=True, gap=None).splitlines()

    event = json.loads(lines[0])
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "planned",
        "level": "info",
        "connection": "keepnet",
        "changes": 3,
        "complete": True,
        "gap": None,
    }


@pytest.mark.parametrize(
    ("level", "events"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 1)]
)
def test_level_is_the_least_that_is_logged(
    level: Literal["debug", "info", "warning", "error"], events: int
) -> None:
    """Everything below is silent."""
    assert len(logged(level=level).splitlines()) == events


def test_auto_is_for_people_on_a_terminal_only() -> None:
    """A pipe gets JSON, colours are for terminals."""
    assert logged(style="auto").startswith("{")
    assert "\x1b[" in logged(style="auto", stream=Terminal())
    assert "\x1b[" not in logged(style="console")
    assert "planned" in logged(style="console")


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to the results."""
    configure_logs(level="info", style="json")
    structlog.get_logger().info("planned")

    captured = capsys.readouterr()
    assert (captured.out, "planned" in captured.err) == ("", True)


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {SECRET}",
        [SECRET, ("x", SECRET)],
        {"token": SECRET},
        ValueError(SECRET),
        SECRET * 3,
    ],
)
def test_secret_never_appears(value: object) -> None:
    """In texts, lists, mappings and errors."""
    line = logged(value=value)

    assert SECRET not in line
    assert REDACTED in line


def test_secret_that_begins_another_leaves_nothing_of_it() -> None:
    """The longest is blotted out first."""
    stream = io.StringIO()
    configure_logs(level="info", style="json", secrets=("abcd", "abcdef12"), stream=stream)
    structlog.get_logger().info("event", value="abcdef12")

    assert json.loads(stream.getvalue())["value"] == REDACTED


def test_short_secret_would_blot_out_words() -> None:
    """Three letters turn up everywhere, and are no secret."""
    assert "abcdef" in logged(value="abcdef")


def test_name_with_a_line_feed_forges_no_line() -> None:
    """It is written out."""
    line = logged(style="console", name="ann\n2026-01-31 [error] all is lost\x1b[2J")

    assert len(line.splitlines()) == 2
    assert "\x1b" not in line


@given(st.text(st.characters(exclude_categories=())))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_logged(value: str) -> None:
    """As one printable line each."""
    lines = logged(value=value, style="json").removesuffix("\n").split("\n")

    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
