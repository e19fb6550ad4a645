"""What a service provider can do, learnt by reading alone, beside what its profile says.

Source:
    RFC 7643, sections 5 to 7; RFC 7644, section 3.4.2; RFC 9865.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jcsync.errors import RejectedError, RemoteError, TransientError, UnauthorizedError
from jcsync.model.facts import Facts
from jcsync.model.path import CORE_USER
from jcsync.model.resource import Capabilities, Trait
from jcsync.scim.calls import Calls, Json
from jcsync.scim.discovery import Discovery
from jcsync.scim.learning import adapted, differences
from jcsync.scim.listing import Page
from jcsync.scim.memberships import hides_members
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import SMALL_PAGE, Reader, may_be_the_count
from jcsync.scim.wire import attribute, describe_config, parse_groups, text_of

_NO = "no answer"
_TWO = 2


@dataclass(frozen=True, slots=True)
class _Way:
    """How a first page is asked for."""

    count: int | None
    cursor: str | None


class Probe:
    """Asks a provider what it can; writes nothing."""

    def __init__(
        self, calls: Calls, reader: Reader, profile: Profile, discovery: Discovery
    ) -> None:
        """Build it; nothing is sent."""
        self._calls = calls
        self._reader = reader
        self._profile = profile
        self._discovery = discovery

    def learn(self) -> Capabilities:
        """Return what could be learnt.

        Raises:
            RemoteError: Accounts cannot be listed at all, or the token is refused.
        """
        self._discovery.config()
        said = self._discovery.facts()
        first, way = self._first_page()
        known = {
            name: value
            for name in ("userName", "externalId")
            if (value := _first_text(first.rows, name))
        }
        filters = {name: self._filters(name, value) for name, value in known.items()}
        problem = self._discovery.problem
        schemas = self._schemas()
        size, skips = self._cut(first, way), self._skips(first, way)
        ignores = self._ignores_case(known.get("userName", ""), filters)
        groups, members = self._groups(way)
        shown = sum(bool(text_of(attribute(row, "externalId"))) for row in first.rows)
        facts = replace(
            said,
            needs_cursor=way.cursor is not None and self._profile.paging != "cursor",
            page_size=size,
            most_results=said.most_results if len(first.rows) <= said.most_results else 0,
            skips=skips,
            filters={n: w for n, w in filters.items() if n in self._profile.filters},
            ignores_case=ignores,
            external_id=True if shown else None,
            members=members,
            attributes=tuple(sorted(schemas or ())),
        )
        traits = [
            *self._discovered(said, schemas),
            *self._paging(first, facts),
            *self._looking_up(first, filters, facts, shown),
            *groups,
        ]
        learnt = differences(self._profile, adapted(self._profile, facts))
        return Capabilities(
            config=problem or describe_config(self._discovery.config()),
            described=not problem,
            filters=filters,
            traits=tuple(traits),
            attributes=schemas,
            facts=facts,
            used=tuple(f"{name} {_words(value)}" for name, value in learnt.items()),
        )

    def _first_page(self) -> tuple[Page, "_Way"]:
        """The first page, in the first way in which the provider gives one."""
        size = self._profile.page_size
        if self._profile.paging == "cursor":
            ways = [_Way(size, "")]
        else:
            ways = [_Way(size, None), _Way(min(size, SMALL_PAGE), None)]
            ways += [_Way(size, "")] if self._profile.paging == "auto" else []
        for way in dict.fromkeys(ways):
            try:
                return self._reader.page("Users", count=way.count, cursor=way.cursor), way
            except (RejectedError, TransientError) as error:
                if not may_be_the_count(error):
                    raise
        way = _Way(None, None)
        return self._reader.page("Users", count=None), way

    def _cut(self, first: Page, way: "_Way") -> int | None:
        """How many rows a page has at the most, if fewer than were asked for are all there are."""
        seen, asked = len(first.rows), way.count
        if asked is not None and asked < self._profile.page_size:
            return asked
        cut = bool(first.next_cursor) or (first.total is not None and seen < first.total)
        return seen if cut and seen and asked is not None and seen < asked else None

    def _skips(self, first: Page, way: "_Way") -> bool | None:
        """Whether the second account comes when it is asked for; ``None`` when that is moot."""
        if way.cursor is not None or len(first.rows) < _TWO:
            return None
        try:
            second = self._reader.page("Users", start=2, count=1).rows
        except (RejectedError, TransientError):
            return False
        return len(second) == 1 and _id(second[0]) == _id(first.rows[1])

    def _ignores_case(self, name: str, filters: Mapping[str, bool]) -> bool | None:
        if not filters.get("userName") or name.swapcase() == name:
            return None
        return self._filters("userName", name.swapcase())

    def _filters(self, name: str, value: str) -> bool:
        found, trusted = self._reader.filtered("Users", name, value)
        return bool(found) and trusted

    # ------------------------------------------------------------------ traits

    def _discovered(self, said: Facts, schemas: frozenset[str] | None) -> Iterator[Trait]:
        if said.patch is not None:
            yield Trait(
                name="PATCH",
                found="supported" if said.patch else "not supported",
                expected=f"patch_style {self._profile.patch_style}",
                agrees=said.patch is (self._profile.patch_style != "put"),
            )
        if said.versions is not None:
            found = "If-Match is sent where a version is shown"
            yield Trait(name="versions (ETag)", found=found if said.versions else "not supported")
        if said.bulk_operations:
            bulk = str(self._profile.bulk).lower()
            found = f"up to {said.bulk_operations} operations a request"
            yield Trait(name="Bulk", found=found, expected=f"bulk {bulk}")
        found = f"{len(schemas)} attributes of accounts" if schemas else "not described"
        yield Trait(name="Schemas", found=found)
        types = self._list("/ResourceTypes")
        names = ", ".join(sorted({text_of(attribute(row, "name")) for row in types} - {""}))
        yield Trait(name="ResourceTypes", found=names or "not described")

    def _paging(self, first: Page, facts: Facts) -> Iterator[Trait]:
        profile, seen, total = self._profile, len(first.rows), first.total
        most = f", {facts.most_results} at the most" if facts.most_results else ""
        yield Trait(
            name="page size",
            found=f"{seen} of {total if total is not None else 'an unknown number'}{most}",
            expected=f"page_size {profile.page_size}",
            agrees=facts.page_size is None,
        )
        cursors = facts.cursors or facts.needs_cursor or bool(first.next_cursor)
        yield Trait(
            name="cursors",
            found="offered" if cursors else "not offered",
            expected=f"paging {profile.paging}",
            agrees=cursors or profile.paging != "cursor",
        )
        if facts.skips is not None:
            words = (
                "by startIndex and count" if facts.skips else "startIndex or count means nothing"
            )
            yield Trait(name="paging", found=words, agrees=facts.skips)

    def _looking_up(
        self, first: Page, filters: Mapping[str, bool], facts: Facts, shown: int
    ) -> Iterator[Trait]:
        profile = self._profile
        for name, works in filters.items():
            expected = name in profile.filters
            yield Trait(
                name=f"filter {name} eq",
                found="works" if works else "not tried" if not expected else "does not work",
                expected="in filters" if expected else "not in filters",
                agrees=works is expected,
            )
        if facts.ignores_case is not None:
            found = "ignores case" if facts.ignores_case else "depends on case"
            yield Trait(name="filter userName", found=found, agrees=facts.ignores_case)
        if first.rows:
            yield Trait(
                name="externalId",
                found=f"shown by {shown} of {len(first.rows)} accounts",
                expected=f"external_id {profile.external_id}",
                agrees=not shown or profile.external_id == "returned",
            )

    def _groups(self, way: "_Way") -> tuple[list[Trait], str]:
        """What groups show, in words and as ``Facts.members``."""
        try:
            rows = self._reader.page("Groups", count=way.count, cursor=way.cursor).rows
        except UnauthorizedError as error:
            return [Trait(name="groups", found=f"not readable: {error}", agrees=False)], ""
        except RemoteError as error:
            return [Trait(name="groups", found=f"none ({error.status or _NO})")], ""
        shown = sum(bool(attribute(row, "members")) for row in rows)
        found = f"shown by {shown} of {len(rows)} groups" if rows else "no group to look at"
        members = "list" if shown else ""
        if not shown and hides_members(self._reader, parse_groups(rows)):
            found, members = "shown by a group that is read by itself, not by the list", "group"
        wanted = {"list": {"groups"}, "group": {"each"}}.get(members, {"members", "members.value"})
        trait = Trait(
            name="members",
            found=found,
            expected=f"members_read {self._profile.members_read}",
            agrees=not rows or self._profile.members_read in wanted,
        )
        return [trait], members

    # ------------------------------------------------------------------ schemas

    def _schemas(self) -> frozenset[str] | None:
        """Attributes of accounts, in lower case, those of extensions after their URN."""
        found: set[str] = set()
        for schema in self._list("/Schemas"):
            urn = text_of(attribute(schema, "id")).casefold()
            if not urn.endswith(":user"):
                continue
            prefix = "" if urn == CORE_USER.casefold() else f"{urn}:"
            found |= {f"{prefix}{name}" for name in _names(attribute(schema, "attributes"))}
        return frozenset(found) or None

    def _list(self, path: str) -> Sequence[Json]:
        try:
            body = self._calls.get(path).body
        except RemoteError:
            return ()
        rows = body if isinstance(body, list) else attribute(body, "Resources")
        return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else ()


def _names(attributes: object) -> Iterator[str]:
    for entry in attributes if isinstance(attributes, list) else ():
        name = text_of(attribute(entry, "name")).casefold()
        if name:
            yield name


def _first_text(rows: Sequence[Json], name: str) -> str:
    return next(filter(None, (text_of(attribute(row, name)) for row in rows)), "")


def _id(row: Json) -> str:
    return text_of(attribute(row, "id"))


def _words(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
