"""Who belongs to which account, and who is left alone."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.model.report import FindingKind
from jcsync.model.resource import Access, DesiredGroup, DesiredUser, Link, UserResource
from jcsync.model.rules import GroupPolicy, Policy
from jcsync.stages.matching import How, UserMatching, match_groups, match_users
from tests.factories import (
    a_desired_group,
    a_group,
    a_group_link,
    a_link,
    a_stranger,
    a_user,
    an_account,
    mail,
)

POLICY = Policy()


def kinds(matching: UserMatching) -> list[FindingKind]:
    """What a matching reports."""
    return [finding.kind for finding in matching.findings]


# ---------------------------------------------------------------------- by id


def test_link_finds_the_account_of_a_platform_that_returns_no_external_id() -> None:
    """A platform that forgets externalId is no reason to create people twice."""
    account = a_stranger("ann", user_name="somebody-else")

    matching = match_users([a_user("ann")], [account], [a_link("ann")], POLICY)

    assert [(p.actual, p.how) for p in matching.pairs] == [(account, How.LINK)]
    assert not matching.pairs[0].adopts


def test_external_id_finds_the_account_after_the_store_was_lost() -> None:
    """Without any link the accounts are still ours by their externalId."""
    matching = match_users([a_user("ann")], [an_account("ann")], [], POLICY)

    assert [p.how for p in matching.pairs] == [How.EXTERNAL_ID]


def test_external_id_wins_over_a_link_whose_account_is_another_persons() -> None:
    """A link that the platform contradicts is not followed."""
    stale = an_account("old", resource_id="scim-ann", external_id="bob")
    right = an_account("new", external_id="ann")

    matching = match_users([a_user("ann")], [stale, right], [a_link("ann")], POLICY)

    assert matching.pairs[0].actual == right
    assert matching.unmanaged == (stale,)


def test_linked_account_with_a_foreign_external_id_is_a_conflict() -> None:
    """Somebody else took over the account: nothing is done and a person is told."""
    taken = an_account("ann", external_id="of-okta")

    matching = match_users([a_user("ann")], [taken], [a_link("ann")], POLICY)

    assert kinds(matching) == [FindingKind.CONFLICT]
    assert "though jcsync linked it" in matching.findings[0].message
    assert matching.blocked == (a_user("ann"),)
    assert matching.unmanaged == (taken,)


def test_link_to_the_account_of_somebody_else_in_scope_is_stale() -> None:
    """His externalId says whose it is: the other one needs an account of his own."""
    account = an_account("bob", resource_id="scim-ann")

    matching = match_users([a_user("ann"), a_user("bob")], [account], [a_link("ann")], POLICY)

    assert [pair.desired.external_id for pair in matching.pairs] == ["bob"]
    assert (matching.missing, matching.findings) == ((a_user("ann"),), ())


@pytest.mark.parametrize("access", [Access.ACTIVE, Access.INACTIVE, Access.DELETE])
def test_two_accounts_with_one_external_id_are_ambiguous(access: Access) -> None:
    """Also for somebody who must lose his access: he keeps it, so a person has to know."""
    twins = [an_account("ann"), an_account("twin", external_id="ann")]

    matching = match_users([a_user("ann", access)], twins, [], POLICY)

    assert kinds(matching) == [FindingKind.AMBIGUOUS]
    assert "scim-ann, scim-twin" in matching.findings[0].message
    assert len(matching.blocked) == 1


def test_leaver_whose_account_was_taken_over_is_reported() -> None:
    """A suspended person whose account carries a foreign externalId does not pass unnoticed."""
    taken = an_account("ann", external_id="of-okta")

    matching = match_users([a_user("ann", Access.INACTIVE)], [taken], [a_link("ann")], POLICY)

    assert kinds(matching) == [FindingKind.CONFLICT]


def test_person_who_is_left_alone_blocks_nothing() -> None:
    """Where nothing would be done there is nothing to report."""
    twins = [an_account("ann"), an_account("twin", external_id="ann")]

    matching = match_users([a_user("ann", Access.KEEP)], twins, [], POLICY)

    assert matching.findings == ()
    assert matching.missing == (a_user("ann", Access.KEEP),)


# ---------------------------------------------------------------------- by name


def test_unmanaged_account_of_the_same_name_is_adopted() -> None:
    """The name ignores case, as userName does."""
    account = a_stranger("x", user_name="ANN@Example.com")

    matching = match_users([a_user("ann")], [account], [], POLICY)

    assert [(p.actual, p.how, p.adopts) for p in matching.pairs] == [(account, How.USER_NAME, True)]


def test_unmanaged_account_is_adopted_by_email_where_no_name_fits() -> None:
    """The configured attributes are tried in their order."""
    account = a_stranger("x", emails=(mail("ann"),))

    matching = match_users([a_user("ann", emails=("ANN@example.com",))], [account], [], POLICY)

    assert [p.how for p in matching.pairs] == [How.EMAILS]


def test_only_the_configured_attributes_adopt() -> None:
    """Without emails in users.match an address proves nothing."""
    policy = Policy(match=("userName",))
    account = a_stranger("x", emails=(mail("ann"),))

    matching = match_users([a_user("ann", emails=(mail("ann"),))], [account], [], policy)

    assert (len(matching.missing), matching.unmanaged) == (1, (account,))


def test_account_that_links_claim_is_not_adopted_by_a_namesake() -> None:
    """A recycled e-mail address does not hand over the account of somebody who left."""
    matching = match_users(
        [a_user("new", user_name=mail("ann"))], [an_account("ann")], [a_link()], POLICY
    )

    assert kinds(matching) == [FindingKind.CONFLICT]
    assert "belongs to ann, who left the scope" in matching.findings[0].message
    assert [orphan.link.external_id for orphan in matching.orphans] == ["ann"]


def test_account_with_a_foreign_external_id_is_not_adopted() -> None:
    """What another provisioner manages is not ours to take."""
    account = an_account("ann", external_id="of-okta")

    matching = match_users([a_user("ann")], [account], [], POLICY)

    assert kinds(matching) == [FindingKind.CONFLICT]
    assert matching.unmanaged == (account,)


def test_adoption_can_be_switched_off() -> None:
    """policy.adopt: never leaves the account alone and creates no second one."""
    matching = match_users([a_user("ann")], [a_stranger("ann")], [], Policy(adopt=False))

    assert kinds(matching) == [FindingKind.CONFLICT]
    assert "policy.adopt is never" in matching.findings[0].message
    assert matching.missing == ()


def test_several_accounts_of_one_person_are_ambiguous() -> None:
    """Which account is the right one is never guessed."""
    accounts = [a_stranger(who, emails=(mail("ann"),)) for who in ("x", "y")]

    matching = match_users([a_user("ann", emails=(mail("ann"),))], accounts, [], POLICY)

    assert kinds(matching) == [FindingKind.AMBIGUOUS]
    assert matching.unmanaged == tuple(accounts)


def test_several_people_of_one_address_are_ambiguous() -> None:
    """An address that two people have proves nothing about either."""
    people = [a_user(who, emails=("team@example.com",)) for who in ("ann", "bob")]
    account = a_stranger("x", emails=("team@example.com",))

    matching = match_users(people, [account], [], POLICY)

    assert kinds(matching) == [FindingKind.AMBIGUOUS] * 2
    assert matching.pairs == ()


def test_account_that_two_people_match_by_different_addresses_is_ambiguous() -> None:
    """An account with the addresses of two people is neither's, whoever comes first."""
    account = a_stranger("x", emails=(mail("ann"), mail("bob")))
    people = [a_user(who, emails=(mail(who),)) for who in ("ann", "bob")]

    matching = match_users(people, [account], [], POLICY)

    assert kinds(matching) == [FindingKind.AMBIGUOUS] * 2
    assert matching.unmanaged == (account,)


def test_suspended_person_adopts_the_account_that_has_his_name() -> None:
    """Who is in the scope and suspended must not keep access by an account made by hand."""
    matching = match_users([a_user("ann", Access.INACTIVE)], [a_stranger("ann")], [], POLICY)

    assert [p.how for p in matching.pairs] == [How.USER_NAME]


@pytest.mark.parametrize(
    "user",
    [
        pytest.param(a_user("ann", Access.INACTIVE, in_scope=False), id="excluded"),
        pytest.param(a_user("ann", Access.KEEP), id="unknown-state"),
        pytest.param(a_user("ann", problem="no userName"), id="not-mappable"),
    ],
)
def test_who_is_not_provisioned_adopts_nothing(user: DesiredUser) -> None:
    """Adoption is for people in scope whose account is known to be wanted."""
    account = a_stranger("ann")

    matching = match_users([user], [account], [], POLICY)

    assert (matching.pairs, matching.unmanaged) == ((), (account,))


@pytest.mark.parametrize("access", [Access.INACTIVE, Access.DELETE])
def test_conflict_of_somebody_without_access_is_no_finding(access: Access) -> None:
    """Nobody needs to know that a suspended person has no account because of a namesake."""
    account = an_account("ann", external_id="of-okta")

    matching = match_users([a_user("ann", access)], [account], [], POLICY)

    assert (matching.findings, len(matching.missing)) == ((), 1)


# ---------------------------------------------------------------------- names in the scope


def test_two_joiners_of_one_name_are_both_blocked() -> None:
    """Whoever were created first would take the other's name."""
    people = [a_user("1", user_name="ann@x"), a_user("2", user_name="ANN@x")]

    matching = match_users(people, [], [], POLICY)

    assert kinds(matching) == [FindingKind.CONFLICT] * 2
    assert "1, 2" in matching.findings[0].message


def test_joiner_is_blocked_while_a_colleague_keeps_the_name() -> None:
    """The colleague keeps his account and is not disturbed."""
    people = [a_user("1", user_name="ann@x"), a_user("2", user_name="ann@x")]

    matching = match_users(people, [an_account("1", user_name="ann@x")], [], POLICY)

    assert [user.external_id for user in matching.blocked] == ["2"]
    assert [pair.desired.external_id for pair in matching.pairs] == ["1"]


def test_joiner_gets_the_name_that_a_colleague_gives_up() -> None:
    """A rename frees the old name in the same run."""
    people = [a_user("1", user_name="married@x"), a_user("2", user_name="ann@x")]

    matching = match_users(people, [an_account("1", user_name="ann@x")], [], POLICY)

    assert [user.external_id for user in matching.missing] == ["2"]
    assert matching.findings == ()


def test_joiner_is_blocked_by_a_colleague_whose_new_name_cannot_be_mapped() -> None:
    """Who cannot be patched keeps his name."""
    stuck = a_user("1", user_name="label", problem="userName: no e-mail")
    account = an_account("1", user_name="ann@x")

    matching = match_users([stuck, a_user("2", user_name="ann@x")], [account], [], POLICY)

    assert [user.external_id for user in matching.blocked] == ["2"]
    assert "taken by the account scim-1" in matching.findings[0].message


def test_suspended_namesake_does_not_block_a_joiner() -> None:
    """Who needs no account claims no name."""
    people = [a_user("1", Access.INACTIVE, user_name="ann@x"), a_user("2", user_name="ann@x")]

    matching = match_users(people, [], [], POLICY)

    assert {user.external_id for user in matching.missing} == {"1", "2"}


# ---------------------------------------------------------------------- the rest


def test_leaver_with_a_link_is_an_orphan() -> None:
    """Only what a link claims is ours when nobody in the scope wants it."""
    stranger = an_account("x", external_id="of-okta")

    matching = match_users([], [an_account("ann"), stranger], [a_link("ann")], POLICY)

    assert [orphan.actual.resource_id for orphan in matching.orphans] == ["scim-ann"]
    assert matching.unmanaged == (stranger,)


def test_leaver_whose_account_another_provisioner_took_is_not_ours() -> None:
    """A link is no right to an account that carries a foreign externalId."""
    taken = an_account("ann", external_id="of-okta")

    matching = match_users([], [taken], [a_link("ann")], POLICY)

    assert (matching.orphans, matching.unmanaged) == ((), (taken,))


def test_leaver_whose_account_somebody_else_has_by_now_is_no_orphan() -> None:
    """An account is in one place only, also when two links name it."""
    links = [a_link("ann", resource_id="scim-1"), a_link("bob", resource_id="scim-1")]
    account = a_stranger("x", resource_id="scim-1")

    matching = match_users([a_user("ann")], [account], links, POLICY)

    assert (len(matching.pairs), matching.orphans) == (1, ())


def test_link_to_a_vanished_account_is_gone() -> None:
    """Somebody deleted it on the platform; its person needs a new one."""
    matching = match_users([a_user("ann")], [], [a_link("ann")], POLICY)

    assert matching.gone == (a_link("ann"),)
    assert matching.missing == (a_user("ann"),)


NAMES = ("ann@x", "ANN@x", "bob@x", "cid@x")


@st.composite
def sides(
    draw: st.DrawFn,
) -> tuple[list[DesiredUser], list[UserResource], list[Link], Policy]:
    """People, accounts and links that collide in every way that a platform allows."""
    people = [
        a_user(
            key,
            draw(st.sampled_from(Access)),
            user_name=draw(st.sampled_from(NAMES)),
            emails=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=2))),
            problem=draw(st.sampled_from(["", "", "no userName"])),
            in_scope=draw(st.booleans()),
        )
        for key in draw(st.sets(st.sampled_from("1234")))
    ]
    accounts = [
        an_account(
            resource_id=f"r{n}",
            external_id=draw(st.sampled_from(["", "", "1", "2", "3", "of-okta"])),
            user_name=draw(st.sampled_from(NAMES)),
            active=draw(st.booleans()),
            emails=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=3))),
        )
        for n in range(draw(st.integers(0, 5)))
    ]
    ids = draw(st.lists(st.sampled_from("12345"), unique=True, max_size=4))
    resources = draw(st.permutations([f"r{n}" for n in range(6)]))
    links = [a_link(key, resource_id=r) for key, r in zip(ids, resources, strict=False)]
    policy = Policy(
        adopt=draw(st.booleans()),
        match=draw(st.sampled_from([("userName", "emails"), ("emails", "userName"), ()])),
    )
    return people, accounts, links, policy


@given(sides())
def test_everybody_is_in_exactly_one_place(
    sides: tuple[list[DesiredUser], list[UserResource], list[Link], Policy],
) -> None:
    """No person and no account is lost or counted twice."""
    people, accounts, links, policy = sides

    found = match_users(people, accounts, links, policy)

    placed = [p.desired for p in found.pairs] + [*found.missing, *found.blocked]
    assert sorted(user.external_id for user in placed) == sorted(u.external_id for u in people)
    held = [p.actual for p in found.pairs] + [o.actual for o in found.orphans]
    held += found.unmanaged
    assert sorted(a.resource_id for a in held) == sorted(a.resource_id for a in accounts)


@given(sides())
def test_what_is_not_ours_stays_so(
    sides: tuple[list[DesiredUser], list[UserResource], list[Link], Policy],
) -> None:
    """A foreign externalId is never overridden, a link never taken from somebody else."""
    people, accounts, links, policy = sides
    owners = {link.resource_id: link.external_id for link in links}

    found = match_users(people, accounts, links, policy)

    for pair in found.pairs:
        assert pair.actual.external_id in ("", pair.desired.external_id)
        if pair.adopts:
            assert policy.adopt
            assert pair.desired.in_scope
            assert pair.actual.resource_id not in owners
    for orphan in found.orphans:
        assert orphan.actual.external_id in ("", orphan.link.external_id)


@given(sides(), st.randoms(use_true_random=False))
def test_reading_order_does_not_matter(
    sides: tuple[list[DesiredUser], list[UserResource], list[Link], Policy], random: Random
) -> None:
    """Listings come in any order; what is decided does not depend on it."""
    people, accounts, links, policy = sides
    found = match_users(people, accounts, links, policy)
    for values in (people, accounts, links):
        random.shuffle(values)

    again = match_users(people, accounts, links, policy)

    assert again.pairs == found.pairs
    assert again.missing == found.missing
    assert again.blocked == found.blocked
    assert again.findings == found.findings
    assert {o.link for o in again.orphans} == {o.link for o in found.orphans}


# ---------------------------------------------------------------------- groups


def test_group_is_found_by_link_then_by_external_id() -> None:
    """A renamed group stays the same group."""
    renamed = a_group("Old", external_id="g-staff")
    linked = a_group("Whatever", external_id="", resource_id="scim-sales")
    desired = [a_desired_group("Staff"), a_desired_group("Sales")]

    matching = match_groups(desired, [renamed, linked], [a_group_link("Sales")], GroupPolicy())

    assert [(p.desired.display_name, p.how) for p in matching.pairs] == [
        ("Staff", How.EXTERNAL_ID),
        ("Sales", How.LINK),
    ]


def test_unmanaged_group_of_exactly_that_name_is_adopted() -> None:
    """Names of groups are compared exactly."""
    exact, near = (
        a_group("Staff", external_id=""),
        a_group("staff", external_id="", resource_id="2"),
    )

    matching = match_groups([a_desired_group("Staff")], [exact, near], [], GroupPolicy())

    assert [(p.actual, p.adopts) for p in matching.pairs] == [(exact, True)]
    assert matching.unmanaged == (near,)


@pytest.mark.parametrize(
    ("present", "policy", "kind"),
    [
        pytest.param(
            [a_group("Staff", external_id="", resource_id=n) for n in "12"],
            GroupPolicy(),
            FindingKind.AMBIGUOUS,
            id="two-of-that-name",
        ),
        pytest.param(
            [a_group("Staff", external_id="of-okta")],
            GroupPolicy(),
            FindingKind.CONFLICT,
            id="foreign",
        ),
        pytest.param(
            [a_group("Staff", external_id="")],
            GroupPolicy(adopt=False),
            FindingKind.CONFLICT,
            id="adoption-off",
        ),
    ],
)
def test_group_that_cannot_be_adopted_is_blocked(
    present: list[object], policy: GroupPolicy, kind: FindingKind
) -> None:
    """Nothing is created beside a group that has the name already."""
    matching = match_groups([a_desired_group("Staff")], present, [], policy)  # type: ignore[arg-type]

    assert [finding.kind for finding in matching.findings] == [kind]
    assert (len(matching.blocked), len(matching.unmanaged)) == (1, len(present))


def test_groups_that_are_missing_gone_or_left_over_are_told_apart() -> None:
    """Each has a place of its own."""
    links = [a_group_link("Old"), a_group_link("Lost")]

    matching = match_groups([a_desired_group("New")], [a_group("Old")], links, GroupPolicy())

    assert [g.display_name for g in matching.missing] == ["New"]
    assert [o.actual.display_name for o in matching.orphans] == ["Old"]
    assert [link.name for link in matching.gone] == ["Lost"]


def test_group_recreated_in_the_directory_does_not_take_over_silently() -> None:
    """A new group of an old name is another group: that is for a person to decide."""
    new: DesiredGroup = replace(a_desired_group("Staff"), external_id="g-new")

    matching = match_groups([new], [a_group("Staff")], [a_group_link("Staff")], GroupPolicy())

    assert [finding.kind for finding in matching.findings] == [FindingKind.CONFLICT]
    assert len(matching.orphans) == 1
