"""One world for each test, on a platform that overlooks nothing."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.world import World
from tests.scenario.site import Site


@pytest.fixture
def world() -> Iterator[World]:
    """Both sides, empty."""
    with World(platform=FastPlatform(secrets.token_hex(20))) as served:
        yield served


@pytest.fixture
def site(world: World, tmp_path: Path) -> Site:
    """Both sides, a configuration and the command line; nobody is there yet."""
    return Site(world, tmp_path)


@pytest.fixture
def team(site: Site) -> Site:
    """A site with ann, bob, cid, dora and emil in the chosen group, all provisioned."""
    site.join("ann", "bob", "cid", "dora", "emil")
    result = site("reconcile")
    assert result.status == 0, result.text
    site.forget_traffic()
    return site
