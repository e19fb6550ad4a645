"""Accounts that do not show whether they are active."""

from dataclasses import replace

from jcsync.model.resource import Link, ProviderState
from jcsync.stages.unshown import find_unshown, with_known_access
from tests.factories import a_link, an_account

ENDED = "2026-01-31T10:00:00+00:00"


def links(*names: str, ended: str | None = ENDED) -> tuple[Link, ...]:
    """Of the accounts of these people."""
    return tuple(a_link(name, deactivated_at=ended) for name in names)


def state(*names: str, shows_active: bool = False) -> ProviderState:
    """A platform with the accounts of these people, active as far as is seen."""
    users = (replace(an_account(name), shows_active=shows_active) for name in names)
    return ProviderState(users=tuple(users))


def test_what_is_shown_is_believed() -> None:
    """However long ago it was deactivated."""
    shown = state("ann", shows_active=True)

    assert with_known_access(shown, links("ann")) is shown
    assert find_unshown(shown, links("ann")) == ()


def test_what_is_not_shown_is_what_it_was_made() -> None:
    """Inactive after a deactivation; else active."""
    actual = with_known_access(state("ann", "bob", "cid"), links("ann") + links("bob", ended=None))

    assert [account.active for account in actual.users] == [False, True, True]


def test_many_are_one_finding() -> None:
    names = [f"p{n}" for n in range(7)]
    (finding,) = find_unshown(state(*names, "ann"), links(*names))

    assert "of 7 accounts" in finding.message
    assert "p4" in finding.message
    assert "p5" not in finding.message
    assert "ann@" not in finding.message
