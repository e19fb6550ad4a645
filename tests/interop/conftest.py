"""The SCIM servers, each behind a sandbox that records what is asked of it."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.platform import Platform
from jcsync.sandbox.reference import ReferencePlatform
from jcsync.sandbox.world import World
from tests.interop.operator import Operator
from tests.interop.scimmy.server import Scimmy

INSTALL = Path(__file__).parent / "scimmy" / "install.py"


@contextmanager
def scimmy_on(express: str) -> Iterator[Scimmy]:
    """A scimmy server on ``express4`` or ``express5``."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed (Debian: apt-get install nodejs npm)")
    installed = subprocess.run(
        [sys.executable, str(INSTALL), express], capture_output=True, text=True, check=False
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


@pytest.fixture(scope="session")
def express4() -> Iterator[Scimmy]:
    """One server for the session; ask for ``scimmy`` instead, it comes empty."""
    with scimmy_on("express4") as server:
        yield server


@pytest.fixture(scope="session")
def express5() -> Iterator[Scimmy]:
    """The same on Express 5, which parses queries and matches paths otherwise."""
    with scimmy_on("express5") as server:
        yield server


@pytest.fixture
def scimmy(express4: Scimmy) -> Scimmy:
    """Return the scimmy server, emptied."""
    express4.reset()
    return express4


def _scimmy(express: str) -> Callable[[pytest.FixtureRequest], Platform]:
    def emptied(request: pytest.FixtureRequest) -> Platform:
        server: Scimmy = request.getfixturevalue(express)
        server.reset()
        return server

    return emptied


SERVERS: dict[str, Callable[[pytest.FixtureRequest], Platform]] = {
    "scimmy": _scimmy("express4"),
    "scimmy on Express 5": _scimmy("express5"),
    "scim2-server": lambda _: ReferencePlatform(secrets.token_urlsafe()),
    "strict": lambda _: FastPlatform(secrets.token_urlsafe()),
}


@pytest.fixture(
    params=[
        pytest.param("scimmy", marks=pytest.mark.interop),
        pytest.param("scimmy on Express 5", marks=pytest.mark.interop),
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
