"""A trace of each run for OpenTelemetry, where the environment asks for it."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from jcsync.sandbox import misfortunes
from tests.scenario.site import Site, wait_for

STAGES = {"read", "map", "decide", "apply", "record"}


class Collector:
    """A collector that listens to OTLP over HTTP.

    Attributes:
        bodies: What it was sent.
    """

    def __init__(self) -> None:
        """Listen."""
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            """Keeps what it gets."""

            def do_POST(self) -> None:
                """Take one batch."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    bodies.append(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        """What it was sent, parsed."""
        return [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]

    @property
    def spans(self) -> list[Any]:
        """Every span."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def attributes(span: Any) -> dict[str, str | int]:
    """The attributes of a span."""
    return {item.key: item.value.string_value or item.value.int_value for item in span.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on this computer."""
    listening = Collector()
    thread = threading.Thread(target=listening.server.serve_forever, args=(0.05,))
    thread.start()
    yield listening
    listening.server.shutdown()
    listening.server.server_close()
    thread.join()


@pytest.fixture
def traced(team: Site, collector: Collector) -> Site:
    """A site whose commands are told of the collector."""
    team.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
    return team


def test_run_is_a_trace(traced: Site, collector: Collector) -> None:
    """A run, its stages within, and within them each request that the report counts."""
    traced.join("fay")
    traced.world.jumpcloud.state.suspend("ann")
    run = traced.process("reconcile", "--json").run
    spans = {span.span_id: span for span in collector.spans}
    (root,) = [span for span in spans.values() if not span.parent_span_id]
    told = attributes(root)

    assert (root.name, told["jcsync.run_id"]) == ("run", run["run_id"])
    assert (told["jcsync.connection"], told["jcsync.outcome"]) == ("demo", "applied")
    assert told["jcsync.changes.applied"] == 2
    assert {span.trace_id for span in spans.values()} == {root.trace_id}
    within = {span.name for span in spans.values() if span.parent_span_id == root.span_id}
    assert within >= STAGES
    asked = [span for span in spans.values() if "http.request.method" in attributes(span)]
    sides = Counter(attributes(span)["jcsync.side"] for span in asked)
    assert sides == run["requests"]
    parents = {span.name: spans[span.parent_span_id].name for span in asked}
    assert parents["POST provider"] == "apply"
    assert "confirm" in {spans[span.parent_span_id].name for span in asked}
    assert {attributes(span)["http.response.status_code"] for span in asked} >= {200, 201}
    (resource,) = {
        item.value.string_value
        for request in collector.requests
        for resource in request.resource_spans
        for item in resource.resource.attributes
        if item.key == "service.name"
    }
    assert resource == "jcsync"


def test_traces_hold_nobody_and_no_secret(traced: Site, collector: Collector) -> None:
    """Names, addresses, ids and secrets stay here, also those in messages of errors."""
    traced.join("fay", "gus")
    traced.world.platform.faults.add(
        misfortunes.fail(400, "fay@example.com is not wanted"), method="POST", count=1
    )
    assert traced.process("reconcile").status == 3
    traced.world.platform.faults.add(misfortunes.fail(401), count=None)
    assert traced.process("reconcile").status == 6
    sent = b"".join(collector.bodies)
    people = traced.world.jumpcloud.state.users

    assert b"UnauthorizedError" in sent
    private = [traced.world.platform.token, traced.world.jumpcloud.api_key, "example.com", *people]
    for text in (*private, "fay", "Keepnet"):
        assert text.encode() not in sent, text


def test_daemon_sends_a_trace_of_each_run(traced: Site, collector: Collector) -> None:
    """Whatever is left at its end is sent as well."""
    with traced.daemon() as daemon:
        wait_for(lambda: traced.json("runs")["runs"][0]["trigger"] == "schedule")
        wait_for(lambda: traced.json("runs")["runs"][0]["outcome"] == "in_sync")

    assert daemon.status == 0
    roots = [span for span in collector.spans if not span.parent_span_id]
    assert {attributes(span)["jcsync.trigger"] for span in roots} == {"schedule"}


def test_only_runs_are_traced(traced: Site, collector: Collector) -> None:
    """Who looks at something starts no trace."""
    assert traced.process("check").status == 0
    assert collector.spans == []


def test_collector_that_is_down(traced: Site, collector: Collector) -> None:
    """The run ends as it would without; the log tells that its trace is lost."""
    collector.server.server_close()
    traced.join("fay")
    result = traced.process("reconcile")

    assert result.status == 0
    assert "fay" in traced.active
    assert "Traceback" not in result.err


def test_package_that_is_not_installed(traced: Site) -> None:
    """One line says what to install, and the run goes on."""
    absent = traced.folder / "absent" / "opentelemetry"
    absent.mkdir(parents=True)
    missing = "raise ModuleNotFoundError('no', name='opentelemetry')"
    (absent / "__init__.py").write_text(missing, encoding="utf-8")
    traced.environ["PYTHONPATH"] = f"{absent.parent}:{':'.join(sys.path)}"
    result = traced.process("reconcile")
    told = [json.loads(line) for line in result.err.splitlines() if "not traced" in line]

    assert result.status == 0
    assert [event["reason"] for event in told] == [
        "opentelemetry is not installed; install it: pip install 'jcsync[otel]'"
    ]


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "must be otlp, console or none; is zipkin"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "must be http/protobuf; is grpc"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "-3"}, "check the variables OTEL_"),
    ],
)
def test_variable_that_is_wrong(traced: Site, variables: dict[str, str], says: str) -> None:
    """It is named, with what is allowed, and the run goes on."""
    traced.environ.update(variables)
    result = traced.process("reconcile")

    assert result.status == 0
    assert says in result.err
    assert "Traceback" not in result.err


def test_console(traced: Site) -> None:
    """A line of JSON for each span, on standard error."""
    traced.environ["OTEL_TRACES_EXPORTER"] = "console"
    result = traced.process("reconcile", "--quiet", "--json")
    names = {json.loads(line)["name"] for line in result.err.splitlines()}

    assert names >= {"run", "read", "decide", "GET provider"}
    assert result.run["outcome"] == "in_sync"


def test_nothing_is_loaded_unasked(team: Site) -> None:
    """Without the variables, OpenTelemetry is not even imported."""
    script = (
        "import sys\nfrom jcsync.cli import main\n"
        "try:\n    main(sys.argv[1:])\nfinally:\n"
        "    print('loaded', any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    command = [sys.executable, "-c", script, "reconcile", "--config", str(team.config)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=team.folder)

    assert ran.stdout.splitlines()[-1] == "loaded False"
