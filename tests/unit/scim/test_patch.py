"""Attribute changes → PATCH operations, checked against the model of scim2-models."""

from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models import EnterpriseUser, Group, PatchOp, User

from jcsync.model.path import ENTERPRISE_USER
from jcsync.model.plan import AttributeChange
from jcsync.scim.patch import chunk_members, dump_attributes, dump_members, dump_patch

WORK = 'addresses[type eq "work"]'
PATHS = [
    "userName",
    "name.givenName",
    "externalId",
    'emails[type eq "work"].value',
    f"{WORK}.country",
    f"{WORK}.locality",
    f"{ENTERPRISE_USER}:department",
]
VALUES = st.text(min_size=1, max_size=9) | st.just("") | st.none()


def changed(path: str, before: Any, after: Any) -> AttributeChange:
    return AttributeChange(path=path, before=before, after=after)


@settings(deadline=None)  # a busy computer is no fault
@given(
    st.lists(
        st.builds(changed, st.sampled_from(PATHS), VALUES, VALUES), unique_by=lambda c: c.path
    ),
    st.sampled_from(["element", "typed"]),
)
def test_operations_are_valid_and_explicit(
    changes: list[AttributeChange], style: Literal["element", "typed"]
) -> None:
    """Lower-case op, a path in each, a value unless something is removed."""
    changes = [c for c in changes if c.path != "userName" or c.after]  # required, never removed
    body = dump_patch(dump_attributes(changes, missing_element=style))
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
    for operation in body["Operations"]:
        assert operation["op"] in {"add", "replace", "remove"}
        assert operation["path"]
        assert ("value" in operation) == (operation["op"] != "remove")
        assert operation.get("value", "x") not in (None, "", [])
    if changes:
        PatchOp[User[EnterpriseUser]].model_validate(body)
    paths = [operation["path"] for operation in body["Operations"]]
    assert len(paths) == len(set(paths))


def test_booleans_are_booleans() -> None:
    """Texts are refused by strict servers."""
    change = AttributeChange(path="active", before=True, after=False)
    (operation,) = dump_attributes([change], missing_element="element")
    assert operation == {"op": "replace", "path": "active", "value": False}
    assert operation["value"] is False


def test_missing_elements_are_added_as_the_profile_says() -> None:
    """As one whole element, or part by part by the typed path."""
    changes = [
        changed(f"{WORK}.country", None, "NL"),
        changed(f"{WORK}.locality", None, "Delft"),
        changed('emails[type eq "work"].value', "", "a@example.com"),
    ]
    replace = {"op": "replace", "path": 'emails[type eq "work"].value', "value": "a@example.com"}
    assert dump_attributes(changes, missing_element="element") == [
        {
            "op": "add",
            "path": "addresses",
            "value": [{"type": "work", "country": "NL", "locality": "Delft"}],
        },
        replace,
    ]
    assert dump_attributes(changes, missing_element="typed") == [
        {"op": "add", "path": f"{WORK}.country", "value": "NL"},
        {"op": "add", "path": f"{WORK}.locality", "value": "Delft"},
        replace,
    ]


def test_elements_of_extensions_keep_their_urn() -> None:
    """The list is named with its schema."""
    path = f'{ENTERPRISE_USER}:things[type eq "a"].value'
    (operation,) = dump_attributes([changed(path, None, "x")], missing_element="element")
    assert operation["path"] == f"{ENTERPRISE_USER}:things"


@pytest.mark.parametrize("style", ["filter", "value"])
def test_members_are_added_and_removed_by_name(style: Literal["filter", "value"]) -> None:
    """Never all of them at once, never replaced."""
    operations = dump_members(["a", "b"], ['c"\\', "d"], style=style)
    PatchOp[Group].model_validate(dump_patch(operations))
    assert operations[0] == {
        "op": "add",
        "path": "members",
        "value": [{"value": "a"}, {"value": "b"}],
    }
    if style == "filter":
        assert operations[1:] == [
            {"op": "remove", "path": 'members[value eq "c\\"\\\\"]'},
            {"op": "remove", "path": 'members[value eq "d"]'},
        ]
    else:
        values = [{"value": 'c"\\'}, {"value": "d"}]
        assert operations[1:] == [{"op": "remove", "path": "members", "value": values}]


@given(
    st.lists(st.integers(0, 30).map(str)),
    st.lists(st.integers(31, 60).map(str)),
    st.integers(1, 9),
)
def test_chunks_hold_every_member_once(add: list[str], remove: list[str], size: int) -> None:
    """None is lost, none is named twice, and no request holds more than the limit."""
    chunks = list(chunk_members(add, remove, size))
    assert [m for joining, _ in chunks for m in joining] == list(dict.fromkeys(add))
    assert [m for _, leaving in chunks for m in leaving] == list(dict.fromkeys(remove))
    assert all(1 <= len(joining) + len(leaving) <= size for joining, leaving in chunks)


def test_nothing_to_change_is_no_operation() -> None:
    """In neither style."""
    assert dump_members([], [], style="filter") == dump_members([], [], style="value") == []
