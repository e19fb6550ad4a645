"""A change of the past → a line of JSON, or rows of a table that spreadsheets can open. Pure."""

import csv
import io
import json
from collections.abc import Iterator

from jcsync.model.history import LINKING, AuditRecord
from jcsync.model.plan import Action
from jcsync.model.resource import Kind, Value
from jcsync.render.documents import Document, change_document, time_text

COLUMNS = (
    "at",
    "connection",
    "run_id",
    "n",
    "actor",
    "trigger",
    "action",
    "resource",
    "name",
    "external_id",
    "resource_id",
    "attribute",
    "before",
    "after",
    "reason",
    "request",
    "status",
    "error",
    "attempts",
)
"""Of the table, in this order."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# Readers that split at every line break of Unicode would see two lines.
_BREAKS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def request_text(action: Action, kind: Kind, resource_id: str) -> str:
    """Return the request by which a change is made: ``PATCH /Users/ID``."""
    collection = f"/{kind}s"
    match action:
        case Action.CREATE:
            return f"POST {collection}"
        case Action.DELETE:
            return f"DELETE {collection}/{resource_id}"
        case _:
            return f"PATCH {collection}/{resource_id or 'ID'}"


def audit_document(record: AuditRecord) -> Document:
    """Return a change with what the history knows of its run, as JSON."""
    return {
        **change_document(record.change),
        "request": _request(record) or None,
        "actor": record.actor or None,
        "trigger": record.trigger,
        "mode": record.mode,
        "run_started_at": time_text(record.started_at),
    }


def audit_line(record: AuditRecord) -> str:
    """Return the same as one line, without the line feed."""
    return json.dumps(audit_document(record), ensure_ascii=False).translate(_BREAKS)


def audit_header() -> str:
    """Return the first line of the table."""
    return _joined(COLUMNS)


def audit_rows(record: AuditRecord) -> str:
    """Return the lines of a change: one for each attribute and member, at least one.

    No cell can become a formula: what begins like one gets an apostrophe before it.
    """
    change = record.change
    head = (
        time_text(change.at),
        change.connection,
        change.run_id,
        str(change.n),
        record.actor,
        record.trigger,
        change.action.value,
        change.kind.value,
        change.name,
        change.external_id,
        change.resource_id,
    )
    tail = (
        change.reason,
        _request(record),
        change.status,
        change.error,
        str(change.attempts),
    )
    rows = list(_details(record)) or [("", "", "")]
    return "".join(_joined((*head, *row, *tail)) for row in rows)


def _details(record: AuditRecord) -> Iterator[tuple[str, str, str]]:
    change = record.change
    for attribute in change.attributes:
        yield attribute.path, _text(attribute.before), _text(attribute.after)
    for member in change.add:
        yield "members", "", member.name
    for member in change.remove:
        yield "members", member.name, ""


def _request(record: AuditRecord) -> str:
    change = record.change
    if record.trigger in LINKING and not any(a.path == "externalId" for a in change.attributes):
        return ""
    return request_text(change.action, change.kind, change.resource_id)


def _text(value: Value) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _joined(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(
        f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells
    )
    return line.getvalue()
