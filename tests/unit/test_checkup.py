"""Both sides of a connection are tried step by step, without side effects."""

from dataclasses import replace
from typing import Any

import pytest

from jcsync.checkup import Cause, Step, StepStatus, check_connection
from jcsync.errors import JcsyncError, SettingsError
from jcsync.model.directory import DirectoryState, Organization, UserState
from jcsync.model.facts import Facts, Learnt
from jcsync.model.limits import Limits
from jcsync.model.resource import Capabilities, Trait
from jcsync.model.rules import GroupPolicy, Policy, Scope
from jcsync.pipeline import Connection
from tests.factories import RULES, a_directory, a_group, a_person, an_account, mail
from tests.fakes import (
    FakeDirectory,
    FakeFeed,
    FakeProvider,
    FakeStore,
    FixedClock,
    failing,
    refused,
)

ANN = a_person("ann")


def checked(
    directory: FakeDirectory | DirectoryState,
    provider: FakeProvider | None = None,
    *,
    groups: bool = False,
    store: FakeStore | None = None,
    subject: str = "",
    exclude: str = "",
) -> dict[str, Step]:
    """Every step by its name."""
    if isinstance(directory, DirectoryState):
        directory = FakeDirectory(directory)
    provider = provider or FakeProvider(an_account())
    connection = Connection(
        name="keepnet",
        directory=directory,
        provider=provider,
        store=store or FakeStore(),
        subject=subject,
        clock=FixedClock(),
        scope=Scope(exclude=frozenset({exclude} - {""})),
        policy=Policy(),
        group_policy=GroupPolicy(enabled=groups),
        rules=RULES,
        limits=Limits(),
        owner="host:1",
        actor="ann@host",
        feed=FakeFeed(),
    )
    steps = list(check_connection(connection))
    assert provider.writes == []
    assert all(step.seconds >= 0 for step in steps)
    assert all(
        (step.status is StepStatus.FAILED) is (step.cause is not Cause.NONE) for step in steps
    )
    return {step.name: step for step in steps}


def test_everything_is_tried_in_order() -> None:
    """JumpCloud first, then the platform, then what lies between."""
    provider = FakeProvider(an_account())
    provider.capabilities = Capabilities(
        config="patch, filter",
        described=True,
        filters={"userName": True, "externalId": True},
        traits=(
            Trait(name="page size", found="1 of 1"),
            Trait(
                name="members",
                found="shown by 0 of 1 groups",
                expected="members_read groups",
                agrees=False,
            ),
        ),
        attributes=frozenset({"username", "displayname", "emails", "name", "title"}),
    )

    steps = checked(a_directory(ANN), provider)

    assert [(step.side, name) for name, step in steps.items()] == [
        ("JumpCloud", "key accepted"),
        ("JumpCloud", "groups found"),
        ("JumpCloud", "people readable"),
        ("JumpCloud", "no other provisioner"),
        ("Platform", "reachable, token accepted"),
        ("Platform", "listing can be trusted"),
        ("Platform", "filters"),
        ("Profile", "page size"),
        ("Profile", "members"),
        ("Profile", "learnt, used by runs"),
        ("Mapping", "3 attributes"),
        ("Mapping", "names and conditions"),
        ("Mapping", "known to the platform"),
    ]
    warned = steps.pop("members")
    assert (warned.status, warned.message) == (
        StepStatus.WARNING,
        "shown by 0 of 1 groups (profile: members_read groups)",
    )
    assert {step.status for step in steps.values()} == {StepStatus.PASSED}
    assert steps["page size"].message == "1 of 1"
    assert steps["groups found"].message == "Staff 1 member"
    assert steps["people readable"].message == "1 in scope: 1 activated"
    assert steps["filters"].message == "userName eq and externalId eq"
    assert steps["3 attributes"].message == "1 person can be mapped"


def test_what_is_learnt_is_kept_and_compared_with_what_was() -> None:
    """With the day of the earlier one, where it was about the same platform."""
    provider, store = FakeProvider(an_account()), FakeStore()
    told = "learnt, used by runs"

    def learn(subject: str = "rfc 1", **facts: Any) -> str:
        provider.capabilities = replace(
            provider.capabilities,
            facts=Facts(**facts),
            used=tuple(f"{k} {facts[k]}" for k in facts),
        )
        return checked(a_directory(ANN), provider, store=store, subject=subject)[told].message

    assert learn() == "nothing that differs from the profile; kept for 30 days"
    assert learn(page_size=50) == (
        "page_size 50; kept for 30 days; differs from what was learnt on 2026-01-31"
    )
    assert learn("rfc 2", page_size=60) == "page_size 60; kept for 30 days"
    assert store.known["keepnet"] == Learnt(
        facts=Facts(page_size=60), subject="rfc 2", at=FixedClock().now()
    )


@pytest.mark.parametrize(
    ("organization", "message"),
    [
        (Organization(id="0123456789", name="Example"), 'organisation "Example" (…456789)'),
        (Organization(id="0123456789"), "organisation (…456789)"),
        (Organization(), "organisation not shown to this key"),
    ],
)
def test_organisation_is_named(organization: Organization, message: str) -> None:
    """So that the key of another customer is noticed."""
    directory = FakeDirectory(a_directory(ANN))
    directory.organization = organization

    assert checked(directory)["key accepted"].message == message


@pytest.mark.parametrize(
    ("error", "cause"),
    [(refused("401 of JumpCloud"), Cause.REMOTE), (SettingsError("no such key"), Cause.SETTINGS)],
)
def test_failed_step_skips_the_rest_of_its_side(error: JcsyncError, cause: Cause) -> None:
    """The other side is tried all the same, and the cause tells who has to act."""
    directory = FakeDirectory(a_directory(ANN))
    directory.fails = failing("organization", error=error)

    steps = checked(directory)

    assert (steps["key accepted"].status, steps["key accepted"].cause) == (StepStatus.FAILED, cause)
    assert steps["key accepted"].message == str(error)
    assert steps["groups found"].status is StepStatus.SKIPPED
    assert steps["listing can be trusted"].status is StepStatus.PASSED
    assert steps["3 attributes"].message == "JumpCloud could not be read"


def test_empty_scope_is_a_warning() -> None:
    """It may be meant, and everybody would leave."""
    step = checked(a_directory(groups={"Staff": []}))["groups found"]

    assert (step.status, step.message) == (
        StepStatus.WARNING,
        "nobody is in the scope: Staff 0 members",
    )


def test_dynamic_groups_and_direct_bindings_are_told() -> None:
    """They come and go by rules."""
    state = a_directory(ANN, direct=["ann"])
    state = replace(state, groups=tuple(replace(group, dynamic=True) for group in state.groups))

    assert checked(state)["groups found"].message == (
        "Staff 1 member (dynamic) · 1 user bound directly"
    )


def test_people_are_counted_by_state() -> None:
    """Suspended and staged ones get no access."""
    state = a_directory(ANN, a_person("bob"), a_person("sid", state=UserState.SUSPENDED))

    steps = checked(state)

    assert steps["people readable"].message == "3 in scope: 2 activated, 1 suspended"
    assert steps["3 attributes"].message == "3 people can be mapped"


def test_incomplete_directory_fails() -> None:
    """With such a read nobody can be deactivated."""
    step = checked(a_directory(ANN, gaps=("a page was short", "403")))["people readable"]

    assert (step.status, step.cause) == (StepStatus.FAILED, Cause.REMOTE)
    assert step.message == "a page was short; 403"


def test_incomplete_platform_is_a_warning() -> None:
    """People can still be created."""
    provider = FakeProvider(an_account(), groups=[a_group()])
    provider.gaps = ("the total changed",)

    step = checked(a_directory(ANN), provider, groups=True)["listing can be trusted"]

    assert step.status is StepStatus.WARNING
    assert step.message == (
        "1 account, 1 group; the total changed: nobody can be deactivated by this list"
    )


@pytest.mark.parametrize(
    ("filters", "status", "message"),
    [
        ({}, StepStatus.SKIPPED, "no account to try them on"),
        (
            {"userName": True, "externalId": False},
            StepStatus.WARNING,
            "externalId cannot be filtered by; the whole list is used instead",
        ),
    ],
)
def test_filters_that_do_not_work_are_a_warning(
    filters: dict[str, bool], status: StepStatus, message: str
) -> None:
    """There is another way."""
    provider = FakeProvider()
    provider.capabilities = Capabilities(config="404", described=False, filters=filters)

    steps = checked(a_directory(ANN), provider)

    assert (steps["filters"].status, steps["filters"].message) == (status, message)
    assert steps["reachable, token accepted"].message == (
        "no ServiceProviderConfig (404); not needed"
    )


def test_people_who_cannot_be_mapped_are_named() -> None:
    """The first three of them."""
    state = a_directory(ANN, *(a_person(f"u{n}", email="") for n in range(5)))

    step = checked(state)["3 attributes"]

    assert step.status is StepStatus.WARNING
    assert step.message.startswith("5 of 6 cannot be mapped: u0: no userName")
    assert step.message.endswith("; and 2 more")
    assert mail("ann") not in step.message


def test_attributes_that_the_platform_does_not_know_are_a_warning() -> None:
    """They would be dropped, or refused."""
    provider = FakeProvider(an_account())
    provider.capabilities = Capabilities(
        config="", described=True, filters={}, attributes=frozenset({"username"})
    )

    step = checked(a_directory(ANN), provider)["known to the platform"]

    assert step.status is StepStatus.WARNING
    assert "is not in /Schemas" in step.message


def test_settings_that_mean_nobody_are_a_warning() -> None:
    """They are no error: people come and go. While a side is not known, they say nothing."""
    step = checked(a_directory(ANN), exclude="anna@example.com")["names and conditions"]
    assert step.status is StepStatus.WARNING
    assert 'did you mean "ann@example.com"?' in step.message

    unsure = checked(a_directory(ANN, gaps=("x",)), exclude="anna@example.com")
    assert unsure["names and conditions"].status is StepStatus.SKIPPED
