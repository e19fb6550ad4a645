"""What jcsync knows → JSON, or lines for people. Pure.

documents.py   plans, reports, changes, drift → JSON
json_text.py   their text, piece by piece
text.py        plans and reports → lines for people
audit.py       the history → JSON lines or CSV
"""

from jcsync.render.audit import audit_document, audit_header, audit_line, audit_rows, request_text
from jcsync.render.documents import (
    Document,
    change_document,
    drift_document,
    plan_document,
    report_document,
    reports_document,
    time_text,
    violation_document,
)
from jcsync.render.json_text import json_pieces
from jcsync.render.text import (
    Line,
    Span,
    counted,
    finding_line,
    plan_summary,
    render_changes,
    render_run,
    value_text,
    violation_text,
)

__all__ = [
    "Document",
    "Line",
    "Span",
    "audit_document",
    "audit_header",
    "audit_line",
    "audit_rows",
    "change_document",
    "counted",
    "drift_document",
    "finding_line",
    "json_pieces",
    "plan_document",
    "plan_summary",
    "render_changes",
    "render_run",
    "report_document",
    "reports_document",
    "request_text",
    "time_text",
    "value_text",
    "violation_document",
    "violation_text",
]
