"""Templates that only choose and join fields: read and rendered without Jinja2.

Most are no more than that, those of the profiles among them, and are rendered for everybody in
every run: this takes a tenth of the time, and Jinja2 need not be loaded. What is not understood
here is left to it, and a test compares what comes of both.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Final

from jcsync.model.directory import TEXT_FIELDS, DirectoryUser
from jcsync.model.rules import MappingError

MAX_OUTPUT: Final = 10_000

Render = Callable[[DirectoryUser], str]

_FIELDS: Final = frozenset({"id", *TEXT_FIELDS})
_MOST_WORDS: Final = 200
"""Of one expression, which therefore nests less deeply than Python's stack allows."""

_EXPRESSION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OPENING: Final = re.compile(r"\{[{%#]")
_WORD: Final = re.compile(r"""user\.\w+ | '[^'\\]*' | "[^"\\]*" | \w+ | \S""", re.VERBOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTemplate:
    """A template that was read.

    Attributes:
        render: Writes it for one user, stripped; raises ``MappingError`` when that is too much.
        fields: Those of ``user`` that it names.
    """

    render: Render
    fields: frozenset[str]


@lru_cache
def read_plain(source: str) -> PlainTemplate | None:
    """Return a template of ``user``, ``None`` where it takes Jinja2 to understand or to refuse it."""
    pieces = _EXPRESSION.split(source)  # text, expression, text, …
    if len(pieces) == 1 or "\r" in source:
        return None
    try:
        parts = [
            _read(piece) if place % 2 else _text(piece)
            for place, piece in enumerate(pieces)
            if piece or place % 2
        ]
    except _BeyondError:
        return None
    write = _join(parts)
    words = [word for expression in pieces[1::2] for word in _WORD.findall(expression)]
    return PlainTemplate(
        render=lambda user: bounded(write(user)),
        fields=frozenset(word.removeprefix("user.") for word in words if word.startswith("user.")),
    )


def bounded(text: str) -> str:
    """Return what a template wrote, stripped.

    Raises:
        MappingError: It is too much.
    """
    if len(text) > MAX_OUTPUT:
        message = f"the template writes more than {MAX_OUTPUT} characters"
        raise MappingError(message)
    return text.strip()


class _BeyondError(Exception):
    """Something is more than choosing and joining."""


def _text(text: str) -> Render:
    if _OPENING.search(text):
        raise _BeyondError
    return _constant(text)


def _read(expression: str) -> Render:
    words = deque(_WORD.findall(expression))
    if len(words) > _MOST_WORDS:
        raise _BeyondError
    render = _expression(words)
    if words:
        raise _BeyondError
    return render


def _expression(words: deque[str]) -> Render:
    """Take an expression from the words: terms joined by ``~``."""
    parts = [_term(words)]
    while _take(words, "~"):
        parts.append(_term(words))
    return _join(parts)


def _term(words: deque[str]) -> Render:
    """Take a field, a text, ``first(…)`` or an expression in parentheses."""
    word = words.popleft() if words else ""
    if word.startswith("user.") and (name := word.removeprefix("user.")) in _FIELDS:
        return attrgetter(name)
    if word.startswith(("'", '"')) and len(word) > 1:
        return _constant(word[1:-1])
    if word == "first" and _take(words, "("):
        return _first(_arguments(words))
    if word == "(":
        inner = _expression(words)
        if _take(words, ")"):
            return inner
    raise _BeyondError


def _arguments(words: deque[str]) -> list[Render]:
    """Take expressions with commas between them, and the parenthesis after them."""
    if _take(words, ")"):
        return []
    found = [_expression(words)]
    while _take(words, ","):
        found.append(_expression(words))
    if not _take(words, ")"):
        raise _BeyondError
    return found


def _take(words: deque[str], word: str) -> bool:
    """Take a word if it is the next one."""
    if not words or words[0] != word:
        return False
    words.popleft()
    return True


def _constant(text: str) -> Render:
    return lambda _user: text


def _join(parts: Sequence[Render]) -> Render:
    if len(parts) == 1:
        return parts[0]
    return lambda user: "".join([part(user) for part in parts])


def _first(parts: Sequence[Render]) -> Render:
    return lambda user: next((text for part in parts if (text := part(user)).strip()), "")
