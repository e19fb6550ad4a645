"""What the platform holds that the directory does not imply."""

from dataclasses import dataclass
from enum import StrEnum

from jcsync.model.report import Finding, RunError
from jcsync.model.resource import Kind, Value


class DriftKind(StrEnum):
    """In which way the platform holds something else."""

    ORPHAN = "orphan"
    UNMANAGED = "unmanaged"
    EDITED = "edited"
    MISSING = "missing"
    EXTRA_MEMBERS = "extra_members"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One attribute that somebody else has changed.

    Attributes:
        applied: What jcsync last set.
        found: What the platform holds now.
        wanted: What the directory implies now.
    """

    path: str
    applied: Value
    found: Value
    wanted: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One resource that is not as the directory implies.

    Attributes:
        name: ``userName`` or ``displayName``.
        external_id: JumpCloud ``id``, or what the resource carries in its place, or ``""``.
        resource_id: On the platform; of a missing resource, the one that it had.
        active: Whether the account has access; ``None`` for groups and missing accounts.
        message: What is the matter.
        edits: Attributes that somebody else changed.
        members: Names of members that the directory does not imply.
    """

    kind: DriftKind
    resource: Kind
    name: str
    external_id: str
    resource_id: str
    message: str
    active: bool | None = None
    edits: tuple[Edit, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """What a look at both sides of one connection showed.

    Attributes:
        entries: Ordered by kind and name.
        findings: Who could not be matched, and what could not be read.
        error: Why there are no entries, or ``None``.
    """

    connection: str
    entries: tuple[Drift, ...] = ()
    findings: tuple[Finding, ...] = ()
    directory_complete: bool = False
    provider_complete: bool = False
    error: RunError | None = None
