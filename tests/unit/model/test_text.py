"""Text from outside, made safe to show."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jcsync.model.text import Repeated, did_you_mean, printable, shared_texts
from jcsync.threads import Pool


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë Çelik 🦊", "Zoë Çelik 🦊"),
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("evil\u202egpj.exe", "evil\\u202egpj.exe"),
        ("half \ud800", "half \\ud800"),
        ("", ""),
    ],
)
def test_only_what_can_be_seen_is_shown(text: str, shown: str) -> None:
    """Letters of any script stay, whatever drives a terminal is written out."""
    assert printable(text) == shown


@given(st.text(st.characters(exclude_categories=())))
@example("half of a pair: \ud800")
def test_nothing_unprintable_is_left(text: str) -> None:
    """Shown twice, a text does not change again."""
    shown = printable(text)

    assert shown.isprintable()
    assert printable(shown) == shown


def test_the_nearest_word_is_suggested() -> None:
    assert did_you_mean("Group", ["groups", "where"]) == '; did you mean "groups"?'
    assert did_you_mean("zebra", ["groups", "where"]) == ""


def test_texts_that_repeat_are_one_object() -> None:
    """As far as there is room for different ones; the others are what they are."""
    repeated = Repeated(most=2)
    first, *others = (" IT".strip() for _ in range(3))

    assert all(repeated(other) is repeated(first) for other in others)
    assert [repeated(text) for text in ("HR", "Legal", "IT", "Legal")] == [
        "HR",
        "Legal",
        "IT",
        "Legal",
    ]


def test_shared_texts_are_one_object_for_all() -> None:
    """Of other parsers and threads too, as many as there are, and no longer than asked for."""
    texts = [" Ann Lee".strip() for _ in range(3)]
    with shared_texts(), Pool(max_workers=1) as pool:
        first = Repeated(most=0)(texts[0])
        second = pool.submit(Repeated(most=0), texts[1]).result()
    third = Repeated(most=0)(texts[2])

    assert first is second is texts[0]
    assert third is texts[2]
