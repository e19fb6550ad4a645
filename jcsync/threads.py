"""Threads that log, and are traced, as parts of the run that gave them their work."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Pool(ThreadPoolExecutor):
    """A pool of threads, each call in the context of who submitted it.

    The standard one begins every call in an empty context: what is logged there would lack the
    connection and the run.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called by a thread."""
        context = copy_context()
        return super().submit(lambda: context.run(fn, *args, **kwargs))
