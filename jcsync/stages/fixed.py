"""Attributes that a platform does not let be changed, or does not take at all. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from jcsync.model.plan import Change
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import Kind
from jcsync.stages.settle import WRITING


def leave_immutable(
    changes: Iterable[Change], immutable: Collection[str]
) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """Leave out attributes of existing accounts that the platform does not let be changed.

    Args:
        changes: All that is due.
        immutable: SCIM paths, case ignored.

    Returns:
        The changes that are left, in their order, and one finding for each attribute left out.
    """
    fixed = {path.casefold() for path in immutable}
    if not fixed:
        return tuple(changes), ()
    kept: list[Change] = []
    findings: list[Finding] = []
    for change in changes:
        writes = change.kind is Kind.USER and change.action in WRITING
        vain = [a for a in change.attributes if writes and a.path.casefold() in fixed]
        findings += [
            Finding(
                kind=FindingKind.UNSUPPORTED_ATTRIBUTE,
                subject=change.name,
                message=(
                    f"{a.path} is {a.before!r} and should be {a.after!r}, but this platform does not "
                    "let it be changed: it takes a new account, which jcsync never makes by itself"
                ),
            )
            for a in vain
        ]
        left = tuple(a for a in change.attributes if a not in vain)
        if not vain:
            kept.append(change)
        elif left:
            kept.append(replace(change, attributes=left))
    return tuple(kept), tuple(findings)


def unsent_findings(paths: Iterable[str]) -> tuple[Finding, ...]:
    """Return what is said of attributes that are mapped and that the profile does not allow."""
    return tuple(
        Finding(
            kind=FindingKind.UNSUPPORTED_ATTRIBUTE,
            subject=path,
            message=(
                "is mapped and not sent: the profile says that this platform does not take it "
                "(provider.quirks.allowed); null in users.attributes removes it"
            ),
        )
        for path in paths
    )
