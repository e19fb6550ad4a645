"""Whom events point at."""

import pytest

from jcsync.model.events import Event, Subject
from jcsync.stages.hints import Hints, read_hints

ANN, OURS, OTHERS = ("user", "u-ann"), ("user_group", "g-ours"), ("user_group", "g-other")
APP, SYSTEM = ("application", "a-1"), ("system", "s-1")


def an_event(event_type: str, *subjects: tuple[str, str], **more: str) -> Event:
    found = tuple(Subject(kind=kind, id=key) for kind, key in subjects)
    return Event(id=more.pop("id", "e1"), type=event_type, subjects=found, **more)


def hints_of(
    *events: Event, by_application: bool = False, seen: frozenset[str] = frozenset()
) -> Hints:
    return read_hints(
        events,
        seen=seen,
        groups={"g-ours"},
        by_application=by_application,
        organization="org-1",
    )


@pytest.mark.parametrize(
    "event",
    [
        an_event("user_create", ANN),
        an_event("user_update", ANN),
        an_event("user_delete", ANN),
        an_event("user_suspended", ANN),
        an_event("user_lockout", ANN),
        an_event("user_password_set", ANN),
        an_event("user_something_new", ANN),
        an_event("association_change", OURS, ANN),
        an_event("association_change", ANN, OURS),
    ],
)
def test_events_about_people_and_memberships_name_the_person(event: Event) -> None:
    """Those of a kind that nobody has heard of too."""
    assert hints_of(event) == Hints(people=frozenset({"u-ann"}))


@pytest.mark.parametrize(
    "event",
    [
        an_event("admin_login_attempt", ("admin", "x")),
        an_event("organization_update"),
        an_event("system_update", SYSTEM),
        an_event("user_login_attempt", ANN),
        an_event("user_mfa_exclusion_expired", ANN),
        an_event("user_update_provision", ANN),
        an_event("user_deprovision", ANN),
        an_event("association_change", SYSTEM, ANN),
        an_event("association_change", SYSTEM, OURS),
        an_event("association_change", OTHERS, ANN),
        an_event("association_change", OTHERS, ("user", "")),
        an_event("association_change", OURS, APP),
        an_event("association_change", ANN, APP),
        an_event("group_update", OTHERS),
        an_event("application_update", APP),
    ],
)
def test_what_is_none_of_our_business_points_at_nobody(event: Event) -> None:
    assert hints_of(event) == Hints()


@pytest.mark.parametrize(
    "event",
    [
        an_event("group_update", OURS),
        an_event("group_delete", OURS),
        an_event("group_update", ("user_group", "")),
        an_event("group_something_new", OURS),
        an_event("association_change", OURS),
        an_event("association_change", OURS, ("", "x")),
        an_event("association_change", OURS, ("user", "")),
        an_event("user_update", ("user", "")),
    ],
)
def test_what_cannot_be_pinned_on_people_asks_for_everybody(event: Event) -> None:
    """And says which event it was."""
    assert hints_of(event).everybody.startswith(f"{event.type}: ")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (an_event("association_change", ANN, APP), Hints(people=frozenset({"u-ann"}))),
        (
            an_event("association_change", OTHERS, APP),
            Hints(everybody="association_change: it is about a group or application of the scope"),
        ),
        (
            an_event("application_delete", APP),
            Hints(everybody="application_delete: it is about a group or application of the scope"),
        ),
    ],
)
def test_an_application_that_decides_the_scope_counts(event: Event, expected: Hints) -> None:
    assert hints_of(event, by_application=True) == expected


def test_events_in_disorder_and_repeated_are_no_matter() -> None:
    """Those that were heeded before are left out."""
    bob = an_event("user_update", ("user", "u-bob"), id="e2")
    ann = an_event("user_update", ANN)

    assert hints_of(bob, ann, bob).people == {"u-ann", "u-bob"}
    assert hints_of(bob, ann, seen=frozenset({"e2"})).people == {"u-ann"}
    assert hints_of(bob, ann, seen=frozenset({"e1", "e2"})) == Hints()


def test_events_of_another_organisation_are_not_believed() -> None:
    """The key may have been exchanged."""
    ours = an_event("user_update", ANN, organization="org-1")
    theirs = an_event("user_update", ANN, organization="org-2")

    assert hints_of(ours).people == {"u-ann"}
    assert hints_of(theirs).everybody == "an event is of the organisation org-2"
