"""What is wrong with the settings, all of it at once, in words for the operator."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jcsync.errors import SettingsError

KeyPath = tuple[str | int, ...]
"""Names of keys and positions in lists from the top: ``("scope", "groups", 0)``."""

_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that the operator has to correct.

    Attributes:
        line: In the file, from 1; ``None`` when nothing is there or it is not from the file.
        path: ``connections.keepnet.scope.groups[0]``, or the name of an environment variable.
        message: What is wrong, what is allowed and what to do; never the value of a secret.
    """

    line: int | None
    path: str
    message: str


class SettingsProblemsError(SettingsError):
    """Settings cannot be used; nothing was connected to.

    Attributes:
        source: The file as the operator knows it, or ``the environment``.
        problems: At least one, by line, those without a line last.
    """

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        """Order the problems and put them in words."""
        self.source = source
        self.problems = tuple(sorted(problems, key=_order))
        super().__init__(render_problems(source, self.problems))


def render_problems(source: str, problems: Sequence[Problem]) -> str:
    """Return a heading and one line a problem, in aligned columns."""
    noun = "problem" if len(problems) == 1 else "problems"
    places = [f"line {p.line}" if p.line else "-" for p in problems]
    place_width = max(map(len, places), default=0)
    path_width = max((len(p.path) for p in problems), default=0)
    lines = [
        f"  {place:<{place_width}}  {p.path:<{path_width}}  {p.message}"
        for place, p in zip(places, problems, strict=True)
    ]
    return "\n".join([f"{len(problems)} {noun} in {source}", *lines])


def dotted(path: KeyPath) -> str:
    """Return a path as people write it: ``scope.groups[0].where``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def shorten(value: object) -> str:
    """Return a value that is no secret, cut to what fits beside a message."""
    text = (
        str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)
    )
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _order(problem: Problem) -> tuple[bool, int, str]:
    return problem.line is None, problem.line or 0, problem.path
