"""What JumpCloud says of people and groups."""

import pytest

from jcsync.model.directory import (
    TEXT_FIELDS,
    Address,
    DirectoryUser,
    field_value,
    is_field,
)
from tests.factories import a_directory, a_person

ANN = a_person(
    "ann",
    department="IT",
    phoneNumbers={"Work": "+1", "work": "+2", "mobile": "+3"},
    addresses=(Address(type="Work", country="DE"), Address(type="work", country="FR")),
    attributes={"Language": "de"},
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "ann"),
        ("_id", "ann"),
        ("email", "ann@example.com"),
        ("department", "IT"),
        ("company", ""),
        ("attributes.language", "de"),
        ("attributes.unknown", ""),
        ("phoneNumbers[WORK]", "+1"),
        ("phoneNumbers[mobile].number", "+3"),
        ("phoneNumbers[fax]", ""),
        ("addresses[work].country", "DE"),
        ("addresses[work].locality", ""),
        ("addresses[home].country", ""),
    ],
)
def test_field_is_read_by_its_name(name: str, value: str) -> None:
    """Types and custom attributes ignore case, and of a repeated type the first one counts."""
    assert is_field(name)
    assert field_value(ANN, name) == value


@pytest.mark.parametrize(
    "name",
    ["", "password", "Email", "addresses[work]", "addresses[work].planet", "attributes.", "label"],
)
def test_unknown_field_is_refused(name: str) -> None:
    """A field that does not exist is an error of the settings, never an empty value."""
    assert not is_field(name)
    with pytest.raises(KeyError):
        field_value(ANN, name)


def test_every_text_field_can_be_read() -> None:
    """The list of fields and the record have not drifted apart."""
    assert all(field_value(DirectoryUser(id="1"), name) == "" for name in TEXT_FIELDS)


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"email": "a@x", "username": "a"}, "a@x"),
        ({"email": "", "username": "a"}, "a"),
        ({"email": "", "username": ""}, "1"),
    ],
)
def test_label_is_the_most_telling_name(fields: dict[str, str], label: str) -> None:
    """A record without e-mail or username is still named in reports."""
    assert DirectoryUser(id="1", **fields).label == label


def test_members_are_counted_once() -> None:
    """Who is in two groups and bound directly is one person."""
    state = a_directory(groups={"A": ["1", "2"], "B": ["2"]}, direct=["2", "3"])

    assert state.member_ids() == {"1", "2", "3"}


def test_one_gap_makes_a_read_incomplete() -> None:
    """A read is complete only when nothing is missing."""
    assert a_directory().complete
    assert not a_directory(gaps=("a page was short",)).complete
