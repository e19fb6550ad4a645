"""What failed before waits its turn, and delays nobody else. Pure.

A change that the platform rejected is tried again by the schedule with growing delay, from a
minute to a day; one that failed in passing is tried by every run, and a run that a person asks
for tries everything. A resource leaves escrow when a change of it
is applied, and is tried at once when it is to become something else than what was rejected.
Access is taken whenever it is due: a deactivation never waits.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from jcsync.model.history import EscrowRecord
from jcsync.model.plan import Action, Change
from jcsync.model.report import Finding, FindingKind, Outcome, Status
from jcsync.model.resource import Kind

DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(days=1),
)
"""Before the second try, the third, and so on; the last one counts for all that follow."""

Key = tuple[Kind, str]

_PATIENT = frozenset({Action.CREATE, Action.REACTIVATE, Action.PATCH})


def key_of(change: Change) -> Key:
    """Return what tells a resource apart: kind and JumpCloud id, without one the platform's id."""
    return change.kind, change.external_id or change.resource_id


def fingerprint(change: Change) -> str:
    """Return what stands for the content of a change: equal for the same call once more."""
    body = [
        change.action,
        [[a.path, a.after] for a in change.attributes],
        sorted(m.external_id or m.resource_id for m in change.add),
        sorted(m.external_id or m.resource_id for m in change.remove),
    ]
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()[:32]


def postpone(
    changes: Iterable[Change], records: Iterable[EscrowRecord], now: datetime
) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """Leave out the changes whose turn has not come, and say so.

    Args:
        changes: All that is due.
        records: The escrow of the connection.
        now: Aware.

    Returns:
        The changes to make now, in their order, and one finding for each that waits.
    """
    waiting = {(record.kind, record.key): record for record in records}
    if not waiting:
        return tuple(changes), ()
    due: list[Change] = []
    findings: list[Finding] = []
    for change in changes:
        record = waiting.get(key_of(change))
        if record is None or not _waits(change, record, now):
            due.append(change)
            continue
        findings.append(waiting_finding(record))
    return tuple(due), tuple(findings)


def waiting_finding(record: EscrowRecord) -> Finding:
    """Return what is said of a resource that waits."""
    tries = "once" if record.attempts == 1 else f"{record.attempts} times"
    message = (
        f"{record.action} failed {tries}, next try {record.next_try_at:%Y-%m-%d %H:%M:%S} UTC "
        f'or with "jcsync escrow retry": {record.reason}'
    )
    return Finding(kind=FindingKind.ESCROW, subject=record.name, message=message)


def _waits(change: Change, record: EscrowRecord, now: datetime) -> bool:
    return (
        change.action in _PATIENT
        and record.next_try_at > now
        and record.fingerprint == fingerprint(change)
    )


def is_due(record: EscrowRecord, now: datetime) -> bool:
    """Whether a resource is tried again now: to take access always, for all else in its turn."""
    return record.action not in _PATIENT or record.next_try_at <= now


def escrow_after(
    connection: str,
    change: Change,
    outcome: Outcome,
    records: Mapping[Key, EscrowRecord],
    now: datetime,
) -> EscrowRecord | None:
    """Return what a failed change leaves in escrow, ``None`` for one that was applied.

    Args:
        connection: Its name.
        change: What was tried.
        outcome: How it ended.
        records: The escrow before this run.
        now: When it ended.
    """
    if outcome.status is not Status.FAILED:
        return None
    mark = fingerprint(change)
    before = records.get(key_of(change))
    same = before is not None and before.fingerprint == mark
    attempts = before.attempts + 1 if before is not None and same else 1
    delay = DELAYS[min(attempts, len(DELAYS)) - 1] if outcome.rejected else timedelta()
    record = EscrowRecord(
        connection=connection,
        kind=change.kind,
        external_id=change.external_id,
        resource_id=change.resource_id,
        name=change.name,
        action=change.action,
        fingerprint=mark,
        reason=outcome.error,
        attempts=attempts,
        first_failed_at=now,
        last_failed_at=now,
        next_try_at=now + delay,
    )
    if before is not None and same:
        return replace(record, first_failed_at=before.first_failed_at)
    return record
