"""What a full run leaves for the fast ones that follow it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

UNSETTLED = ""
"""In place of the fingerprint of somebody who may have something else than was decided."""

BLOCKED = "?"
"""Before the fingerprint of somebody whom another account keeps from what was decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """From where fast runs go on.

    Attributes:
        basis: Digest of the settings: with others nothing of this holds.
        full_at: When the full run began.
        followed: Up to when the event log is known, by JumpCloud's clock.
        seen: Ids of the events that the next question may tell once more.
        groups: Names of the groups of the scope, by ``id``.
        chosen: What ``scope.groups`` named: names and ids in small letters.
        application: ``scope.application``, or ``""``.
        requests: How many requests reading the whole directory took.
    """

    basis: str
    full_at: datetime
    followed: datetime
    seen: frozenset[str] = frozenset()
    groups: Mapping[str, str] = field(default_factory=dict)
    chosen: frozenset[str] = frozenset()
    application: str = ""
    requests: int = 0
