"""Plan and outcomes → store, as they happen."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from jcsync.model.history import EscrowRecord, OutcomeRecord
from jcsync.model.plan import Action, Change, Plan
from jcsync.model.report import Outcome, Status
from jcsync.model.resource import Access, Kind, Link
from jcsync.ports import Clock, Store
from jcsync.stages.escrow import escrow_after
from jcsync.stages.matching import GroupMatching, How, UserMatching


def record_matching(
    store: Store,
    connection: str,
    users: UserMatching,
    groups: GroupMatching,
    links: Iterable[Link],
    *,
    complete: bool,
) -> tuple[Link, ...]:
    """Bring the links in step with what was matched: a lost store is rebuilt by ``externalId``.

    The time of a deactivation ends also where somebody else has given the access back.

    Args:
        store: Where links are kept.
        connection: Of this connection.
        users: Pairs found by ``externalId`` are linked, and orphans that no run could record.
        groups: Likewise.
        links: Those of the store now.
        complete: Links to accounts that no longer exist are forgotten only after a complete read.

    Returns:
        The links now.
    """
    links = tuple(links)
    known = {(link.kind, link.external_id): link for link in links}
    found = [
        Link(
            kind=Kind.USER,
            external_id=pair.desired.external_id,
            resource_id=pair.actual.resource_id,
            name=pair.actual.user_name,
        )
        for pair in users.pairs
        if pair.how is How.EXTERNAL_ID
    ]
    found += [
        Link(
            kind=Kind.GROUP,
            external_id=pair.desired.external_id,
            resource_id=pair.actual.resource_id,
            name=pair.actual.display_name,
        )
        for pair in groups.pairs
        if pair.how is How.EXTERNAL_ID
    ]
    managed = [*(o.link for o in users.orphans), *(o.link for o in groups.orphans)]
    found += [link for link in managed if (link.kind, link.external_id) not in known]
    for pair in users.pairs:
        link = known.get((Kind.USER, pair.desired.external_id))
        back = pair.how is How.LINK and pair.actual.active and pair.desired.access is Access.ACTIVE
        if back and link is not None and link.deactivated_at is not None:
            found.append(replace(link, deactivated_at=None))
    replaced = {(link.kind, link.external_id) for link in found}
    gone = [(link.kind, link.external_id) for link in (*users.gone, *groups.gone)]
    forget = [key for key in gone if key in known and key not in replaced] if complete else []
    if not found and not forget:
        return links
    store.record_links(connection, found, forget=forget)
    known |= {(link.kind, link.external_id): link for link in found}
    return tuple(link for key, link in known.items() if key not in forget)


def record_outcomes(
    store: Store,
    run_id: str,
    plan: Plan,
    outcomes: Iterable[Sequence[Outcome]],
    *,
    links: Iterable[Link],
    clock: Clock,
    seen: Callable[[Change, Outcome], None],
    escrow: Iterable[EscrowRecord] = (),
) -> Iterator[Outcome]:
    """Remember outcomes as they come, together with their links, and pass them on.

    Args:
        store: Where they are kept.
        run_id: Of this run.
        plan: Whose changes the outcomes are of.
        outcomes: One for each change, in any order; those that come together are one transaction.
        links: Those of the store before this run.
        clock: For the time of each outcome.
        seen: Told of each change and its outcome, for logs and progress.
        escrow: That of the connection before this run.
    """
    if not plan.changes:
        return
    known = {(link.kind, link.external_id): link for link in links}
    waiting = {(record.kind, record.key): record for record in escrow}
    for ended in outcomes:
        now = clock.now()
        records = []
        for outcome in ended:
            change = plan.changes[outcome.n - 1]
            before = known.get((change.kind, change.external_id))
            link = _link_after(change, outcome, before, now.isoformat(timespec="seconds"))
            if link is not None:
                known[(change.kind, change.external_id)] = link
            if outcome.status is not Status.NOT_ATTEMPTED:
                failed = escrow_after(plan.connection, change, outcome, waiting, now)
                records.append(
                    OutcomeRecord(change=change, outcome=outcome, at=now, link=link, escrow=failed)
                )
        if records:
            store.record_outcomes(run_id, plan.connection, records)
        for outcome in ended:
            seen(plan.changes[outcome.n - 1], outcome)
            yield outcome


def _link_after(change: Change, outcome: Outcome, before: Link | None, now: str) -> Link | None:
    """The link that a change leaves behind, ``None`` for no change of links."""
    if not change.external_id or not outcome.resource_id or change.action is Action.DELETE:
        return None
    if before is None and not (change.action is Action.CREATE or change.adopts):
        return None  # the adoption that was due first has failed: the account is not ours yet
    deactivated = before.deactivated_at if before is not None else None
    if change.action is Action.DEACTIVATE:
        deactivated = now
    elif change.action in (Action.CREATE, Action.REACTIVATE):
        deactivated = None
    return Link(
        kind=change.kind,
        external_id=change.external_id,
        resource_id=outcome.resource_id,
        name=change.name,
        deactivated_at=deactivated,
    )
