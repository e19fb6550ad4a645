"""``jcsync status``: how each connection stands, once or for as long as somebody looks."""

import pytest

from tests.scenario.site import Site
from tests.scenario.terminal import Terminal


def test_watch_shows_what_happens_until_q(team: Site) -> None:
    """The state of now, again after two seconds, and q ends it without Enter."""
    with Terminal(team.folder, "status", "--watch", "--config", str(team.config)) as terminal:
        terminal.expect("5 accounts")
        team.join("fay")
        assert team("reconcile").status == 0
        terminal.expect("6 accounts")
        terminal.press("q")

        assert terminal.end() == 0


def test_watch_ends_with_ctrl_c(team: Site) -> None:
    """Ctrl-C is the usual way to end it, and no failure."""
    with Terminal(team.folder, "status", "--watch", "--config", str(team.config)) as terminal:
        terminal.expect("5 accounts")
        terminal.interrupt()

        assert terminal.end() == 0
    assert "Traceback" not in terminal.seen
    assert "Aborted" not in terminal.seen


def test_watch_says_what_does_not_fit(team: Site) -> None:
    """Of more connections than the terminal has lines for, it shows the first and says so."""
    usual = team.world.config()["connections"]["demo"]
    team.configure(connections={f"c{number:02}": usual for number in range(40)})

    with Terminal(team.folder, "status", "--watch", "--config", str(team.config)) as terminal:
        terminal.expect("do not fit: name connections")
        terminal.press("q")

        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [((), "standard output is none"), (("--json",), "leave one of them out")],
)
def test_watch_needs_a_person(team: Site, args: tuple[str, ...], says: str) -> None:
    """In a pipe and with --json it would never end: it is refused."""
    result = team("status", "--watch", *args)

    assert result.status == 2
    assert says in result.text
