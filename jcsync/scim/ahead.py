"""Pages of a list that are read before they are asked for, several at once."""

from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from jcsync.scim.listing import Page
from jcsync.threads import Pool

Pending = dict[int, Future[Page]]
"""Pages under way, by where they begin."""


class Ahead:
    """Reads the page at a ``startIndex``, and those after it as far as they are predictable.

    Two pages of one size that follow one another, with other rows and the same total, tell where
    the next ones begin. Whoever asks gets each page as if it had been read when he asked: a
    server whose pages are of uneven size costs a few requests more, and no wrong row.
    """

    def __init__(self, fetch: Callable[[int], Page], most: int) -> None:
        """Read by a function; ``most`` pages at once."""
        self._fetch = fetch
        self._most = most
        self._pool = Pool(most, thread_name_prefix="pages")
        self._pending: Pending = {}
        self._start = 0
        self._before = Page(rows=(), total=None)

    def __enter__(self) -> Self:
        """Begin; threads start when they are needed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Begin no other page, and wait for those under way."""
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, start: int) -> Page:
        """Return the page that begins there.

        Raises:
            RemoteError: As the function raises it.
        """
        pending = self._pending.pop(start, None)
        page = pending.result() if pending is not None else self._fetch(start)
        if self._goes_on(start, page):
            self._look_ahead(start, len(page.rows), page.total or 0)
        self._start, self._before = start, page
        return page

    def _goes_on(self, start: int, page: Page) -> bool:
        """Whether this page follows the one before as the next ones will follow it."""
        before, size = self._before, len(page.rows)
        return (
            size > 0
            and size == len(before.rows) == start - self._start
            and page.total == before.total
            and page.rows[0] != before.rows[0]
        )

    def _look_ahead(self, start: int, size: int, total: int) -> None:
        last = min(total, start + size * self._most)
        for begin in range(start + size, last + 1, size):
            if begin not in self._pending:
                self._pending[begin] = self._pool.submit(self._fetch, begin)
