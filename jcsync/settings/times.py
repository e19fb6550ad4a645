"""Durations, jitter, cron expressions, windows and time zones, as the operator writes them.

Every function raises ``ValueError`` with a message for the operator.
"""

import re
import zoneinfo
from dataclasses import dataclass
from typing import Final

from jcsync.model.text import did_you_mean
from jcsync.settings.problems import shorten

_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(
    r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?", re.ASCII
)
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_WEEK: Final = (*_DAYS[1:], "sun")
_WINDOW = re.compile(r"(?:([a-z,-]+)\s+)?(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_MINUTES_A_DAY: Final = 24 * 60


def parse_duration(value: object) -> float:
    """Return seconds for ``90s``, ``5m``, ``6h``, ``400d``, ``2w`` or ``1h30m``."""
    text = value.strip() if isinstance(value, str) else ""
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        unit = ", a number needs its unit" if str(value).isdigit() else ""
        message = f"must be a duration such as 90s, 5m, 6h or 30d{unit}; is {shorten(value)}"
        raise ValueError(message)
    numbers = [int(part or 0) for part in found.groups()]
    return float(sum(n * unit for n, unit in zip(numbers, _UNITS.values(), strict=True)))


def render_duration(seconds: float) -> str:
    """Return the shortest form that :func:`parse_duration` reads back as the same."""
    text, rest = "", int(seconds)
    for unit in ("d", "h", "m", "s"):
        number, rest = divmod(rest, _UNITS[unit])
        text += f"{number}{unit}" if number else ""
    return text or "0s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter:
    """How far a start may be put off at random: a share of the interval, or a time.

    Attributes:
        percent: Of the interval; ``None`` when ``seconds`` is given.
        seconds: A fixed time.
    """

    percent: float | None = None
    seconds: float = 0.0

    def of(self, interval: float) -> float:
        """Return the longest delay, in seconds, for an interval in seconds."""
        return self.seconds if self.percent is None else interval * self.percent / 100

    def __str__(self) -> str:
        """As the operator writes it."""
        return render_duration(self.seconds) if self.percent is None else f"{self.percent:g}%"


def parse_jitter(value: object) -> Jitter:
    """Return the jitter of ``10%`` or ``30s``."""
    if isinstance(value, Jitter):
        return value
    if isinstance(value, str) and value.strip().endswith("%"):
        number = value.strip()[:-1].strip()
        if re.fullmatch(r"\d{1,3}(?:\.\d{1,6})?", number) and float(number) <= 100:  # noqa: PLR2004
            return Jitter(percent=float(number))
        message = f"must be from 0% to 100%, or a duration; is {shorten(value)}"
        raise ValueError(message)
    try:
        return Jitter(seconds=parse_duration(value))
    except ValueError:
        message = f"must be a share such as 10%, or a duration such as 30s; is {shorten(value)}"
        raise ValueError(message) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """The five fields of a cron expression, the days of the week by their names.

    Names, because the number 0 is Sunday for cron and Monday for APScheduler.
    """

    minute: str
    hour: str
    day: str
    month: str
    day_of_week: str


_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Days of each month, in a leap year."""


def parse_cron(text: str) -> Cron:
    """Return the fields of ``minute hour day month weekday``.

    Numbers, ``*``, lists, ranges, steps, and the names of months and weekdays are allowed.
    """
    fields = text.lower().split()
    if len(fields) != 5:  # noqa: PLR2004 # said in the message
        message = (
            "must have five fields, minute hour day month weekday, "
            f'such as "*/5 * * * *"; has {len(fields)}'
        )
        raise ValueError(message)
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        message = "name days of the month or days of the week, not both"
        raise ValueError(message)
    _cron_numbers("minute", minute, 0, 59)
    _cron_numbers("hour", hour, 0, 23)
    dates = _cron_numbers("day", day, 1, 31)
    months = _cron_numbers("month", month, 1, 12, names=_MONTHS)
    if dates and months and min(dates) > max(_LONGEST[number - 1] for number in months):
        message = f"no such day: {shorten(text)} would never start anything"
        raise ValueError(message)
    if months:
        month = ",".join(map(str, sorted(months)))
    days = {number % 7 for number in _cron_numbers("weekday", weekday, 0, 7, names=_DAYS)}
    names = ",".join(name for name in _WEEK if _DAYS.index(name) in days)
    return Cron(minute=minute, hour=hour, day=day, month=month, day_of_week=names or "*")


def _cron_numbers(
    field: str, text: str, low: int, high: int, *, names: tuple[str, ...] = ()
) -> set[int]:
    """Return the numbers that a field selects, none for ``*``; raise for a wrong field."""
    if text == "*":
        return set()
    chosen: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"(\*|[0-9a-z]+)(?:-([0-9a-z]+))?(?:/(\d{1,2}))?", part)
        if found is None or (found[1] == "*" and found[2]) or found[3] in {"0", "00"}:
            message = f"{field}: {shorten(part)} is not a number, range, list or step"
            raise ValueError(message)
        first = low if found[1] == "*" else _cron_number(field, found[1], low, high, names)
        last = high if found[1] == "*" or found[3] else first
        last = _cron_number(field, found[2], low, high, names) if found[2] else last
        if names == _DAYS and last < first and last == 0:
            last = 7
        if last < first:
            message = f"{field}: {shorten(part)} runs backwards"
            raise ValueError(message)
        chosen.update(range(first, last + 1, int(found[3] or 1)))
    return chosen


def _cron_number(field: str, text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + low
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    allowed = f"{low} to {high}" + (f" or {names[0]} to {names[-1]}" if names else "")
    message = f"{field}: must be {allowed}; is {shorten(text)}"
    raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When runs may start.

    Attributes:
        days: Days of the week on which it opens, Monday is 0.
        start: Minutes after midnight.
        end: Minutes after midnight, not included; smaller than ``start`` past midnight.
    """

    days: frozenset[int]
    start: int
    end: int

    def contains(self, day: int, minute: int) -> bool:
        """Whether it is open at a minute after midnight of a day of the week."""
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        yesterday = (day - 1) % 7
        return (day in self.days and minute >= self.start) or (
            yesterday in self.days and minute < self.end
        )


def parse_window(text: str) -> Window:
    """Return the window of ``mon-fri 07:00-19:00``, ``mon,wed 22:00-06:00`` or ``08:00-18:00``."""
    found = _WINDOW.fullmatch(text.strip().lower())
    days = _window_days(found[1] or "mon-sun") if found else None
    if found is None or days is None:
        message = (
            'must be days and hours such as "mon-fri 07:00-19:00", "sat,sun 22:00-06:00" or '
            f'"08:00-18:00"; is {shorten(text)}'
        )
        raise ValueError(message)
    start, end = (int(found[n]) * 60 + int(found[n + 1]) for n in (2, 4))
    minutes_wrong = int(found[3]) > 59 or int(found[5]) > 59  # noqa: PLR2004 # of an hour
    if minutes_wrong or start == end or start >= _MINUTES_A_DAY or end > _MINUTES_A_DAY:
        message = (
            "the hours must lie between 00:00 and 24:00, and begin and end must differ; is "
            f"{shorten(text)}"
        )
        raise ValueError(message)
    return Window(days=days, start=start, end=end or _MINUTES_A_DAY)


def _window_days(text: str) -> frozenset[int] | None:
    """Return the days of ``mon,wed-fri``, Monday is 0; ``None`` when it names no days."""
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in _WEEK or (last or first) not in _WEEK or part.endswith("-"):
            return None
        begin = _WEEK.index(first)
        span = (_WEEK.index(last or first) - begin) % 7
        days |= {(begin + n) % 7 for n in range(span + 1)}
    return frozenset(days)


def cron_meets_window(cron: str, window: str) -> bool:
    """Whether any start of a cron expression lies in a window."""
    fields, opened = cron.lower().split(), parse_window(window)
    minutes = _cron_numbers("minute", fields[0], 0, 59) or set(range(60))
    hours = _cron_numbers("hour", fields[1], 0, 23) or set(range(24))
    numbers = _cron_numbers("weekday", fields[4], 0, 7, names=_DAYS) or set(range(7))
    return any(
        opened.contains((number - 1) % 7, hour * 60 + minute)
        for number in numbers
        for hour in hours
        for minute in minutes
    )


def check_timezone(name: str) -> str:
    """Return the name of a time zone of the IANA data base."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, [zone for zone in zoneinfo.available_timezones() if "/" in zone])
        message = f"must be a time zone such as UTC or Europe/Berlin{hint}; is {shorten(name)}"
        raise ValueError(message) from None
    return name
