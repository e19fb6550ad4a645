"""Every exit status of the contract, for one connection and for several."""

import subprocess
import sys
from pathlib import Path

import pytest

from jcsync.model.resource import ProviderState
from jcsync.sandbox import misfortunes
from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.world import World
from jcsync.scim.client import ScimProvider
from jcsync.settings import sources
from tests.scenario.site import GROUP, Site, two_connections, wait_for


def test_0_when_nothing_is_to_do(team: Site) -> None:
    """Nothing to do is success, for every command that looks."""
    for command in ("plan", "reconcile", "check", "status", "runs", "changes", "holds"):
        assert team(command).status == 0, command
    assert team("plan", "--exit-code").status == 0


def test_0_for_a_plan_with_changes(team: Site) -> None:
    """A plan without ``--exit-code`` ends with 0 also when changes are due."""
    team.join("fay")

    assert team("plan").status == 0


def test_1_for_the_unexpected(team: Site) -> None:
    """A store that is no database ends with 1, and says which file."""
    (team.folder / "jcsync.db").write_bytes(b"this is no database" * 1000)
    for extra in ("jcsync.db-wal", "jcsync.db-shm"):
        (team.folder / extra).unlink(missing_ok=True)

    result = team("reconcile")

    assert result.status == 1
    assert "jcsync.db" in result.err
    assert "Traceback" not in result.text


@pytest.mark.parametrize("place", ["/proc/jcsync/jcsync.db", "jcsync.yaml/jcsync.db", "folder"])
def test_2_for_a_store_that_cannot_be_where_it_shall_be(team: Site, place: str) -> None:
    """The path is a setting: which one, and what is wrong with it."""
    (team.folder / "folder").mkdir()
    team.configure(store={"url": f"sqlite:///{team.folder / place}"})

    for args in (("reconcile",), ("status",), ("run",)):
        result = team(*args)
        assert result.status == 2, result.text
        assert "(store.url)" in result.err
        assert place in result.err
        assert "Traceback" not in result.text


def test_person_who_is_known_to_one_connection_only(site: Site) -> None:
    """He is provisioned there; the others say that they do not know him; 2 when none does."""
    second = World(platform=FastPlatform("second-token"))
    site.join("ann")
    with second:
        second.jumpcloud.state.create_group("Second")
        other = second.config(scope={"groups": ["Second"]})["connections"]["demo"]
        site.configure(connections={"second": other})

        planned = site("plan", "--user", "ann@example.com", "--out", "ann.json")
        result = site("reconcile", "--user", "ann@example.com", "--json")
        nowhere = site("reconcile", "--user", "zoe@example.com")

    assert planned.status == 0, planned.text
    assert "Saved as ann.json" in planned.out
    assert result.status == 0, result.text
    first, other_run = result.document["runs"]
    assert first["outcome"] == "applied"
    assert "nobody called" in other_run["error"]
    assert site.active == {"ann"}
    assert nowhere.status == 2


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(("nonsense",), id="unknown-command"),
        pytest.param(("plan", "--nonsense"), id="unknown-option"),
        pytest.param(("plan", "nonsense"), id="unknown-connection"),
        pytest.param(("reconcile", "nonsense"), id="unknown-connection-reconcile"),
        pytest.param(("status", "nonsense"), id="unknown-connection-status"),
        pytest.param(("explain", "demo"), id="missing-argument"),
        pytest.param(("approve", "first"), id="no-number"),
        pytest.param(("changes", "--since", "yesterdayish"), id="no-time"),
    ],
)
def test_2_for_usage(team: Site, args: tuple[str, ...]) -> None:
    """A command that means nothing ends with 2 and says so on standard error."""
    result = team(*args)

    assert result.status == 2
    assert result.out == ""
    assert result.err
    assert "Traceback" not in result.err


def test_2_for_settings(team: Site) -> None:
    """Wrong settings end with 2 before anything connects."""
    team.config.write_text("connections: [", encoding="utf-8")

    assert team("reconcile").status == 2
    assert team.world.jumpcloud.faults.traffic.total == 0


def test_3_when_some_changes_failed(team: Site) -> None:
    """One refused change ends with 3, the others are made."""
    team.join("fay", "gus")
    team.world.platform.faults.add(misfortunes.fail(400, "no"), method="POST")

    result = team("reconcile", "--json")

    assert result.status == 3
    assert result.run["outcome"] == "partial"
    assert len(team.names) == 6
    assert team("reconcile").status == 0
    assert len(team.names) == 7


def test_4_when_a_plan_is_held(team: Site) -> None:
    """Beyond limits: 4, for a run and for a plan with ``--exit-code``."""
    team.world.jumpcloud.state.remove_member(GROUP, "ann", "bob", "cid")

    assert team("plan").status == 0
    assert team("plan", "--exit-code").status == 4
    assert team("reconcile").status == 4


def test_5_while_another_run_holds_the_lease(team: Site) -> None:
    """A second run of the same connection ends at once and names who holds it."""
    team.join("fay")
    team.world.platform.faults.add(misfortunes.delay(3), method="POST", count=None)
    first = team.start("reconcile")
    wait_for(lambda: team.world.platform.faults.traffic.writes)

    result = team("reconcile", "--json")

    assert result.status == 5
    assert str(first.pid) in result.run["error"]
    assert result.run["outcome"] == "failed"
    assert team("plan").status == 0, "a plan needs no lease"
    first.communicate(timeout=30)
    assert first.returncode == 0
    assert team.names.count("fay") == 1


def test_6_when_a_side_cannot_be_read(team: Site) -> None:
    """A refused key is a side that could not be read."""
    team.world.jumpcloud.api.revoke_key(team.world.jumpcloud.api_key)

    assert team("reconcile").status == 6
    assert team("plan").status == 6
    assert team("plan", "--exit-code").status == 6


def test_6_when_a_side_is_read_in_part(team: Site) -> None:
    """A total that does not add up is a part; what is sure is done all the same."""
    team.join("fay")
    team.world.jumpcloud.faults.add(misfortunes.no_total(), path="/membership", count=None)

    result = team("reconcile", "--json")

    assert result.status == 6
    assert result.run["complete"] == {"directory": False, "provider": True}
    assert "fay" in team.active
    assert team("plan").status == 6


def test_10_when_changes_are_due(team: Site) -> None:
    """``plan --exit-code`` tells a script that something is to do."""
    team.join("fay")

    assert team("plan", "--exit-code").status == 10
    assert team("plan", "--exit-code", "--json").status == 10
    assert team("plan", "--exit-code", "--user", "ann").status == 0


def test_several_connections_end_with_the_first_that_applies(site: Site) -> None:
    """Of in-step, changes due, held and unreadable connections the worst is told."""
    two_connections(site)
    site.join("ann", "bob", "cid")
    site.join("xan", group="Second")
    assert site("reconcile").status == 0

    site.join("dora")
    assert site("plan", "--exit-code").status == 10
    assert site("plan", "second", "--exit-code").status == 0

    site.world.jumpcloud.state.remove_member(GROUP, "ann", "bob", "cid")
    assert site("plan", "--exit-code").status == 4
    assert site("reconcile").status == 4

    two_connections(site, provider={"token": "wrong-token"})
    result = site("reconcile", "--json")
    assert result.status == 6
    assert [run["outcome"] for run in result.document["runs"]] == ["held", "failed"]


def test_a_broken_connection_does_not_stop_the_next(site: Site) -> None:
    """The second connection is run although the first one cannot be."""
    two_connections(site)
    site.join("ann")
    site.join("xan", group="Second")
    site.configure(scope={"groups": ["No such group"]})
    two_connections(site, first={"scope": {"groups": ["No such group"]}})

    result = site("reconcile", "--json")

    assert result.status == 2
    assert [run["outcome"] for run in result.document["runs"]] == ["failed", "applied"]
    assert site.active == {"xan"}


def test_connection_that_cannot_be_built_does_not_stop_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Certificates that vanish once the settings are read are one failed run, not the end of all."""
    (site.folder / "ca.pem").write_text("no certificate", encoding="utf-8")
    broken = {"ca_file": str(site.folder / "ca.pem"), "base_url": "https://127.0.0.1:9/scim"}
    two_connections(site, first={"provider": broken})
    site.join("xan", group="Second")
    monkeypatch.setattr(sources, "authorities_problem", lambda _: "")

    result = site.here("reconcile", "--json")

    assert result.status == 2
    first, second = result.document["runs"]
    assert (first["outcome"], second["outcome"]) == ("failed", "applied")
    assert "ca.pem" in first["error"]
    assert "no certificate" in first["error"]
    assert "SSL" not in first["error"]
    assert first["plan"] is None
    assert "ca.pem" in site.here("reconcile").out


def test_fault_of_ours_is_one_failed_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw ends with 1, in one line; the next connection is run."""
    two_connections(site)
    site.join("ann")
    site.join("xan", group="Second")
    find = ScimProvider.fetch_state

    def fail_once(*_: object, **__: object) -> ProviderState:
        monkeypatch.setattr(ScimProvider, "fetch_state", find)
        message = "unforeseen"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(ScimProvider, "fetch_state", fail_once)

    result = site.here("reconcile", "--json")

    assert result.status == 1
    first, second = result.document["runs"]
    assert (first["outcome"], second["outcome"]) == ("failed", "applied")
    assert "unforeseen" in first["error"]
    assert "Traceback" not in result.text


def test_check_ends_with_2_for_what_the_settings_cause(team: Site) -> None:
    """A group that does not exist is the fault of the settings."""
    team.configure(scope={"groups": ["Keepnet User"]})

    assert team("check").status == 2


def test_check_ends_with_6_for_a_dead_platform(team: Site) -> None:
    """What no setting causes is 6."""
    team.world.platform.faults.add(misfortunes.fail(503), count=None)

    assert team("check").status == 6


def test_status_of_the_process_is_the_status_of_the_command(team: Site) -> None:
    """The entry point and ``python -m jcsync`` end alike."""
    team.join("fay")

    assert team.process("plan", "--exit-code").status == 10
    script = subprocess.run(
        [str(_script()), "plan", "--exit-code", "--config", str(team.config)],
        capture_output=True,
        check=False,
    )
    assert script.returncode == 10


def _script() -> object:
    from pathlib import Path  # noqa: PLC0415

    return Path(sys.executable).with_name("jcsync")


def redirected(site: Site, where: str, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run a command whose output a shell sends somewhere else."""
    command = [sys.executable, "-m", "jcsync", *args, "--config", str(site.config)]
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {where}', "sh", *command],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("form", ["--json", "--verbose"])
def test_1_where_the_output_cannot_be_written(team: Site, form: str) -> None:
    """A report on a full disk is told in one line, and is not taken for a fault of jcsync."""
    team.join("fay")

    result = redirected(team, ">/dev/full", "reconcile", "--quiet", form)

    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("jcsync: the output cannot be written: No space left on device")
    assert "Traceback" not in result.stderr
    assert "fault of jcsync" not in result.stderr
    assert "fay" in team.active


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_log_that_cannot_be_written_stops_nothing(team: Site) -> None:
    """Neither a run nor what its exit status says."""
    team.join("fay")

    done = redirected(team, "2>/dev/full", "reconcile")

    assert done.returncode == 0
    assert "1 applied" in done.stdout
    assert "fay" in team.active
    assert redirected(team, ">/dev/full 2>&1", "plan", "nobody").returncode == 2
    assert redirected(team, ">/dev/full 2>&1", "plan", "--jsn").returncode == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_closed_output_is_nowhere(team: Site, closed: str) -> None:
    """As some starters of jobs leave it."""
    team.join("fay")

    result = redirected(team, closed, "reconcile", "--json")

    assert result.returncode == 0, result.stderr
    assert "fay" in team.active
    assert "Traceback" not in result.stderr
