"""Secrets from files, what a secret may consist of, and files of certificates."""

import re
import stat
from pathlib import Path
from typing import Final

_MAX_BYTES: Final = 65_536
_MOUNTED: Final = ("/run/secrets/", "/var/run/secrets/")
_PLACEHOLDER: Final = re.compile(r"\s*\$?\{\{?[^{}]*\}\}?\s*")
_READABLE_BY_OTHERS: Final = stat.S_IRGRP | stat.S_IROTH


def read_secret(path: Path, *, name: str | None = None) -> str:
    """Return the content of a file without the end of its last line.

    Args:
        path: The file.
        name: What messages call it, the path itself where it is left out.

    Raises:
        ValueError: It cannot be read, is empty, is no text, or cannot be sent in a header; the
            message never repeats what is in it.
    """
    name = name or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        problem = _unreadable(error)
    else:
        if len(content) > _MAX_BYTES:
            message = f"{name} is larger than {_MAX_BYTES // 1024} KiB: not a secret"
            raise ValueError(message)
        return _parse_secret(name, content)
    message = f"{name} {problem}"
    raise ValueError(message) from None


def authorities_problem(path: Path) -> str:
    """Return why a file gives no certificates to trust, or ``""``."""
    import ssl  # noqa: PLC0415 - only where a connection has such a file

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "holds no certificate in PEM form"
    except (OSError, ValueError) as error:
        return _unreadable(error)
    return ""


def secret_problem(secret: str) -> str:
    """Return why a secret cannot be sent in an HTTP header, or ``""``; never the secret."""
    if not secret.strip():
        return "must not be empty"
    if _PLACEHOLDER.fullmatch(secret):
        return "is the name of a variable, and nothing replaces it; see the _file settings"
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in secret):  # noqa: PLR2004
        return "contains a line break or another control character; a secret is one line"
    if any(ord(char) > 0xFF for char in secret):  # noqa: PLR2004 # the end of Latin-1
        return "contains a character that no HTTP header can carry"
    if secret != secret.strip():
        return "begins or ends with a space"
    return ""


def permission_warning(path: Path) -> str:
    """Return that others may read the file, or ``""``.

    Files below ``/run/secrets`` are left out: the container runtime decides on their mode.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return ""
    if str(path).startswith(_MOUNTED) or not stat.S_ISREG(mode) or not mode & _READABLE_BY_OTHERS:
        return ""
    return f"{path} can be read by others (mode {mode & 0o777:o}); run chmod 600 {path}"


def _unreadable(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "does not exist"
        case IsADirectoryError():
            return "is a directory"
        case PermissionError():
            return "may not be read by this user"
        case _:
            return f"cannot be read: {getattr(error, 'strerror', None) or 'not a file name'}"


def _parse_secret(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = f"{name} is not UTF-8 text"
        raise ValueError(message) from None
    secret = re.sub(r"[\r\n]+\Z", "", text)
    problem = secret_problem(secret)
    if problem == "must not be empty":
        problem = "is empty"
    if problem:
        message = f"{name} {problem}"
        raise ValueError(message)
    return secret
