"""Accounts and groups that look like ours and are not."""

import pytest

from jcsync.model.report import FindingKind
from jcsync.model.resource import UserResource
from jcsync.model.rules import GroupPolicy, Policy
from jcsync.stages.lookalikes import find_lost, find_twins
from jcsync.stages.matching import GroupMatching, match_groups, match_users
from tests.factories import (
    a_desired_group,
    a_group,
    a_group_link,
    a_link,
    a_user,
    an_account,
    mail,
)

LOST = "5f0000000000000000000001"


def test_second_account_with_the_same_external_id_is_named() -> None:
    """Beside the one that is linked, which goes on; of a leaver as well."""
    accounts = [an_account("ann"), an_account("leo")]
    twins = [an_account(who, resource_id=f"twin-{who}") for who in ("ann", "leo")]
    users = match_users(
        [a_user("ann")], [*accounts, *twins], [a_link("ann"), a_link("leo")], Policy()
    )

    findings = list(find_twins(users, GroupMatching()))

    assert [(f.kind, f.subject) for f in findings] == [
        (FindingKind.AMBIGUOUS, mail("ann")),
        (FindingKind.AMBIGUOUS, mail("leo")),
    ]
    assert "twin-ann has the same externalId as the account scim-ann" in findings[0].message
    assert len(users.pairs) == 1


def test_inactive_second_account_is_no_matter() -> None:
    """Platforms keep what was deleted."""
    twin = an_account("ann", resource_id="twin", active=False)
    users = match_users([a_user("ann")], [an_account("ann"), twin], [a_link("ann")], Policy())

    assert list(find_twins(users, GroupMatching())) == []


def test_second_group_with_the_same_external_id_is_named() -> None:
    """It is not touched either."""
    held = [a_group("Staff"), a_group("Staff", resource_id="twin"), a_group("Old")]
    groups = match_groups(
        [a_desired_group("Staff")], held, [a_group_link("Staff")], GroupPolicy(enabled=True)
    )

    (finding,) = find_twins(match_users([], [], [], Policy()), groups)

    assert (finding.kind, finding.subject) == (FindingKind.AMBIGUOUS, "Staff")
    assert "twin" in finding.message


@pytest.mark.parametrize(
    ("account", "policy", "found"),
    [
        (an_account("leo", external_id=LOST), Policy(), True),
        (an_account("leo", external_id=LOST, active=False), Policy(), False),
        (an_account("leo", external_id="okta-1"), Policy(), False),
        (an_account("leo", external_id=LOST), Policy(protect=frozenset({mail("leo")})), False),
    ],
    ids=["lost", "inactive", "of-another-agent", "protected"],
)
def test_account_of_a_lost_store_needs_a_decision(
    account: UserResource, policy: Policy, *, found: bool
) -> None:
    """Active, with a JumpCloud id, of nobody in scope, and linked to nobody."""
    users = match_users([a_user("ann")], [an_account("ann"), account], [], policy)

    findings = list(find_lost(users, policy))

    assert [f.kind for f in findings] == [FindingKind.ORPHAN] * found
    assert all(f"links adopt CONNECTION scim-leo {LOST}" in f.message for f in findings)


def test_account_of_somebody_in_scope_is_not_lost() -> None:
    """Whatever becomes of him: his is another matter."""
    accounts = [an_account("x", external_id=LOST), an_account("y", external_id=LOST)]

    assert list(find_lost(match_users([a_user(LOST)], accounts, [], Policy()), Policy())) == []
    linked = [a_link(LOST, resource_id="scim-x")]
    assert list(find_lost(match_users([], accounts, linked, Policy()), Policy())) == []


def test_crowd_of_lost_accounts_is_counted() -> None:
    """Nobody reads a thousand lines."""
    accounts = [an_account(f"p{n:02}", external_id=f"{n:024x}") for n in range(30)]

    *named, rest = find_lost(match_users([], accounts, [], Policy()), Policy())

    assert [f.subject for f in named] == [mail(f"p{n:02}") for n in range(20)]
    assert rest.message.startswith("10 more")
