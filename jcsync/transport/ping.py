"""A call whose only meaning is that it was made: the dead man's switch."""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

import requests
from urllib3.exceptions import HTTPError

from jcsync.errors import RemoteError
from jcsync.transport.session import Endpoint, build_session

_TIMEOUT_S: Final = (3, 5)
_LONGEST_BODY: Final = 10_000
_ATTEMPTS: Final = 2
_FIRST_ERROR: Final = 400


def ping(url: str, suffix: str, body: str) -> None:
    """Call an address, twice if need be; what it answers does not matter.

    Args:
        url: Of the dead man's switch; a secret.
        suffix: Appended to its path, such as ``/fail``.
        body: Text for its log; what is longer than 10,000 bytes is cut off.

    Raises:
        RemoteError: It cannot be reached, or it refuses; without the address.
    """
    parts = urlsplit(url)
    address = urlunsplit(parts._replace(path=parts.path.rstrip("/") + suffix))
    endpoint = Endpoint(name="the dead man's switch", base_url=url)
    problem = ""
    with build_session(endpoint) as session:
        for _ in range(_ATTEMPTS):
            try:
                answer = session.post(
                    address,
                    data=body.encode()[:_LONGEST_BODY],
                    headers={"Content-Type": "text/plain; charset=utf-8"},
                    timeout=_TIMEOUT_S,
                    allow_redirects=False,
                    stream=True,
                )
            except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
                problem = f"it cannot be reached ({type(error).__name__})"
                continue
            answer.close()
            if answer.status_code < _FIRST_ERROR:
                return
            problem = f"it answered {answer.status_code}"
    raise RemoteError(problem)
