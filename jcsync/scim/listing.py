"""Pages → one listing, with the proof that it is complete.

Paging is a matter of safety: an account that a listing leaves out is created a second time or
loses its access. Servers ignore ``startIndex``, cap pages, count wrongly, and begin again past
the end. So a listing advances by the rows that it received, knows every resource by its ``id``,
and says why it may be incomplete.

Source:
    RFC 7644, section 3.4.2.4.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jcsync.errors import UnreadableError
from jcsync.scim.wire import attribute, text_of

Json = Mapping[str, Any]

_READS = 2
_ROUND_PAGE = 10


@dataclass(slots=True, kw_only=True)
class Listing:
    """The resources of one type.

    Attributes:
        rows: JSON by ``id``.
        gaps: Why some may be missing; empty when none is, provably.
    """

    rows: dict[str, Json] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer to a query.

    Attributes:
        total: ``totalResults``, ``None`` when the server gives none.
    """

    rows: tuple[Json, ...]
    total: int | None


def parse_page(body: object, where: str) -> Page:
    """Return the rows and the total of a ListResponse.

    Raises:
        UnreadableError: It is none.
    """
    if not isinstance(body, Mapping):
        message = f"the platform answered no SCIM list at {where}"
        raise UnreadableError(message)
    total = attribute(body, "totalResults")
    rows = attribute(body, "Resources")
    if (rows is None and total is None) or not (rows is None or isinstance(rows, list)):
        message = f"the platform answered no SCIM list at {where}"
        raise UnreadableError(message)
    number = int(text_of(total)) if text_of(total).isdecimal() else None
    return Page(
        rows=tuple(row for row in rows or () if isinstance(row, Mapping)),
        total=number,
    )


def read_listing(fetch: Callable[[int], Page], *, name: str, count: int | None) -> Listing:
    """Read all pages; once more when the first reading cannot be proven complete.

    Args:
        fetch: Returns the page that begins at a ``startIndex``, counted from 1.
        name: What messages call the resources: ``accounts``, ``groups``.
        count: The page size that ``fetch`` asks for, ``None`` when it asks for none.
    """
    listing = Listing()
    for _ in range(_READS):
        listing = _read_once(fetch, name=name, count=count)
        if not listing.gaps:
            break
    return listing


def _read_once(fetch: Callable[[int], Page], *, name: str, count: int | None) -> Listing:
    listing = Listing()
    totals: list[int | None] = []
    nameless = received = repeated = 0
    while True:
        page = fetch(received + 1)
        totals.append(page.total)
        before = len(listing.rows)
        for row in page.rows:
            resource_id = text_of(attribute(row, "id"))
            if not resource_id:
                nameless += 1
            elif resource_id in listing.rows:
                repeated += 1
            else:
                listing.rows[resource_id] = row
        received += len(page.rows)
        if len(listing.rows) == before or _is_last(page, received, count):
            break
    listing.gaps = _gaps(name, len(listing.rows), totals, nameless=nameless, repeated=repeated)
    return listing


def _is_last(page: Page, received: int, count: int | None) -> bool:
    """Whether nothing can follow; a total that equals a full page is not taken at its word."""
    if page.total is None or received < page.total:
        return False
    full = len(page.rows) == (count or 0) or len(page.rows) % _ROUND_PAGE == 0
    return not (full and received == len(page.rows))


def _gaps(
    name: str, unique: int, totals: list[int | None], *, nameless: int, repeated: int
) -> list[str]:
    gaps: list[str] = []
    if totals[0] is None:
        gaps.append(f"the platform's list of {name} gives no totalResults")
    elif len(set(totals)) > 1:
        gaps.append(
            f"the platform's number of {name} changed while they were read "
            f"({totals[0]}, then {totals[-1]})"
        )
    elif totals[0] != unique:
        gaps.append(f"the platform counts {totals[0]} {name} but lists {unique} different ones")
    if repeated:
        gaps.append(f"the platform's list of {name} repeats {repeated} of them")
    if nameless:
        gaps.append(f"{nameless} of the platform's {name} have no id")
    return gaps
