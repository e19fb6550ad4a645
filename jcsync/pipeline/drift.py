"""A look at both sides for what the directory does not imply. Writes nothing."""

from dataclasses import replace

from jcsync.model.drift import DriftReport
from jcsync.model.report import BLOCKING, FindingKind
from jcsync.pipeline.decide import decide
from jcsync.pipeline.orders import Connection
from jcsync.pipeline.organization import check_organization
from jcsync.pipeline.reading import read_everybody
from jcsync.pipeline.run import recall
from jcsync.stages.drift import find_drift, strict, strict_groups
from jcsync.stages.settle import written_ids

_REMEMBERED = 100
_SHOWN = BLOCKING | {FindingKind.INCOMPLETE, FindingKind.NOT_CONFIRMED}


def look_for_drift(connection: Connection) -> DriftReport:
    """Return what the platform holds that the directory does not imply.

    While a side is read in part, what follows from its whole list is left out.

    Args:
        connection: Wired read-only.

    Raises:
        JcsyncError: A side could not be read at all.
    """
    check_organization(connection, remember=False)
    state, actual = read_everybody(connection)
    memory = recall(connection.store, connection.name)
    suspicious = replace(
        connection,
        policy=strict(connection.policy),
        group_policy=strict_groups(connection.group_policy),
    )
    decision = decide(suspicious, state, actual, memory)
    users, groups = decision.users, decision.groups
    if decision.directory_gaps:
        users, groups = replace(users, unmanaged=()), replace(groups, orphans=(), unmanaged=())
    if decision.provider_gaps:
        users, groups = replace(users, gone=()), replace(groups, gone=())
    return DriftReport(
        connection=connection.name,
        entries=find_drift(
            users,
            groups,
            decision.plan.changes,
            links=memory.links,
            past=connection.store.last_applied(
                connection.name, written_ids(decision.plan.changes), limit=_REMEMBERED
            ),
            protect=connection.policy.protect,
        ),
        findings=tuple(f for f in decision.findings if f.kind in _SHOWN),
        directory_complete=not decision.directory_gaps,
        provider_complete=not decision.provider_gaps,
    )
