"""A SCIM platform of reference quality, in memory: scim2-server.

Source:
    RFC 7643 and RFC 7644, as scim2-server implements them. A listing costs it time for every
    account it holds, so use ``fast_platform`` from some thousands of accounts on.
"""

from collections.abc import Iterable
from typing import Any, cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication
from scim2_server.utils import load_default_resource_types, load_default_schemas
from scim2_server.utils import load_default_service_provider_config as load_config

from jcsync.sandbox.platform import BASE_PATH, Resource


class ReferencePlatform:
    """scim2-server behind a bearer token, below ``/scim/v2``.

    Attributes:
        token: The bearer token that it accepts.
    """

    def __init__(self, token: str) -> None:
        """Begin without users and groups."""
        self.token = token
        config = load_config()
        config.authentication_schemes = [BEARER_TOKEN_SCHEME]
        self._provider = ScimProvider.from_discovery(
            load_default_schemas().values(), load_default_resource_types().values(), config=config
        )
        self._storage = InMemoryStorage()
        self._types = {kind.name: kind for kind in self._provider.resource_types}
        self._application = cast(
            "WSGIApplication",
            BearerTokenApplication(self._storage, self._provider, bearer_tokens=[token]),
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        environ["SCRIPT_NAME"] = BASE_PATH.removesuffix("/v2")
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/scim")
        return self._application(environ, start_response)

    def accounts(self) -> list[Resource]:
        """Return every user resource as JSON, in any order."""
        return self._dump("User")

    def groups(self) -> list[Resource]:
        """Return every group resource as JSON, in any order."""
        return self._dump("Group")

    def _dump(self, kind: str) -> list[Resource]:
        with self._storage.lock:
            return [
                resource.model_dump()
                for resource in self._storage.resources
                if resource.meta and resource.meta.resource_type == kind
            ]

    def edit(self, identity: str, **attributes: object) -> None:
        """Replace attributes of a user or group, by their SCIM names; ``None`` removes one.

        Raises:
            KeyError: There is no such resource.
        """
        with self._storage.lock:
            stored = self._find(identity)
            content = {**stored.model_dump(), **attributes}
            kept = {name: value for name, value in content.items() if value is not None}
            kind = self._types[stored.meta.resource_type]
            self._storage.update(kind, type(stored).model_validate(kept))

    def add_by_hand(self, **attributes: object) -> str:
        """Create a user, or a group when there is no ``userName``, and return its ``id``."""
        kind = self._types["User" if "userName" in attributes else "Group"]
        model: Any = self._provider.model_for(kind)
        return str(self._storage.create(kind, model.model_validate(attributes)).id)

    def delete_by_hand(self, identity: str) -> None:
        """Delete a user or group.

        Raises:
            KeyError: There is no such resource.
        """
        with self._storage.lock:
            stored = self._find(identity)
            self._storage.delete(self._types[stored.meta.resource_type], identity)

    def _find(self, identity: str) -> Any:  # noqa: ANN401  a class made from a schema
        found = next((r for r in self._storage.resources if r.id == identity), None)
        if found is None:
            raise KeyError(identity)
        return found
