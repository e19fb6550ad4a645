"""Variables of the environment."""

import pytest

from jcsync.settings.environment import has_connections, read_variables


@pytest.mark.parametrize(
    ("name", "value", "path", "expected"),
    [
        ("JCSYNC_LOG__LEVEL", "debug", ("log", "level"), "debug"),
        ("jcsync_log__Level", "debug", ("log", "level"), "debug"),
        ("JCSYNC_HTTP__ENABLED", "false", ("http", "enabled"), False),
        ("JCSYNC_NOTIFY__ON", "failed, held", ("notify", "on"), ["failed", "held"]),
        ("JCSYNC_NOTIFY__ON", "[failed]", ("notify", "on"), ["failed"]),
        ("JCSYNC_NOTIFY__ON", "- failed\n- held", ("notify", "on"), ["failed", "held"]),
        ("JCSYNC_NOTIFY__ON", "", ("notify", "on"), []),
        ("JCSYNC_NOTIFY__ON", "null", ("notify", "on"), []),
        ("JCSYNC_NOTIFY__DIGEST", "null", ("notify", "digest"), "null"),
        ("JCSYNC_STORE__KEEP_HISTORY", "30d", ("store", "keep_history"), "30d"),
        ("JCSYNC_LOG", "{level: debug}", ("log",), {"level": "debug"}),
        (
            "JCSYNC_CONNECTIONS",
            "{a: {enabled: false}}",
            ("connections",),
            {"a": {"enabled": False}},
        ),
        ("JCSYNC_CONNECTIONS__LAB", "{enabled: false}", ("connections", "lab"), {"enabled": False}),
        (
            "JCSYNC_CONNECTIONS__LAB__DIRECTORY__API_KEY",
            "null",
            ("connections", "lab", "directory", "api_key"),
            "null",
        ),
        (
            "JCSYNC_CONNECTIONS__LAB__SCHEDULE__CRON",
            "*/5 * * * *",
            ("connections", "lab", "schedule", "cron"),
            "*/5 * * * *",
        ),
        (
            "JCSYNC_CONNECTIONS__LAB__LIMITS__DEACTIVATE__COUNT",
            "null",
            ("connections", "lab", "limits", "deactivate", "count"),
            None,
        ),
        (
            "JCSYNC_CONNECTIONS__LAB__PROVIDER__REQUESTS_PER_SECOND",
            "2.5",
            ("connections", "lab", "provider", "requests_per_second"),
            2.5,
        ),
        (
            "JCSYNC_CONNECTIONS__LAB__PROVIDER__QUIRKS__MEMBER_STYLE",
            "value",
            ("connections", "lab", "provider", "quirks", "member_style"),
            "value",
        ),
        (
            "JCSYNC_CONNECTIONS__LAB__USERS__ATTRIBUTES",
            '{"title": null}',
            ("connections", "lab", "users", "attributes"),
            {"title": None},
        ),
    ],
)
def test_values(name: str, value: str, path: tuple[str, ...], expected: object) -> None:
    """Texts and secrets as they are, lists by commas, everything else YAML."""
    variables = read_variables({name: value}, [])

    found: object = variables.tree
    for part in path:
        assert isinstance(found, dict)
        found = found[part]
    assert variables.problems == ()
    assert found == expected
    assert variables.names[path] == name


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("JCSYNC_CONNECTIONS__MY_LAB__ENABLED", "my-lab"),
        ("JCSYNC_CONNECTIONS__my-lab__ENABLED", "my-lab"),
        ("JCSYNC_CONNECTIONS__MY_LAB_2__ENABLED", "my_lab_2"),
        ("JCSYNC_CONNECTIONS__A__B__ENABLED", "a__b"),
        ("JCSYNC_CONNECTIONS__NEW_ONE__ENABLED", "new_one"),
    ],
)
def test_a_connection_is_found_by_its_name(variable: str, expected: str) -> None:
    variables = read_variables({variable: "false"}, ["my", "my-lab", "my_lab_2", "a__b"])

    assert variables.tree == {"connections": {expected: {"enabled": False}}}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("JCSYNC_LOG_LEVEL", 'no such setting; did you mean "JCSYNC_LOG__LEVEL"?'),
        ("JCSYNC_LOG__LEVLE", 'did you mean "JCSYNC_LOG__LEVEL"?'),
        (
            "JCSYNC_ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "after __ one of STORE, LOG, HTTP, NOTIFY, CONNECTIONS",
        ),
        (
            "JCSYNC_CONNECTIONS__LAB__PROVIDER__TOKN",
            'did you mean "JCSYNC_CONNECTIONS__LAB__PROVIDER__TOKEN"?',
        ),
        ("JCSYNC_LOG__LEVEL__X", 'did you mean "JCSYNC_LOG__LEVEL"?'),
        (
            "JCSYNC_CONNECTIONS__LAB__USERS__ATTRIBUTES__TITLE",
            "give the whole mapping as JSON or YAML in JCSYNC_CONNECTIONS__LAB__USERS__ATTRIBUTES",
        ),
        ("JCSYNC_", "no such setting"),
    ],
)
def test_a_variable_that_is_no_setting(name: str, message: str) -> None:
    """A mistyped variable is never ignored."""
    (problem,) = read_variables({name: "x"}, []).problems

    assert problem.path == name
    assert problem.line is None
    assert message in problem.message


@pytest.mark.parametrize(
    "name",
    [
        "JCSYNC_CONFIG",
        "JCSYNC_SERVICE_HOST",
        "JCSYNC_SERVICE_PORT",
        "JCSYNC_SERVICE_PORT_HTTP",
        "JCSYNC_PORT",
        "JCSYNC_PORT_8642_TCP",
        "JCSYNC_PORT_8642_TCP_ADDR",
        "_JCSYNC_COMPLETE",
        "PATH",
    ],
)
def test_variables_that_are_left_alone(name: str) -> None:
    """Kubernetes sets some in every pod beside a Service called jcsync."""
    variables = read_variables({name: "x"}, [])

    assert variables.tree == {}
    assert variables.problems == ()
    assert not has_connections({name: "x"})


def test_the_more_precise_variable_wins() -> None:
    variables = read_variables(
        {"JCSYNC_LOG__LEVEL": "error", "JCSYNC_LOG": "{level: debug, format: json}"}, []
    )

    assert variables.tree == {"log": {"level": "error", "format": "json"}}
    assert variables.names["log", "level"] == "JCSYNC_LOG__LEVEL"
    assert variables.names["log", "format"] == "JCSYNC_LOG"


def test_a_section_that_is_no_mapping_is_kept_for_the_message() -> None:
    variables = read_variables({"JCSYNC_LOG": "5", "JCSYNC_LOG__LEVEL": "error"}, [])

    assert variables.tree == {"log": 5}


def test_a_section_that_is_null_can_be_filled() -> None:
    variables = read_variables({"JCSYNC_LOG": "null", "JCSYNC_LOG__LEVEL": "error"}, [])

    assert variables.tree == {"log": {"level": "error"}}


def test_two_variables_for_one_setting() -> None:
    (problem,) = read_variables(
        {"JCSYNC_LOG__LEVEL": "info", "jcsync_log__level": "info"}, []
    ).problems

    assert problem.message == "sets the same as JCSYNC_LOG__LEVEL; remove one"


def test_a_value_that_is_not_yaml() -> None:
    (problem,) = read_variables({"JCSYNC_LOG": "{level: s3cr3t"}, []).problems

    assert problem.path == "JCSYNC_LOG"
    assert problem.message.startswith("not YAML")
    assert "s3cr3t" not in problem.message


def test_connections_in_the_environment_are_noticed() -> None:
    assert has_connections({"jcsync_connections__lab__enabled": "1"})
    assert has_connections({"JCSYNC_CONNECTIONS": "{}"})
    assert not has_connections({"JCSYNC_LOG__LEVEL": "info"})
