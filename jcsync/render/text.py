"""Plan and run report → lines for people. Pure."""

from collections.abc import Iterable, Iterator

from jcsync.model.limits import Violation
from jcsync.model.plan import Action, AttributeChange, Change, Plan
from jcsync.model.report import (
    BLOCKING,
    ErrorKind,
    Finding,
    FindingKind,
    Outcome,
    RunOutcome,
    RunReport,
    Status,
)
from jcsync.model.resource import Kind, Value
from jcsync.model.text import printable

Span = tuple[str, str]
"""A text and its style: ``""``, ``bold``, ``dim``, ``green``, ``yellow``, ``red``."""

Line = tuple[Span, ...]

_SYMBOLS = {
    Action.CREATE: ("+", "green"),
    Action.REACTIVATE: ("^", "green"),
    Action.PATCH: ("~", "yellow"),
    Action.DEACTIVATE: ("-", "red"),
    Action.DELETE: ("x", "red"),
}
_MARKS = {
    Status.APPLIED: ("✓", "green"),
    Status.FAILED: ("✗", "red"),
    Status.NOT_ATTEMPTED: ("·", "dim"),
}
_BRIEF_ATTRIBUTES = 2
_BRIEF_CREATES = 5
_BRIEF_CHANGES = 50
_BRIEF_FINDINGS = 20
_NAME_WIDTH = 34


def render_run(
    report: RunReport, *, verbose: bool = False, quiet: bool = False, applied: bool = True
) -> Iterator[Line]:
    """Yield what a person sees of a run: the plan, how it ended, and what to do next.

    Args:
        report: One run.
        verbose: Show all changes, attributes and findings.
        quiet: Show what failed and the summary only.
        applied: Whether the run was to apply its plan.
    """
    plan = report.plan
    if plan is None:
        yield ((report.connection, "bold"), (f" · {report.mode}", ""))
        message = report.error.message if report.error else "no plan was made"
        yield (("  FAILED: ", "red"), (printable(message), ""))
        yield from _advice(report, applied=applied)
        return
    yield _heading(report)
    if quiet:
        yield from _failures(report, plan)
    else:
        yield ()
        body = [
            *_changes(report, plan, verbose=verbose),
            *_left_alone(report, plan, verbose=verbose),
        ]
        yield from [*body, ()] if body else ()
    yield _summary(plan)
    if plan.changes and not quiet:
        yield ((f"  Digest {plan.digest[7:11]}…{plan.digest[-2:]}.", "dim"),)
    yield from _ending(report, applied=applied)


def render_changes(changes: Iterable[Change], *, verbose: bool = False) -> Iterator[Line]:
    """Yield the changes of a plan that waits for a decision."""
    for change in changes:
        yield from _change(change, None, verbose=verbose)


def _heading(report: RunReport) -> Line:
    seconds = (report.finished_at - report.started_at).total_seconds()
    complete = report.directory_complete and report.provider_complete
    how = "read completely" if complete else "read in part"
    if report.mode == "fast" and complete:
        how = "the others were not read"
    if report.mode == "fast" and not report.directory_users and not report.provider_users:
        return (
            (report.connection, "bold"),
            (f" · fast · nobody has changed · {seconds:.1f} s", ""),
        )
    return (
        (report.connection, "bold"),
        (f" · {report.mode} · JumpCloud {report.directory_users} people, platform ", ""),
        (f"{report.provider_users} accounts, ", ""),
        (how, "" if complete else "red"),
        (f" · {seconds:.1f} s", ""),
    )


def _changes(report: RunReport, plan: Plan, *, verbose: bool) -> Iterator[Line]:
    outcomes = {outcome.n: outcome for outcome in report.outcomes}
    shown = plan.changes if verbose else plan.changes[:_BRIEF_CHANGES]
    brief = not verbose and plan.count(Kind.USER, Action.CREATE) > _BRIEF_CREATES
    for n, change in enumerate(shown, start=1):
        yield from _change(change, outcomes.get(n), verbose=verbose, brief=brief)
    hidden = len(plan.changes) - len(shown)
    if hidden:
        yield ((f"  … {hidden} more changes (--verbose)", "dim"),)
        yield from _failures(report, plan, after=len(shown))


def _failures(report: RunReport, plan: Plan, *, after: int = 0) -> Iterator[Line]:
    """Yield the changes that failed, beyond those that were shown already, and what blocks."""
    failed = [o for o in report.outcomes if o.n > after and o.status is Status.FAILED]
    for outcome in failed[:_BRIEF_FINDINGS]:
        yield from _change(plan.changes[outcome.n - 1], outcome, verbose=False, brief=True)
    if not after:
        blocking = [
            f for f in report.known if f.kind in BLOCKING or f.kind is FindingKind.INCOMPLETE
        ]
        for finding in blocking[:_BRIEF_FINDINGS]:
            yield finding_line(finding)


def _change(
    change: Change, outcome: Outcome | None, *, verbose: bool, brief: bool = False
) -> Iterator[Line]:
    symbol, style = _SYMBOLS[change.action]
    mark: tuple[Span, ...] = ()
    if outcome is not None:
        sign, color = _MARKS[outcome.status]
        mark = ((f"{sign} ", color),)
    noun = "group " if change.kind is Kind.GROUP else ""
    name = noun + printable(change.name)
    yield (
        ("  ", ""),
        *mark,
        (f"{symbol} {change.action.value:<11} ", style),
        (f"{name:<{_NAME_WIDTH}} ", ""),
        (printable(change.reason), "dim"),
    )
    if not (brief and change.action is Action.CREATE and change.kind is Kind.USER):
        yield from _attributes(change, verbose=verbose)
    yield from _members(change, verbose=verbose)
    if outcome is not None and outcome.error:
        yield (("      ", ""), (printable(outcome.error), "red"))


def _attributes(change: Change, *, verbose: bool) -> Iterator[Line]:
    if change.action in (Action.DEACTIVATE, Action.DELETE) and not verbose:
        return
    attributes = [a for a in change.attributes if a.path != "active" or verbose]
    if change.kind is Kind.GROUP and change.action is Action.CREATE:
        attributes = []
    brief = change.action is Action.CREATE and not verbose
    shown = attributes[:_BRIEF_ATTRIBUTES] if brief else attributes
    for attribute in shown:
        yield (
            ("                  ", ""),
            (f"{_short_path(attribute.path):<18} ", ""),
            *_values(attribute),
        )
    if len(attributes) > len(shown):
        more = len(attributes) - len(shown)
        yield (("                  ", ""), (f"…{more} more attributes (--verbose)", "dim"))


def _values(attribute: AttributeChange) -> tuple[Span, ...]:
    after = value_text(attribute.after) if attribute.after is not None else "(removed)"
    if attribute.before in (None, ""):
        return ((after, ""),)
    if attribute.before == attribute.after:
        return ((after, ""), (" (again)", "dim"))
    return ((value_text(attribute.before), "dim"), (" → ", "dim"), (after, ""))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is due."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def value_text(value: Value) -> str:
    """Return an attribute value for people."""
    if value is None:
        return "(none)"
    return str(value).lower() if isinstance(value, bool) else printable(str(value))


def _short_path(path: str) -> str:
    """Return the part of a SCIM path that people read: ``emails[work]``, ``department``."""
    text = path.rsplit(":", 1)[-1] if path.startswith("urn:") else path
    return text.replace('type eq "', "").replace('"]', "]").removesuffix(".value")


def _members(change: Change, *, verbose: bool) -> Iterator[Line]:
    for sign, style, members in (("+", "green", change.add), ("-", "red", change.remove)):
        names = [printable(member.name) for member in members]
        shown = names if verbose else names[: _BRIEF_ATTRIBUTES + 1]
        for name in shown:
            yield (("                  ", ""), (f"{sign} {name}", style))
        if len(names) > len(shown):
            yield (("                  ", ""), (f"{sign} …{len(names) - len(shown)} more", "dim"))


def _left_alone(report: RunReport, plan: Plan, *, verbose: bool) -> Iterator[Line]:
    parts = [f"{plan.users.unchanged} unchanged"]
    if plan.users.unmanaged:
        parts.append(f"{plan.users.unmanaged} not ours")
    if plan.users.out_of_scope:
        parts.append(f"{plan.users.out_of_scope} out of scope")
    if plan.groups.unchanged or plan.groups.unmanaged:
        parts.append(f"{counted(plan.groups.unchanged, 'group')} unchanged")
    if plan.groups.unmanaged:
        parts.append(f"{counted(plan.groups.unmanaged, 'group')} not ours")
    if plan.changes:
        yield ()
    if report.mode != "fast":
        yield ((f"  Left alone: {' · '.join(parts)}", "dim"),)
    shown = report.known if verbose else report.known[:_BRIEF_FINDINGS]
    for finding in shown:
        yield finding_line(finding)
    if len(report.known) > len(shown):
        yield ((f"    … {len(report.known) - len(shown)} more findings (--verbose)", "dim"),)


def finding_line(finding: Finding) -> Line:
    """Return one line about a finding."""
    return (
        (f"    ! {finding.kind.value.replace('_', ' '):<12} ", "yellow"),
        (f"{printable(finding.subject)}  ", ""),
        (printable(finding.message), "dim"),
    )


def _summary(plan: Plan) -> Line:
    return (("  Plan: ", "bold"), (plan_summary(plan), ""), (".", ""))


def plan_summary(plan: Plan) -> str:
    """Return what a plan would do, in numbers, on one line."""
    words = {
        Action.CREATE: "to create",
        Action.PATCH: "to patch",
        Action.REACTIVATE: "to reactivate",
        Action.DEACTIVATE: "to deactivate",
        Action.DELETE: "to delete",
    }
    parts = [
        f"{n} {text}" for action, text in words.items() if (n := plan.count(Kind.USER, action))
    ]
    groups = sum(change.kind is Kind.GROUP for change in plan.changes)
    if groups:
        parts.append(counted(groups, "group"))
    members = sum(len(change.add) + len(change.remove) for change in plan.changes)
    if members:
        parts.append(counted(members, "membership"))
    return ", ".join(parts) if parts else "nothing to do"


def _ending(report: RunReport, *, applied: bool) -> Iterator[Line]:
    if report.violations:
        yield ()
        for violation in report.violations:
            yield (
                (f"  {_verdict(report, applied=applied)}: ", "red"),
                (violation_text(violation), ""),
            )
    yield from _advice(report, applied=applied)


def _verdict(report: RunReport, *, applied: bool) -> str:
    if report.outcome is RunOutcome.HELD:
        return "HELD"
    return "LIMIT WAIVED" if applied and report.outcomes else "BEYOND LIMITS"


def violation_text(violation: Violation) -> str:
    """Return an exceeded limit in words: the number, the limit and the setting."""
    what = {
        "deactivate": "deactivations",
        "delete": "deletions",
        "remove_members": "members to remove",
        "delete_groups": "groups to delete",
        "patch": "accounts to patch",
        "create": "accounts to create",
        "accounts": "active accounts afterwards",
    }[violation.limit.split(".")[0]]
    base = f" of {violation.base}" if violation.base is not None else ""
    of = f" from the group {printable(violation.subject)}" if violation.subject else ""
    return f"{violation.planned} {what}{of} planned, {violation.allowed}{base} allowed (limits.{violation.limit})."


def _decision(hold: int | None) -> Iterator[Line]:
    """Say how a plan beyond its limits is accepted; one about a part is in no hold."""
    yield (("  Nothing was written.", ""),)
    if hold is None:
        yield (("  Accept:   the same command with --exceed-limits", ""),)
        return
    yield ((f"  Look:     jcsync holds show {hold}", ""),)
    yield ((f"  Accept:   jcsync approve {hold}", ""), ("          (exactly this plan)", "dim"))
    yield ((f"  Refuse:   jcsync reject {hold}", ""),)


def _advice(report: RunReport, *, applied: bool) -> Iterator[Line]:
    name = report.connection
    wrote = any(outcome.status is Status.APPLIED for outcome in report.outcomes)
    if report.error is not None:
        if report.plan is not None:
            yield (("  FAILED: ", "red"), (printable(report.error.message), ""))
        if not wrote:
            unread = report.error.kind is ErrorKind.UNREADABLE
            next_step = f" Next: jcsync check {name}" if unread else ""
            yield ((f"  Nothing was written.{next_step}", ""),)
        return
    if report.outcome is RunOutcome.HELD:
        yield from _decision(report.hold)
        return
    if not applied:
        due = report.plan is not None and report.plan.changes
        next_step = f" Next: jcsync reconcile {name}" if due else ""
        yield ((f"  Nothing was written.{next_step}", ""),)
        return
    failed = sum(outcome.status is not Status.APPLIED for outcome in report.outcomes)
    done = len(report.outcomes) - failed
    if failed:
        yield ((f"  {done} applied, ", ""), (f"{failed} failed", "red"))
        yield (
            (
                f"  The next run tries them again. Look: jcsync changes --run {report.run_id[-6:]}",
                "",
            ),
        )
    elif done:
        yield (
            (f"  {done} applied.", "green"),
            (f" Look: jcsync changes --run {report.run_id[-6:]}", ""),
        )
    elif report.outcome is not RunOutcome.PARTIAL:
        yield (("  In step.", "green"),)
    if report.outcome is RunOutcome.PARTIAL and not failed:
        yield (("  Not in step: ", "red"), (_rest(report), ""))


def _rest(report: RunReport) -> str:
    """Say why a run in which nothing failed is partial all the same."""
    blocked = sum(finding.kind in BLOCKING for finding in report.known)
    parts = [f"{counted(blocked, 'finding')} above"] if blocked else []
    if not (report.directory_complete and report.provider_complete):
        parts.append("a side was read in part, so nobody's access is taken")
    return "; ".join(parts) + "."
