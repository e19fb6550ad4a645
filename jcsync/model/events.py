"""What JumpCloud's event log says has happened: a hint where to look, never the truth itself.

Source:
    JumpCloud Directory Insights API 1.0; types of objects are upper case in old events.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An object that an event names.

    Attributes:
        kind: ``user``, ``user_group``, ``application`` or another type, in lower case.
        id: ``""`` when the event names none.
    """

    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened in the directory.

    Attributes:
        id: By which the same event is known when it is told twice.
        type: Such as ``user_update``, in lower case.
        organization: ``id`` of the organisation, or ``""``.
        at: By JumpCloud's clock; ``None`` when it does not say.
        subjects: What happened to it; both ends of an association, in the order of the event.
    """

    id: str
    type: str
    organization: str = ""
    at: datetime | None = None
    subjects: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What the event log tells of a time.

    Attributes:
        events: Each once, in the order in which they came.
        until: Up to when it was asked for; later events, and late ones, are still to come.
        cut: There were more than are worth reading.
    """

    events: tuple[Event, ...]
    until: datetime
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorUse:
    """What JumpCloud's own connector of one application has done lately.

    Attributes:
        application_id: ``""`` when the events do not say.
        names: What the application is called; empty when the events do not say.
        events: How many times it acted.
        last_type: Its newest event, such as ``user_update_provision``.
        last_at: When that was, as JumpCloud writes it.
    """

    application_id: str
    names: tuple[str, ...]
    events: int
    last_type: str
    last_at: str
