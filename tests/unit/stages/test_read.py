"""Both sides are read at once, and look-ups complete what a list leaves out."""

from dataclasses import replace

import pytest

from jcsync.errors import JcsyncError, RemoteError
from jcsync.model.rules import Scope
from jcsync.stages.read import fetch_both, fetch_missing
from tests.factories import a_directory, a_group, a_link, a_person, a_user, an_account
from tests.fakes import FakeDirectory, FakeProvider, failing, refused


@pytest.mark.parametrize("groups", [True, False])
def test_both_sides_are_read(groups: bool) -> None:
    """Groups of the platform only when they are managed."""
    directory = FakeDirectory(a_directory(a_person()))
    provider = FakeProvider(an_account(), groups=[a_group()])

    state, actual = fetch_both(directory, provider, Scope(), groups=groups)

    assert state == directory.state
    assert (len(actual.users), len(actual.groups)) == (1, int(groups))


@pytest.mark.parametrize("sides", [("directory",), ("provider",), ("directory", "provider")])
def test_side_that_fails_ends_the_read(sides: tuple[str, ...]) -> None:
    """The directory's error goes first."""
    directory, provider = FakeDirectory(a_directory()), FakeProvider()
    errors: dict[str, JcsyncError] = {side: refused(f"500 of the {side}") for side in sides}
    if "directory" in errors:
        directory.fails = failing("state", error=errors["directory"])
    if "provider" in errors:
        provider.fails = failing("state", error=errors["provider"])

    with pytest.raises(RemoteError, match=f"500 of the {sides[0]}"):
        fetch_both(directory, provider, Scope(), groups=False)


def test_account_that_the_list_left_out_is_looked_up() -> None:
    """Otherwise it would be created a second time."""
    provider = FakeProvider(an_account("ann"), an_account("bob"))
    provider.hidden, provider.gaps = frozenset({"scim-bob"}), ("a page was short",)
    actual = provider.fetch_state(groups=False)

    found = fetch_missing(provider, actual, [a_user("bob"), a_user("joe"), a_user("ann")], [])

    assert [user.resource_id for user in found.users] == ["scim-ann", "scim-bob"]
    assert found.gaps == actual.gaps


def test_linked_account_is_looked_up_by_its_id() -> None:
    """Under whatever name; one that is gone is looked for by the names."""
    provider = FakeProvider(an_account("bob", external_id=""), an_account("joe"))
    provider.hidden, provider.gaps = frozenset({"scim-bob", "scim-joe"}), ("a page was short",)
    links = [a_link("bob"), a_link("joe", resource_id="gone")]

    found = fetch_missing(
        provider,
        provider.fetch_state(groups=False),
        [replace(a_user("bob"), user_name="robert"), a_user("joe")],
        links,
    )

    assert {user.resource_id for user in found.users} == {"scim-bob", "scim-joe"}
