"""URLs, hosts and ports: what is allowed, and in which words it is refused.

Every function raises ``ValueError`` with a message that does not repeat the value where it may
hold a password.
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from jcsync.settings.problems import shorten

_MAX_PORT: Final = 65_535
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = "postgresql+psycopg://"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?|[0-9a-fA-F:.]+")


def check_url(text: str) -> str:
    """Return an absolute ``http`` or ``https`` URL without user, query or fragment, as given."""
    if not _is_http(text):
        message = "must be an absolute URL such as https://scim.example.com/v2"
        raise ValueError(message)
    if "@" in urlsplit(text).netloc:
        message = "must not contain a user name or password; the token is a setting of its own"
        raise ValueError(message)
    if "?" in text or "#" in text:
        message = "must end before ? and #: jcsync adds the paths itself"
        raise ValueError(message)
    return text


def check_proxy(text: str) -> str:
    """Return the ``http`` or ``https`` URL of a proxy; it may hold a user and a password."""
    if not _is_http(text):
        message = "must be the URL of a proxy such as http://proxy.example.com:3128"
        raise ValueError(message)
    return text


def is_plain_http_abroad(text: str) -> bool:
    """Tell whether a URL sends its secrets in the clear over a network."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme == "http" and not _is_loopback(host)


def parse_bind(text: str) -> tuple[str, int]:
    """Return host and port of ``127.0.0.1:8642`` or ``[::1]:8642``."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    known = _HOST.fullmatch(bare) and (":" not in bare or bare != host)
    if not known or not _is_number(port) or int(port) > _MAX_PORT:
        message = f"must be host:port such as 127.0.0.1:8642; is {shorten(text)}"
        raise ValueError(message)
    return bare, int(port)


def check_store_url(text: str) -> str:
    """Return a store URL of one of the two supported kinds, as given."""
    if not text.startswith((_SQLITE, _POSTGRES)) or text == _SQLITE:
        message = f"must begin with {_SQLITE} (a file) or {_POSTGRES} (a server)"
        raise ValueError(message)
    if text.startswith(f"{_SQLITE}:memory:"):
        message = "a store in memory forgets which accounts are ours; name a file"
        raise ValueError(message)
    if not text.startswith(_SQLITE) and not _has_host(text):
        message = f"must be {_POSTGRES}user:password@host/database"
        raise ValueError(message)
    return text


def expand_store_url(text: str, environ: Mapping[str, str], cwd: Path) -> str:
    """Return a checked store URL with its variables and ``~`` replaced.

    Values that land before the host of a server are percent-encoded, so that a password may
    hold any character; a ``$`` of the password itself is written ``%24``.

    Raises:
        ValueError: A variable is not set, or there is no home directory.
    """
    if text.startswith(_SQLITE):
        path = _expand(text.removeprefix(_SQLITE), environ)
        if path.startswith("~/"):
            path = f"{_home(environ)}{path[1:]}"
        return f"{_SQLITE}{cwd.absolute() / path}"
    user, at, server = text.removeprefix(_POSTGRES).rpartition("@")
    return _POSTGRES + _expand(user, environ, encode=True) + at + _expand(server, environ)


def _expand(text: str, environ: Mapping[str, str], *, encode: bool = False) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if environ.get(name):
            return quote(environ[name], safe="") if encode else environ[name]
        if name == "XDG_STATE_HOME":
            return f"{_home(environ)}/.local/state"
        message = f"the variable ${name} is not set"
        raise ValueError(message)

    return _VARIABLE.sub(value, text)


def _home(environ: Mapping[str, str]) -> str:
    if home := environ.get("HOME"):
        return home
    try:
        return str(Path.home())
    except RuntimeError:
        message = "there is no home directory; set store.url to a path"
        raise ValueError(message) from None


def _has_host(text: str) -> bool:
    """Tell whether a URL names a host, and a possible port if any."""
    try:
        parts = urlsplit(text)
        return bool(parts.hostname and _HOST.fullmatch(parts.hostname) and parts.port != 0)
    except ValueError:
        return False


def _is_http(text: str) -> bool:
    clean = text.isascii() and text.isprintable() and " " not in text and "\\" not in text
    return clean and _has_host(text) and urlsplit(text).scheme in {"http", "https"}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_PORT))
