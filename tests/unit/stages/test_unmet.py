"""Settings that name nobody and nothing."""

from jcsync.model.rules import GroupPolicy, GroupSelector, Operator, Policy, Scope
from jcsync.stages.unmet import find_unmet
from tests.factories import a_clause, a_directory, a_person, an_account

PEOPLE = (a_person("ann", department="IT"), a_person("bob", department="HR"))
STATE = a_directory(*PEOPLE, groups={"Staff": ["ann", "bob"], "Admins": ["ann"]})


def unmet(
    scope: Scope | None = None,
    *,
    protect: frozenset[str] = frozenset(),
    only: tuple[str, ...] = (),
    enabled: bool = True,
) -> list[str]:
    """All of them."""
    return list(
        find_unmet(
            STATE,
            [an_account("root")],
            scope=scope or Scope(),
            policy=Policy(protect=protect),
            groups=GroupPolicy(enabled=enabled, only=only),
        )
    )


def test_what_means_somebody_is_right() -> None:
    """By any name, in any case; also a condition that one of many meets."""
    where = (a_clause("department", Operator.IN, "IT", "Sales"),)
    scope = Scope(
        groups=(GroupSelector(name="Staff", where=where),),
        where=where,
        exclude=frozenset({"bob@example.com", "ann"}),
    )

    protect = frozenset({"root@example.com", "scim-root", "bob"})
    assert unmet(scope, protect=protect, only=("Sta*", "Admins", "g-admins")) == []


def test_what_means_nobody() -> None:
    """Each with its setting, and with what may have been meant."""
    where = (a_clause("department", Operator.EQUALS, "it"),)
    scope = Scope(
        groups=(GroupSelector(name="Admins", where=where),),
        where=where,
        exclude=frozenset({"bobb@example.com", "zoe"}),
    )

    assert unmet(scope, protect=frozenset({"rot@example.com"}), only=("Adminz", "X*")) == [
        "scope.where: nobody in the chosen groups meets department equals it",
        "scope.groups: nobody in Admins meets department equals it",
        (
            'scope.exclude: nobody in the chosen groups is called "bobb@example.com"; '
            'did you mean "bob@example.com"?'
        ),
        'scope.exclude: nobody in the chosen groups is called "zoe"',
        (
            'policy.protect: no account and nobody in scope is called "rot@example.com"; '
            'did you mean "root@example.com"?'
        ),
        'groups.only: no group of the scope is called "Adminz"; did you mean "Admins"?',
        'groups.only: no group of the scope is called "X*"',
    ]


def test_groups_that_are_off_need_no_name() -> None:
    assert unmet(only=("X",), enabled=False) == []
