"""Telling: events after a run, the digest, and the dead man's switch."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final

import structlog
from structlog.contextvars import bound_contextvars

from jcsync.errors import JcsyncError
from jcsync.model.report import RunReport
from jcsync.notices.addresses import Tone, send
from jcsync.notices.digest import digest_text, last_turn
from jcsync.notices.events import (
    STORE,
    TROUBLE,
    Notice,
    find_events,
    find_store_event,
    trouble_of,
)
from jcsync.ports import Clock, Store
from jcsync.render import counted
from jcsync.settings.models import NotifySettings
from jcsync.transport import ping

log = structlog.get_logger()

_ALL: Final = ""
_DIGEST: Final = "digest"
_TONES: Final[dict[str, Tone]] = {
    "failed": "failure",
    "recovered": "success",
    "held": "warning",
    "escrow": "warning",
}


class Notices:
    """Tells people what runs did. No method raises: a run never fails because of a notice."""

    def __init__(self, settings: NotifySettings, store: Store, clock: Clock) -> None:
        """Tell by these settings; what was told is in the store."""
        self._settings = settings
        self._urls = [url.get_secret_value() for url in settings.urls]
        self._store = store
        self._clock = clock

    def begin(self, runs: Mapping[str, str]) -> None:
        """Tell the dead man's switch that runs begin.

        Args:
            runs: The id of each, by its connection.
        """
        with _named(runs):
            self._ping("/start", "")

    def end(
        self,
        reports: Sequence[RunReport],
        names: Iterable[str] = (),
        *,
        room: int | None = None,
    ) -> None:
        """Tell what is new after runs, and the dead man's switch how they ended.

        Args:
            reports: Of the runs, which were to apply their plans.
            names: Other connections whose trouble is a failure for the dead man's switch: it is
                one for all of them.
            room: Bytes that are left on the disk of the store.
        """
        for report in reports:
            with _named({report.connection: report.run_id}):
                try:
                    self._tell_events(report)
                except JcsyncError as error:
                    log.warning("notices could not be prepared", error=str(error))
                except Exception as error:  # a front door: the run is over and went well
                    log.exception("notices failed unexpectedly", error=repr(error))
        with _named({report.connection: report.run_id for report in reports}):
            if room is not None:
                self._tell_room(room)
            self._ping_end(reports, names)

    def tell_digest(self, names: Sequence[str]) -> None:
        """Send the digest where it is due."""
        rhythm = self._settings.digest
        if rhythm is None or not self._urls:
            return
        now = self._clock.now()
        try:
            memo = self._store.memos(_ALL).get(_DIGEST)
            if memo is not None and memo.at >= last_turn(rhythm, now.astimezone()):
                return
            # First remembered, then sent: two processes do not send it twice.
            self._store.record_memo(_ALL, _DIGEST, rhythm)
            if memo is not None:
                body = digest_text(self._store, names, memo.at, now)
                self._send(f"jcsync: {rhythm} digest", body, "info")
        except JcsyncError as error:
            log.warning("the digest could not be prepared", error=str(error))

    def _tell_room(self, room: int) -> None:
        try:
            told = self._store.memos(_ALL).get(STORE)
            for notice in find_store_event(room, told):
                self._tell(_ALL, notice)
        except JcsyncError as error:
            log.warning("notices could not be prepared", error=str(error))

    def _tell_events(self, report: RunReport) -> None:
        name = report.connection
        events = find_events(
            report,
            self._store.memos(name),
            holds=self._store.holds(connection=name, open_only=True),
            escrow=self._store.escrow(name),
        )
        for notice in events:
            self._tell(name, notice)

    def _tell(self, connection: str, notice: Notice) -> None:
        """Send a notice where it is asked for, and remember that; what nobody took is told again."""
        wanted = bool(self._urls and notice.body and notice.event in self._settings.on)
        if not wanted or self._send(notice.title, notice.body, _TONES[notice.event]):
            self._store.record_memo(connection, notice.topic, notice.value)

    def _send(self, title: str, body: str, tone: Tone) -> bool:
        results = send(self._urls, title, body, tone=tone)
        for sent in results:
            if sent.error:
                log.warning("a notice was not sent", address=sent.address, error=sent.error)
        taken = [sent.address for sent in results if not sent.error]
        if taken:
            log.info("notice sent", title=title, addresses=taken)
        return bool(taken)

    def _ping_end(self, reports: Sequence[RunReport], names: Iterable[str]) -> None:
        if self._settings.ping_url is None:
            return
        troubles = {report.connection: trouble_of(report) for report in reports}
        if not any(trouble is not None for trouble in troubles.values()):
            return  # another process is at work, or this one was stopped: neither is an end
        lines = [_summary(report) for report in reports]
        failed = any(troubles.values())
        for name in names:
            if name not in troubles and (memo := self._trouble_of(name)) is not None:
                failed = True
                lines.append(f"{name}: {memo} since before")
        self._ping("/fail" if failed else "", "\n".join(lines))

    def _trouble_of(self, name: str) -> str | None:
        try:
            memo = self._store.memos(name).get(TROUBLE)
        except JcsyncError:
            return None
        return memo.value if memo else None

    def _ping(self, suffix: str, body: str) -> None:
        url = self._settings.ping_url
        if url is None:
            return
        try:
            ping(url.get_secret_value(), suffix, body)
        except JcsyncError as error:
            log.warning("notify.ping_url could not be called", error=str(error))


def _named(runs: Mapping[str, str]) -> AbstractContextManager[None]:
    """Log with the connections and the runs that it is about."""
    return bound_contextvars(connection=", ".join(runs), run_id=", ".join(runs.values()))


def _summary(report: RunReport) -> str:
    applied = sum(outcome.status == "applied" for outcome in report.outcomes)
    failed = sum(outcome.status == "failed" for outcome in report.outcomes)
    parts = [report.outcome.value, f"{counted(applied, 'change')} applied"]
    if failed:
        parts.append(f"{failed} failed")
    if report.hold is not None:
        parts.append(f"hold {report.hold} waits: jcsync approve {report.hold}")
    if report.error is not None:
        parts.append(report.error.message)
    return f"{report.connection}: {', '.join(parts)}"
