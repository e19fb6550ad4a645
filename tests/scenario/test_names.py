"""Names as people have them, and as attackers would."""

import re

import pytest

from tests.scenario.site import GROUP, Site

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PEOPLE = [
    ("ann.o'neil", "Ann", "O'Neil"),
    ("quote", 'Ann "Nan"', "Lee"),
    ("emoji", "Zoë 🚀", "👩‍👩‍👧"),
    ("arabic", "فاطمة", "الهاشمي"),
    ("japan", "由紀", "山崎"),
    ("backslash", "C:\\new", "{{ 7*7 }}"),
    ("percent", "100%s", "%(x)s"),
    ("markup", "[red]Ann[/red]", "<b>Lee</b>"),
    ("spaces", "  Ann  ", " Lee "),
]
EVIL = [
    ("escape", "\x1b[31mred\x1b[0m", "Lee"),
    ("newline", "Ann\nFAILED", "Lee"),
    ("return", "Ann\rLee", "Lee"),
    ("title", "\x1b]0;owned\x07", "Lee"),
    ("override", "\u202egnp.exe", "Lee"),
    ("c1", "\x9b31mAnn", "Lee"),
    ("nul", "a\x00b", "Lee"),
]


@pytest.mark.parametrize(("mailbox", "first", "last"), PEOPLE)
def test_names_arrive_as_they_are(site: Site, mailbox: str, first: str, last: str) -> None:
    """Whatever script, sign or markup a name has, it is stored so, and does not flap."""
    site.join(mailbox, firstname=first, lastname=last)

    assert site("reconcile").status == 0
    name = site.world.platform.account(f"{mailbox}@example.com")["name"]
    assert (name["givenName"].strip(), name["familyName"].strip()) == (first.strip(), last.strip())
    site.forget_traffic()
    assert site("reconcile", "--json").run["outcome"] == "in_sync"
    assert site.writes == []
    assert site("plan", "--user", f"{mailbox}@example.com").status == 0


@pytest.mark.parametrize(("mailbox", "first", "last"), EVIL)
def test_no_control_character_reaches_the_terminal(
    site: Site, mailbox: str, first: str, last: str
) -> None:
    """A name cannot colour, move, hide or forge a line of any output."""
    site.join(mailbox, firstname=first, lastname=last, department=first)
    state = site.world.jumpcloud.state
    state.create_group(f"Group {first}", [mailbox])
    site.configure(groups={"enabled": True}, scope={"groups": [GROUP, f"Group {first}"]})

    commands = (
        ("check",),
        ("groups", "demo"),
        ("plan", "--verbose"),
        ("reconcile", "--verbose"),
        ("explain", "demo", f"{mailbox}@example.com"),
        ("changes", "--verbose"),
        ("links",),
        ("status",),
        ("runs",),
    )
    for args in commands:
        result = site(*args)
        assert result.status in (0, 3), (args, result.text)
        assert not CONTROL.search(result.out.replace("\n", "")), (args, result.out)
        assert not CONTROL.search(result.err.replace("\n", "")), (args, result.err)
        assert not [line for line in result.out.splitlines() if line.startswith("FAILED")]


def test_group_names(site: Site) -> None:
    """Names of groups with quotes, slashes and emoji are chosen, created and kept."""
    names = ["東京オフィス", 'R&D "core" / β', "Łódź 🚀", "a,b;c", "It's"]
    for name in names:
        site.join(f"p{names.index(name)}", group=name)
    site.configure(groups={"enabled": True}, scope={"groups": names})

    assert site("reconcile").status == 0
    assert {g["displayName"] for g in site.world.platform.groups()} == set(names)
    assert site("reconcile", "--json").run["outcome"] == "in_sync"


def test_output_that_is_not_utf_8(team: Site) -> None:
    """A terminal that knows ASCII only gets every line, some signs replaced."""
    team.join("łukasz", firstname="Łukasz")
    team.environ |= {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}

    for args in (("check",), ("changes",), ("plan", "--json")):
        result = team.process(*args)
        assert result.status == 0, result.text
        assert "Traceback" not in result.err
        assert "Unicode" not in result.err


def test_case_of_an_email_does_not_flap(site: Site) -> None:
    """A platform that folds the case of names is not rewritten for ever."""
    site.join("Ann.Lee")
    assert site("reconcile").status == 0
    account = site.world.platform.account("ann.lee@example.com")
    site.world.platform.state.edit(account["id"], userName="ann.lee@example.com")

    assert site("reconcile", "--json").run["outcome"] == "in_sync"
