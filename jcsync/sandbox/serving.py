"""Loopback servers that start in milliseconds and stop without a trace.

Served by waitress, with three habits changed: the loop closes its own sockets when it is told to
stop (closing them from another thread makes it trip over dead descriptors), and the usual
warnings about queues and truncated answers, which faults provoke on purpose, are not logged; and
connections outlive an answer without a body. Its classes are untyped, hence subclassed by call.
"""

import logging
import threading
from types import TracebackType
from typing import Any, Self
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask

_logger = logging.getLogger("jcsync.sandbox")
_logger.setLevel(logging.ERROR)


def _close_unless_empty(task: Any) -> None:  # noqa: ANN401  untyped library
    """Keep the connection after a 204, whose length needs no telling; waitress closes it."""
    asked = task.request.headers.get("CONNECTION", "").lower() == "close"
    if asked or task.has_body or task.wrote_header:
        WSGITask.set_close_on_finish(task)


_Task: Any = type(
    "_Task", (WSGITask,), {"logger": _logger, "set_close_on_finish": _close_unless_empty}
)
_Channel: Any = type("_Channel", (HTTPChannel,), {"logger": _logger, "task_class": _Task})
_Dispatcher: Any = type(
    "_Dispatcher", (ThreadedTaskDispatcher,), {"logger": _logger, "queue_logger": _logger}
)


class Server:
    """A WSGI application on a port of 127.0.0.1, in threads of this process.

    Attributes:
        port: The port, chosen by the system unless asked for.
        url: ``http://127.0.0.1:PORT``.
    """

    def __init__(self, application: WSGIApplication, *, port: int = 0, threads: int = 24) -> None:
        """Bind the port; connections wait until :meth:`start`.

        Args:
            application: What is served.
            port: 0 for any free one.
            threads: Requests that are worked on at once.
        """
        dispatcher = _Dispatcher()
        self._dispatcher = dispatcher
        self._threads = threads
        self._map: dict[int, Any] = {}
        self._server = create_server(
            application,
            map=self._map,
            _dispatcher=dispatcher,
            host="127.0.0.1",
            port=port,
            ident=None,
            backlog=1024,
            connection_limit=4096,
            channel_timeout=300,
            asyncore_use_poll=True,
            log_socket_errors=False,
        )
        self._server.channel_class = _Channel
        self._server.logger = _logger
        self.port = int(self._server.effective_port)
        self.url = f"http://127.0.0.1:{self.port}"
        self._stopping = threading.Event()
        self._closing = threading.Lock()
        self._loop = threading.Thread(target=self._run, name=f"sandbox-{self.port}", daemon=True)

    def start(self) -> Self:
        """Serve from now on."""
        self._dispatcher.set_thread_count(self._threads)
        self._loop.start()
        return self

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=30.0, use_poll=True, map=self._map, count=1)
        # Workers first: they pull the trigger, which must not be closed under their hands.
        self._dispatcher.shutdown(timeout=5)
        with self._closing:
            wasyncore.close_all(self._map)

    def stop(self) -> None:
        """Close every connection and end every thread; a second call does nothing."""
        with self._closing:
            if self._stopping.is_set():
                return
            self._stopping.set()
            if self._loop.is_alive():
                self._server.pull_trigger()
            else:
                wasyncore.close_all(self._map)
        if self._loop.is_alive():
            self._loop.join()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()
