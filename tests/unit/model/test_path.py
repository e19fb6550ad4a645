"""SCIM attribute paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.model.path import ENTERPRISE_USER, InvalidPathError, ScimPath, parse_path


@pytest.mark.parametrize(
    ("text", "schema", "attribute", "key", "value", "sub"),
    [
        ("userName", "", "userName", "", "", ""),
        (" userName ", "", "userName", "", "", ""),
        ("name.givenName", "", "name", "", "", "givenName"),
        ('emails[type eq "work"].value', "", "emails", "type", "work", "value"),
        ('emails[ type  eq  "work" ].value', "", "emails", "type", "work", "value"),
        (f"{ENTERPRISE_USER}:department", ENTERPRISE_USER, "department", "", "", ""),
        (f"{ENTERPRISE_USER}:manager.value", ENTERPRISE_USER, "manager", "", "", "value"),
        ("urn:ietf:params:scim:schemas:core:2.0:USER:title", "", "title", "", "", ""),
        ("URN:IETF:params:scim:schemas:core:2.0:User:title", "", "title", "", "", ""),
        (f"{ENTERPRISE_USER.upper()}:department", ENTERPRISE_USER, "department", "", "", ""),
        ("URN:example:2.0:Thing:size", "URN:example:2.0:Thing", "size", "", "", ""),
    ],
)
def test_path_has_parts(
    text: str, schema: str, attribute: str, key: str, value: str, sub: str
) -> None:
    """A path is taken apart as RFC 7644 describes; the core schema is left out."""
    path = parse_path(text)

    assert path == ScimPath(schema=schema, attribute=attribute, key=key, value=value, sub=sub)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user name",
        "1name",
        "emails[type ne 'work'].value",
        'emails[type eq "a" and primary eq true].value',
        'emails[type eq "wo"rk"].value',
        "name.given.name",
    ],
)
def test_other_paths_are_refused(text: str) -> None:
    """What jcsync could not send it does not accept."""
    with pytest.raises(InvalidPathError, match="not a SCIM path"):
        parse_path(text)


def test_chosen_value_needs_a_part() -> None:
    """A filter chooses an object, and an object is no text."""
    with pytest.raises(InvalidPathError, match="names no part of it"):
        parse_path('emails[type eq "work"]')


NAMES = st.from_regex(r"[A-Za-z$][A-Za-z0-9_$-]{0,8}", fullmatch=True)


@given(
    schema=st.sampled_from(["", ENTERPRISE_USER, "urn:example:2.0:Thing"]),
    attribute=NAMES,
    key=st.one_of(st.just(""), NAMES),
    value=st.text(st.characters(exclude_characters='"\\'), max_size=8),
    sub=NAMES,
)
def test_path_survives_being_written_and_read(
    schema: str, attribute: str, key: str, value: str, sub: str
) -> None:
    """A path that was parsed, written and parsed again is the same path."""
    path = ScimPath(
        schema=schema, attribute=attribute, key=key, value=value if key else "", sub=sub
    )

    assert parse_path(str(path)) == path
    assert str(path) == f"{path.element}.{sub}"
