"""Rows of the tables ↔ values of ``model``, pure."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import RowMapping

from jcsync.model.history import (
    ChangeRecord,
    EscrowRecord,
    HoldRecord,
    HoldStatus,
    RunRecord,
)
from jcsync.model.limits import Violation
from jcsync.model.plan import Action, AttributeChange, Change, Member
from jcsync.model.resource import Kind, Value
from jcsync.store.columns import Columns
from jcsync.store.tables import clean_text

INTENDED: Final = "intended"
"""Status of a change that has no outcome."""

_KEY_BYTES: Final = 8


def search_key(text: str) -> int:
    """Return the key by which a name or id is searched, case ignored.

    A number, because an index of numbers takes a third of one of names, and takes names of any
    length; that two of them share one is not to be expected before there are billions.
    """
    folded = clean_text(text).casefold().encode()
    return int.from_bytes(hashlib.blake2b(folded, digest_size=_KEY_BYTES).digest(), signed=True)


def dump_changes(first: int, changes: Sequence[Change]) -> Columns:
    """Return the rows of changes that are about to be made, by column.

    Args:
        first: Number of the first of them in its plan.
        changes: Those that follow one another.
    """
    return {
        "n": range(first, first + len(changes)),
        "action": [change.action.value for change in changes],
        "kind": [change.kind.value for change in changes],
        "name": [change.name for change in changes],
        "external_id": [change.external_id for change in changes],
        "resource_id": [change.resource_id for change in changes],
        "name_key": [search_key(change.name) for change in changes],
        "external_key": [search_key(change.external_id) for change in changes],
        "resource_key": [search_key(change.resource_id) for change in changes],
        "reason": [change.reason for change in changes],
        "attributes": [_dump_attributes(change.attributes) for change in changes],
        "members_added": [_dump_members(change.add) for change in changes],
        "members_removed": [_dump_members(change.remove) for change in changes],
    }


def parse_change(row: RowMapping) -> ChangeRecord:
    """Return the change of a row."""
    return ChangeRecord(
        run_id=row["run_id"],
        connection=row["connection"],
        n=row["n"],
        at=row["at"],
        action=Action(row["action"]),
        kind=Kind(row["kind"]),
        name=row["name"],
        external_id=row["external_id"],
        resource_id=row["resource_id"],
        reason=row["reason"],
        attributes=tuple(
            AttributeChange(path=path, before=before, after=after)
            for path, before, after in row["attributes"]
        ),
        add=_parse_members(row["members_added"]),
        remove=_parse_members(row["members_removed"]),
        status=row["status"],
        error=row["error"],
        attempts=row["attempts"],
    )


def parse_run(row: RowMapping) -> RunRecord:
    """Return the run of a row that also counts its changes."""
    return RunRecord(
        run_id=row["run_id"],
        connection=row["connection"],
        mode=row["mode"],
        trigger=row["trigger"],
        actor=row["actor"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        outcome=row["outcome"],
        complete=row["directory_complete"] and row["provider_complete"],
        digest=row["digest"],
        planned=row["planned"],
        applied=row["applied"] or 0,
        failed=row["failed"] or 0,
        error=row["error"],
    )


def dump_violations(violations: Sequence[Violation]) -> list[list[object]]:
    """Return the violations of a hold as they are kept."""
    return [[v.limit, v.allowed, v.planned, v.subject, v.base] for v in violations]


def parse_hold(row: RowMapping) -> HoldRecord:
    """Return the hold of a row."""
    return HoldRecord(
        id=row["id"],
        connection=row["connection"],
        run_id=row["run_id"],
        digest=row["digest"],
        status=HoldStatus(row["status"]),
        created_at=row["created_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        violations=tuple(
            Violation(limit=limit, allowed=allowed, planned=planned, subject=subject, base=base)
            for limit, allowed, planned, subject, base in row["violations"]
        ),
    )


def dump_escrow(connection: str, record: EscrowRecord) -> dict[str, object]:
    """Return the row of a resource in escrow."""
    return {
        "connection": connection,
        "kind": record.kind.value,
        "key": record.key,
        "external_id": record.external_id,
        "resource_id": record.resource_id,
        "name": record.name,
        "action": record.action.value,
        "fingerprint": record.fingerprint,
        "reason": record.reason,
        "attempts": record.attempts,
        "first_failed_at": record.first_failed_at,
        "last_failed_at": record.last_failed_at,
        "next_try_at": record.next_try_at,
    }


def parse_escrow(row: RowMapping) -> EscrowRecord:
    """Return the resource in escrow of a row."""
    return EscrowRecord(
        connection=row["connection"],
        kind=Kind(row["kind"]),
        external_id=row["external_id"],
        resource_id=row["resource_id"],
        name=row["name"],
        action=Action(row["action"]),
        fingerprint=row["fingerprint"],
        reason=row["reason"],
        attempts=row["attempts"],
        first_failed_at=row["first_failed_at"],
        last_failed_at=row["last_failed_at"],
        next_try_at=row["next_try_at"],
    )


def _dump_attributes(attributes: Iterable[AttributeChange]) -> list[list[Value]]:
    return [[a.path, _plain(a.before), _plain(a.after)] for a in attributes]


def _plain(value: Value) -> Value:
    # JSON has no infinity; a platform that sends one is shown as it was.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _dump_members(members: Iterable[Member]) -> list[list[str]]:
    return [[m.name, m.external_id, m.resource_id] for m in members]


def _parse_members(rows: Iterable[Sequence[str]]) -> tuple[Member, ...]:
    return tuple(
        Member(name=name, external_id=external_id, resource_id=resource_id)
        for name, external_id, resource_id in rows
    )
