"""A trace of each run, for OpenTelemetry, where the environment asks for it; else nothing at all.

    run                         one trace
    ├── read                    both sides; look: who may have changed, in a fast run
    │   └── GET directory       each request, by method and side
    ├── decide
    │   └── confirm             those who would lose access, asked for again
    ├── apply
    │   └── PATCH provider
    └── record

Spans carry numbers, names of connections and kinds of errors. They carry no address, no message
and no body: those hold people's names, and ids.
"""

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import structlog

from jcsync.errors import JcsyncError

log = structlog.get_logger()

Attributes = Mapping[str, str | int]

_EXPORT_S: Final = 2
_GRACE_S: Final = 2
_FIRST_ERROR: Final = 400


class _Tracing:
    """What is traced to in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begun = False
        # OpenTelemetry is an extra, and what it makes has no types here.
        self.tracer: Any = None
        self.provider: Any = None
        self.exporter: Any = None


_TRACING = _Tracing()


class Span:
    """A part of a run that is under way."""

    def __init__(self, span: Any = None) -> None:  # noqa: ANN401 - OpenTelemetry is an extra
        """Write to a span of OpenTelemetry; to nothing without one."""
        self._span = span

    def tell(self, attributes: Attributes) -> None:
        """Add what is known by now."""
        if self._span is not None:
            self._span.set_attributes(attributes)

    def tell_status(self, status: int) -> None:
        """Add how a request was answered."""
        self.tell({"http.response.status_code": status})
        if status >= _FIRST_ERROR:
            self.fail(str(status))

    def fail(self, kind: str) -> None:
        """Mark it as failed."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode  # noqa: PLC0415 - an extra

            self._span.set_attribute("error.type", kind)
            self._span.set_status(StatusCode.ERROR)


_UNTRACED = nullcontext(Span())


@contextmanager
def run_span(attributes: Attributes) -> Iterator[Span]:
    """Trace a run: the one span that is no part of another."""
    if _TRACING.tracer is None:
        yield Span()
        return
    from opentelemetry.context import Context  # noqa: PLC0415 - an extra

    with _recording("run", attributes, context=Context()) as span:
        yield span


@contextmanager
def span(name: str, attributes: Attributes | None = None) -> Iterator[Span]:
    """Trace a part of a run; outside of a run, nothing."""
    if _TRACING.tracer is None:
        yield Span()
        return
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 - an extra

    if not get_current_span().is_recording():
        yield Span()
        return
    with _recording(name, attributes) as found:
        yield found


def request_span(method: str, side: str) -> AbstractContextManager[Span]:
    """Trace a request of a run, by method and side: ``directory`` or ``provider``."""
    if _TRACING.tracer is None:
        return _UNTRACED
    return span(f"{method} {side}", {"http.request.method": method, "jcsync.side": side})


@contextmanager
def _recording(name: str, attributes: Attributes | None, **where: Any) -> Iterator[Span]:  # noqa: ANN401 - as above
    with _TRACING.tracer.start_as_current_span(
        name,
        attributes=dict(attributes or {}),
        # Messages of errors name people.
        record_exception=False,
        set_status_on_exception=False,
        **where,
    ) as recorded:
        found = Span(recorded)
        try:
            yield found
        except JcsyncError as error:
            found.fail(type(error).__name__)
            raise


def wanted_exporter(environ: Mapping[str, str]) -> str:
    """Return where traces are to go, in the words of ``OTEL_TRACES_EXPORTER``; ``""`` for nowhere.

    Source:
        OpenTelemetry specification, "Environment Variable Specification".
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    named = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if named:
        return "" if named == "none" else named
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return "otlp" if any(environ.get(name) for name in endpoints) else ""


def start_tracing(environ: Mapping[str, str], version: str) -> None:
    """Begin to trace where the environment asks for it; once in a process, and never an error.

    Args:
        environ: With OpenTelemetry's variables, ``OTEL_…``.
        version: Of jcsync.
    """
    with _TRACING.lock:
        if _TRACING.begun:
            return
        _TRACING.begun = True
        exporter = wanted_exporter(environ)
        if not exporter:
            return
        problem = _unusable(exporter, environ)
        if not problem:
            try:
                _build(exporter, environ, version)
            except ImportError as error:
                problem = f"{error.name} is not installed; install it: pip install 'jcsync[otel]'"
            except Exception as error:  # noqa: BLE001 - whatever it is, runs go on without traces
                problem = f"{error}; check the variables OTEL_…"
        if problem:
            log.warning("runs are not traced", reason=problem)


def end_tracing() -> None:
    """Send what is left, within seconds."""
    with _TRACING.lock:
        provider, exporter = _TRACING.provider, _TRACING.exporter
        _TRACING.provider = None
    if provider is None:
        return
    patience = threading.Timer(_GRACE_S, exporter.shutdown)
    patience.daemon = True
    patience.start()
    provider.shutdown()
    patience.cancel()


def _unusable(exporter: str, environ: Mapping[str, str]) -> str:
    """Return why traces cannot go there, or ``""``."""
    if exporter not in ("otlp", "console"):
        return f"OTEL_TRACES_EXPORTER must be otlp, console or none; is {exporter}"
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = environ.get(name, "").strip().lower()
        if exporter == "otlp" and protocol:
            usable = protocol == "http/protobuf"
            return "" if usable else f"{name} must be http/protobuf; is {protocol}"
    return ""


def _build(exporter: str, environ: Mapping[str, str], version: str) -> None:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 - an extra
        BatchSpanProcessor,
        ConsoleSpanExporter,
    )

    about = {"service.version": version}
    if "OTEL_SERVICE_NAME" not in environ and "service.name" not in environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    ):
        about["service.name"] = "jcsync"
    if exporter == "console":
        _TRACING.exporter = ConsoleSpanExporter(
            out=sys.stderr, formatter=lambda ended: f"{ended.to_json(indent=None)}{os.linesep}"
        )
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
            OTLPSpanExporter,
        )

        own = any(name.endswith("_TIMEOUT") and "OTLP" in name for name in environ)
        # A collector that is down must not keep a process from ending.
        _TRACING.exporter = OTLPSpanExporter(timeout=None if own else _EXPORT_S)
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_TRACING.exporter))
    _TRACING.provider = provider
    _TRACING.tracer = provider.get_tracer("jcsync", version)
