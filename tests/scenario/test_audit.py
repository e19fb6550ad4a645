"""``audit export``: the whole history for other programs, and how long it is kept."""

import csv
import io
import json
from datetime import timedelta

import pytest

from jcsync.clock import SystemClock
from jcsync.settings import load_settings
from jcsync.store import open_store
from tests.scenario.site import GROUP, Site


@pytest.fixture
def history(team: Site) -> Site:
    """Five people created, ann moved, bob suspended; all asked for by alice."""
    team.environ["SUDO_USER"] = "alice"
    team.world.jumpcloud.state.change("ann", department="=HYPERLINK(1)", lastname="Łuç\u2028")
    assert team("reconcile").status == 0
    team.world.jumpcloud.state.suspend("bob")
    assert team("reconcile").status == 0
    return team


def test_json_lines(history: Site) -> None:
    """Who, what, before and after, why, in which run and request, and what became of it."""
    result = history("audit", "export", "--format", "jsonl")

    assert result.status == 0, result.text
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert [line["action"] for line in lines] == ["create"] * 5 + ["patch", "deactivate"]
    assert lines == history.json("audit", "export")["changes"]
    bob = lines[-1]
    account = history.world.platform.account("bob@example.com")
    assert bob["name"] == "bob@example.com"
    assert bob["actor"].startswith("alice@")
    assert bob["request"] == f"PATCH /Users/{account['id']}"
    assert "suspended" in bob["reason"]
    assert bob["status"] == "applied"
    assert bob["attributes"] == [{"path": "active", "before": True, "after": False}]
    assert lines[0]["request"] == "POST /Users"
    assert {line["run_id"] for line in lines} == {r["run_id"] for r in history.json("runs")["runs"]}


def test_table(history: Site) -> None:
    """One row an attribute; nothing that a spreadsheet would carry out."""
    result = history("audit", "export", "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(result.out)))
    (patched,) = [r for r in rows if r["action"] == "patch" and "department" in r["attribute"]]
    assert patched["after"] == "'=HYPERLINK(1)"
    assert (patched["before"], patched["name"]) == ("", "ann@example.com")
    bob = rows[-1]
    assert (bob["attribute"], bob["before"], bob["after"]) == ("active", "true", "false")
    assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@"))]


def test_filters(history: Site) -> None:
    """By person, time, run and connection; a mistyped connection is refused."""

    def names(*args: str) -> list[str]:
        lines = history("audit", "export", *args).out.splitlines()
        return [json.loads(line)["name"].partition("@")[0] for line in lines]

    run = history.json("runs")["runs"][0]["run_id"]
    assert names("--user", "ANN@example.com") == ["ann", "ann"]
    assert names("--run", run[-6:]) == ["bob"]
    assert names("--since", "2100-01-01") == []
    assert len(names("--since", "1h", "--connection", "demo")) == 7
    assert history("audit", "export", "--connection", "dmeo").status == 2


def test_forgotten_link_is_exported_without_a_request(history: Site) -> None:
    """What was done to the store alone needed no request."""
    history("links", "forget", "demo", "ann@example.com")

    last = json.loads(history("audit", "export").out.splitlines()[-1])
    assert (last["trigger"], last["request"], last["name"]) == ("forget", None, "ann@example.com")


def test_utf8_whatever_the_locale(history: Site) -> None:
    """Names of all languages arrive whole also where the locale has no such letters."""
    history.environ |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

    assert "Łuç" in history.process("audit", "export").out


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_half_a_character(team: Site, form: str) -> None:
    """Half a surrogate pair, which JSON can carry and UTF-8 cannot, does not cut the history off."""
    team.world.jumpcloud.state.change("ann", firstname="Ann\ud83d")
    assert team("reconcile").status == 0

    result = team.process("audit", "export", "--format", form)

    assert result.status == 0, result.err
    assert "Ann?" in result.out
    assert all(f"{name}@example.com" in result.out for name in ("ann", "bob", "cid"))


def test_history_is_pruned_by_runs(history: Site) -> None:
    """Each run that may write removes what is older than ``store.keep_history``; a plan does not."""
    url = load_settings(history.config, {}, history.folder).settings.store.url.get_secret_value()
    with open_store(url, SystemClock()) as store:
        store.record_start(
            "20200101T000000Z-abcdef",
            "demo",
            mode="full",
            trigger="schedule",
            started_at=SystemClock().now() - timedelta(days=31),
        )
    history.configure(store={"url": url, "keep_history": "30d"})
    assert history("plan").status == 0
    assert len(history.json("runs")["runs"]) == 4

    assert history("reconcile").status == 0

    runs = history.json("runs")["runs"]
    assert len(runs) == 4
    assert "20200101T000000Z-abcdef" not in {run["run_id"] for run in runs}


def test_repeated_hold_says_how_much_it_planned(team: Site) -> None:
    """Every run that is held by the same plan has its number of changes, not only the first."""
    team.world.jumpcloud.state.remove_member(GROUP, "ann", "bob", "cid")
    assert team("reconcile").status == team("reconcile").status == 4

    assert [run["planned"] for run in team.json("runs")["runs"]] == [3, 3, 5]
