"""Settings become the plain values that the stages use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jcsync.errors import SettingsError
from jcsync.model.directory import Address, DirectoryUser
from jcsync.model.limits import Limit, Limits
from jcsync.model.path import ENTERPRISE_USER
from jcsync.model.rules import (
    AttributeRule,
    Clause,
    GroupPolicy,
    GroupRemoval,
    GroupSelector,
    MappingError,
    Operator,
    Policy,
    Removal,
    Scope,
)
from jcsync.scim.profiles import load_profile, profile_names
from jcsync.settings import (
    DirectorySettings,
    Hosts,
    build_group_policy,
    build_limits,
    build_policy,
    build_rules,
    build_scope,
    hosts,
)
from tests.unit.settings.builders import load_connection, load_text

DEFAULTS = {"userName": "email", "title": "jobTitle"}

ANN = DirectoryUser(
    id="5f0c1b2c3d4e5f6071829304",
    username="ann",
    email="ann@example.com",
    firstname="Ann",
    lastname="O'Neil",
    phoneNumbers={"Mobile": "+1 5", "mobile": "+1 6"},
    addresses=(Address(type="work", country="DE"),),
    attributes={"Language": "de"},
)


def rules_of(
    folder: Path, attributes: object, defaults: Mapping[str, Any] = DEFAULTS
) -> dict[str, AttributeRule]:
    connection = load_connection(folder, users={"attributes": attributes})
    return {rule.path: rule for rule in build_rules(connection, defaults)}


def test_an_unset_connection_has_the_defaults_of_the_model(tmp_path: Path) -> None:
    """The defaults are written down once in the design, here they meet."""
    connection = load_connection(tmp_path)
    policy = build_group_policy(connection)

    assert build_policy(connection) == Policy()
    assert build_limits(connection) == Limits()
    assert policy == GroupPolicy(name=policy.name)
    assert policy.name("5f0c", "Keepnet Users") == "Keepnet Users"


def test_scope(tmp_path: Path) -> None:
    text = """\
connections:
  keepnet:
    directory: {api_key: x}
    provider: {base_url: https://scim.example.com, token: x}
    scope:
      groups:
        - 007
        - {name: Contractors, where: [{attribute: company, not_equals: Acme}]}
      application: Keepnet
      where:
        - {attribute: department, in: [IT, 42]}
        - {attribute: attributes.cost, not_in: ["1"]}
        - {attribute: email, matches: .*@example.com}
        - {attribute: manager, exists: no}
        - {attribute: employeeIdentifier, equals: 0012}
      exclude: [Ann@Example.com, 5F0C]
"""
    connection = load_text(text, tmp_path).settings.connections["keepnet"]

    assert build_scope(connection) == Scope(
        groups=(
            GroupSelector(name="007"),
            GroupSelector(
                name="Contractors",
                where=(
                    Clause(attribute="company", operator=Operator.NOT_EQUALS, operand=("Acme",)),
                ),
            ),
        ),
        application="Keepnet",
        where=(
            Clause(attribute="department", operator=Operator.IN, operand=("IT", "42")),
            Clause(attribute="attributes.cost", operator=Operator.NOT_IN, operand=("1",)),
            Clause(attribute="email", operator=Operator.MATCHES, operand=(".*@example.com",)),
            Clause(attribute="manager", operator=Operator.EXISTS, operand=("false",)),
            Clause(attribute="employeeIdentifier", operator=Operator.EQUALS, operand=("0012",)),
        ),
        exclude=frozenset({"ann@example.com", "5f0c"}),
    )


def test_policy(tmp_path: Path) -> None:
    connection = load_connection(
        tmp_path,
        policy={
            "adopt": "never",
            "on_leave": "delete",
            "on_locked": "deactivate",
            "protect": ["Root"],
        },
        users={"match": ["emails"]},
    )

    policy = build_policy(connection)

    assert policy.adopt is False
    assert (policy.on_leave, policy.on_locked) == (Removal.DELETE, Removal.DEACTIVATE)
    assert policy.protect == {"root"}
    assert policy.match == ("emails",)


def test_group_policy(tmp_path: Path) -> None:
    connection = load_connection(
        tmp_path,
        groups={
            "enabled": True,
            "only": ["Keepnet*"],
            "name": "jc-{{ group.name | lower }}-{{ group.id[-4:] }}",
            "empty": "skip",
            "extra_members": "keep",
            "on_leave": "empty",
        },
    )

    policy = build_group_policy(connection)

    assert policy.name("5f0c1b2c", "Users") == "jc-users-1b2c"
    assert policy == GroupPolicy(
        enabled=True,
        only=("Keepnet*",),
        name=policy.name,
        keep_empty=False,
        remove_extra=False,
        on_leave=GroupRemoval.EMPTY,
    )


@pytest.mark.parametrize("template", ["{{ group.name.x.y }}", "{{ '' }}", "{{ 1 / 0 }}"])
def test_a_group_name_that_fails(tmp_path: Path, template: str) -> None:
    policy = build_group_policy(load_connection(tmp_path, groups={"name": template}))

    with pytest.raises(MappingError):
        policy.name("5f0c", "Users")


def test_limits_given_in_part_keep_the_other_part(tmp_path: Path) -> None:
    limits = build_limits(
        load_connection(
            tmp_path,
            limits={
                "deactivate": {"count": 5},
                "delete": {"count": None},
                "patch": {"count": 7},
                "create": {"count": 0},
            },
        )
    )

    assert limits.deactivate == Limit(count=5, percent=10)
    assert limits.delete == Limit(count=None, percent=5)
    assert limits.patch == Limit(count=7, percent=50)
    assert limits.create == Limit(count=0)
    assert limits.remove_members == Limits().remove_members


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {},
            Hosts(
                base_url="https://console.jumpcloud.com",
                insights_url="https://api.jumpcloud.com/insights/directory/v1",
                token_url="https://admin-oauth.id.jumpcloud.com/oauth2/token",  # an address
            ),
        ),
        (
            {"region": "eu", "token_url": "https://t.example.com"},
            Hosts(
                base_url="https://console.eu.jumpcloud.com",
                insights_url="https://api.eu.jumpcloud.com/insights/directory/v1",
                token_url="https://t.example.com",  # an address
            ),
        ),
        (
            {
                "region": "in",
                "base_url": "http://localhost:1",
                "insights_url": "http://localhost:2",
            },
            Hosts(
                base_url="http://localhost:1",
                insights_url="http://localhost:2",
                token_url="https://admin-oauth.id.jumpcloud.com/oauth2/token",  # an address
            ),
        ),
        (
            {"base_url": "http://localhost:1", "token_url": "https://t.example.com"},
            Hosts(
                base_url="http://localhost:1",
                insights_url="",
                token_url="https://t.example.com",  # an address
            ),
        ),
    ],
)
def test_hosts_by_region(settings: dict[str, Any], expected: Hosts) -> None:
    assert hosts(DirectorySettings(**settings)) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"insights": "off"}, ""),
        ({"insights": "off", "insights_url": "http://localhost:2"}, ""),
        (
            {"insights": "on", "base_url": "http://localhost:1", "region": "eu"},
            "https://api.eu.jumpcloud.com/insights/directory/v1",
        ),
    ],
)
def test_the_feed_is_asked_where_it_is_wanted_and_known(
    settings: dict[str, Any], expected: str
) -> None:
    """A console elsewhere gives no hint where its feed is."""
    assert hosts(DirectorySettings(**settings)).insights_url == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("firstname", "Ann"),
        ("_id", ANN.id),
        ("attributes.language", "de"),
        ("phoneNumbers[mobile]", "+1 5"),
        ("addresses[work].country", "DE"),
        ("addresses[home].country", ""),
        ({"from": "username"}, "ann"),
        ({"value": "Employee"}, "Employee"),
        ({"value": True}, True),
        ({"value": 5}, 5),
        ({"value": 1.5}, 1.5),
        (
            {"template": " {{ user.displayname or (user.firstname ~ ' ' ~ user.lastname) }} "},
            "Ann O'Neil",
        ),
        ({"template": "{{ user.attributes.LANGUAGE }}{{ user.attributes.nothing }}"}, "de"),
        ({"template": "{{ user.attributes['language'] | upper }}"}, "DE"),
        ({"template": "{{ user.addresses.work.country }}{{ user.addresses.home.country }}"}, "DE"),
        ({"template": "{{ user.phoneNumbers.mobile }}{{ user.phoneNumbers.work }}"}, "+1 5"),
        ({"template": "{{ user.id }} {{ user._id }}"}, f"{ANN.id} {ANN.id}"),
        ({"template": "{{ user.state }}"}, "ACTIVATED"),
        ({"template": "{% if 'language' in user.attributes %}yes{% endif %}"}, "yes"),
        ({"template": "{% for name in user.attributes %}{{ name }}{% endfor %}"}, "language"),
        ({"template": "{{ user }}{{ user.addresses }}"}, ""),
        ({"template": "{{ '-' * 3 }}{{ 2 ** 3 }}"}, "---8"),
    ],
)
def test_where_a_value_comes_from(tmp_path: Path, source: object, expected: object) -> None:
    value = rules_of(tmp_path, {"nickName": source})["nickName"].read(ANN)

    assert value == expected
    assert type(value) is type(expected)


def test_a_rule_says_what_it_is(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path,
        {
            "preferredLanguage": {"from": "attributes.language", "default": "en-GB"},
            "userType": {"value": "Employee", "when": "create"},
            "nickName": {"template": "x", "clear": True, "max_length": 9},
        },
    )

    language, kind, nick = rules["preferredLanguage"], rules["userType"], rules["nickName"]
    assert (language.source, language.default) == ("attributes.language", "en-GB")
    assert (kind.source, kind.create_only, kind.clear) == ("constant", True, False)
    assert (nick.source, nick.clear, nick.max_length, nick.create_only) == (
        "template",
        True,
        9,
        False,
    )


def test_the_connection_goes_before_the_profile(tmp_path: Path) -> None:
    """In the order of the profile and with the spelling of the RFC; null removes."""
    defaults = {
        "userName": "email",
        "name.givenName": "firstname",
        'emails[type eq "work"].value': "email",
        "title": "jobTitle",
    }
    rules = rules_of(
        tmp_path,
        {
            "NickName": "username",
            'EMAILS[ type eq "work" ].value': "alternateEmail",
            "TITLE": None,
            "username": "username",
            "locale": None,
        },
        defaults,
    )

    assert [(path, rule.source) for path, rule in rules.items()] == [
        ("userName", "username"),
        ("name.givenName", "firstname"),
        ('emails[type eq "work"].value', "alternateEmail"),
        ("nickName", "username"),
    ]


@pytest.mark.parametrize(
    "defaults",
    [{}, {"title": "jobTitle"}, {"userName": "emial"}, {"active": "email"}, {"a b": "email"}],
)
def test_a_mapping_without_user_name_is_refused(
    tmp_path: Path, defaults: dict[str, object]
) -> None:
    with pytest.raises(SettingsError):
        rules_of(tmp_path, {}, defaults)


@pytest.mark.parametrize("name", profile_names())
def test_the_mapping_of_every_profile_is_sound(tmp_path: Path, name: str) -> None:
    rules = rules_of(tmp_path, {}, load_profile(name, {}).attributes)

    assert rules["userName"].read(ANN) in {"ann@example.com", "ann"}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ user.email.split('#')[1] }}", "the template fails"),
        ("{{ 1 / 0 }}", "the template fails in line 1 of {{ 1 / 0 }}: division by zero"),
        ("{{ user.firstname + 1 }}", "the template fails"),
        ("{{ user.attributes.language.x }}", "the template fails"),
        ("{{ 'x' * 2000000 }}", "a number or text grows too large"),
        ("{{ 9 ** 999 }}", "a number or text grows too large"),
        ("{{ user.email.__class__ }}", "the template fails"),
        ("{{ range(10 ** 6) }}", "the template fails"),
        ("{% for n in range(3000) %}ab cd{% endfor %}", "more than 10000 characters"),
        ("{{ 'x' * 10001 }}", "more than 10000 characters"),
        ("{% set f = user.email %}{{ f() }}", "the template fails"),
    ],
)
def test_a_template_that_fails_names_its_reason(tmp_path: Path, template: str, reason: str) -> None:
    """The person concerned is skipped with these words; nobody else is."""
    rule = rules_of(tmp_path, {"nickName": {"template": template}})["nickName"]

    with pytest.raises(MappingError, match=reason):
        rule.read(ANN)


def test_a_reference_reads_whose_account_is_meant(tmp_path: Path) -> None:
    path = f"{ENTERPRISE_USER}:manager.value"
    defaults = {"userName": "email", path: {"reference": "manager", "clear": True}}

    name, manager = build_rules(load_connection(tmp_path), defaults)

    assert (name.reference, manager.reference) == (False, True)
    assert (manager.path, manager.source, manager.clear) == (path, "manager", True)
    assert manager.read(DirectoryUser(id="1", manager="5f0c")) == "5f0c"


def test_null_for_a_whole_attribute_removes_its_parts(tmp_path: Path) -> None:
    """Also those that the connection does not name; what it maps itself stays."""
    defaults = {
        **DEFAULTS,
        "name.givenName": "firstname",
        "name.familyName": "lastname",
        'emails[type eq "work"].value': "email",
        f"{ENTERPRISE_USER}:manager.displayName": "manager",
    }

    rules = rules_of(
        tmp_path,
        {
            "name": None,
            "name.formatted": "displayname",
            "EMAILS": None,
            f"{ENTERPRISE_USER}:manager": None,
        },
        defaults,
    )

    assert list(rules) == ["userName", "title", "name.formatted"]


def test_one_attribute_has_one_spelling(tmp_path: Path) -> None:
    """Names of the RFC are spelled as there; platforms exist that compare them as they are."""
    rules = rules_of(
        tmp_path,
        {
            "NICKNAME": "username",
            "Name.GivenName": "firstname",
            f"{ENTERPRISE_USER.lower()}:COSTCENTER": "costCenter",
            'Emails[type eq "Home"].Value': "alternateEmail",
            'emails[type eq "home"].primary': {"value": True},
            "urn:Example:2.0:User:Team": "department",
            "urn:example:2.0:user:floor": "location",
            "urn:ietf:params:scim:schemas:core:2.0:User:building": "location",
        },
    )

    assert list(rules) == [
        *("userName", "title", "nickName", "name.givenName"),
        f"{ENTERPRISE_USER}:costCenter",
        'emails[type eq "Home"].value',
        'emails[type eq "Home"].primary',
        "urn:Example:2.0:User:Team",
        "urn:Example:2.0:User:floor",
        "building",
    ]


@pytest.mark.parametrize(
    ("home", "expected"),
    [
        ("alternateEmail", None),
        ({"from": "alternateEmail", "default": "x@example.com"}, True),
        ("email", True),
        ({"template": "{{ user.attributes.nothing }} "}, None),
        ({"template": "{{ 1 / 0 }}"}, None),
    ],
)
def test_primary_needs_a_value(tmp_path: Path, home: object, expected: bool | None) -> None:
    """An address that a person does not have cannot be his primary one."""
    rules = rules_of(
        tmp_path,
        {
            'emails[type eq "work"].value': "email",
            'emails[type eq "home"].value': home,
            'emails[type eq "home"].primary': {"value": True},
        },
    )

    assert rules['emails[type eq "home"].primary'].read(ANN) is expected


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"displayname": "Ann Lee"}, "Ann Lee"),
        ({"displayname": " "}, "Anna Lee-Smith"),
        ({}, "Anna Lee-Smith"),
        ({"lastname": ""}, "Anna"),
        ({"displayname": " ", "firstname": " ", "lastname": "\t"}, "ann"),
    ],
)
def test_the_name_that_is_shown_is_never_blank(
    tmp_path: Path, profile: str, names: dict[str, str], shown: str
) -> None:
    """The name that JumpCloud shows, else first and last name, else the username."""
    attributes = load_profile(profile).attributes
    if "displayName" not in attributes:
        pytest.skip("the profile maps none")
    rule = rules_of(tmp_path, {}, attributes)["displayName"]
    fields = {"firstname": "Anna", "lastname": "Lee-Smith", "username": "ann", **names}
    assert rule.read(DirectoryUser(id="1", **fields)) == shown


def test_fields_that_the_mapping_looks_at(tmp_path: Path) -> None:
    """Of every kind of source; that of who lacks a value beside ``primary``, too."""
    connection = load_connection(
        tmp_path,
        users={
            "attributes": {
                "title": None,
                "nickName": "attributes.nick",
                'addresses[type eq "work"].country': "addresses[work].country",
                "displayName": {"template": "{{ user.firstname ~ user.lastname }}"},
                f"{ENTERPRISE_USER}:manager.value": {"reference": "manager"},
                "userType": {"value": "Employee"},
                'emails[type eq "home"].value': "alternateEmail",
                'emails[type eq "home"].primary': {"value": True},
            }
        },
    )
    rules = {rule.path: rule.fields for rule in build_rules(connection, DEFAULTS)}

    assert rules == {
        "userName": {"email"},
        "nickName": {"attributes"},
        'addresses[type eq "work"].country': {"addresses"},
        "displayName": {"firstname", "lastname"},
        f"{ENTERPRISE_USER}:manager.value": {"manager"},
        "userType": set(),
        'emails[type eq "home"].value': {"alternateEmail"},
        'emails[type eq "home"].primary': {"alternateEmail"},
    }
