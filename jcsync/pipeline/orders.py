"""What a run works with, what is asked of it, what it remembers and what it decides."""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jcsync.model.baseline import Baseline
from jcsync.model.directory import Evidence
from jcsync.model.history import EscrowRecord, HoldRecord
from jcsync.model.limits import Limits
from jcsync.model.plan import AttributeChange, Plan
from jcsync.model.report import Finding
from jcsync.model.resource import DesiredUser, Kind, Link
from jcsync.model.rules import AttributeRule, GroupPolicy, Policy, Scope
from jcsync.ports import Clock, Directory, Feed, ServiceProvider, Store
from jcsync.stages.former import Former
from jcsync.stages.matching import GroupMatching, UserMatching

Progress = Callable[[str, int, int], None]
"""Told of a stage, how much of it is done, and how much there is; 0 of 0 when it begins."""


def new_run_id(started: datetime) -> str:
    """Return what a run is called that begins then: unique, and sorted by time."""
    return f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One directory and one service provider, with what decides between them.

    Attributes:
        owner: Who holds the lease: host and process.
        actor: Who asked for what is done: login name and host.
        workers: Changes made at once.
        stop: Once set, the run ends after the calls under way.
        immutable: SCIM paths that the platform does not let be changed.
        unsent: SCIM paths that are mapped, and that the platform does not take.
        subject: What facts about the platform hold for, as in ``Learnt``.
        feed: JumpCloud's event log, ``None`` when it is not to be asked.
        feed_wanted: Whether its absence is worth a finding.
        platform: What the platform is known by: its host, the name of its profile.
        basis: Digest of the settings that decide what people should have.
        full_every: A fast run becomes a full one when the last was so long ago, ``None`` for never.
        keep_history: How long runs and their changes are kept, ``None`` for ever.
    """

    name: str
    directory: Directory
    provider: ServiceProvider
    store: Store
    clock: Clock
    scope: Scope
    policy: Policy
    group_policy: GroupPolicy
    rules: tuple[AttributeRule, ...]
    limits: Limits
    owner: str
    actor: str
    workers: int = 8
    stop: threading.Event = field(default_factory=threading.Event)
    immutable: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
    subject: str = ""
    feed: Feed | None = None
    feed_wanted: bool = False
    platform: tuple[str, ...] = ()
    basis: str = ""
    full_every: timedelta | None = None
    keep_history: timedelta | None = None

    @property
    def directory_requests(self) -> int:
        """HTTP requests sent to JumpCloud so far, retries and its event log included."""
        return self.directory.requests + (self.feed.requests if self.feed else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of a run.

    Attributes:
        apply: Make the changes; else plan them only, and write nothing anywhere.
        trigger: As in ``RunRecord``.
        who: Id, username or e-mail of the one person whom the run is about, or ``""``.
        group: Name or id of the one group that the run is about, or ``""``.
        digest: The plan that was saved or approved: any other is refused.
        approved: The hold that a person has approved: its limits are waived.
        exceed_limits: Waive all limits for this one run.
        fast: Look at those alone who may have changed, where that is possible.
        rewrite: Send attributes again that agree already.
        run_id: What the run is to be called, where somebody speaks of it before it begins.
    """

    apply: bool
    trigger: str = "manual"
    who: str = ""
    group: str = ""
    digest: str = ""
    approved: HoldRecord | None = None
    exceed_limits: bool = False
    fast: bool = False
    rewrite: bool = False
    run_id: str = ""

    @property
    def is_patient(self) -> bool:
        """Whether what failed waits its turn: a person who asks for a run wants it tried now."""
        return self.trigger == "schedule"

    @property
    def mode(self) -> str:
        """As in the report; a fast run may still become a full one."""
        if self.is_partial:
            return "user" if self.who else "group"
        return "fast" if self.fast else "full"

    @property
    def is_partial(self) -> bool:
        """Whether the run is about some people only."""
        return bool(self.who or self.group)

    @property
    def is_for_now(self) -> bool:
        """Whether a plan beyond its limits is not kept: only the same command makes it again."""
        return self.is_partial or self.rewrite

    @property
    def waives_limits(self) -> bool:
        """Whether a person has said that this plan may exceed its limits."""
        return self.approved is not None or self.exceed_limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the store remembers of a connection; evidence, never in place of a read.

    Attributes:
        links: What jcsync created or adopted.
        escrow: What failed and waits.
        settled: Attributes that the platform does not keep, by JumpCloud id and path.
        baseline: What the last full run left, ``None`` when there was none.
        former: What the settings choose no more, as long as not all has followed from it.
    """

    links: tuple[Link, ...] = ()
    escrow: tuple[EscrowRecord, ...] = ()
    settled: Mapping[str, Mapping[str, AttributeChange]] = field(default_factory=dict)
    baseline: Baseline | None = None
    former: Former = field(default_factory=Former)

    def of(self, kind: Kind) -> tuple[Link, ...]:
        """The links of users or of groups."""
        return tuple(link for link in self.links if link.kind is kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from both sides, before anything is done.

    Attributes:
        evidence: Whom the directory was asked for again, and what it said.
        due: Kind and key of every resource that differs, those in escrow included.
        blocked: JumpCloud ids of those whom another account keeps from what they should have.
        directory_gaps: Why nobody's access may be taken; empty when the directory is complete.
        provider_gaps: Likewise for the platform.
        former: What the settings choose no more.
    """

    desired: tuple[DesiredUser, ...]
    users: UserMatching
    groups: GroupMatching
    evidence: Mapping[str, Evidence]
    plan: Plan
    due: frozenset[tuple[Kind, str]]
    blocked: frozenset[str]
    findings: tuple[Finding, ...]
    directory_gaps: tuple[str, ...]
    provider_gaps: tuple[str, ...]
    former: Former = field(default_factory=Former)

    @property
    def complete(self) -> bool:
        """Whether both sides were read completely, provably."""
        return not self.directory_gaps and not self.provider_gaps
