"""An embedded platform, and clients that speak to it or to a forged one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.world import PlatformSide
from jcsync.scim.client import ScimProvider, provider_headers
from jcsync.scim.profiles import load_profile
from tests.contract.transport.server import RawServer, Respond, transport_to

TOKEN = "scim-s3cret"
PATHS = (
    "userName",
    "name.givenName",
    "displayName",
    'emails[type eq "work"].value',
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
)
Connect = Callable[..., ScimProvider]
Forge = Callable[..., tuple[ScimProvider, RawServer]]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def side() -> Iterator[PlatformSide]:
    side = PlatformSide(FastPlatform(TOKEN), 0)
    side.server.start()
    yield side
    side.faults.release()
    side.server.stop()


def build(stack: ExitStack, url: str, quirks: dict[str, object], profile: str) -> ScimProvider:
    chosen = load_profile(profile, quirks)
    transport = stack.enter_context(
        transport_to(
            url,
            headers=provider_headers(chosen),
            authorization={"Authorization": f"Bearer {TOKEN}"},
            advice="Make a new token.",
            concurrency=8,
            requests_per_minute=chosen.requests_per_minute,
        )
    )
    return ScimProvider(transport, chosen, PATHS)


@pytest.fixture
def connect(side: PlatformSide, stack: ExitStack) -> Connect:
    """Return a function that builds a client to the embedded platform."""

    def connect(profile: str = "rfc", **quirks: Any) -> ScimProvider:
        return build(stack, side.url, quirks, profile)

    return connect


@pytest.fixture
def forge(stack: ExitStack) -> Forge:
    """Return a function that builds a client to a server that answers as told."""

    def forge(
        respond: Respond, profile: str = "rfc", **quirks: Any
    ) -> tuple[ScimProvider, RawServer]:
        server = stack.enter_context(RawServer(respond))
        return build(stack, f"{server.url}/scim", quirks, profile), server

    return forge
