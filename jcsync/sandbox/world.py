"""A JumpCloud and a SCIM platform on this computer, and the configuration that joins them.

with World() as world:
world.populate()
world.jumpcloud.state.hire("ann.lee@example.com", groups=["Keepnet Users"])
world.jumpcloud.faults.add(misfortunes.throttle(2), path="/members")
path = world.write_config(tmp_path / "jcsync.yaml")
...
assert len(world.platform.accounts()) == 61
"""

import random
import secrets
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from jcsync.sandbox.directory import Organization
from jcsync.sandbox.faults import Faults
from jcsync.sandbox.jumpcloud import JumpCloud
from jcsync.sandbox.names import GROUPS
from jcsync.sandbox.people import generate_people
from jcsync.sandbox.platform import BASE_PATH, Platform, Resource
from jcsync.sandbox.serving import Server

CONNECTION = "demo"


class DirectorySide:
    """The served JumpCloud.

    Attributes:
        api: All its organisations, keys and service accounts.
        state: The organisation that ``api_key`` works in.
        api_key: A key that may read everything.
        faults: What goes wrong on the way, and what was asked.
        url: Base URL, without ``/api``.
    """

    def __init__(self, port: int) -> None:
        """Bind a port, 0 for any free one."""
        self.api = JumpCloud()
        self.api_key = self.api.api_key
        self.faults = Faults(self.api)
        self.server = Server(self.faults, port=port)
        self.url = self.server.url

    @property
    def state(self) -> Organization:
        """The organisation that ``api_key`` works in."""
        return self.api.state

    @property
    def token_url(self) -> str:
        """End point that gives tokens to service accounts."""
        return f"{self.url}/oauth2/token"

    @property
    def insights_url(self) -> str:
        """Base URL of Directory Insights."""
        return f"{self.url}/insights/directory/v1"


class PlatformSide:
    """The served SCIM platform.

    Attributes:
        state: The platform itself.
        token: The bearer token that it accepts.
        faults: What goes wrong on the way, and what was asked.
        url: Base URL of its SCIM end points.
    """

    def __init__(self, state: Platform, port: int) -> None:
        """Bind a port, 0 for any free one."""
        self.state = state
        self.token = state.token
        self.faults = Faults(state)
        self.server = Server(self.faults, port=port)
        self.url = f"{self.server.url}{BASE_PATH}"

    def accounts(self) -> list[Resource]:
        """Return every user resource as JSON, in any order."""
        return self.state.accounts()

    def groups(self) -> list[Resource]:
        """Return every group resource as JSON, in any order."""
        return self.state.groups()

    def account(self, user_name: str) -> Resource:
        """Return the user resource of this name, ignoring case.

        Raises:
            KeyError: There is none.
        """
        for found in self.accounts():
            if found["userName"].lower() == user_name.lower():
                return found
        raise KeyError(user_name)

    def active_names(self) -> set[str]:
        """Return ``userName`` of every active account."""
        return {a["userName"] for a in self.accounts() if a.get("active", True)}


class World:
    """Both sides, served from entering to leaving the ``with`` block.

    Attributes:
        jumpcloud: The directory.
        platform: The service provider.
    """

    def __init__(
        self,
        *,
        platform: Platform | None = None,
        jumpcloud_port: int = 0,
        platform_port: int = 0,
    ) -> None:
        """Bind the ports.

        Args:
            platform: The service provider; by default the one of reference quality.
            jumpcloud_port: 0 for any free one.
            platform_port: 0 for any free one.
        """
        self.jumpcloud = DirectorySide(jumpcloud_port)
        self.platform = PlatformSide(platform or _reference(), platform_port)
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        """Serve."""
        self.jumpcloud.server.start()
        self.platform.server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop both servers; requests under way lose their connection."""
        self.stop()
        for side in (self.jumpcloud, self.platform):
            side.faults.release()
            side.server.stop()

    def serve_forever(self) -> None:
        """Wait until :meth:`stop`, or until interrupted from the keyboard."""
        self._stopped.wait()

    def stop(self) -> None:
        """End :meth:`serve_forever`; may be called from any thread or signal handler."""
        self._stopped.set()

    def populate(
        self,
        people: int = 60,
        groups: int = 5,
        *,
        seed: int = 1,
        oddities: bool = True,
    ) -> None:
        """Fill the directory with people, groups and one application.

        The first group, "Keepnet Users", has seven of ten people and is bound to the application
        "Keepnet"; everybody is in about two of the others.

        Args:
            people: How many.
            groups: How many.
            seed: Other seeds give other people and memberships.
            oddities: ``False``: everybody is active and has a complete record.
        """
        state = self.jumpcloud.state
        chance = random.Random(seed)  # noqa: S311  reproducible, not secret
        crowd = generate_people(people, seed=seed, oddities=oddities)
        state.admit(crowd)
        ids = [person.id for person in crowd]
        for number in range(groups):
            name = GROUPS[number] if number < len(GROUPS) else f"Team {number}"
            share = 0.7 if number == 0 else 2 / groups
            state.create_group(name, [i for i in ids if chance.random() < share])
        state.create_application("Keepnet")
        if groups:
            state.bind("Keepnet", groups=[GROUPS[0]])

    def config(self, **overrides: object) -> dict[str, Any]:
        """Return a configuration document with one connection, ``demo``, that joins both sides.

        Args:
            overrides: Merged over it: ``store``, ``log``, ``http``, ``notify`` at the top, any
                other key in the connection, for example ``policy={"on_leave": "delete"}``.
        """
        connection: dict[str, Any] = {
            "directory": {
                "base_url": self.jumpcloud.url,
                "token_url": self.jumpcloud.token_url,
                "insights_url": self.jumpcloud.insights_url,
                "api_key": self.jumpcloud.api_key,
                "requests_per_second": 1000,
            },
            "scope": {"groups": [GROUPS[0]]},
            "provider": {
                "base_url": self.platform.url,
                "token": self.platform.token,
                "profile": "rfc",
            },
        }
        document: dict[str, Any] = {
            "http": {"enabled": False},
            "connections": {CONNECTION: connection},
        }
        for name, value in overrides.items():
            whole = name in {"store", "log", "http", "notify", "connections"}
            _merge(document if whole else connection, {name: value})
        return document

    def write_config(self, path: Path, **overrides: object) -> Path:
        """Write the document of :meth:`config` as YAML, with the store beside it, and return where.

        Args:
            path: Where to.
            overrides: As for :meth:`config`.
        """
        store = {"url": f"sqlite:///{path.with_suffix('.db')}"}
        document = self.config(**{"store": store, **overrides})
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path


def _reference() -> Platform:
    # Takes half a second to import: not for those who bring their own.
    from jcsync.sandbox.reference import ReferencePlatform  # noqa: PLC0415

    return ReferencePlatform(secrets.token_hex(20))


def _merge(target: dict[str, Any], source: dict[str, Any]) -> None:
    for name, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        else:
            target[name] = value
