"""Links: which resource belongs to which directory id."""

import pytest

from jcsync.errors import StoreError
from jcsync.model.plan import Action
from jcsync.model.report import Outcome, Status
from jcsync.model.resource import Kind, Link
from jcsync.store import SqlStore
from tests.unit.store.builders import (
    NOON,
    a_change,
    a_link,
    applied,
    failed,
    minutes,
    record_outcome,
    start,
)


def test_a_new_store_has_no_links(store: SqlStore) -> None:
    """A connection that never ran has none."""
    assert store.links("keepnet") == ()


def test_links_come_back_as_they_were_recorded(store: SqlStore) -> None:
    """Every field survives, also of a deactivated account and of a group."""
    gone = Link(
        kind=Kind.USER,
        external_id="jc-cid",
        resource_id="scim-cid",
        name="Çid 🙂 'quoted'",
        deactivated_at="2026-01-31T12:00:00Z",
    )
    links = [a_link("ann"), gone, a_link("ann", kind=Kind.GROUP)]

    store.record_links("keepnet", links)

    assert set(store.links("keepnet")) == set(links)


def test_connections_do_not_see_each_other(store: SqlStore) -> None:
    """The same person is linked in each connection by itself."""
    store.record_links("keepnet", [a_link("ann")])
    store.record_links("other", [a_link("ann", resource_id="7")])

    store.record_links("other", [], forget=[(Kind.USER, "jc-ann")])

    assert store.links("keepnet") == (a_link("ann"),)
    assert store.links("other") == ()


def test_a_link_is_replaced(store: SqlStore) -> None:
    """What is recorded last for a directory id stands, also within one call."""
    store.record_links("keepnet", [a_link("ann")])

    store.record_links("keepnet", [a_link("ann", resource_id="5"), a_link("ann", resource_id="6")])

    assert store.links("keepnet") == (a_link("ann", resource_id="6"),)


def test_a_resource_belongs_to_one_person(store: SqlStore) -> None:
    """A resource that is linked to another person leaves the earlier one."""
    store.record_links("keepnet", [a_link("ann", resource_id="1"), a_link("bob", resource_id="2")])

    store.record_links("keepnet", [a_link("cid", resource_id="1"), a_link("dot", resource_id="1")])

    assert set(store.links("keepnet")) == {
        a_link("bob", resource_id="2"),
        a_link("dot", resource_id="1"),
    }


def test_two_links_can_change_places(store: SqlStore) -> None:
    """Swapped resources are recorded in one call."""
    store.record_links("keepnet", [a_link("ann", resource_id="1"), a_link("bob", resource_id="2")])
    swapped = {a_link("ann", resource_id="2"), a_link("bob", resource_id="1")}

    store.record_links("keepnet", list(swapped))

    assert set(store.links("keepnet")) == swapped


def test_a_user_and_a_group_may_have_the_same_ids(store: SqlStore) -> None:
    """Kinds are told apart."""
    links = {a_link("ann", resource_id="1"), a_link("ann", kind=Kind.GROUP, resource_id="1")}

    store.record_links("keepnet", list(links))
    assert set(store.links("keepnet")) == links

    store.record_links("keepnet", [], forget=[(Kind.GROUP, "jc-ann")])
    assert store.links("keepnet") == (a_link("ann", resource_id="1"),)


def test_to_forget_what_is_not_there_is_no_error(store: SqlStore) -> None:
    """A link that is gone already is gone."""
    store.record_links("keepnet", [a_link("ann")], forget=[(Kind.USER, "jc-bob")])

    assert store.links("keepnet") == (a_link("ann"),)


def test_forgetting_goes_first(store: SqlStore) -> None:
    """What is both forgotten and recorded in one call is there."""
    store.record_links("keepnet", [a_link("ann")])

    store.record_links("keepnet", [a_link("ann")], forget=[(Kind.USER, "jc-ann")])

    assert store.links("keepnet") == (a_link("ann"),)


def test_an_outcome_carries_its_link(store: SqlStore) -> None:
    """The link of a created account is there as soon as its outcome is."""
    change = a_change("ann", action=Action.CREATE)
    plan = start(store, "run-1", change)

    record_outcome(
        store,
        "run-1",
        "keepnet",
        plan.changes[0],
        applied(resource_id="scim-ann"),
        at=store.runs()[0].started_at,
        link=a_link("ann"),
    )

    assert store.links("keepnet") == (a_link("ann"),)
    assert store.changes()[0].resource_id == "scim-ann"


@pytest.mark.parametrize(
    ("outcome", "remaining"),
    [
        pytest.param(applied(), {"jc-bob"}, id="applied"),
        pytest.param(failed(), {"jc-ann", "jc-bob"}, id="failed"),
    ],
)
def test_an_applied_delete_takes_its_link(
    store: SqlStore, outcome: Outcome, remaining: set[str]
) -> None:
    """The link of a deleted account goes; that of an account which could not be deleted stays."""
    change = a_change("ann", action=Action.DELETE)
    start(store, "run-1", change)
    store.record_links("keepnet", [a_link("ann"), a_link("bob")])

    record_outcome(store, "run-1", "keepnet", change, outcome, at=store.runs()[0].started_at)

    assert {link.external_id for link in store.links("keepnet")} == remaining


def test_deleting_a_duplicate_keeps_the_link_to_the_account_in_use(store: SqlStore) -> None:
    """The link goes with the resource, not with the ``externalId`` that a duplicate shares."""
    duplicate = a_change("ann", action=Action.DELETE)
    start(store, "run-1", duplicate)
    store.record_links("keepnet", [a_link("ann", resource_id="in-use")])

    record_outcome(store, "run-1", "keepnet", duplicate, applied(), at=store.runs()[0].started_at)

    assert store.links("keepnet") == (a_link("ann", resource_id="in-use"),)


def test_what_was_begun_and_not_confirmed(store: SqlStore) -> None:
    """By the newest change of each that was begun; kinds and connections are told apart."""
    people = ("killed", "failed", "made", "idle", "again")
    changes = [a_change(who, action=Action.CREATE) for who in people]
    start(store, "run-1", *changes)
    outcomes = [failed(2), applied(3), Outcome(n=4, status=Status.NOT_ATTEMPTED), failed(5)]
    for outcome in outcomes:
        record_outcome(store, "run-1", "keepnet", changes[outcome.n - 1], outcome, at=NOON)
    start(store, "run-2", a_change("again"), at=NOON + minutes(1))
    later = NOON + minutes(2)
    record_outcome(store, "run-2", "keepnet", a_change("again"), applied(), at=later)

    ids = [f"jc-{who}" for who in (*people, "nobody")]

    assert store.unconfirmed("keepnet", Kind.USER, ids) == {"jc-killed", "jc-failed"}
    assert store.unconfirmed("keepnet", Kind.USER, ids[1:]) == {"jc-failed"}
    assert store.unconfirmed("keepnet", Kind.GROUP, ids) == frozenset()
    assert store.unconfirmed("other", Kind.USER, ids) == frozenset()


def test_a_failed_outcome_leaves_no_half(store: SqlStore) -> None:
    """Outcome and link are recorded together or not at all."""
    change = a_change("ann", action=Action.CREATE)
    start(store, "run-1", change)

    with pytest.raises(StoreError, match="never planned"):
        record_outcome(
            store,
            "run-1",
            "keepnet",
            change,
            applied(n=2),
            at=store.runs()[0].started_at,
            link=a_link("ann"),
        )

    assert store.links("keepnet") == ()


def test_many_links(store: SqlStore) -> None:
    """More links than are read at once come back, each once."""
    links = [a_link(f"u{n}") for n in range(5001)]

    store.record_links("keepnet", links)
    store.record_links("keepnet", links)

    read = store.links("keepnet")
    assert len(read) == 5001
    assert set(read) == set(links)
    assert store.connection("keepnet").managed == 5001
