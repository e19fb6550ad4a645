"""Requests to JumpCloud: one thing, one page, or a whole list with its proof.

Source:
    JumpCloud API 1.0 (``results`` and ``totalCount``), API 2.0 (a list and ``x-total-count``).
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from jcsync.errors import RemoteError, UnauthorizedError, UnreadableError
from jcsync.jumpcloud.auth import Credentials, send
from jcsync.jumpcloud.listing import Listing, ListRoute, Page, read_listing
from jcsync.jumpcloud.wire import edge_id, row_id
from jcsync.model.compact import Ids
from jcsync.model.directory import Membership
from jcsync.threads import Pool
from jcsync.transport import Answer, Transport

MOST_ROWS_A_PAGE = 100
"""Of every list but that of the users."""


class Calls:
    """Reads below the console host; safe for several threads."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        *,
        org_id: str,
        limit: int,
        concurrency: int,
    ) -> None:
        """Build it; nothing is sent.

        Args:
            transport: To the console host, without ``/api``.
            credentials: Asked for the headers of each call.
            org_id: Sent as ``x-org-id`` where the route takes it.
            limit: Rows a page.
            concurrency: Pages at once.
        """
        self._transport = transport
        self._credentials = credentials
        self._org_id = org_id
        self._limit = limit
        self._pages = Pool(concurrency, thread_name_prefix="jumpcloud-pages")

    def close(self) -> None:
        """End the threads."""
        self._pages.shutdown(cancel_futures=True)

    def edges(
        self, path: str, kind: str, name: str, params: Mapping[str, str] | None = None
    ) -> Membership:
        """Read the ids at the other end of the edges of a route.

        Raises:
            RemoteError: In the form that names the reaction.
        """
        listing = self.list(
            path,
            name=name,
            params=params,
            key=lambda row: edge_id(row, kind),
            keep=lambda _: None,
        )
        return Membership(user_ids=Ids(listing.rows), gap=listing.gap)

    def list(
        self,
        path: str,
        *,
        name: str,
        params: Mapping[str, str] | None = None,
        organization: bool = True,
        begun: Mapping[int, Callable[[], Page]] | None = None,
        limit: int | None = None,
        key: Callable[[Any], str] = row_id,
        keep: Callable[[Any], object] = lambda row: row,
    ) -> Listing:
        """Read all rows of a route, with the proof that they are all.

        Args:
            path: Of the route.
            name: What messages call the rows.
            params: Beside ``limit`` and ``skip``.
            organization: Whether the route takes ``x-org-id``.
            begun: Pages that are being read already, by the rows before them.
            limit: Rows a page, where the route takes more than others.
            key: Returns the id of a row.
            keep: Returns what is kept of a row.

        Raises:
            RemoteError: In the form that names the reaction.
        """
        limit = limit or self._limit
        ready = dict(begun or {})

        def fetch(skip: int) -> Page:
            if skip in ready:
                return ready.pop(skip)()
            return self.page(path, skip, params=params, organization=organization, limit=limit)

        route = ListRoute(fetch=fetch, limit=limit, name=name, key=key, keep=keep)
        return read_listing(route, self._pages)

    def page(
        self,
        path: str,
        skip: int,
        *,
        params: Mapping[str, str] | None = None,
        organization: bool = True,
        limit: int | None = None,
    ) -> Page:
        """Read one page, which begins after ``skip`` rows.

        Raises:
            UnreadableError: The answer is no list.
            RemoteError: In the form that names the reaction.
        """
        query = {"limit": str(limit or self._limit), "skip": str(skip), **(params or {})}
        answer = self.get(path, params=query, organization=organization)
        body, total = answer.body, answer.headers.get("x-total-count")
        if isinstance(body, Mapping) and isinstance(body.get("results"), list):
            count = body.get("totalCount")
            counted = isinstance(count, int) and not isinstance(count, bool) and count >= 0
            return Page(rows=body["results"], total=count if counted else None)
        if isinstance(body, list):
            return Page(rows=body, total=int(total) if total and total.isdecimal() else None)
        message = f"JumpCloud answered no list at {path}; check directory.base_url"
        raise UnreadableError(message)

    def get(self, path: str, *, params: Mapping[str, str], organization: bool = True) -> Answer:
        """Read one thing.

        Raises:
            RemoteError: In the form that names the reaction.
        """
        extra = {"x-org-id": self._org_id} if self._org_id and organization else {}
        return send(self._transport, self._credentials, "GET", path, params=params, headers=extra)


def ends_everything(error: RemoteError) -> bool:
    """Whether no other call can succeed either; 403 is about one thing, 401 about the key."""
    return isinstance(error, UnauthorizedError) and error.status != HTTPStatus.FORBIDDEN
