"""Reports as JSON, and as lines for people."""

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jcsync.model.compact import NOTHING
from jcsync.model.limits import Violation
from jcsync.model.plan import Action, Change, Counts, Plan
from jcsync.model.report import (
    ErrorKind,
    Finding,
    FindingKind,
    RunError,
    RunOutcome,
    RunReport,
    Status,
)
from jcsync.model.resource import Value
from jcsync.render import (
    Line,
    counted,
    json_pieces,
    render_changes,
    render_run,
    report_document,
    reports_document,
    time_text,
    value_text,
    violation_text,
)
from tests.factories import (
    NOON,
    a_change,
    a_finding,
    a_group_change,
    a_member,
    a_plan,
    a_report,
    a_violation,
    an_attribute,
    an_outcome,
    mail,
)


def text(lines: Iterable[Line]) -> str:
    """Lines as they are printed without colours."""
    return "\n".join("".join(part for part, _ in line).rstrip() for line in lines)


def shown(
    report: RunReport, *, verbose: bool = False, quiet: bool = False, applied: bool = True
) -> str:
    """What a person sees of a run."""
    return text(render_run(report, verbose=verbose, quiet=quiet, applied=applied))


def of(*changes: Change, **fields: object) -> RunReport:
    """A report of a plan."""
    return a_report(plan=a_plan(*changes), outcome=RunOutcome.PLANNED, **fields)


def ended(*statuses: Status, **fields: object) -> RunReport:
    """A report of changes that ended so."""
    return of(
        *(a_change(who=f"u{n}") for n, _ in enumerate(statuses)),
        outcomes=tuple(
            an_outcome(n, status, error="" if status is Status.APPLIED else "400: no")
            for n, status in enumerate(statuses, 1)
        ),
        **fields,
    )


# ---------------------------------------------------------------------- JSON


def read(document: object, *, ascii_only: bool = False) -> Any:
    """A document as one who reads its text has it."""
    return json.loads("".join(json_pieces(document, ascii_only=ascii_only)))


def test_report_has_the_keys_of_the_contract() -> None:
    """Scripts rely on them, also where there is nothing to say."""
    document = read(
        report_document(
            a_report(plan=None, error=RunError(kind=ErrorKind.UNREADABLE, message="500"))
        )
    )

    assert document == {
        "run_id": "20260131T120000Z-abc123",
        "connection": "keepnet",
        "mode": "full",
        "outcome": "in_sync",
        "started_at": "2026-01-31T12:00:00Z",
        "finished_at": "2026-01-31T12:00:00Z",
        "complete": {"directory": True, "provider": True},
        "plan": None,
        "violations": [],
        "hold": None,
        "outcomes": [],
        "findings": [],
        "requests": {"directory": 0, "provider": 0},
        "error": "500",
    }


def test_plan_is_told_in_full() -> None:
    """Every change has its number, and the counts add up."""
    plan = a_plan(
        a_change(Action.CREATE),
        a_group_change(add=(a_member("ann"),), remove=(a_member("bob"), a_member("cid"))),
        users=Counts(unchanged=1, unmanaged=2, out_of_scope=3),
        groups=Counts(unchanged=4, unmanaged=5),
    )

    document = read(report_document(a_report(plan=plan)))["plan"]

    assert document["digest"] == plan.digest
    assert document["counts"] == {
        "users": {
            "create": 1,
            "patch": 0,
            "reactivate": 0,
            "deactivate": 0,
            "delete": 0,
            "unchanged": 1,
            "unmanaged": 2,
            "out_of_scope": 3,
        },
        "groups": {
            "create": 0,
            "patch": 1,
            "delete": 0,
            "unchanged": 4,
            "unmanaged": 5,
            "members_added": 1,
            "members_removed": 2,
        },
    }
    assert document["changes"][0] == {
        "n": 1,
        "action": "create",
        "resource": "User",
        "name": mail("ann"),
        "external_id": "ann",
        "resource_id": None,
        "reason": "differs from JumpCloud",
        "attributes": [{"path": "userName", "before": None, "after": mail("ann")}],
        "members": {"add": [], "remove": []},
    }
    assert document["changes"][1]["members"] == {
        "add": [mail("ann")],
        "remove": [mail("bob"), mail("cid")],
    }


def test_outcomes_violations_and_findings_are_told() -> None:
    """An empty error is null."""
    document = read(
        report_document(
            ended(
                Status.APPLIED,
                Status.FAILED,
                violations=(a_violation(), a_violation("remove_members.count", subject="Staff")),
                findings=(a_finding(FindingKind.SKIPPED),),
                hold=4,
            )
        )
    )

    assert document["outcomes"] == [
        {"n": 1, "status": "applied", "error": None, "attempts": 1},
        {"n": 2, "status": "failed", "error": "400: no", "attempts": 1},
    ]
    assert document["violations"] == [
        {"limit": "deactivate.count", "allowed": 50, "planned": 52},
        {"limit": "remove_members.count", "allowed": 50, "planned": 52, "subject": "Staff"},
    ]
    assert document["findings"] == [
        {"kind": "skipped", "subject": mail("ann"), "message": "is not as it should be"}
    ]
    assert document["hold"] == 4


def test_several_runs_are_one_document() -> None:
    """That can be written as JSON."""
    document = reports_document([a_report(), a_report(connection="other")])

    assert [run["connection"] for run in read(document)["runs"]] == [
        "keepnet",
        "other",
    ]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_number_that_json_does_not_have_is_null(*, ascii_only: bool) -> None:
    """A platform may answer 1e400; who reads the report may refuse ``Infinity``."""
    document = {"before": [math.inf, -math.inf, math.nan], "after": NOTHING}

    assert read(document, ascii_only=ascii_only) == {"before": [None] * 3, "after": {}}


@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=30,
    ),
    ascii_only=st.booleans(),
)
def test_text_of_a_document_says_what_it_holds(document: object, *, ascii_only: bool) -> None:
    """Whatever it holds, at any depth, and in ASCII where the terminal knows no more."""
    assert read(document, ascii_only=ascii_only) == document
    text = "".join(json_pieces(document, ascii_only=ascii_only))
    assert text.isascii() or not ascii_only
    assert text.endswith(("}", "]", '"')) or not isinstance(document, dict | list)


def test_each_change_is_one_line() -> None:
    """A report is read by people too, and by grep."""
    report = ended(*[Status.APPLIED] * 3)

    lines = "".join(json_pieces(reports_document([report]))).splitlines()

    assert sum(line.lstrip().startswith('{"n": 1, "action"') for line in lines) == 1
    assert lines[:3] == ["{", '  "runs": [', "    {"]


# ---------------------------------------------------------------------- changes


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (Action.CREATE, "+ create      ann@example.com"),
        (Action.REACTIVATE, "^ reactivate  ann@example.com"),
        (Action.PATCH, "~ patch       ann@example.com"),
        (Action.DEACTIVATE, "- deactivate  ann@example.com"),
        (Action.DELETE, "x delete      ann@example.com"),
    ],
)
def test_change_is_a_line_with_its_reason(action: Action, line: str) -> None:
    """Sign, action, name and why."""
    lines = shown(of(a_change(action))).splitlines()

    assert any(f"  {line}" in each and "differs from JumpCloud" in each for each in lines)


def test_long_path_and_value_sent_again_are_told_apart() -> None:
    """A path that fills its column stands apart from the value, and the same is not shown twice."""
    attributes = (an_attribute('phoneNumbers[type eq "mobile"].value', "+44", "+44"),)

    lines = shown(of(a_change(attributes=attributes)))

    assert "phoneNumbers[mobile] +44 (again)" in lines


def test_patch_shows_before_and_after() -> None:
    """Also that a value is removed, and where there was none."""
    attributes = (
        an_attribute("title", "CTO", "CEO"),
        an_attribute("nickName", "Annie", None),
        an_attribute('emails[type eq "work"].value', None, "a@x"),
        an_attribute(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "", "IT"
        ),
    )

    lines = shown(of(a_change(attributes=attributes)))

    assert "title              CTO → CEO" in lines
    assert "nickName           Annie → (removed)" in lines
    assert "emails[work]       a@x" in lines
    assert "department         IT" in lines


def test_access_is_shown_by_the_action_and_in_full_when_asked() -> None:
    """Verbose tells the attribute too."""
    report = of(a_change(Action.DEACTIVATE), a_change(Action.REACTIVATE))

    assert "active" not in shown(report)
    assert shown(report, verbose=True).count("active             ") == 2


def test_create_is_brief_unless_asked() -> None:
    """Two attributes of each, and none when there are many."""
    attributes = tuple(an_attribute(f"a{n}", None, "x") for n in range(4))
    few = of(a_change(Action.CREATE, attributes=attributes))
    many = of(*(a_change(Action.CREATE, f"u{n}", attributes=attributes) for n in range(6)))

    assert "…2 more attributes (--verbose)" in shown(few)
    assert "a3" in shown(few, verbose=True)
    assert "a0" not in shown(many)


def test_group_shows_its_members() -> None:
    """The first three of each sign, all of them when asked."""
    change = a_group_change(
        Action.CREATE,
        attributes=(an_attribute("displayName", None, "Staff"),),
        add=tuple(a_member(f"m{n}") for n in range(5)),
        remove=(a_member("bob"),),
    )

    brief, full = shown(of(change)), shown(of(change), verbose=True)

    assert "group Staff" in brief
    assert "+ m2@example.com" in brief
    assert "+ …2 more" in brief
    assert "- bob@example.com" in brief
    assert "+ m4@example.com" in full
    assert "displayName" not in full


def test_long_plan_is_cut_and_its_failures_are_not() -> None:
    """Fifty changes are enough to read; what failed is shown wherever it stands."""
    statuses = [Status.APPLIED] * 59 + [Status.FAILED]
    lines = shown(ended(*statuses))

    assert "… 10 more changes (--verbose)" in lines
    assert "u58" not in lines
    assert "u59" in lines
    assert "u58" in shown(ended(*statuses), verbose=True)


def test_outcome_is_marked() -> None:
    """With the reason where there is one."""
    lines = shown(ended(Status.APPLIED, Status.FAILED, Status.NOT_ATTEMPTED))

    assert "✓ ~ patch" in lines
    assert "✗ ~ patch" in lines
    assert "· ~ patch" in lines
    assert "      400: no" in lines


def test_held_changes_are_shown_alone() -> None:
    """For a person who decides on them."""
    assert "deactivate" in text(render_changes([a_change(Action.DEACTIVATE)]))


# ---------------------------------------------------------------------- the rest


def test_everybody_left_alone_is_counted() -> None:
    """Only what there is."""
    counts = Counts(unchanged=3, unmanaged=2, out_of_scope=1)
    plan = a_plan(users=counts, groups=Counts(unchanged=1, unmanaged=2))

    assert (
        "Left alone: 3 unchanged · 2 not ours · 1 out of scope · 1 group unchanged · 2 groups not ours"
        in shown(a_report(plan=plan))
    )
    assert shown(a_report()).count("Left alone: 0 unchanged\n") == 1


def test_findings_are_shown_up_to_a_number() -> None:
    """All of them when asked."""
    report = a_report(findings=tuple(a_finding(who=f"u{n}") for n in range(25)))

    assert "… 5 more findings (--verbose)" in shown(report)
    assert "u24" not in shown(report)
    assert "u24" in shown(report, verbose=True)
    assert "! conflict " in shown(report)


def test_quiet_shows_what_needs_a_person() -> None:
    """Failures, what blocks somebody and gaps; not what merely was noticed."""
    report = ended(
        Status.APPLIED,
        Status.FAILED,
        findings=(
            a_finding(FindingKind.CONFLICT, "con"),
            a_finding(FindingKind.INCOMPLETE, "gap"),
            a_finding(FindingKind.ADOPTED, "ado"),
        ),
    )

    lines = shown(report, quiet=True)

    assert "u1" in lines
    assert "u0" not in lines
    assert "con@" in lines
    assert "gap@" in lines
    assert "ado@" not in lines
    assert "Digest" not in lines


def test_heading_says_what_was_read() -> None:
    """And whether that was everything."""
    report = a_report(
        directory_users=41, provider_users=36, finished_at=NOON + timedelta(seconds=1.25)
    )
    part = replace(report, provider_complete=False)

    assert shown(report).splitlines()[0] == (
        "keepnet · full · JumpCloud 41 people, platform 36 accounts, read completely · 1.2 s"
    )
    assert "read in part" in shown(part)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ((), "nothing to do"),
        ((a_change(Action.CREATE), a_change(Action.DELETE)), "1 to create, 1 to delete"),
        ((a_group_change(),), "1 group"),
        (
            (a_group_change(add=(a_member(),)), a_group_change(name="X", remove=(a_member(),) * 2)),
            "2 groups, 3 memberships",
        ),
    ],
)
def test_summary_counts_the_plan(changes: tuple[Change, ...], words: str) -> None:
    """In one line."""
    assert f"  Plan: {words}." in shown(of(*changes))


# ---------------------------------------------------------------------- the last lines


def test_run_in_step_says_so() -> None:
    """And nothing else."""
    assert shown(a_report()).splitlines()[-1] == "  In step."


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"findings": (a_finding(),)}, "Not in step: 1 finding above."),
        ({"findings": (a_finding(), a_finding(FindingKind.SKIPPED))}, "2 findings above."),
        ({"provider_complete": False}, "a side was read in part, so nobody's access is taken."),
    ],
)
@pytest.mark.parametrize("quiet", [True, False])
def test_partial_run_is_not_in_step(fields: dict[str, object], words: str, quiet: bool) -> None:
    """Although nothing failed: somebody is not provisioned, or nothing was taken."""
    lines = shown(a_report(outcome=RunOutcome.PARTIAL, **fields), quiet=quiet)

    assert words in lines
    assert "In step." not in lines


def test_applied_run_says_where_to_look() -> None:
    """By the end of the run's id."""
    assert shown(ended(Status.APPLIED)).endswith("  1 applied. Look: jcsync changes --run abc123")


def test_failed_changes_are_counted() -> None:
    """Those that were not attempted among them."""
    lines = shown(ended(Status.APPLIED, Status.FAILED, Status.NOT_ATTEMPTED))

    assert "  1 applied, 2 failed" in lines
    assert "The next run tries them again." in lines


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (of(a_change()), "  Nothing was written. Next: jcsync reconcile keepnet"),
        (a_report(), "  Nothing was written."),
    ],
)
def test_plan_says_what_comes_next(report: RunReport, words: str) -> None:
    """Where something is due."""
    assert shown(report, applied=False).endswith(words)


def test_held_run_says_how_to_decide() -> None:
    """The number, the limit, the setting and the next commands."""
    report = replace(of(a_change(), violations=(a_violation(),), hold=7), outcome=RunOutcome.HELD)

    lines = shown(report)

    assert "HELD: 52 deactivations planned, 50 allowed (limits.deactivate.count)." in lines
    assert "jcsync approve 7" in lines
    assert "jcsync reject 7" in lines
    assert "BEYOND LIMITS: 52" in shown(
        replace(report, hold=None, outcome=RunOutcome.PLANNED), applied=False
    )


@pytest.mark.parametrize(
    ("violation", "words"),
    [
        (
            a_violation("deactivate.percent", allowed=3, planned=35, base=35),
            "35 deactivations planned, 3 of 35 allowed (limits.deactivate.percent).",
        ),
        (
            a_violation("remove_members.count", subject="St\naff"),
            "52 members to remove from the group St\\naff planned, 50 allowed (limits.remove_members.count).",
        ),
        (
            a_violation("accounts.count"),
            "52 active accounts afterwards planned, 50 allowed (limits.accounts.count).",
        ),
    ],
)
def test_violation_names_number_limit_and_setting(violation: Violation, words: str) -> None:
    """So that the operator knows what to change."""
    assert violation_text(violation) == words


@pytest.mark.parametrize("limit", ["delete", "delete_groups", "patch", "create"])
def test_every_limit_has_words(limit: str) -> None:
    """A limit without words would end the report."""
    assert f"(limits.{limit}.count)" in violation_text(a_violation(f"{limit}.count"))


def test_failed_run_says_why_and_that_nothing_was_written() -> None:
    """With and without a plan."""
    error = RunError(kind=ErrorKind.UNREADABLE, message="500\n")
    without = shown(a_report(plan=None, outcome=RunOutcome.FAILED, error=error))
    planned = shown(of(a_change(), error=error))

    for lines in (without, planned):
        assert lines.count("FAILED: 500\\n") == 1
        assert lines.endswith("  Nothing was written. Next: jcsync check keepnet")
        assert lines.startswith("keepnet · full")
    assert "no plan was made" in shown(a_report(plan=None))


def test_run_that_wrote_before_it_failed_does_not_deny_it() -> None:
    """What was applied stays applied."""
    error = RunError(kind=ErrorKind.REFUSED, message="401")

    lines = shown(ended(Status.APPLIED, Status.NOT_ATTEMPTED, error=error))

    assert "FAILED: 401" in lines
    assert "Nothing was written" not in lines


# ---------------------------------------------------------------------- parts


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "(none)"), (True, "true"), (False, "false"), (3, "3"), ("a\tb", "a\\tb")],
)
def test_values_are_written_for_people(value: Value, words: str) -> None:
    """And cannot break the line."""
    assert value_text(value) == words


def test_nouns_agree_with_their_numbers() -> None:
    """One account, two accounts."""
    assert [counted(n, "account") for n in (0, 1, 2)] == ["0 accounts", "1 account", "2 accounts"]


def test_time_is_told_to_the_second() -> None:
    """In UTC."""
    assert time_text(NOON + timedelta(microseconds=7)) == "2026-01-31T12:00:00Z"


NASTY = st.text(st.characters(exclude_categories=()), max_size=12)


@given(
    name=NASTY,
    value=NASTY,
    action=st.sampled_from(Action),
    verbose=st.booleans(),
    quiet=st.booleans(),
)
@example(
    name='🦊 "O\'Neil" <b>',
    value="\u202eevil\ud800\x1b[2J\r\n\x00",
    action=Action.PATCH,
    verbose=True,
    quiet=False,
)
def test_nasty_text_breaks_no_line(
    *, name: str, value: str, action: Action, verbose: bool, quiet: bool
) -> None:
    """Whatever people, groups and platforms are called, no line is forged and no terminal driven."""
    plan: Plan = a_plan(
        a_change(action, name=name, reason=value, attributes=(an_attribute("title", value, name),)),
        a_group_change(name=name, add=(a_member(name=name),), remove=(a_member(name=value),)),
    )
    reports = [
        a_report(
            plan=shown_plan,
            outcomes=(an_outcome(1, Status.FAILED, error=value),) if shown_plan else (),
            violations=(a_violation("remove_members.count", subject=name),),
            findings=(Finding(kind=FindingKind.CONFLICT, subject=name, message=value),),
            error=error,
        )
        for shown_plan in (plan, None)
        for error in (None, RunError(kind=ErrorKind.UNREADABLE, message=value))
    ]

    for report in reports:
        for line in render_run(report, verbose=verbose, quiet=quiet):
            assert "".join(part for part, _ in line).isprintable()
        read(report_document(report))
