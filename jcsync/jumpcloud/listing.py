"""Pages → one listing, with the proof that it is complete.

A short page is not the last one, rows repeat while the directory is written to, and null rows
stand for associations whose other end is gone. So every window of ``limit`` rows is read until
it is covered, rows are known by their id, and the total has to agree at the beginning and at
the end. Null rows cannot be told apart: where there are any, two readings have to agree.

Source:
    JumpCloud, "Best practices for the JumpCloud API" (sort, paging); API 2.0 ``x-total-count``,
    API 1.0 ``totalCount``.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

_READS = 3
_WAVE = 16
_MOST_ROWS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of a list route.

    Attributes:
        rows: As they came, null rows included.
        total: What the route counts, ``None`` when it gives none.
    """

    rows: Sequence[Any]
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRoute:
    """How the pages of a list come, and what its rows are.

    Attributes:
        fetch: Returns the page that begins after ``skip`` rows.
        limit: The page size that ``fetch`` asks for.
        name: What messages call the rows: ``users``, ``members of "Sales"``.
        key: Returns the id of a row, ``""`` for a null row.
        keep: Returns what is kept of a row: pages are large, and not kept themselves.
    """

    fetch: Callable[[int], Page]
    limit: int
    name: str
    key: Callable[[Any], str]
    keep: Callable[[Any], object] = lambda row: row


@dataclass(slots=True, kw_only=True)
class Listing:
    """All rows of a route.

    Attributes:
        rows: By id, in the order of the route; or what was kept of them.
        nulls: Rows without an id.
        gap: Why some may be missing, ``""`` when none is, provably.
        received: Rows that came, repeated ones included.
        totals: What the pages counted.
        pieces: Pages beyond the first of a window: a page was shorter than asked for.
    """

    rows: dict[str, Any] = field(default_factory=dict)
    nulls: int = 0
    gap: str = ""
    received: int = 0
    totals: set[int | None] = field(default_factory=set)
    pieces: int = 0

    def add(self, page: Page, route: "ListRoute") -> int:
        """Take the rows of a page, and return how many ids are new."""
        before = len(self.rows)
        self.received += len(page.rows)
        self.totals.add(page.total)
        for row in page.rows:
            key = route.key(row)
            if not key:
                self.nulls += 1
            elif key not in self.rows:
                self.rows[key] = route.keep(row)
        return len(self.rows) - before

    @property
    def found(self) -> int:
        """How many rows a total would count."""
        return len(self.rows) + self.nulls

    def agrees(self, other: "Listing") -> bool:
        """Whether another reading found the same."""
        return self.nulls == other.nulls and self.rows.keys() == other.rows.keys()


def read_listing(route: ListRoute, pool: Executor) -> Listing:
    """Read all pages, up to three times when a reading cannot be proven complete.

    What cannot be proven complete holds all that was seen in any reading: nobody is removed by
    it, and whom it shows may be created.

    Args:
        route: What to read.
        pool: Reads pages at once.
    """
    listing, last = Listing(), None
    seen: dict[str, Any] = {}
    for _ in range(_READS):
        listing = _read_once(route, pool)
        sure = not listing.nulls or (last is not None and listing.agrees(last))
        if None in listing.totals or (sure and not listing.gap):
            return listing
        seen |= listing.rows
        last = listing
    listing.rows = seen
    listing.gap = (
        listing.gap or f"{listing.nulls} of the {route.name} are empty rows, and not the same"
    )
    return listing


def _read_once(route: ListRoute, pool: Executor) -> Listing:
    first = route.fetch(0)
    listing = Listing()
    listing.add(first, route)
    if first.total is None:
        _read_to_the_end(route, first, listing)
        listing.gap = f"JumpCloud gives no total for the {route.name}"
    else:
        _read_windows(route, first, first.total, listing, pool)
        listing.gap = _gap(listing, first.total, route.name)
    if listing.received > _MOST_ROWS:
        listing.gap = f"JumpCloud lists more than {_MOST_ROWS} {route.name}; the rest was not read"
    return listing


def _read_windows(
    route: ListRoute, first: Page, total: int, listing: Listing, pool: Executor
) -> None:
    """Read every window of ``limit`` rows, some at once, while they bring anything."""

    def window(skip: int) -> list[Page]:
        pages = [first] if skip == 0 else [route.fetch(skip)]
        reached = skip + len(pages[0].rows)
        while reached < min(skip + route.limit, total) and pages[-1].rows:
            pages.append(route.fetch(reached))
            reached += len(pages[-1].rows)
        return pages if skip else pages[1:]

    starts = range(max(route.limit, len(first.rows)), total, route.limit)
    later = (starts[begin : begin + _WAVE] for begin in range(0, len(starts), _WAVE))
    for wave in chain([range(min(total, 1))], later):
        parts = list(pool.map(window, wave))
        pages = [page for part in parts for page in part]
        listing.pieces += len(pages) - sum(skip > 0 for skip in wave)
        for page in pages:
            listing.add(page, route)
        barren = 0 not in wave and not any(page.rows for page in pages)
        if barren or listing.received > _MOST_ROWS:
            break


def _read_to_the_end(route: ListRoute, page: Page, listing: Listing) -> None:
    """Read until a page that is empty or brings nothing new, and not beyond reason."""
    new = len(page.rows)
    while page.rows and new and listing.received <= _MOST_ROWS:
        page = route.fetch(listing.received)
        new = listing.add(page, route)


def _gap(listing: Listing, total: int, name: str) -> str:
    if len(listing.totals) > 1:
        return f"JumpCloud's number of {name} changed while they were read"
    if listing.found != total:
        return f"JumpCloud counts {total} {name} but lists {listing.found}"
    if listing.nulls and (listing.pieces or listing.received != listing.found):
        return f"{listing.nulls} of the {name} are empty rows, and others repeat or are left out"
    return ""
