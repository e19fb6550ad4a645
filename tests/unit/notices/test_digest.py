"""When the digest is due."""

from datetime import UTC, datetime

import pytest

from jcsync.notices.digest import Rhythm, last_turn

# 24 November 2026 is a Tuesday.


@pytest.mark.parametrize(
    ("rhythm", "now", "expected"),
    [
        ("daily", (24, 6), (23, 7)),
        ("daily", (24, 7), (24, 7)),
        ("daily", (24, 23), (24, 7)),
        ("weekly", (24, 6), (23, 7)),
        ("weekly", (23, 6), (16, 7)),
        ("weekly", (23, 8), (23, 7)),
        ("weekly", (29, 8), (23, 7)),
    ],
)
def test_turns(rhythm: Rhythm, now: tuple[int, int], expected: tuple[int, int]) -> None:
    """Daily at seven, weekly on Monday at seven, by the clock of this computer."""
    assert last_turn(rhythm, datetime(2026, 11, *now, tzinfo=UTC)) == datetime(
        2026, 11, *expected, tzinfo=UTC
    )
