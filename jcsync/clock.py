"""The time, as the machine has it: meets ``ports.Clock``."""

from datetime import UTC, datetime


class SystemClock:
    """The wall clock of this computer."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place
