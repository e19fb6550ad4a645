"""What a person decides about single links: to take an account over, or to forget whose it is."""

from collections.abc import Sequence

from jcsync.errors import JcsyncError, UnreadableError, UsageError
from jcsync.model.directory import DirectoryState, is_object_id
from jcsync.model.history import OutcomeRecord
from jcsync.model.plan import Action, AttributeChange, Change, Plan
from jcsync.model.report import Outcome, RunOutcome, RunReport, Status
from jcsync.model.resource import Access, DesiredUser, Kind, Link, ProviderState, UserResource
from jcsync.pipeline.orders import Connection, Decision, Memory, Order, new_run_id
from jcsync.pipeline.organization import check_organization
from jcsync.pipeline.reading import recall
from jcsync.pipeline.recorder import Recorder
from jcsync.ports import Clock, Lease, Store
from jcsync.stages.diff import STEP_PATCH
from jcsync.stages.mapping import map_users
from jcsync.stages.matching import GroupMatching, UserMatching
from jcsync.stages.read import fetch_both
from jcsync.stages.restrict import called


def adopt_account(connection: Connection, account: str, who: str) -> RunReport | None:
    """Give an account to a person: it gets his ``externalId`` and a link, and nothing else.

    Args:
        connection: Wired to write.
        account: ``id`` or ``userName`` of an account that is nobody's.
        who: Id, username or e-mail of a person in the scope who has no account; or the JumpCloud id
            that the account carries, of whomever: a store was lost that knew it.

    Returns:
        What was done; ``None`` when the account is his already.

    Raises:
        LeaseHeldError: A run is under way.
        UsageError: One of the two is not there, not alone, or belongs to somebody else.
        UnreadableError: A side was read in part, so that this cannot be told.
    """
    with connection.store.lease(connection.name, connection.owner) as lease:
        return _adopt_account(connection, account, who, lease)


def _adopt_account(
    connection: Connection, account: str, who: str, lease: Lease
) -> RunReport | None:
    check_organization(connection)
    memory = recall(connection.store, connection.name)
    state, actual = fetch_both(
        connection.directory, connection.provider, connection.scope, groups=False
    )
    if state.gaps or actual.gaps:
        message = f"{'; '.join((*state.gaps, *actual.gaps))}: nothing was adopted"
        raise UnreadableError(message)
    found = _find_account(actual, account)
    if is_object_id(found.external_id) and called(who, found.external_id):
        desired = _owner_by_id(found)
    else:
        desired = _find_person(connection, state, who)
    if _is_his(desired, found, memory):
        return None
    _check_free(desired, found, actual, memory, connection.name)
    return _adopt(connection, state, actual, memory, _adoption(desired, found), lease)


def _owner_by_id(found: UserResource) -> DesiredUser:
    return DesiredUser(
        external_id=found.external_id,
        user_name=found.user_name,
        access=Access.KEEP,
        reason="his account has his JumpCloud id",
    )


def _find_person(connection: Connection, state: DirectoryState, who: str) -> DesiredUser:
    people = connection.directory.find_people(who)
    if not people:
        message = f"nobody called {who!r} is in JumpCloud; give an id, username or e-mail"
        raise UsageError(message)
    if len(people) > 1:
        ids = ", ".join(sorted(user.id for user in people))
        message = f"several people are called {who!r}: give one of the ids {ids}"
        raise UsageError(message)
    mapped = map_users(state, connection.scope, connection.policy, connection.rules)
    for desired in mapped:
        if desired.external_id == people[0].id and desired.in_scope:
            return desired
    message = (
        f"{people[0].label} is not in the scope of {connection.name}: the next run would deactivate "
        "his account; put him into one of the chosen groups first"
    )
    raise UsageError(message)


def _find_account(actual: ProviderState, account: str) -> UserResource:
    wanted = account.strip().casefold()
    found = [user for user in actual.users if user.resource_id == account.strip()] or [
        user for user in actual.users if user.user_name.casefold() == wanted
    ]
    if not found:
        message = f"no account on the platform has the id or userName {account!r}"
        raise UsageError(message)
    if len(found) > 1:
        ids = ", ".join(sorted(user.resource_id for user in found))
        message = f"several accounts are called {account!r}: give one of the ids {ids}"
        raise UsageError(message)
    return found[0]


def _is_his(desired: DesiredUser, found: UserResource, memory: Memory) -> bool:
    linked = any(
        link.kind is Kind.USER
        and (link.external_id, link.resource_id) == (desired.external_id, found.resource_id)
        for link in memory.links
    )
    return linked and found.external_id in ("", desired.external_id)


def _check_free(
    desired: DesiredUser,
    found: UserResource,
    actual: ProviderState,
    memory: Memory,
    connection: str,
) -> None:
    """Refuse an account that is another person's, and a person who has another account.

    Raises:
        UsageError: With the command that would free it.
    """
    there = {user.resource_id for user in actual.users}
    for link in memory.links:
        if link.kind is not Kind.USER or link.resource_id not in there:
            continue
        forget = f"; to forget that: jcsync links forget {connection} {link.external_id}"
        if link.resource_id == found.resource_id and link.external_id != desired.external_id:
            message = f"the account {found.resource_id} is linked to {link.external_id}{forget}"
            raise UsageError(message)
        if link.external_id == desired.external_id and link.resource_id != found.resource_id:
            message = f"{desired.user_name} is linked to the account {link.resource_id}{forget}"
            raise UsageError(message)
    if found.external_id not in ("", desired.external_id):
        message = (
            f"the account {found.resource_id} carries the externalId {found.external_id}: it belongs "
            "to somebody else or to another provisioner; remove that on the platform first"
        )
        raise UsageError(message)
    for other in actual.users:
        if other.external_id == desired.external_id and other is not found:
            message = (
                f"the account {other.resource_id} ({other.user_name}) carries the externalId of "
                f"{desired.user_name} already; remove one of the two on the platform first"
            )
            raise UsageError(message)


def _adoption(desired: DesiredUser, found: UserResource) -> Change:
    return Change(
        action=Action.PATCH,
        kind=Kind.USER,
        name=found.user_name,
        external_id=desired.external_id,
        resource_id=found.resource_id,
        reason="adopted by hand",
        step=STEP_PATCH,
        attributes=(
            AttributeChange(
                path="externalId", before=found.external_id or None, after=desired.external_id
            ),
        ),
    )


def _adopt(
    connection: Connection,
    state: DirectoryState,
    actual: ProviderState,
    memory: Memory,
    change: Change,
    lease: Lease,
) -> RunReport:
    order = Order(apply=True, trigger="adopt", who=change.external_id)
    record = Recorder(connection, order, lambda _stage, _done, _total: None)
    decision = Decision(
        desired=(),
        users=UserMatching(),
        groups=GroupMatching(),
        evidence={},
        plan=Plan(connection=connection.name, changes=(change,)),
        due=frozenset(),
        blocked=frozenset(),
        findings=(),
        directory_gaps=(),
        provider_gaps=(),
    )
    record.start()
    record.decided(state, actual, decision, ())
    try:
        record.apply(decision.plan, memory, lease)
    except JcsyncError as error:
        record.fail(error)
    return record.finish()


def forget_links(
    store: Store,
    clock: Clock,
    connection: str,
    links: Sequence[Link],
    *,
    owner: str,
    actor: str,
) -> str:
    """Forget whose resources these are: the next run looks them up again.

    Args:
        store: Where links and history are kept.
        clock: For the time in the history.
        connection: Of this connection; it need not be in the settings any more.
        links: To forget.
        owner: Of the lease.
        actor: Who asked for it.

    Returns:
        The id under which the history has it.

    Raises:
        LeaseHeldError: A run is under way.
    """
    now = clock.now()
    run_id = new_run_id(now)
    plan = Plan(connection=connection, changes=tuple(_oblivion(link) for link in links))
    outcomes = tuple(
        Outcome(n=n, status=Status.APPLIED, resource_id=link.resource_id)
        for n, link in enumerate(links, start=1)
    )
    with store.lease(connection, owner):
        store.record_start(
            run_id, connection, mode="user", trigger="forget", started_at=now, actor=actor
        )
        store.record_plan(run_id, plan, at=now)
        store.record_links(connection, (), forget=[(link.kind, link.external_id) for link in links])
        records = [
            OutcomeRecord(change=change, outcome=outcome, at=now)
            for change, outcome in zip(plan.changes, outcomes, strict=True)
        ]
        store.record_outcomes(run_id, connection, records)
        store.record_end(
            RunReport(
                run_id=run_id,
                connection=connection,
                mode="user",
                outcome=RunOutcome.APPLIED,
                started_at=now,
                finished_at=clock.now(),
                directory_complete=True,
                provider_complete=True,
                plan=plan,
                outcomes=outcomes,
            )
        )
    return run_id


def _oblivion(link: Link) -> Change:
    return Change(
        action=Action.PATCH,
        kind=link.kind,
        name=link.name,
        external_id=link.external_id,
        resource_id=link.resource_id,
        reason="link forgotten by hand",
        step=STEP_PATCH,
        attributes=(AttributeChange(path="link", before=link.resource_id, after=None),),
    )
