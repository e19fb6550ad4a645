"""Promise 9: secrets never appear; nothing from outside steers the process or its output."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jcsync.clock import SystemClock
from jcsync.errors import RemoteError
from jcsync.sandbox import misfortunes
from jcsync.transport import Endpoint, RetryPolicy, Transport
from jcsync.transport.session import build_session
from tests.scenario.site import Site

ONCE = RetryPolicy(attempts=1, connect_attempts=1)
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


@contextmanager
def answering(head: bytes, *, pause_s: float = 0.0, piece: bytes = b"x" * 65536) -> Iterator[str]:
    """A server that answers with this head and a body without end."""
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(head)
                    while not done.wait(pause_s):
                        connection.sendall(piece)
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        thread = threading.Thread(target=_until(serve, done))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            done.set()
            thread.join()


def _until(serve, done):  # noqa: ANN001, ANN202
    def loop() -> None:
        while not done.is_set():
            serve()

    return loop


def ask(url: str, **fields: float) -> None:
    """One request without repetitions."""
    transport = Transport(
        Endpoint(name="the platform", base_url=url, **fields),  # type: ignore[arg-type]
        authorize=dict,
        clock=SystemClock(),
        retry=ONCE,
    )
    try:
        transport.request("GET", "/Users")
    finally:
        transport.close()


@pytest.mark.parametrize("head", [ENDLESS, REDIRECT], ids=["answer", "redirect"])
def test_endless_body_fills_no_memory(head: bytes) -> None:
    """A body without end is broken off at 64 MiB, also that of a redirect."""
    with answering(head) as url, pytest.raises(RemoteError):
        ask(url, answer_s=20)


@pytest.mark.parametrize("head", [ENDLESS, REDIRECT], ids=["answer", "redirect"])
def test_dripping_body_does_not_hang(head: bytes) -> None:
    """A body of which a byte comes now and then is broken off when its time is over."""
    with answering(head, pause_s=0.05, piece=b"x") as url, pytest.raises(RemoteError):
        ask(url, answer_s=0.5, timeout_s=5)


def test_environment_cannot_replace_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and proxies of the environment are not looked at."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/evil.pem")
    monkeypatch.setenv("CURL_CA_BUNDLE", "/nowhere/evil.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://evil.example:3128")

    with build_session(Endpoint(name="x", base_url="https://x.example")) as session:
        merged = session.merge_environment_settings(
            "https://x.example", {}, stream=True, verify=None, cert=None
        )

    assert merged["verify"] is True
    assert not merged["proxies"]


def test_netrc_cannot_replace_the_token(team: Site) -> None:
    """A ~/.netrc for the host of a side changes neither key nor token."""
    (team.folder / ".netrc").write_text("machine 127.0.0.1 login evil password evil\n")
    (team.folder / ".netrc").chmod(0o600)
    team.environ["HOME"] = str(team.folder)

    assert team("reconcile").status == 0

    sent = [r.headers.get("authorization", "") for r in team.world.platform.faults.traffic.log]
    assert set(sent) == {f"Bearer {team.world.platform.token}"}
    keys = [r.headers for r in team.world.jumpcloud.faults.traffic.log]
    assert not any("authorization" in headers for headers in keys)


def test_redirect_takes_no_credentials_along(team: Site) -> None:
    """Neither the key nor the token is sent to where an answer points, whatever the host."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.3)
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/"

        def redirect(_exchange):  # noqa: ANN001, ANN202
            return misfortunes.Answer(307, b"", (("Location", url),))

        for side in (team.world.jumpcloud, team.world.platform):
            side.faults.add(redirect, count=None)
            assert team("reconcile").status == 6
            side.faults.clear()
        with pytest.raises(TimeoutError):
            trap.accept()


def test_names_forge_no_line_of_the_log(team: Site) -> None:
    """A line break in a name stays inside its line, in every format of the log."""
    for n, style in enumerate(("json", "console")):
        team.configure(log={"level": "debug", "format": style})
        team.world.jumpcloud.state.hire(
            f"eve{n}@example.com",
            groups=["Keepnet Users"],
            displayname="Eve\n2026-01-01 [error] FORGED\x1b[2J\r\u2028FORGED",
        )
        result = team("reconcile", "--verbose")

        lines = result.text.splitlines()
        assert not [line for line in lines if line.lstrip().startswith(("2026-01-01", "FORGED"))]
        assert "\x1b[2J" not in result.text


def test_readable_secret_file_is_warned_of(team: Site) -> None:
    """A file with a secret that others can read is named."""
    token = team.folder / "token"
    token.write_text(team.world.platform.token)
    token.chmod(0o644)
    team.configure(provider={"token": None, "token_file": str(token)})

    result = team("config", "validate")

    assert "token" in result.text
    assert "644" in result.text or "readable" in result.text or "others" in result.text


def test_nothing_of_a_secret_is_left_behind(team: Site, tmp_path: Path) -> None:
    """Store, write-ahead log, plan file and every output are searched after a failed run."""
    team.configure(log={"level": "debug"})
    team.join("fay")
    team.world.platform.faults.add(misfortunes.fail(400), method="POST", count=None)
    texts = [
        team(*args).text
        for args in (
            ("plan", "--out", "plan.json", "--verbose"),
            ("reconcile", "--verbose"),
            ("escrow", "list"),
            ("changes", "--json"),
        )
    ]
    secrets = (team.world.platform.token, team.world.jumpcloud.api_key)
    left = [f for f in tmp_path.rglob("*") if f.is_file() and f.name != "jcsync.yaml"]

    assert {f.suffix for f in left} >= {".db", ".json"}
    for secret in secrets:
        assert not [text for text in texts if secret in text]
        assert not [f.name for f in left if secret.encode() in f.read_bytes()]
