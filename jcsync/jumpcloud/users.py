"""The users of JumpCloud: many by the whole listing, few one by one.

Source:
    JumpCloud API 1.0, ``/api/systemusers``.
"""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar
from urllib.parse import quote

from jcsync.errors import NotFoundError, RejectedError, RemoteError, UnreadableError
from jcsync.jumpcloud.calls import MOST_ROWS_A_PAGE, Calls, ends_everything
from jcsync.jumpcloud.listing import Page
from jcsync.jumpcloud.people import called
from jcsync.jumpcloud.wire import UserParser, row_id
from jcsync.model.directory import DirectoryUser, is_object_id
from jcsync.threads import Pool

T = TypeVar("T")

_SHOWN = 5
_PATIENCE = 10
_BEGUN = 16
_PATH = "/api/systemusers"


class Users:
    """Reads users; safe for several threads."""

    def __init__(
        self, calls: Calls, pool: Pool, *, limit: int, needed: Collection[str] | None = None
    ) -> None:
        """Build it; nothing is sent.

        Args:
            calls: To JumpCloud.
            pool: Of the threads that read them one by one.
            limit: Users a page, until JumpCloud refuses so many.
            needed: Fields that are read, beside who somebody is and his state; ``None``: all.
        """
        self._parse = UserParser(needed)
        self._query = {"sort": "_id", "fields": " ".join(self._parse.fields)}
        self._calls = calls
        self._pool = pool
        self._limit = limit

    def fetch(
        self,
        wanted: frozenset[str],
        first: Callable[[], Page],
        begun: Mapping[int, Callable[[], Page]] | None = None,
    ) -> tuple[dict[str, DirectoryUser], frozenset[str], list[str]]:
        """Read the users, by the cheaper of two ways: the whole listing, or each wanted one.

        Args:
            wanted: Their ids.
            first: Returns the first page of the whole listing.
            begun: Others of it that are being read already; see ``begin``.

        Returns:
            Them by id, the ids of those who have no record, and why some may be missing.
        """
        if not wanted:
            return {}, frozenset(), []
        page = first()
        users: dict[str, DirectoryUser] = {}
        gaps: list[str] = []
        if self._is_listing_cheaper(len(wanted), page):
            listing = self._calls.list(
                _PATH,
                name="users",
                params=self._query,
                begun={0: lambda: page, **(begun or {})},
                limit=self._limit,
                keep=lambda row: self._parse(row) if row_id(row) in wanted else None,
            )
            gaps += [listing.gap] if listing.gap else []
            users = {key: user for key, user in listing.rows.items() if user}
        found, unreadable = self.singly(sorted(wanted - users.keys()), self.fetch_one)
        users |= {user.id: user for user in found.values() if user}
        dangling = wanted - users.keys() - unreadable.keys()
        if dangling:
            gaps.append(f"JumpCloud has no user record of {_some(sorted(dangling))}")
        if unreadable:
            reason = next(iter(unreadable.values()))
            gaps.append(f"the user records of {_some(sorted(unreadable))} cannot be read: {reason}")
        return users, dangling, gaps

    def first(self) -> Page:
        """Read the first page of the whole listing."""
        try:
            return self._page(0)
        except RejectedError:
            if self._limit <= MOST_ROWS_A_PAGE:
                raise
        self._limit = MOST_ROWS_A_PAGE
        return self._page(0)

    def begin(self, number: int, first: Page) -> Mapping[int, Callable[[], Page]]:
        """Begin to read the next pages of the whole listing, if that will be the cheaper way.

        Args:
            number: How many people are wanted at least.
            first: The first page.

        Returns:
            What returns each page, by the rows before it.
        """
        if not self._is_listing_cheaper(number, first):
            return {}
        starts = range(self._limit, first.total or 0, self._limit)[:_BEGUN]
        return {skip: self._pool.submit(self._page, skip).result for skip in starts}

    def _page(self, skip: int) -> Page:
        return self._calls.page(_PATH, skip, params=self._query, limit=self._limit)

    def _is_listing_cheaper(self, number: int, first: Page) -> bool:
        return number >= -(-(first.total or 0) // self._limit)

    def singly(
        self, user_ids: list[str], fetch: Callable[[str], T]
    ) -> tuple[dict[str, T], dict[str, RemoteError]]:
        """Ask something of each user; a few may fail.

        Returns:
            What was answered, and why the others could not be asked.
        """
        found: dict[str, T] = {}
        failed: dict[str, RemoteError] = {}

        def attempt(user_id: str) -> None:
            try:
                found[user_id] = fetch(user_id)
            except RemoteError as error:
                if ends_everything(error) or len(failed) >= _PATIENCE:
                    raise
                failed[user_id] = error

        list(self._pool.map(attempt, user_ids))
        return found, failed

    def fetch_one(self, user_id: str) -> DirectoryUser | None:
        """Read one user; ``None`` when JumpCloud says that he does not exist."""
        path = f"{_PATH}/{quote(user_id, safe='')}"
        try:
            body = self._calls.get(path, params={"fields": self._query["fields"]}).body
        except NotFoundError:
            return None
        user = self._parse(body) if isinstance(body, Mapping) else None
        if user is None:
            message = f"JumpCloud answered no user at {path}"
            raise UnreadableError(message)
        return user

    def find(self, who: str) -> tuple[DirectoryUser, ...]:
        """Look people up by id, username or e-mail, case ignored, wherever they are.

        JumpCloud's filters compare case, its search does not: it is asked for who is not found in
        the spelling given and in small letters.
        """
        name = who.strip()
        if is_object_id(name):
            user = self.fetch_one(name.lower())
            return (user,) if user else ()
        spellings = dict.fromkeys((name, name.lower()))
        queries = [{"filter": f"{k}:$eq:{t}"} for t in spellings for k in ("username", "email")]
        found = [user for rows in self._pool.map(self._list, queries) for user in rows]
        return called(name, found) or called(name, self._list({"search": name}))

    def _list(self, params: Mapping[str, str]) -> list[DirectoryUser]:
        listing = self._calls.list(_PATH, name="users", params={**self._query, **params})
        return [user for row in listing.rows.values() if (user := self._parse(row))]


def _some(user_ids: list[str]) -> str:
    more = ", …" if len(user_ids) > _SHOWN else ""
    noun = "member" if len(user_ids) == 1 else "members"
    return f"{len(user_ids)} {noun} ({', '.join(user_ids[:_SHOWN])}{more})"
