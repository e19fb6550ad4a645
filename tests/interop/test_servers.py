# ruff: noqa: RUF001  other people's letters are meant
"""Whole runs of the real command line against SCIM servers that others wrote, and a strict one."""

import copy

import pytest

from jcsync.sandbox.world import World
from tests.interop.mirror import (
    ENTERPRISE,
    accounts_by_external_id,
    assert_mirrored,
    groups_by_external_id,
    shown_account,
)
from tests.interop.operator import Operator
from tests.interop.scimmy.server import Scimmy

SCOPE = "Keepnet Users"


def test_first_run_fills_platform_and_second_writes_nothing(
    world: World, operator: Operator, request: pytest.FixtureRequest
) -> None:
    """Many people and three groups arrive as they are in the directory, and stay so."""
    # scimmy on Express 5 gives the first 20 resources, whatever page is asked for.
    people = 15 if "Express 5" in request.node.name else 60
    world.populate(people, 3)
    chosen = [group.name for group in world.jumpcloud.state.groups.values()]
    operator.configure(*chosen)

    first = operator.reconcile_applied()

    assert_mirrored(world, chosen)
    creates = [write for write in first.writes if write.path.endswith("/Users")]
    assert len(creates) == len(world.platform.accounts()) > people / 2
    operator.reconcile_in_step()


def test_joiner_mover_leaver_and_returner(world: World, operator: Operator) -> None:
    """Each change in the directory has its effect on the one account it concerns."""
    state = world.jumpcloud.state
    state.create_group(SCOPE)
    ann, bea, cem, dan, eva, fay = (
        state.hire(f"{name}@example.com", groups=[SCOPE], department="Sales", lastname="Lee").id
        for name in ("ann", "bea", "cem", "dan", "eva", "fay")
    )
    operator.reconcile_applied()
    assert_mirrored(world)
    before = {i: account["id"] for i, account in accounts_by_external_id(world).items()}

    gone = [state.user(eva), state.user(fay)]
    state.hire("gus@example.com", groups=[SCOPE], jobTitle="Engineer")
    state.rename(bea, "bea.o'hara@example.com", lastname="O'Hara", displayname="Bea O'Hara")
    state.change(cem, department="Marketing", phoneNumbers=(("work", "+90 212 000 0000"),))
    state.suspend(dan)
    state.remove_member(SCOPE, eva)
    state.delete(fay)
    run = operator.reconcile_applied()

    assert_mirrored(world, suspended={dan}, gone=gone)
    actions = {(c["external_id"], c["action"]) for c in run.report["plan"]["changes"]}
    assert {(bea, "patch"), (cem, "patch"), (dan, "deactivate")} < actions
    assert {(eva, "deactivate"), (fay, "deactivate")} < actions
    assert not any(external_id == ann for external_id, _ in actions)

    state.unsuspend(dan)
    state.add_member(SCOPE, eva)
    state.change(eva, department="Finance")
    operator.reconcile_applied()

    assert_mirrored(world, gone=gone[1:])
    after = {i: account["id"] for i, account in accounts_by_external_id(world).items()}
    assert {i: after[i] for i in before} == before, "somebody did not keep his account"
    operator.reconcile_in_step()


def test_groups_are_renamed_and_their_members_follow(world: World, operator: Operator) -> None:
    """A renamed group stays the same group; who moves is removed there and added here."""
    state = world.jumpcloud.state
    people = [state.hire(f"user{n}@example.com").id for n in range(6)]
    sales = state.create_group("Sales", people[:4])
    staff = state.create_group("Staff & Friends", people)
    empty = state.create_group("Nobody yet")
    chosen = [group.id for group in (sales, staff, empty)]
    operator.configure(*chosen)
    operator.reconcile_applied()
    names = ["Sales", "Staff & Friends", "Nobody yet"]
    assert_mirrored(world, names)
    before = {i: group["id"] for i, group in groups_by_external_id(world).items()}

    state.rename_group(sales.id, 'R&D "Größe" / \\ 100%')
    state.remove_member(sales.id, people[0], people[1])
    state.add_member(sales.id, people[5])
    state.add_member(empty.id, people[2])
    state.remove_member(staff.id, people[3])
    operator.reconcile_applied()

    assert_mirrored(world, ['R&D "Größe" / \\ 100%', *names[1:]])
    assert {i: group["id"] for i, group in groups_by_external_id(world).items()} == before
    operator.reconcile_in_step()


def test_unmanaged_is_left_alone_namesake_adopted_and_drift_corrected(
    world: World, operator: Operator
) -> None:
    """What was there before stays, one person's old account becomes his, edits are undone."""
    state, platform = world.jumpcloud.state, world.platform
    state.create_group(SCOPE)
    ann, bea, cem = (
        state.hire(f"{name}@example.com", groups=[SCOPE], department="Sales", lastname="Lee").id
        for name in ("ann", "bea", "cem")
    )
    root = platform.state.add_by_hand(userName="root", displayName="Do not touch", active=True)
    admins = platform.state.add_by_hand(displayName="Admins", members=[{"value": root}])
    old = platform.state.add_by_hand(userName="cem@example.com", title="Old hand", active=True)
    untouched = copy.deepcopy([r for r in _resources(world) if r["id"] in {root, admins}])

    run = operator.reconcile_applied()

    cems = accounts_by_external_id(world)[cem]
    assert cems["id"] == old
    assert cems["title"] == "Old hand", "the directory knows no title, so it has no say"
    assert shown_account(cems)["department"] == "Sales"
    assert len(platform.accounts()) == 4
    assert run.report["plan"]["counts"]["users"]["unmanaged"] == 1

    accounts = accounts_by_external_id(world)
    (group,) = groups_by_external_id(world).values()
    edited = {"department": "Hacked", "employeeNumber": "kept"}
    platform.state.edit(accounts[ann]["id"], displayName="Somebody Else", **{ENTERPRISE: edited})
    platform.state.edit(accounts[bea]["id"], active=False)
    members = [{"value": root}, {"value": accounts[ann]["id"]}]
    platform.state.edit(group["id"], members=members)
    operator.reconcile_applied()

    assert shown_account(accounts_by_external_id(world)[ann]) == {
        **shown_account(accounts[ann]),
        "employeeNumber": "kept",
    }
    assert accounts_by_external_id(world)[bea]["active"] is True
    (group,) = groups_by_external_id(world).values()
    owners = {account["id"]: i for i, account in accounts_by_external_id(world).items()}
    assert {owners.get(m["value"]) for m in group["members"]} == {ann, bea, cem}
    assert [r for r in _resources(world) if r["id"] in {root, admins}] == untouched
    operator.reconcile_in_step()


NASTY = (
    {"firstname": "Conan", "lastname": "O'Brien", "email": "conan.o'brien@example.com"},
    {"firstname": 'Dwayne "The Rock"', "lastname": "Back\\slash", "email": "d.j+rock@example.com"},
    {"firstname": "Robert'); DROP TABLE", "lastname": "users;--", "email": "bobby@example.com"},
    {"firstname": "{{ 7 * 7 }}", "lastname": "${jndi:x} %s %n", "email": "a%b@example.com"},
    {"firstname": "<b>Bold</b>", "lastname": "A&B", "email": "a&b=c?d#e@example.com"},
    {"firstname": "Zoe\u0308", "lastname": "Nfd", "email": "nfd@example.com"},
    {"firstname": "עומר", "lastname": "אַלְבֶּרְט", "email": "rtl@example.com"},
    {"firstname": "🦊", "lastname": "👩‍👩‍👧‍👦 family", "email": "emoji@example.com"},
    {"firstname": "İbrahim", "lastname": "Iğdır ẞ", "email": "İ.iğdır@example.com"},
    {"firstname": "Madonna", "lastname": "", "email": "mono@example.com"},
    {"firstname": "null", "lastname": "true", "email": "null@example.com"},
    {"firstname": "L" * 300, "lastname": "x" * 300, "email": "long@example.com"},
    {"firstname": "/../..", "lastname": "a/b", "email": "a/b@example.com"},
)  # fmt: skip


def test_names_of_every_kind_arrive_unchanged(world: World, operator: Operator) -> None:
    """Quotes, markup, other scripts and long names are letters like others."""
    state = world.jumpcloud.state
    state.create_group(SCOPE)
    for number, fields in enumerate(NASTY):
        state.hire(
            **fields, username=f"user{number}", groups=[SCOPE], department="R&D \"1\" \\ 'x'"
        )

    operator.reconcile_applied()

    assert_mirrored(world)

    for person in list(state.users.values()):
        state.change(person.id, email=f"new-{person.email}", lastname=f"{person.lastname} \"'\\")
    operator.reconcile_applied()

    assert_mirrored(world)
    operator.reconcile_in_step()


@pytest.mark.interop
@pytest.mark.parametrize("world", ["scimmy"], indirect=True)
def test_scimmy_itself_sees_no_second_write(
    world: World, operator: Operator, scimmy: Scimmy
) -> None:
    """What the recorder in front of the server counts is what the server sees."""
    world.populate(12, 1)
    first = operator.reconcile_applied()
    seen = scimmy.writes()
    assert len(seen) == len(first.writes)

    operator.reconcile_in_step()

    assert scimmy.writes() == seen


def _resources(world: World) -> list[dict[str, object]]:
    return [*world.platform.accounts(), *world.platform.groups()]
