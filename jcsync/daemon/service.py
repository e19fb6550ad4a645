"""The jobs, and the life of the process."""

import threading
from datetime import datetime, timedelta
from time import monotonic

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from jcsync.clock import SystemClock
from jcsync.daemon.backoff import Backoff
from jcsync.daemon.http import serve_http
from jcsync.daemon.metrics import Metrics
from jcsync.daemon.schedule import build_trigger, interval_s
from jcsync.errors import JcsyncError, SettingsError, StoreError
from jcsync.model.report import ErrorKind, RunOutcome, RunReport
from jcsync.pipeline import Order, run
from jcsync.settings import Loaded
from jcsync.store import SqlStore
from jcsync.wiring import chosen_names, wired

log = structlog.get_logger()

_BEAT_S = 5
_INTERVALS_TO_READY = 3
_PRUNE_EVERY = timedelta(days=1)
_PASSING = frozenset({ErrorKind.LEASE, ErrorKind.STOPPED})


def serve(loaded: Loaded, store: SqlStore, stop: threading.Event) -> None:
    """Run every enabled connection by its schedule until ``stop`` is set.

    Then no run begins, and those under way end after the calls that they are making.

    Raises:
        SettingsError: No connection is enabled, or the address of ``http.bind`` cannot be
            listened at.
    """
    if not chosen_names(loaded, ()):
        message = (
            "no connection is enabled, so there is nothing to run; set connections.NAME.enabled"
        )
        raise SettingsError(message)
    service = _Service(loaded, store, stop)
    http = loaded.settings.http
    if not http.enabled:
        service.work()
        return
    with serve_http(
        http.address, healthy=service.healthy, ready=service.ready, metrics=service.metrics.render
    ) as (host, port):
        log.info("listening", address=f"{host}:{port}")
        service.work()


class _Service:
    """What the jobs and the probes share."""

    def __init__(self, loaded: Loaded, store: SqlStore, stop: threading.Event) -> None:
        self.metrics = Metrics()
        self._loaded = loaded
        self._store = store
        self._stop = stop
        self._clock = SystemClock()
        self._backoff = Backoff(self._clock.now)
        self._started = self._clock.now()
        self._beat = monotonic()
        self._names = chosen_names(loaded, ())
        self._intervals = {
            name: interval_s(loaded.settings.connections[name].schedule, self._started)
            for name in self._names
        }

    def work(self) -> None:
        scheduler = BackgroundScheduler(timezone="UTC")
        for name in self._names:
            scheduler.add_job(
                self._run,
                build_trigger(self._loaded.settings.connections[name].schedule),
                args=(name,),
                id=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
                next_run_time=self._clock.now(),
            )
        scheduler.add_job(
            self._prune, "interval", seconds=_PRUNE_EVERY.total_seconds(), misfire_grace_time=None
        )
        scheduler.start()
        log.info("started", connections=list(self._names))
        try:
            while not self._stop.wait(_BEAT_S):
                self._beat = monotonic()
        finally:
            log.info("stopping")
            scheduler.shutdown(wait=True)
            log.info("stopped")

    def healthy(self) -> tuple[bool, str]:
        """The main thread beats."""
        silent = monotonic() - self._beat
        if silent > 3 * _BEAT_S:
            return False, f"the main thread has been silent for {silent:.0f} s"
        return True, "ok"

    def ready(self) -> tuple[bool, str]:
        """The store answers, and no connection is past three intervals without success."""
        try:
            late = [name for name in self._names if self._is_late(name)]
        except StoreError as error:
            return False, str(error)
        if late:
            return False, f"no success for more than three intervals: {', '.join(late)}"
        return True, "ok"

    def _is_late(self, name: str) -> bool:
        record = self._store.connection(name)
        if record.paused:
            return False
        since: datetime = max(self._started, record.last_success or self._started)
        patience = _INTERVALS_TO_READY * self._intervals[name]
        return (self._clock.now() - since).total_seconds() > patience

    def _run(self, name: str) -> None:
        """One run of one connection; whatever happens, the others go on."""
        if self._stop.is_set() or self._backoff.is_waiting(name, self._intervals[name]):
            return
        try:
            if self._store.connection(name).paused:
                log.info("paused", connection=name)
                return
            order = Order(apply=True, trigger="schedule")
            with wired(
                self._loaded, name, self._store, read_only=False, stop=self._stop
            ) as connection:
                report = run(connection, order)
                holds = len(self._store.holds(connection=name, open_only=True))
                managed = self._store.connection(name).managed
                escrow = len(self._store.escrow(name))
                self.metrics.observe(
                    report, connection, holds=holds, managed=managed, escrow=escrow
                )
            self._weigh(name, report)
        except JcsyncError as error:
            log.error("run failed", connection=name, error=str(error))  # noqa: TRY400 - no fault of ours
            self._back_off(name)
        except Exception as error:  # a front door: the other connections go on
            log.exception("run failed unexpectedly", connection=name, error=repr(error))
            self._back_off(name)

    def _weigh(self, name: str, report: RunReport) -> None:
        """Leave a connection that failed as a whole alone for a while, longer each time."""
        if report.outcome is not RunOutcome.FAILED:
            failures = self._backoff.succeed(name)
            if failures:
                log.info("recovered", connection=name, failures=failures)
        elif report.error is None or report.error.kind not in _PASSING:
            self._back_off(name)

    def _back_off(self, name: str) -> None:
        failures, delay = self._backoff.fail(name, self._intervals[name])
        log.warning("backing off", connection=name, failures=failures, next_try_s=round(delay))

    def _prune(self) -> None:
        keep = timedelta(seconds=self._loaded.settings.store.keep_history)
        try:
            removed = self._store.prune(before=self._clock.now() - keep)
        except StoreError as error:
            log.error("history could not be pruned", error=str(error))  # noqa: TRY400 - no fault of ours
        else:
            log.info("history pruned", runs=removed)
