"""The embedded JumpCloud, and clients that speak to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from jcsync.jumpcloud.auth import ApiKey, Credentials
from jcsync.jumpcloud.client import JumpCloud
from jcsync.sandbox.world import DirectorySide
from tests.contract.transport.server import transport_to

Connect = Callable[..., JumpCloud]


@pytest.fixture
def side() -> Iterator[DirectorySide]:
    side = DirectorySide(0)
    side.server.start()
    yield side
    side.faults.release()
    side.server.stop()


@pytest.fixture
def build() -> Iterator[Callable[..., JumpCloud]]:
    """Return a function that builds a client to a URL; all are closed at the end."""
    with ExitStack() as stack:

        def build(url: str, credentials: Credentials, **options: Any) -> JumpCloud:
            transport = stack.enter_context(
                transport_to(
                    url,
                    name="JumpCloud",
                    authorization={"Accept": "application/json"},
                    advice="Check the key",
                )
            )
            client = JumpCloud(transport, credentials, **options)
            stack.callback(client.close)
            return client

        yield build


@pytest.fixture
def connect(side: DirectorySide, build: Callable[..., JumpCloud]) -> Connect:
    """Return a function that builds a client to the embedded JumpCloud."""

    def connect(**options: Any) -> JumpCloud:
        key = options.pop("api_key", side.api_key)
        return build(side.url, options.pop("credentials", None) or ApiKey(key), **options)

    return connect
