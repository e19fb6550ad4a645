"""How long facts about a platform are believed."""

from datetime import timedelta

import pytest

from jcsync.model.facts import Facts, Learnt
from tests.factories import NOON


@pytest.mark.parametrize(
    ("subject", "days", "current"),
    [
        ("rfc 1", 0, True),
        ("rfc 1", 29, True),
        ("rfc 1", 30, False),
        ("rfc 1", -1, False),
        ("rfc 2", 0, False),
        ("aws 1", 0, False),
    ],
)
def test_facts_are_believed_of_their_platform_for_a_while(
    subject: str, days: int, current: bool
) -> None:
    """Another address, another profile, another month: another platform; so is a later one."""
    learnt = Learnt(facts=Facts(), subject="rfc 1", at=NOON)

    assert learnt.is_current(subject, NOON + timedelta(days=days)) is current
