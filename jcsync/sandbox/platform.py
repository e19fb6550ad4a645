"""What every embedded SCIM platform offers, beside its end points, to those who test with it."""

from collections.abc import Iterable
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIEnvironment

Resource = dict[str, Any]

BASE_PATH = "/scim/v2"
"""Below which a platform serves its end points."""


class Platform(Protocol):
    """A SCIM service provider whose state tests may look at and change by hand.

    Attributes:
        token: The bearer token that it accepts.
    """

    token: str

    def accounts(self) -> list[Resource]:
        """Return every user resource as JSON, in any order."""
        ...

    def groups(self) -> list[Resource]:
        """Return every group resource as JSON, in any order."""
        ...

    def edit(self, identity: str, **attributes: object) -> None:
        """Replace attributes of a user or group, by their SCIM names; ``None`` removes one.

        Raises:
            KeyError: There is no such resource.
        """
        ...

    def add_by_hand(self, **attributes: object) -> str:
        """Create a user, or a group when there is no ``userName``, and return its ``id``."""
        ...

    def delete_by_hand(self, identity: str) -> None:
        """Delete a user or group.

        Raises:
            KeyError: There is no such resource.
        """
        ...

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        ...
