"""Which groups a setting means."""

import pytest

from jcsync.errors import SettingsError
from jcsync.jumpcloud.selection import listed, near_matches, resolve_groups
from jcsync.model.directory import DirectoryGroup

ID = "5f0c1b2c3d4e5f6071829304"
GROUPS = [
    DirectoryGroup(id=ID, name="Sales"),
    DirectoryGroup(id="a" * 24, name="Twin"),
    DirectoryGroup(id="b" * 24, name="Twin"),
    DirectoryGroup(id="c" * 24, name=ID.upper()),
]


@pytest.mark.parametrize("text", ["Sales", ID, ID.upper()])
def test_groups_are_found_by_name_and_id(text: str) -> None:
    """An id goes before a group that is called like it."""
    assert [g.id for g in resolve_groups(GROUPS, [text])] == [ID]


def test_all_problems_are_named_at_once() -> None:
    """Unknown ones with what is near, ambiguous ones with their ids."""
    with pytest.raises(SettingsError) as caught:
        resolve_groups(GROUPS, ["sales", "Twin", "Nobody", "Sales"])
    text = str(caught.value)
    assert "unknown group 'sales' (scope.groups); did you mean 'Sales'?" in text
    assert f"2 groups are called 'Twin': use an id ({'a' * 24}, {'b' * 24})" in text
    assert "unknown group 'Nobody' (scope.groups); there are 'Sales', 'Twin', '5F0" in text
    assert text.endswith("; jcsync groups lists all")


def test_a_pattern_is_no_group() -> None:
    """It is one in groups.only; here somebody would be given access by a name of tomorrow."""
    with pytest.raises(SettingsError, match=r"names or ids, not patterns; did you mean 'Sales'"):
        resolve_groups(GROUPS, ["Sale*"])


def test_near_matches_of_nothing() -> None:
    """Where nothing is near, what is there is named, each once; an empty organisation says so."""
    assert near_matches("x", ["IT", "HR", "IT"]) == "; there are 'IT', 'HR'"
    assert near_matches("x", [*"abcdefghijk"]).endswith("'j', …")
    assert near_matches("x", []) == "; there are none"
    assert near_matches("Keepnet", ["All Keepnet Users"]) == "; did you mean 'All Keepnet Users'?"


def test_long_lists_are_cut() -> None:
    """Ten are enough."""
    assert listed({"1": "One", "2": ""}) == "1 (One), 2"
    assert listed({str(n): "" for n in range(11)}).endswith("8, 9, …")
