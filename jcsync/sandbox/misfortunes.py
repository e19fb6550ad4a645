"""The usual faults: what real services and the networks before them do.

Each function returns a :data:`~jcsync.sandbox.faults.Fault`. Whether the application saw the
request matters to whoever repeats it, so each docstring says so.
"""

import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from jcsync.sandbox import clock
from jcsync.sandbox.faults import Answer, Exchange, Fault, with_body
from jcsync.sandbox.wsgi import Reply, dump, html_reply, json_reply

_ROWS = ("results", "Resources")
_COUNTS = ("totalCount", "totalResults", "itemsPerPage")


def answer(reply: Reply) -> Fault:
    """Answer in place of the application, which sees nothing."""

    def fault(_: Exchange) -> Answer:
        return Answer(reply.status, reply.body, reply.headers)

    return fault


def throttle(retry_after: float | str | None = None) -> Fault:
    """Answer 429; the application sees nothing.

    Args:
        retry_after: ``Retry-After`` in seconds, or verbatim; ``None`` leaves it out.
    """
    headers = () if retry_after is None else (("Retry-After", f"{retry_after}"),)
    return answer(json_reply({"message": "Too Many Requests"}, 429, *headers))


def throttle_until(seconds: float) -> Fault:
    """Answer 429 whose ``Retry-After`` is the HTTP date so many seconds from each request on."""

    def fault(exchange: Exchange) -> Answer:
        date = formatdate(clock.now() + seconds, usegmt=True)
        return throttle(date)(exchange)

    return fault


def fail(status: int = 500, message: str = "Internal Server Error") -> Fault:
    """Answer an error as JSON; the application sees nothing."""
    return answer(json_reply({"message": message, "error": message}, status))


def page(status: int = 502, text: str = "Bad Gateway") -> Fault:
    """Answer a web page, also with status 200; the application sees nothing."""
    return answer(html_reply(text, status))


def login() -> Fault:
    """Redirect to the login page; the application sees nothing."""
    headers = (("Location", "/login"), ("Content-Type", "text/plain; charset=utf-8"))
    return answer(Reply(302, b"Found. Redirecting to /login", headers))


def close(*, reset: bool = False) -> Fault:
    """Close the connection without an answer; the application sees nothing."""

    def fault(exchange: Exchange) -> Answer:
        return exchange.drop(reset=reset)

    return fault


def lose_answer(*, reset: bool = False) -> Fault:
    """Let the application answer and close the connection instead of passing the answer on."""

    def fault(exchange: Exchange) -> Answer:
        exchange.pass_on()
        return exchange.drop(reset=reset)

    return fault


def fail_after(status: int = 500) -> Fault:
    """Let the application answer and report an error instead."""

    def fault(exchange: Exchange) -> Answer:
        exchange.pass_on()
        return fail(status)(exchange)

    return fault


def hang(seconds: float = 60.0) -> Fault:
    """Say nothing for so long, then close the connection; the application sees nothing."""

    def fault(exchange: Exchange) -> Answer:
        exchange.wait(seconds)
        return exchange.drop()

    return fault


def delay(seconds: float) -> Fault:
    """Wait, then let the application answer."""

    def fault(exchange: Exchange) -> Answer:
        exchange.wait(seconds)
        return exchange.pass_on()

    return fault


def truncate(share: float = 0.5) -> Fault:
    """Let the application answer and close the connection in the middle of the body."""

    def fault(exchange: Exchange) -> Answer:
        whole = exchange.pass_on()
        cut = min(int(len(whole.body) * share), max(len(whole.body) - 1, 0))
        return Answer(whole.status, whole.body, whole.headers, cut=cut)

    return fault


def cut_json(share: float = 0.5) -> Fault:
    """Let the application answer and pass on a part of the body as if it were the whole."""

    def fault(exchange: Exchange) -> Answer:
        whole = exchange.pass_on()
        return with_body(whole, whole.body[: int(len(whole.body) * share)])

    return fault


def drip(pause: float = 0.1, piece: int = 64) -> Fault:
    """Let the application answer and send the body slowly, ``piece`` bytes at a time."""

    def fault(exchange: Exchange) -> Answer:
        whole = exchange.pass_on()
        return Answer(whole.status, whole.body, whole.headers, piece=piece, pause=pause)

    return fault


def rewrite(change: Callable[[Any], Any], *headers: tuple[str, str]) -> Fault:
    """Let the application answer and change the JSON of the answer, and these headers."""

    def fault(exchange: Exchange) -> Answer:
        whole = exchange.pass_on()
        return with_body(whole, dump(change(json.loads(whole.body))), *headers)

    return fault


def wrong_total(total: int) -> Fault:
    """Let the application answer and state another total than the true one."""

    def change(document: Any) -> Any:  # noqa: ANN401  any JSON
        if isinstance(document, dict):
            key = "totalResults" if "totalResults" in document else "totalCount"
            return {**document, key: total}
        return document

    return rewrite(change, ("x-total-count", str(total)))


def no_total() -> Fault:
    """Let the application answer and leave its total out."""

    def fault(exchange: Exchange) -> Answer:
        whole = exchange.pass_on()
        document = json.loads(whole.body)
        if isinstance(document, dict):
            document = {
                k: v for k, v in document.items() if k not in {"totalCount", "totalResults"}
            }
        headers = tuple(pair for pair in whole.headers if pair[0].lower() != "x-total-count")
        return Answer(whole.status, dump(document), headers)

    return fault


def empty_list() -> Fault:
    """Let the application answer and pass on a flawless list of nothing."""

    def change(document: Any) -> Any:  # noqa: ANN401  any JSON
        if isinstance(document, list):
            return []
        empty = {"totalCount": 0, "results": [], "totalResults": 0, "itemsPerPage": 0}
        empty["Resources"] = []
        return {key: empty.get(key, value) for key, value in document.items()}

    return rewrite(change, ("x-total-count", "0"))


def drop_rows(rows: int = 1) -> Fault:
    """Let the application answer and leave out the last rows of its page, not of its total."""
    return rewrite(lambda document: _with_rows(document, lambda found: found[:-rows]))


def hide_rows(rows: int = 1) -> Fault:
    """Let the application answer and pass on a flawless list without its last rows."""

    def fault(exchange: Exchange) -> Answer:
        whole = exchange.pass_on()
        document = json.loads(whole.body)
        left = _with_rows(document, lambda found: found[:-rows])
        hidden = len(_rows_of(document)) - len(_rows_of(left))
        if isinstance(left, dict):
            left |= {key: left[key] - hidden for key in _COUNTS if key in left}
        headers = [
            (name, str(int(value) - hidden))
            for name, value in whole.headers
            if name.lower() == "x-total-count"
        ]
        return with_body(whole, dump(left), *headers)

    return fault


def repeat_rows(rows: int = 1) -> Fault:
    """Let the application answer and put its first rows in the place of its last ones."""
    return rewrite(
        lambda document: _with_rows(document, lambda found: found[:-rows] + found[:rows])
    )


def _rows_of(document: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(document, list):
        return document
    return next((document[key] for key in _ROWS if key in document), [])


def _with_rows(document: Any, change: Callable[[list[Any]], list[Any]]) -> Any:  # noqa: ANN401
    if isinstance(document, list):
        return change(document)
    return {key: change(value) if key in _ROWS else value for key, value in document.items()}
