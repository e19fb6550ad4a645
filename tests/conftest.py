"""The outside network is closed for every test; only this computer can be reached."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import structlog
from hypothesis import HealthCheck, settings

# How many histories tests/promises/test_histories.py lives through, in shares that may run side by
# side; other properties have bounds of their own. HYPOTHESIS_PROFILE chooses: default in the
# suite, ci, long ("make promises").
SHARES = 5
for _name, _examples, _steps in (("default", 5, 12), ("ci", 100, 20), ("long", 4_000, 20)):
    settings.register_profile(
        f"histories-{_name}",
        max_examples=_examples,
        stateful_step_count=_steps,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
HISTORIES = settings.get_profile(f"histories-{os.environ.get('HYPOTHESIS_PROFILE', 'default')}")


class OutsideNetworkError(AssertionError):
    """A test tried to leave this computer."""


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture
def silent_log() -> Iterator[None]:
    """Log nothing."""

    def drop(_logger: object, _method: str, _event: object) -> NoReturn:
        raise structlog.DropEvent

    structlog.configure(processors=[drop], cache_logger_on_first_use=False)
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection and name that is not of this computer."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not _is_local(address):
            message = f"a test tried to reach {address}"
            raise OutsideNetworkError(message)
        connect(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is not None and not _is_local((host,)):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
