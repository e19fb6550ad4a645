"""SCIM users and groups."""

from jcsync.model.resource import ProviderState


def test_one_gap_makes_a_read_incomplete() -> None:
    """A listing that may leave somebody out is not complete."""
    assert ProviderState(users=()).complete
    assert not ProviderState(users=(), gaps=("the total changed",)).complete
