"""Plan and run report → JSON. Pure.

Source:
    ``docs/reports.md`` (a contract).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from jcsync.model.drift import Drift, DriftKind, DriftReport
from jcsync.model.history import ChangeRecord
from jcsync.model.limits import Violation
from jcsync.model.plan import Action, Change, Plan
from jcsync.model.report import Finding, Outcome, RunReport
from jcsync.model.resource import Kind
from jcsync.render.json_text import Rows

Document = dict[str, Any]


def reports_document(reports: Iterable[RunReport]) -> Document:
    """Return the one document that ``plan``, ``apply`` and ``reconcile`` print."""
    return {"runs": [report_document(report) for report in reports]}


def report_document(report: RunReport) -> Document:
    """Return one run as JSON."""
    return {
        "run_id": report.run_id,
        "connection": report.connection,
        "mode": report.mode,
        "outcome": report.outcome.value,
        "started_at": time_text(report.started_at),
        "finished_at": time_text(report.finished_at),
        "complete": {
            "directory": report.directory_complete,
            "provider": report.provider_complete,
        },
        "plan": plan_document(report.plan) if report.plan is not None else None,
        "violations": [violation_document(violation) for violation in report.violations],
        "hold": report.hold,
        "outcomes": Rows(report.outcomes, _outcome),
        "findings": _findings(report.known),
        "requests": {
            "directory": report.directory_requests,
            "provider": report.provider_requests,
        },
        "error": report.error.message if report.error is not None else None,
    }


def plan_document(plan: Plan) -> Document:
    """Return a plan as JSON; every change has its number, by which its outcome is found."""
    users = {action.value: plan.count(Kind.USER, action) for action in Action}
    return {
        "digest": plan.digest,
        "counts": {
            "users": {
                "create": users["create"],
                "patch": users["patch"],
                "reactivate": users["reactivate"],
                "deactivate": users["deactivate"],
                "delete": users["delete"],
                "unchanged": plan.users.unchanged,
                "unmanaged": plan.users.unmanaged,
                "out_of_scope": plan.users.out_of_scope,
            },
            "groups": {
                "create": plan.count(Kind.GROUP, Action.CREATE),
                "patch": plan.count(Kind.GROUP, Action.PATCH),
                "delete": plan.count(Kind.GROUP, Action.DELETE),
                "unchanged": plan.groups.unchanged,
                "unmanaged": plan.groups.unmanaged,
                "members_added": sum(len(change.add) for change in plan.changes),
                "members_removed": sum(len(change.remove) for change in plan.changes),
            },
        },
        "changes": Rows(plan.changes, _change),
    }


def _change(n: int, change: Change) -> Document:
    return {
        "n": n,
        "action": change.action.value,
        "resource": change.kind.value,
        "name": change.name,
        "external_id": change.external_id or None,
        "resource_id": change.resource_id or None,
        "reason": change.reason,
        "attributes": [
            {"path": a.path, "before": a.before, "after": a.after} for a in change.attributes
        ],
        "members": {
            "add": [member.name for member in change.add],
            "remove": [member.name for member in change.remove],
        },
    }


def _outcome(_: int, outcome: Outcome) -> Document:
    return {
        "n": outcome.n,
        "status": outcome.status.value,
        "error": outcome.error or None,
        "attempts": outcome.attempts,
    }


def drift_document(report: DriftReport) -> Document:
    """Return the drift of one connection as JSON."""
    return {
        "connection": report.connection,
        "complete": {
            "directory": report.directory_complete,
            "provider": report.provider_complete,
        },
        "counts": {
            kind.value: sum(drift.kind is kind for drift in report.entries) for kind in DriftKind
        },
        "drift": [_drift_entry(drift) for drift in report.entries],
        "findings": _findings(report.findings),
        "error": report.error.message if report.error is not None else None,
    }


def _drift_entry(drift: Drift) -> Document:
    return {
        "kind": drift.kind.value,
        "resource": drift.resource.value,
        "name": drift.name,
        "external_id": drift.external_id or None,
        "resource_id": drift.resource_id or None,
        "active": drift.active,
        "message": drift.message,
        "attributes": [
            {"path": e.path, "applied": e.applied, "found": e.found, "wanted": e.wanted}
            for e in drift.edits
        ],
        "members": list(drift.members),
    }


def _findings(findings: Iterable[Finding]) -> list[Document]:
    return [{"kind": f.kind.value, "subject": f.subject, "message": f.message} for f in findings]


def change_document(change: ChangeRecord) -> dict[str, Any]:
    """Return a change of the past as JSON."""
    return {
        "at": time_text(change.at),
        "run_id": change.run_id,
        "connection": change.connection,
        "n": change.n,
        "action": change.action.value,
        "resource": change.kind.value,
        "name": change.name,
        "external_id": change.external_id or None,
        "resource_id": change.resource_id or None,
        "reason": change.reason,
        "attributes": [
            {"path": a.path, "before": a.before, "after": a.after} for a in change.attributes
        ],
        "members": {
            "add": [member.name for member in change.add],
            "remove": [member.name for member in change.remove],
        },
        "status": change.status,
        "error": change.error or None,
        "attempts": change.attempts,
    }


def violation_document(violation: Violation) -> Document:
    """Return one exceeded limit as JSON; ``subject`` is there for limits that count per group."""
    document: Document = {
        "limit": violation.limit,
        "allowed": violation.allowed,
        "planned": violation.planned,
    }
    if violation.subject:
        document["subject"] = violation.subject
    return document


def time_text(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
