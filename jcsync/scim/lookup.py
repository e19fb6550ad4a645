"""A few accounts and groups, looked up instead of read from the whole lists.

A filter is a hint: what it yields is compared again here, and that it yields nothing counts only
once it has been seen to find what is there. Where it has not, the whole list is read, and a note
says so.

Source:
    RFC 7644, section 3.4.2.2.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar

from jcsync.errors import RejectedError, RemoteError
from jcsync.model.resource import Sought
from jcsync.scim import calls
from jcsync.scim.calls import Json, resource_path
from jcsync.scim.listing import Listing
from jcsync.scim.memberships import groups_with, hides_members, is_filter_ignored, read_each
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import Reader, has_value
from jcsync.scim.wire import attribute, parse_group, parse_groups, text_of
from jcsync.threads import Pool

T = TypeVar("T")

_AT_ONCE = 8
_MEMBERS = "members.value"


class Lookup:
    """Looks resources up; safe for several threads."""

    def __init__(self, reader: Reader, profile: Profile) -> None:
        """Build it; nothing is sent."""
        self._reader = reader
        self._profile = profile

    # ------------------------------------------------------------------ accounts and groups

    def accounts(self, sought: Iterable[Sought]) -> Mapping[str, Json]:
        """Return the accounts that fit, by ``id``."""
        return self._all("Users", sought)

    def groups(self, sought: Iterable[Sought]) -> Mapping[str, Json]:
        """Return the groups that fit, by ``id``."""
        return self._all("Groups", sought)

    def _all(
        self,
        collection: calls.Collection,
        sought: Iterable[Sought],
        seen: Mapping[str, Json] | None = None,
    ) -> Mapping[str, Json]:
        """Look for all at once; what was ``seen`` already is not read again."""
        with Pool(_AT_ONCE) as pool:
            found = list(pool.map(lambda one: self._find(collection, one, seen or {}), sought))
        return {text_of(attribute(row, "id")): row for rows in found for row in rows}

    def _find(
        self, collection: calls.Collection, one: Sought, seen: Mapping[str, Json]
    ) -> list[Json]:
        """Look by one thing after the other; who is renamed, also for whoever has the new name."""
        key = "userName" if collection == "Users" else "displayName"
        linked = seen.get(one.resource_id)
        if linked is None and one.resource_id:
            linked = self._read(collection, one.resource_id)
        rows = [] if linked is None else [linked]
        if not any(_is_own(row, one) for row in rows):
            rows += self._reader.find(collection, since=0, externalId=one.external_id)
        named = any(has_value(row, key, one.name) for row in rows)
        if one.name and not named:
            rows += self._reader.find(collection, since=0, **{key: one.name})
        stale = linked is not None and not _is_own(linked, one)
        for email in () if len(rows) > stale else one.emails:
            rows += self._reader.find(collection, since=0, **{"emails.value": email})
        return rows

    def alone(self, collection: calls.Collection, resource_id: str, row: Json) -> Json:
        """Read by itself what a list may have shown in part; the row of the list if it is gone."""
        if attribute(row, "members"):
            return row
        return self._read(collection, resource_id) or row

    def _read(self, collection: calls.Collection, resource_id: str) -> Json | None:
        """Read a resource by its ``id``; one that the provider calls malformed is none."""
        try:
            return self._reader.read(resource_path(collection, resource_id))
        except RejectedError:
            return None

    # ------------------------------------------------------------------ memberships

    def memberships(
        self, sought: Iterable[Sought], accounts: Collection[str]
    ) -> tuple[Mapping[str, Json], Mapping[str, AbstractSet[str]], list[str]]:
        """Return the groups that some accounts are in, and those that are sought.

        Args:
            sought: Groups that these accounts should be in; those that none of them is in are
                read by themselves.
            accounts: ``id`` of accounts.

        Returns:
            Groups by ``id``, which of the accounts are in each, and why some may be missing.
        """
        if not accounts:
            return self.groups(sought), {}, []
        shown = self._profile.shows_members
        name = _MEMBERS if shown else self._profile.members_read
        listings = self._filtered(name, accounts)
        if listings is None and shown:
            seen: Mapping[str, Json] = self._reader.whole("Groups", since=0).rows
        else:
            seen = {
                key: row for found in (listings or {}).values() for key, row in found.rows.items()
            }
        known = self._all("Groups", sought, seen)
        if listings is None or not self._is_proven(name, listings, known, shown=shown):
            return self._in_full(known, accounts, shown=shown)
        rows = dict(known)
        members: dict[str, set[str]] = {}
        for account, listing in listings.items():
            rows |= listing.rows
            for group in listing.rows:
                members.setdefault(group, set()).add(account)
        gaps = [gap for listing in listings.values() for gap in listing.gaps]
        return rows, {group: frozenset(ids) for group, ids in members.items()}, gaps

    def _filtered(self, name: str, accounts: Collection[str]) -> Mapping[str, Listing] | None:
        """Ask for the groups of each account; ``None`` where the provider heeds no such filter.

        By the first account it shows whether the others can be asked.
        """
        groups: dict[str, Json] = {}

        def ask(account: str) -> Listing:
            listing = groups_with(self._reader, name, account)
            if self._profile.shows_members:
                self._complete(listing, account, groups)
            return listing

        def ask_all() -> Mapping[str, Listing] | None:
            first, *others = accounts
            found = ask(first)
            if self._profile.shows_members and not _is_inside(first, found):
                return None
            return {first: found, **_each(ask, others)}

        return _unless_refused(ask_all)

    def _complete(self, listing: Listing, account: str, groups: dict[str, Json]) -> None:
        """Read each group by itself, once, where the list does not show its members."""
        for key, row in listing.rows.items():
            if account in _members_of(row):
                continue
            if account not in _members_of(groups.get(key, {})):
                groups[key] = self._read("Groups", key) or {}
            if account not in _members_of(groups[key]):
                return
            listing.rows[key] = groups[key]

    def _is_proven(
        self,
        name: str,
        listings: Mapping[str, Listing],
        known: Mapping[str, Json],
        *,
        shown: bool,
    ) -> bool:
        """Whether the filter finds the groups of an account, all of them, and no others."""
        if not shown:
            return not is_filter_ignored(self._reader, name)
        for account, listing in listings.items():
            inside = {key for key, row in known.items() if account in _members_of(row)}
            if not inside <= listing.rows.keys():
                return False
            if not _is_inside(account, listing):
                return False
        return any(listing.rows for listing in listings.values()) or self._finds_anybody(
            name, known
        )

    def _finds_anybody(self, name: str, known: Mapping[str, Json]) -> bool:
        """Whether the filter finds a group by one of its members."""
        rows = list(known.values())
        if not any(_members_of(row) for row in rows):
            rows = list(self._reader.page("Groups", count=1).rows)
        row = next((row for row in rows if _members_of(row)), None)
        if row is None:
            return False
        listing = _unless_refused(
            lambda: groups_with(self._reader, name, next(iter(_members_of(row))))
        )
        return listing is not None and text_of(attribute(row, "id")) in listing.rows

    def _in_full(
        self, known: Mapping[str, Json], accounts: Collection[str], *, shown: bool
    ) -> tuple[Mapping[str, Json], Mapping[str, AbstractSet[str]], list[str]]:
        if not shown:
            gap = (
                f"the platform takes no notice of the filter {self._profile.members_read} eq, so "
                "that members of groups are not known (provider.quirks.members_read)"
            )
            return known, {}, [gap]
        listing = self._reader.whole("Groups", since=0)
        wanted = frozenset(accounts)
        rows = {**known, **listing.rows}
        members: dict[str, AbstractSet[str]] = {key: _members_of(row) for key, row in rows.items()}
        gaps = list(listing.gaps)
        each = self._profile.members_read == "each"
        if each or hides_members(self._reader, parse_groups(listing.rows.values())):
            alone, problems = read_each(self._reader, listing.rows)
            members |= alone
            gaps += problems
        inside = {key: ids & wanted for key, ids in members.items() if ids & wanted}
        return rows, inside, gaps

    # ------------------------------------------------------------------ what it took

    @property
    def gaps(self) -> tuple[str, ...]:
        """Why whole lists that had to be read may leave something out."""
        listings = (self._reader.scanned("Users"), self._reader.scanned("Groups"))
        return tuple(gap for listing in listings if listing for gap in listing.gaps)

    @property
    def notes(self) -> tuple[str, ...]:
        """Which whole lists had to be read."""
        return tuple(
            f"all {len(listing.rows)} {noun} were read: a filter of the platform has not found "
            "what is there (provider.quirks.filters)"
            for noun, listing in self._scans().items()
        )

    def _scans(self) -> Mapping[str, Listing]:
        scans = {
            "accounts": self._reader.scanned("Users"),
            "groups": self._reader.scanned("Groups"),
        }
        return {noun: listing for noun, listing in scans.items() if listing and listing.rows}


def _is_inside(account: str, groups: Listing) -> bool:
    """Whether an account is in all of these groups, and shown to be."""
    return all(account in _members_of(row) for row in groups.rows.values())


def _is_own(row: Json, one: Sought) -> bool:
    return text_of(attribute(row, "externalId")) in ("", one.external_id)


def _each(ask: Callable[[str], T], keys: Collection[str]) -> Mapping[str, T]:
    with Pool(_AT_ONCE) as pool:
        return dict(zip(keys, pool.map(ask, keys), strict=True))


def _unless_refused(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except RejectedError:
        return None
    except RemoteError as error:
        if error.status not in (500, 501):
            raise
        return None


def _members_of(row: Json) -> frozenset[str]:
    group = parse_group(row)
    return frozenset(group.members) if group else frozenset()
