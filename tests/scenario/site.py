"""A site: both sides, a configuration, and the command line of the person who runs it."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema

from jcsync.cli import main
from jcsync.clock import SystemClock
from jcsync.daemon import serve
from jcsync.logs import configure_logs
from jcsync.sandbox.traffic import Recorded
from jcsync.sandbox.world import World
from jcsync.settings import load_settings
from jcsync.settings.connection import ScheduleSettings
from jcsync.store import open_store

GROUP = "Keepnet Users"
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_EVERY_SECOND = {"every": 1.0, "cron": None, "jitter": ScheduleSettings(jitter="0%").jitter}
Json = dict[str, Any]
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8")
)
REPORTS = jsonschema.Draft202012Validator(SCHEMA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that it printed."""
        return self.out + self.err

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; anything beside it is an error."""
        return json.loads(self.out)

    @property
    def run(self) -> Json:
        """The one run of a report, which follows the schema that is published."""
        document = self.document
        REPORTS.validate(document)
        (run,) = document["runs"]
        assert isinstance(run, dict)
        return run


class Site:
    """Both sides and the command line.

    Attributes:
        world: JumpCloud and the platform.
        folder: Working directory of every command.
        config: The configuration file.
        environ: Variables of every command, beside the usual ones.
    """

    def __init__(self, world: World, folder: Path) -> None:
        """Write the configuration of one connection, ``demo``."""
        self.world = world
        self.folder = folder
        self.environ: dict[str, str] = {}
        self.config = self.configure()

    # ---- both sides

    def configure(self, **overrides: object) -> Path:
        """Write the configuration anew, with these values over the usual ones."""
        return self.world.write_config(self.folder / "jcsync.yaml", **overrides)

    def join(self, *mailboxes: str, group: str = GROUP, **fields: object) -> None:
        """Hire people into a group that is created when it is not there."""
        state = self.world.jumpcloud.state
        if group not in {g.name for g in state.groups.values()}:
            state.create_group(group)
        for mailbox in mailboxes:
            state.hire(f"{mailbox}@example.com", groups=[group], **fields)

    @property
    def active(self) -> set[str]:
        """Mailboxes of the active accounts."""
        return {name.partition("@")[0] for name in self.world.platform.active_names()}

    @property
    def names(self) -> list[str]:
        """Mailboxes of all accounts, sorted; a duplicate is there twice."""
        return sorted(a["userName"].partition("@")[0] for a in self.world.platform.accounts())

    @property
    def writes(self) -> list[Recorded]:
        """Requests to either side that may change something; a token request changes nothing."""
        sides = (self.world.jumpcloud, self.world.platform)
        return [r for s in sides for r in s.faults.traffic.writes if r.path != "/oauth2/token"]

    def forget_traffic(self) -> None:
        """Count from now on."""
        self.world.jumpcloud.faults.traffic.clear()
        self.world.platform.faults.traffic.clear()

    # ---- the command line

    def __call__(self, *args: str, config: bool = True) -> Result:
        """Run a command to its end.

        In this process, because a new one costs a second; all tests start processes when
        ``SCENARIO_PROCESSES`` is set. What depends on the process calls :meth:`process`.
        """
        if os.environ.get("SCENARIO_PROCESSES"):
            return self.process(*args, config=config)
        return self.here(*args, config=config)

    def here(self, *args: str, config: bool = True) -> Result:
        """Run a command to its end in this process."""
        out, err = io.StringIO(), io.StringIO()
        with (
            self._surroundings(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            status = _status_of(self._arguments(args, config=config))
        return Result(status=status, out=out.getvalue(), err=err.getvalue())

    def json(self, *args: str) -> Any:
        """Return the JSON document of a command that succeeds."""
        result = self(*args, "--json")
        assert result.status == 0, result.text
        return result.document

    def process(
        self, *args: str, config: bool = True, send: int = 0, when: Callable[[], bool] | None = None
    ) -> Result:
        """Run a command as a process, and send it a signal as soon as something is so."""
        started = self.start(*args, config=config)
        if when is not None:
            wait_for(when)
            started.send_signal(send)
        out, err = started.communicate(timeout=60)
        return Result(status=started.returncode, out=out, err=err)

    def start(self, *args: str, config: bool = True) -> "subprocess.Popen[str]":
        """Start a command as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "jcsync", *self._arguments(args, config=config)],
            cwd=self.folder,
            env={**_clean_environ(), **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    @contextlib.contextmanager
    def daemon(self, *args: str) -> Iterator["Daemon"]:
        """Run the daemon for the length of the block."""
        running = Daemon(self.start("run", *args))
        try:
            yield running
        finally:
            running.end()

    @contextlib.contextmanager
    def short_intervals(self) -> Iterator[io.StringIO]:
        """Run the daemon in this process, every second, and give its log as it grows."""
        loaded = load_settings(self.config, {}, self.folder)
        connections = {
            name: connection.model_copy(
                update={"schedule": connection.schedule.model_copy(update=_EVERY_SECOND)}
            )
            for name, connection in loaded.settings.connections.items()
        }
        settings = loaded.settings.model_copy(update={"connections": connections})
        log = io.StringIO()
        configure_logs(level="info", style="json", stream=log)
        stop = threading.Event()
        with open_store(settings.store.url.get_secret_value(), SystemClock()) as store:
            thread = threading.Thread(
                target=serve, args=(replace(loaded, settings=settings), store, stop)
            )
            thread.start()
            try:
                yield log
            finally:
                stop.set()
                thread.join()

    def _arguments(self, args: tuple[str, ...], *, config: bool) -> list[str]:
        return [*args, "--config", str(self.config)] if config else list(args)

    @contextlib.contextmanager
    def _surroundings(self) -> Iterator[None]:
        before, environ = Path.cwd(), dict(os.environ)
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update({**_clean_environ(environ), **self.environ})
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environ)


class Daemon:
    """A daemon that runs.

    Attributes:
        err: What it logged; complete after :meth:`end`.
        status: Its exit status, after :meth:`end`.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Take over a started process."""
        self.process = process
        self.out = self.err = ""
        self.status: int | None = None
        self.seconds = 0.0

    def end(self, number: int = signal.SIGTERM) -> int:
        """Stop it and return its exit status."""
        if self.status is None:
            began = time.monotonic()
            self.process.send_signal(number)
            try:
                self.out, self.err = self.process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.out, self.err = self.process.communicate()
            self.seconds = time.monotonic() - began
            self.status = self.process.returncode
        return self.status

    @property
    def events(self) -> list[Json]:
        """The lines of its log."""
        return [json.loads(line) for line in self.err.splitlines()]


def wait_for(condition: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: It never was.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            message = "it did not come true"
            raise TimeoutError(message)
        time.sleep(0.02)  # noqa: TID251 - a test waits for another process


def _status_of(args: list[str]) -> int:
    try:
        main(args)
    except SystemExit as end:
        return int(end.code or 0)
    message = "the command line returned instead of ending"
    raise AssertionError(message)


def _clean_environ(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith("JCSYNC_") and name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")
    }


def two_connections(site: Site, *, first: Json | None = None, **second: object) -> None:
    """Configure ``second`` beside ``demo``: the same two sides, the group "Second"."""
    state = site.world.jumpcloud.state
    for name in (GROUP, "Second"):
        if name not in {g.name for g in state.groups.values()}:
            state.create_group(name)
    other = site.world.config(**{"scope": {"groups": ["Second"]}, **second})
    site.configure(**(first or {}), connections={"second": other["connections"]["demo"]})


def edit_by_hand(site: Site, who: str, **attributes: object) -> None:
    """Change an account by hand, as an administrator of the platform would."""
    account = site.world.platform.account(f"{who}@example.com")
    site.world.platform.state.edit(account["id"], **attributes)


def account_by_hand(site: Site, who: str, **attributes: object) -> str:
    """Create an active account by hand and return its id."""
    name = f"{who}@example.com"
    return site.world.platform.state.add_by_hand(
        schemas=[_USER], userName=name, active=True, **attributes
    )
