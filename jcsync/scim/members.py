"""Members of groups: added and removed by delta, verified, the first removal as a canary.

A ``remove`` that a server misunderstands may empty a group, and no style works everywhere. So on
a server of unknown behaviour the first removal of a run takes one member, and the group is read
before and after it. When more than he went, the others are put back and nothing more is written
to any group in this run.

Source:
    RFC 7644, section 3.5.2.2; the deviations are in ``profiles``.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from jcsync.errors import (
    NotFoundError,
    RejectedError,
    RemoteError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from jcsync.scim.calls import Calls, Json, resource_path
from jcsync.scim.patch import chunk_members, dump_members, dump_patch
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import Reader
from jcsync.scim.replace import PERHAPS_UNSEEN, UNSEEN, member_rows, replaced
from jcsync.scim.verify import Verifier
from jcsync.scim.wire import attribute, parse_group

MOST_AT_CREATE = 1_000
"""A platform enters them one after another, and has to answer in time."""

Style = Literal["filter", "value", "put"]

_STYLES: tuple[Style, ...] = ("filter", "value", "put")
_REFUSED = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)
_NO_PATCH = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_REFUSED_AT_CREATE = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)


class MemberWriter:
    """Changes members of groups; safe for several threads, one group at a time in each."""

    def __init__(self, calls: Calls, reader: Reader, profile: Profile, verifier: Verifier) -> None:
        """Build it; nothing is sent."""
        self._calls = calls
        self._reader = reader
        self._profile = profile
        self._verifier = verifier
        self._style: Style = profile.member_style
        self._is_shown = profile.shows_members
        self._proven = profile.members_verified or not self._is_shown
        self._adds = self._proven or profile.verify == "never"
        at_create = profile.members_at_create
        self._at_create = MOST_AT_CREATE if at_create is True else int(at_create)
        self._canary = threading.Lock()
        self._stopped = ""

    def check(self) -> None:
        """Do nothing while groups may be written.

        Raises:
            RejectedError: A removal has taken more members than it named.
        """
        if self._stopped:
            raise RejectedError(self._stopped)

    def for_create(self, members: Sequence[str]) -> Sequence[str]:
        """Those that a group may be created with."""
        return members[: self._at_create] if self._is_shown else ()

    def is_refused_at_create(self, error: RemoteError, number: int) -> bool:
        """Tell whether it may be for the number of its members that a group was refused.

        Then it is tried with as many as one request changes, then with none, and so is every other.
        One with more, of which nothing came, may have taken the platform too long.
        """
        fewer = self._profile.members_per_request
        too_long = isinstance(error, UnknownOutcomeError) and number > fewer
        if error.status not in _REFUSED_AT_CREATE and not too_long:
            return False
        self._at_create = min(self._at_create, fewer if number > fewer else 0)
        return True

    def kept(self, resource_id: str, answer: object) -> Collection[str]:
        """Members of a group just created: of the answer, or of the group where that has none.

        Where it has not kept any, no other group is created with members.
        """
        shown = isinstance(answer, Mapping) and attribute(answer, "members") is not None
        row = answer if shown else self._reader.read(resource_path("Groups", resource_id))
        group = parse_group(row) if isinstance(row, Mapping) else None
        if group is not None and not group.members:
            self._at_create = 0
        return group.members if group is not None else ()

    def patch(self, resource_id: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add and remove members, in chunks, one after another.

        Raises:
            RemoteError: The server refuses, or answers 2xx and does something else.
        """
        self.check()
        path = resource_path("Groups", resource_id)
        before: frozenset[str] | None = None
        if remove and not self._proven and self._style != "put":
            with self._canary:
                if not self._proven:
                    self.check()
                    remove, before = self._prove(path, remove)
        if add and not self._adds and self._style != "put":
            self._adds = True
            before = self._present(path) if before is None else before
        else:
            before = None
        self._apply(path, add, remove)
        due = self._is_due(add, remove) or before is not None
        if self._is_shown and due:
            self._verify(path, add, remove, (before or frozenset()) - frozenset(remove))

    def _present(self, path: str) -> frozenset[str] | None:
        """The members before the first addition of a run, which on some servers replaces them."""
        try:
            return self._members(path)
        except UnauthorizedError:
            raise
        except RemoteError:
            return None

    def _is_due(self, add: Sequence[str], remove: Sequence[str]) -> bool:
        kinds = [name for name, members in (("add", add), ("remove", remove)) if members]
        return bool(kinds) and self._verifier.is_due("members", kinds)

    # ------------------------------------------------------------------ the canary

    def _prove(self, path: str, remove: Sequence[str]) -> tuple[list[str], frozenset[str]]:
        """Remove one member and look; return those who are still to be removed, and all members.

        The styles that remove nobody are left behind for the rest of the run.
        """
        present = self._members(path)
        leaving = [member for member in dict.fromkeys(remove) if member in present]
        if not leaving:
            return [], present
        first = leaving[0]
        for style in _STYLES[_STYLES.index(self._style) :]:
            self._style = style
            if style == "put":
                break
            try:
                self._send(path, [], [first])
            except (RejectedError, NotFoundError) as error:
                if error.status not in _REFUSED and not self._lacks_patch(error, path):
                    raise
                continue
            left = self._members(path)
            if present - left - {first}:
                self._restore(path, present, left, first)
            if first not in left:
                # Of a group of one, removing him and removing all are the same.
                self._proven = len(present) > 1
                self._verifier.is_due("members", ["remove"])
                return leaving[1:], left
        self._proven = True
        return leaving, present

    def _restore(
        self, path: str, present: frozenset[str], left: frozenset[str], first: str
    ) -> None:
        """Put back whom a removal took beside the one it named, and stop.

        Raises:
            RejectedError: Always.
        """
        lost = sorted(present - left - {first})
        self._stopped = (
            f"a removal of one member took {len(lost)} others from the group {path}; they were put "
            "back, and no group is written in this run any more: set provider.quirks.member_style "
            f"to another style than {self._style}"
        )
        try:
            for part, _ in chunk_members(lost, (), self._profile.members_per_request):
                self._send(path, part, [])
            absent = len(set(lost) - self._members(path))
        except RemoteError as error:
            absent, reason = len(lost), f": {error}"
        else:
            reason = ""
        if absent:
            self._stopped = self._stopped.replace(
                "they were put back", f"{absent} of them could not be put back{reason}"
            )
        self.check()

    # ------------------------------------------------------------------ writing

    def _apply(self, path: str, add: Collection[str], remove: Collection[str]) -> None:
        if self._style == "put" and (add or remove):
            self._put(path, add, remove)
            return
        for joining, leaving in chunk_members(add, remove, self._profile.members_per_request):
            try:
                self._send(path, joining, leaving)
            except (RejectedError, NotFoundError) as error:
                if not self._lacks_patch(error, path) or not self._is_shown:
                    raise
                self._style, self._proven = "put", True
                self._put(path, add, remove)
                return

    def _lacks_patch(self, error: RemoteError, path: str) -> bool:
        """Whether it is PATCH that the server does not know; some say 404 to it."""
        if error.status == HTTPStatus.NOT_FOUND:
            return self._reader.read(path) is not None
        return error.status in _NO_PATCH

    def _send(self, path: str, add: list[str], remove: list[str]) -> None:
        def applied() -> bool | None:
            return self._has(path, add, remove) or None

        style = "value" if self._style == "put" else self._style
        operations = dump_members(
            add, remove, style=style, pathless=self._profile.patch_style == "pathless"
        )
        version = self._reader.version(path)
        try:
            self._calls.write(
                "PATCH", path, dump_patch(operations), applied=applied, version=version
            )
            self._reader.note_version(path, None)
        except RejectedError as error:
            changes = len(add) + len(remove)
            if self._reader.renew(path, error):
                self._send_again(path, operations, applied)
                return
            if error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE or changes == 1:
                raise
            for joining, leaving in chunk_members(add, remove, (changes + 1) // 2):
                self._send(path, joining, leaving)

    def _send_again(
        self, path: str, operations: list[dict[str, Any]], applied: Callable[[], bool | None]
    ) -> None:
        version = self._reader.version(path)
        self._calls.write("PATCH", path, dump_patch(operations), applied=applied, version=version)
        self._reader.note_version(path, None)

    def _put(
        self,
        path: str,
        add: Collection[str],
        remove: Collection[str],
        group: Json | None = None,
    ) -> None:
        """Replace the group by itself with other members; read it unless it was just now.

        Raises:
            RejectedError: Who is in it is not shown.
        """
        if not self._is_shown:
            raise RejectedError(UNSEEN)
        group = group or self._group(path)
        if not self._reader.is_seen(path, group):
            raise RejectedError(PERHAPS_UNSEEN)
        gone = frozenset(remove)
        kept = [member for member in sorted(_members_of(group)) if member not in gone]
        body = replaced("Groups", group, ()) | {"members": member_rows([*kept, *add])}
        self._calls.send("PUT", path, body, version=self._reader.version(path))
        self._reader.note_version(path, None)

    # ------------------------------------------------------------------ looking

    def _verify(
        self, path: str, add: Sequence[str], remove: Sequence[str], kept: Collection[str]
    ) -> None:
        """Read a group back, and replace it whole when a change of members did not take.

        Args:
            path: Of the group.
            add: Who should be in it now.
            remove: Who should not be in it any more.
            kept: Who was in it and should still be, as far as known.

        Raises:
            RejectedError: That did not help either.
        """
        group = self._group(path)
        members = _members_of(group)
        add = [*add, *sorted(kept)]
        joining = [member for member in add if member not in members]
        staying = [member for member in remove if member in members]
        if not joining and not staying:
            return
        # A group that shows nobody may hide all who are in it.
        if self._style != "put" and members:
            self._style, self._proven = "put", True
            self._put(path, joining, staying, group)
            if self._has(path, joining, staying):
                return
        message = (
            f"the platform answered that it changed the members of {path}, but "
            f"{len(joining)} of {len(add)} are not in it and {len(staying)} of {len(remove)} still are"
        )
        if not members:
            message += "; it may not show them at all (provider.quirks.members_read)"
        raise RejectedError(message)

    def _has(self, path: str, add: Collection[str], remove: Collection[str]) -> bool:
        if not self._is_shown:
            return False
        try:
            members = self._members(path)
        except NotFoundError:
            return False
        return members.issuperset(add) and members.isdisjoint(remove)

    def _members(self, path: str) -> frozenset[str]:
        return _members_of(self._group(path))

    def _group(self, path: str) -> Json:
        body = self._reader.read(path)
        if body is None:
            message = f"the platform does not know {path} any more"
            raise NotFoundError(message, status=HTTPStatus.NOT_FOUND)
        return body


def _members_of(group: Json) -> frozenset[str]:
    found = parse_group(group)
    return frozenset(found.members) if found else frozenset()
