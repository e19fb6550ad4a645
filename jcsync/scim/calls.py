"""Requests to a service provider, in the media type that it takes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from jcsync.errors import RejectedError, UnauthorizedError
from jcsync.scim.profiles import Profile
from jcsync.transport import Answer, Transport

Json = Mapping[str, Any]
Collection = Literal["Users", "Groups"]

_PLAIN_JSON = "application/json"

T = TypeVar("T")


def resource_path(collection: Collection, resource_id: str) -> str:
    """Return the path of one resource; an id may be a user name and hold anything."""
    return f"/{collection}/{quote(resource_id, safe='')}"


class Calls:
    """Requests below the base URL of a service provider; safe for several threads."""

    def __init__(self, transport: Transport, profile: Profile) -> None:
        """Build it; nothing is sent."""
        self.transport = transport
        self._content_type: str = profile.content_type

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Read.

        Raises:
            RemoteError: In the form that names the reaction.
        """
        return self.transport.request("GET", path, params=params)

    def send(self, method: str, path: str, body: object = None, *, version: str = "") -> Answer:
        """Send a PUT or DELETE, which may be repeated.

        Args:
            method: ``PUT`` or ``DELETE``.
            path: Below the base URL.
            body: JSON value, or bytes of one; ``None`` for none.
            version: What the resource must still be, ``""`` for anything.

        Raises:
            RemoteError: In the form that names the reaction.
        """

        def attempt() -> Answer:
            headers = self._headers(version)
            return self.transport.request(method, path, body=body, headers=headers)

        return self._in_its_media_type(attempt)

    def write(
        self,
        method: str,
        path: str,
        body: object,
        *,
        applied: Callable[[], T | None],
        version: str = "",
    ) -> Answer | T:
        """Send a POST or PATCH, which must not be repeated blindly; see ``Transport.write``."""

        def attempt() -> Answer | T:
            headers = self._headers(version)
            return self.transport.write(method, path, body, applied=applied, headers=headers)

        return self._in_its_media_type(attempt)

    def _in_its_media_type(self, attempt: Callable[[], T]) -> T:
        """Send JSON as plain JSON from the first refusal of SCIM's own media type on."""
        with _about_one_resource():
            plain = self._content_type == _PLAIN_JSON
            try:
                return attempt()
            except RejectedError as error:
                if error.status != HTTPStatus.UNSUPPORTED_MEDIA_TYPE or plain:
                    raise
            self._content_type = _PLAIN_JSON
            return attempt()

    def _headers(self, version: str) -> Mapping[str, str]:
        headers = {"Content-Type": self._content_type}
        return {**headers, "If-Match": version} if version else headers


@contextmanager
def _about_one_resource() -> Iterator[None]:
    """Turn a 403 to a write into the failure of that write: the others may well succeed.

    Platforms protect single accounts, and refuse to create beyond a licence, by 403.
    """
    try:
        yield
    except UnauthorizedError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        message = (
            f"{error}; the platform protects this resource, has no licence left for it, or does "
            "not let this token write"
        )
        raise RejectedError(message, status=error.status) from error
