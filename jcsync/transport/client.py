"""Transport: requests to one side, from several threads."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Protocol, TypeVar

import tenacity

from jcsync.errors import (
    JcsyncError,
    RemoteError,
    StoppedError,
    ThrottledError,
    TransientError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from jcsync.json_bytes import dump_ascii
from jcsync.tracing import request_span
from jcsync.transport.answers import Answer, RawAnswer, allowance, parse_answer
from jcsync.transport.concurrency import Slots
from jcsync.transport.failures import FAILURES, translate
from jcsync.transport.pace import Paces
from jcsync.transport.retry import (
    LONGEST_RETRY_AFTER_S,
    RetryPolicy,
    build_retrying,
    is_safe_to_repeat,
    is_unknown,
)
from jcsync.transport.session import (
    Endpoint,
    build_session,
    read_bounded,
    send_once,
)

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_REPEATABLE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_CONNECT_S = 10
_SECRET_HEADERS = frozenset({"authorization", "x-api-key"})
_THROTTLED = frozenset({400, 403, 429, 503})
_AT_ONCE = "at once"

T = TypeVar("T")


class Clock(Protocol):
    """The time, as ``ports.Clock`` has it."""

    def now(self) -> datetime:
        """The wall-clock time, aware, in UTC."""
        ...


class ReadOnlyError(RuntimeError):
    """A plan or a check tried to write: a fault of jcsync, never of the world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    method: str
    path: str
    url: str
    params: Mapping[str, str] | None
    data: bytes | Mapping[str, str] | None
    headers: Mapping[str, str]
    repeatable: bool

    @property
    def where(self) -> str:
        return f"{self.method} {self.url}"


class Transport:
    """A pooled session to one side, for several threads.

    Attributes:
        requests: HTTP requests sent so far, repeated ones included.
        retries: How many of them were repetitions.
        answers: How many were answered by each HTTP status; ``none`` for no answer.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        authorize: Callable[[], Mapping[str, str]],
        clock: Clock,
        retry: RetryPolicy | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """Build the session; nothing is sent.

        Args:
            endpoint: Where to, and how.
            authorize: Returns the headers that carry the credentials, for each request anew.
            clock: For ``Retry-After`` dates.
            retry: Bounds of the retry policy.
            stop: Once set, no request is begun and no wait goes on.
        """
        self.endpoint = endpoint
        self.requests = 0
        self.retries = 0
        self.answers: Counter[str] = Counter()
        self._authorize = authorize
        self._clock = clock
        self._stop = stop or threading.Event()
        self._slots = Slots(endpoint.concurrency, int(endpoint.rates.get(_AT_ONCE, 0)))
        self._paces = Paces(
            endpoint.requests_per_second,
            endpoint.requests_per_minute,
            self._stop,
            rates={m: rate for m, rate in endpoint.rates.items() if m != _AT_ONCE},
        )
        self._under_way = 0
        self._counts_down = False
        self._lock = threading.Lock()
        self._of_thread = threading.local()
        self._session = build_session(endpoint)
        self._retrying, self._rewriting = (
            build_retrying(
                retry or RetryPolicy(),
                of=of,
                pause=self._paces.pause,
                stop=self._stop,
                waited=self._count_retry,
            )
            for of in (is_safe_to_repeat, is_unknown)
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        reads: bool = False,
    ) -> Answer:
        """Send one request, repeated as the policy allows.

        GET, PUT and DELETE are repeated after every passing failure; POST and PATCH only when
        the server certainly did not act on them: no connection, or 429.

        Args:
            method: HTTP method.
            path: Appended to the base URL; ids in it are percent-encoded already.
            params: Query parameters.
            body: JSON value to send, or bytes of one.
            form: Form fields to send instead of a JSON body.
            headers: Over those of the end point.
            reads: A POST that changes nothing (search, token): repeatable, and allowed in
                read-only mode.

        Raises:
            RemoteError: In the form that names the reaction; see ``errors``.
            StoppedError: The process was asked to stop.
        """
        if self.endpoint.read_only and not reads and method not in _SAFE_METHODS:
            message = f"{method} {path} in read-only mode"
            raise ReadOnlyError(message)
        call = _Call(
            method=method,
            path=path,
            url=self.endpoint.url(path),
            params=params,
            data=form if body is None else dump_body(body),
            headers=headers or {},
            repeatable=reads or method in _REPEATABLE_METHODS,
        )
        return self._repeated(self._retrying, method, lambda: self._attempt(method, call))

    def write(
        self,
        method: str,
        path: str,
        body: object,
        *,
        applied: Callable[[], T | None],
        headers: Mapping[str, str] | None = None,
    ) -> Answer | T:
        """Send a write that must not be repeated blindly.

        When its outcome is unknown (no answer, 5xx, an answer that is no JSON), ``applied`` is
        asked before every repetition, and once more before giving up.

        Args:
            method: ``POST`` or ``PATCH``.
            path: As for ``request``.
            body: JSON value to send.
            applied: Looks whether the write took effect: what it returns then ends the call,
                ``None`` lets it be repeated.
            headers: Over those of the end point.

        Returns:
            The answer, or what ``applied`` found.

        Raises:
            UnknownOutcomeError: It cannot be told whether the write took effect.
            RemoteError: As for ``request``.
        """
        unknown = False

        def attempt() -> Answer | T:
            nonlocal unknown
            if unknown and (found := applied()) is not None:
                return found
            try:
                return self.request(method, path, body=body, headers=headers)
            except UnknownOutcomeError:
                unknown = True
                raise

        try:
            return self._repeated(self._rewriting, method, attempt)
        except UnknownOutcomeError:
            try:
                found = applied()
            except JcsyncError:
                found = None
            if found is None:
                raise
            return found

    @property
    def stop(self) -> threading.Event:
        """Set once no request may be begun any more."""
        return self._stop

    @property
    def rates(self) -> Mapping[str, float]:
        """What each method was found to bear, per second; 0 for any, empty for no refusal.

        Under ``at once``: how many requests were found to be borne at once, where that is limited.
        Refusals whose reason is not known yet are put down to the rate.
        """
        self._slots.end_doubt()
        found = self._slots.found
        return {**self._paces.rates, **({_AT_ONCE: found} if found else {})}

    @property
    def repeats(self) -> int:
        """How many requests the calling thread has repeated so far."""
        return int(getattr(self._of_thread, "repeats", 0))

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    @staticmethod
    def _repeated(retrying: tenacity.Retrying, method: str, attempt: Callable[[], T]) -> T:
        """Make a call, and ask the policy only once it has failed: that is a tenth of its cost."""
        began = monotonic()
        try:
            return attempt()
        except RemoteError as error:
            first: list[RemoteError] = [error]

        def again(_method: str, _began: float) -> T:
            if first:
                raise first.pop()
            return attempt()

        return retrying(again, method, began)

    def _attempt(self, method: str, call: _Call) -> Answer:
        pace = self._paces.of(method)
        # The slot comes last: the requests of other methods need not wait for this one.
        held = pace.wait(self._slots.take)
        try:
            self._paces.wait()
            if self._stop.is_set():
                message = "stopped before the next request"
                raise StoppedError(message)
            with self._lock:
                self.requests += 1
                self._under_way += 1
                number, turn = self._under_way, self.requests
            began = monotonic()
            try:
                with request_span(call.method, self.endpoint.side) as traced:
                    raw = self._send(call)
                    traced.tell_status(raw.status)
            finally:
                with self._lock:
                    # Who is refused may have met those who began later and have ended already.
                    met = min(number + self.requests - turn, self.endpoint.concurrency)
                    number = max(number, self._under_way)
                    self._under_way -= 1
        finally:
            self._slots.give()
        self._count_answer(str(raw.status))
        now = self._clock.now()
        left, renewed_s = allowance(raw.headers, now)
        # Who has nothing left from the first answer on does not count.
        self._counts_down = self._counts_down or bool(left)
        if self._counts_down and left is not None and left < self._under_way and renewed_s:
            self._paces.pause(method, min(renewed_s, LONGEST_RETRY_AFTER_S))
        try:
            answer = parse_answer(raw, now)
        except RemoteError as error:
            asked = error.retry_after if isinstance(error, TransientError) else None
            if isinstance(error, TransientError) and (
                error.status in _THROTTLED or asked is not None
            ):
                is_plain = error.status != HTTPStatus.SERVICE_UNAVAILABLE or isinstance(
                    error, ThrottledError
                )
                told = asked or (None if is_plain else 0.0)
                blame_rate = partial(pace.refused, began, told)
                if self._counts_down:
                    blame_rate()
                else:
                    self._slots.refused(met, held, blame_rate)
            else:
                pace.passed(began)
                self._slots.passed(number, held)
            raise
        pace.passed(began)
        self._slots.passed(number, held)
        return answer

    def _send(self, call: _Call) -> RawAnswer:
        headers = {**self._authorize(), **call.headers}
        secrets = _check_headers(headers, self.endpoint.name)
        deadline = monotonic() + self.endpoint.answer_s
        try:
            with send_once(
                self._session,
                self.endpoint,
                call.method,
                call.path,
                params=call.params,
                data=call.data,
                headers=headers,
                timeout=(min(self.endpoint.timeout_s, _CONNECT_S), self.endpoint.timeout_s),
            ) as response:
                return RawAnswer(
                    name=self.endpoint.name,
                    method=call.method,
                    url=call.url,
                    repeatable=call.repeatable,
                    advice=self.endpoint.advice,
                    secrets=secrets,
                    status=response.status_code,
                    headers=response.headers,
                    content=read_bounded(response, deadline),
                )
        except FAILURES as error:
            self._count_answer("none")
            raise translate(error, self.endpoint, call.where, repeatable=call.repeatable) from error

    def _count_answer(self, status: str) -> None:
        with self._lock:
            self.answers[status] += 1

    def _count_retry(self) -> None:
        self._of_thread.repeats = self.repeats + 1
        with self._lock:
            self.retries += 1


def dump_body(body: object) -> bytes:
    """Return a JSON value as it is sent; what is bytes already stays as it is."""
    return body if isinstance(body, bytes) else dump_ascii(body)


def _check_headers(headers: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the secrets in the headers, which no message may repeat.

    Raises:
        UnauthorizedError: One holds what no header can carry; requests would print it.
    """
    secrets = [value for key, value in headers.items() if key.lower() in _SECRET_HEADERS]
    for secret in secrets:
        if not secret.isascii() or not secret.isprintable():
            message = (
                f"the credentials for {name} hold a character that no HTTP header can carry, such "
                "as a line break; copy them again"
            )
            raise UnauthorizedError(message)
    return tuple(secret.rpartition(" ")[2] for secret in secrets if secret.split(" ")[-1])
