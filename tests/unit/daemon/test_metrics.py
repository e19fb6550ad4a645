"""What ``/metrics`` shows: by the conventions of Prometheus, and as its page says."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from jcsync.daemon.metrics import Metrics
from jcsync.model.limits import Violation
from jcsync.model.plan import Action, Change, Plan
from jcsync.model.report import Finding, FindingKind, Outcome, RunOutcome, RunReport, Status
from jcsync.model.resource import Kind

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
PROMTOOL = shutil.which("promtool")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
A_ROW = re.compile(r"^\| `(jcsync_[a-z_]+)` \|([^|]*)\|", re.MULTILINE)


def a_report(name: str = "demo") -> RunReport:
    """A run in which something of everything happened."""
    change = Change(
        action=Action.CREATE,
        kind=Kind.USER,
        name="ann@example.com",
        external_id="u1",
        resource_id="",
        reason="joined",
        step=0,
    )
    return RunReport(
        run_id="r",
        connection=name,
        mode="full",
        outcome=RunOutcome.APPLIED,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=2),
        directory_complete=True,
        provider_complete=True,
        plan=Plan(connection=name, changes=(change,)),
        outcomes=(Outcome(n=1, status=Status.APPLIED),),
        violations=(Violation(limit="create.count", allowed=0, planned=1),),
        findings=(Finding(kind=FindingKind.CONFLICT, subject="ann", message="whose?"),),
    )


def a_side(**answers: int) -> SimpleNamespace:
    """The traffic of one side."""
    return SimpleNamespace(answers=answers or {"200": 3, "429": 1}, retries=1)


@pytest.fixture
def metrics() -> Metrics:
    """The metrics of a daemon after a run and a reload."""
    shown = Metrics()
    sides = SimpleNamespace(directory=a_side(), provider=a_side(), feed=a_side())
    shown.observe(a_report(), sides, holds=1, managed=5, escrow=2)  # type: ignore[arg-type] # its traffic is enough
    shown.observe_lag("demo", 7.0)
    in_force = SimpleNamespace(problem="", at=NOW)
    shown.observe_settings(in_force)  # type: ignore[arg-type] # likewise
    return shown


def families(metrics: Metrics) -> list[Metric]:
    """What Prometheus reads."""
    return list(text_string_to_metric_families(metrics.render().decode()))


def full_name(family: Metric) -> str:
    """The name of its samples: the parser takes the end off counters."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_page_lists_exactly_what_is_served(metrics: Metrics) -> None:
    """Every metric with its labels is on the page, and nothing else is."""
    documented = {
        name: set(re.findall(r"`([a-z_]+)`", labels))
        for name, labels in A_ROW.findall(PAGE.read_text(encoding="utf-8"))
    }
    served = {
        full_name(family): {label for sample in family.samples for label in sample.labels}
        for family in families(metrics)
    }

    assert served == documented


def test_names_follow_the_conventions(metrics: Metrics) -> None:
    """One prefix, base units at the end, ``_total`` for counters alone, and a sentence of help."""
    units = ("seconds", "bytes", "ratio", "celsius", "meters", "info", "total")
    foreign = ("milliseconds", "minutes", "hours", "days", "percent", "kilobytes", "ms")
    for family in families(metrics):
        name = full_name(family)
        assert re.fullmatch(r"jcsync(_[a-z]+)+", name), name
        assert name.endswith("_total") == (family.type == "counter"), name
        assert not set(name.split("_")) & {*foreign, "gauge", "counter", "created"}, name
        for unit in units:
            assert unit not in name.split("_")[:-1], name
        assert re.fullmatch(r"[A-Z].*\.", family.documentation), name
        for sample in family.samples:
            assert sample.name == name
            assert "le" not in sample.labels
            assert "quantile" not in sample.labels


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say(metrics: Metrics) -> None:
    """The linter of Prometheus itself."""
    checked = subprocess.run(
        [str(PROMTOOL), "check", "metrics"],
        input=metrics.render(),
        capture_output=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_lag_that_is_not_known_is_not_shown(metrics: Metrics) -> None:
    """An old value would look as if somebody had looked."""
    assert b'jcsync_lag_seconds{connection="demo"} 7.0' in metrics.render()
    metrics.observe_lag("demo", None)
    metrics.observe_lag("never seen", None)

    assert b"jcsync_lag_seconds{" not in metrics.render()
