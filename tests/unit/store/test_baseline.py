"""From where fast runs go on."""

from dataclasses import replace

import pytest

from jcsync.errors import LeaseLostError
from jcsync.model.baseline import Baseline
from jcsync.store import SqlStore
from jcsync.store.tables import LEASE
from tests.unit.store.builders import NOON, database_of, minutes

FIRST = Baseline(
    basis="sha256:1",
    full_at=NOON,
    followed=NOON + minutes(1),
    seen=frozenset({"e1", "e2"}),
    groups={"g1": "Keepnet Users"},
    chosen=frozenset({"Keepnet Users"}),
    application="App",
    requests=57,
)


def test_a_connection_begins_without_one(store: SqlStore) -> None:
    assert store.baseline("keepnet") is None
    assert store.decided("keepnet") == {}


def test_the_newest_one_stands(store: SqlStore) -> None:
    """What was decided of others stays; other connections have their own."""
    store.record_baseline("keepnet", FIRST, {"ann": "1", "bob": "2", "cid": "3"})
    store.record_baseline("other", replace(FIRST, basis="sha256:2"), {"ann": "9"})
    newest = replace(FIRST, followed=NOON + minutes(2), seen=frozenset())

    store.record_baseline("keepnet", newest, {"bob": "4", "cid": None, "nobody": None, "dora": "5"})

    assert store.baseline("keepnet") == newest
    assert store.decided("keepnet") == {"ann": "1", "bob": "4", "dora": "5"}
    assert store.decided("other") == {"ann": "9"}


def test_nothing_changed_since(store: SqlStore) -> None:
    store.record_baseline("keepnet", FIRST, {"ann": "1"})
    store.record_baseline("keepnet", FIRST, {})

    assert store.decided("keepnet") == {"ann": "1"}


def test_what_is_not_settled_any_more(store: SqlStore) -> None:
    """Where the next fast run begins stays as it was."""
    store.record_baseline("keepnet", FIRST, {"ann": "1", "bob": "2"})

    store.record_decided("keepnet", {"ann": "", "bob": None})

    assert store.decided("keepnet") == {"ann": ""}
    assert store.baseline("keepnet") == FIRST


def test_a_run_that_lost_its_lease_leaves_none(store: SqlStore) -> None:
    """The one that took over has read later."""
    with store.lease("keepnet", "host:1"):
        with database_of(store).write() as tx:
            tx.execute(LEASE.update().values(epoch=LEASE.c.epoch + 1))
        with pytest.raises(LeaseLostError):
            store.record_baseline("keepnet", FIRST, {"ann": "1"})

    assert store.baseline("keepnet") is None
