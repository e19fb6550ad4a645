"""Pages → one listing, with the proof that it is complete.

Paging is a matter of safety: an account that a listing leaves out is created a second time or
loses its access. Servers ignore ``startIndex``, cap pages, count wrongly, and begin again past
the end. So a listing advances by the rows that it received, knows every resource by its ``id``,
asks once more where everything came on one page, and says why it may be incomplete.

Source:
    RFC 7644, section 3.4.2.4.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from jcsync.errors import NotFoundError, RejectedError, TransientError, UnreadableError
from jcsync.scim.wire import attribute, text_of

Json = Mapping[str, Any]

_FAILED = HTTPStatus.INTERNAL_SERVER_ERROR
_READS = 2
_ONE_AND_BEYOND = 2
_MOST_ROWS = 500_000
_LARGER = 4
_ROUND = 10
_MOST_PAGES = 20_000


@dataclass(slots=True, kw_only=True)
class Listing:
    """The resources of one type.

    Attributes:
        rows: JSON by ``id``, or what was kept of it.
        gaps: Why some may be missing; empty when none is, provably.
    """

    rows: dict[str, Any] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer to a query.

    Attributes:
        total: ``totalResults``, ``None`` when the server gives none.
        next_cursor: Where the next page begins, ``""`` when none follows or the server has no
            cursors.
    """

    rows: tuple[Json, ...]
    total: int | None
    next_cursor: str = ""


def parse_page(body: object, where: str) -> Page:
    """Return the rows and the total of a ListResponse.

    Raises:
        UnreadableError: It is none.
    """
    if not isinstance(body, Mapping):
        message = f"the platform answered no SCIM list at {where}; check provider.base_url"
        raise UnreadableError(message)
    total = attribute(body, "totalResults")
    rows = attribute(body, "Resources")
    if (rows is None and total is None) or not (rows is None or isinstance(rows, list)):
        message = f"the platform answered no SCIM list at {where}; check provider.base_url"
        raise UnreadableError(message)
    number = int(text_of(total)) if text_of(total).isdecimal() else None
    return Page(
        rows=tuple(row for row in rows or () if isinstance(row, Mapping)),
        total=number,
        next_cursor=text_of(attribute(body, "nextCursor")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """How a list is read of a server that skips no rows: with a ``count`` that is large enough.

    Attributes:
        fetch: Returns the first page with a ``count``.
        asked: ``count`` of the ordinary pages.
        capless: Whether the server is known to cap no pages.
        largest: Returns the size of the largest page that the server has given, of any list.
    """

    fetch: Callable[[int], Page]
    asked: int
    capless: bool = False
    largest: Callable[[], int] = lambda: 0


def _everything(row: Json) -> Json:
    return row


def read_listing(
    fetch: Callable[[int], Page],
    *,
    name: str,
    taking: Taking | None = None,
    keep: Callable[[Json], object] = _everything,
    filtered: bool = False,
) -> Listing:
    """Read all pages; once more when the first reading cannot be proven complete.

    What cannot be proven complete holds all that was seen in any reading.

    Args:
        fetch: Returns the page that begins at a ``startIndex``, counted from 1.
        name: What messages call the resources: ``accounts``, ``groups``.
        taking: For servers that take no notice of ``startIndex``.
        keep: Returns what is kept of a resource; pages are large, and not kept themselves.
        filtered: Whether a filter chooses the resources: a first page of a few is all there are,
            if the total says so too.
    """
    seen: dict[str, Any] = {}
    gaps: list[str] = []
    for _ in range(_READS):
        reading = _Reading(fetch, keep, taking, enough=_ROUND if filtered else 0)
        reading.run()
        gaps = reading.gaps(name)
        if not gaps:
            return Listing(rows=reading.rows)
        seen |= reading.rows
        if None in reading.totals:
            break
    return Listing(rows=seen, gaps=gaps)


def read_by_cursor(
    fetch: Callable[[str], Page], *, name: str, keep: Callable[[Json], object] = _everything
) -> Listing:
    """Read all pages by cursor; once more when the first reading cannot be proven complete.

    A page without ``nextCursor`` is the last one. A total is not needed, as RFC 9865 lets
    servers leave it out; one that is given has to be true.

    Args:
        fetch: Returns the page at a cursor; ``""`` is the first one.
        name: As for ``read_listing``.
        keep: Likewise.
    """
    seen: dict[str, Any] = {}
    gaps: list[str] = []
    for _ in range(_READS):
        reading = _Reading(lambda _: Page(rows=(), total=None), keep)
        expired = reading.follow(fetch)
        gaps = [*expired, *reading.gaps(name, counted=False)]
        if not gaps:
            return Listing(rows=reading.rows)
        seen |= reading.rows
    return Listing(rows=seen, gaps=gaps)


class _Reading:
    """One reading of a list, from its first page to its last."""

    def __init__(
        self,
        fetch: Callable[[int], Page],
        keep: Callable[[Json], object],
        taking: Taking | None = None,
        *,
        enough: int = 0,
    ) -> None:
        self._keep = keep
        self._enough = enough
        self._taking = taking
        self.rows: dict[str, Any] = {}
        self.totals: list[int | None] = []
        self._fetch = fetch
        self._received = 0
        self._repeated = 0
        self._nameless = 0
        self._endless = False
        self._is_suspect = False
        self._sizes: list[int] = []
        self._counts_pages = False

    def run(self) -> None:
        """Read page after page, and look at what odd servers have left out or miscounted."""
        self._read_pages()
        if self.totals[0] == len(self.rows) + 1 == self._received + 1:
            self._look_before_first()
        self._counts_pages = self._is_counting_pages()

    def _look_before_first(self) -> None:
        """Take the row that a server which counts from 0 has before the first one."""
        rows = self._fetch(0).rows
        first = text_of(attribute(rows[0], "id")) if rows else ""
        if first and first not in self.rows:
            self.rows = {first: self._keep(rows[0]), **self.rows}

    def _is_counting_pages(self) -> bool:
        """Whether each total is the size of its page, of a server that skips rows.

        The pages then prove themselves: one after another until an empty one. Of a single one, the
        page that begins one row later has to be the same without its first row.
        """
        if self._sizes != self.totals or self._sizes[-1] or not self._sizes[0]:
            return False
        ids = list(self.rows)
        if len(self._sizes) > _ONE_AND_BEYOND or len(ids) == 1:
            return True
        return [text_of(attribute(row, "id")) for row in self._fetch(2).rows] == ids[1:]

    def _read_pages(self) -> None:
        while True:
            page = self._next_page()
            if page is None:
                return
            before, repeated = len(self.rows), self._repeated
            self._add(page)
            if len(self.rows) == before:
                if self._begins_again(page):
                    self._repeated = repeated
                return
            if self._is_last():
                return

    def follow(self, fetch: Callable[[str], Page]) -> list[str]:
        """Read from cursor to cursor; return why it could not go on, if so."""
        cursor, passed = "", set[str]()
        while True:
            try:
                page = fetch(cursor)
            except RejectedError as error:
                if not cursor:
                    raise
                return [f"the platform took its own cursor back: {error}"]
            self._add(page)
            cursor = page.next_cursor
            if not cursor:
                return []
            too_long = self._received > _MOST_ROWS or len(self.totals) > _MOST_PAGES
            self._endless = too_long or cursor in passed
            if self._endless:
                return []
            passed.add(cursor)

    def _next_page(self) -> Page | None:
        """Read on; ``None`` when the server fails beyond the end that it has given.

        Who refuses to begin there takes ``startIndex`` at its word.
        """
        try:
            return self._fetch(self._received + 1)
        except (RejectedError, NotFoundError, TransientError) as error:
            passing = isinstance(error, TransientError) and error.status != _FAILED
            if passing or not self.totals or self._received != self.totals[-1]:
                raise
            return None

    def _add(self, page: Page) -> None:
        self.totals.append(page.total)
        self._sizes.append(len(page.rows))
        self._received += len(page.rows)
        for row in page.rows:
            resource_id = text_of(attribute(row, "id"))
            if not resource_id:
                self._nameless += 1
            elif resource_id in self.rows:
                self._repeated += 1
            else:
                self.rows[resource_id] = self._keep(row)

    def _is_last(self) -> bool:
        """Whether nothing can follow.

        A total that equals the first page may be the size of that page, and a total that was
        exceeded is wrong in any case: neither is taken at its word. A page of fewer rows than any
        server caps pages at is not a part.
        """
        pages = len(self.totals)
        self._endless = self._received > _MOST_ROWS or pages > _MOST_PAGES
        sure = pages > 1 or self._received < self._enough
        return self._endless or (sure and self._received == self.totals[-1])

    def _begins_again(self, page: Page) -> bool:
        """Whether a page beyond the end is the first one again, of a server that does skip rows.

        One that does not would give the first row in place of the second. A single row leaves
        nothing to skip; no server gives one at a time.
        """
        ids = list(self.rows)
        if len(self.totals) != _ONE_AND_BEYOND or not page.rows or self.totals[0] != len(ids):
            return False
        if len(ids) == 1:
            return True
        second = self._fetch(2).rows
        if second and text_of(attribute(second[0], "id")) == ids[1]:
            return True
        return self._taking is not None and self._takes_all(self._taking)

    def _takes_all(self, taking: Taking) -> bool:
        """Whether one page holds everything, of a server that skips no rows.

        A page that is not full holds all, unless the server caps it. One that obeys ``count`` has to
        give one less when asked for one less; one that takes no notice of it either gives the
        same again. In both cases the number of rows must not look like a cap, unless the server
        has given a larger page.
        """
        asked = taking.asked
        while len(self.rows) >= asked and asked < _MOST_ROWS:
            asked *= _LARGER
            self._add(taking.fetch(asked))
            self.totals = self.totals[-1:]
        number = len(self.rows)
        if number >= asked:
            return False
        again = [text_of(attribute(row, "id")) for row in taking.fetch(number - 1).rows]
        if again not in ([*self.rows][:-1], [*self.rows]):
            return False
        obeys = len(again) < number
        suspect = number % _ROUND == 0 if obeys else _is_usual_cap(number)
        self._is_suspect = suspect and not taking.capless and number >= taking.largest()
        return not self._is_suspect

    def gaps(self, name: str, *, counted: bool = True) -> list[str]:
        """Why the list may be incomplete; ``counted``: it has to say how long it is."""
        gaps: list[str] = []
        first, unique = self.totals[0], len(self.rows)
        if (first is None and not counted) or self._counts_pages:
            pass
        elif first is None:
            gaps.append(f"the platform's list of {name} gives no totalResults")
        elif len(set(self.totals)) > 1:
            gaps.append(
                f"the platform's number of {name} changed while they were read "
                f"({first}, then {self.totals[-1]})"
            )
        elif first != unique:
            gaps.append(f"the platform counts {first} {name} but lists {unique} different ones")
        if self._endless:
            gaps.append(f"the platform's list of {name} does not end; {unique} were read")
        if self._repeated:
            hint = ""
            if self._is_suspect:
                hint = (
                    f"; it gives {unique} at once, whatever is asked for: if those are all, set "
                    "provider.quirks.page_cap to none"
                )
            gaps.append(f"the platform's list of {name} repeats {self._repeated} of them{hint}")
        if self._nameless:
            gaps.append(f"{self._nameless} of the platform's {name} have no id")
        return gaps


def _is_usual_cap(number: int) -> bool:
    """Whether a page of so many rows may be full: servers cap at round numbers, none below ten."""
    return number >= _ROUND and (number % (_ROUND // 2) == 0 or number & (number - 1) == 0)
