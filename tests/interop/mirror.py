"""The platform as it must look, derived from the directory without any code of the agent."""

from collections.abc import Container, Iterable
from typing import Any

from jcsync.sandbox.people import Person
from jcsync.sandbox.platform import Resource
from jcsync.sandbox.world import World

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def may_join(person: Person) -> bool:
    """Tell whether a member of a chosen group gets an account."""
    return person.state in {"ACTIVATED", None}


def expected_account(person: Person, *, active: bool) -> dict[str, Any]:
    """Return what the account of a person shows of him, by the default mapping."""
    display = person.displayname or f"{person.firstname} {person.lastname}"
    phones = dict(reversed(person.phoneNumbers))
    return {
        "externalId": person.id,
        "active": active,
        "userName": person.email,
        "givenName": person.firstname or None,
        "familyName": person.lastname or None,
        "displayName": display.strip() or None,
        "title": person.jobTitle or None,
        "work e-mail": person.email,
        "work phone": phones.get("work") or None,
        "mobile phone": phones.get("mobile") or None,
        "department": person.department or None,
        "employeeNumber": person.employeeIdentifier or None,
    }


def shown_account(account: Resource) -> dict[str, Any]:
    """Return the same of an account as it is."""
    name, work = account.get("name") or {}, account.get(ENTERPRISE) or {}
    return {
        "externalId": account.get("externalId"),
        "active": account.get("active"),
        "userName": account["userName"],
        "givenName": name.get("givenName"),
        "familyName": name.get("familyName"),
        "displayName": account.get("displayName"),
        "title": account.get("title"),
        "work e-mail": _typed(account, "emails", "work"),
        "work phone": _typed(account, "phoneNumbers", "work"),
        "mobile phone": _typed(account, "phoneNumbers", "mobile"),
        "department": work.get("department"),
        "employeeNumber": work.get("employeeNumber"),
    }


def _typed(account: Resource, attribute: str, kind: str) -> str | None:
    found = [value["value"] for value in account.get(attribute) or () if value["type"] == kind]
    assert len(found) <= 1, f"{attribute} of {account['userName']} has {found}"
    return found[0] if found else None


def accounts_by_external_id(world: World) -> dict[str, Resource]:
    """Return the managed accounts; each person has one at most."""
    managed = [account for account in world.platform.accounts() if account.get("externalId")]
    found = {account["externalId"]: account for account in managed}
    assert len(found) == len(managed), "somebody has two accounts"
    return found


def groups_by_external_id(world: World) -> dict[str, Resource]:
    """Return the managed groups; each has one resource at most."""
    managed = [group for group in world.platform.groups() if group.get("externalId")]
    found = {group["externalId"]: group for group in managed}
    assert len(found) == len(managed), "a group exists twice"
    return found


def assert_mirrored(
    world: World,
    groups: Iterable[str] = ("Keepnet Users",),
    *,
    suspended: Container[str] = (),
    gone: Iterable[Person] = (),
) -> None:
    """Demand that the platform shows the directory, attribute by attribute and member by member.

    Args:
        world: Both sides.
        groups: The chosen groups by name.
        suspended: Ids of members who have an inactive account.
        gone: People who have one and are no members any more, as they were last provisioned.
    """
    state = world.jumpcloud.state
    chosen = [state.group(name) for name in groups]
    people = {i: state.users[i] for group in chosen for i in group.members}
    expected = {
        identity: expected_account(person, active=identity not in suspended)
        for identity, person in people.items()
        if may_join(person) or identity in suspended
    }
    expected |= {person.id: expected_account(person, active=False) for person in gone}
    accounts = accounts_by_external_id(world)
    assert {i: shown_account(account) for i, account in accounts.items()} == expected

    owners = {account["id"]: identity for identity, account in accounts.items()}
    actual = {
        identity: (
            group["displayName"],
            sorted(owners[member["value"]] for member in group.get("members") or ()),
        )
        for identity, group in groups_by_external_id(world).items()
    }
    assert actual == {
        group.id: (group.name, sorted(i for i in group.members if i in expected))
        for group in chosen
    }
