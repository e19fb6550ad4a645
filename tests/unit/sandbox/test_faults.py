"""Every fault, proved over real sockets."""

import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests

from jcsync.sandbox import clock, misfortunes
from jcsync.sandbox.faults import Faults
from jcsync.sandbox.serving import Server
from tests.unit.sandbox.client import Client


class Counter:
    """An application that answers the same list and counts how often it did."""

    def __init__(self) -> None:
        """Begin with a list of three."""
        self.calls = 0
        self.document: object = {"totalCount": 3, "results": [1, 2, 3]}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the document."""
        self.calls += 1
        environ["wsgi.input"].read()
        headers = [("Content-Type", "application/json"), ("x-total-count", "3")]
        start_response("200 OK", headers)
        return [json.dumps(self.document).encode()]


@pytest.fixture
def application() -> Counter:
    return Counter()


@pytest.fixture
def faults(application: Counter) -> Faults:
    return Faults(application)


@pytest.fixture
def client(faults: Faults) -> Iterator[Client]:
    with Server(faults) as server, Client(server.url) as client:
        yield client
        faults.release()


def _raw(client: Client, path: str = "/") -> bytes:
    """Send a request and return what arrives until the connection ends."""
    parts = urlsplit(client.base)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_without_rules_nothing_goes_wrong(client: Client, faults: Faults) -> None:
    """Requests are recorded: who asked what, and what became of it."""
    answer = client.post("/things/0123456789abcdef01234567?a=b", data="body")

    assert answer.json()["totalCount"] == 3
    (recorded,) = faults.traffic.writes
    assert (recorded.method, recorded.target) == ("POST", "/things/0123456789abcdef01234567?a=b")
    assert (recorded.body, recorded.status, recorded.applied) == (b"body", 200, True)
    assert faults.traffic.counts == {("POST", "/things/{id}"): 1}
    faults.traffic.clear()
    assert (faults.traffic.total, faults.traffic.log) == (0, [])


@pytest.mark.parametrize(
    ("fault", "status", "applied"),
    [
        pytest.param(misfortunes.throttle(), 429, False, id="throttle"),
        pytest.param(misfortunes.fail(500), 500, False, id="500"),
        pytest.param(misfortunes.fail(503), 503, False, id="503"),
        pytest.param(misfortunes.page(502), 502, False, id="502-html"),
        pytest.param(misfortunes.page(200), 200, False, id="200-html"),
        pytest.param(misfortunes.login(), 302, False, id="login"),
        pytest.param(misfortunes.fail_after(500), 500, True, id="500-after"),
    ],
)
def test_another_answer(
    client: Client,
    faults: Faults,
    application: Counter,
    fault: object,
    status: int,
    *,
    applied: bool,
) -> None:
    """The application is asked or not, as the fault says; the next request goes well."""
    faults.add(fault)

    first, second = client.get("/"), client.get("/")

    assert (first.status_code, second.status_code) == (status, 200)
    assert application.calls == 1 + applied
    assert faults.traffic.log[0].applied is applied


def test_web_page_is_no_json(client: Client, faults: Faults) -> None:
    """Whatever its status."""
    faults.add(misfortunes.page(200, "Sign in"))
    answer = client.get("/")

    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Sign in" in answer.text


def test_throttling_says_how_long(client: Client, faults: Faults) -> None:
    """In seconds, as a date, or not at all."""
    faults.add(misfortunes.throttle())
    faults.add(misfortunes.throttle(7))
    faults.add(misfortunes.throttle_until(60))
    waits = [client.get("/").headers.get("Retry-After") for _ in range(3)]

    assert waits[:2] == [None, "7"]
    assert 55 < parsedate_to_datetime(str(waits[2])).timestamp() - clock.now() < 65


def test_connection_is_closed_without_an_answer(
    client: Client, faults: Faults, application: Counter
) -> None:
    """Nothing arrives, and nothing was done."""
    faults.add(misfortunes.close())

    assert _raw(client) == b""
    assert application.calls == 0


def test_connection_is_reset(client: Client, faults: Faults, application: Counter) -> None:
    """By a TCP reset, which the client sees as one."""
    faults.add(misfortunes.close(reset=True))

    with pytest.raises(ConnectionResetError):
        _raw(client)
    assert application.calls == 0


@pytest.mark.parametrize("reset", [False, True])
def test_answer_is_lost_after_applying(
    client: Client, faults: Faults, application: Counter, *, reset: bool
) -> None:
    """The change was made, and nobody was told."""
    faults.add(misfortunes.lose_answer(reset=reset), method="post")

    with pytest.raises(requests.ConnectionError):
        client.post("/", data="x")
    assert application.calls == 1
    assert faults.traffic.log[0].status == 0
    assert client.post("/", data="x").status_code == 200


def test_body_is_truncated(client: Client, faults: Faults) -> None:
    """The length promises more than arrives before the connection is closed."""
    faults.add(misfortunes.truncate(0.5), count=2)
    head, _, body = _raw(client).partition(b"\r\n\r\n")

    assert b"Content-Length: 39" in head
    assert len(body) == 19
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get("/")


def test_json_is_cut(client: Client, faults: Faults) -> None:
    """The length is right and the document is none."""
    faults.add(misfortunes.cut_json())

    with pytest.raises(requests.exceptions.JSONDecodeError):
        client.get("/").json()


def test_hanging_ends(client: Client, faults: Faults, application: Counter) -> None:
    """After the time given, with a closed connection; a client may lose patience before."""
    faults.add(misfortunes.hang(0.1))
    faults.add(misfortunes.hang(30))
    start = time.perf_counter()

    with pytest.raises(requests.ConnectionError):
        client.get("/")
    assert 0.1 <= time.perf_counter() - start < 20
    with pytest.raises(requests.ReadTimeout):
        client.get("/", timeout=0.05)
    assert application.calls == 0


def test_server_stops_while_a_request_hangs(faults: Faults) -> None:
    """Nobody waits for a fault to end."""
    faults.add(misfortunes.hang(60))
    server = Server(faults).start()
    with Client(server.url) as client:
        thread = threading.Thread(target=_expect_drop, args=(client,))
        thread.start()
        while not faults.traffic.in_flight:
            time.sleep(0.001)  # noqa: TID251  until the request has arrived
        start = time.perf_counter()
        faults.release()
        server.stop()
        thread.join()

    assert time.perf_counter() - start < 20


def _expect_drop(client: Client) -> None:
    with pytest.raises(requests.ConnectionError):
        client.get("/")


def test_body_drips(client: Client, faults: Faults) -> None:
    """All of it arrives, in its time."""
    faults.add(misfortunes.drip(pause=0.02, piece=10))
    start = time.perf_counter()

    assert client.get("/").json()["totalCount"] == 3
    assert time.perf_counter() - start >= 0.08


def test_latency_and_delay(client: Client, faults: Faults) -> None:
    """Every request is late, and one even later."""
    faults.latency = 0.02
    faults.add(misfortunes.delay(0.05))
    start = time.perf_counter()
    client.get("/")
    client.get("/")
    assert time.perf_counter() - start >= 0.09
    faults.clear()
    assert faults.latency == 0


@pytest.mark.parametrize(
    ("fault", "rows", "total"),
    [
        pytest.param(misfortunes.wrong_total(9), [1, 2, 3], 9, id="total"),
        pytest.param(misfortunes.no_total(), [1, 2, 3], None, id="no-total"),
        pytest.param(misfortunes.empty_list(), [], 0, id="empty"),
        pytest.param(misfortunes.drop_rows(), [1, 2], 3, id="missing"),
        pytest.param(misfortunes.hide_rows(), [1, 2], 2, id="hidden"),
        pytest.param(misfortunes.hide_rows(9), [], 0, id="all-hidden"),
        pytest.param(misfortunes.repeat_rows(), [1, 2, 1], 3, id="repeated"),
    ],
)
@pytest.mark.parametrize("shape", ["v1", "v2", "scim"])
def test_lists_lie(
    client: Client,
    faults: Faults,
    application: Counter,
    fault: object,
    rows: list[int],
    total: int | None,
    shape: str,
) -> None:
    """In every shape that lists have, with everything else in order."""
    key, name = {"v1": ("results", "totalCount"), "scim": ("Resources", "totalResults")}.get(
        shape, ("", "")
    )
    application.document = {name: 3, key: [1, 2, 3]} if key else [1, 2, 3]
    faults.add(fault)
    answer = client.get("/")
    document = answer.json()

    if key:
        assert (document[key], document.get(name)) == (rows, total)
    else:
        header = answer.headers.get("x-total-count")
        assert (document, header) == (rows, None if total is None else str(total))


def test_rules_choose_their_requests(client: Client, faults: Faults) -> None:
    """By method, path, number and count; the oldest rule that matches counts."""
    rule = faults.add(misfortunes.fail(503), method="GET", path=r"^/a\?x=", nth=2, count=2)
    faults.add(misfortunes.fail(500), path="/b", count=None)
    statuses = [client.get("/a?x=1").status_code for _ in range(4)]

    assert statuses == [200, 503, 503, 200]
    assert (rule.seen, rule.hits) == (4, 2)
    assert client.get("/a").status_code == 200
    assert client.post("/a?x=1").status_code == 200
    assert [client.get("/b").status_code for _ in range(3)] == [500] * 3
    faults.clear()
    assert client.get("/b").status_code == 200


def test_chance_is_reproducible(client: Client, faults: Faults) -> None:
    """The same seed gives the same misfortunes."""
    kinds = [misfortunes.fail(500), misfortunes.throttle(1)]
    runs = []
    for _ in range(2):
        faults.clear()
        faults.add_random(kinds, rate=0.5, seed=4)
        runs.append([client.get("/").status_code for _ in range(30)])

    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 429, 500}


def test_concurrency_is_measured(client: Client, faults: Faults) -> None:
    """How many requests there were at once, at most."""
    faults.latency = 0.1
    threads = [threading.Thread(target=_raw_ok, args=(client,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults.traffic.max_in_flight == 6
    assert faults.traffic.in_flight == 0


def _raw_ok(client: Client) -> None:
    with Client(client.base) as own:
        assert own.get("/").status_code == 200
