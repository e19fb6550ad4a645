"""``jcsync run``: first run at once, then by schedule, until it is told to stop."""

import json
import signal
import socket

import pytest
import requests

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Site, two_connections, wait_for

SHORTEST = {"schedule": {"every": "10s", "jitter": "0%"}}


def free_port() -> int:
    """A port of this computer at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def port() -> int:
    """Where the daemon of a test listens."""
    return free_port()


def serve(site: Site, port: int, **overrides: object) -> None:
    """Configure a daemon that listens."""
    site.configure(http={"enabled": True, "bind": f"127.0.0.1:{port}"}, **overrides)


def fetch(port: int, path: str) -> requests.Response:
    """Ask the daemon."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"http://127.0.0.1:{port}{path}", timeout=5)


def is_up(port: int) -> bool:
    """Tell whether the daemon answers."""
    try:
        return fetch(port, "/healthz").ok
    except requests.ConnectionError:
        return False


def metric(port: int, name: str) -> dict[str, float]:
    """The values of a metric by its labels, as they are written."""
    lines = fetch(port, "/metrics").text.splitlines()
    found = [line for line in lines if line.startswith((f"{name}{{", f"{name} "))]
    return {
        line.rpartition(" ")[0].removeprefix(name): float(line.rpartition(" ")[2]) for line in found
    }


def test_first_run_is_at_once(site: Site) -> None:
    """Who starts the daemon does not wait for the first interval."""
    site.join("ann", "bob")
    with site.daemon() as daemon:
        wait_for(lambda: site.active == {"ann", "bob"})

    assert daemon.status == 0
    assert daemon.out == ""
    assert daemon.events[0]["event"] == "started"
    assert daemon.events[-1]["event"] == "stopped"
    assert site.json("runs")["runs"][0]["trigger"] == "schedule"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_within_seconds(team: Site, number: int) -> None:
    """A service manager that asks is obeyed with status 0."""
    with team.daemon() as daemon:
        wait_for(lambda: team.world.jumpcloud.faults.traffic.total)
        assert daemon.end(number) == 0

    assert daemon.seconds < 10
    assert "Traceback" not in daemon.err


def test_signal_during_a_run(site: Site) -> None:
    """A run under way ends after the calls that it is making; the next start does the rest."""
    site.join(*(f"p{n:02}" for n in range(40)))
    site.world.platform.faults.add(misfortunes.delay(0.4), method="POST", count=None)
    with site.daemon() as daemon:
        wait_for(lambda: len(site.names) > 2)
        assert daemon.end() == 0

    assert daemon.seconds < 12
    assert 2 < len(site.names) < 40
    assert site.json("runs")["runs"][0]["outcome"] == "partial"
    site.world.platform.faults.clear()
    assert site("reconcile").status == 0
    assert len(set(site.names)) == len(site.names) == 40


def test_probes_and_metrics(team: Site, port: int) -> None:
    """/healthz, /readyz and /metrics answer, and count what the run did."""
    serve(team, port)
    team.join("fay")
    with team.daemon():
        wait_for(lambda: is_up(port))
        wait_for(lambda: metric(port, "jcsync_runs_total"))

        assert fetch(port, "/readyz").status_code == 200
        assert fetch(port, "/nothing").status_code == 404
        assert metric(port, "jcsync_runs_total") == {'{connection="demo",outcome="applied"}': 1.0}
        changes = metric(port, "jcsync_changes_total")
        assert list(changes.values()) == [1.0]
        assert 'action="create"' in next(iter(changes))
        assert 'status="applied"' in next(iter(changes))
        requests_sent = metric(port, "jcsync_requests_total")
        assert {'side="directory"' in labels for labels in requests_sent} == {True, False}
        for name in (
            "jcsync_last_run_duration_seconds",
            "jcsync_last_success_timestamp_seconds",
            "jcsync_managed_accounts",
            "jcsync_holds",
        ):
            assert metric(port, name), name
        assert metric(port, "jcsync_managed_accounts") == {'{connection="demo"}': 6.0}
        assert team.world.platform.token not in fetch(port, "/metrics").text


def test_next_run_is_in_the_status(team: Site) -> None:
    """While the daemon runs, other processes see when a connection is due; then no more."""
    with team.daemon():
        wait_for(lambda: team.json("status")["connections"][0]["next_run"])
        assert "next run" in team("status").out
    (connection,) = team.json("status")["connections"]
    assert connection["next_run"] is None
    assert connection["throttled"] == 0


def test_change_is_applied_at_the_next_interval(team: Site) -> None:
    """A joiner and a leaver arrive without anybody's doing."""
    team.configure(**SHORTEST)
    with team.daemon():
        wait_for(lambda: team.json("runs", "--limit", "1")["runs"][0]["trigger"] == "schedule")
        team.join("fay")
        team.world.jumpcloud.state.suspend("ann")
        wait_for(lambda: team.active == {"bob", "cid", "dora", "emil", "fay"})


def test_broken_connection_does_not_stop_another(site: Site, port: int) -> None:
    """One connection fails at every interval, and is not ready; the other goes on."""
    site.join("ann")
    site.join("xan", group="Second")
    two_connections(
        site,
        first={
            "provider": {"token": "wrong-token"},
            "http": {"enabled": True, "bind": f"127.0.0.1:{port}"},
        },
    )
    with site.short_intervals():
        wait_for(lambda: site.active == {"xan"})
        site.join("yan", group="Second")
        wait_for(lambda: site.active == {"xan", "yan"})
        wait_for(lambda: fetch(port, "/readyz").status_code == 503)
        assert "demo" in fetch(port, "/readyz").text
        assert "second" not in fetch(port, "/readyz").text
        lag = metric(port, "jcsync_lag_seconds")
        assert lag['{connection="demo"}'] > 2 > lag['{connection="second"}']
        assert fetch(port, "/healthz").status_code == 200


def test_held_plan_does_not_stop_it(team: Site, port: int) -> None:
    """A hold waits, is counted, and is approved while the daemon runs."""
    serve(team, port)
    with team.short_intervals():
        wait_for(lambda: is_up(port))
        team.world.jumpcloud.state.remove_member(GROUP, "ann", "bob", "cid")
        wait_for(lambda: list(metric(port, "jcsync_holds").values()) == [1.0])
        (hold,) = team.json("holds")["holds"]
        wait_for(lambda: team("approve", str(hold["id"])).status != 5)
        assert team.active == {"dora", "emil"}
        wait_for(lambda: list(metric(port, "jcsync_holds").values()) == [0.0])


def test_port_in_use(team: Site, port: int) -> None:
    """Another process at http.bind is named by its setting, and nothing has run."""
    serve(team, port)
    with socket.create_server(("127.0.0.1", port)):
        result = team.process("run")

    assert result.status == 2
    assert "http.bind" in result.err
    assert f"127.0.0.1:{port}" in result.err
    assert "in use" in result.err
    assert "Traceback" not in result.err
    assert team.world.platform.faults.traffic.total == 0


def test_wrong_settings(team: Site) -> None:
    """A daemon does not start with wrong settings."""
    team.config.write_text("connections: {demo: {}}", encoding="utf-8")

    assert team.process("run").status == 2


def test_no_enabled_connection(team: Site) -> None:
    """A daemon with nothing to do says so instead of sleeping for ever."""
    team.configure(enabled=False)

    assert team.process("run").status == 2


def test_side_that_is_down_at_the_start(team: Site) -> None:
    """The daemon starts before the platform does, and catches up."""
    rule = team.world.platform.faults.add(misfortunes.fail(400), count=None)
    team.join("fay")
    with team.short_intervals():
        wait_for(lambda: rule.hits > 1)
        team.world.platform.faults.clear()
        wait_for(lambda: "fay" in team.active)


def test_start_that_a_long_run_leaves_out_is_told(team: Site) -> None:
    """A run that outlasts its interval is named, in words of ours and not of the scheduler's."""
    rule = team.world.platform.faults.add(misfortunes.delay(3), count=1)
    with team.short_intervals() as log:
        wait_for(lambda: "still runs" in log.getvalue())
        team.world.platform.faults.clear()
    events = [json.loads(line) for line in log.getvalue().splitlines()]

    assert rule.hits == 1
    assert {e["connection"] for e in events if "still runs" in e["event"]} == {"demo"}
    assert not [e for e in events if "logger" in e]


def test_connection_that_fails_is_tried_less_often(team: Site) -> None:
    """Each failure in a row doubles the wait, the log says so, and it recovers by itself."""
    team.world.platform.faults.add(misfortunes.fail(401), count=None)
    team.join("fay")
    with team.short_intervals() as log:
        wait_for(lambda: log.getvalue().count("backing off") == 3)
        events = [json.loads(line) for line in log.getvalue().splitlines()]
        waits = [e["next_try_s"] for e in events if e["event"] == "backing off"]
        team.world.platform.faults.clear()
        wait_for(lambda: "recovered" in log.getvalue())

    assert waits == [1, 2, 4]


def test_two_daemons(site: Site) -> None:
    """Two of them never write at once: together they make each account once."""
    site.join(*(f"p{n:02}" for n in range(16)))
    site.world.platform.faults.add(misfortunes.delay(0.2), method="POST", count=None)
    with site.daemon() as one, site.daemon() as two:
        wait_for(lambda: len(site.names) == 16)
    assert (one.status, two.status) == (0, 0)
    assert len(set(site.names)) == len(site.names) == 16
    assert site.world.platform.faults.traffic.max_in_flight <= 9


def test_log_is_json_and_bound_to_its_run(team: Site) -> None:
    """Each line of the log is JSON; those of a run carry connection and run id."""
    team.join("fay")
    with team.daemon() as daemon:
        wait_for(lambda: "fay" in team.active)

    applied = [e for e in daemon.events if e["event"] == "applied"]
    assert [(e["name"], e["action"], e["connection"]) for e in applied] == [
        ("fay@example.com", "create", "demo")
    ]
    assert applied[0]["run_id"] == team.json("runs")["runs"][0]["run_id"]
    assert {"level", "timestamp"} <= applied[0].keys()


OWN = {"started", "listening", "stopping", "stopped"}
"""Events of the daemon itself."""


def test_each_line_of_a_run_names_it(team: Site) -> None:
    """Whatever happens in a run, from whichever thread, and what follows from how it ended."""
    team.configure(notify={"ping_url": "http://127.0.0.1:1/nobody"}, **SHORTEST)
    team.join("fay", "gus")
    team.world.jumpcloud.state.suspend("ann")
    faults = team.world.platform.faults
    faults.add(misfortunes.fail(400), method="POST", count=1)
    faults.add(misfortunes.throttle(0), method="POST", count=1)
    with team.daemon() as daemon:
        wait_for(lambda: "ann" not in team.active and len(team.active) >= 5)
        faults.add(misfortunes.fail(401), count=None)
        team.join("hal")  # a fast run with nothing to do would not ask the platform
        wait_for(lambda: team.json("runs")["runs"][0]["outcome"] == "failed", seconds=40)

    runs = {run["run_id"] for run in team.json("runs")["runs"] if run["trigger"] == "schedule"}
    events = [event for event in daemon.events if event["event"] not in OWN]
    seen = {event["event"] for event in events}
    assert seen >= {"run started", "planned", "applied", "failed", "run finished", "backing off"}
    assert seen >= {"run ended early", "notify.ping_url could not be called"}
    for event in events:
        assert event["connection"] == "demo", event
        # Nothing but the call that tells that a run begins has none yet.
        assert "run_id" in event or event["event"].startswith("notify.ping_url"), event
    assert {event["run_id"] for event in events if "run_id" in event} == runs
