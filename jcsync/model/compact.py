"""What a run holds of everybody, in a part of the memory that dictionaries and sets take."""

from collections.abc import ItemsView, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

T = TypeVar("T")
V = TypeVar("V")

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""The empty mapping that all share who have none of their own."""


def nothing() -> Mapping[str, Any]:
    """Return it, for the defaults of data classes."""
    return NOTHING


class Record(Mapping[str, V]):
    """Values by name, where many records have the same names: those are kept once."""

    __slots__ = ("_names", "_values")

    def __init__(self, names: Iterable[str], values: Iterable[V]) -> None:
        """Take as many values as names, each name once."""
        self._names = _shared(tuple(names))
        self._values = tuple(values)

    def __getitem__(self, name: str) -> V:
        """Return the value of a name."""
        try:
            return self._values[self._names.index(name)]
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._names)

    def __repr__(self) -> str:
        """As of a dictionary."""
        return repr(dict(self.items()))

    def items(self) -> ItemsView[str, V]:
        """Names with their values."""
        return _Items(self)


class _Items(ItemsView[str, V]):
    """Does not look each name up."""

    _mapping: Record[V]

    def __iter__(self) -> Iterator[tuple[str, V]]:
        return zip(self._mapping._names, self._mapping._values, strict=True)  # noqa: SLF001


@lru_cache(maxsize=1024)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


class Ids(AbstractSet[str]):
    """A set for the members of a group, which are many: a fifth as large as a ``frozenset``.

    Every operation makes one of it. To look for one takes as long as there are many: who looks for
    more than one makes a ``frozenset`` first.
    """

    __slots__ = ("_ids",)

    def __init__(self, ids: Iterable[str] = ()) -> None:
        """Take each once."""
        self._ids = tuple(dict.fromkeys(ids))

    def __contains__(self, one: object) -> bool:
        """Look for one, from the first to the last."""
        return one in self._ids

    def __iter__(self) -> Iterator[str]:
        """Yield them in the order in which they came."""
        return iter(self._ids)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ids)

    def __repr__(self) -> str:
        """As of a set."""
        return repr(set(self._ids))

    def __eq__(self, other: object) -> bool:
        """Whether another set has the same ones."""
        return frozenset(self._ids) == other

    def __hash__(self) -> int:
        """As of a ``frozenset``, which it is equal to."""
        return hash(frozenset(self._ids))

    def __le__(self, other: AbstractSet[object]) -> bool:
        """Whether all of these are in the other set."""
        return frozenset(self._ids) <= other

    def __ge__(self, other: AbstractSet[object]) -> bool:
        """Whether the other set has no more than these."""
        return frozenset(self._ids) >= other

    def __and__(self, other: AbstractSet[object]) -> frozenset[str]:
        """Those that are in both."""
        return frozenset(self._ids) & other

    def __rand__(self, other: AbstractSet[object]) -> frozenset[str]:
        """Those that are in both."""
        return frozenset(self._ids) & other

    def __sub__(self, other: AbstractSet[object]) -> frozenset[str]:
        """Those that are not in the other one."""
        return frozenset(self._ids) - other

    def __rsub__(self, other: AbstractSet[T]) -> frozenset[T]:
        """Those of the other one that are not among these."""
        return frozenset(other) - frozenset(self._ids)

    def isdisjoint(self, other: Iterable[object]) -> bool:
        """Whether none of these is in the other one."""
        return frozenset(self._ids).isdisjoint(other)
