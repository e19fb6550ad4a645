"""What is refused, and in which words: one table for single keys, one for keys together."""

from pathlib import Path

import pytest

from tests.unit.settings.builders import (
    SECRET,
    a_connection,
    connection_problems,
    load_connection,
    problems_of,
)


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("directory", {"region": "de"}, "must be one of us, eu, in; is de"),
        ("directory", {"page_size": 0}, "must be a whole number from 1 to 1000; is 0"),
        ("directory", {"page_size": "many"}, "must be a whole number from 1 to 1000; is many"),
        ("directory", {"page_size": True}, "must be a whole number from 1 to 1000; is true"),
        ("directory", {"page_size": 1.5}, "must be a whole number from 1 to 1000; is 1.5"),
        ("directory", {"page_size": None}, "must be a whole number from 1 to 1000; is null"),
        ("directory", {"page_size": [1]}, "must be a whole number from 1 to 1000"),
        ("directory", {"concurrency": 65}, "must be a whole number from 1 to 64; is 65"),
        ("directory", {"requests_per_second": 0}, "must be a number above 0 and up to 1000; is 0"),
        ("directory", {"requests_per_second": float("inf")}, "must be a number above 0 and up to"),
        ("directory", {"base_url": "console.jumpcloud.com"}, "must be an absolute URL"),
        ("directory", {"token_url": "http://example.com"}, "http is allowed to this computer only"),
        ("directory", {"org_id": "12"}, "must be 24 hexadecimal digits; has 2 characters"),
        ("scope", {"groups": "Keepnet Users"}, "must be a list; write [Keepnet Users]"),
        ("scope", {"exclude": {"a": 1}}, "must be a list; write [{a: …}]"),
        ("scope", {"groups": [{"where": []}]}, "name is missing"),
        ("provider", {"base_url": "http://example.com"}, "http is allowed to this computer only"),
        ("provider", {"base_url": "https://u:s3cr3t@example.com"}, "must not contain a user name"),
        ("provider", {"base_url": 5}, "must be an absolute URL"),
        ("provider", {"base_url": ""}, "must not be empty"),
        ("provider", {"token": 12345678}, "must be a text"),
        ("provider", {"token": "a\nb"}, "contains a line break"),
        ("provider", {"token": "${TOKEN}"}, "is the name of a variable, and nothing replaces it"),
        ("provider", {"token": ""}, "must not be empty"),
        (
            "provider",
            {"profile": "keepnett"},
            'must be one of atlassian, aws, databricks, github, keepnet, msref, rfc, salesforce, slack; did you mean "keepnet"?',
        ),
        ("provider", {"profile": 0}, "must be one of atlassian, aws, databricks, github, keepnet,"),
        (
            "provider",
            {"profile": "scim"},
            "must be one of atlassian, aws, databricks, github, keepnet, msref, rfc, salesforce, slack",
        ),
        ("provider", {"profile": True}, "must be a text; put it in quotes"),
        ("provider", {"quirks": {"nope": 1}}, "unknown switch 'nope'"),
        ("provider", {"quirks": [1]}, "must be a mapping of keys"),
        ("provider", {"timeout_s": 0}, "must be a number from 1 to 600; is 0"),
        ("provider", {"requests_per_second": "x"}, "number above 0 and up to 1000, or null; is x"),
        ("provider", {"proxy": "ftp://u:s3cr3t@proxy"}, "must be the URL of a proxy"),
        ("users", {"match": ["email"]}, "must be one of userName, emails; is email"),
        ("groups", {"enabled": "perhaps"}, "must be true or false; is perhaps"),
        ("groups", {"enabled": 5}, "must be true or false; is 5"),
        ("groups", {"empty": "delete"}, "must be one of keep, skip; is delete"),
        ("groups", {"on_leave": "remove"}, "must be one of keep, empty, delete; is remove"),
        ("groups", {"name": "{{ group.nam }}"}, 'unknown field "group.nam"; did you mean "name"?'),
        ("groups", {"name": "{{ group.name"}, "template line 1"),
        ("policy", {"adopt": "always"}, "must be one of in_scope, never; is always"),
        ("policy", {"on_leave": "remove"}, "must be one of deactivate, keep, delete; is remove"),
        ("policy", {"delete_after": "0s"}, "must be from 1s to 36500d; is 0s"),
        ("policy", {"protect": [None]}, "must be a text; is null"),
        ("policy", {"protect": [""]}, "must not be empty"),
        ("limits", {"deactivate": {"count": -1}}, "must be a whole number from 0, or null; is -1"),
        ("limits", {"deactivate": {"percent": 101}}, "number from 0 to 100, or null; is 101"),
        ("limits", {"deactivate": 5}, "must be a mapping such as {count: 5, percent: 10}"),
        ("limits", {"create": 5}, "must be a mapping such as {count: 5}"),
        ("limits", {"create": {"percent": 5}}, "unknown key; allowed are count"),
        ("limits", {"delete": None}, "delete: write {count: null, percent: null} to switch it off"),
        ("limits", {"accounts": None}, "accounts: write {count: null} to switch it off"),
        ("schedule", {"every": "0s"}, "must be from 1s to 366d; is 0s"),
        ("schedule", {"every": 300}, "a number needs its unit; is 300"),
        ("schedule", {"every": None}, "must be a duration such as 5m unless cron is given"),
        ("schedule", {"cron": "* * *"}, "must have five fields"),
        ("schedule", {"jitter": "200%"}, "must be from 0% to 100%"),
        ("schedule", {"full_every": "0s"}, "must be from 1s to 366d; is 0s"),
        ("schedule", {"timezone": "Berlin"}, "must be a time zone such as UTC"),
        ("schedule", {"cron": "0 0 31 feb,apr *"}, "would never start anything"),
        ("schedule", {"timezone": "CEST"}, "such as UTC or Europe/Berlin; is CEST"),
        ("policy", "on_leave:keep", 'must be a mapping; put a space after "on_leave:"'),
    ],
)
def test_a_wrong_value(tmp_path: Path, section: str, values: object, message: str) -> None:
    """Each has one problem, at its own path, that says what is allowed."""
    problems = connection_problems(tmp_path, **{section: values})

    ((path, found),) = problems.items()
    assert path.startswith(section)
    assert message in found
    assert "s3cr3t" not in found


@pytest.mark.parametrize(
    ("tree", "path", "message"),
    [
        (
            {"connections": {"lab": a_connection(), "policy": {"on_leave": "keep"}}},
            "connections.policy",
            "is a key of a connection: indent it below the one that it belongs to",
        ),
        ({"scope": {}}, "scope", "belongs to a connection: connections.NAME.scope"),
        ({"logg": {}}, "logg", 'unknown key; did you mean "log"?'),
        ({"log": {"level": "loud"}}, "log.level", "must be one of debug, info, warning, error"),
        ({"log": "debug"}, "log", "must be a mapping with level, format"),
        ({"http": {"bind": "8642"}}, "http.bind", "must be host:port such as 127.0.0.1:8642"),
        (
            {"http": {"bind": 8642}},
            "http.bind",
            "must be host:port such as 127.0.0.1:8642; is 8642",
        ),
        ({"store": {"url": 5}}, "store.url", "must be a text"),
        ({"store": {"url": "mysql://ann:pw@db"}}, "store.url", "must begin with sqlite:///"),
        ({"store": {"url": "sqlite:///$NO/x"}}, "store.url", "the variable $NO is not set"),
        ({"store": {"keep_history": None}}, "store.keep_history", "6h or 30d; is null"),
        ({"store": {"keep_history": "1h"}}, "store.keep_history", "must be from 1d to 36500d"),
        ({"notify": {"on": ["always"]}}, "notify.on[0]", "must be one of"),
        (
            {"connections": {}},
            "connections",
            "missing: at least one connection is needed; jcsync init writes",
        ),
        ({"connections": []}, "connections", "must be a mapping of keys"),
        ({"connections": {"läb": a_connection()}}, "connections.läb", "a name consists of A to Z"),
        ({"connections": {"-lab": a_connection()}}, "connections.-lab", "a name consists of"),
        ({"connections": {"lab": 5}}, "connections.lab", "must be a mapping with enabled"),
    ],
)
def test_a_wrong_value_outside_of_connections(
    tmp_path: Path, tree: dict[str, object], path: str, message: str
) -> None:
    problems = problems_of({"connections": {"keepnet": a_connection()}} | tree, tmp_path)

    assert message in problems[path]
    assert "pw" not in "".join(problems.values())


@pytest.mark.parametrize("other", ["my_lab", "My-Lab"])
def test_names_must_differ_in_more_than_hyphens_and_capitals(tmp_path: Path, other: str) -> None:
    """A variable could not tell them apart."""
    tree = {"connections": {"my-lab": a_connection(), other: a_connection()}}

    assert "is the same name as my-lab" in problems_of(tree, tmp_path)[f"connections.{other}"]


def test_a_name_may_have_capitals(tmp_path: Path) -> None:
    """It is the user's own."""
    assert problems_of({"connections": {"Lab_EU-2": a_connection()}}, tmp_path) == {}


@pytest.mark.parametrize(
    ("directory", "path", "message"),
    [
        (
            {"api_key": None},
            "directory.api_key",
            "missing: set api_key_file, or JCSYNC_CONNECTIONS__KEEPNET__DIRECTORY__API_KEY",
        ),
        (
            {"client_id": "x"},
            "directory.client_id",
            "excludes api_key; give a key or a service account",
        ),
        ({"client_secret": "x"}, "directory.client_secret", "excludes api_key"),
        (
            {"api_key": None, "client_id": "x"},
            "directory.client_secret",
            "missing: set client_secret_file, or JCSYNC_CONNECTIONS__KEEPNET__DIRECTORY__CLIENT_",
        ),
        ({"api_key": None, "client_secret": "x"}, "directory.client_id", "missing: the client id"),
        ({"api_key_file": "x"}, "directory.api_key_file", "excludes api_key; give one of the two"),
    ],
)
def test_credentials(tmp_path: Path, directory: dict[str, object], path: str, message: str) -> None:
    """Exactly one of a key and a service account."""
    ((found, text),) = connection_problems(tmp_path, directory=directory).items()

    assert found == path
    assert message in text


def test_a_service_account(tmp_path: Path) -> None:
    directory = {"api_key": None, "client_id": "client", "client_secret": SECRET}

    assert load_connection(tmp_path, directory=directory).directory.client_id == "client"


def test_groups_or_an_application_are_needed(tmp_path: Path) -> None:
    problems = connection_problems(tmp_path, scope={"groups": []})

    assert problems["scope.groups"].startswith("missing: name the groups to provision")
    scope = {"groups": None, "application": "Keepnet"}
    assert load_connection(tmp_path, scope=scope).scope.application == "Keepnet"


def test_every_and_cron_exclude_each_other(tmp_path: Path) -> None:
    problems = connection_problems(tmp_path, schedule={"every": "5m", "cron": "0 * * * *"})

    assert problems == {"schedule.cron": "excludes every; give one of the two"}


def test_cron_takes_the_place_of_the_default_interval(tmp_path: Path) -> None:
    schedule = load_connection(tmp_path, schedule={"cron": "0 * * * 1"}).schedule

    assert schedule.every is None
    assert schedule.cron_fields is not None
    assert schedule.cron_fields.day_of_week == "mon"
    assert schedule.jitter_s == 6
    every = load_connection(tmp_path, schedule={"every": None, "cron": "0 * * * *"}).schedule.every
    assert every is None
    assert load_connection(tmp_path).schedule.jitter_s == 30
    assert load_connection(tmp_path).schedule.cron_fields is None


def test_http_abroad_with_consent(tmp_path: Path) -> None:
    url = "http://scim.example.com"
    connection = load_connection(tmp_path, allow_insecure=True, provider={"base_url": url})

    assert connection.provider.base_url == url


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        ("externalId", "email", "externalId is jcsync's own and cannot be mapped"),
        ("ACTIVE", "email", "ACTIVE is jcsync's own"),
        ("id", "email", "id cannot be mapped"),
        ("schemas", "email", "schemas cannot be mapped"),
        ("meta.created", "email", "meta cannot be mapped"),
        ("password", {"value": "x"}, "password cannot be mapped"),
        ("groups", None, "groups cannot be mapped"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:active", "email", "active is jcsync's own"),
        ("username", None, "userName must stay mapped"),
        ("emails", "email", 'emails has parts; name one, for example emails[type eq "work"].value'),
        ("name", "firstname", "name has parts; name one, for example name.givenName"),
        ('emails[type eq "work"]', "email", "names no part of it"),
        ("a b", "email", "not a SCIM path"),
        ("title", "jobtitle", 'unknown JumpCloud field "jobtitle"; did you mean "jobTitle"?'),
        ("title", "zzzzzz", "allowed are email, username, department and the like"),
        ("title", "addresses[work].contry", "unknown JumpCloud field"),
        ("title", 5, "must be a JumpCloud field, or a mapping with from, template or value"),
        ("title", "", "must not be empty"),
        ("title", {}, "must have exactly one of from, template, value, reference"),
        ("title", {"from": "email", "value": "x"}, "must have exactly one of"),
        ("title", {"value": ""}, "must be a text, a number, true or false"),
        ("title", {"value": [1]}, "must be a text, a number, true or false"),
        ("title", {"form": "email"}, 'unknown key; did you mean "from"?'),
        ("title", {"from": "email", "when": "never"}, "must be one of create, always"),
        (
            "title",
            {"from": "email", "max_length": 0},
            "must be a whole number from 1, or null; is 0",
        ),
        (
            "title",
            "jobTitle + department",
            'several fields are a template: {template: "{{ user.jobTitle }} {{ user.department }}"}',
        ),
        ("title", "Attributes.rank", 'did you mean "attributes.rank"?'),
        ("title", "customAttributes['rank']", 'did you mean "attributes.rank"?'),
        ("title", {"template": "{user.jobTitle}"}, "very text; write {{ user.jobTitle }}"),
        ("title", "{{ user.jobTitle }}", "is a template, which has no short form; write {templ"),
        ("title", {"template": "{{ user.fistname }}"}, 'did you mean "firstname"?'),
        ("title", {"reference": "manger"}, 'did you mean "manager"?'),
    ],
)
def test_a_wrong_attribute(tmp_path: Path, path: str, source: object, message: str) -> None:
    problems = connection_problems(tmp_path, users={"attributes": {path: source}})

    assert any(
        message in text
        for at, text in problems.items()
        if at.startswith(f"users.attributes.{path}")
    ), problems


def test_the_same_attribute_twice(tmp_path: Path) -> None:
    attributes = {"title": "jobTitle", "Title": "department"}
    problems = connection_problems(tmp_path, users={"attributes": attributes})

    assert problems == {"users.attributes.Title": "the same attribute as title; remove one"}


@pytest.mark.parametrize(
    ("clause", "message"),
    [
        ({"attribute": "department"}, "must name an attribute and exactly one of equals"),
        ({"attribute": "department", "equals": "a", "in": ["b"]}, "exactly one of"),
        ({"equals": "a"}, "attribute is missing"),
        ({"department": "IT"}, "write {attribute: department, equals: IT}"),
        ({"department": ["IT", "HR"]}, "write {attribute: department, in: [IT, HR]}"),
        ({"attribute": "deparment", "equals": "a"}, 'did you mean "department"?'),
        ({"attribute": "department", "in": "IT"}, "must be a list; write [IT]"),
        ({"attribute": "department", "in": []}, "must have at least one entry"),
        ({"attribute": "department", "matches": "("}, "not a regular expression: missing )"),
        (
            {"attribute": "department", "matches": "[[a]"},
            "not a regular expression: Possible nested",
        ),
        ({"attribute": "department", "exists": "perhaps"}, "must be true or false; is perhaps"),
        ({"attribute": "department", "equal": "a"}, 'unknown key; did you mean "equals"?'),
        ("department", "must be a condition such as {attribute: department, in: [IT, HR]}"),
    ],
)
@pytest.mark.parametrize("of_group", [True, False])
def test_a_wrong_condition(tmp_path: Path, clause: object, message: str, of_group: bool) -> None:
    """Alike for the whole scope and for one group of it."""
    group = {"name": "Keepnet Users", "where": [clause]}
    scope = {"groups": [group]} if of_group else {"where": [clause]}
    where = "scope.groups[0].where[0]" if of_group else "scope.where[0]"

    problems = connection_problems(tmp_path, scope=scope)

    assert any(message in text for at, text in problems.items() if at.startswith(where)), problems


@pytest.mark.parametrize(
    ("notify", "path", "message"),
    [
        ({"urls": [SECRET]}, "notify.urls[0]", "must be an Apprise URL"),
        ({"on": ["held", "credentials"]}, "notify.on[1]", "must be"),
        ({"digest": "monthly"}, "notify.digest", "daily"),
        ({"ping_url": f"hc-ping.com/{SECRET}"}, "notify.ping_url", "must be an http or https URL"),
        (
            {"ping_url": f"https://ann:{SECRET}@hc-ping.com/"},
            "notify.ping_url",
            "must be an http or https URL",
        ),
    ],
)
def test_wrong_notices(tmp_path: Path, notify: dict[str, object], path: str, message: str) -> None:
    """What is wrong is said without the address, which is a secret."""
    problems = problems_of({"notify": notify, "connections": {"keepnet": a_connection()}}, tmp_path)

    assert message in problems[path]


@pytest.mark.parametrize(
    ("schedule", "wrong"),
    [
        ({"cron": "0 6 * * *", "window": "07:00-19:00"}, True),
        ({"cron": "0 12 * * sun", "window": "mon-sat 07:00-19:00"}, True),
        ({"cron": "0 3 * * tue", "window": "mon 22:00-06:00"}, False),
        ({"cron": "*/30 * * * *", "window": "mon 07:00-07:10"}, False),
        ({"window": "mon 07:00-07:10"}, False),
        ({"cron": "0 6 * * *"}, False),
    ],
)
def test_cron_that_never_meets_the_window(
    tmp_path: Path, schedule: dict[str, object], *, wrong: bool
) -> None:
    """A schedule by which nothing would ever run is refused."""
    problems = problems_of({"connections": {"keepnet": a_connection(schedule=schedule)}}, tmp_path)

    assert ("nothing would ever run" in problems.get("schedule.window", "")) is wrong
