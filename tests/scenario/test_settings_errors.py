"""Wrong settings: everything at once, in words, with 2, and before anything connects."""

import json

import pytest
import yaml

from tests.scenario.site import Site

CANARY = "c4n4ry-53cr37-v4lu3"


def rewrite(site: Site, change) -> None:  # noqa: ANN001
    """Change the document of the configuration file."""
    document = yaml.safe_load(site.config.read_text(encoding="utf-8"))
    change(document["connections"]["demo"], document)
    site.config.write_text(yaml.safe_dump(document), encoding="utf-8")


def refused(site: Site, *args: str) -> str:
    """Return what a command says whose settings are wrong; nothing was sent."""
    result = site(*(args or ("reconcile",)))
    assert result.status == 2, result.text
    assert result.out == ""
    assert result.err.startswith("jcsync: ")
    assert "Traceback" not in result.err
    assert site.world.jumpcloud.faults.traffic.total == 0
    assert site.world.platform.faults.traffic.total == 0
    return result.err


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("connections: [", id="open-bracket"),
        pytest.param("connections:\n\tdemo: 1\n", id="tab"),
        pytest.param("a: 1\na: 2\n", id="twice"),
        pytest.param("just a sentence", id="no-mapping"),
        pytest.param("", id="empty"),
        pytest.param("connections: *nowhere", id="alias"),
        pytest.param("!!python/object/apply:os.system ['true']", id="python"),
    ],
)
def test_broken_yaml(site: Site, text: str) -> None:
    """A file that is no settings file is named, with the line where there is one."""
    site.config.write_text(text, encoding="utf-8")

    assert "jcsync.yaml" in refused(site)


def test_unknown_key_with_a_guess(site: Site) -> None:
    """A mistyped key is an error that names line, path and the key that was meant."""
    rewrite(site, lambda c, _: c["scope"].update(group=c["scope"].pop("groups")))

    text = refused(site)
    assert "connections.demo.scope.group" in text
    assert 'did you mean "groups"?' in text
    assert "line " in text


def test_all_problems_at_once(site: Site) -> None:
    """One run shows all that is wrong, and counts it."""

    def spoil(connection, document) -> None:  # noqa: ANN001
        connection["provider"]["timeout_s"] = "soon"
        connection["directory"]["regoin"] = "eu"
        connection["schedule"] = {"every": "5 parsecs"}
        connection["limits"] = {"deactivate": {"percent": 150}}
        document["logs"] = {}

    rewrite(site, spoil)

    text = refused(site)
    assert "5 problems" in text
    for path in (
        "provider.timeout_s",
        "directory.regoin",
        "schedule.every",
        "limits.deactivate.percent",
        "logs",
    ):
        assert path in text


@pytest.mark.parametrize(
    "line",
    [
        "displayName: {template: {{ user.firstname }}}",
        "displayName: {{ user.firstname }}",
        "displayName: {{ user.firstname }} {{ user.lastname }}",
    ],
)
def test_template_without_quotes(site: Site, line: str) -> None:
    """The braces are YAML's own: one problem, in its line, with what to write."""
    text = site.config.read_text(encoding="utf-8")
    before, rest = text.split("  demo:\n", 1)
    added = f"    users:\n      attributes:\n        {line}\n"
    site.config.write_text(f"{before}  demo:\n{added}{rest}", encoding="utf-8")

    text = refused(site)
    assert "1 problem in" in text
    assert 'put the template in quotes: {template: "{{ … }}"}' in text
    number = before.count("\n") + 4
    assert f"line {number} " in text


def test_mistyped_variable(site: Site) -> None:
    """A JCSYNC_ variable that means nothing is an error, with the one that was meant."""
    site.environ["JCSYNC_CONNECTIONS__DEMO__PROVIDER__TOKNE"] = CANARY

    text = refused(site)
    assert "JCSYNC_CONNECTIONS__DEMO__PROVIDER__TOKNE" in text
    assert "token" in text.lower()
    assert CANARY not in text


@pytest.mark.parametrize("key", ["api_key_file", "client_secret_file"])
def test_missing_secret_file(site: Site, key: str) -> None:
    """A secret file that is not there is named, with its setting."""

    def use(connection, _) -> None:  # noqa: ANN001
        connection["directory"].pop("api_key")
        connection["directory"][key] = "/nowhere/secret"
        if key.startswith("client"):
            connection["directory"]["client_id"] = "me"

    rewrite(site, use)

    text = refused(site)
    assert "/nowhere/secret" in text
    assert f"directory.{key}" in text


def test_missing_token_file(site: Site) -> None:
    """Likewise for the platform."""

    def use(connection, _) -> None:  # noqa: ANN001
        connection["provider"].pop("token")
        connection["provider"]["token_file"] = "nowhere.txt"

    rewrite(site, use)

    text = refused(site)
    assert "nowhere.txt" in text
    assert "provider.token_file" in text


@pytest.mark.parametrize("content", ["", "\n", "two\nlines\n"])
def test_unusable_secret_file(site: Site, content: str) -> None:
    """An empty file, or one of several lines, holds no secret."""
    (site.folder / "token.txt").write_text(content, encoding="utf-8")

    def use(connection, _) -> None:  # noqa: ANN001
        connection["provider"].pop("token")
        connection["provider"]["token_file"] = "token.txt"

    rewrite(site, use)

    assert "token.txt" in refused(site)


def test_secret_and_secret_file_together(site: Site) -> None:
    """Two sources of one secret are a contradiction, not a question of luck."""
    (site.folder / "key.txt").write_text(CANARY, encoding="utf-8")
    rewrite(site, lambda c, _: c["directory"].update(api_key_file="key.txt"))

    text = refused(site)
    assert "api_key" in text
    assert "api_key_file" in text
    assert CANARY not in text
    assert site.world.jumpcloud.api_key not in text


def test_no_credentials(site: Site) -> None:
    """Without key and service account the text names all three ways to give them."""
    rewrite(site, lambda c, _: c["directory"].pop("api_key"))

    text = refused(site)
    assert "api_key_file" in text
    assert "JCSYNC_CONNECTIONS__DEMO__DIRECTORY__API_KEY" in text
    assert "client_id" in text


def test_no_scope(site: Site) -> None:
    """A connection without groups and application would provision nobody, or everybody."""
    rewrite(site, lambda c, _: c.pop("scope"))

    text = refused(site)
    assert "scope" in text
    assert "groups" in text


def test_secrets_of_wrong_types_are_not_shown(site: Site) -> None:
    """A problem with a secret, or beside it, never repeats the secret."""

    def spoil(connection, _) -> None:  # noqa: ANN001
        connection["provider"]["token"] = [CANARY]
        connection["directory"]["api_key"] = {CANARY: CANARY}
        connection["directory"]["concurrency"] = "many"

    rewrite(site, spoil)

    text = refused(site)
    assert "directory.concurrency" in text
    assert CANARY not in text


def test_secret_in_a_base_url(site: Site) -> None:
    """Credentials in a URL are refused, and not shown."""
    rewrite(
        site, lambda c, _: c["provider"].update(base_url=f"https://me:{CANARY}@example.com/scim")
    )

    assert CANARY not in refused(site)


def test_plain_http_to_another_computer(site: Site) -> None:
    """A token goes in clear text to this computer only."""
    rewrite(site, lambda c, _: c["provider"].update(base_url="http://scim.example.com/scim"))

    text = refused(site)
    assert "provider.base_url" in text
    assert "https" in text
    assert "allow_insecure" in text


def test_address_that_apprise_does_not_know(site: Site) -> None:
    """It is named by its number and scheme: the rest may be a secret."""
    rewrite(site, lambda _, d: d.update(notify={"urls": [f"slock://{CANARY}/x"]}))

    text = refused(site, "config", "validate")
    assert "notify.urls[0] (slock)" in text
    assert CANARY not in text
    assert site.process("run").status == 2


def test_window_that_is_none(site: Site) -> None:
    """What a window looks like is said, with its setting."""
    rewrite(site, lambda c, _: c.update(schedule={"window": "weekdays 7-19"}))

    text = refused(site, "config", "validate")
    assert "schedule.window" in text
    assert "mon-fri 07:00-19:00" in text


def test_file_that_was_asked_for_must_exist(site: Site) -> None:
    """``--config`` and ``JCSYNC_CONFIG`` name a file or nothing works."""
    result = site("reconcile", "--config", "nowhere.yaml", config=False)
    assert result.status == 2
    assert "nowhere.yaml" in result.err

    site.environ["JCSYNC_CONFIG"] = "elsewhere.yaml"
    result = site("reconcile", config=False)
    assert result.status == 2
    assert "elsewhere.yaml" in result.err


def test_no_settings_at_all(site: Site) -> None:
    """Who has just installed it is told what to do first."""
    site.config.unlink()

    result = site("reconcile", config=False)

    assert result.status == 2
    assert "jcsync demo" in result.err


def test_config_validate(site: Site) -> None:
    """``config validate`` says that all is well, or all that is not, and connects to nothing."""
    assert site("config", "validate").status == 0
    rewrite(site, lambda c, _: c.update(scop={}))

    assert "scop" in refused(site, "config", "validate")
    result = site("config", "validate", "--json")
    assert result.status == 2
    assert result.document["valid"] is False
    assert result.document["problems"][0]["path"] == "connections.demo.scop"


def test_config_show_hides_secrets(site: Site) -> None:
    """``config show`` tells every value and its origin, but no secret."""
    secrets = (site.world.jumpcloud.api_key, site.world.platform.token)
    for args in (("config", "show"), ("config", "show", "--json"), ("config", "show", "--changed")):
        result = site(*args)
        assert result.status == 0
        assert not [secret for secret in secrets if secret in result.text]
    assert "default" in site("config", "show").out
    assert "line " in site("config", "show").out


def test_config_schema(site: Site) -> None:
    """``config schema`` is one JSON Schema, and needs no settings."""
    site.config.unlink()

    result = site("config", "schema", config=False)

    assert result.status == 0
    assert "connections" in json.loads(result.out)["properties"]


def test_environment_only(site: Site) -> None:
    """A container needs no file: everything can come from the environment."""
    site.join("ann")
    site.config.unlink()
    token = site.folder / "token"
    token.write_text(f"{site.world.platform.token}\n", encoding="utf-8")
    token.chmod(0o600)
    prefix = "JCSYNC_CONNECTIONS__KEEPNET__"
    site.environ |= {
        "JCSYNC_STORE__URL": f"sqlite:///{site.folder}/env.db",
        f"{prefix}DIRECTORY__BASE_URL": site.world.jumpcloud.url,
        f"{prefix}DIRECTORY__API_KEY": site.world.jumpcloud.api_key,
        f"{prefix}SCOPE__GROUPS": '["Keepnet Users"]',
        f"{prefix}PROVIDER__BASE_URL": site.world.platform.url,
        f"{prefix}PROVIDER__TOKEN_FILE": str(token),
    }

    result = site("reconcile", "--json", config=False)

    assert result.status == 0, result.text
    assert result.run["connection"] == "keepnet"
    assert site.active == {"ann"}


def test_environment_goes_before_the_file(team: Site) -> None:
    """Precedence: command line, environment, file, default."""
    team.environ["JCSYNC_CONNECTIONS__DEMO__PROVIDER__TOKEN"] = "wrong-token"

    assert team("reconcile").status == 6


def test_lists_in_the_environment_may_be_plain(site: Site) -> None:
    """A group with a plain name needs no JSON around it."""
    site.join("ann", group="Sales")
    site.environ["JCSYNC_CONNECTIONS__DEMO__SCOPE__GROUPS"] = "Sales"

    result = site("reconcile")

    assert result.status == 0, result.text
    assert site.active == {"ann"}


def test_disabled_connection(site: Site) -> None:
    """A connection that is switched off is run only when it is named; with no other, 2."""
    site.configure(enabled=False)

    result = site("reconcile")

    assert result.status == 2
    assert "enabled" in result.err
