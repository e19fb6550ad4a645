"""Lines and tables: coloured on a terminal, plain text in pipes."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import click

from jcsync.cli.common import build_console
from jcsync.model.text import printable
from jcsync.render import Line

if TYPE_CHECKING:
    from rich.text import Text

_HANG = 4
_NARROWEST = 20
_SHORT_ID = 6
_MINUTE = 60
_HOUR = 3600
_DAY = 86400


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines: on a terminal in colours, and broken between words where they are too long."""
    if not sys.stdout.isatty():
        for line in lines:
            click.echo("".join(text for text, _ in line).rstrip())
        return
    console = build_console()
    for piece in fit_lines(lines, console.width):
        console.print(piece, soft_wrap=True)


def fit_lines(lines: Iterable[Line], width: int) -> "Iterator[Text]":
    """Return coloured lines, broken between words where they are too long for a width."""
    from rich.text import Text  # noqa: PLC0415 - not for pipes

    console = build_console()
    for line in lines:
        whole = Text.assemble(*line)
        whole.rstrip()
        margin = len(whole.plain) - len(whole.plain.lstrip())
        if whole.cell_len <= width:
            yield whole
            continue
        pieces = whole[margin:].wrap(console, max(width - margin - _HANG, _NARROWEST))
        for number, piece in enumerate(pieces):
            piece.rstrip()
            yield Text(" " * (margin + (_HANG if number else 0))) + piece


def print_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    broken: int = -1,
) -> None:
    """Print a table; nothing when it has no rows.

    On a terminal it fits the width; in a pipe each row is one line, however long.

    Args:
        headings: One for each column.
        rows: Texts; made printable here.
        right: Columns that are aligned to the right.
        broken: The column whose texts are broken where the terminal is too narrow.
    """
    if not rows:
        return
    shown = [tuple(printable(text) for text in row) for row in rows]
    if not sys.stdout.isatty():
        for line in _aligned([tuple(headings), *shown], right):
            click.echo(line)
        return
    from rich.table import Table  # noqa: PLC0415 - not for pipes

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, heading in enumerate(headings):
        justify: Literal["left", "right"] = "right" if number in right else "left"
        whole = number != broken % len(headings)
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=whole)
    for row in shown:
        table.add_row(*row)
    build_console().print(table)


def print_noted_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    verbose: bool = False,
) -> None:
    """Print a table whose last column is hardly ever filled, and long when it is.

    On a terminal it is a line of its own below the row, cut to the width unless verbose.

    Args:
        headings: One for each column.
        rows: Texts; made printable here.
        right: Columns that are aligned to the right.
        verbose: Break long notes instead of cutting them.
    """
    if not rows or not sys.stdout.isatty():
        print_table(headings, rows, right=right)
        return
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - not for pipes

    width = build_console().width - _HANG
    shown = [tuple(printable(text) for text in row) for row in rows]
    head, *body = _aligned([tuple(headings[:-1]), *(row[:-1] for row in shown)], right)
    print_lines([((head, "dim"),)])
    for line, row in zip(body, shown, strict=True):
        print_lines([((line, ""),)])
        note = row[-1]
        if not verbose and cell_len(note) > width:
            note = f"{set_cell_size(note, width - 1).rstrip()}…"
        if note:
            print_lines([((" " * _HANG, ""), (note, "red"))])


def _aligned(rows: Sequence[Sequence[str]], right: Sequence[int]) -> Iterator[str]:
    from rich.cells import cell_len  # noqa: PLC0415 - not for the help

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            " " * (width - cell_len(text)) + text
            if number in right
            else text + " " * (width - cell_len(text))
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def short_id(identity: str, *, verbose: bool) -> str:
    """Return the end of an id for people on a terminal, the whole in pipes and when verbose."""
    if verbose or not sys.stdout.isatty() or len(identity) <= _SHORT_ID:
        return identity
    return f"…{identity[-_SHORT_ID:]}"


def local_text(moment: datetime) -> str:
    """Return a time in the reader's zone, with the zone named."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def age_text(seconds: float) -> str:
    """Return how long ago something was, in the two largest units that matter."""
    whole = int(max(0, seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
