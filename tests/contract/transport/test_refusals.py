"""What the session refuses to do, over real sockets."""

import re
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import requests

from jcsync import __version__
from jcsync.errors import (
    NotFoundError,
    RejectedError,
    RemoteError,
    StoppedError,
    TransientError,
    UnauthorizedError,
    UnreadableError,
)
from jcsync.transport import ReadOnlyError, RetryPolicy
from jcsync.transport.retry import NoConnectionError, UntrustedError
from tests.contract.transport.server import RawServer, in_turn, reply, transport_to

SECRET = "s3cret-token"


def assert_readable(text: str) -> None:
    """A message is one printable line without addresses of objects or secrets."""
    assert text.isprintable(), text
    assert not re.search(r"0x[0-9a-f]{6,}|Connection\(|object at|Traceback", text), text
    assert SECRET not in text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirects_are_not_followed(status: int, method: str) -> None:
    """Neither the key nor the body reaches the place that a redirect names."""
    with RawServer(in_turn(reply({"ok": True}))) as thief:
        location = f"{thief.url}/login?state=abc"
        with (
            RawServer(in_turn(reply(b"", status, Location=location))) as server,
            transport_to(server.url, authorization={"x-api-key": SECRET}) as transport,
            pytest.raises(
                UnreadableError, match=r"redirects to http.*check the base URL"
            ) as caught,
        ):
            transport.request(method, "/Users", body={} if method == "POST" else None)
    assert thief.asked == []
    assert len(server.asked) == 1
    assert caught.value.status == status
    assert "state=abc" not in str(caught.value)
    assert_readable(str(caught.value))


def test_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither netrc nor proxies nor a CA bundle from the environment count."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with (
        RawServer(in_turn(reply({"ok": True}))) as server,
        transport_to(server.url) as transport,
    ):
        assert transport.request("GET", "/x").body == {"ok": True}
    assert server.asked[0].headers["authorization"] == f"Bearer {SECRET}"


def test_requests_carry_what_they_should_and_no_cookie() -> None:
    """A User-Agent with the version, the headers of the end point, and no cookie ever."""
    with (
        RawServer(in_turn(reply({}, Set_Cookie="session=1; Path=/"))) as server,
        transport_to(server.url, headers={"Accept": "application/scim+json"}) as transport,
    ):
        for _ in range(2):
            transport.request("GET", "/x")
    for asked in server.asked:
        assert asked.headers["user-agent"] == f"jcsync/{__version__}"
        assert asked.headers["accept"] == "application/scim+json"
        assert "cookie" not in asked.headers


@pytest.mark.parametrize(
    ("base", "target"),
    [("", "/Users"), ("/", "/Users"), ("/scim", "/scim/Users"), ("/scim/v2/", "/scim/v2/Users")],
)
def test_base_url_is_kept_as_given(base: str, target: str) -> None:
    """A slash at its end is neither lost nor doubled, and no version is added."""
    with (
        RawServer(in_turn(reply({}))) as server,
        transport_to(server.url + base) as transport,
    ):
        transport.request("GET", "/Users", params={"count": "1"})
    assert server.asked[0].target == f"{target}?count=1"


def test_read_only_mode_sends_no_write() -> None:
    """A plan cannot write, but a search by POST and a GET may pass."""
    with (
        RawServer(in_turn(reply({}))) as server,
        transport_to(server.url, read_only=True) as transport,
    ):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with pytest.raises(ReadOnlyError):
                transport.request(method, "/Users", body={})
        with pytest.raises(ReadOnlyError):
            transport.write("POST", "/Users", {}, applied=lambda: None)
        transport.request("GET", "/Users")
        transport.request("POST", "/search", body={}, reads=True)
    assert [asked.method for asked in server.asked] == ["GET", "POST"]


def test_stopped_transport_begins_no_request() -> None:
    """Once the process is asked to stop, nothing more is sent."""
    stop = threading.Event()
    stop.set()
    with (
        RawServer(in_turn(reply({}))) as server,
        transport_to(server.url, stop=stop) as transport,
        pytest.raises(StoppedError),
    ):
        transport.request("GET", "/x")
    assert server.asked == []


# --- connections


def test_refused_connection_names_the_remedy() -> None:
    """Nobody listens: tried again, then said in one line."""
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    with (
        transport_to(f"http://127.0.0.1:{port}", setting="provider.base_url") as transport,
        pytest.raises(
            NoConnectionError, match=f"127.0.0.1:{port}.*check provider.base_url"
        ) as caught,
    ):
        transport.request("POST", "/Users", body={})
    assert transport.requests == 3
    assert transport.retries == 2
    assert transport.answers == {"none": 3}
    assert_readable(str(caught.value))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "[2001:db8::1]", "[::1]"])
def test_unreachable_hosts_are_named(host: str) -> None:
    """Names that do not resolve and IPv6 addresses without a way."""
    with (
        transport_to(f"https://{host}:1/scim", timeout_s=1) as transport,
        pytest.raises((NoConnectionError, AssertionError)) as caught,
    ):
        transport.request("GET", "/Users")
    if caught.type is NoConnectionError:
        assert f"{host}:1" in str(caught.value)
        assert_readable(str(caught.value))


@pytest.mark.parametrize(
    "url", ["http://a..b/scim", "http://exa mple/", f"http://{'x' * 70}.example/", "gopher://x/"]
)
def test_malformed_addresses_are_not_tried_again(url: str) -> None:
    """An address that can never be reached is said at once."""
    with (
        transport_to(url) as transport,
        pytest.raises(UntrustedError, match="check its URL") as caught,
    ):
        transport.request("GET", "/Users")
    assert transport.retries == 0
    assert_readable(str(caught.value))


def test_proxy_that_is_not_there_is_named() -> None:
    """The proxy of the settings is used, and its password is not repeated."""
    proxy = f"http://user:{SECRET}@127.0.0.1:9"
    with (
        transport_to("http://scim.example.com/scim", proxy=proxy) as transport,
        pytest.raises(NoConnectionError, match="proxy") as caught,
    ):
        transport.request("GET", "/Users")
    assert_readable(str(caught.value))


def test_proxy_that_wants_credentials_is_told_from_the_platform() -> None:
    """The token is right, and a new one would not help."""
    with (
        RawServer(in_turn(reply(b"", 407))) as proxy,
        transport_to("http://127.0.0.1:9", proxy=proxy.url) as transport,
        pytest.raises(RejectedError, match=r"behind a proxy .* provider\.proxy.* \(407\)"),
    ):
        transport.request("GET", "/x")


def test_proxy_of_the_settings_is_used() -> None:
    """Requests go through it, with the whole URL."""
    with (
        RawServer(in_turn(reply({"by": "proxy"}))) as proxy,
        transport_to("http://scim.example.com/scim", proxy=proxy.url) as transport,
    ):
        assert transport.request("GET", "/Users").body == {"by": "proxy"}
    assert proxy.asked[0].target == "http://scim.example.com/scim/Users"


def test_proxy_is_asked_for_a_tunnel_to_https() -> None:
    """It never sees what goes through it, and its refusal is told as such."""
    with (
        RawServer(in_turn(reply(b"", 502))) as proxy,
        transport_to("https://scim.example.com/scim", proxy=proxy.url) as transport,
        pytest.raises(NoConnectionError, match="502") as caught,
    ):
        transport.request("POST", "/Users", body={})
    assert {asked.method for asked in proxy.asked} == {"CONNECT"}
    assert not any("authorization" in asked.headers for asked in proxy.asked)
    assert_readable(str(caught.value))


@pytest.mark.parametrize("token", ["abc\n", "abc\r\nX-Evil: 1", "päss", "a\tb"])
def test_credentials_that_no_header_can_carry_are_not_printed(token: str) -> None:
    """A token with a line break, as from a careless file, is refused without being shown."""
    with (
        RawServer(in_turn(reply({}))) as server,
        transport_to(server.url, authorization={"Authorization": f"Bearer {token}"}) as transport,
        pytest.raises(UnauthorizedError, match="copy them again") as caught,
    ):
        transport.request("GET", "/x")
    assert server.asked == []
    assert token.strip() not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_answer_that_repeats_the_token_does_not_leak_it(status: int) -> None:
    """Some servers print the token that they refuse."""
    body = {"detail": f"bad token {SECRET}", "message": "line\nbreak\x1b[31m"}
    with (
        RawServer(in_turn(reply(body, status))) as server,
        transport_to(server.url) as transport,
        pytest.raises(RemoteError, match=r"bad token \*\*\*") as caught,
    ):
        transport.request("GET", "/x")
    assert_readable(str(caught.value))


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += [
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=test",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    command += ["-keyout", str(key), "-out", str(cert)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no usable openssl command to make a certificate with: {error}")
    return cert, key


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.parametrize(
    ("setting", "remedy"),
    [
        ("provider.base_url", "(provider.ca_file, or the certificates of the system)"),
        ("directory.base_url", "(the certificates of the system)"),
    ],
)
def test_self_signed_certificate_is_refused_at_once(
    tls: ssl.SSLContext, setting: str, remedy: str
) -> None:
    """The error names the certificate and the remedy of that side, and nothing is tried again."""
    with (
        RawServer(in_turn(reply({})), context=tls) as server,
        transport_to(server.url, setting=setting) as transport,
        pytest.raises(UntrustedError, match=r"self-signed certificate") as caught,
    ):
        transport.request("GET", "/x")
    assert remedy in str(caught.value)
    assert server.asked == []
    assert transport.retries == 0
    assert_readable(str(caught.value))


def test_ca_bundle_of_the_environment_does_not_count(
    tls: ssl.SSLContext, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who controls the environment cannot make the agent trust his certificate."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate[0]))
    with (
        RawServer(in_turn(reply({})), context=tls) as server,
        transport_to(server.url) as transport,
        pytest.raises(UntrustedError),
    ):
        transport.request("GET", "/x")


def test_ca_file_makes_the_certificate_trusted(
    tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    """A private authority is trusted when it is named."""
    with (
        RawServer(in_turn(reply({"ok": 1})), context=tls) as server,
        transport_to(server.url, ca_file=str(certificate[0])) as transport,
    ):
        assert transport.request("GET", "/x").body == {"ok": 1}


def test_ca_file_counts_for_the_proxy_too(
    tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    """A private authority signs the certificates of proxies above all."""
    url = "https://scim.example.com/scim"
    with RawServer(in_turn(reply(b"", 502)), context=tls) as proxy:
        with (
            transport_to(url, proxy=proxy.url, ca_file=str(certificate[0])) as transport,
            pytest.raises(TransientError),
        ):
            transport.request("GET", "/x")
        trusted = len(proxy.asked)
        with transport_to(url, proxy=proxy.url) as transport, pytest.raises(RemoteError) as caught:
            transport.request("GET", "/x")
    assert {asked.method for asked in proxy.asked} == {"CONNECT"}
    assert len(proxy.asked) == trusted > 0
    assert f"the certificate of the proxy at 127.0.0.1:{proxy.port} is not" in str(caught.value)


def test_ca_file_counts_for_the_proxy_of_a_platform_without_tls(
    tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    """What is plain behind the proxy is not plain on the way to it."""
    with (
        RawServer(in_turn(reply({"ok": 1})), context=tls) as proxy,
        transport_to(
            "http://127.0.0.1:9", proxy=proxy.url, ca_file=str(certificate[0])
        ) as transport,
    ):
        assert transport.request("GET", "/x").body == {"ok": 1}


def test_a_ca_file_is_read_once_until_it_changes(
    tls: ssl.SSLContext, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """Neither each connection nor each run reads the certificates of the system again."""
    ca_file = tmp_path / "ca.pem"

    def ask() -> Any:
        with (
            RawServer(in_turn(reply({"ok": 1})), context=tls) as server,
            transport_to(server.url, ca_file=str(ca_file)) as transport,
        ):
            return transport.request("GET", "/x").body

    ca_file.write_bytes(Path(requests.adapters.DEFAULT_CA_BUNDLE_PATH).read_bytes())
    with pytest.raises(UntrustedError):
        ask()
    ca_file.write_bytes(certificate[0].read_bytes())
    with mock.patch("ssl.create_default_context", wraps=ssl.create_default_context) as create:
        assert [ask(), ask(), ask()] == [{"ok": 1}] * 3
    assert create.call_count == 1


def test_what_requests_trusts_counts_where_the_system_has_nothing(
    tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An authority that was removed from the system is not trusted for another list's sake."""
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate[0]))
    with (
        RawServer(in_turn(reply({"ok": 1}), reply({"ok": 1})), context=tls) as server,
        transport_to(server.url) as transport,
        pytest.raises(UntrustedError),
    ):
        transport.request("GET", "/x")

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with (
        RawServer(in_turn(reply({"ok": 1})), context=tls) as server,
        transport_to(server.url) as transport,
    ):
        assert transport.request("GET", "/x").body == {"ok": 1}


def test_folder_of_the_system_is_something(
    tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some systems have no file of certificates, only a folder, in which TLS looks when it must."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate[0]))
    command = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(certificate[0])]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / "00000000.0").write_bytes(certificate[0].read_bytes())

    def ask() -> Any:
        with (
            RawServer(in_turn(reply({"ok": 1})), context=tls) as server,
            transport_to(server.url) as transport,
        ):
            return transport.request("GET", "/x").body

    with pytest.raises(UntrustedError):
        ask()
    (tmp_path / f"{name}.0").write_bytes(certificate[0].read_bytes())
    assert ask() == {"ok": 1}
    (tmp_path / f"{name}.0").unlink()
    with pytest.raises(UntrustedError):
        ask()


def test_scheme_in_capitals_is_the_same(
    tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    """The settings take it as it is written."""
    with (
        RawServer(in_turn(reply({"ok": 1})), context=tls) as server,
        transport_to(
            server.url.replace("https", "HTTPS"), ca_file=str(certificate[0])
        ) as transport,
    ):
        assert transport.request("GET", "/x").body == {"ok": 1}


def test_expired_certificate_leads_to_the_clock(certificate: tuple[Path, Path]) -> None:
    """A clock that is wrong makes every certificate look so: no authority would help."""
    signed, key = certificate
    expired = signed.with_name("expired.pem")
    command = ["openssl", "x509", "-in", str(signed), "-signkey", str(key), "-days", "-1"]
    subprocess.run([*command, "-out", str(expired)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(expired, key)
    with (
        RawServer(in_turn(reply({})), context=context) as server,
        transport_to(server.url, ca_file=str(expired)) as transport,
        pytest.raises(UntrustedError, match=r"expired.*clock") as caught,
    ):
        transport.request("GET", "/x")
    assert "ca_file" not in str(caught.value)
    assert_readable(str(caught.value))


def test_certificate_of_another_host_is_refused(
    tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    """Trusted, but not for this name."""
    with (
        RawServer(in_turn(reply({})), context=tls) as server,
        transport_to(f"https://localhost:{server.port}", ca_file=str(certificate[0])) as transport,
        pytest.raises(UntrustedError, match=r"localhost.*check its URL"),
    ):
        transport.request("GET", "/x")
    assert server.asked == []


def test_proxy_that_is_down_is_named() -> None:
    """It is the proxy that cannot be reached, and its password is nobody's business."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    proxy = f"http://ann:{SECRET}@127.0.0.1:{port}"
    with (
        transport_to("http://scim.example.com", proxy=proxy) as transport,
        pytest.raises(NoConnectionError, match=rf"through the proxy 127.0.0.1:{port}") as caught,
    ):
        transport.request("GET", "/x")
    assert_readable(str(caught.value))


def test_missing_ca_file_is_an_os_error(tmp_path: Path) -> None:
    """Wiring turns it into an error that names the setting."""
    with (
        pytest.raises(OSError, match="No such file"),
        transport_to("https://127.0.0.1:1", ca_file=str(tmp_path / "none.pem")),
    ):
        pass


def test_http_on_a_tls_port_is_told_apart_from_a_bad_certificate() -> None:
    """A platform that speaks plain HTTP where TLS is expected."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_plainly() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer_plainly)
        thread.start()
        with (
            transport_to(
                f"https://127.0.0.1:{listener.getsockname()[1]}", policy=RetryPolicy(attempts=1)
            ) as transport,
            pytest.raises(TransientError) as caught,
        ):
            transport.request("GET", "/x")
        thread.join()
    assert not isinstance(caught.value, UntrustedError)
    assert re.search(r"speaks no TLS at 127.*check its URL", str(caught.value))
    assert_readable(str(caught.value))


def test_unknown_resource_is_named() -> None:
    """404 as an API says it."""
    with (
        RawServer(in_turn(reply({"detail": "no such user"}, 404))) as server,
        transport_to(server.url) as transport,
        pytest.raises(NotFoundError, match="no such user"),
    ):
        transport.request("GET", "/Users/1")
