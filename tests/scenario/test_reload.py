"""A daemon takes up new settings and secrets while it runs."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Daemon, Site, two_connections, wait_for
from tests.scenario.test_daemon import SHORTEST, fetch, free_port, is_up, metric, serve

REBORN = "reborn-token-of-the-platform"


@pytest.fixture
def port() -> int:
    """Where the daemon of a test listens."""
    return free_port()


def token_in_a_file(site: Site, token: str, **overrides: object) -> Path:
    """Keep the platform's token in a file, as an administrator would."""
    path = site.folder / "token"
    path.write_text(token, encoding="utf-8")
    path.chmod(0o600)
    tree = yaml.safe_load(site.configure(**overrides).read_text(encoding="utf-8"))
    provider = tree["connections"]["demo"]["provider"]
    del provider["token"]
    provider["token_file"] = str(path)
    site.config.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def test_token_is_rotated_without_a_restart(team: Site, port: int) -> None:
    """A new token in its file is taken up, and the connection runs at once."""
    hourly = {"schedule": {"every": "1h"}, "http": {"enabled": True, "bind": f"127.0.0.1:{port}"}}
    path = token_in_a_file(team, "revoked-token", **hourly)
    team.join("fay")
    with team.daemon() as daemon:
        wait_for(lambda: team.json("runs")["runs"][0]["outcome"] == "failed")
        path.write_text(team.world.platform.token, encoding="utf-8")
        wait_for(lambda: "fay" in team.active)
        wait_for(lambda: fetch(port, "/readyz").status_code == 200)

    assert "settings reloaded" in [event["event"] for event in daemon.events]
    assert "revoked-token" not in daemon.err
    assert team.world.platform.token not in daemon.err


def test_wrong_settings_change_nothing_and_are_told(team: Site, port: int) -> None:
    """The daemon goes on as before, says all that is wrong, and takes the corrected file."""
    serve(team, port, **SHORTEST)
    right = team.config.read_text(encoding="utf-8")
    with team.daemon() as daemon:
        wait_for(lambda: is_up(port))
        assert metric(port, "jcsync_config_last_reload_successful") == {"": 1.0}
        team.config.write_text("connections: {demo: {scoop: {}}}", encoding="utf-8")
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: metric(port, "jcsync_config_last_reload_successful") == {"": 0.0})
        answer = fetch(port, "/readyz")
        assert answer.status_code == 200
        assert "new ones are wrong" in answer.text
        team.join("fay")
        wait_for(lambda: "fay" in team.active)
        team.config.write_text(right, encoding="utf-8")
        wait_for(lambda: metric(port, "jcsync_config_last_reload_successful") == {"": 1.0})
        assert fetch(port, "/readyz").text == "ok\n"

    refused = [e for e in daemon.events if "new settings are wrong" in e["event"]]
    assert len(refused) == 1
    assert any("scoop" in line for line in refused[0]["problems"])


def test_connections_come_and_go(site: Site, port: int) -> None:
    """One that is added runs at once; one that is removed runs no more, and is not measured."""
    site.join("ann")
    site.join("xan", group="Second")
    serve(site, port)
    with site.daemon():
        wait_for(lambda: site.active == {"ann"})
        two_connections(
            site,
            first={"enabled": False, "http": {"enabled": True, "bind": f"127.0.0.1:{port}"}},
        )
        wait_for(lambda: site.active == {"ann", "xan"})
        wait_for(lambda: list(metric(port, "jcsync_holds")) == ['{connection="second"}'])


def test_no_connection_is_left(team: Site) -> None:
    """Settings by which nothing would run are not taken up."""
    with team.daemon() as daemon:
        wait_for(lambda: team.json("runs")["runs"][0]["trigger"] == "schedule")
        team.configure(enabled=False)
        daemon.process.send_signal(signal.SIGHUP)
        # It lives on, and takes up the next settings.
        team.configure(scope={"groups": [GROUP]}, groups={"enabled": True})
        wait_for(team.world.platform.groups)


def test_run_under_way_ends_with_its_old_settings(site: Site) -> None:
    """New settings count for the next run, which follows at once."""
    site.join(*(f"p{n:02}" for n in range(12)))
    site.world.platform.faults.add(misfortunes.delay(1.0), method="POST", count=12)
    site.configure(schedule={"every": "1h"}, provider={"concurrency": 2})
    with site.daemon() as daemon:
        wait_for(lambda: site.names)
        site.configure(schedule={"every": "1h"}, policy={"on_suspend": "keep"})
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(site.json("runs")["runs"]) == 2)
        wait_for(lambda: site.json("runs")["runs"][0]["outcome"])

    assert [run["outcome"] for run in site.json("runs")["runs"]] == ["in_sync", "applied"]
    assert len(set(site.names)) == len(site.names) == 12


def test_settings_that_need_a_restart(team: Site, port: int) -> None:
    """Where the daemon listens changes at the next start, and it says so."""
    at = "jcsync_config_last_reload_success_timestamp_seconds"
    serve(team, port)
    with team.daemon() as daemon:
        wait_for(lambda: is_up(port))
        before = metric(port, at)
        serve(team, free_port())
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: metric(port, at) != before)

    warned = [e for e in daemon.events if e["event"].startswith("takes effect at the next start")]
    assert warned[0]["setting"] == "http"


def test_second_signal_ends_it_at_once(site: Site) -> None:
    """Who asks twice does not wait for the calls under way."""
    site.join("ann")
    site.world.platform.faults.add(misfortunes.delay(30), method="POST", count=None)
    with site.daemon() as daemon:
        wait_for(lambda: site.world.platform.faults.traffic.writes)
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)  # noqa: TID251 - two signals at the same time may arrive as one
        assert daemon.end() == 128 + signal.SIGTERM

    assert time.monotonic() - began < 5


def test_systemd_is_told(team: Site) -> None:
    """Ready when it works, alive, reloading and ready again, stopping."""
    address = team.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(address))
        listener.settimeout(20)
        team.environ.update(NOTIFY_SOCKET=str(address), WATCHDOG_USEC="10000000")
        with team.daemon() as daemon:
            first = listener.recv(4096).decode()
            assert first.startswith("READY=1\nSTATUS=connections: demo")
            assert listener.recv(4096) == b"WATCHDOG=1"
            daemon.process.send_signal(signal.SIGHUP)
            heard = [first]
            while not heard[-1].startswith("READY=1") or len(heard) == 1:
                heard.append(listener.recv(4096).decode())
            assert any(text.startswith("RELOADING=1\nMONOTONIC_USEC=") for text in heard)
        listener.settimeout(0)
        last = b""
        while not last.startswith(b"STOPPING=1"):
            last = listener.recv(4096)


def can_be_process_1() -> bool:
    """Whether this user may make a namespace of processes."""
    command = ["unshare", "--fork", "--pid", "--mount-proc", "true"]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_be_process_1(), reason="needs unshare and the right to use it")
def test_as_process_1(team: Site) -> None:
    """In a container without an init: it obeys signals and leaves no dead processes behind."""
    started = subprocess.Popen(
        [
            *("unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "sh", "-c"),
            # The shell becomes jcsync, which inherits a process that ends a second later.
            f'sleep 1 & exec "{sys.executable}" -m jcsync run --config "$0"',
            str(team.config),
        ],
        cwd=team.folder,
        env={**os.environ, **team.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    daemon = Daemon(started)
    try:
        wait_for(lambda: children_of(started.pid))
        (inner,) = children_of(started.pid)
        wait_for(lambda: team.json("runs")["runs"][0]["trigger"] == "schedule")
        wait_for(lambda: not children_of(inner))
        os.kill(inner, signal.SIGTERM)
        wait_for(lambda: started.poll() is not None)
    finally:
        daemon.end()

    assert daemon.status == 0
    assert daemon.events[-1]["event"] == "stopped"


def children_of(pid: int) -> list[int]:
    """The children of a process, the dead ones that nobody waited for among them."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(number) for number in text.split()]
