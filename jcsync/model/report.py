"""What a run found, did and failed to do.

Source:
    ``docs/reports.md``; the JSON form is built by ``render``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jcsync.model.limits import Violation
from jcsync.model.plan import AttributeChange, Plan


class Status(StrEnum):
    """How one change ended."""

    APPLIED = "applied"
    FAILED = "failed"
    NOT_ATTEMPTED = "not_attempted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the ``n``-th change of a plan ended.

    Attributes:
        n: Position in the plan, from 1.
        error: What the platform said, ``""`` when applied.
        resource_id: The resource that now exists, ``""`` when none does.
        rejected: Whether the platform refused it for good, not in passing.
        unkept: Attributes that the platform took and did not keep: what it has, what was sent.
    """

    n: int
    status: Status
    error: str = ""
    attempts: int = 1
    resource_id: str = ""
    rejected: bool = False
    unkept: tuple[AttributeChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a platform made of attributes that it answered 2xx to.

    Attributes:
        resource_id: Of the account.
        unkept: Attributes that it does not keep, whatever way they were sent: what it has
            (``before``), what was sent (``after``).
        seen: Whether its own copy was compared with what was sent, after the write.
    """

    resource_id: str
    unkept: tuple[AttributeChange, ...] = ()
    seen: bool = False


class FindingKind(StrEnum):
    """What a run noticed and did not act on."""

    CONFLICT = "conflict"
    AMBIGUOUS = "ambiguous"
    SKIPPED = "skipped"
    UNKNOWN_STATE = "unknown_state"
    PROTECTED = "protected"
    DANGLING_MEMBER = "dangling_member"
    NOT_CONFIRMED = "not_confirmed"
    ORPHAN = "orphan"
    INCOMPLETE = "incomplete"
    ADOPTED = "adopted"
    UNSUPPORTED_ATTRIBUTE = "unsupported_attribute"
    OTHER_PROVISIONER = "other_provisioner"
    FEED_UNAVAILABLE = "feed_unavailable"
    ESCROW = "escrow"
    READ_IN_FULL = "read_in_full"


BLOCKING = frozenset(
    {FindingKind.CONFLICT, FindingKind.AMBIGUOUS, FindingKind.SKIPPED, FindingKind.ESCROW}
)
"""Findings that keep a person in scope from being provisioned: the run is then partial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a person may want to know.

    Attributes:
        subject: The person, group or listing concerned.
        message: What is the matter, and what to do where something can be done.
        external_id: JumpCloud id of the person, where a look at him alone tells whether it still
            holds; else ``""``.
    """

    kind: FindingKind
    subject: str
    message: str
    external_id: str = ""


class RunOutcome(StrEnum):
    """How a run ended."""

    IN_SYNC = "in_sync"
    PLANNED = "planned"
    APPLIED = "applied"
    PARTIAL = "partial"
    HELD = "held"
    FAILED = "failed"


SUCCESSES = frozenset({RunOutcome.IN_SYNC, RunOutcome.APPLIED, RunOutcome.PARTIAL, RunOutcome.HELD})
"""Outcomes of runs that worked: neither a broken record nor a hold is a failure of the run."""


class ErrorKind(StrEnum):
    """Why a run ended before its time, by reaction."""

    SETTINGS = "settings"
    NOBODY = "nobody"
    LEASE = "lease"
    UNREADABLE = "unreadable"
    STALE_PLAN = "stale_plan"
    REFUSED = "refused"
    STOPPED = "stopped"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a run failed, in words for the operator.

    Attributes:
        unauthorized: Whether one of the sides refused the credentials.
    """

    kind: ErrorKind
    message: str
    unauthorized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run from beginning to end.

    Attributes:
        mode: ``full``, ``fast`` when it looked at those alone who may have changed, or ``user`` or
            ``group`` when it looked at one of them only.
        plan: ``None`` when a side could not be read at all.
        hold: Number of the hold that waits for a decision, or ``None``.
        outcomes: One for each change once applying began, ordered by ``n``.
        findings: What this run has noticed.
        standing: What an earlier run has noticed that blocks somebody still, as far as is known,
            and that this one has not looked at.
        directory_requests: HTTP requests sent to JumpCloud, retries included.
        provider_requests: HTTP requests sent to the platform, retries included.
    """

    run_id: str
    connection: str
    mode: str
    outcome: RunOutcome
    started_at: datetime
    finished_at: datetime
    directory_complete: bool = False
    provider_complete: bool = False
    directory_users: int = 0
    provider_users: int = 0
    plan: Plan | None = None
    violations: tuple[Violation, ...] = ()
    hold: int | None = None
    outcomes: tuple[Outcome, ...] = ()
    findings: tuple[Finding, ...] = ()
    standing: tuple[Finding, ...] = ()
    directory_requests: int = 0
    provider_requests: int = 0
    error: RunError | None = None

    @property
    def known(self) -> tuple[Finding, ...]:
        """All that a person should know after this run."""
        return (*self.findings, *self.standing)

    @property
    def succeeded(self) -> bool:
        """Whether it read both sides completely, decided, and did not end before its time."""
        complete = self.directory_complete and self.provider_complete
        return complete and self.error is None and self.outcome in SUCCESSES
