"""What a run would change, as one value with a digest.

Source:
    ``docs/reports.md`` (the JSON form, which the digest covers).
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from jcsync.model.resource import Kind, Value

_AT_ONCE: Final = 50


class Action(StrEnum):
    """The kinds of change."""

    CREATE = "create"
    REACTIVATE = "reactivate"
    PATCH = "patch"
    DEACTIVATE = "deactivate"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """One attribute, before and after; ``None`` is unassigned.

    Attributes:
        target: JumpCloud ``id`` of the person whose account is meant and is still to be created:
            ``after`` is the same until the id of that account takes its place. Else ``""``.
    """

    path: str
    before: Value
    after: Value
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person who enters or leaves a group.

    Attributes:
        name: ``userName``, for people.
        external_id: JumpCloud ``id``, ``""`` for an account that jcsync does not manage.
        resource_id: ``""`` while his account is still to be created by the same plan.
    """

    name: str
    external_id: str
    resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one resource, in one step, and why.

    Attributes:
        external_id: JumpCloud ``id``, ``""`` for a resource that never had one.
        resource_id: ``""`` for a resource that this plan creates.
        step: Changes of a lower step are finished before those of a higher one begin.
        add: Members that enter, ordered by name; groups only.
        remove: Members that leave, ordered by name; groups only.
        interim: ``userName`` that an account takes meanwhile, because somebody else needs the one
            that it has before the one that it shall have is free. Else ``""``.
    """

    action: Action
    kind: Kind
    name: str
    external_id: str
    resource_id: str
    reason: str
    step: int
    attributes: tuple[AttributeChange, ...] = ()
    add: tuple[Member, ...] = ()
    remove: tuple[Member, ...] = ()
    interim: str = ""

    @property
    def adopts(self) -> bool:
        """Whether it gives an unmanaged resource our ``externalId``."""
        return self.action is not Action.CREATE and any(
            a.path == "externalId" for a in self.attributes
        )

    @property
    def rename(self) -> AttributeChange | None:
        """The ``userName`` that it sets, before and after."""
        return next((a for a in self.attributes if a.path.casefold() == "username"), None)

    @property
    def is_second_pass(self) -> bool:
        """Whether it follows the creation of an account that it refers to."""
        return any(a.target for a in self.attributes)

    @property
    def takes_access(self) -> bool:
        """Whether it ends the access of an account that is active now."""
        return any(a.path == "active" and a.before is True for a in self.attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Where everybody ended who is not in a change."""

    unchanged: int = 0
    unmanaged: int = 0
    out_of_scope: int = 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All changes of a run, in the order in which they are applied, counted from 1.

    Attributes:
        users: Accounts left alone.
        groups: Groups left alone.
        managed: Accounts that are ours.
        managed_active: Those of them that are active now.
        active: All active accounts on the platform now, ours or not.
        managed_groups: Groups that are ours.
        group_sizes: Members now, by ``resource_id`` of each group that is patched.
    """

    connection: str
    changes: tuple[Change, ...] = ()
    users: Counts = Counts()
    groups: Counts = Counts()
    managed: int = 0
    managed_active: int = 0
    active: int = 0
    managed_groups: int = 0
    group_sizes: dict[str, int] = field(default_factory=dict)

    def count(self, kind: Kind, action: Action) -> int:
        """How many changes do this to resources of that kind."""
        return self._counts[kind, action]

    @cached_property
    def _counts(self) -> Counter[tuple[Kind, Action]]:
        return Counter((change.kind, change.action) for change in self.changes)

    @property
    def gained(self) -> int:
        """How many accounts become active."""
        return self.count(Kind.USER, Action.CREATE) + self.count(Kind.USER, Action.REACTIVATE)

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` over the connection and all changes, reasons excepted.

        Two plans with the same digest send the same calls; the reasons are left out because
        they may tell times and counts.
        """
        # Of the JSON of [connection, [changes]], piece by piece: as a whole it takes more memory
        # than the plan.
        encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
        digest = hashlib.sha256(f"[{encode(self.connection)},[".encode())
        for start in range(0, len(self.changes), _AT_ONCE):
            piece = encode([_canonical(c) for c in self.changes[start : start + _AT_ONCE]])
            digest.update(f"{',' if start else ''}{piece[1:-1]}".encode())
        digest.update(b"]]")
        return "sha256:" + digest.hexdigest()


def _canonical(change: Change) -> list[object]:
    return [
        change.action,
        change.kind,
        change.name,
        change.external_id,
        change.resource_id,
        [[a.path, a.before, a.after] for a in change.attributes],
        [[m.external_id, m.resource_id] for m in change.add],
        [[m.external_id, m.resource_id] for m in change.remove],
    ]
