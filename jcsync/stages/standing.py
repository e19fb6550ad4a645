"""What blocked somebody in an earlier run, and blocks him still as far as a fast run knows. Pure.

A fast run looks at a few people. So that nobody reads "in step" while others wait, it tells what
the runs before it have found of those at whom it does not look.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import astuple

from jcsync.model.history import EscrowRecord
from jcsync.model.report import BLOCKING, Finding, FindingKind
from jcsync.stages.escrow import waiting_finding

_KEPT = BLOCKING - {FindingKind.ESCROW}
"""What waits in escrow is told from there."""


def still_standing(
    before: Iterable[Finding], found: Collection[Finding], looked_at: Collection[str]
) -> tuple[Finding, ...]:
    """Return what was found before and is not known to be over.

    Args:
        before: What stood until now.
        found: What this run has found.
        looked_at: JumpCloud ids of those whom it was about: of them it knows better.
    """
    return tuple(f for f in before if f.external_id not in looked_at and f not in found)


def still_waiting(
    escrow: Iterable[EscrowRecord], looked_at: Collection[str]
) -> tuple[Finding, ...]:
    """Return what is said of those who failed before, and whose turn has not come."""
    return tuple(
        waiting_finding(record) for record in escrow if record.external_id not in looked_at
    )


def dump_standing(findings: Iterable[Finding]) -> str:
    """Return what of these findings stands until somebody looks again, as JSON; ``""`` for none."""
    rows = [astuple(finding) for finding in findings if finding.kind in _KEPT]
    return json.dumps(rows) if rows else ""


def parse_standing(text: str) -> tuple[Finding, ...]:
    """Return what :func:`dump_standing` was given."""
    return tuple(
        Finding(kind=FindingKind(kind), subject=subject, message=message, external_id=external_id)
        for kind, subject, message, external_id in (json.loads(text) if text else ())
    )
