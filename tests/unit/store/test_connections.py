"""What the store knows of a connection."""

from dataclasses import replace
from typing import Any

import pytest

from jcsync.model.history import ConnectionRecord
from jcsync.model.report import ErrorKind, RunError, RunOutcome
from jcsync.model.resource import Kind
from jcsync.store import SqlStore
from tests.unit.store.builders import NOON, a_link, a_report, minutes, start


def test_a_connection_that_never_ran(store: SqlStore) -> None:
    """Nothing is known of it, and that is no error."""
    assert store.connection("keepnet") == ConnectionRecord(
        name="keepnet",
        organization="",
        last_run=None,
        last_success=None,
        managed=0,
        paused=False,
        lease_owner="",
    )


def test_a_pause_and_an_organization_do_not_disturb_each_other(store: SqlStore) -> None:
    """Either may come first."""
    store.pause("keepnet", paused=True)
    store.record_organization("keepnet", "org-1")
    store.record_organization("other", "org-2")
    store.pause("other", paused=True)
    store.pause("other", paused=False)

    assert store.connection("keepnet").organization == "org-1"
    assert store.connection("keepnet").paused is True
    assert store.connection("other").organization == store.organization("other") == "org-2"
    assert store.organization("new") == ""
    assert store.connection("other").paused is False


def test_an_organization_is_replaced(store: SqlStore) -> None:
    """The last one recorded stands."""
    store.record_organization("keepnet", "org-1")
    store.record_organization("keepnet", "org-2")

    assert store.connection("keepnet").organization == "org-2"


def test_the_last_run_and_the_last_success_are_told_apart(store: SqlStore) -> None:
    """A failed run is the last run; the success before it is the last success."""
    for n, outcome in enumerate([RunOutcome.IN_SYNC, RunOutcome.APPLIED, RunOutcome.FAILED]):
        at = NOON + minutes(10 * n)
        start(store, f"run-{n}", at=at)
        store.record_end(a_report(f"run-{n}", outcome=outcome, at=at))

    record = store.connection("keepnet")

    assert record.last_run is not None
    assert record.last_run.run_id == "run-2"
    assert record.last_success == NOON + minutes(11)


@pytest.mark.parametrize(
    ("changed", "succeeded"),
    [
        ({"outcome": RunOutcome.PARTIAL}, True),
        ({"outcome": RunOutcome.HELD}, True),
        ({"outcome": RunOutcome.FAILED}, False),
        ({"outcome": RunOutcome.PARTIAL, "directory_complete": False}, False),
        ({"outcome": RunOutcome.PARTIAL, "provider_complete": False}, False),
        (
            {
                "outcome": RunOutcome.PARTIAL,
                "error": RunError(kind=ErrorKind.REFUSED, message="401"),
            },
            False,
        ),
    ],
)
def test_what_success_is(store: SqlStore, changed: dict[str, Any], *, succeeded: bool) -> None:
    """A run that read both sides and decided; a broken record or a hold is no failure of it."""
    start(store, "run-1", at=NOON)
    report = replace(a_report("run-1", outcome=RunOutcome.IN_SYNC, at=NOON), **changed)
    store.record_end(report)

    assert report.succeeded is succeeded
    assert (store.connection("keepnet").last_success is not None) is succeeded


def test_accounts_are_counted_and_groups_are_not(store: SqlStore) -> None:
    """Managed means linked accounts."""
    links = [a_link("ann"), a_link("bob"), a_link("staff", kind=Kind.GROUP)]
    store.record_links("keepnet", links)

    assert store.connection("keepnet").managed == 2


def test_who_holds_the_lease_is_told(store: SqlStore) -> None:
    """While it is held, and no longer."""
    with store.lease("keepnet", "host-1:42"):
        assert store.connection("keepnet").lease_owner == "host-1:42"
        assert store.connection("other").lease_owner == ""

    assert store.connection("keepnet").lease_owner == ""
