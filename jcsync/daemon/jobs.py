"""A job for each connection: when it runs, with which settings, and what follows from how it ended."""

import gc
import logging
import threading
from datetime import datetime

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from structlog.contextvars import bound_contextvars

from jcsync.daemon.backoff import Backoff
from jcsync.daemon.metrics import Metrics
from jcsync.daemon.schedule import build_trigger, first_start, is_due, shortest_interval_s
from jcsync.errors import JcsyncError, SettingsError
from jcsync.model.history import NEXT_RUN
from jcsync.model.report import ErrorKind, RunError, RunOutcome, RunReport
from jcsync.pipeline import Order, new_run_id, run
from jcsync.ports import Clock
from jcsync.settings import Connection, Loaded
from jcsync.store import SqlStore
from jcsync.threads import Pool
from jcsync.wiring import build_notices, chosen_names, wired

log = structlog.get_logger()

_RUNS_AT_ONCE = 16
_DIGEST_MIN = 10
_PASSING = frozenset({ErrorKind.LEASE, ErrorKind.STOPPED})


class Jobs:
    """The connections that run by their schedules; whatever one does, the others go on."""

    def __init__(
        self,
        loaded: Loaded,
        store: SqlStore,
        stop: threading.Event,
        *,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        """Prepare; nothing runs yet."""
        self.names = chosen_names(loaded, ())
        self.scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={
                "default": ThreadPoolExecutor(_RUNS_AT_ONCE),
                # Of its own, so that runs that hang do not keep it waiting.
                "upkeep": ThreadPoolExecutor(1),
            },
            # A start that comes late still counts, and several of them are one.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self.scheduler.add_listener(self._tell_left_out, EVENT_JOB_MAX_INSTANCES)
        # It would tell the same once more, with the addresses of objects.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        self._loaded = loaded
        self._store = store
        self._stop = stop
        self._metrics = metrics
        self._clock = clock
        self._backoff = Backoff(clock.now)
        self._running: set[str] = set()
        # The settings with which each connection has looked at everybody since the daemon began.
        self._looked: dict[str, Connection] = {}
        # One thread, so that notices keep their order; and no run waits for one.
        self._telling = Pool(1, thread_name_prefix="notices")

    def start(self) -> None:
        """Begin; every connection whose window is open runs at once."""
        # What is imported stays: no collection after a run looks through it again.
        gc.freeze()
        for name in self.names:
            self._add(name)
        self.scheduler.add_job(
            self._tell_digest, "interval", minutes=_DIGEST_MIN, executor="upkeep"
        )
        self.scheduler.start()

    def end(self) -> None:
        """Begin no more runs, and wait for those under way and for their notices."""
        self.scheduler.shutdown(wait=True)
        self._telling.shutdown(wait=True)
        for name in self.names:
            self._record_next(name)

    def adopt(self, loaded: Loaded) -> None:
        """Go on with new settings: a connection that changed runs at once, one that is gone no more.

        A run under way ends with the settings that it began with.
        """
        before, self._loaded = self._loaded, loaded
        names = self.names
        self.names = chosen_names(loaded, ())
        for name in names:
            if name not in self.names:
                self.scheduler.remove_job(name)
                self._metrics.forget(name)
        for name in self.names:
            settings = loaded.settings.connections[name]
            if name in names and settings == before.settings.connections[name]:
                continue
            if name in self._running:
                # Its thread sees to the next run: a start beside it would be left out.
                self.scheduler.reschedule_job(name, trigger=build_trigger(settings.schedule))
            else:
                self._backoff.forgive(name)
                self._add(name)

    def next_run(self, name: str) -> datetime | None:
        """When a connection runs next, as far as its schedule decides."""
        job = self.scheduler.get_job(name)
        return job.next_run_time if job else None

    def begin_anew(self) -> None:
        """Schedule everything from now: the clock was put back."""
        self._backoff = Backoff(self._clock.now)
        for name in self.names:
            self._add(name)

    def _add(self, name: str) -> None:
        schedule = self._loaded.settings.connections[name].schedule
        self.scheduler.add_job(
            self.turn,
            build_trigger(schedule),
            args=(name,),
            id=name,
            replace_existing=True,
            next_run_time=first_start(schedule, self._clock.now()),
        )

    def _tell_left_out(self, event: JobSubmissionEvent) -> None:
        if event.job_id in self.names:
            log.warning(
                "the run before still runs, this start is left out; make schedule.every longer "
                "where that happens often",
                connection=event.job_id,
            )

    def turn(self, name: str) -> None:
        """Run one connection, where it may; once more where its settings changed meanwhile."""
        self._running.add(name)
        try:
            used = None
            while not self._stop.is_set():
                loaded = self._loaded
                settings = loaded.settings.connections.get(name)
                if settings is None or not settings.enabled or settings == used:
                    return
                if used is not None:
                    self._backoff.forgive(name)
                used = settings
                self._run(loaded, name, settings)
        finally:
            self._running.discard(name)
            self._record_next(name)
            # By itself Python would wait for millions of objects. Beside another run it would look
            # through all that that one holds.
            if not self._running:
                gc.collect()

    def _record_next(self, name: str) -> None:
        """Remember for ``status`` when a connection runs next; nothing once the daemon ends."""
        start = None if self._stop.is_set() else self.next_run(name)
        try:
            self._store.record_memo(name, NEXT_RUN, start.isoformat() if start else None)
        except JcsyncError as error:
            log.warning("the next run could not be recorded", connection=name, error=str(error))

    def _run(self, loaded: Loaded, name: str, settings: Connection) -> None:
        interval = shortest_interval_s(settings.schedule, self._clock.now())
        if self._backoff.is_waiting(name, interval):
            return
        if not is_due(settings.schedule, self._clock.now()):
            log.info("too late for its window", connection=name, window=settings.schedule.window)
            return
        try:
            if self._store.connection(name).paused:
                log.info("paused", connection=name)
                return
            # The first run looks at everybody: nobody knows what was done since the last one, and
            # new credentials have to be tried on both sides.
            fast = self._looked.get(name) == settings
            run_id = new_run_id(self._clock.now())
            order = Order(apply=True, trigger="schedule", fast=fast, run_id=run_id)
            notices = build_notices(loaded, self._store)
            self._telling.submit(notices.begin, {name: run_id})
            with bound_contextvars(connection=name, run_id=run_id):
                report = self._report(loaded, name, order)
                if report.mode == "full" and report.succeeded:
                    self._looked[name] = settings
                self._telling.submit(
                    notices.end, [report], chosen_names(loaded, ()), room=self._store.room()
                )
                self._weigh(name, report, interval)
        except JcsyncError as error:
            log.error("run failed", connection=name, error=str(error))  # noqa: TRY400 - no fault of ours
            self._back_off(name, interval)

    def _report(self, loaded: Loaded, name: str, order: Order) -> RunReport:
        """One run; one that could not even begin is a failed one."""
        started = self._clock.now()
        try:
            with wired(loaded, name, self._store, read_only=False, stop=self._stop) as connection:
                report = run(connection, order)
                holds = len(self._store.holds(connection=name, open_only=True))
                managed = self._store.connection(name).managed
                escrow = len(self._store.escrow(name))
                self._metrics.observe(
                    report, connection, holds=holds, managed=managed, escrow=escrow
                )
                return report
        except JcsyncError as error:
            log.error("run failed", error=str(error))  # noqa: TRY400 - no fault of ours
            kind = ErrorKind.SETTINGS if isinstance(error, SettingsError) else ErrorKind.UNEXPECTED
            reason = str(error)
        except Exception as error:  # a front door: the other connections go on
            log.exception("run failed unexpectedly", error=repr(error))
            kind, reason = ErrorKind.UNEXPECTED, repr(error)
        return RunReport(
            run_id=order.run_id,
            connection=name,
            mode="full",
            outcome=RunOutcome.FAILED,
            started_at=started,
            finished_at=self._clock.now(),
            error=RunError(kind=kind, message=reason),
        )

    def _tell_digest(self) -> None:
        build_notices(self._loaded, self._store).tell_digest(self.names)

    def _weigh(self, name: str, report: RunReport, interval: float) -> None:
        """Leave a connection that failed as a whole alone for a while, longer each time."""
        if report.outcome is not RunOutcome.FAILED:
            failures = self._backoff.succeed(name)
            if failures:
                log.info("recovered", connection=name, failures=failures)
        elif report.error is None or report.error.kind not in _PASSING:
            self._back_off(name, interval)

    def _back_off(self, name: str, interval: float) -> None:
        failures, delay = self._backoff.fail(name, interval)
        log.warning("backing off", connection=name, failures=failures, next_try_s=round(delay))
