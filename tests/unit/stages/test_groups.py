"""What becomes of groups and of their members."""

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.model.directory import Evidence
from jcsync.model.plan import Action, Change, Counts, Member
from jcsync.model.report import FindingKind
from jcsync.model.resource import (
    Access,
    DesiredGroup,
    DesiredUser,
    GroupResource,
    Kind,
    Link,
    UserResource,
)
from jcsync.model.rules import GroupPolicy, GroupRemoval, Operator, Policy, Removal, Scope
from jcsync.stages.diff import Rules, diff_users
from jcsync.stages.groups import GroupDiff, build_roster, diff_groups
from jcsync.stages.matching import match_groups, match_users
from tests.factories import (
    a_clause,
    a_desired_group,
    a_directory_group,
    a_group,
    a_group_link,
    a_link,
    a_person,
    a_stranger,
    a_user,
    an_account,
    evidence_of,
    mail,
)

ON = GroupPolicy(enabled=True)


def diff_of(  # noqa: PLR0913 - a test names only what it cares about
    desired: Iterable[DesiredGroup] = (),
    actual: Iterable[GroupResource] = (),
    *,
    people: Iterable[DesiredUser] = (),
    accounts: Iterable[UserResource] = (),
    links: Iterable[Link] = (),
    groups: GroupPolicy = ON,
    policy: Policy | None = None,
    scope: Scope | None = None,
    evidence: Mapping[str, Evidence] | None = None,
    removals: bool = True,
    withheld: Iterable[str] = (),
) -> GroupDiff:
    """What is done about these groups, after what is done about the people."""
    policy, accounts, links = policy or Policy(), tuple(accounts), tuple(links)
    users = match_users(people, accounts, [x for x in links if x.kind is Kind.USER], policy)
    rules = Rules(
        policy=policy,
        scope=scope or Scope(),
        evidence=evidence or {},
        removals=removals,
        groups=(a_directory_group("Staff"),),
    )
    matching = match_groups(
        desired,
        actual,
        [x for x in links if x.kind is Kind.GROUP],
        groups,
        withheld=frozenset(withheld),
    )
    roster = build_roster(users, diff_users(users, rules), accounts)
    return diff_groups(matching, roster, groups, removals=removals)


def names(members: Iterable[Member]) -> list[str]:
    """Who enters or leaves."""
    return [member.name.removesuffix("@example.com") for member in members]


def only(diff: GroupDiff) -> Change:
    """The one change of a diff."""
    (change,) = diff.changes
    return change


# ---------------------------------------------------------------------- members


def test_members_follow_the_directory() -> None:
    """Who is missing enters, who is not implied leaves, in order of names."""
    people = [a_user(who) for who in ("dan", "cid", "ann", "bob")]
    accounts = [an_account(who) for who in ("ann", "bob", "cid", "dan", "eve", "fay")]

    change = only(
        diff_of(
            [a_desired_group("Staff", "dan", "cid", "ann")],
            [a_group("Staff", "ann", "fay", "eve")],
            people=people,
            accounts=accounts,
        )
    )

    assert (change.action, change.attributes) == (Action.PATCH, ())
    assert (names(change.add), names(change.remove)) == (["cid", "dan"], ["eve", "fay"])


def test_group_that_is_right_is_in_no_change() -> None:
    """A run that has nothing to do writes nothing."""
    diff = diff_of(
        [a_desired_group("Staff", "ann")],
        [a_group("Staff", "ann")],
        people=[a_user("ann")],
        accounts=[an_account("ann")],
    )

    assert (diff.changes, diff.counts) == ((), Counts(unchanged=1))
    assert diff.sizes == {"scim-staff": 1}


def test_joiner_enters_with_the_account_that_the_same_plan_creates() -> None:
    """He has no id on the platform yet."""
    change = only(
        diff_of([a_desired_group("Staff", "joe")], [a_group("Staff")], people=[a_user("joe")])
    )

    assert change.add == (Member(name=mail("joe"), external_id="joe", resource_id=""),)


def test_who_gets_no_account_enters_no_group() -> None:
    """A staged or broken person is no member before he has an account."""
    people = [a_user("sta", Access.INACTIVE), a_user("bad", problem="no userName")]

    diff = diff_of([a_desired_group("Staff", "sta", "bad")], [a_group("Staff")], people=people)

    assert diff.changes == ()


def test_suspended_person_stays_in_his_groups() -> None:
    """He returns to them when he returns."""
    diff = diff_of(
        [a_desired_group("Staff", "sid")],
        [a_group("Staff", "sid")],
        people=[a_user("sid", Access.INACTIVE)],
        accounts=[an_account("sid")],
    )

    assert diff.changes == ()


def test_who_is_deleted_leaves_his_groups() -> None:
    """A member that does not exist is an error on many platforms."""
    change = only(
        diff_of(
            [a_desired_group("Staff", "del")],
            [a_group("Staff", "del")],
            people=[a_user("del", Access.DELETE)],
            accounts=[an_account("del")],
        )
    )

    assert names(change.remove) == ["del"]


def test_leaver_is_named_with_his_id() -> None:
    """So that a run about one person finds his memberships."""
    change = only(
        diff_of(
            [a_desired_group("Staff")],
            [a_group("Staff", "lea", "ghost")],
            accounts=[an_account("lea")],
            links=[a_link("lea")],
        )
    )

    assert change.remove == (
        Member(name=mail("lea"), external_id="lea", resource_id="scim-lea"),
        Member(name="scim-ghost", external_id="", resource_id="scim-ghost"),
    )


@pytest.mark.parametrize(
    ("removals", "known", "groups"),
    [
        pytest.param(False, True, ON, id="incomplete-read"),
        pytest.param(True, False, ON, id="this-group-read-in-part"),
        pytest.param(
            True, True, GroupPolicy(enabled=True, remove_extra=False), id="extra-members-keep"
        ),
    ],
)
def test_nobody_is_removed_unless_the_list_can_be_believed(
    removals: bool, known: bool, groups: GroupPolicy
) -> None:
    """Whom the directory implies enters all the same."""
    change = only(
        diff_of(
            [a_desired_group("Staff", "joe", members_known=known)],
            [a_group("Staff", "lea")],
            people=[a_user("joe")],
            accounts=[an_account("lea")],
            groups=groups,
            removals=removals,
        )
    )

    assert (names(change.add), change.remove) == (["joe"], ())


def test_leaver_whom_his_own_record_contradicts_stays_in_the_group() -> None:
    """A list that is wrong about his access is wrong about his membership."""
    diff = diff_of(
        [a_desired_group("Staff")],
        [a_group("Staff", "lea")],
        accounts=[an_account("lea")],
        links=[a_link("lea")],
        evidence={"lea": evidence_of(a_person("lea"), "Staff")},
    )

    assert diff.changes == ()


def test_person_whom_his_own_record_puts_in_scope_stays_in_the_group() -> None:
    """A list with an old department removes nobody."""
    diff = diff_of(
        [a_desired_group("Staff")],
        [a_group("Staff", "ann")],
        people=[a_user("ann", Access.INACTIVE, in_scope=False)],
        accounts=[an_account("ann")],
        scope=Scope(where=(a_clause("department", Operator.EQUALS, "IT"),)),
        evidence={"ann": evidence_of(a_person("ann", department="IT"), "Staff")},
    )

    assert diff.changes == ()


@pytest.mark.parametrize("members", [(), ("ann",)])
def test_account_that_is_not_adopted_neither_enters_nor_leaves(members: tuple[str, ...]) -> None:
    """A suspended person's unmanaged account is left alone in its groups too."""
    diff = diff_of(
        [a_desired_group("Staff", "ann")],
        [a_group("Staff", *members)],
        people=[a_user("ann", Access.INACTIVE)],
        accounts=[a_stranger("ann", active=False)],
    )

    assert diff.changes == ()


def test_protected_account_is_not_adopted_into_a_new_group() -> None:
    """Hands off means that no group is filled with it either."""
    change = only(
        diff_of(
            [a_desired_group("Staff", "ann")],
            people=[a_user("ann")],
            accounts=[a_stranger("ann")],
            policy=Policy(protect=frozenset({mail("ann")})),
        )
    )

    assert (change.action, change.add) == (Action.CREATE, ())


def test_accounts_of_nobody_stay_while_a_member_cannot_be_matched() -> None:
    """One of them may be his: that is for a person to settle. Others leave as they should."""
    change = only(
        diff_of(
            [a_desired_group("Staff", "ann")],
            [a_group("Staff", "ann", "lea")],
            people=[a_user("ann")],
            accounts=[an_account("ann", external_id="of-okta"), an_account("lea")],
            links=[a_link("ann"), a_link("lea")],
        )
    )

    assert names(change.remove) == ["lea"]


# ---------------------------------------------------------------------- groups that are found


def test_renamed_group_is_patched() -> None:
    """Identity is the JumpCloud id of the group."""
    change = only(diff_of([a_desired_group("Crew")], [a_group("Staff", external_id="g-crew")]))

    assert [(a.path, a.before, a.after) for a in change.attributes] == [
        ("displayName", "Staff", "Crew")
    ]


def test_adopted_group_gets_our_external_id_and_is_reported() -> None:
    """With its members in the same change."""
    diff = diff_of([a_desired_group("Staff")], [a_group("Staff", external_id="")])

    change = only(diff)
    assert [(a.path, a.after) for a in change.attributes] == [("externalId", "g-staff")]
    assert change.reason == "adopted by displayName"
    assert [finding.kind for finding in diff.findings] == [FindingKind.ADOPTED]


def test_missing_group_is_created_with_its_members() -> None:
    """Those who get an account by the same plan included."""
    change = only(
        diff_of(
            [a_desired_group("Staff", "ann", "joe")],
            people=[a_user("ann"), a_user("joe")],
            accounts=[an_account("ann")],
        )
    )

    assert (change.action, change.name, names(change.add)) == (
        Action.CREATE,
        "Staff",
        ["ann", "joe"],
    )


@pytest.mark.parametrize(("keep_empty", "created"), [(True, 1), (False, 0)])
def test_empty_group_is_created_only_where_it_is_wanted(keep_empty: bool, created: int) -> None:
    """groups.empty: skip waits for the first member."""
    groups = GroupPolicy(enabled=True, keep_empty=keep_empty)

    diff = diff_of([a_desired_group("Staff")], groups=groups)

    assert (len(diff.changes), diff.counts.unchanged) == (created, 1 - created)


# ---------------------------------------------------------------------- memberships only

MEMBERS_ONLY = GroupPolicy(enabled=True, create=False)


def test_membership_only_creates_and_renames_nothing() -> None:
    """groups.create: false fills groups that exist and leaves their names alone."""
    diff = diff_of(
        [a_desired_group("Crew", "ann"), a_desired_group("New", "ann")],
        [a_group("Staff", external_id="g-crew")],
        people=[a_user("ann")],
        accounts=[an_account("ann")],
        groups=MEMBERS_ONLY,
    )

    change = only(diff)
    assert (change.attributes, names(change.add)) == ((), ["ann"])
    assert diff.counts.unchanged == 1


def test_membership_only_does_not_mark_the_group_as_ours() -> None:
    """The group belongs to whoever made it."""
    diff = diff_of(
        [a_desired_group("Staff", "ann")],
        [a_group("Staff", external_id="")],
        people=[a_user("ann")],
        accounts=[an_account("ann")],
        groups=MEMBERS_ONLY,
    )

    assert (only(diff).attributes, diff.findings) == ((), ())


def test_membership_only_never_deletes_a_group() -> None:
    """A group that jcsync did not create loses its members at the most."""
    groups = GroupPolicy(enabled=True, create=False, on_leave=GroupRemoval.DELETE)

    change = only(
        diff_of(
            actual=[a_group("Staff", "ann")],
            accounts=[an_account("ann")],
            links=[a_group_link("Staff")],
            groups=groups,
        )
    )

    assert (change.action, names(change.remove)) == (Action.PATCH, ["ann"])


# ---------------------------------------------------------------------- groups that left


@pytest.mark.parametrize(
    ("on_leave", "members", "expected"),
    [
        (GroupRemoval.KEEP, ("ann",), []),
        (GroupRemoval.EMPTY, ("ann",), [(Action.PATCH, ["ann"])]),
        (GroupRemoval.EMPTY, (), []),
        (GroupRemoval.DELETE, ("ann",), [(Action.DELETE, [])]),
        (GroupRemoval.DELETE, (), [(Action.DELETE, [])]),
    ],
)
def test_group_that_left_the_scope_ends_as_the_policy_says(
    on_leave: GroupRemoval, members: tuple[str, ...], expected: list[tuple[Action, list[str]]]
) -> None:
    """By default it stays as it is."""
    diff = diff_of(
        actual=[a_group("Staff", *members)],
        accounts=[an_account("ann")],
        links=[a_group_link("Staff")],
        groups=GroupPolicy(enabled=True, on_leave=on_leave),
    )

    assert [(c.action, names(c.remove)) for c in diff.changes] == expected
    assert diff.counts.unchanged == 1 - len(expected)


@pytest.mark.parametrize("on_leave", GroupRemoval)
def test_incomplete_read_ends_no_group(on_leave: GroupRemoval) -> None:
    """A group that is missing from half a list has not left."""
    diff = diff_of(
        actual=[a_group("Staff", "ann")],
        links=[a_group_link("Staff")],
        groups=GroupPolicy(enabled=True, on_leave=on_leave),
        removals=False,
    )

    assert (diff.changes, diff.counts.unchanged) == ((), 1)


@pytest.mark.parametrize("on_leave", GroupRemoval)
def test_group_whose_name_is_in_dispute_has_not_left(on_leave: GroupRemoval) -> None:
    """Two directory groups of one name are a conflict, not the end of the platform's group."""
    diff = diff_of(
        actual=[a_group("Staff", "ann")],
        links=[a_group_link("Staff")],
        groups=GroupPolicy(enabled=True, on_leave=on_leave),
        withheld=["g-staff"],
    )

    assert (diff.changes, diff.counts) == ((), Counts(unchanged=1))


def test_group_in_dispute_is_not_taken_over_by_its_name() -> None:
    """On a platform that returns no externalId the link still says whose it is."""
    diff = diff_of(
        [a_desired_group("Staff", external_id="g-new")],
        [a_group("Staff", external_id="")],
        links=[a_group_link("Staff")],
        withheld=["g-staff"],
    )

    assert (diff.changes, [finding.kind for finding in diff.findings]) == (
        (),
        [FindingKind.CONFLICT],
    )


def test_groups_that_are_not_ours_are_counted_and_left_alone() -> None:
    """Whatever the policy for groups that left."""
    diff = diff_of(
        actual=[a_group("Other", external_id="of-okta"), a_group("Own", external_id="")],
        groups=GroupPolicy(enabled=True, on_leave=GroupRemoval.DELETE),
    )

    assert (diff.changes, diff.counts) == ((), Counts(unmanaged=2))


def test_blocked_group_is_counted_as_unchanged() -> None:
    """Everybody is counted somewhere."""
    diff = diff_of([a_desired_group("Staff")], [a_group("Staff", external_id="of-okta")])

    assert diff.counts == Counts(unchanged=1, unmanaged=1)


GROUPS = st.sampled_from(["A", "B", "C", "D"])


@given(
    wanted=st.sets(GROUPS),
    present=st.sets(GROUPS),
    linked=st.sets(GROUPS),
    withheld=st.sets(GROUPS),
    members=st.sets(st.sampled_from("123")),
    held=st.sets(st.sampled_from("1239")),
    on_leave=st.sampled_from(GroupRemoval),
    removals=st.booleans(),
)
def test_every_group_is_counted_once(
    *,
    wanted: set[str],
    present: set[str],
    linked: set[str],
    withheld: set[str],
    members: set[str],
    held: set[str],
    on_leave: GroupRemoval,
    removals: bool,
) -> None:
    """In a change, unchanged or not ours; and without complete reads nothing is taken."""
    withheld -= wanted
    diff = diff_of(
        [a_desired_group(name, *members) for name in sorted(wanted)],
        [
            a_group(name, *held, external_id="" if name < "C" else f"g-{name.casefold()}")
            for name in sorted(present)
        ],
        people=[a_user(who) for who in "123"],
        accounts=[an_account(who) for who in "1239"],
        links=[a_group_link(name) for name in sorted(linked)],
        groups=GroupPolicy(enabled=True, on_leave=on_leave),
        removals=removals,
        withheld=[f"g-{name.casefold()}" for name in withheld],
    )

    left = len(diff.changes) + diff.counts.unchanged + diff.counts.unmanaged
    blocked = sum(
        finding.kind in (FindingKind.CONFLICT, FindingKind.AMBIGUOUS) for finding in diff.findings
    )
    assert left - blocked == len(wanted | present)
    if not removals:
        assert not any(c.remove or c.action is Action.DELETE for c in diff.changes)


def test_policy_for_leavers_does_not_keep_them_in_groups() -> None:
    """policy.on_leave: keep keeps the account, not the membership."""
    change = only(
        diff_of(
            [a_desired_group("Staff")],
            [a_group("Staff", "lea")],
            accounts=[an_account("lea")],
            links=[a_link("lea")],
            policy=Policy(on_leave=Removal.KEEP),
        )
    )

    assert names(change.remove) == ["lea"]


def test_group_of_tens_of_thousands() -> None:
    """Only the difference is a change (bench/ measures what it costs)."""
    people = [f"p{n:05}" for n in range(30_000)]
    users = [a_user(who) for who in people]
    accounts = [an_account(who) for who in people]
    group = a_group("Staff", *people[1:], *(f"x{n}" for n in range(5_000)))

    desired = a_desired_group("Staff", *people)
    change = only(diff_of([desired], [group], people=users, accounts=accounts))

    assert ([m.external_id for m in change.add], len(change.remove)) == (["p00000"], 5_000)
