"""What is done about each person, and in which order."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.model.directory import Evidence, UserState
from jcsync.model.equality import is_equal
from jcsync.model.plan import Action, Change, Counts
from jcsync.model.report import FindingKind
from jcsync.model.resource import Access, DesiredUser, Link, UserResource, Value
from jcsync.model.rules import GroupSelector, Operator, Policy, Removal, Scope
from jcsync.stages.diff import (
    STEP_GROUP_CREATE,
    Rules,
    UserDiff,
    build_plan,
    diff_users,
    is_protected,
)
from jcsync.stages.matching import match_users
from tests.factories import (
    WORK,
    a_clause,
    a_directory_group,
    a_group_change,
    a_link,
    a_person,
    a_stranger,
    a_user,
    an_account,
    an_attribute,
    evidence_of,
    mail,
)

STAFF = (a_directory_group("Staff"),)


def diff_of(
    desired: Iterable[DesiredUser] = (),
    accounts: Iterable[UserResource] = (),
    *,
    links: Iterable[Link] = (),
    policy: Policy | None = None,
    scope: Scope | None = None,
    evidence: Mapping[str, Evidence] | None = None,
    removals: bool = True,
) -> UserDiff:
    """What is done about these people and accounts."""
    policy = policy or Policy()
    matching = match_users(desired, accounts, links, policy)
    rules = Rules(
        policy=policy,
        scope=scope or Scope(),
        evidence=evidence or {},
        removals=removals,
        groups=STAFF,
    )
    return diff_users(matching, rules)


def actions(diff: UserDiff) -> list[Action]:
    """What is done, in order."""
    return [change.action for change in diff.changes]


def kinds(diff: UserDiff) -> list[FindingKind]:
    """What is reported."""
    return [finding.kind for finding in diff.findings]


def values(change: Change) -> dict[str, Value]:
    """The new values of a change."""
    return {a.path: a.after for a in change.attributes}


# ---------------------------------------------------------------------- joiners


def test_joiner_gets_an_account_with_all_attributes() -> None:
    """Those for new accounts included, those to be removed left out."""
    user = a_user(
        attributes={"userName": mail("ann"), "title": None, "x": ""}, initial={"type": "E"}
    )

    (change,) = diff_of([user]).changes

    assert (change.action, change.external_id, change.resource_id) == (Action.CREATE, "ann", "")
    assert values(change) == {"userName": mail("ann"), "type": "E"}
    assert change.reason == "is in Staff"


@pytest.mark.parametrize("access", [Access.INACTIVE, Access.KEEP, Access.DELETE])
def test_nobody_gets_an_account_to_be_kept_out(access: Access) -> None:
    """Who is staged or suspended gets none until he is activated."""
    diff = diff_of([a_user(access=access)])

    assert (diff.changes, diff.counts) == ((), Counts(out_of_scope=1))


def test_creation_can_be_switched_off() -> None:
    """policy.create: false provisions only those who have an account."""
    diff = diff_of([a_user()], policy=Policy(create=False))

    assert (diff.changes, diff.counts, diff.findings) == ((), Counts(unchanged=1), ())


def test_joiner_who_cannot_be_mapped_is_skipped() -> None:
    """One bad record stops nobody else, and is named with its reason."""
    diff = diff_of([a_user(problem="no userName: empty"), a_user("bob")])

    assert [change.external_id for change in diff.changes] == ["bob"]
    assert kinds(diff) == [FindingKind.SKIPPED]
    assert diff.counts.unchanged == 1


def test_protected_person_gets_no_account() -> None:
    """policy.protect means hands off."""
    diff = diff_of([a_user()], policy=Policy(protect=frozenset({mail("ann")})))

    assert (diff.changes, kinds(diff)) == ((), [FindingKind.PROTECTED])


def test_unknown_state_is_reported_with_and_without_an_account() -> None:
    """A state that JumpCloud invented after this version changes nothing."""
    unknown = a_user(access=Access.KEEP, state_unknown=True, reason="is in a state")

    for accounts in ([], [an_account(title="old")]):
        diff = diff_of([unknown], accounts)
        assert (diff.changes, kinds(diff)) == ((), [FindingKind.UNKNOWN_STATE])
        assert diff.counts == Counts(out_of_scope=1)


# ---------------------------------------------------------------------- movers


@pytest.mark.parametrize(
    ("account", "links", "expected"),
    [
        pytest.param(a_stranger("ann"), [], [Action.PATCH, Action.DEACTIVATE], id="by-name"),
        pytest.param(a_stranger("ann"), [a_link("ann")], [Action.DELETE], id="linked"),
        pytest.param(an_account("ann"), [], [Action.DELETE], id="by-externalId"),
    ],
)
def test_account_that_was_only_just_found_by_its_name_is_not_deleted(
    account: UserResource, links: list[Link], expected: list[Action]
) -> None:
    """It is adopted and deactivated; the next run, which knows it, deletes it."""
    diff = diff_of([a_user("ann", Access.DELETE)], [account], links=links)

    assert actions(diff) == expected


@pytest.mark.parametrize(
    ("desired_active", "actual_active", "expected"),
    [
        pytest.param(True, True, [], id="both-active"),
        pytest.param(True, False, [Action.REACTIVATE], id="came-back"),
        pytest.param(False, True, [Action.DEACTIVATE], id="suspended"),
        pytest.param(False, False, [], id="both-inactive"),
    ],
)
def test_access_changes_by_its_own_action(
    desired_active: bool, actual_active: bool, expected: list[Action]
) -> None:
    """Access is never given or taken inside an ordinary patch."""
    access = Access.ACTIVE if desired_active else Access.INACTIVE

    diff = diff_of([a_user(access=access)], [an_account(active=actual_active)])

    assert actions(diff) == expected


def test_mover_is_patched_where_he_differs() -> None:
    """Nothing is sent that is right already."""
    diff = diff_of([a_user(title="CEO")], [an_account(title="CTO")])

    (change,) = diff.changes
    assert change.attributes == (an_attribute("title", "CTO", "CEO"),)
    assert (change.action, change.reason) == (Action.PATCH, "differs from JumpCloud")


def test_rename_is_a_patch() -> None:
    """Identity is the JumpCloud id: a new name is no new person."""
    diff = diff_of([a_user(user_name="married@x")], [an_account()])

    (change,) = diff.changes
    assert (change.action, change.name, change.reason) == (
        Action.PATCH,
        "married@x",
        "renamed in JumpCloud",
    )


def test_name_that_differs_in_case_only_does_not_flap() -> None:
    """A platform may fold the case of userName."""
    assert diff_of([a_user(user_name="Ann@X")], [an_account(user_name="ann@x")]).changes == ()


def test_updates_can_be_switched_off() -> None:
    """policy.update: false still gives and takes access."""
    policy = Policy(update=False)
    people = [
        a_user("ann", title="CEO"),
        a_user("bob", title="CEO"),
        a_user("cid", Access.INACTIVE, title="CEO"),
    ]
    accounts = [an_account("ann"), an_account("bob", active=False), an_account("cid")]

    diff = diff_of(people, accounts, policy=policy)

    assert [(c.external_id, values(c)) for c in diff.changes] == [
        ("bob", {"active": True}),
        ("cid", {"active": False}),
    ]


def test_who_returns_gets_his_old_account_up_to_date() -> None:
    """With one call, and never a second account."""
    diff = diff_of([a_user(title="CEO")], [an_account(active=False)])

    (change,) = diff.changes
    assert change.action is Action.REACTIVATE
    assert values(change) == {"active": True, "title": "CEO"}
    assert change.reason == "is in Staff again"


def test_account_that_cannot_be_mapped_is_left_alone() -> None:
    """A person in scope keeps his access when his record is broken."""
    diff = diff_of([a_user(problem="no userName")], [an_account(title="old")])

    assert (diff.changes, kinds(diff)) == ((), [FindingKind.SKIPPED])


# ---------------------------------------------------------------------- leavers


def test_leaver_is_deactivated_and_not_deleted() -> None:
    """The account of a leaver keeps its data and loses its access."""
    diff = diff_of(accounts=[an_account()], links=[a_link()])

    (change,) = diff.changes
    assert (change.action, change.resource_id) == (Action.DEACTIVATE, "scim-ann")
    assert change.reason == "left the chosen groups"


def test_suspended_person_who_was_renamed_loses_access_in_a_call_of_its_own() -> None:
    """A new name that the platform refuses leaves nobody his access."""
    diff = diff_of([a_user(access=Access.INACTIVE, user_name="married@x")], [an_account()])

    assert [(c.action, values(c)) for c in diff.changes] == [
        (Action.PATCH, {"userName": "married@x"}),
        (Action.DEACTIVATE, {"active": False}),
    ]


def test_suspended_person_who_cannot_be_mapped_still_loses_access() -> None:
    """A broken record protects nobody."""
    user = a_user(access=Access.INACTIVE, problem="no userName", title="x")

    assert actions(diff_of([user], [an_account()])) == [Action.DEACTIVATE]


def test_who_is_out_of_scope_is_not_brought_up_to_date() -> None:
    """His attributes are no business of the platform any more."""
    user = a_user(access=Access.INACTIVE, in_scope=False, title="CEO")

    assert actions(diff_of([user], [an_account()])) == [Action.DEACTIVATE]


@pytest.mark.parametrize("active", [True, False])
def test_deletion_is_for_policies_that_ask_for_it(active: bool) -> None:
    """Then also for an account that has no access any more."""
    deleted = diff_of([a_user(access=Access.DELETE)], [an_account(active=active)])
    left = diff_of(
        accounts=[an_account(active=active)],
        links=[a_link()],
        policy=Policy(on_leave=Removal.DELETE),
    )

    assert actions(deleted) == actions(left) == [Action.DELETE]
    assert [c.takes_access for c in deleted.changes] == [active]


def test_leaver_keeps_his_account_where_the_policy_says_so() -> None:
    """policy.on_leave: keep."""
    diff = diff_of(accounts=[an_account()], links=[a_link()], policy=Policy(on_leave=Removal.KEEP))

    assert (diff.changes, diff.counts) == ((), Counts(out_of_scope=1))


def test_leaver_without_access_needs_nothing() -> None:
    """Deactivated once, he is not deactivated again."""
    diff = diff_of(accounts=[an_account(active=False)], links=[a_link()])

    assert (diff.changes, diff.counts) == ((), Counts(out_of_scope=1))


def test_incomplete_read_takes_nothing_from_anybody() -> None:
    """It still creates and patches what it is sure of."""
    people = [
        a_user("joe"),
        a_user("mia", title="CEO"),
        a_user("sid", Access.INACTIVE),
        a_user("del", Access.DELETE),
    ]
    accounts = [an_account(who) for who in ("mia", "sid", "del", "lea")]

    diff = diff_of(people, accounts, links=[a_link("lea")], removals=False)

    assert actions(diff) == [Action.CREATE, Action.PATCH]


# ---------------------------------------------------------------------- evidence


@pytest.mark.parametrize(
    ("evidence", "expected", "reason"),
    [
        pytest.param(
            evidence_of(a_person()),
            [Action.DEACTIVATE],
            "left the chosen groups (confirmed)",
            id="left",
        ),
        pytest.param(
            evidence_of(None),
            [Action.DELETE],
            "no longer exists in JumpCloud (confirmed)",
            id="deleted",
        ),
        pytest.param(
            evidence_of(a_person(), "Board"),
            [Action.DEACTIVATE],
            "left the chosen groups (confirmed)",
            id="in-another-group",
        ),
        pytest.param(evidence_of(a_person(), "Staff"), [], "", id="still-in-the-group"),
        pytest.param(evidence_of(a_person(), bound=True), [], "", id="still-bound"),
    ],
)
def test_leaver_is_believed_only_with_his_own_record(
    evidence: Evidence, expected: list[Action], reason: str
) -> None:
    """Who is missing from a list but in the group by himself is left alone and reported."""
    diff = diff_of(
        accounts=[an_account()],
        links=[a_link()],
        policy=Policy(on_delete=Removal.DELETE),
        evidence={"ann": evidence},
    )

    assert actions(diff) == expected
    assert [change.reason for change in diff.changes] == ([reason] if reason else [])
    assert kinds(diff) == ([] if expected else [FindingKind.NOT_CONFIRMED])


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (UserState.SUSPENDED, [Action.DEACTIVATE]),
        (UserState.STAGED, [Action.DEACTIVATE]),
        (UserState.ACTIVATED, []),
        (UserState.UNKNOWN, []),
    ],
)
def test_suspension_is_believed_only_with_his_own_record(
    state: UserState, expected: list[Action]
) -> None:
    """A state that is unknown by now takes nothing either."""
    diff = diff_of(
        [a_user(access=Access.INACTIVE)],
        [an_account()],
        evidence={"ann": evidence_of(a_person(state=state), "Staff")},
    )

    assert actions(diff) == expected
    assert kinds(diff) == ([] if expected else [FindingKind.NOT_CONFIRMED])


def test_suspended_person_who_was_deleted_meanwhile_loses_access() -> None:
    """Whichever of the two is true, he must not have it."""
    diff = diff_of(
        [a_user(access=Access.INACTIVE)], [an_account()], evidence={"ann": evidence_of(None)}
    )

    assert actions(diff) == [Action.DEACTIVATE]


def test_deletion_needs_both_the_list_and_the_record() -> None:
    """Where the record asks for less than the list, less is done."""
    policy = Policy(on_suspend=Removal.DELETE)
    staged = evidence_of(a_person(state=UserState.STAGED), "Staff")

    diff = diff_of(
        [a_user(access=Access.DELETE)], [an_account()], policy=policy, evidence={"ann": staged}
    )

    assert actions(diff) == [Action.DEACTIVATE]


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (evidence_of(a_person(department="HR"), "Staff"), [Action.DEACTIVATE]),
        (evidence_of(a_person(department="IT"), "Staff"), []),
        (evidence_of(a_person(department="IT"), bound=True), []),
        (evidence_of(a_person(department="IT")), [Action.DEACTIVATE]),
    ],
)
def test_condition_is_checked_again_on_the_record(
    evidence: Evidence, expected: list[Action]
) -> None:
    """A list that shows an old department is not enough to take somebody's access."""
    scope = Scope(where=(a_clause("department", Operator.EQUALS, "IT"),))
    user = a_user(access=Access.INACTIVE, in_scope=False, reason="is out of scope")

    diff = diff_of([user], [an_account()], scope=scope, evidence={"ann": evidence})

    assert actions(diff) == expected


def test_condition_of_a_group_is_checked_again_on_the_record() -> None:
    """Who meets it by his own record stays."""
    where = (a_clause("department", Operator.EQUALS, "IT"),)
    scope = Scope(groups=(GroupSelector(name="Staff", where=where),))
    user = a_user(access=Access.INACTIVE, in_scope=False)

    for department, expected in (("IT", []), ("HR", [Action.DEACTIVATE])):
        found = {"ann": evidence_of(a_person(department=department), "Staff")}
        assert actions(diff_of([user], [an_account()], scope=scope, evidence=found)) == expected


def test_excluded_person_is_not_saved_by_his_record() -> None:
    """An exclusion is a decision of the operator, not of a list."""
    scope = Scope(exclude=frozenset({"ann"}))
    user = a_user(access=Access.INACTIVE, in_scope=False)

    diff = diff_of(
        [user], [an_account()], scope=scope, evidence={"ann": evidence_of(a_person(), "Staff")}
    )

    assert actions(diff) == [Action.DEACTIVATE]


# ---------------------------------------------------------------------- adoption


def test_adopted_account_gets_our_external_id_and_is_reported() -> None:
    """With what differs, in one call."""
    diff = diff_of([a_user(title="CEO")], [a_stranger("x", user_name=mail("ann"))])

    (change,) = diff.changes
    assert values(change) == {"externalId": "ann", "title": "CEO"}
    assert change.reason == "adopted by userName"
    assert kinds(diff) == [FindingKind.ADOPTED]


def test_inactive_account_is_adopted_and_reactivated() -> None:
    """Who is in scope has access."""
    diff = diff_of([a_user()], [a_stranger(active=False)])

    (change,) = diff.changes
    assert change.action is Action.REACTIVATE
    assert values(change) == {"active": True, "externalId": "ann"}


def test_suspended_person_is_adopted_to_be_deactivated() -> None:
    """Then the account is ours, so that he can return to it."""
    diff = diff_of([a_user(access=Access.INACTIVE)], [a_stranger()])

    assert [(c.action, values(c)) for c in diff.changes] == [
        (Action.PATCH, {"externalId": "ann"}),
        (Action.DEACTIVATE, {"active": False}),
    ]


def test_suspended_person_without_access_is_not_adopted() -> None:
    """There is no reason to touch an account that does no harm."""
    diff = diff_of([a_user(access=Access.INACTIVE)], [a_stranger(active=False)])

    assert (diff.changes, diff.findings) == ((), ())


def test_unmanaged_account_is_in_no_change() -> None:
    """Nobody in the scope wants it, so it is none of our business."""
    diff = diff_of([a_user("bob")], [a_stranger("ann"), an_account("eve", external_id="of-okta")])

    assert [change.external_id for change in diff.changes] == ["bob"]
    assert diff.counts.unmanaged == 2


# ---------------------------------------------------------------------- protection


@pytest.mark.parametrize(
    "name",
    ["ann-id", "scim-1", "ann@example.com", "new@example.com"],
    ids=["external-id", "resource-id", "userName", "desired-userName"],
)
@pytest.mark.parametrize("access", [Access.ACTIVE, Access.INACTIVE, Access.DELETE])
def test_protected_person_is_in_no_change(name: str, access: Access) -> None:
    """By any of his names, whatever the reason, and it is said what did not happen."""
    user = a_user("ann-id", access, user_name="New@example.com")
    account = an_account(resource_id="SCIM-1", external_id="ann-id", user_name="Ann@example.com")

    diff = diff_of([user], [account], policy=Policy(protect=frozenset({name})))

    assert (diff.changes, kinds(diff)) == ((), [FindingKind.PROTECTED])
    assert diff.counts.unchanged == 1


@pytest.mark.parametrize("removal", [Removal.DEACTIVATE, Removal.DELETE])
def test_protected_leaver_is_in_no_change(removal: Removal) -> None:
    """An emergency account outlives its person."""
    policy = Policy(protect=frozenset({mail("ann")}), on_leave=removal)

    diff = diff_of(accounts=[an_account()], links=[a_link()], policy=policy)

    assert (diff.changes, kinds(diff)) == ((), [FindingKind.PROTECTED])


def test_protection_without_a_change_is_not_worth_a_word() -> None:
    """A run that has nothing to do says nothing."""
    policy = Policy(protect=frozenset({mail("ann")}))

    assert diff_of([a_user()], [an_account()], policy=policy).findings == ()
    assert not is_protected(Policy(), "", "", None)


# ---------------------------------------------------------------------- order


def test_access_is_given_before_it_is_taken() -> None:
    """A run cut short has taken nothing away before giving the rest."""
    people = [
        a_user("joe"),
        a_user("mia", title="CEO"),
        a_user("ret"),
        a_user("del", Access.DELETE),
    ]
    accounts = [
        an_account("mia"),
        an_account("ret", active=False),
        an_account("lea"),
        an_account("del"),
    ]

    diff = diff_of(people, accounts, links=[a_link("lea")])

    assert actions(diff) == [
        Action.CREATE,
        Action.REACTIVATE,
        Action.PATCH,
        Action.DEACTIVATE,
        Action.DELETE,
    ]


# ---------------------------------------------------------------------- equality


@pytest.mark.parametrize(
    ("path", "one", "other", "equal"),
    [
        ("title", "CEO", "CEO", True),
        ("title", "CEO", "ceo", False),
        ("title", None, "", True),
        ("title", None, "CEO", False),
        ("title", "CEO", "", False),
        ("userName", "Ann@X", "ann@x", True),
        ("USERNAME", "Ann@X", "ann@x", True),
        (WORK, "Ann@X", "ann@x", True),
        ("x.primary", True, "True", True),
        ("x.primary", "true", True, True),
        ("x.primary", True, False, False),
        ("x.primary", False, None, False),
        ("x.number", 3, "3", True),
        ("x.number", 3, 4, False),
    ],
)
def test_values_are_compared_as_scim_does(path: str, one: Value, other: Value, equal: bool) -> None:
    """A value that a platform spells differently does not flap."""
    assert is_equal(path, one, other) is equal
    assert is_equal(path, other, one) is equal


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["", "a", "A", "true"])
)


@given(st.sampled_from(["userName", "title"]), VALUES)
def test_value_equals_itself(path: str, value: Value) -> None:
    """What was written once is not written again."""
    assert is_equal(path, value, value)


# ---------------------------------------------------------------------- the plan


def test_plan_measures_what_is_ours() -> None:
    """Limits are shares of these numbers."""
    people = [a_user("ann"), a_user("bob", Access.INACTIVE)]
    accounts = [
        an_account("ann"),
        an_account("bob", active=False),
        an_account("lea"),
        a_stranger("eve"),
        a_stranger("old", active=False),
    ]
    matching = match_users(people, accounts, [a_link("lea")], Policy())
    rules = Rules(policy=Policy(), scope=Scope(), evidence={}, removals=True, groups=STAFF)

    users = diff_users(matching, rules)
    plan = build_plan(
        "keepnet", matching, users.changes, users_counts=users.counts, managed_groups=4
    )

    assert (plan.managed, plan.managed_active, plan.active) == (3, 2, 3)
    assert (plan.managed_groups, plan.group_sizes) == (4, {})
    assert plan.users == Counts(unchanged=2, unmanaged=2)


def test_plan_puts_groups_among_the_users_by_step() -> None:
    """A group gets its members after they exist and before anybody loses his access."""
    matching = match_users([a_user("ann")], [an_account("lea")], [a_link("lea")], Policy())
    rules = Rules(policy=Policy(), scope=Scope(), evidence={}, removals=True, groups=STAFF)
    group = a_group_change(step=STEP_GROUP_CREATE)

    plan = build_plan(
        "keepnet",
        matching,
        [*diff_users(matching, rules).changes, group],
        groups_counts=Counts(unchanged=2),
        group_sizes={"scim-staff": 3},
    )

    assert [(c.action, c.kind) for c in plan.changes] == [
        (Action.CREATE, "User"),
        (Action.PATCH, "Group"),
        (Action.DEACTIVATE, "User"),
    ]
    assert (plan.groups.unchanged, plan.group_sizes) == (2, {"scim-staff": 3})


@given(
    st.lists(st.tuples(st.sampled_from(Access), st.booleans(), st.booleans()), max_size=6),
    st.integers(0, 3),
)
def test_everybody_is_counted_once(people: list[tuple[Access, bool, bool]], leavers: int) -> None:
    """In a change, unchanged or out of scope; a person with two changes is one person."""
    desired, accounts = [], []
    for n, (access, has_account, in_scope) in enumerate(people):
        desired.append(a_user(f"u{n}", access, in_scope=in_scope, title="new"))
        accounts += [an_account(f"u{n}")] if has_account else []
    gone = [f"l{n}" for n in range(leavers)]
    accounts += [an_account(who, active=n != 1) for n, who in enumerate(gone)]

    diff = diff_of(desired, accounts, links=[a_link(who) for who in gone])

    changed = {change.external_id for change in diff.changes}
    assert len(changed) + diff.counts.unchanged + diff.counts.out_of_scope == len(people) + leavers


def test_order_of_the_plan_is_that_of_names() -> None:
    """Two plans of the same world have the same digest."""
    people = [a_user(who) for who in ("cid", "ann", "Bob")]

    assert [c.external_id for c in diff_of(people).changes] == ["ann", "Bob", "cid"]
    assert diff_of(people).changes == diff_of(reversed(people)).changes
    assert replace(diff_of(people)) == diff_of(people)
