"""Holds: plans that wait for a person."""

import pytest

from jcsync.errors import UsageError
from jcsync.model.history import HoldStatus
from jcsync.model.limits import Violation
from jcsync.store import SqlStore
from tests.unit.store.builders import NOON, a_violation, minutes


def held(store: SqlStore, digest: str = "sha256:1", *, run_id: str = "run-1", **named: str) -> int:
    connection = named.get("connection", "keepnet")
    return store.open_hold(connection, run_id, digest, [a_violation()], at=NOON)


def test_a_hold_can_be_read_back(store: SqlStore) -> None:
    """What exceeded which limit, by how much, in which run."""
    violations = (
        a_violation(),
        Violation(limit="remove_members.percent", allowed=2, planned=9, subject="IT", base=10),
    )

    hold_id = store.open_hold("keepnet", "run-1", "sha256:1", violations, at=NOON)

    (hold,) = store.holds()
    assert (hold.id, hold.connection, hold.run_id) == (hold_id, "keepnet", "run-1")
    assert (hold.digest, hold.status, hold.created_at) == ("sha256:1", HoldStatus.HELD, NOON)
    assert (hold.decided_at, hold.decided_by) == (None, "")
    assert hold.violations == violations


def test_the_same_plan_keeps_its_number(store: SqlStore) -> None:
    """A plan that stays the same is held once, however many runs find it."""
    assert held(store) == held(store, run_id="run-2") == 1
    assert len(store.holds()) == 1


def test_another_plan_supersedes(store: SqlStore) -> None:
    """Only the newest plan of a connection waits; the run that replaced a plan is named."""
    other = held(store, connection="other")
    first = held(store)

    second = held(store, "sha256:2", run_id="run-2")

    assert [hold.id for hold in store.holds()] == [second, first, other]
    assert [hold.id for hold in store.holds(open_only=True)] == [second, other]
    (old,) = (hold for hold in store.holds(connection="keepnet") if hold.id == first)
    assert (old.status, old.decided_by, old.decided_at) == (
        HoldStatus.SUPERSEDED,
        "run run-2",
        NOON,
    )


def test_a_decision_ends_a_hold(store: SqlStore) -> None:
    """Who decided, and when, is kept."""
    hold_id = held(store)

    store.decide_hold(hold_id, HoldStatus.REJECTED, by="ann", at=NOON + minutes(5))

    (hold,) = store.holds()
    assert (hold.status, hold.decided_by, hold.decided_at) == (
        HoldStatus.REJECTED,
        "ann",
        NOON + minutes(5),
    )
    assert store.holds(open_only=True) == ()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (HoldStatus.REJECTED, (HoldStatus.REJECTED, HoldStatus.APPLIED)),
        (HoldStatus.APPROVED, (HoldStatus.REJECTED, HoldStatus.APPROVED)),
        (HoldStatus.APPLIED, (HoldStatus.REJECTED, HoldStatus.APPROVED, HoldStatus.APPLIED)),
    ],
)
def test_a_hold_is_decided_once(
    store: SqlStore, first: HoldStatus, then: tuple[HoldStatus, ...]
) -> None:
    """The second person learns who was first."""
    hold_id = held(store)
    store.decide_hold(hold_id, first, by="ann", at=NOON)

    for status in then:
        with pytest.raises(UsageError, match=f"hold {hold_id} is not open.*{first} by ann"):
            store.decide_hold(hold_id, status, by="bob", at=NOON)


def test_what_was_refused_is_not_asked_for_again(store: SqlStore) -> None:
    """The same plan finds its rejection, however many plans were held in between."""
    rejected = held(store)
    store.decide_hold(rejected, HoldStatus.REJECTED, by="ann", at=NOON)
    assert held(store, run_id="run-2") == rejected
    other = held(store, "sha256:2", run_id="run-3")

    assert held(store, run_id="run-4") == rejected
    statuses = {hold.id: hold.status for hold in store.holds()}
    assert statuses == {rejected: HoldStatus.REJECTED, other: HoldStatus.SUPERSEDED}
    # Another platform is another question.
    assert held(store, connection="other") not in statuses


def test_a_rejected_plan_may_be_approved_after_all(store: SqlStore) -> None:
    """Whoever refused may think again; when it is due once more later, it is asked for."""
    rejected = held(store)
    store.decide_hold(rejected, HoldStatus.REJECTED, by="ann", at=NOON)

    store.decide_hold(rejected, HoldStatus.APPROVED, by="bob", at=NOON + minutes(1))

    (hold,) = store.holds()
    assert (hold.status, hold.decided_by) == (HoldStatus.APPROVED, "bob")
    assert held(store) != rejected


@pytest.mark.parametrize("before", [(), (HoldStatus.APPROVED,)])
def test_a_plan_is_applied_at_once_or_after_its_approval(
    store: SqlStore, before: tuple[HoldStatus, ...]
) -> None:
    """An approved plan may still become an applied one."""
    hold_id = held(store)

    for status in (*before, HoldStatus.APPLIED):
        store.decide_hold(hold_id, status, by="ann", at=NOON)

    assert store.holds()[0].status is HoldStatus.APPLIED


def test_an_unknown_hold_is_named(store: SqlStore) -> None:
    """A number that nobody issued."""
    with pytest.raises(UsageError, match='no hold 7; look with "jcsync holds"'):
        store.decide_hold(7, HoldStatus.APPROVED, by="ann", at=NOON)


def test_a_cause_that_is_gone_ends_every_open_hold(store: SqlStore) -> None:
    """Decided holds and those of other connections stay as they are."""
    rejected = held(store)
    store.decide_hold(rejected, HoldStatus.REJECTED, by="ann", at=NOON)
    open_one = held(store, "sha256:2")
    other = held(store, connection="other")

    store.supersede_holds("keepnet", by="run run-3", at=NOON + minutes(1))

    statuses = {hold.id: hold.status for hold in store.holds()}
    assert statuses == {
        rejected: HoldStatus.REJECTED,
        open_one: HoldStatus.SUPERSEDED,
        other: HoldStatus.HELD,
    }


def test_numbers_are_never_used_again(store: SqlStore) -> None:
    """Old decided holds are pruned, open ones stay, and a new one gets a new number."""
    waiting = held(store, connection="other")
    decided = held(store)
    store.decide_hold(decided, HoldStatus.REJECTED, by="ann", at=NOON)

    store.prune(before=NOON + minutes(1))

    assert [hold.id for hold in store.holds()] == [waiting]
    assert held(store) == decided + 1
