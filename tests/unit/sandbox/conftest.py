"""A small world, and clients that speak to both of its sides."""

from collections.abc import Iterator

import pytest

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.world import World
from tests.unit.sandbox.client import Client


@pytest.fixture
def world() -> Iterator[World]:
    with World(platform=FastPlatform("scim-token")) as world:
        yield world


@pytest.fixture
def jumpcloud(world: World) -> Iterator[Client]:
    with Client(world.jumpcloud.url, x_api_key=world.jumpcloud.api_key) as client:
        yield client


@pytest.fixture
def platform(world: World) -> Iterator[Client]:
    headers = {"authorization": "Bearer scim-token", "content_type": "application/scim+json"}
    with Client(world.platform.url, **headers) as client:
        yield client
