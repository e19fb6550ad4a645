"""Finding the file, precedence, and all problems at once."""

import os
from pathlib import Path

import pytest
import requests
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jcsync.settings import SettingsProblemsError, load_settings
from jcsync.settings.ceilings import LimitsSettings
from jcsync.settings.models import Settings
from tests.unit.settings.builders import (
    SECRET,
    a_connection,
    connection_problems,
    load_connection,
    load_text,
    load_tree,
    problems_of,
)

SMALLEST = """\
connections:
  keepnet:
    directory:
      api_key_file: jumpcloud_api_key
    scope:
      groups: [Keepnet Users]
    provider:
      base_url: https://scim-api.keepnetlabs.com/scim
      token_file: keepnet_token
      profile: keepnet
"""

HOME = {"HOME": "/home/ann"}


def write_secrets(folder: Path) -> None:
    for name in ("jumpcloud_api_key", "keepnet_token"):
        file = folder / name
        file.write_text(f"{name}-{SECRET}\n", encoding="utf-8")
        file.chmod(0o600)


def test_the_smallest_file(tmp_path: Path) -> None:
    """Six lines are enough, and secrets are found beside the file."""
    write_secrets(tmp_path)

    loaded = load_text(SMALLEST, tmp_path)

    connection = loaded.settings.connections["keepnet"]
    assert connection.directory.api_key is not None
    assert connection.directory.api_key.get_secret_value() == f"jumpcloud_api_key-{SECRET}"
    assert connection.provider.token is not None
    assert connection.provider.token.get_secret_value() == f"keepnet_token-{SECRET}"
    assert loaded.warnings == ()
    assert loaded.source == tmp_path / "jcsync.yaml"
    assert loaded.label == "jcsync.yaml"
    assert loaded.origins["connections.keepnet.scope.groups"] == "line 6"
    assert (
        loaded.origins["connections.keepnet.provider.token"] == f"file {tmp_path / 'keepnet_token'}"
    )
    assert "log.level" not in loaded.origins
    assert SECRET not in repr(loaded)


def test_a_secret_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    (tmp_path / "keepnet_token").chmod(0o644)

    (warning,) = load_text(SMALLEST, tmp_path).warnings

    assert "keepnet_token can be read by others (mode 644)" in warning


def test_a_container_without_any_file(tmp_path: Path) -> None:
    """Everything can come from the environment."""
    environ = {
        **HOME,
        "JCSYNC_CONNECTIONS__KEEPNET__DIRECTORY__API_KEY": SECRET,
        "JCSYNC_CONNECTIONS__KEEPNET__SCOPE__GROUPS": "Keepnet Users, 007",
        "JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__BASE_URL": "https://scim.example.com",
        "JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__TOKEN": f"12345{SECRET}: [x",
    }

    loaded = load_settings(None, environ, tmp_path)

    connection = loaded.settings.connections["keepnet"]
    assert [group.name for group in connection.scope.groups] == ["Keepnet Users", "007"]
    assert connection.provider.token is not None
    assert connection.provider.token.get_secret_value() == f"12345{SECRET}: [x"
    assert loaded.source is None
    assert loaded.label == "the environment"
    assert (
        loaded.origins["connections.keepnet.provider.base_url"]
        == "env JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__BASE_URL"
    )


def test_where_the_file_is_looked_for(tmp_path: Path) -> None:
    """--config goes before $JCSYNC_CONFIG, and that before config/jcsync.yaml."""
    for name in ("asked.yaml", "variable.yaml", "config/jcsync.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({"connections": {"keepnet": a_connection()}}))
    environ = {**HOME, "JCSYNC_CONFIG": "variable.yaml"}

    assert load_settings(Path("asked.yaml"), environ, tmp_path).label == "asked.yaml"
    assert load_settings(None, environ, tmp_path).label == "variable.yaml"
    assert load_settings(None, HOME, tmp_path).label == "config/jcsync.yaml"
    elsewhere = tmp_path / "config"
    assert load_settings(tmp_path / "asked.yaml", HOME, elsewhere).label == str(
        tmp_path / "asked.yaml"
    )
    root = Path(tmp_path.anchor)
    assert load_settings(tmp_path / "asked.yaml", HOME, root).label.startswith(tmp_path.anchor)


@pytest.mark.parametrize(
    ("path", "environ", "message"),
    [
        (Path("no.yaml"), {}, r"in no.yaml\n  -  --config  there is no such file"),
        (None, {"JCSYNC_CONFIG": "no.yaml"}, r"JCSYNC_CONFIG  there is no such file"),
        (Path("a\x00b"), {}, "there is no such file"),
        (None, {}, "no settings found: neither config/jcsync.yaml nor .* jcsync init writes"),
        (Path(), {}, "cannot be read: Is a directory"),
    ],
)
def test_without_a_file_it_says_what_to_do(
    tmp_path: Path, path: Path | None, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsProblemsError, match=message):
        load_settings(path, environ, tmp_path)


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"a: \xff\n", 1, "must be UTF-8 text"),
        (b"log:\n\tlevel: info\n", 2, "indent with spaces"),
        (b"", None, "the file is empty"),
        (b"#" * 10_000_001, None, "larger than 10 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_the_only_problem(
    tmp_path: Path, content: bytes, line: int | None, message: str
) -> None:
    (tmp_path / "j.yaml").write_bytes(content)

    with pytest.raises(SettingsProblemsError, match=message) as caught:
        load_settings(Path("j.yaml"), HOME, tmp_path)

    assert [problem.line for problem in caught.value.problems] == [line]


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """The last screen of the design: where it is, what is wrong, and what is allowed."""
    text = """\
connections:
  keepnet:
    directory:
      api_key: x


    scope:
      group: [Keepnet Users]
    provider: {base_url: "http://scim.example.com"}
"""
    with pytest.raises(SettingsProblemsError) as caught:
        load_text(text, tmp_path)

    assert str(caught.value).splitlines() == [
        "3 problems in jcsync.yaml",
        '  line 8  connections.keepnet.scope.group        unknown key; did you mean "groups"?',
        (
            "  line 9  connections.keepnet.provider.base_url  http is allowed to this computer only; "
            "use https, or set allow_insecure: true"
        ),
        (
            "  -       connections.keepnet.provider.token     missing: set token_file, or "
            "JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__TOKEN"
        ),
    ]


def test_problems_in_variables_carry_their_names(tmp_path: Path) -> None:
    problems = problems_of(
        {"connections": {"keepnet": a_connection()}},
        tmp_path,
        {
            "JCSYNC_LOG__LEVEL": "loud",
            "JCSYNC_CONNECTIONS__KEEPNET__LIMITS": "{deactivate: {count: -1}}",
            "JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__TOKEN": f"{SECRET}\n",
        },
    )

    assert problems == {
        "JCSYNC_LOG__LEVEL": "must be one of debug, info, warning, error; is loud",
        "JCSYNC_CONNECTIONS__KEEPNET__LIMITS: deactivate.count": "must be a whole number from 0, "
        "or null; is -1",
        "JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__TOKEN": "contains a line break or another control "
        "character; a secret is one line",
    }


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    """Sections merge key by key; one attribute is replaced as a whole."""
    tree = {
        "log": {"level": "debug", "format": "json"},
        "connections": {
            "my-lab": a_connection(
                users={"attributes": {"title": {"template": "x"}, "nickName": "username"}},
                limits={"deactivate": {"count": 1, "percent": 2}},
                schedule={"cron": "0 * * * *"},
            )
        },
    }
    prefix = "JCSYNC_CONNECTIONS__MY_LAB"
    loaded = load_tree(
        tree,
        tmp_path,
        {
            "JCSYNC_LOG__LEVEL": "error",
            f"{prefix}__USERS__ATTRIBUTES": '{"TITLE": "jobTitle", "locale": {"value": "en"}}',
            f"{prefix}__LIMITS__DEACTIVATE__COUNT": "null",
            f"{prefix}__SCHEDULE__EVERY": "10m",
            f"{prefix}__PROVIDER__TOKEN_FILE": "",
            f"{prefix}__ENABLED": "false",
        },
    )

    assert loaded.settings.log.level == "error"
    assert loaded.settings.log.format == "json"
    connection = loaded.settings.connections["my-lab"]
    assert not connection.enabled
    attributes = connection.users.attributes
    assert {key: source and source.from_ for key, source in attributes.items()} == {
        "nickName": "username",
        "TITLE": "jobTitle",
        "locale": None,
    }
    assert connection.limits.deactivate.count is None
    assert connection.limits.deactivate.percent == 2
    assert connection.schedule.every == 600
    assert connection.schedule.cron is None
    assert connection.provider.token is not None
    assert connection.provider.token.get_secret_value() == SECRET


def test_a_secret_of_the_environment_replaces_the_files_file(tmp_path: Path) -> None:
    """Neither an error nor a read of the file."""
    tree = {
        "connections": {
            "keepnet": a_connection(provider={"token": None, "token_file": "does-not-exist"})
        }
    }
    loaded = load_tree(
        tree, tmp_path, {"JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__TOKEN": f"new-{SECRET}"}
    )

    provider = loaded.settings.connections["keepnet"].provider
    assert provider.token is not None
    assert provider.token.get_secret_value() == f"new-{SECRET}"
    assert "connections.keepnet.provider.token_file" not in loaded.origins


def test_null_beside_a_file_is_no_secret(tmp_path: Path) -> None:
    """The file's content counts, in a file as in a section of the environment."""
    write_secrets(tmp_path)
    text = SMALLEST.replace("      token_file:", "      token: null\n      token_file:")
    section = "{token: null, token_file: jumpcloud_api_key}"

    for environ, expected in (
        ({}, "keepnet_token"),
        ({"JCSYNC_CONNECTIONS__KEEPNET__PROVIDER": section}, "jumpcloud_api_key"),
    ):
        provider = load_text(text, tmp_path, environ).settings.connections["keepnet"].provider
        assert provider.token is not None
        assert provider.token.get_secret_value() == f"{expected}-{SECRET}"


def test_a_file_of_the_environment_replaces_the_files_secret(tmp_path: Path) -> None:
    """In a variable, a relative path counts from the working directory."""
    folder = tmp_path / "etc"
    folder.mkdir()
    write_secrets(tmp_path)
    path = folder / "jcsync.yaml"
    path.write_text(yaml.safe_dump({"connections": {"keepnet": a_connection()}}))
    variable = "JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__TOKEN_FILE"

    loaded = load_settings(path, {**HOME, variable: "keepnet_token"}, tmp_path)

    provider = loaded.settings.connections["keepnet"].provider
    assert provider.token is not None
    assert provider.token.get_secret_value() == f"keepnet_token-{SECRET}"


@pytest.mark.parametrize("connection", [None, {}])
def test_all_that_an_empty_connection_misses_is_reported(
    tmp_path: Path, connection: object
) -> None:
    problems = problems_of({"connections": {"keepnet": connection}}, tmp_path)

    assert set(problems) == {
        "directory.api_key",
        "provider.base_url",
        "provider.token",
        "scope.groups",
    }


@pytest.mark.parametrize("name", [5, -1, 1.5])
def test_a_file_whose_name_is_a_number(tmp_path: Path, name: float) -> None:
    """It is the file of that name, as it is written: no run begins without its key."""
    missing = connection_problems(tmp_path, provider={"token": None, "token_file": name})

    assert missing == {"provider.token_file": f"{tmp_path / str(name)} does not exist"}


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_file_without_a_name_is_no_secret(tmp_path: Path, blank: str) -> None:
    """As a variable that nobody filled in: the secret is missing, and nothing is sent without it."""
    problems = connection_problems(
        tmp_path,
        directory={"api_key": None, "api_key_file": blank},
        provider={"token": None, "token_file": blank},
    )

    assert set(problems) == {"directory.api_key", "provider.token"}
    assert all(message.startswith("missing:") for message in problems.values())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.pem", "nothing.pem does not exist"),
        (".", " is a directory"),
        ("jcsync.yaml", "jcsync.yaml holds no certificate in PEM form"),
        (7, "7 does not exist"),
        ("a\0b", "b cannot be read: not a file name"),
    ],
)
def test_certificates_that_cannot_be_read_are_a_problem(
    tmp_path: Path, name: object, message: str
) -> None:
    """Before anything connects, and whether the platform is spoken to by TLS or not."""
    problems = connection_problems(tmp_path, provider={"ca_file": name})

    assert list(problems) == ["provider.ca_file"]
    assert problems["provider.ca_file"].endswith(message)


def test_certificates_are_found_beside_the_settings(tmp_path: Path) -> None:
    """A relative name counts from the folder of the file, in a variable from the working directory."""
    folder = tmp_path / "etc"
    folder.mkdir()
    authorities = Path(requests.adapters.DEFAULT_CA_BUNDLE_PATH).read_bytes()
    for place in (tmp_path / "var.pem", folder / "own.pem"):
        place.write_bytes(authorities)
    path = folder / "jcsync.yaml"
    path.write_text(
        yaml.safe_dump({"connections": {"keepnet": a_connection(provider={"ca_file": "own.pem"})}})
    )
    variable = {"JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__CA_FILE": "var.pem"}

    for environ, expected in (({}, folder / "own.pem"), (variable, tmp_path / "var.pem")):
        loaded = load_settings(path, {**HOME, **environ}, tmp_path)
        assert loaded.settings.connections["keepnet"].provider.ca_file == str(expected)


def test_an_unreadable_secret_is_a_problem_of_its_key(tmp_path: Path) -> None:
    problems = connection_problems(tmp_path, provider={"token": None, "token_file": "nothing"})

    assert problems == {"provider.token_file": f"{tmp_path / 'nothing'} does not exist"}


@pytest.mark.parametrize("given", [f"jca_{SECRET}_{SECRET}", f"{SECRET}/{SECRET}", SECRET * 40])
def test_a_secret_in_place_of_its_file_is_not_shown(tmp_path: Path, given: str) -> None:
    """The most likely mistake must not put the secret into a log."""
    problems = connection_problems(tmp_path, provider={"token": None, "token_file": given})

    assert "the secret itself belongs to token" in problems["provider.token_file"]


def test_a_mistyped_connection_in_a_variable_is_one_problem(tmp_path: Path) -> None:
    """Not the six problems of a connection that nobody meant to have."""
    problems = problems_of(
        {"connections": {"keepnet": a_connection()}},
        tmp_path,
        {
            "JCSYNC_CONNECTIONS__KEEPNT__PROVIDER__TOKEN": "x",
            "JCSYNC_CONNECTIONS__OTHER__ENABLED": "true",
        },
    )

    message = 'no connection keepnt in the file; did you mean "keepnet"?'
    assert ("JCSYNC_CONNECTIONS__KEEPNT__PROVIDER__TOKEN", message) in problems.items()
    assert not any("keepnt" in path for path in problems if not path.startswith("JCSYNC_"))
    assert "connections.other.provider.base_url" in problems


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, "sqlite:////home/ann/.local/state/jcsync/jcsync.db"),
        ("sqlite:///j.db", "sqlite:///{folder}/j.db"),
        ("postgresql+psycopg://ann:s3@db/j", "postgresql+psycopg://ann:s3@db/j"),
    ],
)
def test_the_store_is_absolute(tmp_path: Path, url: str | None, expected: str) -> None:
    tree: dict[str, object] = {"connections": {"keepnet": a_connection()}}
    loaded = load_tree(tree | ({"store": {"url": url}} if url else {}), tmp_path)

    assert loaded.settings.store.url.get_secret_value() == expected.format(folder=tmp_path)
    assert "s3" not in str(loaded.settings.store.url)
    assert "s3" not in repr(loaded.settings)


def test_sections_without_content_are_empty(tmp_path: Path) -> None:
    """A section whose keys are all commented out is no mistake."""
    connection = load_connection(tmp_path, users=None, groups=None, limits=None)

    assert connection.users.match == ("userName", "emails")
    assert connection.limits.deactivate.count == 50


def test_section_that_is_left_out_is_an_empty_one(tmp_path: Path) -> None:
    """It is made without being checked: nothing may depend on that."""
    empty: dict[str, object] = {name: {} for name in ("users", "groups", "policy", "schedule")}
    limits = {name: {} for name in LimitsSettings.model_fields}
    top = {name: {} for name in Settings.model_fields if name != "connections"}

    left_out = load_tree({"connections": {"keepnet": a_connection()}}, tmp_path)
    written = load_tree(
        {**top, "connections": {"keepnet": a_connection(**empty, limits=limits)}}, tmp_path
    )

    assert written.settings == left_out.settings


def test_the_process_environment_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the variables that were passed count."""
    monkeypatch.setitem(os.environ, "LOG", '{"level": "debug"}')
    monkeypatch.setitem(os.environ, "JCSYNC_LOG__LEVEL", "debug")

    loaded = load_tree({"connections": {"keepnet": a_connection()}}, tmp_path)

    assert loaded.settings.log.level == "info"


_KEYS = st.sampled_from(
    [
        "store",
        "url",
        "log",
        "level",
        "connections",
        "keepnet",
        "directory",
        "api_key",
        "scope",
        "groups",
        "where",
        "attribute",
        "in",
        "provider",
        "base_url",
        "token",
        "token_file",
        "users",
        "attributes",
        "userName",
        "from",
        "template",
        "limits",
        "deactivate",
        "count",
        "schedule",
        "every",
        "cron",
        "jitter",
        "notify",
        "urls",
        "on",
        "quirks",
        "profile",
        "name",
        "policy",
    ]
)
_JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.just(SECRET),
        st.sampled_from(
            ["https://example.com", "{{ user.email }}", "{{ x", "5m", "keepnet", "rfc"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_KEYS | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=25,
)


@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(junk=_JUNK, section=_KEYS)
def test_junk_gives_problems_and_nothing_else(tmp_path: Path, junk: object, section: str) -> None:
    """Whatever the file holds: settings or problems, never another exception."""
    trees = [
        {section: junk},
        {"connections": {"keepnet": junk}},
        {"connections": {"keepnet": a_connection(**{section: junk})}},
    ]
    for tree in trees:
        try:
            load_tree(tree, tmp_path)
        except SettingsProblemsError as caught:
            assert caught.problems  # noqa: PT017 # either end is right


@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    section=st.sampled_from(["directory", "provider"]),
    prefix=st.text(max_size=6),
    suffix=st.text(max_size=6),
)
def test_no_message_holds_a_secret(tmp_path: Path, section: str, prefix: str, suffix: str) -> None:
    """Also when the key or its section is mistyped, or the secret cannot be sent."""
    secret = prefix + SECRET + suffix
    keys = ["token", "tokn", "api_key", "client_secret", "client_secrt", "apikey"]
    broken = {
        "connections": {
            "keepnet": {section: dict.fromkeys(keys, secret), "tokn": secret, "scope": 5},
            "other": {section: {"token": [secret], "api_key": {"x": secret}}},
        },
        "token": secret,
        "store": {"url": f"mysql://ann:{secret}@db"},
        "notify": {"urls": [f"slack://{secret}"], "ping_url": f"https://x/{secret}"},
    }
    with pytest.raises(SettingsProblemsError) as caught:
        load_tree(broken, tmp_path)

    assert SECRET not in str(caught.value)
