"""What comes back is what was recorded, whatever people are called."""

import math
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jcsync.model.plan import Action, AttributeChange, Change, Member
from jcsync.model.report import Outcome, Status
from jcsync.model.resource import Kind
from jcsync.store import SqlStore
from jcsync.store.tables import clean_text
from tests.unit.store.builders import (
    NOON,
    a_change,
    a_plan,
    record_outcome,
    start,
)

NASTY = ["", "\x00", "a\x00b", "🙂", "'; DROP TABLE run; --", '"', "\\", "%_", "İ", "ﬀ"]
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=20))
# With halves of characters, as JSON can spell and UTF-8 cannot.
torn_texts = st.one_of(
    texts, st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
members = st.lists(
    st.builds(Member, name=texts, external_id=texts, resource_id=texts), max_size=2
).map(tuple)
changes = st.builds(
    Change,
    action=st.sampled_from(Action),
    kind=st.sampled_from(Kind),
    name=texts,
    external_id=texts,
    resource_id=texts,
    reason=texts,
    step=st.integers(0, 9),
    attributes=st.lists(
        st.builds(AttributeChange, path=texts, before=values, after=values), max_size=2
    ).map(tuple),
    add=members,
    remove=members,
)
outcomes = st.builds(
    Outcome,
    n=st.just(1),
    status=st.sampled_from(Status),
    error=torn_texts,
    attempts=st.integers(0, 99),
    resource_id=torn_texts,
)


@pytest.fixture
def numbers() -> Iterator[int]:
    """A number for every run."""
    return iter(range(1_000_000))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(change=changes, outcome=outcomes)
def test_a_change_comes_back(
    store: SqlStore, numbers: Iterator[int], change: Change, outcome: Outcome
) -> None:
    """Structured values are kept to the bit, names and messages but for what no database keeps."""
    run_id = f"run-{next(numbers)}"
    start(store, run_id, change)
    (intended,) = store.changes(run_id=run_id)
    record_outcome(store, run_id, "keepnet", change, outcome, at=NOON)

    (record,) = store.changes(run_id=run_id)

    assert (intended.status, intended.error) == ("intended", "")
    assert intended.resource_id == clean_text(change.resource_id)
    assert (record.attributes, record.add, record.remove) == (
        change.attributes,
        change.add,
        change.remove,
    )
    assert (record.action, record.kind) == (change.action, change.kind)
    assert record.name == clean_text(change.name)
    assert record.external_id == clean_text(change.external_id)
    assert record.resource_id == clean_text(outcome.resource_id or change.resource_id)
    assert record.reason == clean_text(change.reason)
    assert (record.status, record.error, record.attempts) == (
        outcome.status,
        clean_text(outcome.error),
        outcome.attempts,
    )
    for word in (change.name, change.external_id, record.resource_id):
        assert record in store.changes(user=word, run_id=run_id)


@given(torn_texts)
def test_clean_text_changes_only_what_cannot_be_kept(text: str) -> None:
    """NUL and lone surrogates; cleaned twice is cleaned once."""
    cleaned = clean_text(text)

    cleaned.encode()
    assert "\x00" not in cleaned
    assert clean_text(cleaned) == cleaned
    if "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert cleaned == text


def test_what_json_cannot_say_is_kept_as_text(store: SqlStore) -> None:
    """A platform that answers infinity does not stop the run."""
    changes = tuple(
        AttributeChange(path="x", before=value, after=1e308)
        for value in (math.inf, -math.inf, math.nan)
    )
    plan = a_plan(
        Change(
            action=Action.PATCH,
            kind=Kind.USER,
            name="ann",
            external_id="1",
            resource_id="2",
            reason="",
            step=1,
            attributes=changes,
        )
    )
    store.record_start("run-1", "keepnet", mode="full", trigger="manual", started_at=NOON)

    store.record_plan("run-1", plan, at=NOON)

    (record,) = store.changes()
    assert [a.before for a in record.attributes] == ["inf", "-inf", "nan"]
    assert [a.after for a in record.attributes] == [1e308] * 3


def test_long_names_are_kept_and_found(store: SqlStore) -> None:
    """Longer than what PostgreSQL puts into an index."""
    start(store, "run-1", a_change("ç" * 5000))

    assert [c.name for c in store.changes(user="Ç" * 5000 + "@EXAMPLE.COM")] == [
        "ç" * 5000 + "@example.com"
    ]


def test_times_keep_their_microseconds(store: SqlStore) -> None:
    """Runs of one second keep their order."""
    for n in (2, 1, 3):
        start(store, f"run-{n}", at=NOON.replace(microsecond=n))

    assert [run.run_id for run in store.runs()] == ["run-3", "run-2", "run-1"]
    assert store.runs()[0].started_at == NOON.replace(microsecond=3)
