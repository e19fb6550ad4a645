"""What was learnt of a service provider by reading alone, and how long it is believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

BELIEVED_FOR = timedelta(days=30)
"""How long runs go by what ``check`` has learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a service provider does; what could not be learnt is ``None`` or empty.

    Attributes:
        described: Whether it answers ServiceProviderConfig; ``False`` only for a plain no.
        patch: Whether it says that it takes PATCH.
        versions: Whether it says that ``If-Match`` means something.
        bulk_operations: Operations that it takes in one bulk request, 0 for no Bulk.
        bulk_bytes: Size of a bulk request that it takes, 0 for any.
        cursors: Whether it says that lists can be read by cursor.
        needs_cursor: Whether it refuses to list by index and lists by cursor.
        most_results: ``filter.maxResults``, 0 when it says none.
        page_size: Rows of a page at the most, where a page was cut.
        skips: Whether ``startIndex`` and ``count`` do what they say.
        filters: Whether each attribute can be filtered by ``eq``.
        ignores_case: Whether the filter by ``userName`` does.
        external_id: Whether an account shows ``externalId``; ``None`` when none may have one.
        members: ``list``: lists of groups show members; ``group``: only a group by itself does.
        attributes: Of accounts, by ``/Schemas``, as in ``Capabilities``.
    """

    described: bool | None = None
    patch: bool | None = None
    versions: bool | None = None
    bulk_operations: int = 0
    bulk_bytes: int = 0
    cursors: bool | None = None
    needs_cursor: bool = False
    most_results: int = 0
    page_size: int | None = None
    skips: bool | None = None
    filters: Mapping[str, bool] = field(default_factory=dict)
    ignores_case: bool | None = None
    external_id: bool | None = None
    members: str = ""
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """Facts, as they are kept.

    Attributes:
        subject: What they hold for: the base URL and the profile, as ``Connection.subject``.
        at: When they were learnt.
    """

    facts: Facts
    subject: str
    at: datetime

    def is_current(self, subject: str, now: datetime) -> bool:
        """Whether runs go by it: it is about the same platform, and not too old."""
        return self.subject == subject and self.at <= now < self.at + BELIEVED_FOR
