"""What a person sees on a terminal, and a script in a pipe."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Site

COLUMNS = 100
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LONG = "the.one.with.a.name.that.is.really.very.long.indeed"


def see(site: Site, *args: str, **environ: str) -> str:
    """Return all that a command shows on a terminal of 100 columns, escapes included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    usual = {n: v for n, v in os.environ.items() if not n.startswith(("JCSYNC", "COLUMNS"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "jcsync", *args, "--config", str(site.config)],
        cwd=site.folder,
        env={**usual, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environ},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    process.wait(30)
    return seen.decode("utf-8").replace("\r\n", "\n")


def plain(text: str) -> str:
    """Return a text without colours and without the progress bar, which is erased."""
    return ESCAPE.sub("", text.rpartition("\x1b[2K")[2])


def check_lines(text: str) -> None:
    """Check that no line is longer than the terminal, which would break it anywhere."""
    for line in plain(text).splitlines():
        assert len(line) <= COLUMNS, line


def test_plan_has_colours(team: Site) -> None:
    """Create, patch and deactivate are green, yellow and red."""
    team.join("fay")
    team.world.jumpcloud.state.change("ann", department="Sales")
    team.world.jumpcloud.state.suspend("bob")

    text = see(team, "plan")

    assert re.search(r"\x1b\[32m\+ create", text)
    assert re.search(r"\x1b\[33m~ patch", text)
    assert re.search(r"\x1b\[31m- deactivate", text)
    check_lines(text)


@pytest.mark.parametrize("command", ["plan", "runs"])
def test_no_colour_when_asked(team: Site, command: str) -> None:
    """``NO_COLOR`` is obeyed."""
    text = see(team, command, NO_COLOR="1")

    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", text)


def test_no_log_line_beside_the_text(team: Site) -> None:
    """An error is told once, in the report; the log is for those who ask for it."""
    team.configure(provider={"token": "wrong-token"})

    text = see(team, "reconcile")

    check_lines(text)
    assert text.count("(401)") == 1
    assert "run ended early" not in text
    assert "run_id" not in text
    assert "run ended early" in see(team, "reconcile", "--verbose")


def test_long_lines_are_broken_between_words(team: Site) -> None:
    """Errors and findings are broken between words, and indented."""
    team.configure(provider={"token": "wrong-token"})
    text = see(team, "check")
    check_lines(text)
    assert "connection" in plain(text)
    check_lines(see(team, "groups", "a-connection-that-nobody-has-configured-and-with-a-long-name"))
    team.configure(schedule={"every": "soon"}, provider={"profile": "nonsense"})
    check_lines(see(team, "plan"))


def test_held_plan_on_a_terminal(team: Site) -> None:
    """The limit, its setting and the commands are each in one piece."""
    team.world.jumpcloud.state.create_group("A group whose name is long enough to need a line")
    team.world.jumpcloud.state.remove_member(GROUP, "ann", "bob", "cid")

    text = plain(see(team, "reconcile"))

    check_lines(text)
    assert "limits.deactivate.percent" in text
    assert "jcsync approve 1" in text
    status = plain(see(team, "status"))
    check_lines(status)
    assert "jcsync holds show 1" in status


def test_progress_is_shown_and_taken_away(site: Site) -> None:
    """A bar with counts while it lasts, and nothing of it in what stays."""
    site.join(*(f"p{n:02}" for n in range(24)))
    site.world.platform.faults.add(misfortunes.delay(0.3), method="POST", count=None)

    text = see(site, "reconcile")

    assert re.search(r"\d+/24", text)
    assert "applying" in text
    assert "0/?" not in text
    assert "━" not in plain(text)


def test_document_on_a_terminal_has_no_bar(site: Site) -> None:
    """Who wants a document gets a document and nothing else."""
    site.join("ann")

    assert see(site, "plan", "--json").lstrip().startswith("{")


def test_ids_are_short_on_a_terminal(team: Site) -> None:
    """Tables fit: ids are shortened to their end, and whole with --verbose."""
    team.join(LONG)
    team("reconcile")
    person = team.world.jumpcloud.state.user(LONG).id

    text = see(team, "links")
    check_lines(text)
    assert f"…{person[-6:]}" in text
    assert person not in text
    assert person in see(team, "links", "--verbose").replace("\n", "")
    text = plain(see(team, "explain", "demo", LONG))
    check_lines(text)
    assert f"…{person[-6:]}" in text


def test_tables_in_pipes_are_one_line_a_row(team: Site) -> None:
    """A script that greps finds whole ids and names on one line, without trailing blanks."""
    team.join(LONG)
    team("reconcile")
    person = team.world.jumpcloud.state.user(LONG).id
    account = team.world.platform.account(f"{LONG}@example.com")["id"]

    (line,) = [row for row in team("links").out.splitlines() if LONG in row]
    assert person in line
    assert account in line
    for command in (("links",), ("runs",), ("changes",), ("groups", "demo"), ("holds",)):
        out = team(*command).out
        assert "\x1b" not in out
        assert not [row for row in out.splitlines() if row != row.rstrip()], command


def test_changes_read_like_a_plan(team: Site) -> None:
    """The history shows each change as the plan did, under its run, with short paths."""
    team.world.jumpcloud.state.change("ann", department="Sales")
    team("reconcile")

    text = plain(see(team, "changes"))

    check_lines(text)
    assert re.search(r"~ patch +ann@example\.com +differs from JumpCloud", text)
    assert re.search(r"department +Sales", text)
    assert "urn:ietf" not in text


def test_failed_change_in_the_history(team: Site) -> None:
    """What failed is marked, with what the platform said."""
    team.join("fay")
    team.world.platform.faults.add(misfortunes.fail(400, "no vacancy"), method="POST")
    team("reconcile")

    out = team("changes").out
    assert "✗" in out
    assert "no vacancy" in out


def test_check_says_which_sides(team: Site) -> None:
    """The first line names both hosts."""
    first = team("check").out.splitlines()[0]

    assert first.startswith("demo · JumpCloud")
    for side in (team.world.jumpcloud, team.world.platform):
        assert side.url.split("/")[2] in first


def test_times_name_their_zone(team: Site) -> None:
    """Times are those of the reader, and say of which zone they are."""
    zone = {"TZ": "Asia/Tokyo"}
    if not Path("/usr/share/zoneinfo/Asia/Tokyo").exists():
        zone = {"TZ": "JST-9"}

    assert "JST" in see(team, "runs", **zone)
