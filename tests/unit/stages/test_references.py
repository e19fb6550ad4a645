"""References to other people: the manager."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.model.path import ENTERPRISE_USER
from jcsync.model.plan import Action, Change
from jcsync.model.resource import Access, DesiredUser, Link, Reference, UserResource, Value
from jcsync.model.rules import Policy, Scope
from jcsync.stages.diff import Rules, build_plan, diff_users
from jcsync.stages.mapping import map_user
from jcsync.stages.matching import match_users
from jcsync.stages.references import diff_references, resolve_references, without_dangling
from tests.factories import a_link, a_person, a_rule, a_user, an_account, an_attribute, mail
from tests.fakes import applied

MANAGER = f"{ENTERPRISE_USER}:manager.value"


def reporting(who: str, to: str, access: Access = Access.ACTIVE, **fields: object) -> DesiredUser:
    """Somebody with a manager; ``clear`` and ``create_only`` reach the reference."""
    options = {key: bool(fields.pop(key, False)) for key in ("clear", "create_only")}
    return a_user(who, access, references={MANAGER: Reference(target=to, **options)}, **fields)


def managed(who: str, by: Value = None, **fields: object) -> UserResource:
    """An account with a manager by the id of his account."""
    return an_account(who, attributes={"userName": mail(who), MANAGER: by}, **fields)


def changes_of(
    desired: Iterable[DesiredUser],
    accounts: Iterable[UserResource] = (),
    *,
    links: Iterable[Link] = (),
    policy: Policy | None = None,
    removals: bool = True,
) -> tuple[Change, ...]:
    """What is done about these people, in order."""
    policy = policy or Policy()
    matching = match_users(desired, accounts, links, policy)
    matching = resolve_references(matching, removals=removals)
    rules = Rules(policy=policy, scope=Scope(), evidence={}, removals=removals, groups=())
    users = diff_users(matching, rules).changes
    second = diff_references(matching, users, policy)
    return build_plan("keepnet", matching, (*users, *second)).changes


def written(changes: Iterable[Change]) -> list[tuple[Action, str, Value]]:
    """Action, person and new manager of each change; ``-`` where the manager is left alone."""
    return [
        (c.action, c.external_id, next((a.after for a in c.attributes if a.path == MANAGER), "-"))
        for c in changes
    ]


def test_a_manager_with_an_account_is_an_ordinary_attribute() -> None:
    """Compared by the id of his account, and sent with a new account at once."""
    accounts = [managed("mgr"), managed("ann", "scim-old"), managed("bob", "scim-mgr")]
    people = [a_user("mgr"), *(reporting(who, "mgr") for who in ("ann", "bob", "joe"))]

    assert written(changes_of(people, accounts)) == [
        (Action.CREATE, "joe", "scim-mgr"),
        (Action.PATCH, "ann", "scim-mgr"),
    ]


def test_a_manager_who_is_created_by_the_same_plan_follows_in_a_second_pass() -> None:
    """Until then the plan names him by his JumpCloud id, so that its digest is stable."""
    changes = changes_of(
        [a_user("mgr"), reporting("ann", "mgr"), reporting("joe", "mgr")],
        [managed("ann", "scim-old")],
    )

    assert written(changes) == [
        (Action.CREATE, "joe", "-"),
        (Action.CREATE, "mgr", "-"),
        (Action.PATCH, "ann", "mgr"),
        (Action.PATCH, "joe", "mgr"),
    ]
    assert [c.resource_id for c in changes] == ["", "", "scim-ann", ""]
    assert [c.is_second_pass for c in changes] == [False, False, True, True]
    assert changes[2].attributes[0].before == "scim-old"


@pytest.mark.parametrize(
    ("clear", "removals", "expected"),
    [(False, True, []), (True, True, [(Action.PATCH, "ann", None)]), (True, False, [])],
)
def test_a_manager_without_account_is_left_alone_or_cleared(
    *, clear: bool, removals: bool, expected: list[object]
) -> None:
    """Whoever is missing after an incomplete read may only not have been read."""
    changes = changes_of(
        [reporting("ann", "nobody", clear=clear)], [managed("ann", "scim-x")], removals=removals
    )

    assert written(changes) == expected


@pytest.mark.parametrize(
    ("manager", "accounts"),
    [
        pytest.param(a_user("mgr", problem="broken"), (), id="cannot-be-created-now"),
        pytest.param(a_user("mgr", Access.DELETE), (managed("mgr"),), id="is-being-deleted"),
        pytest.param(
            a_user("mgr"),
            (managed("mgr"), managed("two", external_id="mgr")),
            id="ambiguous",
        ),
    ],
)
def test_a_manager_of_whom_nothing_is_settled_is_left_alone(
    manager: DesiredUser, accounts: tuple[UserResource, ...]
) -> None:
    """Also with ``clear``: the next run knows more."""
    changes = changes_of(
        [manager, reporting("ann", "mgr", clear=True)], [*accounts, managed("ann", "scim-mgr")]
    )

    assert "ann" not in {c.external_id for c in changes}


def test_a_manager_out_of_scope_counts_as_without_account() -> None:
    """One who was excluded, and one who left the groups."""
    excluded = a_user("exc", Access.INACTIVE, in_scope=False)
    accounts = [managed(who, "scim-x") for who in ("exc", "left", "ann", "bob")]
    people = [excluded, reporting("ann", "exc", clear=True), reporting("bob", "left", clear=True)]

    patches = written(changes_of(people, accounts, links=[a_link("left")]))[:2]

    assert patches == [(Action.PATCH, "ann", None), (Action.PATCH, "bob", None)]


def test_with_when_create_the_manager_is_never_compared() -> None:
    """He is sent with a new account, in a second pass if need be."""
    people = [
        a_user("mgr"),
        a_user("new"),
        *(reporting(w, "mgr", create_only=True) for w in ("ann", "joe")),
        *(reporting(w, "new", create_only=True) for w in ("bob", "kim")),
    ]

    accounts = [managed(who, "scim-x") for who in ("mgr", "ann", "bob")]

    assert written(changes_of(people, accounts)) == [
        (Action.CREATE, "joe", "scim-mgr"),
        (Action.CREATE, "kim", "-"),
        (Action.CREATE, "new", "-"),
        (Action.PATCH, "kim", "new"),
    ]


@pytest.mark.parametrize(
    ("person", "policy"),
    [
        pytest.param(reporting("ann", "new"), Policy(update=False), id="no-updates"),
        pytest.param(reporting("ann", "new"), Policy(protect=frozenset({"ann"})), id="protected"),
        pytest.param(reporting("ann", "new", problem="broken"), Policy(), id="unmappable"),
        pytest.param(reporting("ann", "new", Access.KEEP), Policy(), id="kept"),
    ],
)
def test_the_second_pass_touches_nobody_whom_the_first_leaves_alone(
    person: DesiredUser, policy: Policy
) -> None:
    changes = changes_of([person, a_user("new")], [managed("ann")], policy=policy)

    assert written(changes) == [(Action.CREATE, "new", "-")]


def test_a_part_of_a_plan_keeps_no_reference_to_an_account_that_it_does_not_create() -> None:
    """Else it could only fail."""
    ann, joe = changes_of([reporting("ann", "new"), a_user("joe")])[:2]
    both = Change(
        action=Action.PATCH,
        kind=ann.kind,
        name="x",
        external_id="x",
        resource_id="scim-x",
        reason="",
        step=1,
        attributes=(
            an_attribute("a", None, "joe"),
            *(
                type(ann.attributes[0])(path=who, before=None, after=who, target=who)
                for who in ("joe", "new")
            ),
        ),
    )
    (second,) = [
        c for c in changes_of([reporting("ann", "joe"), a_user("joe")]) if c.is_second_pass
    ]

    assert without_dangling([second]) == ()
    assert without_dangling([joe, second]) == (joe, second)
    assert [a.path for a in without_dangling([joe, both])[1].attributes] == ["a", "joe"]


PEOPLE = "abcdef"


@given(
    st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE + "x"), min_size=1),
    st.dictionaries(
        st.sampled_from(PEOPLE), st.sampled_from(["", "x", *(f"scim-{p}" for p in PEOPLE)])
    ),
    st.booleans(),
)
def test_two_runs_settle_every_reference(
    managers: dict[str, str],
    held: dict[str, str],
    clear: bool,
) -> None:
    """Cycles and people who are their own manager included."""
    people = [reporting(who, to, clear=clear) for who, to in managers.items()]
    accounts = [managed(who, by or None) for who, by in held.items()]

    changes = changes_of(people, accounts)
    after, _ = applied(build_plan("keepnet", match_users((), (), (), Policy()), changes), accounts)

    assert changes_of(people, after) == ()
    ids = {account.external_id: account.resource_id for account in after}
    for account in after:
        target = managers.get(account.external_id)
        if target in managers:
            assert account.attributes[MANAGER] == ids[target]


def test_a_chain_of_thousands_and_a_ring_are_no_matter() -> None:
    chain = [reporting(f"p{n:05}", f"p{(n + 1) % 5000:05}") for n in range(5000)]

    changes = changes_of(chain)

    assert [c.action for c in changes] == [Action.CREATE] * 5000 + [Action.PATCH] * 5000


@pytest.mark.parametrize(
    ("manager", "clear", "references", "attributes"),
    [
        ("5f0c", True, {MANAGER: Reference(target="5f0c", clear=True)}, {}),
        (" ", True, {}, {MANAGER: None}),
        ("", False, {}, {}),
    ],
)
def test_reference_is_no_value_of_its_own(
    manager: str, references: object, attributes: dict[str, Value], *, clear: bool
) -> None:
    """A person without a manager has the attribute removed or left alone, like any other."""
    rules = (a_rule(), a_rule(MANAGER, "manager", reference=True, clear=clear))

    user = map_user(a_person(manager=manager), Scope(), Policy(), rules)

    assert user.references == references
    assert user.attributes == {"userName": mail("ann"), **attributes}
