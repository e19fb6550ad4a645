"""Values that the platform turns into something else are noticed and left alone. Pure.

A platform may answer 2xx and keep another value: it trims, reformats or ignores what it was
sent. The difference would then be due at every run. So a value that was written before and is
due again is *suspect*: it is written once more and read back, and when it did not stick this
time either, it is *settled*: the difference is left alone until one of its two sides changes.
A value that somebody edits by hand on the platform sticks when it is read back, and goes on
being corrected.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from jcsync.model.equality import is_equal
from jcsync.model.history import ChangeRecord
from jcsync.model.plan import Action, AttributeChange, Change
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import Kind, UserResource, Value

WRITING = frozenset({Action.PATCH, Action.REACTIVATE})

Settled = Mapping[str, Mapping[str, AttributeChange]]
"""By JumpCloud id and path: what the platform has (``before``) in place of what it was sent
(``after``)."""


def leave_settled(
    changes: Iterable[Change], settled: Settled
) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """Leave out attributes of which it is known that the platform does not keep the value.

    Returns:
        The changes that are left, in their order, and one finding for each attribute left out.
    """
    kept: list[Change] = []
    findings: list[Finding] = []
    for change in changes:
        known = settled.get(change.external_id) if _writes(change) else None
        if not known:
            kept.append(change)
            continue
        vain = [a for a in change.attributes if _is_settled(a, known.get(a.path))]
        findings += [settled_finding(change.name, known[a.path]) for a in vain]
        left = tuple(a for a in change.attributes if a not in vain)
        if not vain:
            kept.append(change)
        elif left:
            kept.append(replace(change, attributes=left))
    return tuple(kept), tuple(findings)


def _is_settled(attribute: AttributeChange, known: AttributeChange | None) -> bool:
    return (
        known is not None
        and known.after == attribute.after
        and is_equal(attribute.path, known.before, attribute.before)
    )


def written_ids(changes: Iterable[Change]) -> frozenset[str]:
    """Return the JumpCloud id of everybody whose attributes are due, to look their past up."""
    return frozenset(change.external_id for change in changes if _writes(change))


def find_suspects(
    changes: Iterable[Change], past: Mapping[str, Sequence[ChangeRecord]]
) -> Mapping[str, frozenset[str]]:
    """Return the paths that were set to the same value before and are due again.

    Args:
        changes: All that is due.
        past: The newest applied changes of each person, newest first, by JumpCloud id.

    Returns:
        Paths by JumpCloud id; who has none is left out.
    """
    suspects = {
        change.external_id: frozenset(
            a.path
            for a in change.attributes
            if last_write(a.path, past.get(change.external_id, ())) == (a.after,)
            and not is_equal(a.path, a.before, a.after)
        )
        for change in changes
        if _writes(change) and not change.is_second_pass
    }
    return {external_id: paths for external_id, paths in suspects.items() if paths}


def last_write(path: str, records: Sequence[ChangeRecord]) -> tuple[Value, ...]:
    """Return the value that was last written to a path as a tuple of one, or ``()``."""
    return next(((a.after,) for record in records for a in record.attributes if a.path == path), ())


def unkept(
    change: Change, paths: Iterable[str], actual: UserResource
) -> tuple[AttributeChange, ...]:
    """Return which of these attributes the platform did not keep, as what it has instead.

    Args:
        change: That was applied.
        paths: Of its suspects.
        actual: The account as it was read back.
    """
    wanted = {a.path: a.after for a in change.attributes}
    return tuple(
        AttributeChange(path=path, before=actual.attributes.get(path), after=wanted[path])
        for path in sorted(set(paths) & wanted.keys())
        if path in actual.attributes and not is_equal(path, actual.attributes[path], wanted[path])
    )


def settled_finding(name: str, known: AttributeChange) -> Finding:
    """Return what is said of an attribute that the platform does not keep, or not show."""
    if known.path == "active":
        message = (
            f"active was set to {known.after!r}, and the platform does not show it, so that it "
            "cannot be seen whether it took: look at the account there"
        )
        return Finding(kind=FindingKind.UNSUPPORTED_ATTRIBUTE, subject=name, message=message)
    keeps = "drops it" if known.before in (None, "") else f"keeps {known.before!r}"
    message = (
        f"{known.path} was set to {known.after!r} twice and the platform {keeps}; left alone "
        "until it changes on either side"
    )
    return Finding(kind=FindingKind.UNSUPPORTED_ATTRIBUTE, subject=name, message=message)


def _writes(change: Change) -> bool:
    return change.kind is Kind.USER and change.action in WRITING
