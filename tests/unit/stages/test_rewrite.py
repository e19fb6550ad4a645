"""What is sent again although it agrees."""

from collections.abc import Iterable

from jcsync.model.plan import Action, AttributeChange, Change
from jcsync.model.resource import Access, DesiredUser, UserResource
from jcsync.model.rules import Policy
from jcsync.stages.matching import match_users
from jcsync.stages.rewrite import rewrite_users
from tests.factories import a_change, a_link, a_user, an_account, an_attribute, mail

VALUES = {"userName": mail("ann"), "title": "Boss", "locale": "", "department": "IT"}


def rewritten(
    *due: Change,
    desired: Iterable[DesiredUser] = (a_user(attributes=VALUES),),
    accounts: Iterable[UserResource] = (an_account(attributes=VALUES),),
    policy: Policy | None = None,
    immutable: Iterable[str] = (),
) -> tuple[Change, ...]:
    """What is due after a rewrite of these people."""
    policy = policy or Policy()
    matching = match_users(desired, accounts, [a_link()], policy)
    return rewrite_users(due, matching, policy, tuple(immutable))


def same(path: str, value: str) -> AttributeChange:
    return an_attribute(path, value, value)


def test_all_that_agrees_and_is_set() -> None:
    """One patch, without the name and without what is empty or cannot be changed."""
    (change,) = rewritten()

    assert (change.action, change.name, change.resource_id) == (
        Action.PATCH,
        mail("ann"),
        "scim-ann",
    )
    assert change.attributes == (same("title", "Boss"), same("department", "IT"))
    (change,) = rewritten(immutable=["Title"])
    assert change.attributes == (same("department", "IT"),)
    assert rewritten(immutable=["Title", "DEPARTMENT"]) == ()


def test_what_differs_is_left_to_the_change_that_is_due() -> None:
    """It gets the rest; a difference that was left out on purpose stays so."""
    held = {**VALUES, "title": "Clerk"}
    due = a_change(attributes=(an_attribute("title", "Clerk", "Boss"),))

    (change,) = rewritten(due, accounts=[an_account(attributes=held)])
    assert change.attributes == (*due.attributes, same("department", "IT"))
    (change,) = rewritten(accounts=[an_account(attributes=held)])
    assert change.attributes == (same("department", "IT"),)


def test_who_gets_access_again_is_sent_all() -> None:
    """By the same change; an account without access alone is not written to."""
    account = an_account(attributes=VALUES, active=False)
    due = a_change(Action.REACTIVATE)

    (change,) = rewritten(due, accounts=[account])
    assert change.action is Action.REACTIVATE
    assert {a.path for a in change.attributes} == {"active", "title", "department"}
    assert rewritten(accounts=[account]) == ()


def test_who_is_left_alone() -> None:
    """The protected, those without access or a valid record, and everybody without updates."""
    assert rewritten(policy=Policy(protect=frozenset({mail("ann")}))) == ()
    assert rewritten(policy=Policy(update=False)) == ()
    assert rewritten(desired=[a_user(attributes=VALUES, problem="no name")]) == ()
    for access in (Access.INACTIVE, Access.KEEP):
        assert rewritten(desired=[a_user("ann", access, attributes=VALUES)]) == ()
    leaving = a_change(Action.DEACTIVATE)
    assert rewritten(leaving, desired=[a_user("ann", Access.INACTIVE)]) == (leaving,)
