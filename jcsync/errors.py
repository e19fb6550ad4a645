"""Every error that jcsync raises on purpose.

A class stands for what the caller does next, not for where it was raised:

    JcsyncError
    ├── SettingsError            the operator corrects a setting; nothing ran
    │   └── SeveralOrganizationsError  the key sees several and none is chosen
    ├── UsageError               the operator corrects the command; nothing ran
    │   └── NobodyError          it names somebody or a group who is not there, but maybe elsewhere
    ├── LeaseHeldError           another run is under way; come back later
    ├── LeaseLostError           this process slept past its lease; it writes nothing more
    ├── StalePlanError           the approved plan is no longer the one due
    ├── StoppedError             the process was asked to stop; nothing more is sent
    ├── StoreError               the store cannot be opened, read or written; the run ends
    │   └── StorePlaceError      it cannot be opened where the settings put it (a SettingsError as well)
    └── RemoteError              an API failed or refused
        ├── TransientError       wait, then make the same call again
        │   ├── ThrottledError       the server asks to slow down; go on, as slowly as it takes
        │   └── UnknownOutcomeError  a write may have been applied; look before repeating it
        ├── NotFoundError        404: the resource is gone
        ├── ConflictError        409: look up who holds the name
        ├── RejectedError        this call is wrong and stays wrong; the others go on
        ├── UnreadableError      the answer is not what an API answers; nothing can be believed
        │   └── GarbledError         it may have been damaged on its way: ask a few times more
        ├── FeedError            the event log cannot be read; the directory itself is read instead
        └── UnauthorizedError    no call can succeed; the run ends

A plan that exceeds its limits is not an error but an answer: see
``RunReport.violations``. Errors of ``requests``, ``sqlalchemy`` and ``pydantic``
are translated where they arise and kept as ``__cause__``.
"""

from collections.abc import Mapping


class JcsyncError(Exception):
    """Base of all errors below; caught by the front doors only."""


class SettingsError(JcsyncError):
    """A setting is missing, malformed or contradicts another or the world."""


class SeveralOrganizationsError(SettingsError):
    """The key sees several organisations and none is chosen.

    Attributes:
        organizations: Names by id.
    """

    def __init__(self, message: str, *, organizations: Mapping[str, str]) -> None:
        """Keep those to choose from."""
        super().__init__(message)
        self.organizations = organizations


class UsageError(JcsyncError):
    """A command names something that does not exist."""


class NobodyError(UsageError):
    """Nobody, or no group of the scope, is called so on the sides of a connection."""


class LeaseHeldError(JcsyncError):
    """Another process holds the lease of the connection.

    Attributes:
        owner: Host and process that hold it.
    """

    def __init__(self, message: str, *, owner: str) -> None:
        """Keep who holds it."""
        super().__init__(message)
        self.owner = owner


class LeaseLostError(JcsyncError):
    """The lease ended before the run did."""


class StalePlanError(JcsyncError):
    """The world has moved since the plan was saved or held."""


class StoppedError(JcsyncError):
    """The process was asked to stop before this call."""


class StoreError(JcsyncError):
    """The store failed: disk full, no permission, damaged, unreachable, of a newer version."""


class StorePlaceError(StoreError, SettingsError):
    """``store.url`` leads to where no store can be opened: no right, no directory, no such driver."""


class RemoteError(JcsyncError):
    """An API failed or refused.

    Attributes:
        status: HTTP status, or ``None`` when there was no answer.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """Keep the status for the reaction."""
        super().__init__(message)
        self.status = status


class TransientError(RemoteError):
    """Worth another attempt: no connection, 429, or a failed read.

    Attributes:
        retry_after: Seconds the server asked for, or ``None``.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        """Keep the server's own waiting time, if it gave one."""
        super().__init__(message, status=status)
        self.retry_after = retry_after


class ThrottledError(TransientError):
    """429, or what is meant so: the call had no effect, and others come too fast."""


class UnknownOutcomeError(TransientError):
    """A write got no answer, or 5xx: it may have been applied."""


class NotFoundError(RemoteError):
    """404: the resource is not there (any more)."""


class ConflictError(RemoteError):
    """409: another resource holds the name."""


class RejectedError(RemoteError):
    """This request is wrong and stays wrong: 400, 412, 413, 422 and the like."""


class UnreadableError(RemoteError):
    """A redirect, HTML, broken or unexpected JSON, or a body beyond bounds."""


class GarbledError(UnreadableError):
    """An answer of 2xx that is no JSON: cut or damaged on its way, or a web page in its place."""


class UnauthorizedError(RemoteError):
    """The credentials are refused: 401 or 403."""


class FeedError(RemoteError):
    """JumpCloud's event log cannot be read: no licence, no role, no such address, or a failure.

    Attributes:
        missing: Whether it is not there for this key at all, and not only just now.
    """

    def __init__(self, message: str, *, missing: bool, status: int | None = None) -> None:
        """Keep whether asking again is of use."""
        super().__init__(message, status=status)
        self.missing = missing
