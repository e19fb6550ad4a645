"""A plan that is saved, looked at, and then applied exactly so, or not at all."""

import json
import stat
from pathlib import Path

import pytest

from tests.scenario.site import Site


@pytest.fixture
def saved(team: Site) -> Site:
    """A plan file, ``plan.json``: fay is created, ann is patched."""
    team.join("fay")
    team.world.jumpcloud.state.change("ann", department="Sales")
    result = team("plan", "--out", "plan.json")
    assert result.status == 0, result.text
    team.forget_traffic()
    return team


def edit(site: Site, change) -> None:  # noqa: ANN001
    """Edit the plan file by hand."""
    file = site.folder / "plan.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    change(document)
    file.write_text(json.dumps(document), encoding="utf-8")


def test_saved_plan_is_applied(saved: Site) -> None:
    """What was saved is carried out, and reported like a run."""
    result = saved("apply", "plan.json", "--json")

    assert result.status == 0, result.text
    assert result.run["outcome"] == "applied"
    assert "fay" in saved.active
    assert len(saved.writes) == 2


def test_saving_says_where_and_what_next(team: Site) -> None:
    """The text names the file and the command that applies it."""
    team.join("fay")

    result = team("plan", "--out", "plan.json")

    assert "jcsync apply plan.json" in result.out
    assert team.writes == []


def test_file_holds_the_report_and_is_private(saved: Site) -> None:
    """The file is the JSON report, names people, and so is for its owner only."""
    file = saved.folder / "plan.json"

    document = json.loads(file.read_text(encoding="utf-8"))
    assert [c["action"] for c in document["runs"][0]["plan"]["changes"]] == ["create", "patch"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_file_of_others_is_made_private(team: Site) -> None:
    """A file that was there before and readable by all does not stay so."""
    file = team.folder / "plan.json"
    file.touch(0o644)
    team("plan", "--out", "plan.json")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_world_that_moved_is_refused(saved: Site) -> None:
    """Another plan is due now: 7, and nothing is written."""
    saved.join("gus")

    result = saved("apply", "plan.json", "--json")

    assert result.status == 7
    assert saved.writes == []
    assert result.run["outcome"] == "failed"
    assert "jcsync plan demo" in result.run["error"]


def test_plan_that_was_applied_already_is_refused(saved: Site) -> None:
    """A plan is for one time."""
    saved("apply", "plan.json")
    saved.forget_traffic()

    assert saved("apply", "plan.json").status == 7
    assert saved.writes == []


def test_edited_digest_is_refused(saved: Site) -> None:
    """A digest of no plan that is due is refused."""
    edit(saved, lambda d: d["runs"][0]["plan"].update(digest="sha256:" + "0" * 64))

    assert saved("apply", "plan.json").status == 7
    assert saved.writes == []


def test_edited_changes_are_refused(saved: Site) -> None:
    """A file from which somebody took a change would not be what is applied: refused."""
    edit(saved, lambda d: d["runs"][0]["plan"]["changes"].pop())

    result = saved("apply", "plan.json")

    assert result.status == 7
    assert saved.writes == []
    assert "plan.json" in result.text


def test_edited_value_is_refused(saved: Site) -> None:
    """A value that somebody changed in the file is not silently replaced by the due one."""

    def other_department(document) -> None:  # noqa: ANN001
        document["runs"][0]["plan"]["changes"][1]["attributes"][0]["after"] = "Legal"

    edit(saved, other_department)

    assert saved("apply", "plan.json").status == 7
    assert saved.writes == []


def test_reformatted_file_is_still_the_same_plan(saved: Site) -> None:
    """White space and the order of keys are nobody's intent."""
    file = saved.folder / "plan.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(document, sort_keys=True), encoding="utf-8")

    assert saved("apply", "plan.json").status == 0


def test_file_for_an_unknown_connection(saved: Site) -> None:
    """A plan of a connection that is not in the settings is a mistake of the command."""
    edit(saved, lambda d: d["runs"][0].update(connection="keepnett"))

    result = saved("apply", "plan.json")

    assert result.status in (2, 7)
    assert saved.writes == []
    assert "Traceback" not in result.text


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"runs": []}', '{"runs": [{"connection": "demo"}]}', "\x00\xff", "null"],
)
def test_what_is_no_plan_file(team: Site, content: str) -> None:
    """Any other file is refused in one line that names it."""
    (team.folder / "plan.json").write_text(content, encoding="utf-8")

    result = team("apply", "plan.json")

    assert result.status == 2
    assert result.err.startswith("jcsync: plan.json")
    assert result.err.count("\n") == 1
    assert team.writes == []


def test_file_that_is_not_utf_8(team: Site) -> None:
    """Binary content is no plan either."""
    (team.folder / "plan.json").write_bytes(b"\xff\xfe\x00")

    assert team("apply", "plan.json").status == 2


def test_missing_file(team: Site) -> None:
    """A file that is not there is named."""
    result = team("apply", "nowhere.json")

    assert result.status == 2
    assert "nowhere.json" in result.err


def test_file_that_cannot_be_written(team: Site) -> None:
    """Where the plan cannot be saved, the command says so instead of ending well."""
    result = team("plan", "--out", str(Path("nowhere") / "plan.json"))

    assert result.status == 2
    assert "plan.json" in result.err


def test_plan_that_could_not_be_made_is_not_saved(team: Site) -> None:
    """Without a plan there is no file, and the old one of that name is not left as if new."""
    file = team.folder / "plan.json"
    team("plan", "--out", "plan.json")
    before = file.read_text(encoding="utf-8")
    team.world.jumpcloud.api.revoke_key(team.world.jumpcloud.api_key)

    result = team("plan", "--out", "plan.json")

    assert result.status == 6
    assert not file.exists() or file.read_text(encoding="utf-8") == before
    assert "plan.json" in result.text


def test_plan_of_one_person_can_be_saved(saved: Site) -> None:
    """``--user`` is remembered in the file."""
    assert saved("plan", "--user", "fay", "--out", "plan.json").status == 0

    assert saved("apply", "plan.json").status == 0
    assert "fay" in saved.active
    assert len(saved.writes) == 1


def test_plan_of_several_connections_can_be_saved(site: Site) -> None:
    """One file holds the plans of several connections, and apply carries out all."""
    from tests.scenario.site import two_connections  # noqa: PLC0415

    two_connections(site)
    site.join("ann")
    site("plan", "--out", "plan.json")

    result = site("apply", "plan.json", "--json")

    assert result.status == 0, result.text
    assert [run["connection"] for run in result.document["runs"]] == ["demo", "second"]


def test_plan_beyond_limits_is_held_when_it_is_applied(team: Site) -> None:
    """Saving a plan is no approval."""
    for name in ("ann", "bob", "cid"):
        team.world.jumpcloud.state.suspend(name)
    team("plan", "--out", "plan.json")

    result = team("apply", "plan.json", "--json")

    assert result.status == 4
    assert len(team.active) == 5
    assert isinstance(result.run["hold"], int)


def test_empty_plan_can_be_applied(team: Site) -> None:
    """Nothing to do is a plan as well."""
    team("plan", "--out", "plan.json")

    assert team("apply", "plan.json").status == 0
    assert team.writes == []
