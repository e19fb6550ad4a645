"""Settings that decide."""

import pytest

from jcsync.model.rules import Clause, GroupPolicy, Operator
from tests.factories import a_clause


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
