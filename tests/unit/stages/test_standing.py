"""What fast runs tell of those at whom they do not look."""

import pytest

from jcsync.model.report import Finding, FindingKind
from jcsync.stages.standing import dump_standing, parse_standing, still_standing

TAKEN = Finding(kind=FindingKind.CONFLICT, subject="ann", message="taken", external_id="a")
BROKEN = Finding(kind=FindingKind.SKIPPED, subject='"bob"\n', message="ünlesbar", external_id="b")
TWIN = Finding(kind=FindingKind.AMBIGUOUS, subject="cid", message="twice")


def test_what_blocks_is_kept_word_by_word() -> None:
    """What is in escrow is told from there, and what blocks nobody by full runs."""
    others = [
        Finding(kind=kind, subject="x", message="y")
        for kind in (FindingKind.ESCROW, FindingKind.ADOPTED, FindingKind.INCOMPLETE)
    ]

    assert parse_standing(dump_standing([TAKEN, *others, BROKEN, TWIN])) == (TAKEN, BROKEN, TWIN)
    assert parse_standing(dump_standing(others)) == ()


@pytest.mark.parametrize(
    ("found", "looked_at", "left"),
    [
        ((), (), (TAKEN, BROKEN, TWIN)),
        ((), ("a", "c"), (BROKEN, TWIN)),
        ((TWIN,), ("b",), (TAKEN,)),
    ],
)
def test_a_look_knows_better(
    found: tuple[Finding, ...], looked_at: tuple[str, ...], left: tuple[Finding, ...]
) -> None:
    """What one person's look cannot tell stands until a full run, and is not said twice."""
    assert still_standing((TAKEN, BROKEN, TWIN), found, looked_at) == left
