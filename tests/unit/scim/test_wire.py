"""SCIM JSON → accounts and groups, and back, checked against the models of scim2-models."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import EnterpriseUser, Group, User

from jcsync.model.path import ENTERPRISE_USER, parse_path
from jcsync.model.resource import Value
from jcsync.scim.profiles import load_profile, profile_names
from jcsync.scim.wire import (
    UserParser,
    attribute,
    describe_config,
    dump_group,
    dump_user,
    parse_active,
    parse_group,
    read_path,
    text_of,
)

WORK = 'emails[type eq "work"].value'
PATHS = [
    "userName",
    "displayName",
    "name.givenName",
    "name.familyName",
    "title",
    "preferredLanguage",
    WORK,
    'emails[type eq "home"].value',
    'phoneNumbers[type eq "mobile"].value',
    'addresses[type eq "work"].country',
    'addresses[type eq "work"].locality',
    f"{ENTERPRISE_USER}:department",
    f"{ENTERPRISE_USER}:employeeNumber",
    f"{ENTERPRISE_USER}:manager.value",
]
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(TEXTS, st.dictionaries(st.sampled_from(PATHS), TEXTS | st.just(None) | st.just("")))
def test_what_is_dumped_is_parsed_again(external_id: str, values: dict[str, str | None]) -> None:
    """Every value comes back, and an empty one is absent."""
    paths = [parse_path(path) for path in values]
    body = dump_user(external_id, [(parse_path(path), value) for path, value in values.items()])
    account = UserParser(paths)({**body, "id": "1"})
    assert account is not None
    assert account.external_id == external_id
    assert account.active
    assert account.user_name == (values.get("userName") or "")
    assert {k: v or None for k, v in account.attributes.items()} == {
        k: v or None for k, v in values.items()
    }


@given(st.dictionaries(st.sampled_from(PATHS), TEXTS | st.just(None) | st.just("")))
def test_payloads_of_creates_are_valid_scim(values: dict[str, str | None]) -> None:
    """No id, nothing empty, the right schemas: a strict server takes it."""
    values = {"userName": "ann@example.com", **{k: v for k, v in values.items() if "home" not in k}}
    values["userName"] = values["userName"] or "ann@example.com"
    for path in values:
        if path.startswith("emails"):
            values[path] = "ann@example.com"
    body = dump_user("5f", [(parse_path(path), value) for path, value in values.items()])
    assert "id" not in body
    assert body["active"] is True
    assert_nothing_empty(body)
    extended = any(v for k, v in values.items() if k.startswith(ENTERPRISE_USER))
    assert (ENTERPRISE_USER in body["schemas"]) == (ENTERPRISE_USER in body) == extended
    assert len(body["schemas"]) == 1 + extended
    parsed = User[EnterpriseUser].model_validate(body)
    assert parsed.user_name == values["userName"]


def assert_nothing_empty(value: Any) -> None:
    """No null, no empty text, list or object anywhere."""
    assert value not in (None, "", [], {})
    if isinstance(value, dict):
        for part in value.values():
            assert_nothing_empty(part)
    elif isinstance(value, list):
        for part in value:
            assert_nothing_empty(part)


def test_parts_of_one_element_stay_together() -> None:
    """One address with two parts, two e-mails, the first of them primary."""
    values = {
        'addresses[type eq "work"].country': "NL",
        'addresses[type eq "work"].locality': "Delft",
        WORK: "a@example.com",
        'emails[type eq "home"].value': "b@example.com",
    }
    body = dump_user("1", [(parse_path(path), value) for path, value in values.items()])
    assert body["addresses"] == [{"type": "work", "country": "NL", "locality": "Delft"}]
    assert body["emails"] == [
        {"type": "work", "value": "a@example.com", "primary": True},
        {"type": "home", "value": "b@example.com"},
    ]
    assert dump_user("1", [(parse_path("emails.value"), "x")])["emails"] == {"value": "x"}


@pytest.mark.parametrize("primary", [True, "True"])
def test_mapped_primary_address_stays_the_only_one(primary: Value) -> None:
    """The first address is primary only where no other one is."""
    values: dict[str, Value] = {WORK: "a", 'emails[type eq "home"].value': "b"}
    values['emails[type eq "home"].primary'] = primary
    body = dump_user("1", [(parse_path(path), value) for path, value in values.items()])
    assert body["emails"] == [
        {"type": "work", "value": "a"},
        {"type": "home", "value": "b", "primary": primary},
    ]


def test_groups_are_created_without_members() -> None:
    """Members follow by PATCH, in chunks."""
    body = dump_group("5f", "Sales", ())
    assert Group.model_validate(body).display_name == "Sales"
    assert body.keys() == {"schemas", "externalId", "displayName"}
    group = parse_group({**body, "id": 7})
    assert group is not None
    assert (group.resource_id, group.external_id, group.members) == ("7", "5f", frozenset())


def test_accounts_of_sloppy_servers_are_read() -> None:
    """Names and URNs in other case, numbers as ids, one value in place of a list."""
    paths = ("name.givenName", WORK, f"{ENTERPRISE_USER}:department", "title")
    account = UserParser(map(parse_path, paths))(
        {
            "ID": 42,
            "EXTERNALID": "5f",
            "username": "Ann@Example.com",
            "Active": "False",
            "Name": {"GIVENNAME": "Ann"},
            "Emails": {"Type": "WORK", "Value": "ann@example.com"},
            ENTERPRISE_USER.upper(): {"Department": "IT", "manager": {"VALUE": "9"}},
            "title": {"value": "CEO"},
        }
    )
    assert account is not None
    assert (account.resource_id, account.external_id) == ("42", "5f")
    assert (account.user_name, account.active) == ("Ann@Example.com", False)
    assert list(account.attributes.values()) == ["Ann", "ann@example.com", "IT", "CEO"]
    assert account.emails == ("ann@example.com",)


@pytest.mark.parametrize(
    ("value", "active"),
    [
        (True, True),
        (False, False),
        (None, True),
        ("True", True),
        ("False", False),
        (" false ", False),
        ("0", False),
        ("no", False),
        (1, True),
        (0, False),
    ],
)
def test_active_in_all_its_forms(value: object, *, active: bool) -> None:
    """An account without it counts as active."""
    assert parse_active(value) is active


@pytest.mark.parametrize("row", [{}, {"active": None}, {"Active": "false"}])
def test_account_that_does_not_show_active_is_known_as_such(row: dict[str, object]) -> None:
    """What jcsync has made it last tells then."""
    account = UserParser([])({"id": "1", **row})
    assert account is not None
    assert account.shows_active is ("Active" in row)


def test_missing_element_and_missing_part_differ() -> None:
    """A PATCH adds a whole element in one case and a part in the other."""
    path = parse_path(WORK)
    assert read_path({"emails": [{"type": "home", "value": "x"}]}, path) is None
    assert read_path({"emails": [{"type": "work"}]}, path) == ""
    assert read_path({"emails": ["x", None, {"type": "WORK", "value": "y"}]}, path) == "y"
    assert read_path({}, path) is None


@given(ANY_JSON)
def test_junk_is_absent_and_never_an_error(resource: Any) -> None:
    """One bad value costs that value, not the account, and never the run."""
    for body in (resource, {"id": "1", "emails": resource, "name": resource, "members": resource}):
        UserParser(map(parse_path, PATHS))(body)
        parse_group(body)
        describe_config(body)
        assert isinstance(text_of(attribute(body, "id")), str)


def test_members_are_read_once_each() -> None:
    """Duplicates, numbers and rows without a value."""
    group = parse_group(
        {
            "id": "g",
            "members": [
                {"value": 1},
                {"Value": "1"},
                {"ref": 2},
                "x",
                {"$ref": "../Users/a%2Fb"},
                {},
            ],
        }
    )
    assert group is not None
    assert group.members == {"1", "x", "a/b"}
    assert parse_group({"displayName": "x"}) is None


def test_config_in_words() -> None:
    """What is supported, and nothing that is not said."""
    assert (
        describe_config({"patch": {"supported": True}, "ETag": {"Supported": True}})
        == "patch, etag"
    )
    assert describe_config({"patch": {"supported": "yes"}}) == "nothing said to be supported"
    assert describe_config(None) == "nothing said to be supported"


# --- profiles


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_loads(name: str) -> None:
    """With a summary, sources, and attributes that are paths."""
    profile = load_profile(name)
    assert profile.summary
    assert profile.sources
    assert "userName" in profile.attributes
    for path in profile.attributes:
        assert str(parse_path(path)) == path


def test_switches_are_overridden_one_by_one() -> None:
    """The others keep the profile's value."""
    profile = load_profile("keepnet", {"page_size": 50, "member_style": "filter"})
    assert (profile.page_size, profile.member_style) == (50, "filter")
    assert profile.missing_element == "put"
    assert load_profile("keepnet").page_size == 1000


@pytest.mark.parametrize(
    ("name", "quirks", "words"),
    [
        ("okta", {}, "unknown profile 'okta'; there are: atlassian, aws, "),
        ("rfc", {"speed": 1}, "unknown switch 'speed'; there are: allowed, immutable, patch_style"),
        ("rfc", {"name": "x"}, "unknown switch 'name'"),
        ("rfc", {"member_style": "all"}, "member_style must be one of filter, value, put"),
        ("rfc", {"content_type": "text/xml"}, "must be one of application/scim"),
        ("rfc", {"page_size": 0}, "page_size must be a whole number from 1"),
        ("rfc", {"page_size": True}, "must be a whole number"),
        ("rfc", {"members_per_request": "9"}, "must be a whole number"),
        ("rfc", {"members_verified": "yes"}, "members_verified must be true or false"),
        ("rfc", {"config_path": "config"}, "config_path must be a path that begins with /"),
        ("rfc", {"immutable": "userName"}, "immutable must be a list of texts"),
        ("rfc", {"requests_per_minute": {"LIST": 1}}, "whole numbers from 1 by method"),
        ("rfc", {"requests_per_minute": {"GET": 0}}, "whole numbers from 1 by method"),
        ("rfc", {"requests_per_minute": 60}, "whole numbers from 1 by method"),
    ],
)
def test_wrong_switches_name_what_is_allowed(
    name: str, quirks: dict[str, object], words: str
) -> None:
    """For the one who writes the settings."""
    with pytest.raises(ValueError, match=words.replace("+", r"\+")):
        load_profile(name, quirks)
