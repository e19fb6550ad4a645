"""Lists, look-ups and single resources of a service provider.

Source:
    RFC 7644, section 3.4; RFC 9865 (cursors).
"""

import json
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import monotonic

from jcsync.errors import NotFoundError, RejectedError, RemoteError, TransientError, UnreadableError
from jcsync.scim.ahead import Ahead
from jcsync.scim.calls import Calls, Collection, Json, resource_path
from jcsync.scim.discovery import Discovery
from jcsync.scim.listing import Listing, Page, Taking, parse_page, read_by_cursor, read_listing
from jcsync.scim.profiles import Profile
from jcsync.scim.wire import attribute, text_of

SMALL_PAGE = 100
_UNFIT_FILTERS = frozenset({HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.NOT_IMPLEMENTED})
_ABOUT_VERSIONS = frozenset({HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED})
_LOOKED_UP = ("externalId", "userName", "displayName", "emails.value")


class _CursorOfferedError(Exception):
    """A page that was asked for by index goes on by cursor."""


class Reader:
    """Reads resources as JSON; safe for several threads."""

    def __init__(self, calls: Calls, profile: Profile, discovery: Discovery) -> None:
        """Build it; nothing is sent."""
        self._calls = calls
        self._profile = profile
        self._discovery = discovery
        self._by_cursor = profile.paging == "cursor"
        self._tried_cursor: set[Collection] = set()
        self._counts: dict[Collection, int | None] = {
            "Users": profile.page_size,
            "Groups": profile.page_size,
        }
        self._largest = 0
        self._scan_lock = threading.Lock()
        self._scans: dict[Collection, tuple[float, Listing]] = {}
        self._sample_lock = threading.Lock()
        self._samples: dict[tuple[Collection, str], str] = {}
        self._working_filters: set[tuple[Collection, str]] = set()
        self._shows_members = "members_read" in profile.pinned and profile.shows_members
        self._empty_groups: set[str] = set()
        self._versions: dict[str, str] = {}
        self._demands_versions = False
        self._refused_filters: set[tuple[Collection, str]] = set()

    # ------------------------------------------------------------------ one resource

    def read(self, path: str) -> Json | None:
        """Read one resource; ``None`` when it is gone.

        Raises:
            UnreadableError: The answer is no resource.
            RemoteError: In the form that names the reaction.
        """
        try:
            body = self._calls.get(path).body
        except NotFoundError:
            return None
        if not isinstance(body, Mapping):
            message = f"the platform answered no resource at {path}"
            raise UnreadableError(message)
        self.note_version(path, body)
        self._see_members(path, body)
        return body

    def note_version(self, path: str, resource: object) -> None:
        """Remember which version of a resource was seen last, or that none was."""
        version = text_of(attribute(attribute(resource, "meta"), "version"))
        if version:
            self._versions[path] = version
        else:
            self._versions.pop(path, None)

    def _note(self, collection: Collection, row: Json) -> None:
        """Remember of a resource in a list what writing it needs."""
        path = resource_path(collection, text_of(attribute(row, "id")))
        self.note_version(path, row)
        self._see_members(path, row)

    def _see_members(self, path: str, resource: Json) -> None:
        shown = path.startswith("/Groups/") and attribute(resource, "members") is not None
        self._shows_members = self._shows_members or shown

    def note_empty(self, path: str) -> None:
        """Remember that nobody is in a group: it was made just now."""
        self._empty_groups.add(path)

    def is_seen(self, path: str, group: Json) -> bool:
        """Whether a group shows all who are in it.

        Servers leave ``members`` out where there are none, and others always: one that has shown
        those of any group in this run is of the first kind, unless the configuration says so.
        """
        shown = attribute(group, "members") is not None
        return shown or self._shows_members or path in self._empty_groups

    def version(self, path: str) -> str:
        """The version seen last, ``""`` when there is none or the provider has no versions."""
        if self._demands_versions and path not in self._versions:
            self.read(path)
        version = self._versions.get(path, "")
        needed = version and (self._demands_versions or self._discovery.has_versions)
        return version if needed else ""

    def renew(self, path: str, error: RemoteError) -> str:
        """Return the version of a resource that may be changed by naming it only, ``""`` else.

        Args:
            path: Of the resource.
            error: How a change was refused: 412 after it was changed by somebody else; 428 by who
                demands versions, whatever he says of himself: they are sent from now on.
        """
        if error.status not in _ABOUT_VERSIONS:
            return ""
        self.read(path)
        if error.status == HTTPStatus.PRECONDITION_REQUIRED and path in self._versions:
            self._demands_versions = True
        return self.version(path)

    # ------------------------------------------------------------------ lists

    def read_whole(self, collection: Collection, parse: Callable[[Json], object]) -> Listing:
        """Read all resources, and remember of each what look-ups and writes need.

        Args:
            collection: Of which resources.
            parse: Returns what is kept of one; its JSON takes several times the memory.

        Raises:
            RemoteError: In the form that names the reaction.
        """
        lacking = set(_LOOKED_UP)
        self._samples |= {(collection, name): "" for name in _LOOKED_UP}

        def keep(row: Json) -> object:
            self._note(collection, row)
            lacking.difference_update(
                [name for name in lacking if self._sample(collection, name, row)]
            )
            return parse(row)

        return self.read_all(collection, keep=keep)

    def read_all(
        self,
        collection: Collection,
        query: str = "",
        *,
        keep: Callable[[Json], object] | None = None,
    ) -> Listing:
        """Read all resources, or all that meet a filter, in the way that the provider takes.

        Args:
            collection: Of which resources.
            query: Filter, ``""`` for none.
            keep: Returns what is kept of each; ``None`` keeps its JSON.

        Raises:
            RemoteError: In the form that names the reaction.
        """

        def noted(row: Json) -> Json:
            self._note(collection, row)
            return row

        keep = keep or noted
        while True:
            count = self._counts[collection]
            try:
                return self._list(collection, query, count, keep)
            except (RejectedError, TransientError) as error:
                if not may_be_the_count(error):
                    raise
                if isinstance(error, RejectedError) and self._takes_cursors(collection):
                    self._by_cursor = True
                    continue
                if count is None:
                    raise
                self._counts[collection] = SMALL_PAGE if count > SMALL_PAGE else None

    def _list(
        self,
        collection: Collection,
        query: str,
        count: int | None,
        keep: Callable[[Json], object],
    ) -> Listing:
        name = "accounts" if collection == "Users" else "groups"
        cursors: list[str] = []

        def by_cursor(cursor: str) -> Page:
            page = self.page(collection, cursor=cursor, count=count, query=query)
            cursors.extend((page.next_cursor,) if page.next_cursor else ())
            return page

        def by_index(start: int) -> Page:
            page = self.page(collection, start=start, count=count, query=query)
            if page.next_cursor and self._profile.paging == "auto":
                raise _CursorOfferedError
            return page

        taking = Taking(
            fetch=lambda number: self.page(collection, count=number, query=query),
            asked=count or SMALL_PAGE,
            capless=self._profile.page_cap == "none",
            largest=lambda: self._largest,
        )
        if self._by_cursor:
            listing = read_by_cursor(by_cursor, name=name, keep=keep)
            if cursors or not listing.gaps:
                return listing
            # It takes no notice of cursors: what it gave is the first page by index.
            self._by_cursor = False
        try:
            # A page of groups holds all their members: one of them at a time fills the memory enough.
            if collection == "Groups":
                return read_listing(
                    by_index, name=name, taking=taking, keep=keep, filtered=bool(query)
                )
            with Ahead(by_index, self._calls.transport.endpoint.concurrency) as fetch:
                return read_listing(fetch, name=name, taking=taking, keep=keep)
        except _CursorOfferedError:
            self._by_cursor = True
            return read_by_cursor(by_cursor, name=name, keep=keep)

    def _takes_cursors(self, collection: Collection) -> bool:
        """Whether a provider that has refused to list by index lists by cursor; asked once."""
        tried = self._by_cursor or collection in self._tried_cursor
        if tried or self._profile.paging != "auto":
            return False
        self._tried_cursor.add(collection)
        try:
            page = self.page(collection, cursor="", count=self._counts[collection])
        except (RejectedError, TransientError):
            return False
        return bool(page.next_cursor) or page.total in (None, len(page.rows))

    def _sample(self, collection: Collection, name: str, *rows: Json) -> str:
        """Remember a value that some resource has, ``""`` where none of these has any."""
        values = (text for row in rows for text in texts_at(row, name))
        sample = next(filter(None, values), "")
        self._samples[collection, name] = sample
        return sample

    def page(
        self,
        collection: Collection,
        *,
        count: int | None,
        start: int = 1,
        cursor: str | None = None,
        query: str = "",
    ) -> Page:
        """Read one page.

        Args:
            collection: Of which resources.
            count: How many at the most, ``None`` to let the provider decide.
            start: ``startIndex``, where no cursor is given.
            cursor: ``""`` for the first page, ``None`` to page by index.
            query: Filter, ``""`` for none.

        Raises:
            RemoteError: In the form that names the reaction.
        """
        params = {"filter": query} if query else {}
        if cursor is not None:
            params["cursor"] = cursor
        elif not query or count:
            params["startIndex"] = str(start)
        params |= {"count": str(count)} if count else {}
        try:
            body = self._calls.get(f"/{collection}", params).body
        except NotFoundError as error:
            message = f"{error}; check provider.base_url, to which jcsync adds /{collection}"
            raise NotFoundError(message, status=error.status) from error
        found = parse_page(body, self._calls.transport.endpoint.url(f"/{collection}"))
        self._largest = max(self._largest, len(found.rows))
        return found

    # ------------------------------------------------------------------ look-ups

    def find(self, collection: Collection, *, since: float, **wanted: str) -> list[Json]:
        """Look resources up by one attribute after another, until one finds any.

        Args:
            collection: Where to look.
            since: Monotonic time; a list that was read before it says nothing.
            wanted: Values by name of attribute; the empty ones are left out.

        Returns:
            Those that have the value, provably; of a provider that hides ``externalId``, nobody
            has one.
        """
        for name, value in wanted.items():
            if not value or (name == "externalId" and self._profile.external_id == "hidden"):
                continue
            found, trusted = self.filtered(collection, name, value)
            if not found and not (trusted and self._is_filter_working(collection, name)):
                found = self.scan(collection, name, value, since=since)
            if found:
                return found
        return []

    def _is_filter_working(self, collection: Collection, name: str) -> bool:
        """Whether a filter has found something: only then it proves absence to find nothing.

        One asks for all, and a filter that has not found what is there is not used any more.
        """
        key = (collection, name)
        with self._sample_lock:
            if key in self._working_filters or key in self._refused_filters:
                return key in self._working_filters
            if key not in self._samples:
                cursor = "" if self._by_cursor else None
                page = self.page(collection, count=SMALL_PAGE, cursor=cursor)
                for looked_up in _LOOKED_UP:
                    self._sample(collection, looked_up, *page.rows)
            sample = self._samples[key]
            found, trusted = self.filtered(collection, name, sample) if sample else ([], False)
            if sample:
                (self._working_filters if found and trusted else self._refused_filters).add(key)
            return bool(found) and trusted

    def scan(self, collection: Collection, name: str, value: str, *, since: float) -> list[Json]:
        """Look in the whole list, which is read once for all who wait for it."""
        rows = self.whole(collection, since=since).rows.values()
        return [row for row in rows if has_value(row, name, value)]

    def whole(self, collection: Collection, *, since: float) -> Listing:
        """The whole list, read once for all who wait for it, and not before ``since``."""
        with self._scan_lock:
            began, listing = self._scans.get(collection, (-1.0, Listing()))
            if began < since or began < 0:
                began = monotonic()
                listing = self.read_all(collection)
                self._scans[collection] = began, listing
        return listing

    def scanned(self, collection: Collection) -> Listing | None:
        """The whole list, where a look-up had to read it; else ``None``."""
        scan = self._scans.get(collection)
        return scan[1] if scan else None

    def filtered(self, collection: Collection, name: str, value: str) -> tuple[list[Json], bool]:
        """Ask for one value; return who has it, and whether the provider gave nobody else."""
        key = (collection, name)
        if name not in self._profile.filters or key in self._refused_filters:
            return [], False
        try:
            page = self.page(collection, count=SMALL_PAGE, query=equals(name, value))
        except NotFoundError:
            return [], False
        except RejectedError:
            self._refused_filters.add(key)
            return [], False
        except TransientError as error:
            if error.status not in _UNFIT_FILTERS:
                raise
            self._refused_filters.add(key)
            return [], False
        found = [row for row in page.rows if has_value(row, name, value)]
        return found, len(found) == len(page.rows)


def equals(name: str, value: str) -> str:
    """Return the filter for one value."""
    return f"{name} eq {json.dumps(value, ensure_ascii=False)}"


def has_value(row: Json, name: str, value: str) -> bool:
    """Whether a resource has a text; case counts for ``externalId`` only."""
    if name == "externalId":
        return text_of(attribute(row, name)) == value
    return value.casefold() in (text.casefold() for text in texts_at(row, name))


def texts_at(row: Json, name: str) -> tuple[str, ...]:
    """The texts of an attribute, or of a part of all elements of a multi-valued one."""
    head, _, part = name.partition(".")
    value = attribute(row, head)
    if not part:
        return (text_of(value),)
    elements = value if isinstance(value, list) else [value]
    return tuple(text_of(attribute(element, part)) for element in elements)


def may_be_the_count(error: RemoteError) -> bool:
    """Whether a list may have failed for the number of resources asked for."""
    if error.status == HTTPStatus.NOT_IMPLEMENTED or "invalidfilter" in str(error).casefold():
        return False
    return isinstance(error, RejectedError) or error.status == HTTPStatus.INTERNAL_SERVER_ERROR
