"""Links that no run could record."""

import pytest

from jcsync.model.resource import GroupResource, Kind, Link, ProviderState, UserResource
from jcsync.stages.unrecorded import recall_unrecorded
from tests.factories import a_group, an_account, mail
from tests.fakes import FakeStore

LEO = "5f0000000000000000000001"
TEAM = "5f0000000000000000000002"
ACCOUNT = an_account("leo", external_id=LEO)
GROUP = a_group("Team", external_id=TEAM)


def recalled(
    *resources: UserResource | GroupResource,
    links: tuple[Link, ...] = (),
    wanted: frozenset[str] = frozenset(),
    uncertain: bool = True,
) -> set[tuple[Kind, str, str, str]]:
    """What is recalled of a platform that holds these."""
    begun = {(Kind.USER, LEO), (Kind.USER, "okta-1"), (Kind.GROUP, TEAM)} if uncertain else set()
    actual = ProviderState(
        users=tuple(r for r in resources if isinstance(r, UserResource)),
        groups=tuple(r for r in resources if isinstance(r, GroupResource)),
    )
    found = recall_unrecorded(
        FakeStore(uncertain=begun), "keepnet", actual, links, dict.fromkeys(Kind, wanted)
    )
    return {(link.kind, link.external_id, link.resource_id, link.name) for link in found}


def test_account_and_group_of_a_killed_run_are_ours() -> None:
    """Each with the name that it has now."""
    assert recalled(ACCOUNT, GROUP) == {
        (Kind.USER, LEO, "scim-leo", mail("leo")),
        (Kind.GROUP, TEAM, GROUP.resource_id, "Team"),
    }


@pytest.mark.parametrize(
    "held",
    [
        pytest.param((an_account("leo", external_id="okta-1"),), id="of-another-agent"),
        pytest.param((an_account("leo", external_id=""),), id="of-nobody"),
        pytest.param(
            (ACCOUNT, an_account("leo", external_id=LEO, resource_id="twin")), id="one-of-two"
        ),
    ],
)
def test_what_may_be_a_strangers_is_not(held: tuple[UserResource, ...]) -> None:
    """Whatever was begun."""
    assert recalled(*held) == set()


def test_nothing_begun_proves_nothing() -> None:
    """A JumpCloud id alone may be that of JumpCloud's own connector, or of a lost store."""
    assert recalled(ACCOUNT, GROUP, uncertain=False) == set()


def test_who_is_wanted_or_linked_is_left_to_the_matching() -> None:
    """It pairs the one by ``externalId``, and knows the other."""
    assert recalled(ACCOUNT, GROUP, wanted=frozenset({LEO, TEAM})) == set()
    linked = Link(kind=Kind.USER, external_id=LEO, resource_id="gone", name=mail("leo"))
    assert recalled(ACCOUNT, links=(linked,)) == set()
