"""Changes → the resource as it should be: nothing that jcsync does not manage is lost."""

from typing import Any

import pytest
from scim2_models import EnterpriseUser, Group, User

from jcsync.model.path import ENTERPRISE_USER
from jcsync.model.plan import AttributeChange
from jcsync.scim.replace import pathless_operations, replaced, whole_operations

HOME = {"type": "home", "value": "h@example.com"}
HELD: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE_USER],
    "id": "1",
    "userName": "ann",
    "Active": "False",
    "nickName": None,
    "name": {"givenName": "Ann", "middleName": None},
    "emails": [
        {"type": "work", "value": "a@example.com", "primary": True},
        {"type": "home", "value": "h@example.com", "display": None},
    ],
    "roles": [{"value": "admin"}],
    ENTERPRISE_USER: {"manager": {"value": "m1", "$ref": "../m1", "displayName": "Max"}},
    "groups": [{"value": "g"}],
    "meta": {"version": "1"},
}


def change(path: str, after: Any) -> AttributeChange:
    return AttributeChange(path=path, before=None, after=after)


def test_what_is_not_managed_stays() -> None:
    """Without nulls and read-only attributes, always with active."""
    body = replaced("Users", HELD, [change("title", "CEO")])
    User[EnterpriseUser].model_validate(body)
    assert body["Active"] is False
    assert body["title"] == "CEO"
    assert body["roles"] == [{"value": "admin"}]
    assert body["emails"][1] == HOME
    assert not {"meta", "groups", "nickName"} & body.keys()
    assert HELD["Active"] == "False", "what was read is not changed"


@pytest.mark.parametrize(
    ("path", "after", "where", "expected"),
    [
        ('emails[type eq "WORK"].value', "b", ("emails", 0, "value"), "b"),
        ('emails[type eq "work"].value', None, ("emails",), [HOME]),
        ('ims[type eq "xmpp"].value', "x", ("ims",), [{"type": "xmpp", "value": "x"}]),
        ("name.givenName", "Bea", ("name",), {"givenName": "Bea"}),
        ("active", True, ("Active",), True),
        (f"{ENTERPRISE_USER}:manager.value", "m2", (ENTERPRISE_USER, "manager"), {"value": "m2"}),
        (f"{ENTERPRISE_USER}:department", "IT", (ENTERPRISE_USER, "department"), "IT"),
    ],
)
def test_each_kind_of_path_is_set(
    path: str, after: Any, where: tuple[Any, ...], expected: Any
) -> None:
    """In the server's own spelling."""
    found: Any = replaced("Users", HELD, [change(path, after)])
    for key in where:
        found = found[key]
    assert found == expected


def test_what_is_emptied_is_left_out() -> None:
    """An extension too, with its schema; of what was never there nothing is made."""
    changes = [
        change("name.givenName", None),
        change(f"{ENTERPRISE_USER}:manager.value", ""),
        change('ims[type eq "xmpp"].value', None),
    ]
    body = replaced("Users", HELD, changes)
    assert not {"name", "ims", ENTERPRISE_USER} & body.keys()
    assert body["schemas"] == HELD["schemas"][:1]
    odd = replaced("Users", {"id": "1", ENTERPRISE_USER: "x", "name": "y"}, [change("name.a", "b")])
    assert odd["name"] == {"a": "b"}
    urn = f"{ENTERPRISE_USER}:department"
    assert replaced("Users", odd, [change(urn, "IT")])[ENTERPRISE_USER] == {"department": "IT"}


def test_group_keeps_its_members() -> None:
    """Each once, without what servers refuse; an empty list is said to be one."""
    held = {"id": "g", "displayName": "G", "members": [{"value": 1, "$ref": "x"}, {"value": "1"}]}
    body = replaced("Groups", held, [change("displayName", "H")])
    Group.model_validate(body)
    assert (body["displayName"], body["members"]) == ("H", [{"value": "1"}])
    assert replaced("Groups", {"id": "g"}, [])["members"] == []


def test_whole_attributes_are_replaced_or_removed() -> None:
    """Each once, whatever parts of it change."""
    changes = [
        change("name.givenName", None),
        change('emails[type eq "work"].value', "b"),
        change('emails[type eq "home"].value', None),
        change(f"{ENTERPRISE_USER}:department", "IT"),
    ]
    work = {"type": "work", "value": "b", "primary": True}
    assert whole_operations("Users", HELD, changes) == [
        {"op": "remove", "path": "name"},
        {"op": "replace", "path": "emails", "value": [work]},
        {"op": "replace", "path": f"{ENTERPRISE_USER}:department", "value": "IT"},
    ]
    assert pathless_operations("Users", HELD, changes) == [
        {"op": "replace", "value": {"emails": [work], ENTERPRISE_USER: {"department": "IT"}}},
        {"op": "remove", "path": "name"},
    ]
    assert pathless_operations("Users", HELD, changes[:1]) == [{"op": "remove", "path": "name"}]
