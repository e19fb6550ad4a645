"""Whether a store is whole, on both databases."""

import pytest

from jcsync.errors import StoreError
from jcsync.store import check_store, open_store
from jcsync.store.schema import HEAD
from tests.factories import a_link
from tests.fakes import FixedClock


def test_check_counts_and_names_the_revision(url: str) -> None:
    """Rows by table and the revision; nothing is wrong."""
    with open_store(url, FixedClock()) as store:
        store.record_links("keepnet", [a_link("ann"), a_link("bob")])

    found = check_store(url)

    assert (found.revision, found.problems, found.is_current) == (HEAD, (), True)
    assert found.counts["link"] == 2
    assert found.counts["run"] == 0


def test_check_of_an_empty_database(url: str) -> None:
    """Nothing is created by looking."""
    for _ in range(2):
        with pytest.raises(StoreError, match="no store"):
            check_store(url)
