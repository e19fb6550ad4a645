"""What a run may change unattended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.model.limits import Limit, Limits, Violation
from jcsync.model.plan import Action, Plan
from jcsync.stages.guard import allowance, check_plan
from tests.factories import a_change, a_group_change, a_member, a_plan, an_attribute

NONE = Limits(
    deactivate=Limit(),
    delete=Limit(),
    remove_members=Limit(),
    delete_groups=Limit(),
    patch=Limit(),
)


def of(action: Action, count: int, **measures: int) -> Plan:
    """A plan of so many changes of one kind."""
    return a_plan(*(a_change(action, f"u{n}") for n in range(count)), **measures)


def found(plan: Plan, **limits: Limit) -> list[str]:
    """Which of these limits a plan exceeds."""
    values = {field: getattr(NONE, field) for field in NONE.__slots__} | limits
    return [violation.limit for violation in check_plan(plan, Limits(**values))]


@pytest.mark.parametrize(
    ("planned", "active", "expected"),
    [
        pytest.param(50, 1000, [], id="at-both"),
        pytest.param(51, 1000, ["deactivate.count"], id="beyond-the-number"),
        pytest.param(11, 100, ["deactivate.percent"], id="beyond-the-share"),
        pytest.param(10, 100, [], id="at-the-share"),
        pytest.param(60, 100, ["deactivate.count", "deactivate.percent"], id="beyond-both"),
        pytest.param(1, 1, [], id="one-of-one"),
        pytest.param(2, 3, ["deactivate.percent"], id="two-of-three"),
        pytest.param(2, 0, ["deactivate.percent"], id="two-of-none"),
    ],
)
def test_deactivations_have_a_number_and_a_share(
    planned: int, active: int, expected: list[str]
) -> None:
    """The smaller one counts, in a directory of every size, and one change always passes."""
    plan = of(Action.DEACTIVATE, planned, managed_active=active)

    assert found(plan, deactivate=Limit(count=50, percent=10)) == expected


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("deactivate", Action.DEACTIVATE),
        ("delete", Action.DELETE),
        ("patch", Action.PATCH),
        ("create", Action.CREATE),
    ],
)
def test_each_action_has_its_own_limit(name: str, action: Action) -> None:
    """A limit of zero still lets one change pass, and counts nothing else."""
    limit = Limit(count=0)

    assert found(of(action, 1), **{name: limit}) == []
    assert found(of(action, 2), **{name: limit}) == [f"{name}.count"]
    others = [change for change in Action if change is not action]
    for other in others:
        assert found(of(other, 9), **{name: limit}) == []


@pytest.mark.parametrize(
    ("name", "action", "measure"),
    [
        ("deactivate", Action.DEACTIVATE, "managed_active"),
        ("delete", Action.DELETE, "managed"),
        ("patch", Action.PATCH, "managed"),
    ],
)
def test_share_is_of_the_right_number(name: str, action: Action, measure: str) -> None:
    """And the report says of which."""
    plan = of(action, 3, **{measure: 20})

    (violation,) = check_plan(plan, Limits(**{**_none(), name: Limit(percent=10)}))

    assert violation == Violation(limit=f"{name}.percent", allowed=2, planned=3, base=20)


def _none() -> dict[str, Limit]:
    return {field: getattr(NONE, field) for field in NONE.__slots__}


def test_limits_that_are_off_stop_nothing() -> None:
    """Null switches a limit off."""
    plan = a_plan(*(a_change(action, f"{action}{n}") for action in Action for n in range(99)))

    assert check_plan(plan, NONE) == ()


def test_members_are_counted_per_group() -> None:
    """Each group that loses too many is named; one member of each group always passes."""
    many = tuple(a_member(f"m{n}") for n in range(5))
    plan = a_plan(
        a_group_change(name="Staff", remove=many),
        a_group_change(name="Board", remove=many[:1]),
        a_group_change(name="Sales", remove=many[:2]),
        group_sizes={"scim-staff": 10, "scim-board": 1, "scim-sales": 10},
    )

    violations = check_plan(plan, Limits(remove_members=Limit(count=4, percent=20)))

    assert [(v.limit, v.subject, v.planned, v.base) for v in violations] == [
        ("remove_members.count", "Staff", 5, None),
        ("remove_members.percent", "Staff", 5, 10),
    ]


def test_deleted_groups_are_counted() -> None:
    """As a share of those that are ours."""
    plan = a_plan(*(a_group_change(Action.DELETE, f"G{n}") for n in range(4)), managed_groups=20)

    assert found(plan, delete_groups=Limit(count=3, percent=10)) == [
        "delete_groups.count",
        "delete_groups.percent",
    ]
    assert found(plan, delete=Limit(count=0)) == []


def test_adoption_alone_is_no_rewrite() -> None:
    """An account that gets our externalId and what it lacks, or what it has, keeps all it has."""
    adopted = an_attribute("externalId", None, "x")
    filled = an_attribute("title", None, "Boss")
    plan = a_plan(
        *(a_change(who=f"a{n}", attributes=(adopted,)) for n in range(9)),
        *(
            a_change(who=f"b{n}", attributes=(adopted, an_attribute(before="Boss")))
            for n in range(3)
        ),
        *(a_change(who=f"c{n}", attributes=(adopted, filled)) for n in range(9)),
        *(a_change(who=f"c{n}", attributes=(an_attribute("manager.value"),)) for n in range(9)),
        *(a_change(who=f"d{n}", attributes=(filled,)) for n in range(4)),
        *(a_change(who=f"e{n}", attributes=(an_attribute(before="CEO"),)) for n in range(9)),
        *(a_group_change(name=f"G{n}", attributes=(an_attribute(),)) for n in range(9)),
        managed=25,
    )

    (violation,) = check_plan(plan, Limits(**{**_none(), "patch": Limit(count=2)}))
    assert violation.planned == 3 + 4


@pytest.mark.parametrize(
    ("actions", "active", "expected"),
    [
        pytest.param([Action.CREATE], 99, [], id="the-last-seat"),
        pytest.param([Action.CREATE], 100, ["accounts.count"], id="one-too-many"),
        pytest.param([Action.REACTIVATE], 100, ["accounts.count"], id="reactivated"),
        pytest.param([Action.CREATE, Action.DEACTIVATE], 100, [], id="one-for-one"),
        pytest.param([Action.CREATE, Action.DELETE], 100, [], id="deleted-makes-room"),
        pytest.param([Action.DEACTIVATE], 120, [], id="beyond-already-and-sinking"),
        pytest.param([Action.PATCH], 120, [], id="beyond-already-and-unchanged"),
    ],
)
def test_licence_counts_the_active_accounts_after_the_run(
    actions: list[Action], active: int, expected: list[str]
) -> None:
    """A run that gains nobody is not held for what is already beyond the licence."""
    plan = a_plan(*(a_change(action, str(action)) for action in actions), active=active)

    assert found(plan, accounts=Limit(count=100)) == expected


def test_deleting_an_inactive_account_frees_no_licence() -> None:
    """It was not counted before."""
    inactive = (an_attribute("active", before=False),)
    plan = a_plan(
        a_change(Action.CREATE), a_change(Action.DELETE, "old", attributes=inactive), active=100
    )

    assert found(plan, accounts=Limit(count=100)) == ["accounts.count"]


@pytest.mark.parametrize(
    ("limit", "base", "allowed"),
    [
        (Limit(), 100, None),
        (Limit(count=5), 100, 5),
        (Limit(percent=10), 100, 10),
        (Limit(percent=10), 109, 10),
        (Limit(count=5, percent=10), 100, 5),
        (Limit(count=50, percent=10), 100, 10),
        (Limit(count=0), 100, 1),
        (Limit(percent=10), 5, 1),
        (Limit(count=0, percent=100), 5, 1),
    ],
)
def test_allowance_is_the_smaller_part(limit: Limit, base: int, allowed: int | None) -> None:
    """Rounded down, but never below one."""
    assert allowance(limit, base) == allowed


LIMITS = st.builds(
    Limit,
    count=st.one_of(st.none(), st.integers(0, 12)),
    percent=st.one_of(st.none(), st.floats(0, 100)),
)


@given(st.integers(0, 15), st.integers(0, 30), LIMITS)
def test_what_passes_never_exceeds_a_limit(planned: int, active: int, limit: Limit) -> None:
    """Whatever the limits are, and what is held does exceed one."""
    plan = of(Action.DEACTIVATE, planned, managed_active=active)

    violations = found(plan, deactivate=limit)

    allowed = allowance(limit, active)
    assert bool(violations) is (allowed is not None and planned > allowed)


def test_second_pass_rewrites_nobody() -> None:
    """A new account is not rewritten by its manager, and an old one not twice."""
    plan = a_plan(
        *(a_change(who=str(n), resource_id="") for n in range(9)),
        a_change(who="ann"),
        a_change(who="ann"),
    )

    assert check_plan(plan, Limits(**{**_none(), "patch": Limit(count=1)})) == ()
