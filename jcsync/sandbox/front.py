"""A platform before a fast one: it lets that one answer, and what is done by hand is done there."""

import io
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.platform import Resource
from jcsync.sandbox.scim_check import ScimError
from jcsync.sandbox.wsgi import Reply, Request, send


class Front:
    """A service provider that answers by ``answer``, mostly with what ``behind`` has answered.

    Attributes:
        token: The bearer token that it accepts.
        state: The platform behind it.
    """

    def __init__(self, state: FastPlatform) -> None:
        """Stand before a platform."""
        self.token = state.token
        self.state = state

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        try:
            reply = self.answer(Request(environ))
        except ScimError as error:
            reply = error.reply()
        return send(reply, start_response)

    def answer(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            ScimError: It is refused.
        """
        return self.behind(request)

    def behind(self, request: Request) -> Reply:
        """What the platform behind answers to a request."""
        caught: list[Reply] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:  # noqa: ANN401
            kept = tuple(pair for pair in headers if pair[0] != "Content-Length")
            caught.append(Reply(int(status[:3]), b"", kept))

        environ = {**request.environ, "wsgi.input": io.BytesIO(request.body)}
        content = b"".join(self.state(environ, start))
        return Reply(caught[0].status, content, caught[0].headers)

    # ---- by hand

    def accounts(self) -> list[Resource]:
        """Return every user resource as JSON, in any order."""
        return self.state.accounts()

    def groups(self) -> list[Resource]:
        """Return every group resource as JSON, in any order."""
        return self.state.groups()

    def edit(self, identity: str, **attributes: object) -> None:
        """Replace attributes of a user or group, by their SCIM names; ``None`` removes one.

        Raises:
            KeyError: There is no such resource.
        """
        self.state.edit(identity, **attributes)

    def add_by_hand(self, **attributes: object) -> str:
        """Create a user, or a group when there is no ``userName``, and return its ``id``."""
        return self.state.add_by_hand(**attributes)

    def delete_by_hand(self, identity: str) -> None:
        """Delete a user or group.

        Raises:
            KeyError: There is no such resource.
        """
        self.state.delete_by_hand(identity)
