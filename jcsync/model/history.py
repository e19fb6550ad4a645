"""What the store remembers of past runs.

Times are aware and in UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jcsync.model.limits import Violation
from jcsync.model.plan import Action, AttributeChange, Change, Member
from jcsync.model.report import Outcome
from jcsync.model.resource import Kind, Link

LINKING = ("adopt", "forget")
"""Triggers of what a person does to single links: in the history like a run, but none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A past or present run.

    Attributes:
        trigger: ``manual``, ``exceed_limits``, ``schedule``, ``apply``, ``approve``, or one of
            ``LINKING``.
        actor: Who asked for it: login name and host.
        outcome: As in the report; ``""`` while it is under way or when it was killed.
        finished_at: ``None`` while it is under way or when it was killed.
        planned: Changes planned.
        applied: Changes applied.
        failed: Changes that failed.
        error: Why it failed, or ``""``.
    """

    run_id: str
    connection: str
    mode: str
    trigger: str
    actor: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    complete: bool
    digest: str
    planned: int
    applied: int
    failed: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """A change that some run intended, and what became of it.

    Attributes:
        at: When it was planned, or, once it has an outcome, when it ended.
        status: As in the report; ``intended`` when the run was killed before its outcome.
    """

    run_id: str
    connection: str
    n: int
    at: datetime
    action: Action
    kind: Kind
    name: str
    external_id: str
    resource_id: str
    reason: str
    attributes: tuple[AttributeChange, ...]
    add: tuple[Member, ...]
    remove: tuple[Member, ...]
    status: str
    error: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """A change with what the history knows of its run.

    Attributes:
        mode: Of the run.
        trigger: Of the run.
        actor: Who asked for the run.
        started_at: When the run began.
    """

    change: ChangeRecord
    mode: str
    trigger: str
    actor: str
    started_at: datetime


class HoldStatus(StrEnum):
    """Where a held plan stands."""

    HELD = "held"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    APPLIED = "applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRecord:
    """A plan that exceeded its limits.

    Attributes:
        id: Small number by which people name it.
        decided_at: When a person or a later run ended it, else ``None``.
        decided_by: Who did: a login name, or ``run RUN_ID``.
    """

    id: int
    connection: str
    run_id: str
    digest: str
    status: HoldStatus
    created_at: datetime
    decided_at: datetime | None
    decided_by: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowRecord:
    """A resource that failed and waits for its next try.

    Attributes:
        external_id: JumpCloud ``id``, ``""`` for a resource that never had one.
        resource_id: ``""`` for a resource that could not be created.
        action: What was tried last.
        fingerprint: Of what was tried: a resource that is to become something else is tried at
            once.
        reason: Why the last try failed, in words for the operator.
        attempts: Runs that tried, from 1.
        next_try_at: Not before this.
    """

    connection: str
    kind: Kind
    external_id: str
    resource_id: str
    name: str
    action: Action
    fingerprint: str
    reason: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    next_try_at: datetime

    @property
    def key(self) -> str:
        """What tells resources of one kind apart: ``external_id``, without one ``resource_id``."""
        return self.external_id or self.resource_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """How one planned change ended, and what it leaves behind.

    Attributes:
        link: The link as it is now, ``None`` where it stays as it was.
        escrow: The resource as it waits now, ``None`` where it does not.
    """

    change: Change
    outcome: Outcome
    at: datetime
    link: Link | None = None
    escrow: EscrowRecord | None = None


NEXT_RUN = "next run"
"""Topic of the memo that tells when the daemon begins the next run, ISO 8601."""

DRIFT = "drift"
"""Topic of the memo that tells how much drift was seen last: a JSON object, numbers by kind."""

STANDING = "standing"
"""Topic of the memo of what blocks people, as ``stages.standing`` writes it."""

FORMER = "former"
"""Topic of the memo of what the settings choose no more, as ``stages.former`` writes it."""

THROTTLED = "throttled"
"""Topic of the memo that tells how often the last run was asked to slow down."""

RATES = "rates"
"""Topic of the memo of what the platform was found to bear, as JSON: ``ServiceProvider.rates``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo:
    """A small thing that is remembered, and since when."""

    value: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRecord:
    """What the store knows of one connection.

    Attributes:
        organization: JumpCloud organisation id that it was first used with, or ``""``.
        last_run: Newest run, or ``None``.
        last_success: End of the newest run that succeeded, as ``RunReport`` has it, or ``None``.
        managed: Accounts that are linked.
        paused: Whether the daemon leaves it alone.
        lease_owner: Who writes to the platform now, or ``""``.
        learnt_at: When ``check`` has learnt what the platform does, or ``None``.
    """

    name: str
    organization: str
    last_run: RunRecord | None
    last_success: datetime | None
    managed: int
    paused: bool
    lease_owner: str
    learnt_at: datetime | None = None
