"""Bodies that are late, endless, damaged, packed or no JSON at all."""

import gzip
import socket
import time
from typing import Any

import pytest

from jcsync.errors import RemoteError, TransientError, UnknownOutcomeError, UnreadableError
from jcsync.transport import RetryPolicy, session
from tests.contract.transport.server import Asked, RawServer, Respond, in_turn, reply, transport_to

ONCE = RetryPolicy(attempts=1)


def fetch(respond: Respond, *, method: str = "GET", **endpoint: Any) -> Any:
    """Send one request to a server that responds like this and return the parsed body."""
    with (
        RawServer(respond) as server,
        transport_to(server.url, policy=ONCE, **endpoint) as transport,
    ):
        body = {"a": 1} if method != "GET" else None
        return transport.request(method, "/x", body=body).body


def packed(content: bytes, encoding: str = "gzip") -> bytes:
    return reply(content, Content_Encoding=encoding)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply({"a": [1]}), {"a": [1]}, id="json"),
        pytest.param(reply(b"", 204), None, id="no-content"),
        pytest.param(reply({"a": 1}, Content_Type="text/html"), {"a": 1}, id="mislabelled"),
        pytest.param(reply(b'\xef\xbb\xbf{"a":1}'), {"a": 1}, id="byte-order-mark"),
        pytest.param(packed(gzip.compress(b'{"a":1}')), {"a": 1}, id="gzip"),
        pytest.param(packed(b'{"a":1}', "identity"), {"a": 1}, id="identity"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
            [1, 2],
            id="chunked",
        ),
    ],
)
def test_readable_bodies(answer: bytes, expected: object) -> None:
    """Whatever says JSON is read, however it is labelled, packed or cut into chunks."""
    assert fetch(in_turn(answer)) == expected


@pytest.mark.parametrize("body", [b"", b" \r\n "])
def test_empty_bodies(body: bytes) -> None:
    """Say that a write was done, and nothing of what was asked for."""
    assert fetch(in_turn(reply(body)), method="PATCH") is None
    with pytest.raises(UnreadableError, match="answered nothing instead of JSON"):
        fetch(in_turn(reply(body)))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(
            reply(b"<html><title>Log in</title>", Content_Type="text/html"),
            r'HTML instead of JSON at (GET|POST) http.*text/html\): an HTML page "Log in"; check that the '
            "base URL leads to the API",
            id="login-page",
        ),
        pytest.param(reply(b'{"a": [1, 2'), r"broken JSON .*application/json", id="cut-json"),
        pytest.param(reply(b"[" * 100_000), "broken JSON", id="too-deep"),
        pytest.param(reply(b"\xff\xfe\x00"), "broken JSON", id="binary"),
        pytest.param(packed(b"no gzip"), "gzip is damaged", id="damaged-gzip"),
        pytest.param(packed(gzip.compress(b"[1]" * 99)[:-9]), "ends too early", id="cut-gzip"),
        pytest.param(packed(b"{}", "br"), "packed as 'br'", id="unknown-packing"),
    ],
)
def test_unreadable_bodies_are_not_believed(answer: bytes, words: str) -> None:
    """Status 200 alone is no proof; a read fails, a write has an unknown outcome."""
    with pytest.raises(UnreadableError, match=words) as caught:
        fetch(in_turn(answer))
    assert str(caught.value).isprintable()
    with pytest.raises(UnknownOutcomeError, match=words):
        fetch(in_turn(answer), method="POST")


def test_connection_that_ends_within_the_body_is_told() -> None:
    """Fewer bytes than announced are no answer."""

    def respond(_: Asked, connection: socket.socket) -> None:
        connection.sendall(reply(b'{"a": 1', length=100))

    with pytest.raises(TransientError, match="broke off its answer at GET"):
        fetch(respond)
    with pytest.raises(UnknownOutcomeError, match="broke off its answer at POST"):
        fetch(respond, method="POST")


def test_connection_that_ends_without_an_answer_is_told_in_words() -> None:
    """The words are those of people, not the texts of nested exceptions."""
    with pytest.raises(TransientError, match="Remote end closed connection") as caught:
        fetch(in_turn(None))
    assert "('" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "kind"), [("GET", TransientError), ("PATCH", UnknownOutcomeError)]
)
def test_silent_server_is_waited_for_a_while(method: str, kind: type[RemoteError]) -> None:
    """The time-out ends the wait, and the message names it."""
    with (
        RawServer(lambda _, __: server.released.wait(5) and None) as server,
        transport_to(server.url, policy=ONCE, timeout_s=0.2) as transport,
        pytest.raises(kind, match=r"did not answer within 0\.2 s"),
    ):
        transport.request(method, "/x")


def drip(piece: bytes, pause: float, head: bytes = b"") -> Respond:
    """Send a piece again and again, until the other side gives up."""

    def respond(_: Asked, connection: socket.socket) -> None:
        connection.sendall(head or reply(b"", length=10**9))
        for _ in range(400):
            connection.sendall(piece)
            time.sleep(pause)  # noqa: TID251 - a slow server

    return respond


def test_dripping_body_ends_in_time() -> None:
    """A server that sends a byte now and then never trips the time-out of one read."""
    began = time.monotonic()
    with pytest.raises(TransientError, match=r"not in full within 0\.3 s"):
        fetch(drip(b" ", 0.02), answer_s=0.3)
    assert time.monotonic() - began < 20


def test_dripping_gzip_that_unpacks_to_nothing_ends_in_time() -> None:
    """Packed blocks without content do not hide the passing of time."""
    head = reply(b"", length=10**9, Content_Encoding="gzip") + gzip.compress(b"")[:10]
    with pytest.raises(TransientError, match=r"not in full within 0\.3 s"):
        fetch(drip(b"\x00\x00\x00\xff\xff", 0.02, head), answer_s=0.3)


def test_endless_body_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is read than an answer may have."""
    monkeypatch.setattr(session, "_BODY_BYTES", 1024 * 1024)
    with pytest.raises(UnreadableError, match="more than 1 MiB was refused"):
        fetch(drip(b" " * 65536, 0))


def test_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small body that unpacks to a large one is refused as well."""
    monkeypatch.setattr(session, "_BODY_BYTES", 1024 * 1024)
    bomb = gzip.compress(b"[" + b" " * (8 * 1024 * 1024) + b"]")
    with pytest.raises(UnreadableError, match="more than 1 MiB was refused"):
        fetch(in_turn(packed(bomb)))
