"""``/healthz``, ``/readyz`` and ``/metrics``: what a supervisor asks.

``/healthz`` says that the process works, ``/readyz`` that it does its job. Neither asks
JumpCloud or the platform: a probe must not fail because they do.
"""

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6

from prometheus_client import CONTENT_TYPE_LATEST

from jcsync.errors import SettingsError

Probe = Callable[[], tuple[bool, str]]
"""Tells whether all is well, and in one line a problem what is not."""

_REQUEST_S = 10
_REMEDIES = {
    errno.EADDRINUSE: (
        "see whether another jcsync or another program listens there, or choose another address"
    ),
    errno.EADDRNOTAVAIL: "this computer has no such address; choose one of its own, or 0.0.0.0",
    errno.EACCES: "only root may listen at ports below 1024; choose a higher one",
}


@contextmanager
def serve_http(
    address: tuple[str, int], *, healthy: Probe, ready: Probe, metrics: Callable[[], bytes]
) -> Iterator[tuple[str, int]]:
    """Answer from entering to leaving the ``with`` block; yields the address in use.

    Args:
        address: Host and port, port 0 for any free one.
        healthy: For ``/healthz``.
        ready: For ``/readyz``.
        metrics: For ``/metrics``.

    Raises:
        SettingsError: The address cannot be listened at.
    """

    class Handler(BaseHTTPRequestHandler):
        """Answers the three paths, and nothing else."""

        timeout = _REQUEST_S
        server_version = "jcsync"
        sys_version = ""

        def do_GET(self) -> None:
            """Answer one request."""
            path = self.path.split("?", 1)[0]
            if path == "/metrics":
                self._answer(HTTPStatus.OK, metrics(), CONTENT_TYPE_LATEST)
            elif path in ("/healthz", "/readyz"):
                well, text = healthy() if path == "/healthz" else ready()
                status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, f"{text}\n".encode(), "text/plain; charset=utf-8")
            else:
                text = "there are /healthz, /readyz and /metrics\n"
                self._answer(HTTPStatus.NOT_FOUND, text.encode(), "text/plain; charset=utf-8")

        def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing: a probe every few seconds is no news."""

    class Server(ThreadingHTTPServer):
        """Does not wait for idle clients at its end."""

        daemon_threads = True

        def handle_error(self, *_args: object) -> None:
            """Say nothing: a client that hung up is no news either."""

    if ":" in address[0]:
        Server.address_family = AF_INET6
    try:
        server = Server(address, Handler)
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "choose another address")
        message = (
            f"http.bind: cannot listen at {address[0]}:{address[1]}: {error.strerror or error}; "
            f"{remedy}"
        )
        raise SettingsError(message) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="http", daemon=True)
    thread.start()
    try:
        host, port = server.server_address[:2]
        yield str(host), int(port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
