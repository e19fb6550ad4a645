"""What a plan says of itself, and its digest."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jcsync.model.plan import Action, Change, Counts, Plan
from jcsync.model.resource import Kind
from tests.factories import a_change, a_group_change, a_member, a_plan, an_attribute

CHANGE = a_change(attributes=(an_attribute("title", "CTO", "CEO"),))
GROUP = a_group_change(add=(a_member("ann"),), remove=(a_member("bob"),))


def test_changes_are_counted_by_kind_and_action() -> None:
    """Users and groups are told apart."""
    plan = a_plan(CHANGE, GROUP, a_change(Action.CREATE, "bob"))

    assert plan.count(Kind.USER, Action.PATCH) == 1
    assert plan.count(Kind.GROUP, Action.PATCH) == 1
    assert plan.count(Kind.USER, Action.CREATE) == 1
    assert plan.count(Kind.USER, Action.DELETE) == 0


@pytest.mark.parametrize(
    ("change", "takes"),
    [
        (a_change(Action.DEACTIVATE), True),
        (a_change(Action.DELETE), True),
        (a_change(Action.DELETE, attributes=(an_attribute("active", before=False),)), False),
        (a_change(Action.REACTIVATE), False),
        (a_change(Action.PATCH), False),
    ],
)
def test_only_the_active_can_lose_access(change: Change, takes: bool) -> None:
    """Deleting an account that is inactive already takes nothing from anybody."""
    assert change.takes_access is takes


def test_adoption_is_a_change_of_the_external_id() -> None:
    """Creating an account is no adoption."""
    attributes = (an_attribute("externalId", None, "ann"),)

    assert a_change(Action.PATCH, attributes=attributes).adopts
    assert not a_change(Action.CREATE, attributes=attributes).adopts
    assert not a_change(Action.PATCH).adopts


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_plan(CHANGE, GROUP, connection="other"), id="connection"),
        pytest.param(a_plan(GROUP, CHANGE), id="order"),
        pytest.param(a_plan(CHANGE), id="fewer"),
        pytest.param(a_plan(replace(CHANGE, action=Action.DELETE), GROUP), id="action"),
        pytest.param(a_plan(replace(CHANGE, kind=Kind.GROUP), GROUP), id="kind"),
        pytest.param(a_plan(replace(CHANGE, name="x"), GROUP), id="name"),
        pytest.param(a_plan(replace(CHANGE, external_id="x"), GROUP), id="external-id"),
        pytest.param(a_plan(replace(CHANGE, resource_id="x"), GROUP), id="resource-id"),
        pytest.param(a_plan(replace(CHANGE, attributes=()), GROUP), id="attributes"),
        pytest.param(
            a_plan(replace(CHANGE, attributes=(an_attribute("x", "CTO", "CEO"),)), GROUP), id="path"
        ),
        pytest.param(
            a_plan(replace(CHANGE, attributes=(an_attribute("title", None, "CEO"),)), GROUP),
            id="before",
        ),
        pytest.param(
            a_plan(replace(CHANGE, attributes=(an_attribute("title", "CTO", "C"),)), GROUP),
            id="after",
        ),
        pytest.param(a_plan(CHANGE, replace(GROUP, add=())), id="added-member"),
        pytest.param(a_plan(CHANGE, replace(GROUP, remove=())), id="removed-member"),
        pytest.param(
            a_plan(CHANGE, replace(GROUP, add=GROUP.remove, remove=GROUP.add)), id="swapped-members"
        ),
    ],
)
def test_digest_changes_with_everything_that_is_sent(other: Plan) -> None:
    """A person approves exactly what is done: nothing else has the same digest."""
    assert other.digest != a_plan(CHANGE, GROUP).digest


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_plan(CHANGE, GROUP), id="equal"),
        pytest.param(a_plan(replace(CHANGE, reason="because"), GROUP), id="reason"),
        pytest.param(a_plan(replace(CHANGE, step=9), GROUP), id="step"),
        pytest.param(a_plan(CHANGE, GROUP, managed=7, users=Counts(unchanged=9)), id="measures"),
    ],
)
def test_digest_ignores_what_is_not_sent(other: Plan) -> None:
    """A plan that was approved is still the one due when somebody unconcerned joins."""
    assert other.digest == a_plan(CHANGE, GROUP).digest


@pytest.mark.parametrize(("one", "other"), [(True, 1), (True, "true"), (None, ""), ("1", 1)])
def test_digest_tells_types_apart(one: bool | str | None, other: int | str) -> None:
    """A boolean is sent as something else than a number or a text."""
    plans = [a_plan(a_change(attributes=(an_attribute(after=value),))) for value in (one, other)]

    assert plans[0].digest != plans[1].digest


@pytest.mark.parametrize(
    "plan",
    [
        a_plan(),
        a_plan(CHANGE),
        a_plan(CHANGE, GROUP),
        a_plan(*[CHANGE] * 50),
        a_plan(*[CHANGE] * 101),
    ],
    ids=["none", "one", "two", "fifty", "many"],
)
def test_digest_is_that_of_one_json_text(plan: Plan) -> None:
    """Saved plans are known again by later versions, however the digest is computed."""
    rows = [
        [
            *(c.action.value, c.kind.value, c.name, c.external_id, c.resource_id),
            [[a.path, a.before, a.after] for a in c.attributes],
            *([[m.external_id, m.resource_id] for m in members] for members in (c.add, c.remove)),
        ]
        for c in plan.changes
    ]
    text = json.dumps([plan.connection, rows], separators=(",", ":"))

    assert plan.digest == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_digest_tells_where_one_text_ends() -> None:
    """Texts are not run together."""
    one = a_plan(a_change(external_id="a", resource_id="bc"))
    other = a_plan(a_change(external_id="ab", resource_id="c"))

    assert one.digest != other.digest


@given(st.text(st.characters(exclude_categories=())))
@example("half of a pair: \ud800")
def test_any_text_has_a_digest(text: str) -> None:
    """Also half a surrogate pair, which JSON can carry and UTF-8 cannot."""
    plan = a_plan(a_change(name=text, attributes=(an_attribute(after=text),)))

    assert plan.digest == replace(plan).digest
    assert plan.digest.startswith("sha256:")
