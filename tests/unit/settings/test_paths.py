"""Which SCIM paths a mapping may have, and what each mistake is told."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from jcsync.settings.paths import check_paths
from tests.unit.settings.builders import connection_problems, load_connection

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
PROFILE = {
    "userName": "email",
    "name.givenName": "firstname",
    "title": "jobTitle",
    'emails[type eq "work"].value': "email",
}
TRUE = {"value": True}


def problems(attributes: Mapping[str, object]) -> dict[str, str]:
    return dict(check_paths(attributes, PROFILE))


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"nickName": "username", "USERNAME": "username", "locale": None},
        {"name.formatted": "displayname", "name": None},
        {'emails[type eq "home"].value': "alternateEmail"},
        {'emails[type eq "work"].primary': TRUE},
        {'emails[type eq "home"].value': "alternateEmail", 'emails[type eq "home"].primary': TRUE},
        {
            'emails[type eq "home"].primary': {"value": False},
            'EMAILS[type eq "Home"].value': "email",
        },
        {'addresses[type eq "work"].country': "addresses[work].country"},
        {'addresses[type eq "work"].country': "company", 'addresses[type eq "work"].primary': TRUE},
        {'roles[type eq "jcsync"].value': {"value": "user"}},
        {'photos[display eq "portrait"].value': "attributes.photo"},
        {f"{ENTERPRISE}:department": "department", f"{ENTERPRISE}:manager.displayName": "manager"},
        {f"{ENTERPRISE}:badge": "attributes.badge"},
        {"urn:example:2.0:User:shoeSize": {"value": 42}},
        {"urn:example:2.0:User:a.b": "company", 'urn:example:2.0:User:c[x eq "y"].z': "company"},
        {f"{CORE}:costCentre": "costCenter", f"{CORE}:nickName": "username"},
        {"emails": None, 'emails[type eq "home"].value': "email"},
        {f"{ENTERPRISE}:manager": None},
    ],
)
def test_right_paths(attributes: Mapping[str, object]) -> None:
    assert problems(attributes) == {}


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        ("active", TRUE, "active is jcsync's own and cannot be mapped; remove it"),
        ("externalId", "_id", "externalId is jcsync's own"),
        ("password", "username", "password cannot be mapped"),
        ("userName", None, "userName must stay mapped"),
        ("userName", {"value": "ann"}, "userName must differ from person to person"),
        ("userName", {"reference": "manager"}, "userName must differ from person to person"),
        ("a b", "email", "not a SCIM path"),
        (
            "titel",
            "jobTitle",
            'unknown SCIM attribute titel; did you mean "title"?; if the platform',
        ),
        (
            "badge",
            "company",
            (
                f"unknown SCIM attribute badge; if the platform has it, write its "
                f"schema in front: {CORE}:badge"
            ),
        ),
        (
            "first_name",
            "firstname",
            "unknown SCIM attribute first_name; did you mean name.givenName?",
        ),
        (
            "email",
            "email",
            'unknown SCIM attribute email; did you mean emails[type eq "work"].value?',
        ),
        ("department", "department", f"did you mean {ENTERPRISE}:department?"),
        ("enterprise:department", "department", f"did you mean {ENTERPRISE}:department?"),
        (f"{ENTERPRISE}.department", "department", f"did you mean {ENTERPRISE}:department?"),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:User:badge",
            "company",
            (
                "unknown schema urn:ietf:params:scim:schemas:extension:enterprise:User; "
                f"did you mean {ENTERPRISE}:badge?"
            ),
        ),
        (
            "name.firstName",
            "firstname",
            'unknown part firstName of name; did you mean "givenName"?',
        ),
        ("name.giveName", "firstname", 'unknown part giveName of name; did you mean "givenName"?'),
        ("name.zzz", "firstname", "unknown part zzz of name; allowed are formatted, familyName"),
        (
            'emails[type eq "work"].vale',
            "email",
            'unknown part vale of emails; did you mean "value"',
        ),
        (f"{ENTERPRISE}:departement", "department", 'departement; did you mean "department"?'),
        (f"{ENTERPRISE}:manager.id", "manager", "unknown part id of manager; allowed are value"),
        (ENTERPRISE, "department", f"but no attribute of it; for example {ENTERPRISE}:department"),
        (f"{ENTERPRISE}:manager", "manager", "manager has parts; name one, for example urn:"),
        ("name", "displayname", "name has parts; name one, for example name.givenName"),
        ("emails", "email", 'emails has parts; name one, for example emails[type eq "work"].value'),
        (
            "emails.value",
            "email",
            "emails has values of several types; name one, for example emails",
        ),
        ("addresses.country", "company", 'for example addresses[type eq "work"].country'),
        ("title.value", "jobTitle", "title is a single value; write title alone"),
        ('title[type eq "x"].value', "jobTitle", "title is a single value"),
        ('name[type eq "x"].givenName', "firstname", "name is a single value"),
        ('emails[primary eq "true"].value', "email", "choose by type; primary is a part"),
        ('emails[type eq "home"].type', {"value": "x"}, "type is set by the choice in brackets"),
        ('emails[type eq "work"].primary', "email", "primary is true or false for everybody"),
        ('emails[type eq "work"].primary', {"value": "true"}, "primary is true or false"),
        (
            'emails[type eq "home"].primary',
            TRUE,
            'nothing is mapped to emails[type eq "home"].value',
        ),
        (
            'emails[display eq "x"].value',
            "email",
            (
                'chooses by display what emails[type eq "work"].'
                "value of the profile chooses by type; use one of them"
            ),
        ),
    ],
)
def test_wrong_paths(path: str, source: object, message: str) -> None:
    assert message in problems({path: source})[path]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("nickName", "NICKNAME", "the same attribute as nickName; remove one"),
        (f"{CORE}:nickName", "nickName", f"the same attribute as {CORE}:nickName"),
        (
            "urn:x:2.0:User:a",
            "urn:x:2.0:User:a.b",
            "excludes urn:x:2.0:User:a: one is a part of the",
        ),
        ("urn:x:2.0:User:a.b", "urn:X:2.0:user:A", "excludes urn:x:2.0:User:a.b: one is a part"),
        ("urn:x:2.0:User:a.b", 'urn:x:2.0:User:a[c eq "d"].b', "excludes urn:x:2.0:User:a.b"),
        ('ims[type eq "x"].value', 'ims[display eq "x"].value', "chooses by display what ims[type"),
    ],
)
def test_two_paths_that_exclude_each_other(first: str, second: str, message: str) -> None:
    """The second one is told."""
    found = problems({first: "company", second: "company"})

    assert list(found) == [second]
    assert message in found[second]


def test_one_primary_value() -> None:
    found = problems(
        {
            'emails[type eq "home"].value': "alternateEmail",
            'emails[type eq "home"].primary': TRUE,
            'emails[type eq "work"].primary': TRUE,
        }
    )

    assert found == {
        'emails[type eq "work"].primary': "only one value is primary, see "
        'emails[type eq "home"].primary'
    }


def test_what_is_removed_conflicts_with_nothing() -> None:
    """A mapping may put another form in the place of the profile's."""
    assert problems({"emails": None, 'emails[display eq "x"].value': "email"}) == {}
    assert (
        problems({'emails[type eq "work"].value': None, 'emails[display eq "x"].value': "email"})
        == {}
    )


def test_every_problem_is_told_with_line_and_path(tmp_path: Path) -> None:
    """Also where the profile is not known."""
    attributes = {
        "titel": "jobTitle",
        "nickName": {"template": "{{ user.nick }}"},
        "locale": {"from": "addresses.work.country"},
        "userType": {"value": [1]},
        "timezone": {"form": "location"},
    }
    found = connection_problems(
        tmp_path, users={"attributes": attributes}, provider={"profile": "keepnett"}
    )

    assert {
        path.removeprefix("users.attributes."): text.partition(";")[0]
        for path, text in found.items()
    } == {
        "titel": "unknown SCIM attribute titel",
        "nickName.template": 'template line 1, column 9: unknown field "user.nick"',
        "locale.from": 'unknown JumpCloud field "addresses.work.country"',
        "userType.value": "must be a text, a number, true or false",
        "timezone.form": "unknown key",
        "provider.profile": "must be one of atlassian, aws, databricks, github, keepnet, msref, rfc, salesforce, slack",
    }


@pytest.mark.parametrize("key", ["default", "max_length"])
def test_a_reference_is_nothing_but_an_id(tmp_path: Path, key: str) -> None:
    path = f"{ENTERPRISE}:manager.value"
    attributes = {path: {"reference": "manager", key: 5}}

    found = connection_problems(tmp_path, users={"attributes": attributes})

    assert "takes no default and no max_length" in found[f"users.attributes.{path}"]


@pytest.mark.parametrize("profile", ["keepnet", "rfc"])
def test_a_custom_extension_beside_a_profile(tmp_path: Path, profile: str) -> None:
    path = "urn:ietf:params:scim:schemas:extension:acme:2.0:User:badgeNumber"
    connection = load_connection(
        tmp_path,
        provider={"profile": profile},
        users={"attributes": {path: {"value": 7}, f"{path}s": {"value": False}}},
    )

    assert [source and source.value for source in connection.users.attributes.values()] == [
        7,
        False,
    ]


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("addresses.work.country", "addresses[work].country"),
        ("addresses[work].contry", "addresses[work].country"),
        ("addresses[home]", "addresses[home].country"),
        ("phoneNumbers.mobile", "phoneNumbers[mobile]"),
        ("phoneNumbers['mobile']", "phoneNumbers[mobile]"),
        ("user.email", "email"),
        ("user.phoneNumbers.work", "phoneNumbers[work]"),
        ("emial", "email"),
    ],
)
def test_the_field_that_was_meant(tmp_path: Path, field: str, meant: str) -> None:
    found = connection_problems(tmp_path, users={"attributes": {"nickName": field}})

    assert f'did you mean "{meant}"?' in "".join(found.values())
