"""Escrow: what failed waits for its next try, and leaves when it succeeds or its cause is gone."""

from dataclasses import replace

import pytest

from jcsync.model.history import EscrowRecord
from jcsync.model.plan import Action
from jcsync.model.report import Outcome, Status
from jcsync.model.resource import Kind
from jcsync.store import SqlStore
from tests.unit.store.builders import (
    NOON,
    a_change,
    an_escrow,
    applied,
    failed,
    minutes,
    record_outcome,
    start,
)


def put(store: SqlStore, *records: EscrowRecord, run_id: str = "run-1") -> None:
    """Let a run fail for these."""
    for n, record in enumerate(records):
        name = f"{run_id}-{n}"
        change = a_change(kind=record.kind)
        start(store, name, change, connection=record.connection)
        record_outcome(store, name, record.connection, change, failed(), at=NOON, escrow=record)


def names(store: SqlStore) -> list[str]:
    return [record.name.removesuffix("@example.com") for record in store.escrow()]


def test_a_record_comes_back(store: SqlStore) -> None:
    """All of it, also of a resource that jcsync does not know by an id of the directory."""
    group = an_escrow("it", kind=Kind.GROUP, external_id="", action=Action.DELETE, attempts=7)
    assert group.key == "scim-it"

    put(store, an_escrow(), group)

    assert set(store.escrow()) == {an_escrow(), group}
    assert store.escrow("other") == ()


def test_who_is_due_first_comes_first(store: SqlStore) -> None:
    """Whatever the connection; one connection can be asked for."""
    put(store, *(an_escrow(who, next_try_at=NOON + minutes(m)) for who, m in (("b", 9), ("a", 3))))
    put(store, an_escrow("c", connection="other", next_try_at=NOON + minutes(6)), run_id="run-2")

    assert names(store) == ["a", "c", "b"]
    assert [record.name for record in store.escrow("other")] == ["c@example.com"]


def test_another_failure_replaces_the_record(store: SqlStore) -> None:
    """One row a resource, with what the last try said; a group of the same id is another one."""
    put(store, an_escrow(), an_escrow(kind=Kind.GROUP))
    again = an_escrow(
        attempts=2, reason="409: taken", last_failed_at=NOON + minutes(5), fingerprint="sha256:2"
    )

    put(store, again, run_id="run-2")

    assert set(store.escrow()) == {again, an_escrow(kind=Kind.GROUP)}


@pytest.mark.parametrize("external_id", ["jc-ann", ""])
def test_what_was_applied_leaves(store: SqlStore, external_id: str) -> None:
    """By its directory id, or by its resource id where it has none; nobody else does."""
    put(store, an_escrow(external_id=external_id), an_escrow("bob"))
    put(store, an_escrow(connection="other"), run_id="run-2")
    change = replace(a_change(), external_id=external_id)
    start(store, "run-3", change)

    record_outcome(store, "run-3", "keepnet", change, applied(), at=NOON)

    assert {(r.connection, r.name) for r in store.escrow()} == {
        ("keepnet", "bob@example.com"),
        ("other", "ann@example.com"),
    }


@pytest.mark.parametrize("status", [Status.FAILED, Status.NOT_ATTEMPTED])
def test_what_was_not_applied_stays(store: SqlStore, status: Status) -> None:
    """A change that was not even tried takes nobody out."""
    put(store, an_escrow())
    start(store, "run-2", a_change())

    outcome = Outcome(n=1, status=status, error="stopped", attempts=0)
    record_outcome(store, "run-2", "keepnet", a_change(), outcome, at=NOON)

    assert store.escrow() == (an_escrow(),)


@pytest.mark.parametrize(
    ("who", "found"),
    [
        (None, ["Ann", "Özge"]),
        ("öZGE@example.COM", ["Özge"]),
        ("JC-ann", ["Ann"]),
        ("SCIM-ann", ["Ann"]),
        ("nobody", []),
        ("", []),
    ],
)
def test_people_name_whom_they_mean(store: SqlStore, who: str | None, found: list[str]) -> None:
    """By name or id, case ignored, or all; those of another connection are not touched."""
    put(store, an_escrow("Ann"), an_escrow("Özge"))
    other = an_escrow("Ann", connection="other")
    put(store, other, run_id="run-2")
    soon = NOON + minutes(1)

    assert store.retry_escrow("keepnet", who, at=soon) == len(found)
    due = [record for record in store.escrow("keepnet") if record.next_try_at == soon]
    assert sorted(record.name for record in due) == [f"{name}@example.com" for name in found]
    assert {record.attempts for record in store.escrow()} == {1}

    assert store.forget_escrow("keepnet", who) == len(found)
    left = {"Ann", "Özge"} - set(found)
    assert {record.name for record in store.escrow("keepnet")} == {f"{n}@example.com" for n in left}
    assert store.escrow("other") == (other,)


def test_what_has_no_cause_any_more_is_settled(store: SqlStore) -> None:
    """Only what is still in a plan waits; kind and key tell."""
    unlinked = an_escrow("cid", external_id="")
    put(store, an_escrow("ann"), an_escrow("bob"), unlinked, an_escrow("ann", kind=Kind.GROUP))
    put(store, an_escrow("ann", connection="other"), run_id="run-2")

    assert store.settle_escrow("keepnet", {(Kind.USER, "jc-ann"), (Kind.USER, "scim-cid")}) == 2
    assert {(r.kind, r.name) for r in store.escrow("keepnet")} == {
        (Kind.USER, "ann@example.com"),
        (Kind.USER, "cid@example.com"),
    }
    assert store.settle_escrow("keepnet", ()) == 2
    assert len(store.escrow()) == 1


def test_ids_that_no_database_keeps_are_found_again(store: SqlStore) -> None:
    """They are compared as they are kept."""
    odd = "a\x00\ud800"
    put(store, an_escrow(external_id=odd))

    assert store.settle_escrow("keepnet", {(Kind.USER, odd)}) == 0
    assert store.retry_escrow("keepnet", odd, at=NOON) == 1
    assert store.forget_escrow("keepnet", odd) == 1
