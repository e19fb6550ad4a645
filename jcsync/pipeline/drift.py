"""What the platform holds that the directory does not imply: by a look, and after a run."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import structlog

from jcsync.errors import StoreError
from jcsync.model.drift import Drift, DriftReport
from jcsync.model.history import DRIFT
from jcsync.model.plan import Action, Change
from jcsync.model.report import BLOCKING, FindingKind
from jcsync.model.resource import Kind, Link
from jcsync.pipeline.decide import decide
from jcsync.pipeline.orders import Connection, Decision, Memory
from jcsync.pipeline.organization import check_organization
from jcsync.pipeline.reading import map_directory, read_everybody, recall
from jcsync.stages.drift import find_drift, hides_drift, strict, strict_groups
from jcsync.stages.escrow import key_of
from jcsync.stages.matching import GroupMatching, UserMatching
from jcsync.stages.settle import written_ids

log = structlog.get_logger()

_REMEMBERED = 100
_WHOLE = frozenset({Action.CREATE, Action.DELETE})
_SHOWN = BLOCKING | {FindingKind.INCOMPLETE, FindingKind.NOT_CONFIRMED}


def look_for_drift(connection: Connection) -> DriftReport:
    """Return what the platform holds that the directory does not imply. Writes to neither side.

    While a side is read in part, what follows from its whole list is left out; of a complete look
    the store remembers how much it was.

    Args:
        connection: Wired read-only.

    Raises:
        JcsyncError: A side could not be read at all.
    """
    check_organization(connection)
    state, actual = read_everybody(connection)
    memory = recall(connection.store, connection.name)
    suspicious = replace(
        connection,
        policy=strict(connection.policy),
        group_policy=strict_groups(connection.group_policy),
    )
    decision = decide(suspicious, map_directory(suspicious, state), actual, memory)
    users, groups = decision.users, decision.groups
    if decision.directory_gaps:
        users, groups = replace(users, unmanaged=()), replace(groups, orphans=(), unmanaged=())
    if decision.provider_gaps:
        users, groups = replace(users, gone=()), replace(groups, gone=())
    entries = _entries(connection, users, groups, decision.plan.changes, memory)
    if decision.complete:
        _remember(connection, entries)
    return DriftReport(
        connection=connection.name,
        entries=entries,
        findings=tuple(f for f in decision.findings if f.kind in _SHOWN),
        directory_complete=not decision.directory_gaps,
        provider_complete=not decision.provider_gaps,
    )


def remember_rest(
    connection: Connection, decision: Decision, memory: Memory, undone: Sequence[Change]
) -> None:
    """Remember how much drift a full run has left.

    Nothing is remembered where the run could not see all of it: its policies keep some, or some
    waits in escrow.

    Args:
        connection: Of the run.
        decision: What was due; complete.
        memory: What the store remembered before.
        undone: Changes of the plan that were not applied.
    """
    planned = {key_of(change) for change in decision.plan.changes}
    if hides_drift(connection.policy, connection.group_policy) or decision.due - planned:
        return
    begun = {key_of(c) for c in decision.plan.changes if c.action in _WHOLE}
    done = begun - {key_of(c) for c in undone if c.action in _WHOLE}
    users, groups = decision.users, decision.groups
    entries = _entries(
        connection,
        replace(users, gone=_without(done, users.gone)),
        replace(
            groups,
            gone=_without(done, groups.gone),
            orphans=tuple(o for o in groups.orphans if _without(done, [o.link])),
        ),
        undone,
        memory,
    )
    _remember(connection, entries)


def _without(done: AbstractSet[tuple[Kind, str]], links: Iterable[Link]) -> tuple[Link, ...]:
    return tuple(link for link in links if (link.kind, link.external_id) not in done)


def _entries(
    connection: Connection,
    users: UserMatching,
    groups: GroupMatching,
    changes: Sequence[Change],
    memory: Memory,
) -> tuple[Drift, ...]:
    past = connection.store.last_applied(connection.name, written_ids(changes), limit=_REMEMBERED)
    return find_drift(
        users,
        groups,
        changes,
        links=memory.links,
        past=past,
        protect=connection.policy.protect,
    )


def _remember(connection: Connection, entries: Iterable[Drift]) -> None:
    """Remember it for ``status``; what was seen is worth no less where that fails."""
    numbers = Counter(entry.kind.value for entry in entries)
    try:
        connection.store.record_memo(connection.name, DRIFT, json.dumps(numbers))
    except StoreError as error:
        log.warning("drift could not be remembered", error=str(error))
