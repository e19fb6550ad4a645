"""Keys of the contract whose feature this version does not have.

To release a feature, remove its line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from jcsync.settings.problems import KeyPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A key that must keep one of these values until its feature comes.

    Attributes:
        path: ``*`` stands for any name.
        feature: What comes later, in words.
        allowed: Values that ask for nothing; ``None`` is always one.
    """

    path: tuple[str, ...]
    feature: str
    allowed: tuple[object, ...] = ()


_EVENTS: Final = ["failed", "recovered", "held", "escrow"]

LATER: Final = (
    Later(path=("notify", "urls"), feature="notifications", allowed=([],)),
    Later(path=("notify", "on"), feature="notifications", allowed=(_EVENTS, [])),
    Later(path=("notify", "digest"), feature="notifications"),
    Later(path=("notify", "ping_url"), feature="the dead man's switch"),
)


def later_problems(tree: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield path and message of each key that asks for a feature of a later version."""
    for later in LATER:
        for path, value in _values(tree, later.path, ()):
            if value is not None and value not in later.allowed:
                yield path, _message(path, later)


def _message(path: KeyPath, later: Later) -> str:
    key = ".".join(map(str, path[2:] if path[0] == "connections" else path))
    verb = "come" if later.feature == "notifications" else "comes"
    return (
        f"not available in this version: {later.feature} ({key}) {verb} with a later release; "
        "remove it"
    )


def _values(node: object, rest: tuple[str, ...], path: KeyPath) -> Iterator[tuple[KeyPath, object]]:
    if not rest:
        yield path, node
    elif isinstance(node, dict):
        names = list(node) if rest[0] == "*" else [rest[0]]
        for name in names:
            if name in node:
                yield from _values(node[name], rest[1:], (*path, name))
