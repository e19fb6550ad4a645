"""Who falls out of scope because the settings have changed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jcsync.model.baseline import Baseline
from jcsync.model.directory import DirectoryGroup, DirectoryUser, Evidence
from jcsync.model.rules import GroupSelector, Scope
from jcsync.stages.former import Former, find_former, why_groups_left

NOW = datetime(2026, 1, 31, tzinfo=UTC)
STAFF, REST = DirectoryGroup(id="1" * 24, name="Staff"), DirectoryGroup(id="a" * 24, name="Rest")
BEFORE = Baseline(
    basis="",
    full_at=NOW,
    followed=NOW,
    groups={STAFF.id: "Staff", REST.id: "Rest"},
    chosen=frozenset({"Staff", "Rest"}),
)
STAFF_ALONE = Scope(groups=(GroupSelector(name="Staff"),))


@pytest.mark.parametrize(
    ("before", "scope", "groups"),
    [
        pytest.param(None, STAFF_ALONE, {}, id="first-run"),
        pytest.param(BEFORE, STAFF_ALONE, {REST.id: "Rest"}, id="named"),
        pytest.param(
            replace(BEFORE, chosen=Scope(groups=(GroupSelector(name="A" * 24),)).chosen),
            STAFF_ALONE,
            {REST.id: "Rest"},
            id="by-id-in-capitals",
        ),
        pytest.param(
            replace(BEFORE, chosen=frozenset(), application="App"),
            Scope(application="App"),
            {},
            id="unbound-in-jumpcloud",
        ),
        pytest.param(
            replace(BEFORE, chosen=frozenset(), application="App"),
            Scope(application="Other"),
            {REST.id: "Rest"},
            id="other-application",
        ),
    ],
)
def test_groups_that_the_settings_choose_no_more(
    before: Baseline | None, scope: Scope, groups: dict[str, str]
) -> None:
    """A group that left by itself, by the end of its binding, is none of them."""
    assert find_former(before, [STAFF], scope).groups == groups


@pytest.mark.parametrize(
    ("former", "inside", "reason"),
    [
        (Former(), (), "left the chosen groups (confirmed)"),
        (Former(groups={REST.id: "Rest"}), (), "left the chosen groups (confirmed)"),
        (
            Former(groups={REST.id: "Rest"}, application="App"),
            (REST.id,),
            "is out of scope by configuration (still in Rest, not chosen any more)",
        ),
        (
            Former(application="App"),
            (),
            "is out of scope by configuration (scope.application is not App any more)",
        ),
        (Former(), None, "left the chosen groups"),
        (
            Former(groups={str(n): f"G{n}" for n in range(7)}),
            None,
            (
                "is out of scope by configuration (not chosen any more: G0, G1, G2, G3, G4 and 2 "
                "more), or left the chosen groups"
            ),
        ),
    ],
)
def test_why_somebody_left(former: Former, inside: tuple[str, ...] | None, reason: str) -> None:
    """His own groups decide; who was not asked for may have left as well."""
    found = None
    if inside is not None:
        found = Evidence(user=DirectoryUser(id="f" * 24), group_ids=frozenset(inside))

    assert former.why_left(found) == reason


def test_why_groups_left() -> None:
    """Those alone that the settings keep out."""
    former = Former(groups={REST.id: "Rest"})

    assert why_groups_left(former, [STAFF], []) == {
        REST.id: "is out of scope by configuration (not chosen any more)"
    }
    assert why_groups_left(Former(), [STAFF], ["R*"]) == {
        STAFF.id: "is out of scope by configuration (groups.only)"
    }
