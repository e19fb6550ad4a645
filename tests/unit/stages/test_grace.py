"""Which deactivated accounts have had their time."""

from datetime import timedelta

import pytest

from jcsync.model.rules import Policy
from jcsync.stages.grace import find_expired
from tests.factories import NOON, a_link

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
