"""Where traces go, as the environment says."""

import pytest

from jcsync.tracing import Span, request_span, run_span, span, wanted_exporter

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ""),
        ({"OTEL_SERVICE_NAME": "x"}, ""),
        (ENDPOINT, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, ""),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": " Console "}, "console"),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, ""),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, ""),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "false"}, "otlp"),
    ],
)
def test_wanted_exporter(environ: dict[str, str], expected: str) -> None:
    """The variables mean what OpenTelemetry's specification says."""
    assert wanted_exporter(environ) == expected


def test_nothing_is_traced_unasked() -> None:
    """Spans are there to be told things, whether or not somebody listens."""
    with run_span({"a": 1}) as run, span("read"), request_span("GET", "provider") as request:
        run.tell({"b": 2})
        request.tell_status(500)
        request.fail("x")

    assert isinstance(request, Span)
