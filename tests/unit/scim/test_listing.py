"""Paging: a listing is complete and equal to the truth, or has a gap."""

import itertools
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcsync.errors import (
    NotFoundError,
    RejectedError,
    RemoteError,
    TransientError,
    UnreadableError,
)
from jcsync.scim import listing as module
from jcsync.scim.ahead import Ahead
from jcsync.scim.listing import Listing, Page, Taking, parse_page, read_listing


def users(number: int) -> list[dict[str, str]]:
    return [{"id": f"u{n}"} for n in range(number)]


class Server:
    """A list that misbehaves; ``asked`` tells which pages were read."""

    def __init__(
        self,
        rows: Sequence[dict[str, str]],
        *,
        cap: int = 4,
        base: int = 1,
        total: Callable[[int, int], int | None] = lambda true, _: true,
        pages: bool = True,
        beyond: str | RemoteError = "empty",
    ) -> None:
        """Serve rows.

        Args:
            rows: The truth.
            cap: Rows of a page.
            base: Number of the first row.
            total: Returns ``totalResults`` by the true number and the size of the page.
            pages: ``False`` ignores ``startIndex``.
            beyond: What follows the last row: ``empty``, ``first`` or an error.
        """
        self.rows, self.cap, self.base = list(rows), cap, base
        self.total, self.pages, self.beyond = total, pages, beyond
        self.asked: list[int] = []

    def __call__(self, start: int) -> Page:
        """Return the page that begins there."""
        self.asked.append(start)
        skip = start - self.base if self.pages else 0
        rows: list[dict[str, str]] = self.rows[skip : skip + self.cap]
        if skip >= len(self.rows) > 0:
            if isinstance(self.beyond, RemoteError):
                raise self.beyond
            rows = self.rows[: self.cap] if self.beyond == "first" else []
        return Page(rows=tuple(rows), total=self.total(len(self.rows), len(rows)))


def read(server: Callable[[int], Page]) -> Listing:
    return read_listing(server, name="accounts")


def page_size(_: int, size: int) -> int:
    return size


@pytest.mark.parametrize("number", [0, 1, 3, 4, 5, 8, 11])
@pytest.mark.parametrize("cap", [1, 3, 4, 100])
def test_honest_servers_are_read_in_full(number: int, cap: int) -> None:
    """Whatever they cap a page at."""
    found = read(Server(users(number), cap=cap))
    assert list(found.rows) == [row["id"] for row in users(number)]
    assert found.gaps == []


def test_rows_received_decide_where_to_read_on() -> None:
    """One request more only where everything came on one page."""
    server = Server(users(11), cap=4)
    read(server)
    assert server.asked == [1, 5, 9]
    server = Server(users(3), cap=4)
    read(server)
    assert server.asked == [1, 4]


@pytest.mark.parametrize(("number", "cap"), [(11, 3), (9, 3), (2, 5), (1, 5), (0, 5)])
def test_total_that_is_the_size_of_the_page_needs_an_empty_page(number: int, cap: int) -> None:
    """The pages prove themselves, one after another until there is nothing more."""
    found = read(Server(users(number), cap=cap, total=page_size))
    assert (len(found.rows), found.gaps) == (number, [])


def test_one_page_that_is_counted_as_such_may_be_a_part() -> None:
    """A page that begins one row later and holds another one tells that the first was cut."""
    rows = users(5)

    def fetch(start: int) -> Page:
        shown = () if start > 3 else tuple(rows[max(start, 1) - 1 :][:3])
        return Page(rows=shown, total=len(shown))

    assert read(fetch).gaps


def test_start_index_that_is_ignored_is_noticed() -> None:
    """The first page again and again, even when its size is given as the total."""
    for total in (page_size, lambda true, _: true):
        server = Server(users(11), cap=3, total=total, pages=False)
        assert any("repeats" in gap for gap in read(server).gaps)
        assert len(server.asked) <= 6


@pytest.mark.parametrize(
    "beyond",
    [
        "empty",
        "first",
        RejectedError("x", status=400),
        NotFoundError("x"),
        TransientError("x", status=500),
    ],
)
def test_whatever_is_beyond_the_end(beyond: Any) -> None:
    """Nothing, the first page again, or an error: the listing is complete."""
    found = read(Server(users(10), cap=10, beyond=beyond))
    assert (len(found.rows), found.gaps) == (10, [])


@pytest.mark.parametrize("number", [1, 2])
def test_few_rows_again_beyond_the_end(number: int) -> None:
    """A platform with one account or one group is a usual case."""
    assert read(Server(users(number), cap=10, beyond="first")).gaps == []


@pytest.mark.parametrize(
    ("number", "capless", "largest", "complete"),
    [
        pytest.param(2, False, 0, True, id="few"),
        pytest.param(5, False, 0, True, id="nobody caps at five"),
        pytest.param(137, False, 0, True, id="no round number"),
        pytest.param(100, False, 0, False, id="may be a cap"),
        pytest.param(25, False, 0, False, id="may be a cap, too"),
        pytest.param(64, False, 0, False, id="a power of two"),
        pytest.param(100, True, 0, True, id="known to cap nothing"),
        pytest.param(100, False, 101, True, id="has given more at once"),
        pytest.param(100, False, 100, False, id="has given as many at once"),
        pytest.param(1500, False, 0, False, id="more than a page, round"),
        pytest.param(1501, False, 0, True, id="more than a page"),
    ],
)
def test_server_that_gives_everything_whatever_is_asked_for(
    number: int, *, capless: bool, largest: int, complete: bool
) -> None:
    """It takes no notice of ``startIndex`` and ``count``; only a usual cap is suspicious."""
    rows = tuple(users(number))

    def fetch(_: int) -> Page:
        return Page(rows=rows, total=number)

    taking = Taking(fetch=fetch, asked=1000, capless=capless, largest=lambda: largest)
    found = read_listing(fetch, name="accounts", taking=taking)
    assert len(found.rows) == number
    assert (not found.gaps) is complete
    assert complete or any("page_cap to none" in gap for gap in found.gaps)


@pytest.mark.parametrize("number", [9, 23])
def test_server_that_gives_one_page_for_ever_is_no_server_of_everything(number: int) -> None:
    """What it counts is more than it gives."""

    def fetch(_: int) -> Page:
        return Page(rows=tuple(users(number)), total=number + 1)

    taking = Taking(fetch=fetch, asked=1000)
    assert read_listing(fetch, name="accounts", taking=taking).gaps


def test_incomplete_listing_holds_all_that_was_seen() -> None:
    """Each reading misses others."""
    shown = iter([[0, 1], [], [0], [1, 2], [], [1]])

    def fetch(_: int) -> Page:
        return Page(rows=tuple({"id": f"u{n}"} for n in next(shown)), total=3)

    found = read(fetch)
    assert set(found.rows) == {"u0", "u1", "u2"}
    assert found.gaps


def test_error_within_the_list_is_an_error() -> None:
    """It is no end of the list."""
    with pytest.raises(RejectedError):
        read(Server(users(9), cap=4, beyond=RejectedError("x"), total=lambda *_: 20))

    def refuse(_: int) -> Page:
        message = "x"
        raise NotFoundError(message)

    with pytest.raises(NotFoundError):
        read(refuse)

    def fail_later(start: int) -> Page:
        if start > 1:
            message = "x"
            raise TransientError(message, status=503)
        return Page(rows=tuple(users(2)), total=2)

    with pytest.raises(TransientError):
        read(fail_later)


@pytest.mark.parametrize("number", [1, 2, 6])
def test_first_row_of_a_server_that_counts_from_zero_is_read(number: int) -> None:
    """It is what a total that is larger by one is about."""
    found = read(Server(users(number), base=0))
    assert (len(found.rows), found.gaps) == (number, [])


@pytest.mark.parametrize(
    ("total", "gap"),
    [
        (None, "gives no totalResults"),
        (13, "counts 13 accounts but lists 12 different ones"),
        (11, "counts 11 accounts but lists 12 different ones"),
    ],
)
def test_wrong_totals_are_gaps(total: int | None, gap: str) -> None:
    """Too high, too low or missing."""
    assert gap in read(Server(users(12), total=lambda *_: total)).gaps[0]


def test_changing_total_is_read_once_more() -> None:
    """It settles, or it is a gap."""
    totals = iter([12, *[11] * 99])
    assert read(Server(users(11), cap=4, total=lambda *_: next(totals))).gaps == []
    count = itertools.count(5)
    found = read(Server(users(11), cap=4, total=lambda *_: next(count)))
    assert "changed while they were read (9, then 11)" in found.gaps[0]


def test_repeated_and_nameless_rows_are_gaps() -> None:
    """Each is named with its number."""
    rows = [{"id": "u0"}, {"id": "u0"}, {}, {"userName": "x"}, {"id": "u1"}]
    found = read(Server(rows, cap=3))
    assert found.gaps == [
        "the platform counts 5 accounts but lists 2 different ones",
        "the platform's list of accounts repeats 1 of them",
        "2 of the platform's accounts have no id",
    ]


@pytest.mark.parametrize("bound", ["_MOST_ROWS", "_MOST_PAGES"])
@pytest.mark.parametrize("total", [None, 10**9])
def test_endless_server_is_bounded(
    monkeypatch: pytest.MonkeyPatch, bound: str, total: int | None
) -> None:
    """New ids for ever: reading ends, with a gap."""
    monkeypatch.setattr(module, bound, 50)
    asked = []

    def fetch(start: int) -> Page:
        asked.append(start)
        return Page(rows=({"id": f"{random.random()}"},), total=total)

    assert any("does not end" in gap for gap in read(fetch).gaps)
    assert len(asked) < 150


@st.composite
def servers(draw: st.DrawFn) -> Server:
    """Servers that cap, ignore, repeat and miscount, one lie about the total at a time."""
    number = draw(st.integers(0, 14))
    lie = draw(st.sampled_from(["none", "page", "missing", "more", "first row"]))
    totals: dict[str, Callable[[int, int], int | None]] = {
        "page": page_size,
        "missing": lambda *_: None,
        "more": lambda true, _: true + 1,
    }
    return Server(
        users(number),
        cap=draw(st.integers(2, 16)),
        base=0 if lie == "first row" else 1,
        total=totals.get(lie, lambda true, _: true),
        pages=draw(st.booleans()),
        beyond=draw(st.sampled_from(["empty", "first"])),
    )


@settings(max_examples=500, deadline=None)
@given(servers())
def test_listing_is_the_truth_or_has_a_gap(server: Server) -> None:
    """Whatever a server does to its pages, nobody is missed without notice."""
    found = read(server)
    truth = {row["id"] for row in server.rows}
    assert found.gaps or set(found.rows) == truth
    assert set(found.rows) <= truth


# --- pages read ahead


@settings(max_examples=500, deadline=None)
@given(servers(), st.integers(1, 4))
def test_reading_ahead_changes_no_listing(server: Server, most: int) -> None:
    """Whatever a server does to its pages, the rows and the gaps are those of one after another."""
    expected = read(server)
    with Ahead(server, most) as fetch:
        assert read(fetch) == expected


@pytest.mark.parametrize(("number", "cap"), [(40, 4), (39, 4), (41, 4), (9, 4), (8, 4), (0, 4)])
def test_reading_ahead_asks_for_the_same_pages(number: int, cap: int) -> None:
    """An honest server is asked for no page more."""
    server, ahead = Server(users(number), cap=cap), Server(users(number), cap=cap)
    read(server)
    with Ahead(ahead, 8) as fetch:
        read(fetch)
    assert sorted(ahead.asked) == sorted(server.asked)


def test_pages_are_read_at_once_as_soon_as_two_have_shown_their_size() -> None:
    """All but the first two wait for one another."""
    meeting = threading.Barrier(8, timeout=30)
    server = Server(users(40))

    def fetch(start: int) -> Page:
        if start > 2 * server.cap:
            meeting.wait()
        return server(start)

    with Ahead(fetch, 8) as ahead:
        assert len(read(ahead).rows) == 40


def test_failure_of_a_page_that_was_read_ahead_is_raised_in_its_turn() -> None:
    server = Server(users(40))

    def fetch(start: int) -> Page:
        if start > 30:
            message = "no"
            raise RejectedError(message, status=400)
        return server(start)

    with Ahead(fetch, 8) as ahead, pytest.raises(RejectedError):
        read(ahead)


# --- one page


@pytest.mark.parametrize(
    ("body", "rows", "total"),
    [
        ({"totalResults": 2, "Resources": [{"id": 1}, {"id": 2}]}, 2, 2),
        ({"totalResults": 0}, 0, 0),
        ({"totalResults": "1", "resources": [{"id": "1"}]}, 1, 1),
        ({"TOTALRESULTS": 1, "RESOURCES": [{"id": "1"}, None, "x"]}, 1, 1),
        ({"Resources": []}, 0, None),
        ({"totalResults": None, "Resources": []}, 0, None),
        ({"totalResults": -1, "Resources": []}, 0, None),
        ({"totalResults": True, "Resources": []}, 0, None),
    ],
)
def test_pages_in_all_shapes(body: object, rows: int, total: int | None) -> None:
    """Names in any case, numbers as text, and no list where there is nothing to list."""
    page = parse_page(body, "/Users")
    assert (len(page.rows), page.total) == (rows, total)


@pytest.mark.parametrize(
    "body", [None, [], "text", 3, {}, {"id": "1"}, {"totalResults": 1, "Resources": {"id": 1}}]
)
def test_what_is_no_list_is_unreadable(body: object) -> None:
    """A single resource, an error or nothing at all."""
    with pytest.raises(UnreadableError, match="no SCIM list at /Users"):
        parse_page(body, "/Users")
