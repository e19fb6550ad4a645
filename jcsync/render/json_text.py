"""Documents → JSON text, piece by piece. Pure.

A report of 100,000 changes is written without a second copy of it in memory: its long lists are
``Rows``, made of the model one at a time, and each row is one line of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

from jcsync.json_bytes import dump_ascii, dump_json

T = TypeVar("T")

_DEPTH: Final = 5
"""Levels that are spread over lines; what lies deeper stands on one. Indenting a whole report takes
as long as half of a run: Python's fast encoder cannot do it."""


class Rows(Generic[T]):
    """A list of a document that is made when it is written."""

    def __init__(self, items: Sequence[T], to_document: Callable[[int, T], Any]) -> None:
        """Take what the rows are made of.

        Args:
            items: One for each row.
            to_document: Makes a row of its number, from 1, and its item.
        """
        self._items = items
        self._to_document = to_document

    def __iter__(self) -> Iterator[Any]:
        """Make one row after the other."""
        for number, item in enumerate(self._items, start=1):
            yield self._to_document(number, item)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._items)


def json_pieces(document: object, *, ascii_only: bool = False) -> Iterator[str]:
    """Yield the text of a document, whose end is no line break.

    Args:
        document: Of what ``json`` takes, and ``Rows``.
        ascii_only: Whether other characters are escaped.
    """
    dump = dump_ascii if ascii_only else dump_json

    def encode(value: object) -> str:
        return dump(value, spaced=True).decode("utf-8", "surrogatepass")

    yield from _pieces(document, encode, 0)


def _pieces(value: object, encode: Callable[[object], str], depth: int) -> Iterator[str]:
    entries: Iterable[tuple[str, object]]
    if not isinstance(value, dict | list | Rows) or not value or depth == _DEPTH:
        yield encode(value)
        return
    if isinstance(value, dict):
        start, end = "{", "}"
        entries = ((f"{encode(name)}: ", entry) for name, entry in value.items())
    else:
        start, end = "[", "]"
        entries = (("", entry) for entry in value)
    line = "\n" + "  " * (depth + 1)
    below = _DEPTH if isinstance(value, Rows) else depth + 1
    for name, entry in entries:
        if below == _DEPTH:
            yield f"{start}{line}{name}{encode(entry)}"
        else:
            yield f"{start}{line}{name}"
            yield from _pieces(entry, encode, below)
        start = ","
    yield line[:-2] + end
