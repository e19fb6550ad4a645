"""Attribute changes that are verified: what a server refuses or ignores is sent in another way.

A server may answer 2xx and keep what it had. So a write is compared with the resource that the
answer carries; without one the resource is read back, as often as the profile wants it, and after
a deactivation always. What did not take is sent as a whole attribute, then as a whole resource, and then given up. What worked
for an attribute is remembered, so that not every account pays for finding it out.

Source:
    RFC 7644, sections 3.5.1, 3.5.2 and 3.14; the deviations are in ``profiles``.
"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Literal

from jcsync.errors import (
    ConflictError,
    NotFoundError,
    RejectedError,
    RemoteError,
    UnauthorizedError,
    UnknownOutcomeError,
    UnreadableError,
)
from jcsync.model.path import ScimPath, parse_path
from jcsync.model.plan import AttributeChange
from jcsync.model.report import Written
from jcsync.scim.calls import Calls, Collection, Json, resource_path
from jcsync.scim.patch import dump_attributes, dump_patch
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import Reader
from jcsync.scim.replace import (
    PERHAPS_UNSEEN,
    UNSEEN,
    pathless_operations,
    replaced,
    whole_operations,
)
from jcsync.scim.verify import Verifier, value_at
from jcsync.scim.wire import attribute, elements_of, text_of
from jcsync.transport import Answer

Way = Literal["path", "elements", "whole", "pathless", "put"]
Request = tuple[str, dict[str, Any]]

_WAYS: dict[str, tuple[Way, ...]] = {
    "path": ("path", "whole", "put"),
    "element-fallback": ("elements", "whole", "put"),
    "pathless": ("pathless", "put"),
    "put": ("put",),
}
_NO_PATCH = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_OF_THE_PATH = ("invalidpath", "notarget", "invalidfilter", "invalidsyntax")
_OF_THE_VALUE = ("invalidvalue", "uniqueness", "mutability", "sensitive", "toomany")


class _WayRefusedError(Exception):
    """The server does not take a change in this way.

    Attributes:
        reason: What it said.
    """

    def __init__(self, reason: RemoteError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Patcher:
    """Changes attributes of accounts and groups; safe for several threads."""

    def __init__(self, calls: Calls, reader: Reader, profile: Profile, verifier: Verifier) -> None:
        """Build it; nothing is sent."""
        self._calls = calls
        self._reader = reader
        self._profile = profile
        self._verifier = verifier
        self._known: dict[tuple[Collection, str], Way] = {}
        self._without_patch: set[Collection] = set()
        self._appending: set[tuple[Collection, str]] = set()

    def patch(
        self, collection: Collection, resource_id: str, changes: Sequence[AttributeChange]
    ) -> Written:
        """Change attributes of one resource, in the first way that works.

        Raises:
            NotFoundError: It is gone.
            RemoteError: The server refuses the change, in every way.
        """
        path = resource_path(collection, resource_id)
        result = Written(resource_id=resource_id)
        pending = tuple(changes)
        refusal: RemoteError | None = None
        before: Request | None = None
        actual: Json | None = None
        ways = self._ways(collection, pending)
        held = witness = self._before_adding(collection, path, pending, ways)
        for way in ways:
            if collection in self._without_patch and way != "put":
                continue
            try:
                request, answer = self._try(way, collection, path, pending, before, held)
            except _WayRefusedError as error:
                refusal = refusal or error.reason
                continue
            if answer is None:
                continue
            if isinstance(answer, Answer) and answer.status == HTTPStatus.ACCEPTED:
                return result
            # An answer may echo what was sent: only a read proves that access was taken.
            unproven = isinstance(answer, Answer) and any(map(_takes_access, pending))
            forced = unproven or witness is not None or (before is not None and actual is not None)
            before = request
            answered = answer.body if isinstance(answer, Answer) else answer
            shown = None if unproven else answered
            actual = self._verifier.look(collection, path, pending, shown, forced=forced)
            if actual is None:
                self._remember(collection, pending, way, refused=refusal is not None)
                return replace(result, seen=False)
            lost = self._lost(collection, witness, actual, pending)
            held, witness = (witness if lost else actual), None
            wrong = [c for c in pending if c in lost or not self._verifier.is_kept(c, actual)]
            taken = [c for c in pending if c not in wrong]
            self._remember(collection, taken, way, refused=refusal is not None)
            hopeful = [
                c
                for c in wrong
                if c in lost or self._verifier.is_worth_another_way(collection, c, actual)
            ]
            vain = tuple(_instead(c, actual) for c in wrong if c not in hopeful)
            result = replace(result, unkept=(*result.unkept, *vain), seen=True)
            pending = tuple(hopeful)
            if not pending:
                return result
        if actual is None:
            assert refusal is not None  # noqa: S101 - a way is taken or refused
            raise refusal
        self._verifier.give_up(collection, pending)
        left = tuple(_instead(change, actual) for change in pending)
        return replace(result, unkept=(*result.unkept, *left))

    def plain_patch(
        self, collection: Collection, changes: Sequence[AttributeChange]
    ) -> dict[str, Any] | None:
        """The body of a PATCH in the first way to try, ``None`` where another request is needed."""
        if self._ways(collection, changes)[0] != "path":
            return None
        _, body = self._compose("path", collection, "", changes)
        return body

    def accept(
        self,
        collection: Collection,
        resource_id: str,
        changes: Sequence[AttributeChange],
        shown: object,
    ) -> Written | None:
        """Look at a change that was sent by other means; ``None`` when it is to be sent again."""
        path = resource_path(collection, resource_id)
        actual = self._verifier.look(collection, path, changes, shown)
        if actual is None:
            return Written(resource_id=resource_id)
        if all(self._verifier.is_kept(change, actual) for change in changes):
            return Written(resource_id=resource_id, seen=True)
        return None

    # ------------------------------------------------------------------ ways

    def _ways(self, collection: Collection, changes: Sequence[AttributeChange]) -> tuple[Way, ...]:
        """The ways to try, from the one that is known to work for these attributes."""
        ways = _WAYS[self._profile.patch_style]
        if collection in self._without_patch:
            return ("put",)
        known = [ways.index(way) for c in changes if (way := self._known.get((collection, c.path)))]
        if known:
            return ways[max(known) :]
        if self._profile.missing_element == "put" and any(map(_lacks_its_element, changes)):
            return ("put", *(way for way in ways if way != "put"))
        return ways

    def _before_adding(
        self,
        collection: Collection,
        path: str,
        changes: Sequence[AttributeChange],
        ways: Sequence[Way],
    ) -> Json | None:
        """The resource before an element is added to a list, the first time in a run.

        Some servers put what is added in the place of what they hold.
        """
        added = {(collection, parse_path(c.path).attribute) for c in _adding(changes)}
        due = ways[0] == "path" and self._profile.missing_element == "element"
        if not due or self._profile.verify == "never" or not added - self._appending:
            return None
        try:
            return self._reader.read(path)
        except UnauthorizedError:
            raise
        except RemoteError:
            return None

    def _lost(
        self,
        collection: Collection,
        witness: Json | None,
        actual: Json,
        changes: Sequence[AttributeChange],
    ) -> list[AttributeChange]:
        """The changes that have added an element, and taken others of the same list."""
        lost = []
        for change in _adding(changes) if witness is not None else ():
            if _has_lost(parse_path(change.path), witness or {}, actual):
                lost.append(change)
            else:
                self._appending.add((collection, parse_path(change.path).attribute))
        return lost

    def _remember(
        self, collection: Collection, changes: Sequence[AttributeChange], way: Way, *, refused: bool
    ) -> None:
        """Remember what worked; a refusal is held against the paths with a filter, if any."""
        if way == _WAYS[self._profile.patch_style][0] and not refused:
            return
        filtered = [change for change in changes if parse_path(change.path).key]
        for change in filtered if refused and filtered else changes:
            self._known[collection, change.path] = way

    # ------------------------------------------------------------------ requests

    def _try(
        self,
        way: Way,
        collection: Collection,
        path: str,
        changes: Sequence[AttributeChange],
        before: Request | None,
        held: Json | None = None,
    ) -> tuple[Request, Answer | Json | None]:
        """Send a change in one way; without an answer when it was sent just so before.

        Raises:
            _WayRefusedError: Another way may be taken.
        """
        request = self._compose(way, collection, path, changes, held)
        if request == before:
            return request, None
        try:
            return request, self._send(path, request, changes)
        except (RejectedError, NotFoundError) as error:
            stale = self._reader.renew(path, error)
            if request[0] == "PATCH" and self._lacks_patch(error, path):
                self._without_patch.add(collection)
                raise _WayRefusedError(error) from error
            if not stale and _is_final(error, request, before, changes):
                raise
            if not stale:
                raise _WayRefusedError(error) from error
        # Somebody else changed it: what is sent is made from what it is now.
        request = self._compose(way, collection, path, changes)
        return request, self._send(path, request, changes)

    def _lacks_patch(self, error: RemoteError, path: str) -> bool:
        """Whether it is PATCH that the server does not know; some say 404 to it."""
        if error.status == HTTPStatus.NOT_FOUND:
            return self._reader.read(path) is not None
        return error.status in _NO_PATCH

    def _compose(
        self,
        way: Way,
        collection: Collection,
        path: str,
        changes: Sequence[AttributeChange],
        held: Json | None = None,
    ) -> Request:
        """The request of a way; made from the resource as it is, read unless it was just now."""
        if way == "put":
            if collection == "Groups" and not self._profile.shows_members:
                raise _WayRefusedError(RejectedError(UNSEEN))
            held = held or self._held(path)
            if collection == "Groups" and not self._reader.is_seen(path, held):
                raise RejectedError(PERHAPS_UNSEEN)
            return "PUT", replaced(collection, held, changes)
        if way == "pathless":
            parts = any(map(_is_part, changes))
            base = (held or self._held(path)) if parts else {}
            return "PATCH", dump_patch(pathless_operations(collection, base, changes))
        wholes: list[AttributeChange] = []
        if way == "whole":
            wholes = [change for change in changes if _is_part(change)]
        elif way == "elements":
            wholes = [change for change in changes if parse_path(change.path).key]
        operations = dump_attributes(
            [change for change in changes if change not in wholes],
            missing_element="element" if self._profile.missing_element == "element" else "typed",
        )
        if wholes:
            operations += whole_operations(collection, held or self._held(path), wholes)
        return "PATCH", dump_patch(operations)

    def _held(self, path: str) -> Json:
        resource = self._reader.read(path)
        if resource is None:
            message = f"the platform does not know {path} any more"
            raise NotFoundError(message, status=HTTPStatus.NOT_FOUND)
        return resource

    def _send(
        self, path: str, request: Request, changes: Sequence[AttributeChange]
    ) -> Answer | Json:
        method, body = request
        version = self._reader.version(path)
        if method == "PUT":
            try:
                return self._calls.send(method, path, body, version=version)
            except (ConflictError, NotFoundError, UnreadableError) as error:
                raise _WayRefusedError(error) from error

        def applied() -> Json | None:
            resource = self._reader.read(path)
            if resource is None or not all(
                self._verifier.is_kept(change, resource) for change in changes
            ):
                return None
            return resource

        try:
            return self._calls.write(method, path, body, applied=applied, version=version)
        except UnknownOutcomeError as error:
            filtered = any(parse_path(change.path).key for change in changes)
            if error.status != HTTPStatus.INTERNAL_SERVER_ERROR or not filtered:
                raise
            raise _WayRefusedError(error) from error


def _is_final(
    error: RemoteError,
    request: Request,
    before: Request | None,
    changes: Sequence[AttributeChange],
) -> bool:
    """Whether another way is not worth a try: nothing was accepted, and it is not about the way."""
    return before is None and request[0] == "PATCH" and not _is_about_the_way(error, changes)


def _is_about_the_way(error: RemoteError, changes: Sequence[AttributeChange]) -> bool:
    """Whether a refusal is of PATCH or of a path, and not of a value or of a resource."""
    if error.status != HTTPStatus.BAD_REQUEST:
        return error.status in _NO_PATCH
    text = str(error).casefold()
    if any(word in text for word in _OF_THE_PATH):
        return True
    return not any(word in text for word in _OF_THE_VALUE) and any(map(_is_part, changes))


def _takes_access(change: AttributeChange) -> bool:
    return change.path == "active" and change.after is False


def _is_part(change: AttributeChange) -> bool:
    path = parse_path(change.path)
    return bool(path.key or path.sub)


def _adding(changes: Sequence[AttributeChange]) -> list[AttributeChange]:
    """The changes that add an element to a multi-valued attribute."""
    return [change for change in changes if _lacks_its_element(change)]


def _has_lost(path: ScimPath, before: Json, after: Json) -> bool:
    """Whether a list has lost an element, by the part that tells its elements apart."""
    kinds = [
        {text_of(attribute(e, path.key)).casefold() for e in elements_of(resource, path)}
        for resource in (before, after)
    ]
    return not kinds[0] <= kinds[1]


def _lacks_its_element(change: AttributeChange) -> bool:
    return change.before is None and change.after is not None and bool(parse_path(change.path).key)


def _instead(change: AttributeChange, actual: Json) -> AttributeChange:
    """What the server has instead of what it was sent; ``None`` for access that it never shows."""
    unshown = change.path == "active" and attribute(actual, "active") is None
    return replace(change, before=None if unshown else value_at(actual, change.path))
