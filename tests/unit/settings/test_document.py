"""The settings file as YAML with the line of each value."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.settings.document import UnreadableDocumentError, parse_document, parse_value


def test_every_key_and_item_knows_its_line() -> None:
    document = parse_document("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n")

    assert document.tree == {"a": {"b": 1, "c": ["x", {"y": 2}]}}
    assert document.lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("a", "c", 1, "y"): 5,
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("12:30", "12:30"),
        ("2026-01-31", "2026-01-31"),
        ("true", True),
        ("FALSE", False),
        ("", None),
        ("~", None),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("-5", -5),
        ("1.5", 1.5),
        ("5e3", 5000.0),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("9" * 50, "9" * 50),
        ("1." + "9" * 50, "1." + "9" * 50),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("!!int x", "x"),
        ("!!float x", "x"),
        ('{"a": [1, null]}', {"a": [1, None]}),
    ],
)
def test_values_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    assert parse_value(text) == value


@pytest.mark.parametrize("text", ["007", "5e0000000000000000000000", "1.50"])
def test_a_number_remembers_how_it_was_written(text: str) -> None:
    assert parse_value(text).text == text  # type: ignore[attr-defined]


def test_keys_are_texts() -> None:
    assert parse_document("on: 1\n5: 2\n~: 3\n").tree == {"on": 1, "5": 2, "~": 3}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "the file is empty; write one with: jcsync init --force"),
        ("# nothing\n", None, "the file is empty"),
        ("~", None, "the file is empty"),
        ("- a\n- b\n", 1, "must be a mapping"),
        ("hello", 1, "must be a mapping"),
        ("a:\n\tb: 1\n", 2, "indent with spaces"),
        ("a: [1, 2\nb: 3\n", 1, r"the \[ in column 4 is not closed, or a comma is missing"),
        ("a:\n  b: {x: 1\nc: 2\n", 2, r"the \{ in column 6 is not closed"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: *nowhere\n", 1, "not YAML"),
        ("a: 'x\n", 1, "the quote in column 4 is not closed"),
        ("a: \x00\n", None, "not a text file"),
        ("a: &a [*a]\n", 1, "contain themselves"),
        ("a: &a\n  <<: *a\n", 1, "contain themselves"),
        ("[" * 5000, None, "nested too deeply|not YAML"),
    ],
)
def test_what_is_no_settings_file(text: str, line: int | None, message: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=message) as caught:
        parse_document(text)

    if line:
        assert caught.value.problem.line == line


def test_the_reason_does_not_repeat_what_stands_in_the_file() -> None:
    """What cannot be parsed may be part of a secret."""
    with pytest.raises(UnreadableDocumentError) as caught:
        parse_document("token: *s3cr3t\n")

    assert "s3cr3t" not in str(caught.value)


def test_multiplied_aliases_are_stopped() -> None:
    """A file of a few lines cannot exhaust the memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    with pytest.raises(UnreadableDocumentError, match="aliases multiply"):
        parse_document("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "path", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", 3, "given twice, first in line 1"),
        ("a: !ENV x\n", "a", 1, "!ENV is not supported"),
        ("? [a, b]\n: 1\n", "", 1, "a key must be a text"),
        ("a: {{ b }}\n", "a", 1, "put the template in quotes"),
        ("a:\n  <<: 5\n", "a", 2, "<< takes a mapping"),
    ],
)
def test_what_cannot_be_used_is_a_problem(text: str, path: str, line: int, message: str) -> None:
    (problem,) = parse_document(text).problems

    assert (problem.path, problem.line) == (path, line)
    assert message in problem.message


def test_the_first_of_two_values_counts() -> None:
    assert parse_document("a: 1\na: 2\n").tree == {"a": 1}


def test_anchors_and_merges() -> None:
    """What a mapping says itself goes before what it inherits."""
    document = parse_document(
        "base: &base\n  x: 1\n  y: 2\nmore: &more\n  z: 3\n  x: 9\n"
        "own:\n  <<: [*base, *more]\n  y: 5\nsame: *base\n"
    )

    assert document.tree["own"] == {"y": 5, "x": 1, "z": 3}
    assert document.tree["same"] == {"x": 1, "y": 2}
    assert document.lines["own", "y"] == 9
    assert document.lines["own", "x"] == 2
    assert document.problems == ()


def test_problems_in_a_variable_are_raised() -> None:
    with pytest.raises(UnreadableDocumentError, match="a: given twice"):
        parse_value("{a: 1, a: 2}")


@given(st.text())
def test_any_text_is_a_document_or_unreadable(text: str) -> None:
    """No other exception leaves the parser."""
    with contextlib.suppress(UnreadableDocumentError):
        parse_document(text)
