"""The SCIM servers that others wrote, each in a process of its own."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

INSTALL = Path(__file__).parent / "scimmy" / "install.py"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scimmy:
    """A running scimmy server, looked at from behind: past SCIM, into its memory.

    Attributes:
        base_url: The SCIM base URL, as an administrator would enter it.
        token: The bearer token that it demands.
        session: Connects to the pages beside SCIM.
    """

    base_url: str
    token: str
    session: requests.Session

    def reset(self) -> None:
        """Forget all resources and requests."""
        self._beside("reset", "POST")

    def users(self) -> dict[str, dict[str, Any]]:
        """Return the stored users by ``userName``."""
        return {user["userName"]: user for user in self._state()["users"]}

    def groups(self) -> dict[str, dict[str, Any]]:
        """Return the stored groups by ``displayName``."""
        return {group["displayName"]: group for group in self._state()["groups"]}

    def writes(self) -> list[str]:
        """Return the writes since the last reset, as ``METHOD URL STATUS``, in order."""
        return [
            f"{request['method']} {request['url']} {request['status']}"
            for request in self._state()["requests"]
            if request["method"] in WRITES
        ]

    def _state(self) -> dict[str, list[dict[str, Any]]]:
        state: dict[str, list[dict[str, Any]]] = self._beside("state", "GET").json()
        return state

    def _beside(self, page: str, method: str) -> requests.Response:
        url = f"{self.base_url.removesuffix('/scim')}/test/{page}"
        response = self.session.request(method, url, timeout=10)
        response.raise_for_status()
        return response


@pytest.fixture(scope="session")
def scimmy_server() -> Iterator[Scimmy]:
    """One scimmy server for the session; ask for ``scimmy`` instead, it comes empty."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed (Debian: apt-get install nodejs npm)")
    installed = subprocess.run(  # noqa: S603 - this interpreter, our own script
        [sys.executable, str(INSTALL)], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        pytest.fail(f"scimmy could not be installed: {installed.stderr}", pytrace=False)
    token = secrets.token_urlsafe()
    with (
        subprocess.Popen(  # noqa: S603 - our own script
            [node, "server.mjs"],
            cwd=installed.stdout.strip(),
            env=os.environ | {"SCIM_TOKEN": token, "PORT": "0"},
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
        requests.Session() as session,
    ):
        session.trust_env = False
        try:
            base_url = process.stdout.readline().strip() if process.stdout else ""
            if not base_url:
                pytest.fail("scimmy did not start; its own words are above", pytrace=False)
            yield Scimmy(base_url=base_url, token=token, session=session)
        finally:
            process.terminate()


@pytest.fixture
def scimmy(scimmy_server: Scimmy) -> Scimmy:
    """Return the scimmy server, emptied."""
    scimmy_server.reset()
    return scimmy_server
