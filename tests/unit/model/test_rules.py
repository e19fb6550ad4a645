"""Settings that decide."""

import pytest

from jcsync.model.rules import Clause, GroupPolicy, GroupSelector, Operator, Scope, needed_fields
from tests.factories import a_clause, a_rule


@pytest.mark.parametrize(
    ("clause", "words"),
    [
        (a_clause("department", Operator.NOT_IN, "IT", "HR"), "department not in IT, HR"),
        (a_clause("email", Operator.MATCHES, "@x$"), "email matches @x$"),
    ],
)
def test_clause_is_told_in_words(clause: Clause, words: str) -> None:
    """A person who is out of scope is told by which condition."""
    assert str(clause) == words


def test_pattern_is_that_of_the_setting() -> None:
    """It may match anywhere, as re.search does."""
    assert a_clause("email", Operator.MATCHES, "@x$").pattern.search("ann@x")


def test_group_keeps_its_name_by_default() -> None:
    """Without groups.name a group is called as in the directory."""
    assert GroupPolicy().name("id", "Staff") == "Staff"


def test_fields_that_decide_are_those_of_the_mapping_and_of_all_conditions() -> None:
    """Fields in their own words lead to the part of the record that holds them."""
    inside = a_clause("addresses[work].country", Operator.EQUALS, "NO")
    scope = Scope(
        where=(a_clause("attributes.team", Operator.EXISTS, "true"),),
        groups=(GroupSelector(name="Staff", where=(inside,)), GroupSelector(name="Others")),
    )
    rules = [a_rule(fields=frozenset({"email"})), a_rule("title", fields=frozenset({"jobTitle"}))]

    assert needed_fields(rules, scope) == {"email", "jobTitle", "attributes", "addresses"}


def test_a_source_that_may_look_at_any_field_needs_all() -> None:
    """As a template does that makes up the name of the field."""
    assert needed_fields([a_rule(fields=frozenset()), a_rule("title")], Scope()) is None
