"""What the platform holds that the directory does not imply, from what was matched and is due."""

from typing import Any

from jcsync.model.drift import Drift, DriftKind
from jcsync.model.plan import Action, Change
from jcsync.model.resource import DesiredUser, Link
from jcsync.model.rules import Policy, Removal
from jcsync.stages.drift import Past, find_drift, strict
from jcsync.stages.matching import GroupMatching, GroupOrphan, UserMatching
from tests.factories import (
    a_change,
    a_desired_group,
    a_group,
    a_group_change,
    a_group_link,
    a_link,
    a_member,
    a_stranger,
    a_user,
    an_account,
    an_attribute,
)
from tests.unit.stages.test_settle import a_record

LOST = "5f0c1e0e0b6c8a2f5d0e1a2b"


def drift_of(
    *changes: Change,
    users: UserMatching | None = None,
    groups: GroupMatching | None = None,
    links: tuple[Link, ...] = (),
    past: Past | None = None,
    **options: Any,
) -> list[Drift]:
    """Drift with nothing in it but what a test names."""
    found = find_drift(
        users or UserMatching(),
        groups or GroupMatching(),
        changes,
        links=links,
        past=past or {},
        **options,
    )
    return list(found)


def test_nothing_known_is_no_edit() -> None:
    """Without knowledge of what was applied a difference may be the directory's own."""
    patch = a_change(attributes=(an_attribute("title", "Boss", "CEO"),))

    assert drift_of(patch, links=(a_link(),)) == []
    assert drift_of(patch, past={"ann": [a_record(an_attribute("title", None, "CEO"))]}) == []
    (edited,) = drift_of(
        patch, links=(a_link(),), past={"ann": [a_record(an_attribute("title", None, "CEO"))]}
    )
    assert edited.kind is DriftKind.EDITED
    assert edited.active is True
    (edit,) = edited.edits
    assert (edit.applied, edit.found, edit.wanted) == ("CEO", "Boss", "CEO")


def test_mover_is_no_edit() -> None:
    """The platform still holds what was applied: the directory has moved."""
    patch = a_change(attributes=(an_attribute("title", "Boss", "CEO"),))
    past = {
        "ann": [a_record(an_attribute("title", None, "boss"), an_attribute("title", 1, "Boss"))]
    }

    assert drift_of(patch, links=(a_link(),), past={"ann": [past["ann"][0]]}) != []
    past = {"ann": [a_record(an_attribute("title", None, "Boss"))]}
    assert drift_of(patch, links=(a_link(),), past=past) == []


def test_reference_is_kept_by_the_id_of_its_person() -> None:
    """The history may hold the JumpCloud id of a manager whose account was new then."""
    path = "manager.value"
    due = a_change(attributes=(an_attribute(path, "scim-bob", "scim-cid"),))
    past = {"ann": [a_record(an_attribute(path, None, "bob"))]}
    links = (a_link(), a_link("bob"))

    assert drift_of(due, links=links, past=past) == []
    edited = a_change(attributes=(an_attribute(path, "scim-eve", "scim-cid"),))
    (found,) = drift_of(edited, links=links, past=past)
    assert found.edits[0].applied == "scim-bob"


def test_deactivated_by_whom() -> None:
    """An account that jcsync itself deactivated waits to be reactivated; by others it was edited."""
    due = a_change(Action.REACTIVATE)

    assert drift_of(due, links=(a_link(deactivated_at="2026-01-31T12:00:00+00:00"),)) == []
    (found,) = drift_of(due, links=(a_link(),))
    assert (found.kind, found.active) == (DriftKind.EDITED, False)
    assert drift_of(a_change(Action.CREATE), links=(a_link(),)) == []


def test_unmanaged_accounts_in_words() -> None:
    """An unmanaged account says by its externalId whose it may be."""
    people: tuple[DesiredUser, ...] = (a_user("bob"),)
    unmanaged = (
        a_stranger("root"),
        an_account("bob", resource_id="second"),
        an_account("eve", external_id=LOST),
        an_account("fay", external_id=LOST, active=False),
    )

    found = drift_of(users=UserMatching(blocked=people, unmanaged=unmanaged))

    by_name = {drift.name.partition("@")[0]: drift for drift in found}
    assert by_name["eve"].kind is DriftKind.ORPHAN
    assert {by_name[who].kind for who in ("root", "bob", "fay")} == {DriftKind.UNMANAGED}
    assert "of somebody in scope" in by_name["bob"].message
    assert "of nobody in scope" in by_name["fay"].message


def test_groups() -> None:
    """Groups that left, that are not ours, that are gone, and members too many."""
    matching = GroupMatching(
        orphans=(GroupOrphan(link=a_group_link("Old"), actual=a_group("Old", "ann")),),
        unmanaged=(a_group("Handmade", external_id=""),),
        missing=(a_desired_group("Gone"),),
        gone=(a_group_link("Gone"), a_group_link("Forgotten")),
    )
    emptied = a_group_change(name="Old", remove=(a_member(),))
    extra = a_group_change(
        remove=(a_member("eve"),), attributes=(an_attribute("displayName", "Crew", "Staff"),)
    )

    found = drift_of(emptied, extra, groups=matching, links=(a_group_link(),))

    assert [(drift.kind.value, drift.name) for drift in found] == [
        ("orphan", "Old"),
        ("unmanaged", "Handmade"),
        ("edited", "Staff"),
        ("missing", "Gone"),
        ("extra_members", "Staff"),
    ]
    assert found[2].edits[0].applied == "Staff"
    assert found[4].members == ("eve@example.com",)
    renamed = a_group_change(attributes=(an_attribute("displayName", "Staff", "Crew"),))
    assert drift_of(renamed, links=(a_group_link(),)) == []


def test_protected_is_left_out() -> None:
    """The operator knows what ``policy.protect`` names, by any name."""
    users = UserMatching(unmanaged=(a_stranger("root"), a_stranger("eve")))

    found = drift_of(users=users, protect=frozenset({"scim-root", "eve@example.com"}))

    assert found == []


def test_strict_policy_keeps_nothing_for_leavers() -> None:
    """Access that a policy keeps is still not what the directory implies."""
    kept = strict(Policy(update=False, on_leave=Removal.KEEP, on_delete=Removal.KEEP))

    assert kept == Policy()
