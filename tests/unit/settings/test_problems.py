"""How problems are shown."""

import pytest

from jcsync.settings.problems import (
    KeyPath,
    Problem,
    SettingsProblemsError,
    dotted,
    shorten,
)


def test_problems_are_aligned_and_ordered_by_line() -> None:
    """All problems are shown at once, in columns, those without a line last."""
    error = SettingsProblemsError(
        "config/jcsync.yaml",
        [
            Problem(line=None, path="connections.keepnet.provider.token", message="missing"),
            Problem(line=12, path="log.level", message="wrong"),
            Problem(line=7, path="log.levle", message='unknown key; did you mean "level"?'),
        ],
    )

    assert str(error).splitlines() == [
        "3 problems in config/jcsync.yaml",
        '  line 7   log.levle                           unknown key; did you mean "level"?',
        "  line 12  log.level                           wrong",
        "  -        connections.keepnet.provider.token  missing",
    ]


def test_one_problem_is_singular() -> None:
    error = SettingsProblemsError("x", [Problem(line=1, path="a", message="b")])

    assert str(error) == "1 problem in x\n  line 1  a  b"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), ""),
        (("log", "level"), "log.level"),
        (("scope", "groups", 0, "where", 2), "scope.groups[0].where[2]"),
    ],
)
def test_paths_are_written_with_dots(path: KeyPath, expected: str) -> None:
    assert dotted(path) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"),
        ("a\n\tb\x1b[31m", "a b [31m"),
        ("x" * 60, "x" * 39 + "…"),
    ],
)
def test_values_are_shortened_to_one_printable_line(value: object, expected: str) -> None:
    assert shorten(value) == expected
