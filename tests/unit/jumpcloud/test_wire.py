"""JumpCloud JSON → users, groups and graph rows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.jumpcloud.wire import UserParser, edge_id, parse_group, parse_state, row_id
from jcsync.model.directory import TEXT_FIELDS, Address, DirectoryUser, UserState

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = [*TEXT_FIELDS, "state", "suspended", "phoneNumbers", "addresses", "attributes", "_id", "x"]


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({}, UserState.ACTIVATED),
        ({"state": ""}, UserState.ACTIVATED),
        ({"state": None}, UserState.ACTIVATED),
        ({"state": "ACTIVATED"}, UserState.ACTIVATED),
        ({"state": "ACTIVATED", "activated": False}, UserState.ACTIVATED),
        ({"state": "STAGED"}, UserState.STAGED),
        ({"state": "SUSPENDED"}, UserState.SUSPENDED),
        ({"state": "ACTIVATED", "suspended": True}, UserState.SUSPENDED),
        ({"suspended": True}, UserState.SUSPENDED),
        ({"state": "ARCHIVED"}, UserState.UNKNOWN),
        ({"state": 7}, UserState.UNKNOWN),
        ({"state": ["ACTIVATED"]}, UserState.UNKNOWN),
    ],
)
def test_states(row: dict[str, Any], state: UserState) -> None:
    """Old records have none, suspension has two spellings, and what is new is unknown."""
    assert parse_state(row) is state


def test_user_in_full() -> None:
    """Every part is kept; unknown keys and ids of sub-documents are not."""
    user = UserParser()(
        {
            "_id": "5f",
            "id": "5f",
            "email": "ann@example.com",
            "employeeIdentifier": 42,
            "department": None,
            "account_locked": True,
            "password_expired": True,
            "activated": False,
            "phoneNumbers": [
                {"id": "1", "type": "work", "number": "123"},
                None,
                "junk",
                {"id": "2", "type": "work", "number": "456"},
            ],
            "addresses": [{"_id": "2", "type": "work", "country": "NL", "region": None}, 3],
            "attributes": [{"name": "shoe", "value": "43"}, {"name": "n", "value": 7}],
            "tags": ["x"],
            "mfa": {"configured": True},
        }
    )
    assert user == DirectoryUser(
        id="5f",
        email="ann@example.com",
        employeeIdentifier="42",
        account_locked=True,
        password_expired=True,
        activated=False,
        phoneNumbers={"work": "123"},
        addresses=(Address(type="work", country="NL"),),
        attributes={"shoe": "43", "n": "7"},
    )


@given(st.dictionaries(st.sampled_from(NAMES), ANY_JSON))
def test_junk_is_absent_and_never_an_error(row: dict[str, Any]) -> None:
    """One bad value costs that value, not the user, and never the run."""
    user = UserParser()(row)
    assert (user is None) == (not isinstance(row.get("_id"), str) or not row["_id"])


@given(ANY_JSON)
def test_any_row_may_be_junk(row: Any) -> None:
    """Rows of every kind."""
    assert isinstance(row_id(row), str)
    assert isinstance(edge_id(row, "user"), str)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"type": "user", "id": "u"}, "u"),
        ({"type": "USER", "id": "u"}, "u"),
        ({"id": "u"}, "u"),
        ({"to": {"type": "user", "id": "u"}, "from": None}, "u"),
        ({"to": {"type": "user", "id": None}}, ""),
        ({"to": None}, ""),
        ({"type": "user_group", "id": "g"}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_edges(row: object, found: str) -> None:
    """Both shapes, type in any case, null edges and other kinds."""
    assert edge_id(row, "user") == found


def test_groups() -> None:
    """Names may be null, flags may be missing."""
    group = parse_group({"id": "g", "name": None, "membershipMethod": "DYNAMIC_AUTOMATED"})
    assert group is not None
    assert (group.name, group.dynamic, group.error_flags) == ("", True, ())
    assert parse_group({"name": "no id"}) is None
    flagged = parse_group({"id": "g", "memberQueryErrorFlags": ["CYCLE"]})
    assert flagged is not None
    assert flagged.error_flags == ("CYCLE",)


def test_only_what_decides_is_asked_for_and_kept() -> None:
    """Who somebody is and his state in any case; of the rest what is needed, whatever comes."""
    parse = UserParser({"department", "phoneNumbers"})
    row = {
        "_id": "5f",
        "email": "ann@example.com",
        "department": "IT",
        "jobTitle": "CEO",
        "phoneNumbers": [{"type": "work", "number": "1"}],
        "addresses": [{"type": "work", "country": "NO"}],
        "suspended": True,
    }

    assert set(parse.fields) == {
        *("_id", "username", "email", "department", "phoneNumbers"),
        *("state", "suspended", "activated", "account_locked", "password_expired"),
    }
    assert parse(row) == DirectoryUser(
        id="5f",
        email="ann@example.com",
        department="IT",
        phoneNumbers={"work": "1"},
        state=UserState.SUSPENDED,
    )
