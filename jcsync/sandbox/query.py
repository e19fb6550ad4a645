"""Paging, sort, fields and filters, as far as both API surfaces differ in them.

    surface   separator   several filters   operators
    1.0       space       repeat, AND       field:$eq:value ($ne $gt $gte $lt $lte)
    2.0       comma       repeat, AND       field:eq:value (ne gt ge lt le in search)

Source:
    JumpCloud API 1.0 and 2.0, the parameter traits. A filter of API 1.0 without ``$`` "will
    result in undefined behavior": here it is ignored and everything is returned. A ``sort`` that
    names no field is ignored as well.
"""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from jcsync.sandbox.wsgi import RefusalError, Request, json_reply

DEFAULT_LIMIT = 10
MAX_LIMIT = 100

Condition = tuple[str, str, str]
Read = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows are asked for."""

    skip: int
    limit: int

    def of(self, rows: list[Any]) -> list[Any]:
        """Return the rows of this page."""
        return rows[self.skip : self.skip + self.limit]


def parse_page(skip: object, limit: object, *, maximum: int = MAX_LIMIT) -> Page:
    """Return the page that parameters ask for; ``None`` and ``""`` mean the default.

    Raises:
        RefusalError: 400: one of them is no number, or beyond its bounds.
    """
    first = _number("skip", skip, 0)
    rows = _number("limit", limit, DEFAULT_LIMIT)
    if rows > maximum:
        message = f'Bad Request: request parameter "limit" exceeds maximum value of {maximum}'
        raise _bad(message)
    return Page(first, rows)


def _number(name: str, value: object, default: int) -> int:
    if value is None or value == "":
        return default
    try:
        number = int(str(value))
    except ValueError as error:
        message = f'Bad Request: request parameter "{name}" is not an integer'
        raise _bad(message) from error
    if number < 0:
        message = f'Bad Request: request parameter "{name}" is below minimum value of 0'
        raise _bad(message)
    return number


def _bad(message: str) -> RefusalError:
    return RefusalError(json_reply({"message": message}, 400))


def missing(what: str) -> RefusalError:
    """Return the refusal of something that does not exist."""
    return RefusalError(json_reply({"message": f"Not Found: {what} not found"}, 404))


def choose(row: dict[str, object], wanted: frozenset[str], *always: str) -> dict[str, object]:
    """Return the wanted fields of a row and those that are always sent; none wanted means all."""
    if not wanted:
        return row
    return {name: value for name, value in row.items() if name in wanted or name in always}


def parse_fields(text: str, separator: str) -> frozenset[str]:
    """Return the names of the fields asked for; none means all."""
    return frozenset(name for name in text.replace(separator, " ").split(" ") if name)


def parse_conditions(request: Request, *, dollar: bool) -> tuple[Condition, ...]:
    """Return the filters of a request as field, operator (without ``$``) and value.

    Args:
        request: Its ``filter`` parameters are read, also ``filter[0]`` and the like.
        dollar: API 1.0: what lacks the ``$`` is ignored.
    """
    texts = [
        value
        for name, values in request.query.items()
        if name == "filter" or re.fullmatch(r"filter\[\d+\]", name)
        for value in values
    ]
    conditions = []
    for text in texts:
        field, _, rest = text.partition(":")
        comparison, _, value = rest.partition(":")
        if dollar == comparison.startswith("$"):
            conditions.append((field, comparison.removeprefix("$"), value))
    return tuple(conditions)


_ORDER: dict[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "ge": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "le": operator.le,
}


def meets(read: Read, conditions: Iterable[Condition]) -> bool:
    """Tell whether a row meets all conditions; texts compare by code point, case counts."""
    return all(_meets(read(field), comparison, value) for field, comparison, value in conditions)


def _meets(found: object, comparison: str, value: str) -> bool:
    if comparison == "ne":
        return _text(found) != value
    if found is None:
        return False
    text = _text(found)
    if comparison == "in":
        return text in value.split(",")
    if comparison == "search":
        return value.lower() in text.lower()
    compare = _ORDER.get(comparison)
    return compare is None or compare(text, value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def sort_rows(
    rows: Iterable[Any], sort: str, separator: str, read: Callable[[Any, str], object]
) -> list[Any]:
    """Return the rows in the order asked for; keys that no row knows change nothing."""
    ordered = list(rows)
    for key in reversed([key for key in sort.split(separator) if key]):
        name = key.lstrip("-")
        ordered.sort(key=lambda row: _text(read(row, name)), reverse=key.startswith("-"))
    return ordered


def meets_search(read: Read, search: object) -> bool:
    """Tell whether a row meets the ``filter`` of a search body.

    Args:
        read: Returns a field of the row.
        search: ``{"and": […]}``, ``{"or": […]}`` or a list, of ``{field: value}`` or
            ``{field: {"$operator": value}}``; nothing is met by everybody.
    """
    if not search:
        return True
    if isinstance(search, list):
        return all(meets_search(read, part) for part in search)
    if not isinstance(search, dict):
        return True
    return all(_search_term(read, name, wanted) for name, wanted in search.items())


def _search_term(read: Read, name: str, wanted: object) -> bool:
    if name in {"and", "$and"} and isinstance(wanted, list):
        return all(meets_search(read, part) for part in wanted)
    if name in {"or", "$or"} and isinstance(wanted, list):
        return any(meets_search(read, part) for part in wanted)
    found = read(name)
    if isinstance(wanted, dict):
        return all(_mongo(found, comparison, value) for comparison, value in wanted.items())
    return bool(found == wanted)


def _mongo(found: object, comparison: str, value: Any) -> bool:  # noqa: ANN401  any JSON
    match comparison:
        case "$regex":
            return found is not None and re.search(value, _text(found)) is not None
        case "$in":
            return found in value
        case "$nin":
            return found not in value
        case "$exists":
            return (found is not None) == bool(value)
        case _:
            return _meets(found, comparison.removeprefix("$"), _text(value))


def meets_terms(read: Read, terms: object, fields: Iterable[str]) -> bool:
    """Tell whether one of the terms, a text or a list, occurs in one of the fields."""
    wanted = [terms] if isinstance(terms, str) else terms
    if not isinstance(wanted, list) or not wanted:
        return True
    texts = [_text(read(field)).lower() for field in fields]
    return any(f"{term}".lower() in text for term in wanted for text in texts)
