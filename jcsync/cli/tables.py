"""Lines and tables: coloured on a terminal, plain text in pipes."""

import sys
from collections.abc import Iterable, Sequence

import click

from jcsync.cli.common import build_console
from jcsync.model.text import printable
from jcsync.render import Line

_HANG = 4
_NARROWEST = 20
_SHORT_ID = 6


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines: on a terminal in colours, and broken between words where they are too long."""
    if not sys.stdout.isatty():
        for line in lines:
            click.echo("".join(text for text, _ in line).rstrip())
        return
    from rich.text import Text  # noqa: PLC0415 - not for pipes

    console = build_console()
    for line in lines:
        whole = Text.assemble(*line)
        whole.rstrip()
        margin = len(whole.plain) - len(whole.plain.lstrip())
        if whole.cell_len <= console.width:
            console.print(whole, soft_wrap=True)
            continue
        pieces = whole[margin:].wrap(console, max(console.width - margin - _HANG, _NARROWEST))
        for number, piece in enumerate(pieces):
            piece.rstrip()
            indent = margin + (_HANG if number else 0)
            console.print(Text(" " * indent) + piece, soft_wrap=True)


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> None:
    """Print a table; nothing when it has no rows.

    On a terminal it fits the width; in a pipe each row is one line, however long.

    Args:
        headings: One for each column.
        rows: Texts; made printable here.
        right: Columns that are aligned to the right.
    """
    if not rows:
        return
    shown = [tuple(printable(text) for text in row) for row in rows]
    if not sys.stdout.isatty():
        _print_plain([tuple(headings), *shown], frozenset(right))
        return
    from rich.table import Table  # noqa: PLC0415 - not for the help

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number in right else "left", overflow="fold")
    for row in shown:
        table.add_row(*row)
    build_console().print(table)


def _print_plain(rows: Sequence[Sequence[str]], right: frozenset[int]) -> None:
    from rich.cells import cell_len  # noqa: PLC0415 - not for the help

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            " " * (width - cell_len(text)) + text
            if number in right
            else text + " " * (width - cell_len(text))
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


def short_id(identity: str, *, verbose: bool) -> str:
    """Return the end of an id for people on a terminal, the whole in pipes and when verbose."""
    if verbose or not sys.stdout.isatty() or len(identity) <= _SHORT_ID:
        return identity
    return f"…{identity[-_SHORT_ID:]}"
