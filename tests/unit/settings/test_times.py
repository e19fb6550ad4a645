"""Durations, jitter, cron, windows and time zones."""

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given
from hypothesis import strategies as st

from jcsync.settings.times import (
    Cron,
    Jitter,
    Window,
    check_timezone,
    parse_cron,
    parse_duration,
    parse_jitter,
    parse_window,
    render_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("6h", 21_600),
        ("400d", 34_560_000),
        ("2w", 1_209_600),
        ("1h30m", 5400),
        ("1w2d3h4m5s", 788_645),
        (" 10s ", 10),
        ("0s", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value", ["", "5", "5 m", "m", "1.5h", "-5m", "5m1h", "5M", "٣m", None, 5, True, []]
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be a duration such as 90s, 5m"):
        parse_duration(value)


def test_a_bare_number_is_told_to_need_a_unit() -> None:
    with pytest.raises(ValueError, match="a number needs its unit; is 300"):
        parse_duration(300)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_rendered_duration_reads_back_the_same(seconds: int) -> None:
    """What ``config show`` prints can be put into the file."""
    assert parse_duration(render_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("value", "expected", "delay"),
    [
        ("10%", Jitter(percent=10), 30),
        ("0%", Jitter(percent=0), 0),
        ("2.5 %", Jitter(percent=2.5), 7.5),
        ("45s", Jitter(seconds=45), 45),
        (Jitter(seconds=1), Jitter(seconds=1), 1),
    ],
)
def test_jitter(value: object, expected: Jitter, delay: float) -> None:
    jitter = parse_jitter(value)

    assert jitter == expected
    assert jitter.of(300) == delay
    assert parse_jitter(str(jitter)) == jitter


@pytest.mark.parametrize("value", ["101%", "-1%", "%", "ten", 10, None])
def test_wrong_jitter(value: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_jitter(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/5 * * * *", Cron(minute="*/5", hour="*", day="*", month="*", day_of_week="*")),
        (
            "0 7-19 1,15 jan-mar *",
            Cron(minute="0", hour="7-19", day="1,15", month="1,2,3", day_of_week="*"),
        ),
        ("0 0 * * 0", Cron(minute="0", hour="0", day="*", month="*", day_of_week="sun")),
        ("0 0 * * 7", Cron(minute="0", hour="0", day="*", month="*", day_of_week="sun")),
        (
            "0 0 * * 1-5",
            Cron(minute="0", hour="0", day="*", month="*", day_of_week="mon,tue,wed,thu,fri"),
        ),
        (
            "0 0 * * FRI-SUN",
            Cron(minute="0", hour="0", day="*", month="*", day_of_week="fri,sat,sun"),
        ),
        (
            "5/20 0 * * */3",
            Cron(minute="5/20", hour="0", day="*", month="*", day_of_week="wed,sat,sun"),
        ),
    ],
)
def test_cron(text: str, expected: Cron) -> None:
    """Weekdays become names: the number 0 is Sunday for cron and Monday for APScheduler."""
    assert parse_cron(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("* * * *", "five fields.*has 4"),
        ("@hourly", "five fields.*has 1"),
        ("60 * * * *", "minute: must be 0 to 59; is 60"),
        ("* 24 * * *", "hour: must be 0 to 23"),
        ("* * 0 * *", "day: must be 1 to 31"),
        ("* * * 13 *", "month: must be 1 to 12 or jan to dec"),
        ("* * * * 8", "weekday: must be 0 to 7 or sun to sat"),
        ("*/0 * * * *", r"minute: \*/0 is not"),
        ("1- * * * *", "minute: 1- is not"),
        ("*-5 * * * *", r"minute: \*-5 is not"),
        ("5-1 * * * *", "minute: 5-1 runs backwards"),
        ("a * * * *", "minute: must be 0 to 59; is a"),
        ("0 0 1 * mon", "not both"),
    ],
)
def test_wrong_cron(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_cron(text)


_NUMBER = st.integers(0, 59).map(str)
_FIELD = st.one_of(
    st.just("*"),
    _NUMBER,
    st.tuples(_NUMBER, _NUMBER).map("-".join),
    st.lists(_NUMBER, min_size=1, max_size=3).map(",".join),
    st.sampled_from(["*/2", "*/15", "1-5/2", "mon-fri", "jan", "sun", "3/4"]),
)


@given(st.tuples(_FIELD, _FIELD, _FIELD, _FIELD, _FIELD))
def test_what_is_accepted_is_accepted_by_the_scheduler(fields: tuple[str, ...]) -> None:
    """An expression that passes the check never fails when the daemon starts."""
    try:
        cron = parse_cron(" ".join(fields))
    except ValueError:
        return
    CronTrigger(
        minute=cron.minute,
        hour=cron.hour,
        day=cron.day,
        month=cron.month,
        day_of_week=cron.day_of_week,
        timezone="UTC",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mon-fri 07:00-19:00", Window(days=frozenset(range(5)), start=420, end=1140)),
        ("Sat 22:00-06:00", Window(days=frozenset({5}), start=1320, end=360)),
        ("sat-mon 00:00-24:00", Window(days=frozenset({5, 6, 0}), start=0, end=1440)),
        ("sat-mon 08:00-00:00", Window(days=frozenset({5, 6, 0}), start=480, end=1440)),
        ("mon,wed-thu 08:00-09:00", Window(days=frozenset({0, 2, 3}), start=480, end=540)),
        ("08:00-09:00", Window(days=frozenset(range(7)), start=480, end=540)),
    ],
)
def test_windows(text: str, expected: Window) -> None:
    assert parse_window(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "daily",
        "mon-fri",
        "mon-xyz 07:00-19:00",
        "mon- 07:00-19:00",
        "-mon 07:00-19:00",
        "mon,,tue 07:00-19:00",
        "mon-tue-wed 07:00-19:00",
        "mon 07:60-19:00",
        "mon 24:00-25:00",
        "mon 7-19",
        "mon 07:00-07:00",
    ],
)
def test_wrong_windows(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_window(text)


@pytest.mark.parametrize(
    ("window", "day", "time", "expected"),
    [
        ("mon-fri 07:00-19:00", 0, 420, True),
        ("mon-fri 07:00-19:00", 0, 419, False),
        ("mon-fri 07:00-19:00", 4, 1139, True),
        ("mon-fri 07:00-19:00", 4, 1140, False),
        ("mon-fri 07:00-19:00", 5, 600, False),
        ("fri 22:00-06:00", 4, 1320, True),
        ("fri 22:00-06:00", 5, 359, True),
        ("fri 22:00-06:00", 5, 360, False),
        ("fri 22:00-06:00", 4, 100, False),
        ("sun 22:00-06:00", 0, 100, True),
    ],
)
def test_open_hours(window: str, day: int, time: int, *, expected: bool) -> None:
    """The end is not included, and a night belongs to the day on which it begins."""
    assert parse_window(window).contains(day, time) is expected


def test_time_zones() -> None:
    assert check_timezone("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(ValueError, match='did you mean "Europe/Berlin"'):
        check_timezone("Europe/Belrin")


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "Europe", "/etc/localtime", "x\x00y"])
def test_wrong_time_zones(name: str) -> None:
    with pytest.raises(ValueError, match="must be a time zone"):
        check_timezone(name)
