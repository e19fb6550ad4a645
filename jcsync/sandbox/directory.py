"""What one JumpCloud organisation holds, and how people change it.

The methods do what an administrator does in the portal, and leave the same events behind. Users
are named by id, username or e-mail, groups and applications by id or name. All of them may be
called from any thread while the API is being read.
"""

import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from jcsync.sandbox import clock
from jcsync.sandbox.insights import EventLog
from jcsync.sandbox.people import PERSON_FIELDS, Person, object_id
from jcsync.sandbox.records import Application, Group, user_record

T = TypeVar("T")


@dataclass(slots=True)
class Quirks:
    """How the directory misbehaves, as the real one is known to.

    Attributes:
        unstable_order: Without ``sort`` every request sees its own order: pages overlap and skip.
        nulls: Some empty texts are ``null``.
        totals: Answers of API 2.0 carry ``x-total-count``.
    """

    unstable_order: bool = False
    nulls: bool = True
    totals: bool = True


class Organization:
    """One organisation.

    Attributes:
        users: By id.
        groups: By id.
        applications: By id.
        events: What happened, once its log is switched on.
        quirks: How it misbehaves.
        lock: Held while it is read or changed.
    """

    def __init__(
        self,
        name: str = "Example Holding",
        *,
        number: int = 0,
        now: Callable[[], float] = clock.now,
    ) -> None:
        """Found an empty organisation; ``number`` tells those of one MSP apart."""
        self.id = object_id(1_400_000_000 + number, 0xFFFF)
        self.name = name
        self.created = clock.stamp(1_400_000_000 + number)
        self.users: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.applications: dict[str, Application] = {}
        self.memberships: dict[str, dict[str, None]] = {}
        self.quirks = Quirks()
        self.events = EventLog(self.id, now)
        self.lock = threading.RLock()
        self._now = now
        self._numbers = itertools.count(0x1000000)
        self._names: dict[str, str] = {}
        self._cache: dict[object, object] = {}

    # ---- looking up

    def user(self, who: str) -> Person:
        """Return a user.

        Raises:
            KeyError: There is none of this id, username or e-mail.
        """
        found = self.users.get(who) or self.users.get(self._names.get(who.lower(), ""))
        if found is None:
            raise KeyError(who)
        return found

    def group(self, which: str) -> Group:
        """Return a group by id or name.

        Raises:
            KeyError: There is none.
        """
        return _pick(self.groups, which, lambda group: group.name)

    def application(self, which: str) -> Application:
        """Return an application by id or label.

        Raises:
            KeyError: There is none.
        """
        return _pick(self.applications, which, lambda application: application.label)

    def cached(self, key: object, build: Callable[[], T]) -> T:
        """Return what ``build`` makes, once between two changes; call it with the lock held."""
        if key not in self._cache:
            if len(self._cache) >= 64:  # noqa: PLR2004  each may hold everybody
                self._cache.clear()
            self._cache[key] = build()
        return self._cache[key]  # type: ignore[return-value]  # of this key, what build() made

    # ---- users

    def admit(self, people: Iterable[Person]) -> None:
        """Take over ready-made users, without events.

        Raises:
            ValueError: An id, e-mail or username is taken.
        """
        with self.lock:
            for person in people:
                if person.id in self.users:
                    message = f"{person.id} is taken"
                    raise ValueError(message)
                self._claim_names(person, person.email, person.username)
                self.users[person.id] = person
            self._cache.clear()

    def hire(self, email: str, *, groups: Iterable[str] = (), **fields: object) -> Person:
        """Create a user and add him to groups.

        Args:
            email: His name and username follow from it unless given.
            groups: Names or ids.
            fields: Fields of :class:`~jcsync.sandbox.people.Person`.

        Raises:
            ValueError: E-mail or username are taken.
        """
        mailbox = email.partition("@")[0]
        first, _, last = mailbox.partition(".")
        moment = self._now()
        content = {
            "username": mailbox,
            "firstname": first.title(),
            "lastname": last.title(),
            "created": clock.stamp(moment),
            **_known(fields),
        }
        with self.lock:
            identity = object_id(moment, next(self._numbers))
            person = Person(id=identity, email=email, **content)  # type: ignore[arg-type]  # checked above
            self._claim_names(person, person.email, person.username)
            self.users[identity] = person
            self._changed("user_create", person, [])
            for group in groups:
                self.add_member(group, identity)
        return person

    def change(self, who: str, **fields: object) -> Person:
        """Change fields of a user; nothing happens when they are so already.

        Raises:
            KeyError: There is no such user or field.
            ValueError: E-mail or username are taken.
        """
        with self.lock:
            person = self.user(who)
            before = user_record(person, self.id, nulls=False)
            content = _known(fields)
            if all(getattr(person, name) == value for name, value in content.items()):
                return person
            old = (person.email, person.username)
            new = (str(content.get("email", old[0])), str(content.get("username", old[1])))
            self._claim_names(person, *new)
            for name in {name.lower() for name in old} - {name.lower() for name in new}:
                self._names.pop(name, None)
            for name, value in content.items():
                setattr(person, name, value)
            person.revision += 1
            after = user_record(person, self.id, nulls=False)
            self._changed("user_update", person, _differences(before, after))
        return person

    def rename(self, who: str, email: str, **fields: object) -> Person:
        """Give a user another e-mail and the username that goes with it."""
        return self.change(who, **{"email": email, "username": email.partition("@")[0], **fields})

    def suspend(self, who: str) -> Person:
        """Suspend a user; he stays in his groups."""
        return self.change(who, state="SUSPENDED")

    def unsuspend(self, who: str) -> Person:
        """End a suspension."""
        return self.change(who, state="ACTIVATED")

    def activate(self, who: str) -> Person:
        """Turn a staged user into an active one."""
        return self.change(who, state="ACTIVATED", activated=True)

    def delete(self, who: str, *, dangling: bool = False) -> None:
        """Delete a user; with ``dangling`` his groups keep an edge to nobody."""
        with self.lock:
            person = self.users.pop(self.user(who).id)
            for name in (person.email, person.username):
                self._names.pop(name.lower(), None)
            if not dangling:
                for group_id in self.memberships.pop(person.id, {}):
                    self.groups[group_id].members.pop(person.id, None)
                for application in self.applications.values():
                    application.users.pop(person.id, None)
            for other in self.users.values():
                if other.manager == person.id:
                    other.manager = ""
            self._changed("user_delete", person, [])

    def _claim_names(self, person: Person, *names: str) -> None:
        for name in names:
            if name and self._names.get(name.lower(), person.id) != person.id:
                message = f"{name} is taken"
                raise ValueError(message)
        self._names.update((name.lower(), person.id) for name in names if name)

    def _changed(self, event_type: str, person: Person, changes: list[dict[str, object]]) -> None:
        self._cache.clear()
        extra = {"changes": changes} if changes else {}
        self.events.record(event_type, resource=_resource(person), **extra)

    # ---- groups

    def create_group(self, name: str, members: Iterable[str] = (), **fields: object) -> Group:
        """Create a group; its name may exist already.

        Args:
            name: Display name.
            members: Ids, usernames or e-mails.
            fields: Fields of :class:`~jcsync.sandbox.records.Group`; ``id`` is made up unless given.
        """
        with self.lock:
            identity = str(fields.pop("id", "") or object_id(self._now(), next(self._numbers)))
            group = Group(id=identity, name=name, **fields)  # type: ignore[arg-type]  # as given
            self.groups[identity] = group
            self._group_changed("group_create", group)
            self.add_member(identity, *members)
        return group

    def rename_group(self, which: str, name: str) -> Group:
        """Give a group another name."""
        with self.lock:
            group = self.group(which)
            changes = [{"field": "name", "from": group.name, "to": name}]
            group.name = name
            self._group_changed("group_update", group, changes=changes)
        return group

    def delete_group(self, which: str) -> None:
        """Delete a group with its bindings."""
        with self.lock:
            group = self.groups.pop(self.group(which).id)
            for user_id in group.members:
                self.memberships.get(user_id, {}).pop(group.id, None)
            for application in self.applications.values():
                application.groups.pop(group.id, None)
            self._group_changed("group_delete", group)

    def add_member(self, which: str, *who: str) -> None:
        """Add users to a group; those who are in it already stay."""
        with self.lock:
            group = self.group(which)
            for name in who:
                person = self.user(name)
                if person.id not in group.members:
                    group.members[person.id] = None
                    self.memberships.setdefault(person.id, {})[group.id] = None
                    self._bound("add", group, person)

    def remove_member(self, which: str, *who: str) -> None:
        """Remove users from a group; dangling ones are named by id."""
        with self.lock:
            group = self.group(which)
            for name in who:
                user_id = name if name in group.members else self.user(name).id
                if user_id in group.members:
                    del group.members[user_id]
                    self.memberships.get(user_id, {}).pop(group.id, None)
                    self._bound("remove", group, self.users.get(user_id))

    def _group_changed(self, event_type: str, group: Group, **extra: object) -> None:
        self._cache.clear()
        resource = {"id": group.id, "type": "user_group", "name": group.name}
        self.events.record(event_type, resource=resource, **extra)

    # ---- applications

    def create_application(self, label: str, **fields: object) -> Application:
        """Create an SSO application that nobody is bound to."""
        with self.lock:
            identity = object_id(self._now(), next(self._numbers))
            application = Application(id=identity, label=label, created=clock.stamp(self._now()))
            for name, value in fields.items():
                setattr(application, name, value)
            self.applications[identity] = application
            self._cache.clear()
        return application

    def bind(self, which: str, *, groups: Iterable[str] = (), users: Iterable[str] = ()) -> None:
        """Bind groups and users to an application."""
        with self.lock:
            application = self.application(which)
            for group in map(self.group, groups):
                application.groups[group.id] = None
                self._bound("add", group, application)
            for person in map(self.user, users):
                application.users[person.id] = None
                self._bound("add", person, application)

    def unbind(self, which: str, *, groups: Iterable[str] = (), users: Iterable[str] = ()) -> None:
        """Undo :meth:`bind`."""
        with self.lock:
            application = self.application(which)
            for group in map(self.group, groups):
                application.groups.pop(group.id, None)
                self._bound("remove", group, application)
            for person in map(self.user, users):
                application.users.pop(person.id, None)
                self._bound("remove", person, application)

    def connector_acts(self, which: str, event_type: str, who: str = "") -> None:
        """Let JumpCloud's own SCIM connector of an application leave an event behind.

        Args:
            which: The application.
            event_type: ``user_update_provision``, ``integration_deactivate`` and the like.
            who: The user whom it is about.
        """
        application = self.application(which)
        shown = {"id": application.id, "name": "custom-saml", "display_label": application.label}
        person = {"resource": _resource(self.user(who))} if who else {}
        self.events.record(event_type, application=shown, **person)

    def _bound(
        self,
        operation: str,
        source: Group | Person,
        target: Person | Application | None,
    ) -> None:
        self._cache.clear()
        connection = {"from": _node(source), "to": _node(target)}
        association = {
            "op": operation,
            "action_source": "manual",
            "attributes": None,
            "connection": connection,
        }
        self.events.record("association_change", association=association)


def _pick(table: dict[str, T], which: str, name: Callable[[T], str]) -> T:
    if which in table:
        return table[which]
    found = next((entry for entry in table.values() if name(entry) == which), None)
    if found is None:
        raise KeyError(which)
    return found


def _known(fields: dict[str, object]) -> dict[str, object]:
    unknown = fields.keys() - PERSON_FIELDS
    if unknown:
        message = f"users have no {', '.join(sorted(unknown))}"
        raise KeyError(message)
    return fields


def _resource(person: Person) -> dict[str, object]:
    return {"id": person.id, "type": "user", "username": person.username}


def _node(entry: Group | Person | Application | None) -> dict[str, object]:
    match entry:
        case Group():
            return {"type": "user_group", "object_id": entry.id, "name": entry.name}
        case Person():
            return {"type": "user", "object_id": entry.id, "name": entry.username}
        case Application():
            return {"type": "application", "object_id": entry.id, "name": entry.label}
    return {"type": "user", "object_id": ""}


def _differences(before: dict[str, object], after: dict[str, object]) -> list[dict[str, object]]:
    """Sub-documents differ after every write, because their ids do, as in real events."""
    return [
        {"field": name, "from": before.get(name), "to": after.get(name)}
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
