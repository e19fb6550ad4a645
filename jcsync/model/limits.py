"""How much one run may change unattended.

Source:
    ``docs/limits.md``; the settings ``limits.*``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A ceiling as a number and as a share; ``None`` switches one off, the smaller one counts.

    Attributes:
        percent: Of what it is a share is said where it is checked.
    """

    count: int | None = None
    percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All ceilings of a connection.

    Attributes:
        deactivate: Accounts; percent of the managed, active accounts.
        delete: Accounts; percent of the managed accounts.
        remove_members: Members of one group; percent of its members.
        delete_groups: Groups; percent of the managed groups.
        patch: Accounts rewritten; percent of the managed accounts.
        create: Accounts.
        accounts: Active accounts on the platform after the run (licence).
    """

    deactivate: Limit = Limit(count=50, percent=10)
    delete: Limit = Limit(count=10, percent=5)
    remove_members: Limit = Limit(count=200, percent=20)
    delete_groups: Limit = Limit(count=3, percent=10)
    patch: Limit = Limit(percent=50)
    create: Limit = Limit()
    accounts: Limit = Limit()


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One limit that a plan exceeds.

    Attributes:
        limit: Name as in the settings, for example ``deactivate.count``.
        allowed: The ceiling, in changes.
        planned: What the plan holds.
        subject: The group concerned, for limits that count per group, else ``""``.
        base: The number of which ``allowed`` is a share, for percent limits, else ``None``.
    """

    limit: str
    allowed: int
    planned: int
    subject: str = ""
    base: int | None = None
