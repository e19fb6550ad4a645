"""Pages → one listing, with the proof that it is complete.

A short page is not the last one, rows repeat while the directory is written to, and null rows
stand for associations whose other end is gone. So every window of ``limit`` rows is read until
it is covered, rows are known by their id, and the total has to agree at the beginning and at
the end.

Source:
    JumpCloud, "Best practices for the JumpCloud API" (sort, paging); API 2.0 ``x-total-count``,
    API 1.0 ``totalCount``.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

_READS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of a list route.

    Attributes:
        rows: As they came, null rows included.
        total: What the route counts, ``None`` when it gives none.
    """

    rows: Sequence[Any]
    total: int | None


@dataclass(slots=True, kw_only=True)
class Listing:
    """All rows of a route.

    Attributes:
        rows: By id, in the order of the route.
        nulls: Rows without an id.
        gap: Why some may be missing, ``""`` when none is, provably.
    """

    rows: dict[str, Any] = field(default_factory=dict)
    nulls: int = 0
    gap: str = ""


def read_listing(
    fetch: Callable[[int], Page],
    *,
    limit: int,
    key: Callable[[Any], str],
    name: str,
    pool: Executor,
) -> Listing:
    """Read all pages, up to three times when a reading cannot be proven complete.

    Args:
        fetch: Returns the page that begins after ``skip`` rows.
        limit: The page size that ``fetch`` asks for.
        key: Returns the id of a row, ``""`` for a null row.
        name: What messages call the rows: ``users``, ``members of "Sales"``.
        pool: Reads pages at once.
    """
    listing = Listing()
    for _ in range(_READS):
        listing = _read_once(fetch, limit=limit, key=key, name=name, pool=pool)
        if not listing.gap:
            break
    return listing


def _read_once(
    fetch: Callable[[int], Page],
    *,
    limit: int,
    key: Callable[[Any], str],
    name: str,
    pool: Executor,
) -> Listing:
    first = fetch(0)
    if first.total is None:
        pages = _read_to_the_end(fetch, first, limit)
        listing = _collect(pages, key)
        listing.gap = f"JumpCloud gives no total for the {name}"
        return listing
    total = first.total

    def window(skip: int) -> list[Page]:
        pages = [first if skip == 0 else fetch(skip)]
        end = min(skip + limit, total)
        reached = skip + len(pages[0].rows)
        while reached < end and pages[-1].rows:
            pages.append(fetch(reached))
            reached += len(pages[-1].rows)
        return pages

    windows = pool.map(window, range(0, max(total, 1), limit))
    pages = [page for part in windows for page in part]
    listing = _collect(pages, key)
    totals = {page.total for page in pages}
    found = len(listing.rows) + listing.nulls
    if len(totals) > 1:
        listing.gap = f"JumpCloud's number of {name} changed while they were read"
    elif found != total:
        listing.gap = f"JumpCloud counts {total} {name} but lists {found}"
    return listing


def _read_to_the_end(fetch: Callable[[int], Page], first: Page, limit: int) -> list[Page]:
    """Read until an empty page, or one that brings nothing new, and not beyond reason."""
    pages = [first]
    skip = len(first.rows)
    while pages[-1].rows and list(pages[-1].rows) not in [list(page.rows) for page in pages[:-1]]:
        pages.append(fetch(skip))
        skip += len(pages[-1].rows) or limit
    return pages


def _collect(pages: Iterable[Page], key: Callable[[Any], str]) -> Listing:
    listing = Listing()
    for page in pages:
        for row in page.rows:
            row_key = key(row)
            if row_key:
                listing.rows.setdefault(row_key, row)
            else:
                listing.nulls += 1
    return listing
