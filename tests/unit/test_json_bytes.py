"""JSON values ↔ bytes: what ``json`` says is right."""

import json
import math
from collections.abc import Callable
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jcsync.json_bytes import dump_ascii, dump_json, parse_json
from jcsync.model.compact import Record

# Also halves of surrogate pairs, which JSON can carry and UTF-8 cannot. Without DEL, see below.
TEXTS = st.text(st.characters(exclude_categories=(), exclude_characters="\x7f"))


def values_of(plain: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        plain | st.none() | st.booleans() | st.integers() | TEXTS,
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
        max_leaves=20,
    )


NUMBERS = st.from_regex(
    rb"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
PIECES = (
    *(b"[", b"]", b"{", b"}", b'"a"', b'"b"', b":", b",", b" ", b"\n", b"\t", b"\x00", b"\x0c"),
    *(b"-0", b"01", b"1.", b"1e400", b"18446744073709551616", b"9" * 5000, b"NaN", b"-Infinity"),
    *(b"true", b"nul", b'"\\ud83d\\ude00"', b'"\\ud800"', b'"\xed\xa0\x80"', b'"\xff"', b'"\\x"'),
    *(b'"\x1f"', b"\xef\xbb\xbf", b"\xff\xfe", b"1\x00", '"ş"'.encode()),
)


class Level(StrEnum):
    """As the model has them."""

    HIGH = "high"


class Marked(str):
    """As templates make them."""

    __slots__ = ()


def result(parse: Callable[[bytes], Any], content: bytes) -> tuple[str, object]:
    """What is made of bytes, told so that 1, 1.0 and True differ, -0.0 and 0.0, and NaN is NaN."""
    try:
        return "is", repr(parse(content))
    except (ValueError, RecursionError):
        return "is none", None


@given(content=st.lists(st.sampled_from(PIECES)).map(b"".join) | NUMBERS | st.binary())
@example(content=b'{"a": 1, "b": 2, "a": 3}')
@example(content=b"[" * 100_000)
@example(content="[1]".encode("utf-16"))
@example(content="[1]".encode("utf-32-le"))
def test_bytes_are_the_same_value_or_none(content: bytes) -> None:
    """Whatever a server sends."""
    assert result(parse_json, content) == result(json.loads, content)


@given(
    value=values_of(st.floats()),
    ascii_only=st.booleans(),
    encoding=st.sampled_from(("utf-8", "utf-16")),
)
def test_texts_of_json_are_the_same_value(
    value: object, *, ascii_only: bool, encoding: str
) -> None:
    """Whatever a server has to say."""
    content = json.dumps(value, ensure_ascii=ascii_only).encode(encoding, "surrogatepass")

    assert result(parse_json, content) == result(json.loads, content)


@given(value=values_of(TEXTS))
def test_value_has_one_text(value: object) -> None:
    """The one that ``json`` makes: which of the two did it cannot be seen."""
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    spaced = json.dumps(value, ensure_ascii=False)

    assert dump_json(value) == compact.encode("utf-8", "surrogatepass")
    assert dump_json(value, spaced=True) == spaced.encode("utf-8", "surrogatepass")


@given(value=values_of(TEXTS))
@example(value=["Ayşe", "\U0001f600", "\ud83d", "\ude00\ud83d", {"é": "\\u00e9\n"}])
def test_ascii_is_as_json_escapes_it(value: object) -> None:
    """Whatever the alphabet."""
    assert dump_ascii(value) == json.dumps(value, separators=(",", ":")).encode()


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back(number: float) -> None:
    """To the last digit, however they are written."""
    assert repr(json.loads(dump_json(number))) == repr(number)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((1, {"a": ()}), b'[1,{"a":[]}]'),
        ({Level.HIGH: Level.HIGH}, b'{"high":"high"}'),
        ({Marked("a"): Marked("b")}, b'{"a":"b"}'),
        ({None: range(2), True: 1, 2: 3}, b'{"null":[0,1],"true":1,"2":3}'),
        (["\ud800", Level.HIGH, range(1)], b'["\xed\xa0\x80","high",[0]]'),
        ([math.nan, math.inf, -math.inf], b"[null,null,null]"),
        ({"a": MappingProxyType({"b": Record(["c"], [1])})}, b'{"a":{"b":{"c":1}}}'),
        (10**40, b"1" + b"0" * 40),
        ("\x7f", b'"\x7f"'),
    ],
)
def test_values_of_other_types(value: object, text: bytes) -> None:
    """What Python has beside what JSON has."""
    assert dump_json(value) == text
    assert dump_ascii(value) == text.replace(b"\xed\xa0\x80", b"\\ud800")


def test_what_is_no_value_is_refused() -> None:
    """Rather than made into something."""
    with pytest.raises(TypeError):
        dump_json(object())
