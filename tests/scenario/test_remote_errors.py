"""What a person is told when a side is not as it should be."""

import re
import socket

import pytest

from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Fault
from tests.scenario.site import GROUP, Json, Site

SIDES = ["jumpcloud", "platform"]


def failure(site: Site, *, status: int = 6, command: str = "reconcile") -> str:
    """Return the one line that a run fails with; nothing was written, and no traceback shown."""
    site.world.platform.faults.traffic.clear()
    result = site(command, "--json")
    assert result.status == status, result.text
    assert "Traceback" not in result.text
    assert not [w for w in site.world.platform.faults.traffic.writes if w.applied]
    error = result.run["error"]
    assert error
    assert "\n" not in error
    shown = " ".join(site(command).out.split())
    assert " ".join(error.split())[:60] in shown
    assert "Nothing was written." in shown
    return str(error)


def closed_port() -> int:
    """A port of this computer at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def spoil(site: Site, side: str, fault: Fault, path: str = "") -> None:
    """Let every request to a side meet a fault."""
    getattr(site.world, side).faults.add(fault, path=path, count=None)


def names_side(error: str, side: str, site: Site) -> None:
    """Check that an error says which side it was, and its host."""
    assert ("JumpCloud" in error) == (side == "jumpcloud"), error
    assert ("platform" in error) == (side == "platform"), error
    host = getattr(site.world, side).url.split("/")[2]
    assert host in error, error


def test_wrong_key(team: Site) -> None:
    """A refused key names the connection, the setting, the region, and how a key gets access."""
    team.configure(directory={"api_key": "jca_wrong"})

    error = failure(team)
    names_side(error, "jumpcloud", team)
    assert "401" in error
    assert "API key" in error
    assert "demo" in error
    assert "region" in error
    assert "jca_wrong" not in error


def test_wrong_token(team: Site) -> None:
    """A refused token names the connection and what to do."""
    (team.folder / "token").write_text("wrong-token", encoding="utf-8")
    (team.folder / "token").chmod(0o600)
    team.configure(provider={"token": None, "token_file": "token"})

    error = failure(team)
    names_side(error, "platform", team)
    assert "401" in error
    assert "token" in error
    assert "demo" in error
    assert str(team.folder / "token") in error or "(from token)" in error
    assert "wrong-token" not in error


def test_wrong_service_account(team: Site) -> None:
    """Refused client credentials name both of their settings."""
    team.configure(directory={"api_key": None, "client_id": "me", "client_secret": "wrong-secret"})

    error = failure(team)
    assert "client_id" in error
    assert "client_secret" in error
    assert "wrong-secret" not in error


def test_wrong_region(team: Site) -> None:
    """A key of another region is refused like a wrong one, and the region is mentioned."""
    spoil(team, "jumpcloud", misfortunes.fail(401, "Unauthorized"))

    assert "directory.region" in failure(team)


def test_unknown_group_with_near_matches(team: Site) -> None:
    """A group that does not exist is answered with those whose names are near."""
    team.configure(scope={"groups": ["keepnet user"]})

    error = failure(team, status=2)
    assert "'keepnet user'" in error
    assert "scope.groups" in error
    assert f"did you mean {GROUP!r}" in error


def test_all_unknown_groups_at_once(team: Site) -> None:
    """Two mistakes are told in one run."""
    team.configure(scope={"groups": ["Alpha", GROUP, "Beta"]})

    error = failure(team, status=2)
    assert "Alpha" in error
    assert "Beta" in error


def test_ambiguous_group(team: Site) -> None:
    """Two groups of one name: never a guess, both ids are named."""
    other = team.world.jumpcloud.state.create_group(GROUP)

    error = failure(team, status=2)
    assert other.id in error
    assert team.world.jumpcloud.state.group(GROUP).id in error


def test_group_by_id(team: Site) -> None:
    """An id chooses one of two groups of one name."""
    team.world.jumpcloud.state.create_group(GROUP)
    team.configure(scope={"groups": [team.world.jumpcloud.state.group(GROUP).id]})

    assert team("reconcile", "--json").run["outcome"] == "in_sync"


def test_unknown_application(team: Site) -> None:
    """Likewise for an application."""
    team.world.jumpcloud.state.create_application("Keepnet")
    team.configure(scope={"groups": [], "application": "Kepnet"})

    error = failure(team, status=2)
    assert "did you mean 'Keepnet'" in error
    assert "scope.application" in error


def test_several_organisations(team: Site) -> None:
    """A key that sees several organisations needs ``directory.org_id``; all are listed."""
    api = team.world.jumpcloud.api
    other = api.add_organization("Other Ltd")
    key = api.issue_key(api.state.id, other.id)
    team.configure(directory={"api_key": key})

    error = failure(team, status=2)
    assert "directory.org_id" in error
    assert other.id in error
    assert "Other Ltd" in error
    assert api.state.id in error

    team.configure(directory={"api_key": key, "org_id": api.state.id})
    assert team("reconcile", "--json").run["outcome"] == "in_sync"


def test_organisation_that_changes_under_a_connection(team: Site) -> None:
    """A key of another organisation would deactivate everybody: refused."""
    api = team.world.jumpcloud.api
    other = api.add_organization("Other Ltd")
    team.configure(directory={"api_key": api.issue_key(other.id)})

    error = failure(team, status=2)
    assert other.id in error
    assert api.state.id in error


@pytest.mark.parametrize("side", SIDES)
def test_dead_host(team: Site, side: str) -> None:
    """A side at which nobody listens is named with host, port and setting."""
    port = closed_port()
    section, path = ("directory", "") if side == "jumpcloud" else ("provider", "/scim/v2")
    team.configure(**{section: {"base_url": f"http://127.0.0.1:{port}{path}"}})

    result = team("reconcile", "--json")

    assert result.status == 6
    error = result.run["error"]
    assert f"127.0.0.1:{port}" in error
    assert f"{section}.base_url" in error
    assert "refused" in error.lower()


@pytest.mark.parametrize("side", SIDES)
def test_host_that_does_not_exist(team: Site, side: str) -> None:
    """A mistyped host is not found, and its setting is named."""
    section = "directory" if side == "jumpcloud" else "provider"
    team.configure(**{section: {"base_url": "https://scim.example.invalid/scim"}})

    result = team("check", "--json")

    assert result.status in (2, 6)
    (failed,) = [s for s in result.document["checks"][0]["steps"] if s["status"] == "failed"]
    assert "scim.example.invalid" in failed["message"]
    assert f"{section}.base_url" in failed["message"]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("status", [200, 404])
def test_web_page_instead_of_json(team: Site, side: str, status: int) -> None:
    """A web page, of whatever status, is no answer, and the base URL is what to look at."""
    spoil(team, side, misfortunes.page(status, "Welcome to nginx!"))

    error = failure(team)
    names_side(error, side, team)
    assert "HTML" in error
    assert "Welcome to nginx!" in error
    assert "base URL" in error or "base_url" in error


@pytest.mark.parametrize("side", SIDES)
def test_redirect_to_a_login_page(team: Site, side: str) -> None:
    """A redirect is never followed, and what it means is told."""
    spoil(team, side, misfortunes.login())

    error = failure(team)
    names_side(error, side, team)
    assert "/login" in error
    assert "redirect" in error
    assert not [r for r in getattr(team.world, side).faults.traffic.log if "/login" in r.path]


@pytest.mark.parametrize("side", SIDES)
def test_truncated_json(team: Site, side: str) -> None:
    """Half a document is not the whole, however valid its headers."""
    path = "/systemusers" if side == "jumpcloud" else "/Users"
    spoil(team, side, misfortunes.cut_json(0.5), path)

    error = failure(team)
    names_side(error, side, team)
    assert "JSON" in error


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "body", [{}, [], None, {"error": "ok"}, {"results": "none"}, {"Resources": 7}, "text", 0]
)
def test_json_of_another_shape(team: Site, side: str, body: object) -> None:
    """JSON that is no list of users removes nobody and is reported."""
    path = "/systemusers" if side == "jumpcloud" else "/Users"
    spoil(team, side, misfortunes.rewrite(lambda _: body), path)

    result = team("reconcile", "--json")

    assert "Traceback" not in result.text
    assert len(team.active) == 5
    if result.status != 6:
        assert (side, body) in (("platform", {}), ("jumpcloud", []))
        pytest.fail(f"believed: {result.status} {result.run['error']}")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("retry_after", [0, 1])
def test_throttling_is_waited_out(team: Site, side: str, retry_after: int) -> None:
    """A few answers 429 cost time and nothing else."""
    getattr(team.world, side).faults.add(misfortunes.throttle(retry_after), count=2)
    team.join("fay")

    result = team("reconcile")

    assert result.status == 0, result.text
    assert team.names == ["ann", "bob", "cid", "dora", "emil", "fay"]


def test_throttling_by_date(team: Site) -> None:
    """``Retry-After`` may be a date."""
    team.world.jumpcloud.faults.add(misfortunes.throttle_until(1), count=1)

    assert team("reconcile").status == 0


@pytest.mark.parametrize("side", SIDES)
def test_throttling_without_a_time(team: Site, side: str) -> None:
    """Without ``Retry-After`` the wait is our own."""
    getattr(team.world, side).faults.add(misfortunes.throttle(), count=1)

    assert team("reconcile").status == 0


def test_throttled_create_is_not_doubled(site: Site) -> None:
    """Creates that are told to slow down are repeated, and no account is there twice."""
    site.join("ann", "bob", "cid", "dora")
    site.world.platform.faults.add(misfortunes.throttle(0), method="POST", count=4)

    assert site("reconcile").status == 0
    assert site.names == ["ann", "bob", "cid", "dora"]


@pytest.mark.parametrize("side", SIDES)
def test_error_500_once(team: Site, side: str) -> None:
    """One failure of a server is repeated without a word."""
    getattr(team.world, side).faults.add(misfortunes.fail(500), count=1)

    assert team("reconcile").status == 0


def test_error_500_for_ever(team: Site) -> None:
    """A server that never answers well is unreadable; its own words are quoted."""
    spoil(team, "jumpcloud", misfortunes.fail(503, "down for maintenance"))

    result = team("check", "--json")

    assert result.status == 6
    (failed,) = [s for s in result.document["checks"][0]["steps"] if s["status"] == "failed"]
    assert "503" in failed["message"]
    assert "down for maintenance" in failed["message"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    "fault",
    [misfortunes.lose_answer(), misfortunes.fail_after(500), misfortunes.lose_answer(reset=True)],
    ids=["lost", "500", "reset"],
)
def test_lost_answer_to_a_write(team: Site, method: str, fault: Fault) -> None:
    """A write whose answer is lost is looked up before it is repeated: it is there once."""
    team.join("fay")
    team.world.jumpcloud.state.change("ann", department="Sales")
    team.world.platform.faults.add(fault, method=method)

    result = team("reconcile")

    assert result.status == 0, result.text
    assert team.names == ["ann", "bob", "cid", "dora", "emil", "fay"]
    assert len([w for w in team.writes if w.method == method and w.applied]) == 1


def test_key_without_a_right(team: Site) -> None:
    """403 names what is not permitted, and does not count as an empty list."""
    key = team.world.jumpcloud.api.issue_key(denied="/systemusers")
    team.configure(directory={"api_key": key})

    error = failure(team)
    names_side(error, "jumpcloud", team)
    assert "403" in error
    assert "/systemusers" in error
    assert len(team.active) == 5


def test_key_that_may_not_read_one_group(team: Site) -> None:
    """403 for the members of a group is an incomplete read: nobody is deactivated."""
    key = team.world.jumpcloud.api.issue_key(denied="/membership")
    team.configure(directory={"api_key": key})

    result = team("reconcile", "--json")

    assert result.status == 6
    assert len(team.active) == 5
    assert result.run["complete"]["directory"] is False


def test_platform_that_is_read_only(team: Site) -> None:
    """403 to a write stops the run: the next calls would fail alike."""
    team.join("fay", "gus")
    team.world.platform.faults.add(misfortunes.fail(403, "read only"), method="POST", count=None)

    result = team("reconcile", "--json")

    assert result.status == 3
    assert "read only" in result.text
    assert len(team.names) == 5


def test_base_url_that_is_not_the_scim_root(team: Site) -> None:
    """404 to the first request means a wrong base URL, and the error says so."""
    team.configure(provider={"base_url": team.world.platform.url.removesuffix("/v2")})

    error = failure(team)
    names_side(error, "platform", team)
    assert "404" in error
    assert "provider.base_url" in error


def test_platform_error_is_quoted_without_control_characters(team: Site) -> None:
    """What a server says is shown in one line, and cannot steer the terminal."""
    spoil(team, "platform", misfortunes.fail(400, "bad\x1b[31m\r\nthing\u202e"))

    result = team("reconcile")

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.out + result.err)


def test_every_error_is_logged_with_its_run(team: Site) -> None:
    """The log has the error once, bound to connection and run."""
    team.configure(provider={"token": "wrong-token"})

    result = team("reconcile")

    lines = [line for line in result.err.splitlines() if '"level": "error"' in line]
    assert len(lines) == 1
    assert '"run_id"' in lines[0]
    assert '"connection": "demo"' in lines[0]


def test_check_names_every_step(team: Site) -> None:
    """``check`` tells which step failed and which were not tried."""
    team.configure(provider={"token": "wrong-token"})

    result = team("check")
    document: Json = team("check", "--json").document

    steps = {(s["side"], s["step"]): s["status"] for s in document["checks"][0]["steps"]}
    assert steps[("JumpCloud", "people readable")] == "passed"
    assert steps[("Platform", "reachable, token accepted")] == "failed"
    assert steps[("Platform", "listing can be trusted")] == "skipped"
    assert "✗" in result.out
    assert "Correct what is marked" in result.out
    assert team.writes == []
