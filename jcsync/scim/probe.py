"""What a service provider can do, learnt by reading alone, beside what its profile says.

Source:
    RFC 7643, sections 5 to 7; RFC 7644, section 3.4.2; RFC 9865.
"""

from collections.abc import Iterator, Mapping, Sequence

from jcsync.errors import RejectedError, RemoteError, UnauthorizedError
from jcsync.model.path import CORE_USER
from jcsync.model.resource import Capabilities, Trait
from jcsync.scim.calls import Calls, Json
from jcsync.scim.discovery import Discovery
from jcsync.scim.listing import Page
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import Reader
from jcsync.scim.wire import attribute, describe_config, text_of

_NO = "no answer"
_TWO = 2


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
        config = self._discovery.config()
        first = self._first_page()
        known = {
            name: value
            for name in ("userName", "externalId")
            if (value := _first_text(first.rows, name))
        }
        filters = {name: self._filters(name, value) for name, value in known.items()}
        problem = self._discovery.problem
        schemas = self._schemas()
        traits = [
            *self._discovered(config, schemas),
            *self._paging(first),
            *self._looking_up(first, known, filters),
            *self._groups(),
        ]
        return Capabilities(
            config=problem or describe_config(config),
            described=not problem,
            filters=filters,
            traits=tuple(traits),
            attributes=schemas,
        )

    def _first_page(self) -> Page:
        count = self._profile.page_size
        cursor = "" if self._profile.paging == "cursor" else None
        try:
            return self._reader.page("Users", count=count, cursor=cursor)
        except RejectedError:
            return self._reader.page("Users", count=None)

    def _filters(self, name: str, value: str) -> bool:
        found, trusted = self._reader.filtered("Users", name, value)
        return bool(found) and trusted

    # ------------------------------------------------------------------ traits

    def _discovered(self, config: Json, schemas: frozenset[str] | None) -> Iterator[Trait]:
        supported = attribute(attribute(config, "patch"), "supported")
        wants = self._profile.patch_style != "put"
        if isinstance(supported, bool):
            yield Trait(
                name="PATCH",
                found="supported" if supported else "not supported",
                expected=f"patch_style {self._profile.patch_style}",
                agrees=supported is wants,
            )
        if isinstance(versions := attribute(attribute(config, "etag"), "supported"), bool):
            found = "If-Match is sent where a version is shown" if versions else "not supported"
            yield Trait(name="versions (ETag)", found=found)
        bulk = attribute(attribute(config, "bulk"), "supported")
        if bulk is True:
            yield Trait(name="Bulk", found="supported; jcsync does not use it")
        found = f"{len(schemas)} attributes of accounts" if schemas else "not described"
        yield Trait(name="Schemas", found=found)
        types = self._list("/ResourceTypes")
        names = ", ".join(sorted({text_of(attribute(row, "name")) for row in types} - {""}))
        yield Trait(name="ResourceTypes", found=names or "not described")

    def _paging(self, first: Page) -> Iterator[Trait]:
        profile, seen, total = self._profile, len(first.rows), first.total
        capped = total is not None and seen < total and seen < profile.page_size
        found = f"{seen} of {total if total is not None else 'an unknown number'}"
        yield Trait(
            name="page size",
            found=found,
            expected=f"page_size {profile.page_size}",
            agrees=not capped,
        )
        cursors = self._discovery.has_cursors or bool(first.next_cursor)
        yield Trait(
            name="cursors",
            found="offered" if cursors else "not offered",
            expected=f"paging {profile.paging}",
            agrees=cursors or profile.paging != "cursor",
        )
        if profile.paging == "cursor" or seen < _TWO:
            return
        try:
            second = self._reader.page("Users", start=2, count=1).rows
        except RemoteError as error:
            yield Trait(name="paging", found=f"startIndex 2 is refused: {error}", agrees=False)
            return
        honest = len(second) == 1 and _id(second[0]) == _id(first.rows[1])
        words = "by startIndex and count" if honest else "startIndex or count means nothing"
        yield Trait(name="paging", found=words, agrees=honest)

    def _looking_up(
        self, first: Page, known: Mapping[str, str], filters: Mapping[str, bool]
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
        name = known.get("userName", "")
        if filters.get("userName") and name.swapcase() != name:
            ignores = self._filters("userName", name.swapcase())
            found = "ignores case" if ignores else "depends on case"
            yield Trait(name="filter userName", found=found, agrees=ignores)
        if first.rows:
            shown = sum(bool(text_of(attribute(row, "externalId"))) for row in first.rows)
            yield Trait(
                name="externalId",
                found=f"shown by {shown} of {len(first.rows)} accounts",
                expected=f"external_id {profile.external_id}",
                agrees=not shown or profile.external_id == "returned",
            )

    def _groups(self) -> Iterator[Trait]:
        cursor = "" if self._profile.paging == "cursor" else None
        try:
            rows = self._reader.page("Groups", count=self._profile.page_size, cursor=cursor).rows
        except UnauthorizedError as error:
            yield Trait(name="groups", found=f"not readable: {error}", agrees=False)
            return
        except RemoteError as error:
            yield Trait(name="groups", found=f"none ({error.status or _NO})")
            return
        shown = sum(bool(attribute(row, "members")) for row in rows)
        found = f"shown by {shown} of {len(rows)} groups" if rows else "no group to look at"
        yield Trait(
            name="members",
            found=found,
            expected=f"members_read {self._profile.members_read}",
            agrees=not rows or bool(shown) is (self._profile.members_read == "groups"),
        )

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
