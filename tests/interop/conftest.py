"""The SCIM servers, each behind a sandbox that records what is asked of it."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.platform import Platform
from jcsync.sandbox.reference import ReferencePlatform
from jcsync.sandbox.world import World
from tests.interop.operator import Operator
from tests.interop.scimmy.server import Scimmy

INSTALL = Path(__file__).parent / "scimmy" / "install.py"


@pytest.fixture(scope="session")
def scimmy_server() -> Iterator[Scimmy]:
    """One scimmy server for the session; ask for ``scimmy`` instead, it comes empty."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed (Debian: apt-get install nodejs npm)")
    installed = subprocess.run(
        [sys.executable, str(INSTALL)], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        pytest.fail(f"scimmy could not be installed: {installed.stderr}", pytrace=False)
    token = secrets.token_urlsafe()
    with subprocess.Popen(
        [node, "server.mjs"],
        cwd=installed.stdout.strip(),
        env=os.environ | {"SCIM_TOKEN": token, "PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            base_url = process.stdout.readline().strip() if process.stdout else ""
            if not base_url:
                pytest.fail("scimmy did not start; its own words are above", pytrace=False)
            server = Scimmy(base_url, token)
            yield server
            server.close()
        finally:
            process.terminate()


@pytest.fixture
def scimmy(scimmy_server: Scimmy) -> Scimmy:
    """Return the scimmy server, emptied."""
    scimmy_server.reset()
    return scimmy_server


def _scimmy(request: pytest.FixtureRequest) -> Platform:
    server: Scimmy = request.getfixturevalue("scimmy")
    return server


SERVERS: dict[str, Callable[[pytest.FixtureRequest], Platform]] = {
    "scimmy": _scimmy,
    "scim2-server": lambda _: ReferencePlatform(secrets.token_urlsafe()),
    "strict": lambda _: FastPlatform(secrets.token_urlsafe()),
}


@pytest.fixture(
    params=[
        pytest.param("scimmy", marks=pytest.mark.interop),
        "scim2-server",
        "strict",
    ]
)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """An empty directory, and each of the servers in turn as its empty platform."""
    with World(platform=SERVERS[request.param](request)) as world:
        yield world


@pytest.fixture
def operator(world: World, tmp_path: Path) -> Operator:
    """Somebody who types commands, with a configuration that joins both sides of the world."""
    return Operator(world, tmp_path)
