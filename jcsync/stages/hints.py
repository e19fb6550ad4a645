"""Events → whom to look at, or why to look at everybody. Pure.

An event is believed to have happened and nothing more: what follows from it is read from the
directory itself. What is none of the connection's business is left out; what is, and cannot be
pinned on single people, asks for a full run.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from jcsync.model.events import Event

_USER, _GROUP, _APPLICATION = "user", "user_group", "application"
_KINDS = frozenset({_USER, _GROUP, _APPLICATION})
_HARMLESS = frozenset(
    {
        "user_activation_email",
        "user_admin_granted",
        "user_admin_revoked",
        "user_login_attempt",
        "user_password_reset_request",
        "user_password_warning_email",
    }
)
"""About people, and never about what is provisioned."""

_HARMLESS_ENDS = ("_provision", "user_deprovision")
_HARMLESS_STARTS = ("user_mfa_", "user_activation_schedule_", "user_suspension_schedule_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What events point at.

    Attributes:
        people: JumpCloud ids of those who may have changed.
        everybody: Why all have to be looked at, or ``""``.
    """

    people: frozenset[str] = frozenset()
    everybody: str = ""


def read_hints(
    events: Iterable[Event],
    *,
    seen: Collection[str],
    groups: Collection[str],
    by_application: bool,
    organization: str,
) -> Hints:
    """Return whom events point at.

    Args:
        events: In any order, repeated or not.
        seen: Ids of events that were heeded before.
        groups: Ids of the groups of the scope.
        by_application: Whether an application decides who is in the scope.
        organization: That the connection belongs to, ``""`` when it is not known.
    """
    people: set[str] = set()
    for event in events:
        if event.id in seen:
            continue
        if organization and event.organization not in ("", organization):
            return Hints(everybody=f"an event is of the organisation {event.organization}")
        reason = _heed(event, people, groups, by_application=by_application)
        if reason:
            return Hints(everybody=f"{event.type}: {reason}")
    return Hints(people=frozenset(people))


def _heed(event: Event, people: set[str], groups: Collection[str], *, by_application: bool) -> str:
    """Add whom one event points at, or return why that is everybody."""
    kinds = {subject.kind for subject in event.subjects} - {""}
    if _is_harmless(event.type) or not kinds or not kinds <= _KINDS:
        return ""  # about nobody, or about somebody and his device
    ids = {subject.kind: subject.id for subject in event.subjects}
    if _APPLICATION in ids:
        if not by_application:
            return ""
    elif _GROUP in ids and ids[_GROUP] and ids[_GROUP] not in groups:
        return ""
    if not all(ids.values()):
        return "it does not say of whom"
    if _USER not in ids:
        return "it is about a group or application of the scope"
    people.add(ids[_USER])
    return ""


def _is_harmless(event_type: str) -> bool:
    return (
        event_type in _HARMLESS
        or event_type.endswith(_HARMLESS_ENDS)
        or event_type.startswith(_HARMLESS_STARTS)
    )
