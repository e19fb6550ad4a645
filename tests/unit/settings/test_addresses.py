"""URLs, hosts and ports."""

from pathlib import Path

import pytest

from jcsync.settings.addresses import (
    check_proxy,
    check_store_url,
    check_url,
    expand_store_url,
    is_plain_http_abroad,
    parse_bind,
)


@pytest.mark.parametrize(
    "url",
    [
        "https://scim.example.com/v2/",
        "https://scim.example.com",
        "http://localhost:8080/scim",
        "https://[::1]:8443/scim",
        "https://10.0.0.1/a%20b",
    ],
)
def test_absolute_urls_are_kept_as_given(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("scim.example.com", "absolute URL"),
        ("/scim", "absolute URL"),
        ("ftp://example.com", "absolute URL"),
        ("https://", "absolute URL"),
        ("https:///scim", "absolute URL"),
        ("https://exa mple.com", "absolute URL"),
        ("https://example.com:port", "absolute URL"),
        ("https://example.com:99999", "absolute URL"),
        ("https://[::1", "absolute URL"),
        ("https://example.com\\@evil.com", "absolute URL"),
        ("https://exämple.com", "absolute URL"),
        ("https://example.com/\n", "absolute URL"),
        ("https://ann:pw@example.com", "user name or password"),
        ("https://ann@example.com", "user name or password"),
        ("https://example.com/scim?tenant=1", r"must end before \?"),
        ("https://example.com/scim?", r"must end before \?"),
        ("https://example.com/scim#x", r"must end before \?"),
    ],
)
def test_other_urls_are_refused(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "abroad"),
    [
        ("http://example.com", True),
        ("http://192.168.1.5", True),
        ("http://localhost.example.com", True),
        ("http://[fe80::1]/", True),
        ("http://localhost:8080", False),
        ("http://127.0.0.1", False),
        ("http://127.9.9.9", False),
        ("http://[::1]:80", False),
        ("https://example.com", False),
        ("http://[broken", False),
    ],
)
def test_plain_http_is_for_this_computer(url: str, abroad: bool) -> None:
    assert is_plain_http_abroad(url) is abroad


def test_a_proxy_may_have_a_password() -> None:
    assert check_proxy("http://u:p@proxy:3128") == "http://u:p@proxy:3128"
    with pytest.raises(ValueError, match="URL of a proxy"):
        check_proxy("proxy:3128")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8642", ("127.0.0.1", 8642)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_bind(text: str, expected: tuple[str, int]) -> None:
    assert parse_bind(text) == expected


@pytest.mark.parametrize(
    "text",
    ["8642", ":8642", "localhost", "localhost:", "::1:80", "a b:80", "x:70000", "x:-1", "x:٣"],
)
def test_wrong_bind(text: str) -> None:
    with pytest.raises(ValueError, match="must be host:port"):
        parse_bind(text)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://x/y", "must begin with sqlite:///"),
        ("sqlite:///", "must begin with"),
        ("sqlite:///:memory:", "forgets"),
        ("postgresql+psycopg:///jcsync", "must be postgresql"),
        ("postgresql://ann:pw@db/jcsync", "must begin with"),
    ],
)
def test_wrong_stores(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        check_store_url(url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        (
            "sqlite:///$XDG_STATE_HOME/j.db",
            {"HOME": "/home/ann"},
            "sqlite:////home/ann/.local/state/j.db",
        ),
        ("sqlite:///${XDG_STATE_HOME}/j.db", {"XDG_STATE_HOME": "/s"}, "sqlite:////s/j.db"),
        ("sqlite:///~/j.db", {"HOME": "/home/ann"}, "sqlite:////home/ann/j.db"),
        ("sqlite:////var/lib/j.db", {}, "sqlite:////var/lib/j.db"),
        ("sqlite:///state/j.db", {}, "sqlite:////srv/app/state/j.db"),
        (
            "postgresql+psycopg://u:$PW@$HOST/d",
            {"PW": "a@b/c", "HOST": "db:5432"},
            "postgresql+psycopg://u:a%40b%2Fc@db:5432/d",
        ),
        ("postgresql+psycopg://db/d", {}, "postgresql+psycopg://db/d"),
    ],
)
def test_variables_and_home_are_expanded(url: str, environ: dict[str, str], expected: str) -> None:
    """The store is the same one wherever the process is started from."""
    assert expand_store_url(url, environ, Path("/srv/app")) == expected


def test_an_unset_variable_is_named() -> None:
    with pytest.raises(ValueError, match=r"the variable \$STATE is not set"):
        expand_store_url("sqlite:///$STATE/j.db", {"STATE": ""}, Path("/srv/app"))


def test_home_is_asked_of_the_system_without_a_variable() -> None:
    assert expand_store_url("sqlite:///~/j.db", {}, Path("/srv/app")).startswith("sqlite:////")


def test_without_a_home_the_store_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(ValueError, match="there is no home directory"):
        expand_store_url("sqlite:///$XDG_STATE_HOME/j.db", {}, Path("/srv/app"))
