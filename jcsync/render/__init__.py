"""Plan and run report → JSON (``documents.py``), or lines for people (``text.py``). Pure."""

from jcsync.render.documents import (
    Document,
    drift_document,
    plan_document,
    report_document,
    reports_document,
    time_text,
    violation_document,
)
from jcsync.render.text import (
    Line,
    Span,
    counted,
    finding_line,
    render_changes,
    render_run,
    value_text,
    violation_text,
)

__all__ = [
    "Document",
    "Line",
    "Span",
    "counted",
    "drift_document",
    "finding_line",
    "plan_document",
    "render_changes",
    "render_run",
    "report_document",
    "reports_document",
    "time_text",
    "value_text",
    "violation_document",
    "violation_text",
]
