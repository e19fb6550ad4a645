"""What of a run is worth telling."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jcsync.model.history import EscrowRecord, HoldStatus, Memo
from jcsync.model.plan import Action
from jcsync.model.report import (
    ErrorKind,
    Finding,
    FindingKind,
    RunError,
    RunOutcome,
    RunReport,
)
from jcsync.model.resource import Kind
from jcsync.notices.events import (
    ESCROW,
    HOLD,
    OTHER,
    STORE,
    TROUBLE,
    Notice,
    find_events,
    find_store_event,
)
from tests.factories import NOON, a_hold, a_report

FAILED = {
    "outcome": RunOutcome.FAILED,
    "error": RunError(kind=ErrorKind.UNREADABLE, message="503 of the platform"),
}
REJECTED = {
    "outcome": RunOutcome.FAILED,
    "error": RunError(kind=ErrorKind.UNREADABLE, message="401", unauthorized=True),
}
INCOMPLETE = {
    "outcome": RunOutcome.PARTIAL,
    "provider_complete": False,
    "findings": (Finding(kind=FindingKind.INCOMPLETE, subject="provider", message="a gap"),),
}


def told(**values: str) -> dict[str, Memo]:
    """What people were told an hour ago."""
    return {
        {"trouble": TROUBLE, "hold": HOLD, "escrow": ESCROW, "other": OTHER}[topic]: Memo(
            value=value, at=NOON - timedelta(hours=1)
        )
        for topic, value in values.items()
    }


def events(report: RunReport, memos: dict[str, Memo], **known: Any) -> list[Notice]:
    return list(
        find_events(report, memos, holds=known.get("holds", ()), escrow=known.get("escrow", ()))
    )


@pytest.mark.parametrize(
    ("fields", "before", "expected"),
    [
        ({}, {}, []),
        (FAILED, {}, [("failed", "failed")]),
        (FAILED, {"trouble": "failed"}, []),
        (REJECTED, {}, [("failed", "credentials")]),
        (REJECTED, {"trouble": "failed"}, [("failed", "credentials")]),
        (INCOMPLETE, {}, [("failed", "incomplete")]),
        (INCOMPLETE, {"trouble": "incomplete"}, []),
        ({}, {"trouble": "failed"}, [("recovered", None)]),
        ({"outcome": RunOutcome.PARTIAL}, {"trouble": "failed"}, [("recovered", None)]),
        (
            {
                "outcome": RunOutcome.FAILED,
                "error": RunError(kind=ErrorKind.LEASE, message="another run"),
            },
            {},
            [],
        ),
        (
            {
                "outcome": RunOutcome.FAILED,
                "error": RunError(kind=ErrorKind.STOPPED, message="a signal"),
            },
            {"trouble": "failed"},
            [],
        ),
    ],
)
def test_trouble_is_told_once_and_that_it_is_over(
    fields: dict[str, Any], before: dict[str, str], expected: list[tuple[str, str | None]]
) -> None:
    """The first failure and the recovery; another kind of trouble asks for something else."""
    found = events(a_report(**fields), told(**before))

    assert [(notice.event, notice.value) for notice in found] == expected


def test_failure_names_its_reason() -> None:
    (notice,) = events(a_report(**FAILED), {})

    assert notice.title == "jcsync keepnet: failed"
    assert "503 of the platform" in notice.body
    (notice,) = events(a_report(**INCOMPLETE), {})
    assert "provider: a gap" in notice.body


@pytest.mark.parametrize(
    ("status", "before", "number"),
    [
        (HoldStatus.HELD, {}, 1),
        (HoldStatus.HELD, {"hold": "7"}, 1),
        (HoldStatus.HELD, {"hold": "1"}, 0),
        (HoldStatus.REJECTED, {}, 0),
    ],
)
def test_hold(status: HoldStatus, before: dict[str, str], number: int) -> None:
    """A plan that waits is told once, with what to do; a rejected one is not told."""
    report = a_report(outcome=RunOutcome.HELD, hold=1)

    found = events(report, told(**before), holds=[a_hold(status=status)])

    assert len(found) == number
    for notice in found:
        assert (notice.event, notice.value) == ("held", "1")
        assert "jcsync approve 1" in notice.body
        assert "The plan: nothing to do." in notice.body


def an_escrow(name: str, minutes: int) -> EscrowRecord:
    at = NOON + timedelta(minutes=minutes)
    return EscrowRecord(
        connection="keepnet",
        kind=Kind.USER,
        external_id=name,
        resource_id="",
        name=name,
        action=Action.CREATE,
        fingerprint="",
        reason="400 of the platform",
        attempts=1,
        first_failed_at=at,
        last_failed_at=at,
        next_try_at=at,
    )


def test_escrow_tells_of_newcomers_only() -> None:
    """What waits since before is not told again, whether the process was started anew or not."""
    escrow = [an_escrow("ann", 0), an_escrow("bob", 5), an_escrow("cid", -60)]

    (first,) = events(a_report(), {}, escrow=escrow)
    assert "ann" in first.body
    assert "bob" in first.body
    assert "cid" not in first.body
    assert first.value is not None

    assert events(a_report(), told(escrow=first.value), escrow=escrow) == []
    (later,) = events(a_report(), told(escrow=first.value), escrow=[*escrow, an_escrow("dora", 10)])
    assert "1 resource could" in later.title


def test_many_in_escrow_are_counted() -> None:
    (notice,) = events(a_report(), {}, escrow=[an_escrow(f"p{n}", n) for n in range(30)])

    assert "… and 20 more" in notice.body


def test_other_provisioner() -> None:
    """It is told when it appears; when it is gone, only forgotten."""
    finding = Finding(kind=FindingKind.OTHER_PROVISIONER, subject="App", message="writes, too")
    report = a_report(findings=(finding,))

    (notice,) = events(report, {})
    assert notice.event == "failed"
    assert "writes, too" in notice.body
    assert events(report, told(other="App")) == []
    (gone,) = events(a_report(), told(other="App"))
    assert (gone.value, gone.body) == (None, "")
    assert (
        events(replace(report, outcome=RunOutcome.FAILED, findings=()), told(other="App"))[0].topic
        == TROUBLE
    )


@pytest.mark.parametrize(
    ("free", "memo", "values"),
    [
        (10**9, None, []),
        (10**8, None, [str(10**8)]),
        (10**8, Memo(value="1", at=NOON), []),
        (10**9, Memo(value="1", at=NOON), [None]),
    ],
)
def test_store_nearly_full(free: int, memo: Memo | None, values: list[str | None]) -> None:
    """It is told once, until there is room again."""
    found = list(find_store_event(free, memo))

    assert [notice.value for notice in found] == values
    assert {notice.topic for notice in found} <= {STORE}
