"""People are told what happened, over real HTTP."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jcsync.clock import SystemClock
from jcsync.notices import Notices
from jcsync.sandbox import misfortunes
from jcsync.settings import load_settings
from jcsync.store import open_store
from tests.scenario.site import GROUP, Site, two_connections, wait_for

SECRET = "a-token-in-a-path"


class Receiver:
    """A server that takes messages and pings.

    Attributes:
        messages: Title and body of what Apprise posted.
        pings: Suffix and body of what the dead man's switch was told.
        status: What it answers.
    """

    def __init__(self) -> None:
        """Listen."""
        self.messages: list[tuple[str, str]] = []
        self.pings: list[tuple[str, str]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if self.path.startswith("/ping"):
                    outer.pings.append((self.path.removeprefix("/ping"), body))
                elif outer.status == 200:
                    document = json.loads(body)
                    outer.messages.append((document["title"], document["message"]))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def titles(self) -> list[str]:
        """Titles of the messages, in their order."""
        return [title for title, _ in self.messages]

    def notify(self, **fields: object) -> dict[str, object]:
        """The settings that lead here."""
        return {
            "urls": [f"json://127.0.0.1:{self.port}/{SECRET}"],
            "ping_url": f"http://127.0.0.1:{self.port}/ping",
            **fields,
        }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Who is told."""
    opened = Receiver()
    yield opened
    opened.close()


def test_failure_and_recovery_are_told_once_each(team: Site, receiver: Receiver) -> None:
    """However often cron tries: the first failure, and that it is over."""
    team.configure(notify=receiver.notify())
    team.world.platform.faults.add(misfortunes.fail(400), method="GET", count=None)
    for _ in range(3):
        assert team("reconcile").status == 6
    team.world.platform.faults.clear()
    for _ in range(2):
        assert team("reconcile").status == 0

    assert receiver.titles == ["jcsync demo: failed", "jcsync demo: recovered"]
    assert [suffix for suffix, _ in receiver.pings] == ["/start", "/fail"] * 3 + ["/start", ""] * 2
    assert "demo: in_sync, 0 changes applied" in receiver.pings[-1][1]


def test_refused_credentials_are_named_as_such(team: Site, receiver: Receiver) -> None:
    """Somebody has to do something, and is told what."""
    team.configure(notify=receiver.notify(), provider={"token": "revoked"})

    result = team("reconcile", "--verbose")

    ((title, body),) = receiver.messages
    assert title == "jcsync demo: credentials rejected"
    assert "401" in body
    assert "revoked-" not in body
    assert SECRET not in result.text
    assert f":{receiver.port}" not in result.text


def test_hold_is_told_once_with_what_to_do(team: Site, receiver: Receiver) -> None:
    """The plan in numbers, the limit, and the command that accepts exactly that plan."""
    team.configure(notify=receiver.notify(), limits={"deactivate": {"count": 1}})
    team.world.jumpcloud.state.remove_member(GROUP, "ann", "bob", "cid")
    assert team("reconcile").status == 4
    assert team("reconcile").status == 4

    ((title, body),) = receiver.messages
    assert title == "jcsync demo: held, a plan waits for your decision"
    assert "3 deactivations planned" in body
    assert "3 to deactivate" in body
    assert "jcsync approve 1" in body
    assert [suffix for suffix, _ in receiver.pings] == ["/start", ""] * 2
    assert "jcsync approve 1" in receiver.pings[-1][1]


def test_broken_record_is_told_once(team: Site, receiver: Receiver) -> None:
    """Who could not be provisioned, and why; the run is no failure."""
    team.configure(notify=receiver.notify())
    team.world.platform.faults.add(misfortunes.fail(400), method="POST", count=None)
    team.join("fay")
    assert team("reconcile").status == 3
    assert team("reconcile").status == 3

    ((title, body),) = receiver.messages
    assert title == "jcsync demo: 1 resource could not be provisioned"
    assert "fay@example.com" in body
    assert [suffix for suffix, _ in receiver.pings] == ["/start", ""] * 2


def test_only_what_is_asked_for(team: Site, receiver: Receiver) -> None:
    """``notify.on`` chooses; that it is over is told also where the failure was not."""
    team.configure(notify=receiver.notify(on=["recovered"]))
    team.world.platform.faults.add(misfortunes.fail(400), method="GET", count=None)
    team("reconcile")
    team.world.platform.faults.clear()
    team("reconcile")

    assert receiver.titles == ["jcsync demo: recovered"]


def test_what_nobody_took_is_told_again(team: Site, receiver: Receiver) -> None:
    """A receiver that is down harms no run, is named in the log, and hears it later."""
    team.configure(notify=receiver.notify())
    team.world.platform.faults.add(misfortunes.fail(400), method="GET", count=None)
    receiver.status = 500
    result = team("reconcile", "--verbose")
    assert result.status == 6
    assert "a notice was not sent" in result.err
    assert "notify.ping_url could not be called" in result.err
    assert "notify.urls[0] (json)" in result.err
    assert SECRET not in result.text
    receiver.status = 200
    assert team("reconcile").status == 6

    assert receiver.titles == ["jcsync demo: failed"]


def test_daemon_tells_and_goes_on(team: Site, receiver: Receiver) -> None:
    """Its runs do not wait for a notice, and a restart does not repeat one."""
    team.configure(notify=receiver.notify(), directory={"api_key": "revoked"})
    for _ in range(2):
        with team.daemon() as daemon:
            before = len(receiver.pings)
            wait_for(lambda: [s for s, _ in receiver.pings[before:]] == ["/start", "/fail"])  # noqa: B023
        assert daemon.status == 0
        assert SECRET not in daemon.err
    assert receiver.titles == ["jcsync demo: credentials rejected"]


def test_unheard_pings_name_their_run(team: Site, receiver: Receiver) -> None:
    """Of a start as of an end, the log says of which run; one for several runs names them all."""
    receiver.status = 500
    team.configure(notify={"ping_url": receiver.notify()["ping_url"]})
    with team.daemon() as daemon:
        wait_for(lambda: len(receiver.pings) == 4)
    lines = [line for line in daemon.events if "notify.ping_url" in line["event"]]
    (run,) = team.json("runs", "--limit", "1")["runs"]
    assert [(line["connection"], line["run_id"]) for line in lines] == [("demo", run["run_id"])] * 2

    two_connections(team, first={"notify": {"ping_url": receiver.notify()["ping_url"]}})
    err = team.process("reconcile").err

    ids = [run["run_id"] for run in reversed(team.json("runs", "--limit", "2")["runs"])]
    lines = [json.loads(line) for line in err.splitlines() if "notify.ping_url" in line]
    assert [(line["connection"], line["run_id"]) for line in lines] == [
        ("demo, second", ", ".join(ids))
    ] * 2


def test_digest(team: Site, receiver: Receiver) -> None:
    """What happened to each connection since the last one; the first one is a day away."""
    team.configure(notify=receiver.notify(digest="daily", ping_url=None))
    team.join("fay")
    assert team("reconcile").status == 0
    assert receiver.messages == []

    settings = load_settings(team.config, {}, team.folder).settings

    class Tomorrow(SystemClock):
        def now(self):  # noqa: ANN202 - as its base
            return super().now() + timedelta(days=1, minutes=1)

    with open_store(settings.store.url.get_secret_value(), SystemClock()) as store:
        notices = Notices(settings.notify, store, Tomorrow())
        notices.tell_digest(["demo"])
    ((title, body),) = receiver.messages
    assert title == "jcsync: daily digest"
    assert body.startswith("demo\n")
    assert "accounts managed: 6" in body


def test_message_to_try(team: Site, receiver: Receiver) -> None:
    """``notify test`` names each address by its number and says which one took it."""
    urls = [f"json://127.0.0.1:{receiver.port}/{SECRET}", f"json://127.0.0.1:1/{SECRET}"]
    team.configure(notify={"urls": urls})

    result = team("notify", "test")

    assert result.status == 6
    assert "✓ notify.urls[0] (json)  sent" in result.out
    assert "✗ notify.urls[1] (json)" in result.out
    assert SECRET not in result.text
    assert receiver.titles == ["jcsync: a test"]
    document = team("notify", "test", "--json").document
    assert [entry["sent"] for entry in document["addresses"]] == [True, False]
    assert SECRET not in team("config", "show").out


def test_nobody_to_tell(team: Site) -> None:
    """Who tries without an address is told where one belongs."""
    result = team("notify", "test")

    assert result.status == 2
    assert "notify.urls is empty" in result.err
