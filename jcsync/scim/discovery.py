"""What a service provider says of itself, asked for once and only when something hangs on it.

Source:
    RFC 7643, section 5; RFC 9865, section 4 (``pagination``).
"""

import threading
from collections.abc import Mapping

from jcsync.errors import RemoteError
from jcsync.scim.calls import Calls, Json
from jcsync.scim.profiles import Profile
from jcsync.scim.wire import attribute


class Discovery:
    """The ServiceProviderConfig; a provider that has none supports nothing optional."""

    def __init__(self, calls: Calls, profile: Profile) -> None:
        """Build it; nothing is sent."""
        self._calls = calls
        self._path = profile.config_path
        self._lock = threading.Lock()
        self._config: Json | None = None
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
            self._problem = f"{error.status or 'no answer'}"
            return {}
        return body if isinstance(body, Mapping) else {}

    @property
    def has_versions(self) -> bool:
        """Whether ``If-Match`` means something."""
        return attribute(attribute(self.config(), "etag"), "supported") is True

    @property
    def has_cursors(self) -> bool:
        """Whether lists can be read by cursor."""
        return attribute(attribute(self.config(), "pagination"), "cursor") is True
