"""What a service provider says of itself, asked for once and only when something hangs on it.

Source:
    RFC 7643, section 5; RFC 9865, section 4 (``pagination``).
"""

import threading
from collections.abc import Mapping
from http import HTTPStatus

from jcsync.errors import RemoteError
from jcsync.model.facts import Facts
from jcsync.scim.calls import Calls, Json
from jcsync.scim.profiles import Profile
from jcsync.scim.wire import attribute, text_of

_NONE = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)


class Discovery:
    """The ServiceProviderConfig; a provider that has none supports nothing optional."""

    def __init__(self, calls: Calls, profile: Profile, known: Facts | None = None) -> None:
        """Build it; nothing is sent.

        Args:
            calls: To the provider.
            profile: Where its ServiceProviderConfig is.
            known: What was learnt before: then it is not asked again.
        """
        self._calls = calls
        self._path = profile.config_path
        self._lock = threading.Lock()
        self._config: Json | None = None
        self._known = known if known is not None and known.described is not None else None
        self._status: int | None = None
        self._problem = ""

    def config(self) -> Json:
        """Return the answer, ``{}`` when there is none that could be used."""
        with self._lock:
            if self._config is None:
                self._config = self._fetch()
            return self._config

    @property
    def problem(self) -> str:
        """Why there is no answer: its status; ``""`` when there is one."""
        return self._problem

    def _fetch(self) -> Json:
        try:
            body = self._calls.get(self._path).body
        except RemoteError as error:
            self._status = error.status
            self._problem = f"{error.status or 'no answer'}"
            return {}
        return body if isinstance(body, Mapping) else {}

    def facts(self) -> Facts:
        """What it says, or was known to say."""
        if self._known is None:
            self._known = self._facts(self.config())
        return self._known

    def _facts(self, config: Json) -> Facts:
        bulk, pagination = attribute(config, "bulk"), attribute(config, "pagination")
        described = not self._problem or (False if self._status in _NONE else None)
        return Facts(
            described=described,
            patch=_supported(config, "patch"),
            versions=_supported(config, "etag"),
            bulk_operations=_number(bulk, "maxOperations") if _supported(config, "bulk") else 0,
            bulk_bytes=_number(bulk, "maxPayloadSize"),
            cursors=_truth(attribute(pagination, "cursor")),
            most_results=_number(attribute(config, "filter"), "maxResults"),
        )

    @property
    def has_versions(self) -> bool:
        """Whether ``If-Match`` means something."""
        return self.facts().versions is True


def _supported(config: Json, name: str) -> bool | None:
    return _truth(attribute(attribute(config, name), "supported"))


def _truth(value: object) -> bool | None:
    """A boolean, also as text."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().casefold())
    return value if isinstance(value, bool) else None


def _number(part: object, name: str) -> int:
    text = text_of(attribute(part, name))
    return int(text) if text.isdecimal() else 0
