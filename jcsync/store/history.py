"""Runs, their changes and their findings: what was intended, and what became of it."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    String,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
    update,
)

from jcsync.errors import StoreError, UsageError
from jcsync.model.history import LINKING, ChangeRecord, OutcomeRecord, RunRecord
from jcsync.model.plan import Action, Plan
from jcsync.model.report import SUCCESSES, Finding, RunOutcome, RunReport, Status
from jcsync.model.resource import Kind
from jcsync.store.columns import Columns, execute_columns
from jcsync.store.rows import INTENDED, dump_changes, parse_change, parse_run, search_key
from jcsync.store.tables import CHANGE, FINDING, RUN, Text, clean_text

_ROWS_AT_ONCE: Final = 2000
_RUNS_NAMED: Final = 5
_SUCCESSES: Final = tuple(sorted(outcome.value for outcome in SUCCESSES))
# Where nothing was written, no intent can have been half carried out.
_UNWRITTEN: Final = (RunOutcome.HELD, RunOutcome.PLANNED)

_INSERT_CHANGES: Final = insert(CHANGE)
_END_CHANGE: Final = (
    update(CHANGE)
    .where(CHANGE.c.run_id == bindparam("p_run_id"), CHANGE.c.n == bindparam("p_n"))
    .values(
        {
            name: bindparam(f"p_{name}")
            for name in ("at", "status", "error", "attempts", "resource_id", "resource_key")
        }
    )
)
# Built once, because it is run at every scrape: building it takes longer than running it.
_LAST_SUCCESS: Final = (
    select(RUN.c.finished_at)
    .where(
        RUN.c.connection == bindparam("p_connection"),
        RUN.c.outcome == bindparam("p_outcome"),
        RUN.c.directory_complete,
        RUN.c.provider_complete,
        RUN.c.error_kind == "",
        RUN.c.trigger.not_in(LINKING),
    )
    .order_by(RUN.c.finished_at.desc())
    .limit(1)
)

_NEWEST_FIRST: Final = (CHANGE.c.at.desc(), CHANGE.c.run_id.desc(), CHANGE.c.n.desc())
_SETTING: Final = (Action.CREATE.value, Action.PATCH.value, Action.REACTIVATE.value)


def _newest_applied(
    columns: Select[Any],
    table: FromClause,
    external_id: ColumnElement[str],
    key: ColumnElement[str],
) -> Select[Any]:
    return (
        columns.where(
            table.c.external_key == key,
            table.c.external_id == external_id,
            table.c.connection == bindparam("p_connection"),
            table.c.kind == Kind.USER.value,
            table.c.status == Status.APPLIED.value,
            table.c.action.in_(_SETTING),
        )
        .order_by(table.c.at.desc(), table.c.run_id.desc(), table.c.n.desc())
        .limit(bindparam("p_limit", type_=Integer))
    )


@cache
def _last_applied(dialect: str) -> Select[Any]:
    """The newest changes of each wanted user, built once and only for fast runs."""
    return _by_lookup() if dialect == "sqlite" else _by_lateral_join()


def _by_lookup() -> Select[Any]:
    """For SQLite: pairs of id and key come as JSON, and each is looked up in the index."""
    wanted = func.json_each(bindparam("p_wanted", type_=String)).table_valued("value", name="w")
    one = CHANGE.alias("one")
    newest = _newest_applied(
        select(literal_column("one.rowid")).select_from(one),
        one,
        func.json_extract(wanted.c.value, "$[0]"),
        func.json_extract(wanted.c.value, "$[1]"),
    ).correlate(wanted)
    return (
        select(CHANGE)
        .select_from(wanted.join(CHANGE, literal_column("change.rowid").in_(newest)))
        .order_by(*_NEWEST_FIRST)
    )


def _by_lateral_join() -> Select[Any]:
    """For PostgreSQL: ids and keys come as arrays."""
    wanted = select(
        func.unnest(bindparam("p_ids", type_=ARRAY(Text))).label("external_id"),
        func.unnest(bindparam("p_keys", type_=ARRAY(BigInteger))).label("key"),
    ).subquery("wanted")
    newest = _newest_applied(select(CHANGE), CHANGE, wanted.c.external_id, wanted.c.key).lateral(
        "newest"
    )
    return (
        select(newest)
        .select_from(wanted.join(newest, true()))
        .order_by(newest.c.at.desc(), newest.c.run_id.desc(), newest.c.n.desc())
    )


def record_start(
    tx: Connection,
    run_id: str,
    connection: str,
    *,
    mode: str,
    trigger: str,
    started_at: datetime,
    actor: str,
) -> None:
    """Remember that a run began."""
    tx.execute(
        insert(RUN).values(
            run_id=run_id,
            connection=connection,
            mode=mode,
            trigger=trigger,
            actor=actor,
            started_at=started_at,
            outcome="",
            directory_complete=False,
            provider_complete=False,
            directory_users=0,
            provider_users=0,
            directory_requests=0,
            provider_requests=0,
            digest="",
            planned=0,
            error_kind="",
            error="",
        )
    )


def record_plan(tx: Connection, run_id: str, plan: Plan, *, at: datetime) -> None:
    """Remember every change of a plan as intended, and the digest of the plan.

    Raises:
        StoreError: The run was never started.
    """
    _update_run(tx, run_id, {"digest": plan.digest, "planned": len(plan.changes)})
    same = {
        "run_id": run_id,
        "connection": plan.connection,
        "at": at,
        "status": INTENDED,
        "error": "",
        "attempts": 0,
    }
    for start in range(0, len(plan.changes), _ROWS_AT_ONCE):
        changes = plan.changes[start : start + _ROWS_AT_ONCE]
        execute_columns(tx, _INSERT_CHANGES, dump_changes(start + 1, changes), same)


def record_outcomes(tx: Connection, run_id: str, records: Sequence[OutcomeRecord]) -> None:
    """Remember how planned changes ended.

    Raises:
        StoreError: The run planned no changes of these numbers.
    """
    if records and execute_columns(tx, _END_CHANGE, _dump(records), {"p_run_id": run_id}) != len(
        records
    ):
        numbers = ", ".join(str(record.outcome.n) for record in records)
        message = f"the store knows no change {numbers} of run {run_id}: it was never planned"
        raise StoreError(message)


def _dump(records: Sequence[OutcomeRecord]) -> Columns:
    outcomes = [record.outcome for record in records]
    ids = [record.outcome.resource_id or record.change.resource_id for record in records]
    return {
        "p_n": [outcome.n for outcome in outcomes],
        "p_at": [record.at for record in records],
        "p_status": [outcome.status.value for outcome in outcomes],
        "p_error": [outcome.error for outcome in outcomes],
        "p_attempts": [outcome.attempts for outcome in outcomes],
        "p_resource_id": ids,
        "p_resource_key": list(map(search_key, ids)),
    }


def record_end(tx: Connection, report: RunReport) -> None:
    """Remember how a run ended, with its findings.

    A change that is still intended gets the outcome that the report has for it. Without one it
    stays intended, for its call may have been made, unless the run wrote nothing at all.

    Raises:
        StoreError: The run was never started.
    """
    error = report.error
    totals: dict[str, object] = {
        "mode": report.mode,
        "finished_at": report.finished_at,
        "outcome": report.outcome.value,
        "directory_complete": report.directory_complete,
        "provider_complete": report.provider_complete,
        "directory_users": report.directory_users,
        "provider_users": report.provider_users,
        "directory_requests": report.directory_requests,
        "provider_requests": report.provider_requests,
        "error_kind": error.kind.value if error else "",
        "error": error.message if error else "",
    }
    if report.plan is not None:
        totals |= {"digest": report.plan.digest, "planned": len(report.plan.changes)}
    _update_run(tx, report.run_id, totals)
    _end_changes(tx, report)
    _record_findings(tx, report.run_id, report.findings)


def _end_changes(tx: Connection, report: RunReport) -> None:
    still_intended = (CHANGE.c.run_id == report.run_id, CHANGE.c.status == INTENDED)
    open_ones = set(tx.execute(select(CHANGE.c.n).where(*still_intended)).scalars())
    changes = report.plan.changes if report.plan is not None else ()
    late = [
        OutcomeRecord(change=changes[outcome.n - 1], outcome=outcome, at=report.finished_at)
        for outcome in report.outcomes
        if outcome.n in open_ones
    ]
    record_outcomes(tx, report.run_id, late)
    if open_ones and report.outcome in _UNWRITTEN:
        tx.execute(update(CHANGE).where(*still_intended).values(status=Status.NOT_ATTEMPTED.value))


def _record_findings(tx: Connection, run_id: str, findings: Sequence[Finding]) -> None:
    rows = [
        {
            "run_id": run_id,
            "n": n,
            "kind": finding.kind.value,
            "subject": finding.subject,
            "message": finding.message,
        }
        for n, finding in enumerate(findings, 1)
    ]
    if rows:
        tx.execute(insert(FINDING), rows)


def _update_run(tx: Connection, run_id: str, values: dict[str, object]) -> None:
    if tx.execute(update(RUN).where(RUN.c.run_id == run_id).values(values)).rowcount != 1:
        message = f"the store knows no run {run_id}: it was never started"
        raise StoreError(message)


def read_runs(
    tx: Connection,
    *,
    connection: str | None = None,
    since: datetime | None = None,
    run_id: str | None = None,
    without: Collection[str] = (),
    limit: int,
) -> tuple[RunRecord, ...]:
    """Return at most ``limit`` runs, newest first, with counts of their changes.

    Args:
        tx: A transaction.
        connection: Of this connection only.
        since: Not older than this.
        run_id: This run only; a unique end of the id is enough.
        without: Triggers of runs that are left out.
        limit: How many at the most.

    Raises:
        UsageError: Several runs end in ``run_id``.
    """
    page = select(RUN).order_by(RUN.c.started_at.desc(), RUN.c.run_id.desc()).limit(limit)
    if connection is not None:
        page = page.where(RUN.c.connection == connection)
    if since is not None:
        page = page.where(RUN.c.started_at >= since)
    if without:
        page = page.where(RUN.c.trigger.not_in(without))
    if run_id is not None:
        page = page.where(RUN.c.run_id == find_run(tx, run_id))
    runs = page.cte("page")
    counts = (
        select(
            CHANGE.c.run_id,
            func.sum(case((CHANGE.c.status == Status.APPLIED.value, 1), else_=0)).label("applied"),
            func.sum(case((CHANGE.c.status == Status.FAILED.value, 1), else_=0)).label("failed"),
        )
        .where(CHANGE.c.run_id.in_(select(runs.c.run_id)))
        .group_by(CHANGE.c.run_id)
        .subquery("counts")
    )
    statement = (
        select(runs, counts.c.applied, counts.c.failed)
        .outerjoin(counts, counts.c.run_id == runs.c.run_id)
        .order_by(runs.c.started_at.desc(), runs.c.run_id.desc())
    )
    return tuple(parse_run(row) for row in tx.execute(statement).mappings())


def read_changes(
    tx: Connection,
    *,
    connection: str | None = None,
    user: str | None = None,
    since: datetime | None = None,
    run_id: str | None = None,
    limit: int,
) -> tuple[ChangeRecord, ...]:
    """Return at most ``limit`` changes, newest first, those of one instant by falling ``n``.

    Raises:
        UsageError: Several runs end in ``run_id``.
    """
    statement: Select[Any] = select(CHANGE).order_by(*_NEWEST_FIRST).limit(limit)
    if connection is not None:
        column: ColumnElement[str] = CHANGE.c.connection
        if user is not None or run_id is not None:
            # Both are more selective than the index that begins with the connection, which
            # SQLite would take because it is in order.
            column = func.coalesce(column, "")
        statement = statement.where(column == connection)
    if user is not None:
        key = search_key(user)
        keys = (CHANGE.c.name_key, CHANGE.c.external_key, CHANGE.c.resource_key)
        statement = statement.where(or_(*(column == key for column in keys)))
    if since is not None:
        statement = statement.where(CHANGE.c.at >= since)
    if run_id is not None:
        statement = statement.where(CHANGE.c.run_id == find_run(tx, run_id))
    return tuple(parse_change(row) for row in tx.execute(statement).mappings())


def read_last_applied(
    tx: Connection, connection: str, external_ids: Collection[str], *, limit: int
) -> dict[str, tuple[ChangeRecord, ...]]:
    """Return for each of these users his newest applied changes that set attributes."""
    cleaned = {external_id: clean_text(external_id) for external_id in external_ids}
    found: dict[str, list[ChangeRecord]] = {text: [] for text in cleaned.values()}
    ids = list(found)
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        page = ids[start : start + _ROWS_AT_ONCE]
        keys = [search_key(text) for text in page]
        values: dict[str, object] = {"p_connection": connection, "p_limit": limit}
        if tx.dialect.name == "sqlite":
            values["p_wanted"] = json.dumps(list(zip(page, keys, strict=True)))
        else:
            values |= {"p_ids": page, "p_keys": keys}
        for row in tx.execute(_last_applied(tx.dialect.name), values).mappings():
            found[row["external_id"]].append(parse_change(row))
    return {external_id: tuple(found[text]) for external_id, text in cleaned.items()}


def read_last_success(tx: Connection, connection: str) -> datetime | None:
    """Return when the newest run was finished that succeeded, as ``RunReport.succeeded`` has it."""
    # One outcome after the other: so each is the first row of an index, however long the history.
    newest = [
        tx.execute(_LAST_SUCCESS, {"p_connection": connection, "p_outcome": outcome}).scalar()
        for outcome in _SUCCESSES
    ]
    return max((moment for moment in newest if moment is not None), default=None)


def find_run(tx: Connection, end: str) -> str:
    """Return the id that is or uniquely ends in this; itself where there is none."""
    if tx.execute(select(RUN.c.run_id).where(RUN.c.run_id == end)).first() is not None:
        return end
    candidates = tx.execute(
        select(RUN.c.run_id)
        .where(RUN.c.run_id.endswith(end, autoescape=True))
        .order_by(RUN.c.started_at.desc())
        .limit(_RUNS_NAMED)
    ).scalars()
    found = list(candidates)
    if len(found) > 1:
        message = f'several runs end in "{end}", {", ".join(found)} among them; give more of the id'
        raise UsageError(message)
    return found[0] if found else end


def prune_runs(tx: Connection, *, before: datetime, limit: int) -> int:
    """Remove the oldest runs that began before this, at most ``limit``; return how many.

    Their changes and findings go with them.
    """
    oldest = (
        select(RUN.c.run_id)
        .where(RUN.c.started_at < before)
        .order_by(RUN.c.started_at)
        .limit(limit)
    )
    return tx.execute(delete(RUN).where(RUN.c.run_id.in_(oldest.scalar_subquery()))).rowcount
