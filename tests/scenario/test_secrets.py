"""A canary key, token or secret is found nowhere."""

from pathlib import Path

import pytest

from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Exchange
from jcsync.sandbox.wsgi import json_reply
from tests.scenario.site import Daemon, Site, wait_for

COMMANDS = [
    ("config", "validate"),
    ("config", "show"),
    ("config", "show", "--json"),
    ("check", "--verbose"),
    ("groups", "demo"),
    ("plan", "--verbose", "--out", "plan.json"),
    ("apply", "plan.json", "--verbose"),
    ("reconcile", "--verbose", "--json"),
    ("explain", "demo", "ann"),
    ("status", "--json"),
    ("runs", "--verbose"),
    ("changes", "--verbose"),
    ("links",),
]


def search(site: Site, *secrets: str) -> list[str]:
    """Files that hold a secret, beside the configuration itself."""
    return [
        file.name
        for file in site.folder.rglob("*")
        if file.is_file()
        and file.name not in ("jcsync.yaml", "token")
        and any(secret.encode() in file.read_bytes() for secret in secrets)
    ]


@pytest.mark.parametrize("trouble", ["none", "refused", "echo"])
def test_no_secret_in_any_output_or_file(site: Site, trouble: str) -> None:
    """Key and token are in no output, log at debug, plan file or store, whatever happens."""
    secrets = (site.world.jumpcloud.api_key, site.world.platform.token)
    site.configure(log={"level": "debug"}, groups={"enabled": True})
    site.join("ann", "bob")
    if trouble == "refused":
        site.world.jumpcloud.faults.add(misfortunes.fail(401), nth=8, count=None)
        site.world.platform.faults.add(misfortunes.fail(401), nth=8, count=None)
    if trouble == "echo":

        def echo(exchange: Exchange):  # noqa: ANN202
            seen = exchange.request.headers
            document = {"detail": f"refused: {seen}", "message": f"{seen}"}
            return misfortunes.answer(json_reply(document, 400))(exchange)

        site.world.platform.faults.add(echo, method="POST", count=None)
        site.world.jumpcloud.faults.add(echo, path="membership", nth=4)

    for args in COMMANDS:
        result = site(*args)
        for secret in secrets:
            assert secret not in result.text, args
    assert search(site, *secrets) == []


def test_secret_of_a_service_account(site: Site) -> None:
    """Neither the client secret nor the token that it is exchanged for is shown."""
    name, secret = site.world.jumpcloud.api.issue_client()
    site.configure(
        directory={"api_key": None, "client_id": name, "client_secret": secret},
        log={"level": "debug"},
    )
    site.join("ann")
    texts = [site(*args).text for args in COMMANDS]
    sent = {
        r.headers["authorization"].split()[-1]
        for r in site.world.jumpcloud.faults.traffic.log
        if "authorization" in r.headers
    }

    assert len(sent) > 1
    assert not [s for s in (*sent, secret) for text in texts if s in text]
    assert search(site, *sent, secret) == []


def test_secrets_are_no_arguments(team: Site) -> None:
    """Nobody who lists processes sees a secret, also where they come from the environment."""
    team.environ["JCSYNC_CONNECTIONS__DEMO__PROVIDER__TOKEN"] = team.world.platform.token
    with team.daemon() as daemon:
        wait_for(lambda: team.world.platform.faults.traffic.total)
        arguments = Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()

    assert team.world.platform.token.encode() not in arguments
    assert team.world.jumpcloud.api_key.encode() not in arguments
    assert team.world.platform.token not in daemon.err


def test_no_option_takes_a_secret(site: Site) -> None:
    """There is no way to give a secret on the command line."""
    for command in ("check", "plan", "reconcile", "run"):
        text = site(command, "--help", config=False).out.lower()
        assert "--token" not in text
        assert "--api-key" not in text
        assert "--password" not in text


def test_token_goes_to_the_platform_only(team: Site) -> None:
    """Each side sees its own credentials, and a redirect sees none."""
    team.world.platform.faults.add(misfortunes.login(), nth=2, count=1)
    team("reconcile")
    team("reconcile")

    seen = "".join(str(r.headers) for r in team.world.jumpcloud.faults.traffic.log)
    assert team.world.platform.token not in seen
    seen = "".join(str(r.headers) for r in team.world.platform.faults.traffic.log)
    assert team.world.jumpcloud.api_key not in seen


def test_store_is_private(team: Site) -> None:
    """The store names people: nobody but its owner reads it."""
    for file in team.folder.glob("jcsync.db*"):
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_secret_in_an_exception_of_the_daemon(team: Site) -> None:
    """A failing daemon logs why, and no secret."""
    team.configure(provider={"token": "c4n4ry-t0k3n-1234"}, log={"level": "debug"})
    with team.daemon() as daemon:
        assert isinstance(daemon, Daemon)
        wait_for(lambda: team.json("runs", "--limit", "1")["runs"][0]["outcome"] == "failed")

    assert "401" in daemon.err
    assert "c4n4ry" not in daemon.err
