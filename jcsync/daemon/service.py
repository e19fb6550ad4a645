"""The life of the process: settings, schedule, probes, service manager, end."""

import os
import threading
from collections.abc import Callable
from time import monotonic

import structlog

from jcsync.clock import SystemClock
from jcsync.daemon.http import serve_http
from jcsync.daemon.jobs import Jobs
from jcsync.daemon.lag import lag_s
from jcsync.daemon.metrics import Metrics
from jcsync.daemon.reload import Reloading
from jcsync.daemon.schedule import late_after
from jcsync.daemon.systemd import Systemd
from jcsync.errors import SettingsError, StoreError
from jcsync.notices import check_addresses
from jcsync.settings import Loaded
from jcsync.store import SqlStore
from jcsync.wiring import chosen_names

log = structlog.get_logger()

_BEAT_S = 2
_SILENCE_S = 30
_LEAP_S = 5
_INIT = 1


def serve(
    loaded: Loaded,
    store: SqlStore,
    stop: threading.Event,
    *,
    load: Callable[[], Loaded] | None = None,
    asked: threading.Event | None = None,
) -> None:
    """Run every enabled connection by its schedule until ``stop`` is set.

    Then no run begins, and those under way end after the calls that they are making.

    Args:
        loaded: The settings to begin with.
        store: Open.
        stop: Set to end.
        load: Reads the settings anew, when a file of theirs changes or ``asked`` is set.
        asked: Set to have the settings read anew.

    Raises:
        SettingsError: No connection is enabled, or the address of ``http.bind`` cannot be
            listened at.
    """
    check_anything_to_do(loaded)
    reloading = Reloading(loaded, load, SystemClock().now)
    service = _Service(reloading, store, stop, asked or threading.Event())
    http = loaded.settings.http
    if not http.enabled:
        service.work()
        return
    with serve_http(
        http.address, healthy=service.healthy, ready=service.ready, metrics=service.render
    ) as (host, port):
        log.info("listening", address=f"{host}:{port}")
        service.work()


def check_anything_to_do(loaded: Loaded) -> None:
    """Do nothing where a connection is enabled, and everybody who is to be told can be.

    Raises:
        SettingsError: No connection is enabled, or Apprise does not know an address.
    """
    if not chosen_names(loaded, ()):
        message = (
            "no connection is enabled, so there is nothing to run; set connections.NAME.enabled"
        )
        raise SettingsError(message)
    urls = [url.get_secret_value() for url in loaded.settings.notify.urls]
    if urls and (problems := check_addresses(urls)):
        raise SettingsError("; ".join(problems))


class _Service:
    """What the main thread does every two seconds, and what the probes tell."""

    def __init__(
        self,
        reloading: Reloading,
        store: SqlStore,
        stop: threading.Event,
        asked: threading.Event,
    ) -> None:
        self._reloading = reloading
        self._store = store
        self._stop = stop
        self._asked = asked
        self._clock = SystemClock()
        self._started = self._clock.now()
        self._metrics = Metrics()
        self._metrics.observe_settings(reloading)
        self._systemd = Systemd()
        self._jobs = Jobs(reloading.loaded, store, stop, metrics=self._metrics, clock=self._clock)
        self._beats = {"main thread": monotonic(), "schedule": monotonic()}
        self._leap = self._clock.now().timestamp() - monotonic()

    def work(self) -> None:
        jobs = self._jobs
        jobs.scheduler.add_job(self._feel_schedule, "interval", seconds=_BEAT_S, executor="upkeep")
        jobs.start()
        log.info("started", connections=list(jobs.names))
        self._systemd.ready(self._summary())
        try:
            while not self._stop.wait(_BEAT_S):
                self._beat()
        finally:
            log.info("stopping")
            self._systemd.stopping()
            jobs.end()
            log.info("stopped")

    def healthy(self) -> tuple[bool, str]:
        """The main thread and the schedule beat."""
        now = monotonic()
        for what, last in self._beats.items():
            if now - last > _SILENCE_S:
                return False, f"the {what} has been silent for {now - last:.0f} s"
        return True, "ok"

    def ready(self) -> tuple[bool, str]:
        """The store answers, and no connection is past three starts without success."""
        try:
            late = [name for name in self._jobs.names if self._is_late(name)]
        except StoreError as error:
            return False, str(error)
        if late:
            return False, f"no success for more than three intervals: {', '.join(late)}"
        if self._reloading.problem:
            return True, (
                "ok, with the settings from before: the new ones are wrong, see the log or "
                "jcsync config validate"
            )
        return True, "ok"

    def render(self) -> bytes:
        """The metrics of now."""
        for name in self._jobs.names:
            try:
                lag = self._lag_s(name)
            except StoreError:
                lag = None
            self._metrics.observe_lag(name, lag)
        return self._metrics.render()

    def _lag_s(self, name: str) -> float | None:
        settings = self._reloading.loaded.settings.connections.get(name)
        if settings is None:
            return None
        record = self._store.connection(name)
        return lag_s(
            record,
            self._store.holds(connection=name, open_only=True),
            self._store.escrow(name),
            settings.schedule,
            since=record.last_success or self._started,
            now=self._clock.now(),
        )

    def _beat(self) -> None:
        self._beats["main thread"] = monotonic()
        self._watch_the_clock()
        self._reload()
        if self.healthy()[0]:
            self._systemd.alive()
        if os.getpid() == _INIT:
            _reap()

    def _feel_schedule(self) -> None:
        self._beats["schedule"] = monotonic()

    def _watch_the_clock(self) -> None:
        """After sleep the schedule is behind the time; after the clock was put back, ahead of it."""
        leap = self._clock.now().timestamp() - monotonic()
        moved, self._leap = leap - self._leap, leap
        if abs(moved) < _LEAP_S:
            return
        log.info("the clock moved or the system slept", seconds=round(moved))
        if moved > 0:
            self._jobs.scheduler.wakeup()
        else:
            self._jobs.begin_anew()

    def _reload(self) -> None:
        asked = self._asked.is_set()
        self._asked.clear()
        if asked:
            self._systemd.reloading()
        was = self._reloading.loaded.settings
        loaded = self._reloading.poll(asked=asked)
        if loaded is not None:
            self._jobs.adopt(loaded)
            log.info("settings reloaded", connections=list(self._jobs.names))
            now = loaded.settings
            for setting, moved in (
                ("http", was.http != now.http),
                ("store.url", was.store.url != now.store.url),
            ):
                if moved:
                    log.warning("takes effect at the next start only", setting=setting)
        self._metrics.observe_settings(self._reloading)
        if asked:
            self._systemd.ready(self._summary())

    def _summary(self) -> str:
        problem = "; the new settings are wrong, see the log" if self._reloading.problem else ""
        return f"connections: {', '.join(self._jobs.names)}{problem}"

    def _is_late(self, name: str) -> bool:
        settings = self._reloading.loaded.settings.connections.get(name)
        record = self._store.connection(name)
        if record.paused or settings is None:
            return False
        since = max(self._started, record.last_success or self._started)
        end = late_after(settings.schedule, since)
        return end is not None and self._clock.now() > end


def _reap() -> None:
    """As process 1, take note of the end of processes that nobody else waits for."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
