"""Requests and replies of the sandbox's servers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
JSON_TYPE = "application/json; charset=utf-8"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answers.

    Attributes:
        headers: Without ``Content-Length``, which :func:`send` adds.
    """

    status: int
    body: bytes = b""
    headers: Headers = ()


class RefusalError(Exception):
    """A request that is answered with an error.

    Attributes:
        reply: The answer.
    """

    def __init__(self, reply: Reply) -> None:
        """Refuse with this answer."""
        super().__init__(reply.status)
        self.reply = reply


class Request:
    """One request, read from a WSGI environment when it is asked for."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        """Take the method and the path, decoded."""
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        path: str = environ["PATH_INFO"]
        self.path = path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")

    def header(self, name: str) -> str:
        """Return a header, ``""`` when it was not sent."""
        value: str = self.environ.get("HTTP_" + name.upper().replace("-", "_"), "")
        return value

    @property
    def content_type(self) -> str:
        """Media type of the body without its parameters, in lower case."""
        value: str = self.environ.get("CONTENT_TYPE", "")
        return value.partition(";")[0].strip().lower()

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Every parameter of the query with its values in order; empty values count."""
        text: str = self.environ.get("QUERY_STRING", "")
        return parse_qs(text, keep_blank_values=True) if text else {}

    def parameter(self, name: str) -> str:
        """Return the first value of a parameter, ``""`` when it was not sent."""
        values = self.query.get(name)
        return values[0] if values else ""

    @cached_property
    def body(self) -> bytes:
        """The whole body."""
        if not self.environ.get("CONTENT_LENGTH"):
            return b""
        content: bytes = self.environ["wsgi.input"].read(int(self.environ["CONTENT_LENGTH"]))
        return content

    @cached_property
    def document(self) -> Any:  # noqa: ANN401  JSON is whatever the client sent
        """The body as JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self.body)


def dump(value: object) -> bytes:
    """Return JSON, compact, in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")  # half a character is escaped, as JSON does it


def json_reply(value: object, status: int = 200, *headers: tuple[str, str]) -> Reply:
    """Return a JSON answer."""
    return Reply(status, dump(value), (("Content-Type", JSON_TYPE), *headers))


def html_reply(text: str, status: int = 200) -> Reply:
    """Return a web page, as proxies and login pages do."""
    page = f"<!DOCTYPE html><html><head><title>{text}</title></head><body>{text}</body></html>"
    return Reply(status, page.encode(), (("Content-Type", "text/html; charset=utf-8"),))


def send(reply: Reply, start_response: StartResponse) -> Iterable[bytes]:
    """Send an answer whose length is stated."""
    length = ("Content-Length", str(len(reply.body)))
    start_response(STATUS_LINES[reply.status], [*reply.headers, length])
    return [reply.body]
