"""New accounts and groups: looked up before anything is repeated, and looked at afterwards.

A create that is refused may be one that an earlier attempt has made, and one that is answered 2xx
may have dropped what it was sent.

Source:
    RFC 7644, section 3.3; the deviations are in ``profiles``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from time import monotonic
from typing import Any

from jcsync.errors import ConflictError, RejectedError, RemoteError, UnknownOutcomeError
from jcsync.model.path import parse_path
from jcsync.model.plan import AttributeChange
from jcsync.model.report import Written
from jcsync.model.resource import Value
from jcsync.scim.calls import Calls, Collection, Json, resource_path
from jcsync.scim.members import MemberWriter
from jcsync.scim.patching import Patcher
from jcsync.scim.reading import Reader
from jcsync.scim.verify import Verifier, value_at
from jcsync.scim.wire import attribute, dump_group, dump_user, text_of
from jcsync.transport import Answer

_PERHAPS_CONFLICTS = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.INTERNAL_SERVER_ERROR}
)


class Creator:
    """Creates accounts and groups; safe for several threads."""

    def __init__(
        self,
        calls: Calls,
        reader: Reader,
        verifier: Verifier,
        patcher: Patcher,
        members: MemberWriter,
    ) -> None:
        """Build it; nothing is sent."""
        self._calls = calls
        self._reader = reader
        self._verifier = verifier
        self._patcher = patcher
        self._members = members

    def user(self, external_id: str, attributes: Mapping[str, Value]) -> Written:
        """Create an active account.

        After a lost answer, and after a refusal that may stem from an earlier attempt, the
        account is looked up by ``external_id``. What the platform drops of it is patched.

        Raises:
            ConflictError: The ``userName`` is taken by another account.
        """
        body = dump_user(external_id, [(parse_path(path), v) for path, v in attributes.items()])

        def applied() -> str | None:
            rows = self._reader.find("Users", since=monotonic(), externalId=external_id)
            return next((text_of(attribute(row, "id")) for row in rows), None)

        name = str(attributes.get("userName") or "")
        created, shown = self._create(
            "Users",
            body,
            applied=applied,
            holder=lambda error: self._name_holder("Users", name, error),
        )
        return self.complete(created, attributes, shown)

    def complete(self, resource_id: str, attributes: Mapping[str, Value], shown: object) -> Written:
        """Compare a new account with what was sent, and send again what it lacks."""
        values = {name: value for name, value in attributes.items() if value not in (None, "")}
        path = resource_path("Users", resource_id)
        if self._verifier.shows_all("Users", path, values, shown):
            return Written(resource_id=resource_id, seen=True)
        sent = [
            AttributeChange(path=name, before=None, after=value) for name, value in values.items()
        ]
        actual = self._verifier.look("Users", path, sent, shown)
        if actual is None:
            return Written(resource_id=resource_id)
        wrong = [change for change in sent if not self._verifier.is_kept(change, actual)]
        lacking = [c for c in wrong if self._verifier.is_worth_another_way("Users", c, actual)]
        kept = tuple(replace(c, before=value_at(actual, c.path)) for c in wrong if c not in lacking)
        if not lacking:
            return Written(resource_id=resource_id, unkept=kept, seen=True)
        repaired = self._patcher.patch("Users", resource_id, lacking)
        return replace(repaired, unkept=(*kept, *repaired.unkept))

    def group(
        self, external_id: str, display_name: str, members: Sequence[str]
    ) -> tuple[str, Sequence[str]]:
        """Create a group, with as many of its members as the platform takes at once.

        Returns:
            Its ``id``, and the members that have to be added yet.
        """
        self._members.check()

        def applied() -> str | None:
            rows = self._reader.find("Groups", since=monotonic(), externalId=external_id)
            return next((text_of(attribute(row, "id")) for row in rows), None)

        def create(first: Sequence[str]) -> tuple[str, object]:
            return self._create(
                "Groups",
                dump_group(external_id, display_name, first),
                applied=applied,
                holder=lambda error: self._name_holder("Groups", display_name, error),
            )

        while first := self._members.for_create(members):
            try:
                created, answer = create(first)
            except (RejectedError, UnknownOutcomeError) as error:
                if not self._members.is_refused_at_create(error, len(first)):
                    raise
                continue
            kept = self._members.kept(created, answer)
            return created, [member for member in members if member not in kept]
        return self._empty(create(())), members

    def _empty(self, created: tuple[str, object]) -> str:
        """Return the ``id`` of a group that was made without members."""
        resource_id, shown = created
        if shown is not None:  # else it may be one that was there before
            self._reader.note_empty(resource_path("Groups", resource_id))
        return resource_id

    def _create(
        self,
        collection: Collection,
        body: dict[str, Any],
        *,
        applied: Callable[[], str | None],
        holder: Callable[[RemoteError], str],
    ) -> tuple[str, object]:
        """Return the ``id`` of a new resource, and what the answer shows of it."""
        try:
            answer = self._calls.write("POST", f"/{collection}", body, applied=applied)
        except (ConflictError, RejectedError, UnknownOutcomeError) as error:
            if not isinstance(error, UnknownOutcomeError) and (found := _quietly(applied)):
                return found, None
            if error.status not in _PERHAPS_CONFLICTS:
                raise
            message = f"{error}{holder(error)}"
            raise type(error)(message, status=error.status) from error
        if not isinstance(answer, Answer):
            return answer, None
        created = text_of(attribute(answer.body, "id")) or applied()
        if created:
            return created, answer.body
        message = f"the platform answered {answer.status} to a create but returned no id"
        raise RejectedError(message, status=answer.status)

    def _name_holder(self, collection: Collection, name: str, error: RemoteError) -> str:
        """Who has the name that a create was refused for, for the end of the message."""
        key = "userName" if collection == "Users" else "displayName"
        try:
            rows = self._reader.find(collection, since=0, **{key: name})
            if not rows and isinstance(error, ConflictError):
                rows = self._reader.scan(collection, key, name, since=0)
        except RemoteError:
            rows = []
        if rows:
            return _holder(rows[0], key, name)
        if isinstance(error, ConflictError):
            return f"; the platform lists no {collection[:-1].lower()} with {key} {name!r}"
        return ""


def _holder(row: Json, key: str, name: str) -> str:
    other = text_of(attribute(row, "externalId")) or "none"
    return f"; {key} {name!r} has {text_of(attribute(row, 'id'))}, externalId {other}"


def _quietly(look: Callable[[], str | None]) -> str | None:
    try:
        return look()
    except RemoteError:
        return None
