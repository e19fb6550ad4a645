"""What runs did, as Prometheus metrics.

Names and labels are a contract: ``docs/metrics.md``.
"""

from collections import Counter as Tally
from collections.abc import Mapping
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)

from jcsync import __version__
from jcsync.daemon.reload import Reloading
from jcsync.model.report import FindingKind, RunReport
from jcsync.pipeline import Connection

M = TypeVar("M", Counter, Gauge)


class Metrics:
    """The metrics of this process."""

    def __init__(self) -> None:
        """Start at zero."""
        # When a counter was created is of no use here, and would be one more metric for each.
        disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types
        self.registry = CollectorRegistry()
        one = ("connection",)
        self._of_connections: list[Counter | Gauge] = []

        def gauge(name: str, text: str, labels: tuple[str, ...] = one) -> Gauge:
            return register(Gauge(f"jcsync_{name}", text, labels, registry=self.registry), labels)

        def counter(name: str, text: str, labels: tuple[str, ...]) -> Counter:
            return register(Counter(f"jcsync_{name}", text, labels, registry=self.registry), labels)

        def register(metric: M, labels: tuple[str, ...]) -> M:
            if "connection" in labels:
                self._of_connections.append(metric)
            return metric

        gauge("build_info", "Version of jcsync, always 1.", ("version",)).labels(__version__).set(1)
        self._runs = counter("runs_total", "Runs, by how they ended.", (*one, "outcome"))
        self._changes = counter(
            "changes_total",
            "Changes attempted, by action, resource type and how they ended.",
            (*one, "action", "resource", "status"),
        )
        self._requests = counter(
            "requests_total",
            "HTTP requests, by side and status; none: no answer.",
            (*one, "side", "status"),
        )
        self._retries = counter(
            "retries_total", "HTTP requests that were repetitions.", (*one, "side")
        )
        self._throttled = counter(
            "throttled_total", "Answers that asked to slow down.", (*one, "side")
        )
        self._duration = gauge("last_run_duration_seconds", "How long the last run took.")
        self._success = gauge(
            "last_success_timestamp_seconds",
            "When the last run ended that read both sides and decided.",
        )
        self._full = gauge(
            "last_full_run_timestamp_seconds", "When the last full run that succeeded ended."
        )
        self._managed = gauge("managed_accounts", "Accounts that jcsync created or adopted.")
        self._holds = gauge("holds", "Plans that wait for a decision.")
        self._escrow = gauge("escrow", "Resources that failed and wait for their next try.")
        self._findings = gauge(
            "findings", "What the last run noticed and did not act on.", (*one, "kind")
        )
        self._lag = gauge(
            "lag_seconds", "For how long something that is due has not reached the platform."
        )
        self._violations = gauge("limit_violations", "Limits that the last plan exceeds.")

        self._reloaded = gauge(
            "config_last_reload_successful",
            "Whether the newest settings are in force: 1, or 0 when they are wrong.",
            (),
        )
        self._reloaded_at = gauge(
            "config_last_reload_success_timestamp_seconds",
            "When settings were last read that were right.",
            (),
        )

    def observe_settings(self, reloading: Reloading) -> None:
        """Tell whether the newest settings are in force."""
        self._reloaded.set(0 if reloading.problem else 1)
        self._reloaded_at.set(reloading.at.timestamp())

    def observe_lag(self, connection: str, seconds: float | None) -> None:
        """Tell how far a connection is behind, ``None`` while that is not known."""
        if seconds is None:
            self._lag.remove_by_labels({"connection": connection})
        else:
            self._lag.labels(connection).set(seconds)

    def forget(self, connection: str) -> None:
        """Remove a connection that runs no more: it would look as if it still held and failed."""
        for metric in self._of_connections:
            metric.remove_by_labels({"connection": connection})

    def observe(
        self, report: RunReport, connection: Connection, *, holds: int, managed: int, escrow: int
    ) -> None:
        """Count one run.

        Args:
            report: Of the run.
            connection: For its traffic; used for this run alone.
            holds: Open holds of the connection.
            escrow: Resources in its escrow.
            managed: Accounts that are ours after the run.
        """
        name = report.connection
        self._runs.labels(name, report.outcome.value).inc()
        self._duration.labels(name).set((report.finished_at - report.started_at).total_seconds())
        if report.succeeded:
            self._success.labels(name).set(report.finished_at.timestamp())
            if report.mode == "full":
                self._full.labels(name).set(report.finished_at.timestamp())
        self._managed.labels(name).set(managed)
        if report.plan is not None:
            for outcome in report.outcomes:
                change = report.plan.changes[outcome.n - 1]
                self._changes.labels(
                    name, change.action.value, change.kind.value, outcome.status.value
                ).inc()
        self._holds.labels(name).set(holds)
        self._escrow.labels(name).set(escrow)
        if report.mode == "full":
            # A fast run looks at a few people: it cannot tell that the others are well again.
            self._violations.labels(name).set(len(report.violations))
            found = Tally(finding.kind.value for finding in report.findings)
            for kind in FindingKind:
                self._findings.labels(name, kind.value).set(found[kind.value])
        self._count("directory", name, connection.directory.answers, connection.directory.retries)
        if connection.feed is not None:
            self._count("directory", name, connection.feed.answers, connection.feed.retries)
        self._count("provider", name, connection.provider.answers, connection.provider.retries)

    def _count(self, side: str, name: str, answers: Mapping[str, int], retries: int) -> None:
        for status, number in answers.items():
            self._requests.labels(name, side, status).inc(number)
        self._retries.labels(name, side).inc(retries)
        self._throttled.labels(name, side).inc(answers.get("429", 0))

    def render(self) -> bytes:
        """Return the text format of Prometheus."""
        return generate_latest(self.registry)
