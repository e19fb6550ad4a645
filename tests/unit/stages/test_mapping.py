"""Who should have which account, and why."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.model.directory import DirectoryUser, UserState
from jcsync.model.report import FindingKind
from jcsync.model.resource import Access, Value
from jcsync.model.rules import (
    AttributeRule,
    Clause,
    GroupPolicy,
    GroupSelector,
    MappingError,
    Operator,
    Policy,
    Removal,
    Scope,
)
from jcsync.stages.mapping import (
    decide_access,
    failed,
    groups_of,
    is_selected,
    map_groups,
    map_state,
    map_user,
    map_users,
)
from tests.factories import (
    RULES,
    WORK,
    a_clause,
    a_directory,
    a_directory_group,
    a_person,
    a_rule,
    a_user,
    mail,
)

POLICY = Policy()
EVERYBODY = Scope()


# ---------------------------------------------------------------------- states


@pytest.mark.parametrize(
    ("fields", "access"),
    [
        pytest.param({}, Access.ACTIVE, id="activated"),
        pytest.param({"activated": False}, Access.ACTIVE, id="password-pending"),
        pytest.param({"state": UserState.STAGED}, Access.INACTIVE, id="staged"),
        pytest.param({"state": UserState.SUSPENDED}, Access.INACTIVE, id="suspended"),
        pytest.param({"state": UserState.UNKNOWN}, Access.KEEP, id="unknown"),
        pytest.param({"account_locked": True}, Access.ACTIVE, id="locked"),
        pytest.param({"password_expired": True}, Access.ACTIVE, id="password-expired"),
        pytest.param(
            {"state": UserState.UNKNOWN, "account_locked": True},
            Access.KEEP,
            id="unknown-and-locked",
        ),
    ],
)
def test_default_policy_follows_the_state(fields: Mapping[str, object], access: Access) -> None:
    """A lock or an expired password is no suspension, and an unknown state changes nothing."""
    assert decide_access(a_person(**fields), POLICY)[0] is access


@pytest.mark.parametrize(
    ("setting", "fields"),
    [
        ("on_suspend", {"state": UserState.SUSPENDED}),
        ("on_staged", {"state": UserState.STAGED}),
    ],
)
@pytest.mark.parametrize(
    ("removal", "access"),
    [
        (Removal.DEACTIVATE, Access.INACTIVE),
        (Removal.DELETE, Access.DELETE),
        (Removal.KEEP, Access.KEEP),
    ],
)
def test_each_state_has_a_setting(
    setting: str, fields: Mapping[str, object], removal: Removal, access: Access
) -> None:
    """Keep leaves the account of such a person exactly as it is."""
    assert decide_access(a_person(**fields), Policy(**{setting: removal}))[0] is access


@pytest.mark.parametrize("field", ["locked", "password_expired"])
@pytest.mark.parametrize(
    ("removal", "access"),
    [
        (Removal.DEACTIVATE, Access.INACTIVE),
        (Removal.DELETE, Access.DELETE),
        (Removal.KEEP, Access.ACTIVE),
    ],
)
def test_locks_can_take_access(field: str, removal: Removal, access: Access) -> None:
    """Keep means here that he keeps his access, and is kept up to date."""
    user = a_person(**{field.replace("locked", "account_locked"): True})
    policy = Policy(**{f"on_{field}": removal})

    assert decide_access(user, policy)[0] is access


# ---------------------------------------------------------------------- scope


@pytest.mark.parametrize(
    ("clause", "holds"),
    [
        (a_clause("department", Operator.EQUALS, "IT"), True),
        (a_clause("department", Operator.EQUALS, "it"), False),
        (a_clause("department", Operator.IN, "HR", "IT"), True),
        (a_clause("department", Operator.IN, "HR"), False),
        (a_clause("department", Operator.NOT_EQUALS, "IT"), False),
        (a_clause("department", Operator.NOT_EQUALS, "HR"), True),
        (a_clause("department", Operator.NOT_IN, "HR", "IT"), False),
        (a_clause("department", Operator.MATCHES, "^I"), True),
        (a_clause("department", Operator.MATCHES, "^T"), False),
        (a_clause("department", Operator.EXISTS, "true"), True),
        (a_clause("department", Operator.EXISTS, "false"), False),
        (a_clause("company", Operator.EQUALS, ""), False),
        (a_clause("company", Operator.IN, ""), False),
        (a_clause("company", Operator.NOT_EQUALS, "IT"), True),
        (a_clause("company", Operator.NOT_IN, ""), True),
        (a_clause("company", Operator.MATCHES, ".*"), False),
        (a_clause("company", Operator.EXISTS, "true"), False),
        (a_clause("company", Operator.EXISTS, "false"), True),
    ],
    ids=str,
)
def test_condition_compares_exactly(clause: Clause, holds: bool) -> None:
    """An attribute without a value meets only exists: false and the negations."""
    user = a_person(department="IT", company="")

    assert (failed(user, [clause]) is None) is holds


def test_all_conditions_must_hold() -> None:
    """The first that does not is the reason."""
    clauses = [
        a_clause("department", Operator.EQUALS, "IT"),
        a_clause("company", Operator.EXISTS, "true"),
    ]

    assert failed(a_person(department="IT"), clauses) is clauses[1]


@pytest.mark.parametrize("name", ["ANN-ID", "Ann", "ANN@example.com"])
def test_excluded_person_is_out_of_scope(name: str) -> None:
    """By id, username or e-mail, whatever the case."""
    scope = Scope(exclude=frozenset({name.casefold()}))
    user = a_person("ann", id="ann-id")

    desired = map_user(user, scope, POLICY, RULES)

    assert (desired.access, desired.in_scope) == (Access.INACTIVE, False)
    assert "scope.exclude" in desired.reason


def test_empty_exclusion_excludes_nobody() -> None:
    """Somebody without an e-mail is not excluded by an empty line."""
    desired = map_user(a_person(email=""), Scope(exclude=frozenset({""})), POLICY, RULES)

    assert desired.in_scope


@pytest.mark.parametrize(
    ("removal", "access"),
    [
        (Removal.DEACTIVATE, Access.INACTIVE),
        (Removal.DELETE, Access.DELETE),
        (Removal.KEEP, Access.KEEP),
    ],
)
def test_who_fails_a_condition_is_treated_as_a_leaver(removal: Removal, access: Access) -> None:
    """policy.on_leave decides, whatever his state is."""
    scope = Scope(where=(a_clause("department", Operator.EQUALS, "IT"),))
    user = a_person(department="HR", state=UserState.SUSPENDED)

    desired = map_user(user, scope, Policy(on_leave=removal), RULES)

    assert (desired.access, desired.in_scope) == (access, False)
    assert desired.reason == "is out of scope by configuration (scope.where: department equals IT)"


def test_group_brings_in_only_who_meets_its_conditions() -> None:
    """Who meets the conditions of none of his groups is out of the scope."""
    scope = Scope(
        groups=(
            GroupSelector(name="Staff", where=(a_clause("department", Operator.EQUALS, "IT"),)),
            GroupSelector(name="g-board"),
        )
    )
    people = [a_person("ann", department="IT"), a_person("bob", department="HR"), a_person("cid")]
    state = a_directory(*people, groups={"Staff": ["ann", "bob"], "Board": ["cid"]})

    desired = {user.external_id: user for user in map_users(state, scope, POLICY, RULES)}

    assert desired["ann"].reason == "is in Staff"
    assert desired["cid"].reason == "is in Board"
    assert desired["bob"].reason == (
        "is out of scope by configuration (meets the conditions of no group: scope.groups.where)"
    )
    assert (desired["bob"].access, desired["bob"].in_scope) == (Access.INACTIVE, False)


def test_one_group_whose_conditions_hold_is_enough() -> None:
    """Conditions of one group say nothing about the members of another."""
    scope = Scope(
        groups=(
            GroupSelector(name="A", where=(a_clause("department", Operator.EQUALS, "IT"),)),
            GroupSelector(name="B"),
        )
    )
    state = a_directory(a_person("bob", department="HR"), groups={"A": ["bob"], "B": ["bob"]})

    assert groups_of(state, scope) == {"bob": "B"}


def test_conditions_hold_for_a_group_chosen_by_its_id_in_capitals() -> None:
    """An id finds its group whatever the case, and its conditions go with it."""
    group_id = "5f0c1e2d3a4b5c6d7e8f9a0b"
    where = (a_clause("department", Operator.EQUALS, "IT"),)
    scope = Scope(groups=(GroupSelector(name=group_id.upper(), where=where),))
    state = a_directory(a_person("bob", department="HR"))
    group = a_directory_group("Staff", id=group_id)
    state = type(state)(
        groups=(group,),
        members={group_id: state.members["g-staff"]},
        direct=state.direct,
        users=state.users,
    )

    (desired,) = map_users(state, scope, POLICY, RULES)

    assert not desired.in_scope


def test_binding_to_the_application_brings_somebody_in() -> None:
    """Also without any group; a group is the better reason."""
    scope = Scope(application="Keepnet")
    people = [a_person("ann"), a_person("bob")]
    state = a_directory(*people, groups={"Staff": ["ann"]}, direct=["ann", "bob"])

    desired = map_users(state, scope, POLICY, RULES)

    assert [user.reason for user in desired] == ["is in Staff", "is in the application Keepnet"]


def test_first_group_by_name_is_the_reason() -> None:
    """Somebody in several groups is named with one of them, always the same."""
    state = a_directory(a_person("ann"), groups={"B": ["ann"], "A": ["ann"]})

    assert groups_of(state, EVERYBODY) == {"ann": "A"}


def test_member_without_a_record_is_left_out() -> None:
    """Nothing can be said about somebody whose record could not be read."""
    state = a_directory(a_person("ann"), groups={"Staff": ["ann", "ghost"]})

    assert [user.external_id for user in map_users(state, EVERYBODY, POLICY, RULES)] == ["ann"]


def test_record_without_membership_is_left_out() -> None:
    """Who is in no group of the scope is not provisioned."""
    state = a_directory(a_person("ann"), a_person("bob"), groups={"Staff": ["ann"]})

    assert [user.external_id for user in map_users(state, EVERYBODY, POLICY, RULES)] == ["ann"]


def test_unknown_state_is_marked() -> None:
    """So that the run can report it."""
    assert map_user(a_person(state=UserState.UNKNOWN), EVERYBODY, POLICY, RULES).state_unknown


def test_reason_without_a_group_is_general() -> None:
    """A person who is explained alone has no group to name."""
    assert map_user(a_person(), EVERYBODY, POLICY, RULES).reason == "is in the chosen groups"


# ---------------------------------------------------------------------- attributes


def mapped(rule: AttributeRule, **fields: object) -> Mapping[str, Value]:
    """What one rule makes of somebody."""
    return map_user(a_person(**fields), EVERYBODY, POLICY, [a_rule(), rule]).attributes


@pytest.mark.parametrize(
    ("options", "title", "expected"),
    [
        pytest.param({}, "CEO", {"title": "CEO"}, id="value"),
        pytest.param({}, "", {}, id="empty-leaves-alone"),
        pytest.param({}, "  ", {}, id="blank-is-empty"),
        pytest.param({"default": "Staff"}, "", {"title": "Staff"}, id="default"),
        pytest.param({"default": "Staff"}, "CEO", {"title": "CEO"}, id="default-unused"),
        pytest.param({"clear": True}, "", {"title": None}, id="clear"),
        pytest.param(
            {"clear": True, "default": "Staff"}, "", {"title": "Staff"}, id="clear-default"
        ),
        pytest.param({"max_length": 2}, "CEO", {"title": "CE"}, id="cut"),
        pytest.param({"max_length": 2, "default": "Staff"}, "", {"title": "St"}, id="cut-default"),
        pytest.param({"max_length": 9}, "CEO", {"title": "CEO"}, id="short-enough"),
    ],
)
def test_attribute_comes_from_its_field(
    options: Mapping[str, object], title: str, expected: Mapping[str, Value]
) -> None:
    """An empty source leaves the platform's value alone unless it is to be cleared."""
    attributes = mapped(a_rule("title", "jobTitle", **options), jobTitle=title)

    assert {k: v for k, v in attributes.items() if k != "userName"} == expected


def test_constant_may_be_no_text() -> None:
    """False is a value, and is not cut."""
    rule = a_rule("roles", read=lambda _user: False, max_length=1)

    assert mapped(rule)["roles"] is False


def test_attribute_for_new_accounts_is_kept_apart() -> None:
    """It is sent once and never compared."""
    rules = [
        a_rule(),
        a_rule("title", "jobTitle", create_only=True),
        a_rule("x", "company", create_only=True),
    ]

    desired = map_user(a_person(jobTitle="CEO"), EVERYBODY, POLICY, rules)

    assert desired.initial == {"title": "CEO"}
    assert "title" not in desired.attributes


def test_name_for_new_accounts_only_names_them() -> None:
    """A userName that is mapped with when: create is a name all the same."""
    desired = map_user(a_person(), EVERYBODY, POLICY, [a_rule(create_only=True)])

    assert (desired.user_name, desired.problem) == (mail("ann"), "")


def test_person_without_a_name_cannot_be_mapped() -> None:
    """He is called by what the directory knows of him."""
    desired = map_user(a_person("ann", email=""), EVERYBODY, POLICY, RULES)

    assert desired.user_name == "ann"
    assert desired.problem.startswith("no userName")


def test_every_broken_attribute_is_named() -> None:
    """A template that fails stops one person, and says where."""

    def broken(_user: DirectoryUser) -> Value:
        message = "division by zero"
        raise MappingError(message)

    rules = [a_rule(read=broken), a_rule("title", read=broken)]

    desired = map_user(a_person("ann"), EVERYBODY, POLICY, rules)

    assert desired.problem == "userName: division by zero; title: division by zero"
    assert desired.user_name == mail("ann")


def test_addresses_for_adoption_are_those_that_are_sent() -> None:
    """Every mapped e-mail counts, constants that are no text do not."""
    rules = [a_rule(), a_rule(WORK), a_rule('emails[type eq "x"].primary', read=lambda _user: True)]

    assert map_user(a_person(), EVERYBODY, POLICY, rules).emails == (mail("ann"),)


@given(
    st.sets(st.sampled_from("abcdef")),
    st.sets(st.sampled_from("abcdef")),
    st.sets(st.sampled_from("abcdef")),
)
def test_every_member_with_a_record_is_mapped_once(
    records: set[str], staff: set[str], direct: set[str]
) -> None:
    """Ordered by id, whatever the groups."""
    state = a_directory(*map(a_person, records), groups={"Staff": staff}, direct=direct)

    desired = map_users(state, EVERYBODY, POLICY, RULES)

    assert [user.external_id for user in desired] == sorted(records & (staff | direct))


def test_what_was_mapped_needs_no_records_any_more() -> None:
    """The records of all people are let go; all else that was read stays."""
    state = a_directory(a_person("ann"), gaps=("some may be missing",))
    policy = GroupPolicy(enabled=True)

    desired = map_state(state, EVERYBODY, POLICY, RULES, policy)

    assert desired.state == replace(state, users={})
    assert desired.users == map_users(state, EVERYBODY, POLICY, RULES)
    assert (desired.groups, desired.findings) == map_groups(state, desired.users, policy, EVERYBODY)
    assert [user.external_id for user in desired.users] == ["ann"]
    assert [group.members for group in desired.groups] == [{"ann"}]


# ---------------------------------------------------------------------- groups


def test_groups_are_off_by_default() -> None:
    """Only people are provisioned unless groups.enabled says otherwise."""
    assert map_groups(a_directory(a_person()), [a_user()], GroupPolicy(), EVERYBODY) == ((), ())


def test_members_are_the_people_in_scope() -> None:
    """Who is excluded from the scope is in no group either."""
    people = [a_person("ann"), a_person("bob")]
    state = a_directory(*people, groups={"Staff": ["ann", "bob", "ghost"]})
    desired = [a_user("ann"), a_user("bob", in_scope=False)]

    (group,), findings = map_groups(state, desired, GroupPolicy(enabled=True), EVERYBODY)

    assert (group.display_name, group.members, findings) == ("Staff", {"ann"}, ())
    assert group.members_known


def test_members_of_a_group_meet_its_conditions() -> None:
    """Who is in the scope by another group is no member of this one."""
    where = (a_clause("department", Operator.EQUALS, "IT"),)
    scope = Scope(groups=(GroupSelector(name="A", where=where), GroupSelector(name="B")))
    people = [a_person("ann", department="IT"), a_person("bob", department="HR")]
    state = a_directory(*people, groups={"A": ["ann", "bob"], "B": ["bob"]})
    desired = map_users(state, scope, POLICY, RULES)

    groups, _ = map_groups(state, desired, GroupPolicy(enabled=True), scope)

    assert {group.display_name: group.members for group in groups} == {"A": {"ann"}, "B": {"bob"}}


def test_group_that_was_read_in_part_is_marked() -> None:
    """Nobody may be removed from it."""
    state = a_directory(a_person(), broken=("Staff",))

    (group,), _ = map_groups(state, [a_user()], GroupPolicy(enabled=True), EVERYBODY)

    assert not group.members_known


@pytest.mark.parametrize("names", [("Staff", "Staff"), ("Staff", "STAFF")])
def test_groups_of_one_name_are_both_left_out(names: tuple[str, str]) -> None:
    """Which of them the platform's group would be cannot be known."""
    state = a_directory(groups={"A": [], "B": [], "C": []})
    wanted = {"g-a": names[0], "g-b": names[1], "g-c": "C"}
    policy = GroupPolicy(enabled=True, name=wanted.get)

    groups, findings = map_groups(state, [], policy, EVERYBODY)

    assert [group.display_name for group in groups] == ["C"]
    assert [finding.kind for finding in findings] == [FindingKind.CONFLICT]
    assert '"A" (g-a), "B" (g-b)' in findings[0].message


def test_group_whose_name_fails_is_skipped() -> None:
    """The others go on."""

    def name(_key: str, name: str) -> str:
        if name == "A":
            message = "undefined"
            raise MappingError(message)
        return f"JumpCloud {name}"

    policy = GroupPolicy(enabled=True, name=name)
    groups, findings = map_groups(a_directory(groups={"A": [], "B": []}), [], policy, EVERYBODY)

    assert [group.display_name for group in groups] == ["JumpCloud B"]
    assert [(f.kind, f.subject) for f in findings] == [(FindingKind.SKIPPED, "A")]


@pytest.mark.parametrize(
    ("only", "selected"),
    [
        ((), True),
        (("Staff",), True),
        (("staff",), False),
        (("g-staff",), True),
        (("St*",), True),
        (("Board", "S?aff"), True),
        (("Board",), False),
    ],
)
def test_only_chooses_among_the_groups(only: tuple[str, ...], selected: bool) -> None:
    """By name, id or pattern; nothing chooses all."""
    state = a_directory(groups={"Staff": []})

    groups, _ = map_groups(state, [], GroupPolicy(enabled=True, only=only), EVERYBODY)

    assert bool(groups) is selected


def test_name_with_brackets_can_be_chosen_as_it_is() -> None:
    """A name that looks like a pattern is still a name."""
    assert is_selected(a_directory_group("[IT]"), ["[IT]"])
