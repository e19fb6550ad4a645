"""The whole history, oldest first, a page at a time."""

import pytest

from jcsync.model.resource import Kind
from jcsync.store import SqlStore
from tests.factories import NOON, a_change, a_plan
from tests.unit.store.builders import minutes


def test_every_change_once_in_the_order_of_runs(store: SqlStore) -> None:
    """Pages follow one another without gap or repetition, also while outcomes come in."""
    sizes = {"run-1": 1500, "run-2": 3, "run-3": 1000}
    for number, (run, size) in enumerate(sizes.items()):
        store.record_start(
            run,
            "keepnet",
            mode="full",
            trigger="manual",
            started_at=NOON + minutes(number),
            actor="ann@host",
        )
        plan = a_plan(*(a_change(who=f"p{n}") for n in range(size)))
        store.record_plan(run, plan, at=NOON - minutes(number))

    found = list(store.audit())

    assert [(r.change.run_id, r.change.n) for r in found] == [
        (run, n) for run, size in sizes.items() for n in range(1, size + 1)
    ]
    assert {(r.actor, r.trigger, r.mode) for r in found} == {("ann@host", "manual", "full")}
    assert found[0].started_at == NOON
    assert [r.change.run_id for r in store.audit(user="P2")] == list(sizes)
    assert len(list(store.audit(since=NOON))) == 1500
    assert len(list(store.audit(run_id="2", connection="keepnet"))) == 3
    assert list(store.audit(connection="other")) == []
    assert found[0].change.kind is Kind.USER


def test_nothing(store: SqlStore) -> None:
    """An empty history has no pages."""
    with pytest.raises(StopIteration):
        next(store.audit())
