"""Runs and changes: everything that was done can be read afterwards."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event, select

from jcsync.errors import StoreError, UsageError
from jcsync.model.plan import Action, AttributeChange, Change, Member
from jcsync.model.report import (
    ErrorKind,
    Finding,
    FindingKind,
    Outcome,
    RunError,
    RunOutcome,
    RunReport,
    Status,
)
from jcsync.model.resource import Kind
from jcsync.store import SqlStore
from jcsync.store.history import read_changes
from jcsync.store.tables import FINDING, RUN
from tests.unit.store.builders import (
    NOON,
    a_change,
    a_link,
    a_plan,
    a_report,
    applied,
    database_of,
    failed,
    minutes,
    record_outcome,
    start,
)


def test_a_killed_run_stays_open(store: SqlStore) -> None:
    """A run without an end has no outcome, and its changes are still intended."""
    plan = start(store, "run-1", a_change("ann"), a_change("bob"))

    (run,) = store.runs()

    assert (run.run_id, run.mode, run.trigger, run.started_at) == (
        "run-1",
        "full",
        "manual",
        NOON,
    )
    assert (run.outcome, run.finished_at, run.complete) == ("", None, False)
    assert (run.planned, run.applied, run.failed) == (2, 0, 0)
    assert run.digest == plan.digest
    assert [change.status for change in store.changes()] == ["intended", "intended"]


def test_a_run_counts_its_changes(store: SqlStore) -> None:
    """Planned, applied and failed are counted from the changes themselves."""
    plan = start(store, "run-1", *(a_change(who) for who in ("ann", "bob", "cid")))
    record_outcome(store, "run-1", "keepnet", plan.changes[0], applied(1), at=NOON + minutes(1))
    record_outcome(store, "run-1", "keepnet", plan.changes[1], failed(2), at=NOON + minutes(2))

    store.record_end(a_report(outcome=RunOutcome.PARTIAL, plan=plan))

    (run,) = store.runs()
    assert (run.outcome, run.complete, run.finished_at) == ("partial", True, NOON + minutes(1))
    assert (run.planned, run.applied, run.failed) == (3, 1, 1)


def test_a_run_without_changes_counts_none(store: SqlStore) -> None:
    """A run that has nothing to do is there, with noughts."""
    store.record_start("run-1", "keepnet", mode="full", trigger="schedule", started_at=NOON)
    store.record_end(a_report(outcome=RunOutcome.IN_SYNC, plan=a_plan()))

    (run,) = store.runs()

    assert (run.outcome, run.planned, run.applied, run.failed) == ("in_sync", 0, 0, 0)
    assert run.digest == a_plan().digest


def test_an_outcome_can_be_read_back(store: SqlStore) -> None:
    """Who, what, before and after, why, in which run, and what the platform said."""
    group = Change(
        action=Action.PATCH,
        kind=Kind.GROUP,
        name="Keepnet Users",
        external_id="jc-group",
        resource_id="scim-group",
        reason="members differ",
        step=2,
        attributes=(
            AttributeChange(path="displayName", before=None, after="Keepnet Users"),
            AttributeChange(path="a", before=True, after=1.5),
        ),
        add=(Member(name="ann", external_id="jc-ann", resource_id=""),),
        remove=(Member(name="bob", external_id="", resource_id="scim-bob"),),
    )
    start(store, "run-1", a_change("ann"), group)

    record_outcome(store, "run-1", "keepnet", group, failed(2, "404: gone"), at=NOON + minutes(3))

    record = store.changes()[0]
    assert (record.run_id, record.connection, record.n) == ("run-1", "keepnet", 2)
    assert (record.at, record.status) == (NOON + minutes(3), "failed")
    assert (record.error, record.attempts) == ("404: gone", 3)
    assert (record.action, record.kind, record.name) == (
        Action.PATCH,
        Kind.GROUP,
        "Keepnet Users",
    )
    assert (record.external_id, record.resource_id) == ("jc-group", "scim-group")
    assert record.reason == "members differ"
    assert (record.attributes, record.add, record.remove) == (
        group.attributes,
        group.add,
        group.remove,
    )


def test_times_come_back_in_utc(store: SqlStore) -> None:
    """A time of another zone is the same instant."""
    istanbul = NOON.astimezone(timezone(timedelta(hours=3)))
    store.record_start("run-1", "keepnet", mode="full", trigger="manual", started_at=istanbul)

    (run,) = store.runs(since=istanbul)

    assert run.started_at == NOON
    assert run.started_at.utcoffset() == timedelta(0)
    assert store.runs(since=istanbul + minutes(1)) == ()


def test_the_end_tells_the_changes_that_were_not_attempted(store: SqlStore) -> None:
    """A change without a recorded outcome gets the one of the report, others keep theirs."""
    plan = start(store, "run-1", *(a_change(who) for who in ("ann", "bob", "cid")))
    record_outcome(store, "run-1", "keepnet", plan.changes[0], applied(1), at=NOON)
    outcomes = (failed(1, "not believed"), Outcome(n=2, status=Status.NOT_ATTEMPTED, attempts=0))

    store.record_end(a_report(outcome=RunOutcome.PARTIAL, plan=plan, outcomes=outcomes))

    statuses = {change.n: change.status for change in store.changes()}
    assert statuses == {1: "applied", 2: "not_attempted", 3: "intended"}


@pytest.mark.parametrize("outcome", [RunOutcome.HELD, RunOutcome.PLANNED])
def test_a_run_that_writes_nothing_attempted_nothing(store: SqlStore, outcome: RunOutcome) -> None:
    """The changes of a held plan are not left as if the run had been killed."""
    plan = start(store, "run-1", a_change("ann"))

    store.record_end(a_report(outcome=outcome, plan=plan))

    assert [change.status for change in store.changes()] == ["not_attempted"]


def test_findings_and_totals_are_kept(store: SqlStore) -> None:
    """What a run noticed and why it failed is in the store."""
    start(store, "run-1")
    report = RunReport(
        run_id="run-1",
        connection="keepnet",
        mode="full",
        outcome=RunOutcome.FAILED,
        started_at=NOON,
        finished_at=NOON,
        directory_users=7,
        provider_requests=3,
        findings=(
            Finding(kind=FindingKind.CONFLICT, subject="ann", message="two accounts"),
            Finding(kind=FindingKind.SKIPPED, subject="bob", message="no e-mail"),
        ),
        error=RunError(kind=ErrorKind.REFUSED, message="401: the token is refused"),
    )

    store.record_end(report)

    assert store.runs()[0].error == "401: the token is refused"
    with database_of(store).read() as tx:
        findings = tx.execute(select(FINDING.c.n, FINDING.c.kind, FINDING.c.subject)).all()
        totals = tx.execute(
            select(RUN.c.directory_users, RUN.c.provider_requests, RUN.c.error_kind)
        ).one()
    assert [tuple(row) for row in findings] == [(1, "conflict", "ann"), (2, "skipped", "bob")]
    assert tuple(totals) == (7, 3, "refused")


def test_what_never_began_cannot_be_recorded(store: SqlStore) -> None:
    """A plan or an end without its run is refused, and named."""
    with pytest.raises(StoreError, match=r"run-9.*never started"):
        store.record_plan("run-9", a_plan(a_change()), at=NOON)
    with pytest.raises(StoreError, match=r"run-9.*never started"):
        store.record_end(a_report("run-9"))


def test_a_run_cannot_begin_twice(store: SqlStore) -> None:
    """The second start with the same id is refused."""
    start(store, "run-1")

    with pytest.raises(StoreError, match="the store"):
        start(store, "run-1")


def test_runs_are_filtered_newest_first(store: SqlStore) -> None:
    """By connection, time, id and number."""
    for n, connection in enumerate(["keepnet", "other", "keepnet"]):
        start(store, f"run-{n}", connection=connection, at=NOON + minutes(n))

    def ids(**wanted: object) -> list[str]:
        return [run.run_id for run in store.runs(**wanted)]

    assert ids() == ["run-2", "run-1", "run-0"]
    assert ids(limit=1) == ["run-2"]
    assert ids(connection="keepnet") == ["run-2", "run-0"]
    assert ids(since=NOON + minutes(1)) == ["run-2", "run-1"]
    assert ids(run_id="run-1") == ["run-1"]
    assert ids(run_id="-1") == ["run-1"]
    assert ids(run_id="nothing") == []


def test_the_end_of_an_id_must_be_unique(store: SqlStore) -> None:
    """Two runs with the same end are named; a whole id is never ambiguous."""
    for run_id in ("a-7", "b-7", "7", "c_7"):
        start(store, run_id, a_change(run_id))

    with pytest.raises(UsageError, match=r'several runs end in "-7".*[ab]-7.*give more'):
        store.runs(run_id="-7")
    with pytest.raises(UsageError, match="several runs"):
        store.changes(run_id="-7")
    assert [run.run_id for run in store.runs(run_id="7")] == ["7"]
    # The underscore is no wildcard.
    assert [change.run_id for change in store.changes(run_id="_7")] == ["c_7"]


def test_changes_are_filtered_newest_first(store: SqlStore) -> None:
    """By connection, time, run and number."""
    start(store, "run-1", a_change("ann"), a_change("bob"))
    start(store, "run-2", a_change("ann"), connection="other", at=NOON + minutes(5))

    def found(**wanted: object) -> list[tuple[str, int]]:
        return [(change.run_id, change.n) for change in store.changes(**wanted)]

    assert found() == [("run-2", 1), ("run-1", 2), ("run-1", 1)]
    assert found(limit=2) == [("run-2", 1), ("run-1", 2)]
    assert found(connection="keepnet") == [("run-1", 2), ("run-1", 1)]
    assert found(since=NOON + minutes(1)) == [("run-2", 1)]
    assert found(run_id="2") == [("run-2", 1)]


@pytest.mark.parametrize(
    "who",
    ["ÖZGE@example.com", "özge@EXAMPLE.com", "JC-özge", "Scim-ÖZGE"],
)
def test_a_person_is_found_by_name_or_id(store: SqlStore, who: str) -> None:
    """Case is ignored, beyond ASCII too; the ids of both sides find him as well."""
    start(store, "run-1", a_change("ann"), a_change("Özge"))

    assert [change.n for change in store.changes(user=who)] == [2]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("wanted", [{"user": "jc-u7"}, {"run_id": "run-1"}])
def test_the_changes_of_one_are_not_searched_among_all(
    store: SqlStore, wanted: dict[str, str]
) -> None:
    """SQLite takes the index of the person or the run, also when the connection is named.

    PostgreSQL counts before it decides.
    """
    start(store, "run-1", a_change("u7"))
    statements: list[str] = []

    def explain(_tx: object, cursor: Any, text: str, values: object, *_: object) -> None:
        if text.startswith("SELECT change."):
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {text}", values)
            statements.append(" ".join(row[3] for row in plan))

    with database_of(store).read() as tx:
        event.listen(tx, "before_cursor_execute", explain)
        (found,) = read_changes(tx, connection="keepnet", limit=9, **wanted)

    assert found.name == "u7@example.com"
    (plan,) = statements
    assert "SCAN" not in plan
    assert "connection" not in plan


def test_a_created_account_is_found_by_its_new_id(store: SqlStore) -> None:
    """The id that the platform issued is searched too."""
    change = a_change("ann", action=Action.CREATE)
    start(store, "run-1", change)

    record_outcome(store, "run-1", "keepnet", change, applied(resource_id="ID-77"), at=NOON)

    assert [record.resource_id for record in store.changes(user="id-77")] == ["ID-77"]
    assert store.changes(user="nobody") == ()


def apply_for(store: SqlStore, run_id: str, *changes: Change, at: datetime) -> None:
    """Start a run and let all its changes be applied."""
    plan = start(store, run_id, *changes, at=at)
    for n, change in enumerate(plan.changes, 1):
        record_outcome(store, run_id, "keepnet", change, applied(n), at=at)


def test_what_was_last_set_is_found(store: SqlStore) -> None:
    """The newest applied changes of each, newest first; who has none is there as well."""
    for n in range(4):
        apply_for(store, f"run-{n}", a_change("ann"), a_change("bob"), at=NOON + minutes(n))
    start(store, "run-9", a_change("cid"), at=NOON + minutes(9))

    found = store.last_applied("keepnet", ["jc-ann", "jc-cid", "jc-nobody", "JC-BOB"])

    assert {who: [c.run_id for c in changes] for who, changes in found.items()} == {
        "jc-ann": ["run-3", "run-2"],
        "jc-cid": [],
        "jc-nobody": [],
        # An id is not a name: its case counts.
        "JC-BOB": [],
    }
    assert found["jc-ann"][0] in store.changes(user="jc-ann")
    three = store.last_applied("keepnet", {"jc-bob"}, limit=3)
    assert [c.run_id for c in three["jc-bob"]] == ["run-3", "run-2", "run-1"]
    assert store.last_applied("keepnet", ()) == {}
    assert store.last_applied("other", ("jc-ann",)) == {"jc-ann": ()}


def test_only_changes_that_set_attributes_count(store: SqlStore) -> None:
    """Of users, applied, and no deactivations; two of one run come in the order of the plan."""
    patch = a_change("ann")
    apply_for(
        store,
        "run-1",
        a_change("ann", action=Action.CREATE),
        a_change("ann", action=Action.REACTIVATE),
        a_change("ann", action=Action.DEACTIVATE),
        a_change("ann", action=Action.DELETE),
        a_change("ann", kind=Kind.GROUP),
        at=NOON,
    )
    start(store, "run-2", patch, patch)
    record_outcome(store, "run-2", "keepnet", patch, failed(1), at=NOON + minutes(1))

    (changes,) = store.last_applied("keepnet", ["jc-ann"], limit=9).values()

    assert [change.action for change in changes] == [Action.REACTIVATE, Action.CREATE]


def test_many_and_odd_ids_are_asked_for_at_once(store: SqlStore) -> None:
    """More than go into one question; also such as no database keeps."""
    odd = ["a\x00\ud800", "", "x" * 500, "\u0130"]
    change = a_change()
    apply_for(store, "run-1", *(replace(change, external_id=who) for who in odd), at=NOON)

    found = store.last_applied("keepnet", [*odd, *(f"jc-{n}" for n in range(4500))])

    assert len(found) == 4504
    assert [len(found[who]) for who in odd] == [1, 1, 1, 1]
    assert sum(map(len, found.values())) == 4


def test_a_long_plan_is_recorded_in_order(store: SqlStore) -> None:
    """More changes than are written at once keep their positions."""
    start(store, "run-1", *(a_change(f"u{n}") for n in range(1, 4502)))

    changes = store.changes(limit=10_000)

    assert [change.n for change in changes] == list(range(4501, 0, -1))
    assert all(change.external_id == f"jc-u{change.n}" for change in changes)


def test_old_runs_are_pruned_with_all_that_is_theirs(store: SqlStore) -> None:
    """Changes and findings go with their run; links stay, and so does what is young."""
    for n in range(450):
        store.record_start(f"old-{n}", "keepnet", mode="full", trigger="manual", started_at=NOON)
    start(store, "old", a_change("ann"))
    finding = Finding(kind=FindingKind.SKIPPED, subject="bob", message="no e-mail")
    store.record_end(
        RunReport(
            run_id="old",
            connection="keepnet",
            mode="full",
            outcome=RunOutcome.PARTIAL,
            started_at=NOON,
            finished_at=NOON,
            findings=(finding,),
        )
    )
    store.record_links("keepnet", [a_link("ann")])
    start(store, "young", a_change("ann"), at=NOON + minutes(1))

    assert store.prune(before=NOON + minutes(1)) == 451
    assert store.prune(before=NOON + minutes(1)) == 0

    assert [run.run_id for run in store.runs()] == ["young"]
    assert [change.run_id for change in store.changes()] == ["young"]
    assert store.links("keepnet") == (a_link("ann"),)
    with database_of(store).read() as tx:
        assert tx.execute(select(FINDING)).all() == []
