"""Which deactivated accounts have had their time."""

from datetime import timedelta

import pytest

from jcsync.model.plan import Action
from jcsync.model.resource import Access, DesiredUser
from jcsync.model.rules import Policy, Scope
from jcsync.stages.diff import Rules, diff_users
from jcsync.stages.grace import find_expired
from jcsync.stages.matching import match_users
from tests.factories import NOON, a_link, a_user, an_account

DAY = 86_400.0


@pytest.mark.parametrize(
    ("seconds", "expected"), [(DAY - 1, {}), (DAY, {"ann": "2026-01-30"}), (-DAY, {})]
)
def test_time_is_counted_from_the_deactivation(seconds: float, expected: dict[str, str]) -> None:
    """To the second; a clock that went back makes nothing older."""
    moment = (NOON - timedelta(seconds=seconds)).isoformat(timespec="seconds")
    links = [a_link(deactivated_at=moment), a_link("bob")]

    assert find_expired(links, Policy(delete_after=DAY), NOON) == expected


def test_without_the_setting_nothing_expires() -> None:
    link = a_link(deactivated_at="2001-01-01T00:00:00+00:00")

    assert find_expired([link], Policy(), NOON) == {}


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("person", [(), (a_user("ann", Access.INACTIVE),)])
def test_deletion_takes_the_place_of_a_deactivation_that_was_made(
    person: tuple[DesiredUser, ...], active: bool
) -> None:
    """Of a leaver and of who is suspended; an account that is in use is deactivated first."""
    matching = match_users(person, [an_account(active=active)], [a_link()], Policy())
    rules = Rules(
        policy=Policy(),
        scope=Scope(),
        evidence={},
        removals=True,
        groups=(),
        expired={"ann": "2025-12-01"},
    )

    (change,) = diff_users(matching, rules).changes

    assert change.action is (Action.DEACTIVATE if active else Action.DELETE)
    assert ("deactivated on 2025-12-01" in change.reason) is not active
