"""Lines and tables: coloured on a terminal, plain text in pipes."""

import os
import sys
from collections.abc import Iterable, Sequence

import click

from jcsync.cli.common import build_console
from jcsync.model.text import printable
from jcsync.render import Line


def is_coloured() -> bool:
    """Whether standard output is a terminal that takes colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines, in colours on a terminal."""
    if not is_coloured():
        for line in lines:
            click.echo("".join(text for text, _ in line).rstrip())
        return
    from rich.text import Text  # noqa: PLC0415 - not for pipes

    console = build_console()
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> None:
    """Print a table; nothing when it has no rows.

    Args:
        headings: One for each column.
        rows: Texts; made printable here.
        right: Columns that are aligned to the right.
    """
    if not rows:
        return
    from rich.table import Table  # noqa: PLC0415 - not for the help

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(printable(text) for text in row))
    build_console().print(table)
