"""What a run holds of everybody."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from jcsync.model.compact import Ids, Record


def test_record_is_equal_to_the_dictionary_that_it_stands_for() -> None:
    """Also to one in another order, and to none that lacks a name or has another value."""
    record = Record(["userName", "title"], ["ann", None])

    assert record == {"title": None, "userName": "ann"}
    assert record != {"userName": "ann"}
    assert record != {"userName": "ann", "title": "CEO"}
    assert {**record} == dict(record.items()) == {"userName": "ann", "title": None}
    assert repr(record) == "{'userName': 'ann', 'title': None}"


def test_record_is_asked_by_name() -> None:
    """A name that it lacks is an error, or the default."""
    record = Record(["userName", "title"], ["ann", None])

    assert (record["userName"], record.get("title"), record.get("nickName", "?")) == (
        "ann",
        None,
        "?",
    )
    assert "title" in record
    with pytest.raises(KeyError, match="nickName"):
        record["nickName"]


def test_record_takes_a_value_for_each_name() -> None:
    """A value too few would give those that follow to the wrong names."""
    with pytest.raises(ValueError, match="shorter"):
        list(Record(["userName", "title"], ["ann"]).items())


def test_ids_are_the_set_of_them() -> None:
    """In the order in which they came, each once, on either side of an operator."""
    ids = Ids(["b", "a", "b"])

    assert (list(ids), len(ids), "a" in ids, "c" in ids) == (["b", "a"], 2, True, False)
    assert ids == {"a", "b"} == ids
    assert ids == Ids("ab") != Ids("a")
    assert len({ids, frozenset("ab")}) == 1
    assert ids & {"a", "c"} == {"a", "c"} & ids == {"a"} == ids & {"a": 1}.keys() == ids & Ids("a")
    assert (ids - {"a"}, {"a", "c"} - ids, ids - Ids("b")) == ({"b"}, {"c"}, {"a"})
    assert ids | {"c"} == {"c"} | ids == {"a", "b", "c"}
    assert {"a"} <= ids <= {"a", "b", "c"}
    assert repr(Ids("a")) == "{'a'}"


class Counted(str):
    """Counts how often one is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        """As texts are."""
        Counted.compared += 1
        return str.__eq__(self, str(other))

    __hash__ = str.__hash__


@pytest.mark.parametrize(
    "operate",
    [
        lambda ids, others: ids & others,
        lambda ids, others: others & ids,
        lambda ids, others: ids - others,
        lambda ids, others: others - ids,
        lambda ids, others: ids | others,
        lambda ids, others: others | ids,
        lambda ids, others: ids <= others,
        lambda ids, others: others <= ids,
        lambda ids, others: ids == others,
        lambda ids, others: ids.isdisjoint(others),
        lambda ids, others: others.isdisjoint(ids),
    ],
)
@pytest.mark.parametrize("kind", [frozenset, Ids, dict.fromkeys])
def test_operations_on_many_ids_take_as_long_as_there_are(
    operate: Callable[[Any, Any], object], kind: Callable[[Iterable[str]], Any]
) -> None:
    """A group has up to all people: to compare each with each other would take minutes."""
    ids = Ids(Counted(number) for number in range(1000))
    others = kind(Counted(number) for number in range(1000))
    others = others.keys() if isinstance(others, dict) else others
    Counted.compared = 0

    operate(ids, others)

    assert Counted.compared <= 5000
