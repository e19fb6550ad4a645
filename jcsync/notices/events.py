"""What of a run is worth telling: what is new, and what is over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from jcsync.model.history import EscrowRecord, HoldRecord, HoldStatus, Memo
from jcsync.model.report import ErrorKind, FindingKind, RunOutcome, RunReport
from jcsync.model.text import printable
from jcsync.render import counted, plan_summary, violation_text

Event = Literal["failed", "recovered", "held", "escrow"]

TROUBLE: Final = "trouble"
HOLD: Final = "told hold"
ESCROW: Final = "told escrow"
OTHER: Final = "told other provisioner"
STORE: Final = "told store"

_NAMED: Final = 10
_NO_VERDICT: Final = frozenset({ErrorKind.LEASE, ErrorKind.STOPPED, ErrorKind.STALE_PLAN})
_LEAST_FREE: Final = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell.

    Attributes:
        event: The word of ``notify.on`` that asks for it.
        topic: Of the memo that it was told.
        value: Of that memo; ``None`` forgets it.
        title: One line.
        body: What is the matter, and what to do. ``""``: nothing is told, only remembered.
    """

    event: Event
    topic: str
    value: str | None
    title: str = ""
    body: str = ""


def trouble_of(report: RunReport) -> str | None:
    """Return in a word why a run did not work; ``""`` when it did, ``None`` when it says nothing.

    A hold and a broken record are no trouble of the run: they are told as what they are.
    """
    error = report.error
    if error is not None and error.kind in _NO_VERDICT:
        return None
    if error is not None and error.unauthorized:
        return "credentials"
    if error is not None or report.outcome is RunOutcome.FAILED:
        return "failed"
    return "" if report.directory_complete and report.provider_complete else "incomplete"


def find_events(
    report: RunReport,
    memos: Mapping[str, Memo],
    *,
    holds: Sequence[HoldRecord],
    escrow: Sequence[EscrowRecord],
) -> Iterator[Notice]:
    """Yield what is new since people were told last.

    Args:
        report: Of a run that was to apply its plan.
        memos: What is remembered of the connection, by topic.
        holds: Open holds of the connection.
        escrow: What waits in its escrow, this run's failures among it.
    """
    yield from _trouble(report, memos.get(TROUBLE))
    told = memos[HOLD].value if HOLD in memos else ""
    for hold in holds:
        # A rejected plan ends held as well, and is not asked for again.
        if hold.id == report.hold and hold.status is HoldStatus.HELD and told != str(hold.id):
            yield _held(report, hold)
    yield from _escrow(report, escrow, memos.get(ESCROW))
    yield from _other_provisioner(report, memos.get(OTHER))


def _trouble(report: RunReport, before: Memo | None) -> Iterator[Notice]:
    name, trouble = report.connection, trouble_of(report)
    if trouble is None:
        return
    if not trouble:
        if before is not None:
            yield Notice(
                event="recovered",
                topic=TROUBLE,
                value=None,
                title=f"jcsync {name}: recovered",
                body=(
                    f"The connection {name} works again, after trouble since {_when(before.at)}.\n"
                    f"The last run ended {report.outcome.value}: {_done(report)}."
                ),
            )
        return
    if before is not None and before.value == trouble:
        return
    title, advice = {
        "credentials": (
            "credentials rejected",
            "Nobody gets or loses access until somebody puts a new key or token in its place.",
        ),
        "failed": ("failed", f"It is tried again by itself. Look: jcsync runs --connection {name}"),
        "incomplete": (
            "read in part only",
            f"Nobody loses access until both sides can be read again. Look: jcsync check {name}",
        ),
    }[trouble]
    yield Notice(
        event="failed",
        topic=TROUBLE,
        value=trouble,
        title=f"jcsync {name}: {title}",
        body=f"{_reason(report)}\n{advice}",
    )


def _reason(report: RunReport) -> str:
    if report.error is not None:
        return printable(report.error.message)
    gaps = [f for f in report.findings if f.kind is FindingKind.INCOMPLETE]
    lines = [f"{f.subject}: {printable(f.message)}" for f in gaps[:_NAMED]]
    return "\n".join(lines) or "A side was read in part only."


def _done(report: RunReport) -> str:
    applied = sum(outcome.status == "applied" for outcome in report.outcomes)
    return f"{counted(applied, 'change')} applied"


def _held(report: RunReport, hold: HoldRecord) -> Notice:
    lines = [violation_text(violation) for violation in hold.violations]
    if report.plan is not None:
        lines.append(f"The plan: {plan_summary(report.plan)}.")
    lines += [
        "Nothing was written.",
        f"Look:   jcsync holds show {hold.id}",
        f"Accept: jcsync approve {hold.id}",
        f"Refuse: jcsync reject {hold.id}",
    ]
    return Notice(
        event="held",
        topic=HOLD,
        value=str(hold.id),
        title=f"jcsync {report.connection}: held, a plan waits for your decision",
        body="\n".join(lines),
    )


def _escrow(
    report: RunReport, escrow: Sequence[EscrowRecord], told: Memo | None
) -> Iterator[Notice]:
    since = datetime.fromisoformat(told.value) if told else report.started_at
    new = [
        record
        for record in escrow
        if record.first_failed_at > since or (told is None and record.first_failed_at == since)
    ]
    if not new:
        return
    lines = [
        f"{record.action.value} {printable(record.name)}: {printable(record.reason)}"
        for record in new[:_NAMED]
    ]
    if len(new) > _NAMED:
        lines.append(f"… and {len(new) - _NAMED} more")
    lines += [
        "They are tried again by themselves, less and less often; everybody else is provisioned.",
        f"Look: jcsync escrow list --connection {report.connection}",
    ]
    yield Notice(
        event="escrow",
        topic=ESCROW,
        value=max(record.first_failed_at for record in new).isoformat(),
        title=f"jcsync {report.connection}: {counted(len(new), 'resource')} could not be provisioned",
        body="\n".join(lines),
    )


def _other_provisioner(report: RunReport, told: Memo | None) -> Iterator[Notice]:
    if not report.succeeded:
        return  # it may not have got so far as to look
    found = [f for f in report.findings if f.kind is FindingKind.OTHER_PROVISIONER]
    if found and told is None:
        yield Notice(
            event="failed",
            topic=OTHER,
            value=found[0].subject,
            title=f"jcsync {report.connection}: another provisioner writes to the platform",
            body="\n".join(f"{printable(f.subject)}: {printable(f.message)}" for f in found),
        )
    elif not found and told is not None and report.mode == "full":
        yield Notice(event="failed", topic=OTHER, value=None)


def find_store_event(free: int, told: Memo | None) -> Iterator[Notice]:
    """Yield that the disk of the store is nearly full, or that it is no more.

    Args:
        free: Bytes; nearly full are less than 200 MB.
        told: The memo that it was told.
    """
    full = free < _LEAST_FREE
    if full and told is None:
        yield Notice(
            event="failed",
            topic=STORE,
            value=str(free),
            title="jcsync: the disk of the store is nearly full",
            body=(
                f"{free // 1_000_000} MB are left. Without room nothing can be recorded, and "
                "without a record nothing is written to the platform. Make room, or shorten "
                "store.keep_history."
            ),
        )
    elif not full and told is not None:
        yield Notice(event="failed", topic=STORE, value=None)


def _when(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
