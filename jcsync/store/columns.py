"""Many rows by one statement, their values given by column.

SQLAlchemy converts every value of every row by itself, which takes longer than the database needs
to write them. Here a statement is compiled once, and its parameters are converted a column at a
time, by the same types.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Delete, Dialect, Insert, Update

Columns: TypeAlias = Mapping[str, Sequence[object]]
"""Values by the name of their parameter, as many in each."""

_STATEMENTS: Final = 64
_Convert: TypeAlias = Callable[[Any], object]


def execute_columns(
    tx: Connection,
    statement: Insert | Update | Delete,
    columns: Columns,
    same: Mapping[str, object],
) -> int:
    """Execute a statement once for each row; return how many rows of its table that changed.

    Args:
        tx: A transaction.
        statement: A constant: what it is compiled to is kept.
        columns: What differs from row to row; at least one row.
        same: What does not, by the name of its parameter.
    """
    text, converts, positional = _compile(statement, (*columns, *same), tx.dialect)
    values: list[Iterable[object]] = [
        map(convert, columns[name]) if name in columns else repeat(convert(same[name]))
        for name, convert in converts.items()
    ]
    rows = zip(*values, strict=False)
    if positional:
        return tx.exec_driver_sql(text, list(rows)).rowcount
    named = [dict(zip(converts, row, strict=True)) for row in rows]
    return tx.exec_driver_sql(text, named).rowcount


@lru_cache(_STATEMENTS)
def _compile(
    statement: Insert | Update | Delete, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, Mapping[str, _Convert], bool]:
    """Return the text, what converts each parameter, in order, and whether they go by position."""
    compiled = statement.compile(dialect=dialect, column_keys=names)
    types = {name: compiled.binds[name].type for name in compiled.positiontup or compiled.binds}
    converts = {
        name: kind.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
        for name, kind in types.items()
    }
    return str(compiled), converts, compiled.positional


def _as_it_is(value: object) -> object:
    return value
