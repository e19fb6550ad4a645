"""What failed before waits its turn, and delays nobody else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.model.history import EscrowRecord
from jcsync.model.plan import Action, Change
from jcsync.model.report import FindingKind, Outcome, Status
from jcsync.model.resource import Kind
from jcsync.stages.escrow import DELAYS, escrow_after, fingerprint, is_due, key_of, postpone
from tests.factories import (
    NOON,
    a_change,
    a_group_change,
    a_member,
    an_attribute,
    an_outcome,
    mail,
)

REJECTED = an_outcome(status=Status.FAILED, error="400: no", rejected=True)
SECOND = timedelta(seconds=1)


def failed(
    change: Change, outcome: Outcome = REJECTED, before: EscrowRecord | None = None
) -> EscrowRecord:
    """What a failed change leaves behind."""
    records = {key_of(change): before} if before else {}
    record = escrow_after("keepnet", change, outcome, records, NOON)
    assert record is not None
    return record


# ---------------------------------------------------------------------- entering


def test_rejected_change_waits_a_minute() -> None:
    """It is remembered with its reason."""
    record = failed(a_change(Action.CREATE))

    assert (record.kind, record.key, record.name) == (Kind.USER, "ann", mail("ann"))
    assert (record.action, record.reason, record.attempts) == (Action.CREATE, "400: no", 1)
    assert record.next_try_at == NOON + timedelta(minutes=1)


def test_delay_grows_up_to_a_day() -> None:
    """Since the first failure, however long it lasts."""
    record = None
    waited = []
    for _ in range(8):
        record = failed(a_change(), before=record)
        waited.append(record.next_try_at - NOON)

    assert waited == [*DELAYS, DELAYS[-1], DELAYS[-1]]
    assert waited == sorted(waited)
    assert record is not None
    assert record.attempts == 8


def test_first_failure_is_remembered() -> None:
    """So that a person sees how long it has lasted."""
    first = replace(failed(a_change()), first_failed_at=NOON - timedelta(days=3))

    record = failed(a_change(), before=first)

    assert (record.first_failed_at, record.last_failed_at) == (first.first_failed_at, NOON)


def test_failure_in_passing_does_not_wait() -> None:
    """A platform that was away is asked again by the next run."""
    outcome = an_outcome(status=Status.FAILED, error="no answer")

    assert failed(a_change(), outcome).next_try_at == NOON


def test_another_change_begins_anew() -> None:
    """Somebody corrected the record: the delays of the old one do not count."""
    before = replace(failed(a_change()), attempts=5)

    record = failed(a_change(attributes=(an_attribute(after="CTO"),)), before=before)

    assert record.attempts == 1


@pytest.mark.parametrize("status", [Status.APPLIED, Status.NOT_ATTEMPTED])
def test_only_failures_enter(status: Status) -> None:
    """What was not attempted did not fail."""
    assert escrow_after("keepnet", a_change(), an_outcome(status=status), {}, NOON) is None


# ---------------------------------------------------------------------- waiting


def test_change_waits_until_its_time() -> None:
    """It is named with its reason, and when it is tried again."""
    change = a_change()
    record = failed(change)

    early, findings = postpone([change], [record], record.next_try_at - SECOND)
    late, silence = postpone([change], [record], record.next_try_at)

    assert (early, late, silence) == ((), (change,), ())
    (finding,) = findings
    assert (finding.kind, finding.subject) == (FindingKind.ESCROW, mail("ann"))
    assert finding.message == (
        'patch failed once, next try 2026-01-31 12:01:00 UTC or with "jcsync escrow retry": 400: no'
    )


def test_attempts_are_told() -> None:
    """From the second on with their number."""
    record = replace(failed(a_change()), attempts=3)

    _, (finding,) = postpone([a_change()], [record], NOON)

    assert "failed 3 times" in finding.message


def test_others_are_not_delayed() -> None:
    """Nor a group that has the id of a person."""
    record = failed(a_change(who="ann"))
    others = [a_change(who="bob"), a_group_change(external_id="ann")]

    assert postpone(others, [record], NOON) == (tuple(others), ())


@pytest.mark.parametrize("action", [Action.DEACTIVATE, Action.DELETE])
def test_access_is_taken_whenever_it_is_due(action: Action) -> None:
    """A failed deactivation is tried by every run, and one after a failed patch at once."""
    change = a_change(action)

    for record in (failed(change), failed(a_change())):
        assert postpone([change], [record], NOON) == ((change,), ())


@pytest.mark.parametrize("action", [Action.CREATE, Action.REACTIVATE, Action.PATCH])
def test_corrected_record_is_tried_at_once(action: Action) -> None:
    """What is to become something else than what was rejected does not wait."""
    record = failed(a_change(action))
    corrected = a_change(action, attributes=(an_attribute(after="CTO"),))

    assert postpone([a_change(action)], [record], NOON)[0] == ()
    assert postpone([corrected], [record], NOON)[0] == (corrected,)


def test_account_without_external_id_is_known_by_its_own() -> None:
    """Two of them do not wait for each other."""
    one, other = (a_change(external_id="", resource_id=key) for key in "12")

    assert postpone([one, other], [failed(one)], NOON)[0] == (other,)


# ---------------------------------------------------------------------- fingerprints

BASE = a_group_change(add=(a_member("ann"), a_member("bob")), remove=(a_member("cid"),))


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, action=Action.CREATE),
        replace(BASE, attributes=(an_attribute(),)),
        replace(BASE, add=BASE.add[:1]),
        replace(BASE, remove=()),
        replace(BASE, add=BASE.remove, remove=BASE.add),
    ],
)
def test_fingerprint_tells_calls_apart(other: Change) -> None:
    """What is sent counts."""
    assert fingerprint(other) != fingerprint(BASE)


@pytest.mark.parametrize(
    "same",
    [
        replace(BASE, reason="because"),
        replace(BASE, step=9),
        replace(BASE, add=tuple(reversed(BASE.add))),
    ],
)
def test_fingerprint_ignores_what_is_not_sent(same: Change) -> None:
    """Nor does the order of members."""
    assert fingerprint(same) == fingerprint(BASE)


def test_fingerprint_ignores_what_was_before() -> None:
    """The same value is rejected whatever it replaces."""
    one, other = (a_change(attributes=(an_attribute("title", was, "X"),)) for was in "ab")

    assert fingerprint(one) == fingerprint(other)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_has_a_fingerprint(text: str) -> None:
    """Also half a surrogate pair."""
    assert len(fingerprint(a_change(attributes=(an_attribute(after=text),)))) == 32


@pytest.mark.parametrize(
    ("action", "minutes", "due"),
    [
        (Action.PATCH, -1, True),
        (Action.PATCH, 1, False),
        (Action.CREATE, 1, False),
        (Action.DEACTIVATE, 1, True),
        (Action.DELETE, 1, True),
    ],
)
def test_access_is_taken_without_waiting(action: Action, minutes: int, *, due: bool) -> None:
    """All else waits its turn."""
    record = EscrowRecord(
        connection="keepnet",
        kind=Kind.USER,
        external_id="jc-ann",
        resource_id="scim-ann",
        name="ann@example.com",
        action=action,
        fingerprint="x",
        reason="400",
        attempts=1,
        first_failed_at=NOON,
        last_failed_at=NOON,
        next_try_at=NOON + timedelta(minutes=minutes),
    )

    assert is_due(record, NOON) is due
