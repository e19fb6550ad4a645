"""Paging: a listing is complete and equal to the truth, or has a gap."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcsync.jumpcloud import listing as module
from jcsync.jumpcloud.listing import Listing, ListRoute, Page, read_listing

LIMIT = 5


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


def key(row: Any) -> str:
    return row if isinstance(row, str) else ""


def read(fetch: Callable[[int], Page], pool: ThreadPoolExecutor) -> Listing:
    return read_listing(ListRoute(fetch=fetch, limit=LIMIT, key=key, name="users"), pool)


class Route:
    """A list route that misbehaves; ``asked`` tells which pages were read."""

    def __init__(
        self,
        rows: Sequence[str | None],
        *,
        cap: int = LIMIT,
        total: int | str | None = "true",
        spoil: Callable[[int, list[Any]], list[Any]] = lambda _, page: page,
    ) -> None:
        """Serve ``rows``, ``cap`` a page, each page spoilt."""
        self.rows, self.cap, self.spoil = list(rows), cap, spoil
        self.total: Any = len(rows) if total == "true" else total
        self.asked: list[int] = []

    def __call__(self, skip: int) -> Page:
        """Return the page that begins after ``skip`` rows."""
        self.asked.append(skip)
        page = self.rows[skip : skip + min(self.cap, LIMIT)]
        return Page(rows=self.spoil(skip, page), total=self.total)


def ids(number: int) -> list[str]:
    return [f"u{n}" for n in range(number)]


@pytest.mark.parametrize("number", [0, 1, 4, 5, 6, 10, 23])
@pytest.mark.parametrize("cap", [1, 3, 5])
def test_all_rows_are_read_whatever_the_page(
    pool: ThreadPoolExecutor, number: int, cap: int
) -> None:
    """A server that gives less than was asked for ends nothing."""
    found = read(Route(ids(number), cap=cap), pool)
    assert list(found.rows) == ids(number)
    assert found.gap == ""


def test_pages_are_not_read_twice(pool: ThreadPoolExecutor) -> None:
    """A well-behaved route costs one request a page."""
    route = Route(ids(12))
    read(route, pool)
    assert sorted(route.asked) == [0, 5, 10]


def test_short_page_in_the_middle_is_read_on(pool: ThreadPoolExecutor) -> None:
    """The first reading of a page may be cut; what follows is still read."""
    first = iter([1])
    route = Route(
        ids(12), spoil=lambda skip, page: page[:2] if skip == 5 and next(first, 0) else page
    )
    found = read(route, pool)
    assert set(found.rows) == set(ids(12))
    assert found.gap == ""


def test_server_that_ignores_paging_is_read_once(pool: ThreadPoolExecutor) -> None:
    """Everything came with the first page: no page more is asked for."""
    asked = []

    def fetch(skip: int) -> Page:
        asked.append(skip)
        return Page(rows=ids(40), total=40)

    assert read(fetch, pool).gap == ""
    assert asked == [0]


def test_null_rows_count_when_two_readings_agree(pool: ThreadPoolExecutor) -> None:
    """Associations whose other end is gone are part of the total."""
    route = Route(["u0", None, "u1", "u2", None, "u3"])
    found = read(route, pool)
    assert (found.gap, found.nulls, len(found.rows)) == ("", 2, 4)
    assert sorted(route.asked) == [0, 0, 5, 5]


def test_null_rows_that_differ_are_a_gap(pool: ThreadPoolExecutor) -> None:
    """A null in the place of another row each time is no proof."""
    numbers = iter([0, 1, 2])
    route = Route(ids(4), spoil=lambda _, page: replaced(page, next(numbers)))
    assert "empty rows, and not the same" in read(route, pool).gap


def replaced(page: list[Any], place: int) -> list[Any]:
    return [None if n == place else row for n, row in enumerate(page)]


def test_lost_row_does_not_hide_behind_a_null(pool: ThreadPoolExecutor) -> None:
    """A null that is read twice must not make up for a row that is missing."""
    route = Route(["a", "b", "c", None], spoil=lambda s, p: ["a", "c", None] if s == 0 else p)
    assert "empty rows, and others repeat" in read(route, pool).gap


@pytest.mark.parametrize(
    ("total", "words"),
    [
        (None, "gives no total for the users"),
        (11, "counts 11 users but lists 12"),
        (13, "counts 13 users but lists 12"),
        (10**9, "counts 1000000000 users but lists 12"),
        (0, "counts 0 users but lists 5"),
    ],
)
def test_wrong_total_is_a_gap(pool: ThreadPoolExecutor, total: int | None, words: str) -> None:
    """Too high, too low, absurd or missing: nothing is proven, and the reading ends."""
    route = Route(ids(12), total=total)
    assert words in read(route, pool).gap
    assert len(route.asked) < 400


def test_incomplete_listing_holds_all_that_was_seen(pool: ThreadPoolExecutor) -> None:
    """Each of the three readings misses others; who was seen at all may be created."""
    shown = iter([["a"], ["b"], ["c"]])
    found = read(lambda skip: Page(rows=[] if skip else next(shown), total=4), pool)
    assert set(found.rows) == {"a", "b", "c"}
    assert found.gap == "JumpCloud counts 4 users but lists 1"


def test_missing_total_is_not_read_again(pool: ThreadPoolExecutor) -> None:
    """A second reading would prove no more than the first."""
    route = Route(ids(12), total=None)
    assert set(read(route, pool).rows) == set(ids(12))
    assert route.asked == [0, 5, 10, 12]


def test_without_total_repeats_end_the_reading(pool: ThreadPoolExecutor) -> None:
    """A server that gives the first page for ever."""
    asked = []

    def fetch(skip: int) -> Page:
        asked.append(skip)
        return Page(rows=ids(5), total=None)

    assert set(read(fetch, pool).rows) == set(ids(5))
    assert len(asked) == 2


def test_changing_total_is_read_again_three_times(pool: ThreadPoolExecutor) -> None:
    """It settles, or it is a gap."""
    totals = iter([12, 11, 11, *[12] * 50])

    def fetch(skip: int) -> Page:
        return Page(rows=ids(12)[skip : skip + LIMIT], total=next(totals))

    assert read(fetch, pool).gap == ""
    number = iter(range(12, 1000))
    route = Route(ids(12))

    def restless(skip: int) -> Page:
        return Page(rows=route(skip).rows, total=next(number))

    assert "changed while they were read" in read(restless, pool).gap
    assert route.asked.count(0) == 3


@pytest.mark.parametrize("total", [None, 10**9])
def test_endless_server_is_bounded(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, total: int | None
) -> None:
    """New ids for ever: reading ends, with a gap."""
    monkeypatch.setattr(module, "_MOST_ROWS", 500)
    asked = []

    def fetch(skip: int) -> Page:
        asked.append(skip)
        return Page(rows=[f"{random.random()}" for _ in range(5)], total=total)

    assert "more than 500 users" in read(fetch, pool).gap
    assert len(asked) < 600


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """Routes that cap, repeat, lose and shuffle rows and miscount, within what can be noticed."""
    number = draw(st.integers(0, 17))
    rows: list[str | None] = list(ids(number))
    for place in draw(st.lists(st.integers(0, 17), max_size=3)):
        rows.insert(place, None)
    seed = draw(st.integers(0, 2**32))
    readings = Counter[int]()
    faults = draw(st.sets(st.sampled_from(["drop", "repeat", "shuffle"])))
    if None in rows:
        faults.discard("shuffle")  # nulls cannot be told apart

    def spoil(skip: int, page: list[Any]) -> list[Any]:
        readings[skip] += 1  # the pool asks in any order: each page has its own chance
        chance = random.Random(f"{seed} {skip} {readings[skip]}")
        page = list(page)
        if "shuffle" in faults:
            page = chance.sample(rows, len(page))
        if "drop" in faults and page and chance.random() < 0.5:
            del page[chance.randrange(len(page))]
        if "repeat" in faults and page and chance.random() < 0.5:
            named = [row for row in page if row]
            page[chance.randrange(len(page))] = chance.choice(named) if named else None
        return page

    total = draw(st.sampled_from(["true", "true", None, len(rows) + 1]))
    return Route(rows, cap=draw(st.integers(1, 6)), total=total, spoil=spoil)


@settings(max_examples=400, deadline=None)
@given(routes())
def test_listing_is_the_truth_or_has_a_gap(pool: ThreadPoolExecutor, route: Route) -> None:
    """Whatever a server does to its pages, nobody is missed without notice."""
    found = read(route, pool)
    truth = {row for row in route.rows if row}
    assert found.gap or set(found.rows) == truth
    assert set(found.rows) <= truth
