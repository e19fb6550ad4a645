"""The commands that look: groups, status, runs, changes, links, holds, explain."""

from pathlib import Path

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Site, two_connections


@pytest.fixture
def history(team: Site) -> Site:
    """Three runs: everybody created, ann moved, bob suspended."""
    team.world.jumpcloud.state.change("ann", department="Sales")
    assert team("reconcile").status == 0
    team.world.jumpcloud.state.suspend("bob")
    assert team("reconcile").status == 0
    team.forget_traffic()
    return team


# ---- groups


def test_groups_lists_what_can_be_chosen(team: Site) -> None:
    """Every group with its number of members and id, the chosen ones marked."""
    team.world.jumpcloud.state.create_group("Admins", ["ann"])

    document = team.json("groups", "demo")

    assert [(g["name"], g["members"], g["in_scope"]) for g in document["groups"]] == [
        ("Admins", 1, False),
        (GROUP, 5, True),
    ]
    assert document["groups"][0]["id"] == team.world.jumpcloud.state.group("Admins").id
    text = team("groups", "demo").out
    assert "Admins" in text
    assert document["groups"][0]["id"] in text


def test_groups_search(team: Site) -> None:
    """``--search`` ignores case; nothing found is no error."""
    team.world.jumpcloud.state.create_group("Admins", ["ann"])

    found = team.json("groups", "demo", "--search", "keepnet")["groups"]
    assert [g["name"] for g in found] == [GROUP]
    assert team.json("groups", "demo", "--search", "nothing")["groups"] == []
    assert team("groups", "demo", "--search", "nothing").out


def test_more_groups_than_a_page(site: Site) -> None:
    """All groups are listed, not the first ten or hundred."""
    for number in range(205):
        site.world.jumpcloud.state.create_group(f"Group {number:03}")

    assert len(site.json("groups", "demo")["groups"]) == 205


# ---- status


def test_status_before_the_first_run(site: Site) -> None:
    """A connection that never ran says so and what to do."""
    assert "jcsync plan demo" in site("status").out
    (connection,) = site.json("status")["connections"]
    assert connection["connection"] == "demo"
    assert connection["last_run"] is None
    assert connection["last_success"] is None


def test_status_after_runs(history: Site) -> None:
    """Last run, age of the last success, and how many accounts are managed."""
    (connection,) = history.json("status")["connections"]

    assert connection["last_run"]["outcome"] == "applied"
    assert connection["last_success"]
    assert 0 <= connection["last_success_age_s"] < 60
    assert connection["managed"] == 5
    assert connection["holds"] == []
    assert "1 change applied" in history("status").out


def test_status_after_a_failure(history: Site) -> None:
    """A failed run is told with its error, beside the age of the last success."""
    history.configure(provider={"token": "wrong-token"})
    history("reconcile")

    (connection,) = history.json("status")["connections"]
    assert connection["last_run"]["outcome"] == "failed"
    assert "401" in connection["last_run"]["error"]
    assert connection["last_success"] is not None
    assert "failed" in history("status").out


def test_status_connects_to_nothing(history: Site) -> None:
    """What the store knows is told without either side."""
    for command in ("status", "runs", "changes", "holds", "links"):
        assert history(command).status == 0, command
    assert history.world.jumpcloud.faults.traffic.total == 0
    assert history.world.platform.faults.traffic.total == 0


# ---- runs and changes


def test_runs_newest_first(history: Site) -> None:
    """Each run with its trigger, outcome and numbers."""
    runs = history.json("runs")["runs"]

    assert [r["outcome"] for r in runs] == ["applied", "applied", "applied"]
    assert [r["applied"] for r in runs] == [1, 1, 5]
    assert {r["trigger"] for r in runs} == {"manual"}
    assert history.json("runs", "--limit", "1")["runs"] == runs[:1]
    assert history.json("runs", "--run", runs[1]["run_id"])["runs"] == [runs[1]]
    assert history.json("runs", "--run", runs[1]["run_id"][-6:])["runs"] == [runs[1]]
    assert history.json("runs", "--since", "1h")["runs"] == runs
    assert history.json("runs", "--since", "2100-01-01")["runs"] == []
    assert history.json("runs", "--connection", "demo")["runs"] == runs
    assert history.json("runs", "--user", "ann@example.com")["runs"] == [runs[1], runs[2]]


def test_plan_leaves_no_run(team: Site) -> None:
    """A preview is not part of the history."""
    before = team.json("runs")["runs"]
    team("plan")

    assert team.json("runs")["runs"] == before


def test_changes_tell_who_what_before_and_after(history: Site) -> None:
    """Who, what, before → after, why, in which run."""
    bob, ann, *created = history.json("changes")["changes"]

    assert (bob["action"], bob["name"], bob["status"]) == (
        "deactivate",
        "bob@example.com",
        "applied",
    )
    assert "suspended" in bob["reason"]
    assert ann["attributes"][0]["before"] is None
    assert ann["attributes"][0]["after"] == "Sales"
    assert len(created) == 5
    text = history("changes").out
    assert "Sales" in text
    assert "deactivate" in text


@pytest.mark.parametrize("who", ["ann@example.com", "ANN@example.com", "id", "resource"])
def test_changes_of_one_person(history: Site, who: str) -> None:
    """``--user`` takes a name or either id."""
    if who == "id":
        who = history.world.jumpcloud.state.user("ann").id
    elif who == "resource":
        who = history.world.platform.account("ann@example.com")["id"]

    found = history.json("changes", "--user", who)["changes"]
    assert [c["action"] for c in found] == ["patch", "create"]


def test_changes_of_a_run(history: Site) -> None:
    """``--run`` takes the end of an id, as the summary of a run prints it."""
    run = history.json("runs")["runs"][0]["run_id"]

    found = history.json("changes", "--run", run[-6:])["changes"]
    assert [c["name"] for c in found] == ["bob@example.com"]
    assert history.json("changes", "--since", "2100-01-01")["changes"] == []
    assert history.json("changes", "--limit", "2")["changes"][0]["name"] == "bob@example.com"


def test_held_plan_hides_no_history(history: Site) -> None:
    """Changes that were never tried are not part of ``changes``, nor of its limit."""
    history.world.jumpcloud.state.remove_member(GROUP, "ann", "cid", "dora")
    assert history("reconcile").status == 4

    found = history.json("changes", "--limit", "2")["changes"]
    assert [c["name"] for c in found] == ["bob@example.com", "ann@example.com"]


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_limit_that_is_none(history: Site, limit: str) -> None:
    """A limit is at least one."""
    for command in ("runs", "changes"):
        assert history(command, "--limit", limit).status == 2


def test_filter_that_leaves_nothing(history: Site) -> None:
    """No run that fits is another thing than no run yet."""
    assert "yet" not in history("runs", "--since", "2100-01-01").out


def test_unknown_run(history: Site) -> None:
    """A run that does not exist is a mistake of the command, or an empty list; no traceback."""
    for command in ("runs", "changes"):
        result = history(command, "--run", "ffffff")
        assert result.status in (0, 2)
        assert "Traceback" not in result.text


@pytest.mark.parametrize("command", ["runs", "changes", "holds", "links"])
def test_filter_by_an_unknown_connection(history: Site, command: str) -> None:
    """A mistyped connection is an error, not an empty list that looks like peace."""
    result = history(command, "--connection", "dmeo")

    assert result.status == 2
    assert "dmeo" in result.err
    assert "demo" in result.err


@pytest.mark.parametrize("command", ["runs", "changes", "escrow", "holds", "links"])
def test_filters_of_the_contract(history: Site, command: str) -> None:
    """Every list takes --connection, --user, --since and --run."""
    options = ["--connection", "demo", "--user", "ann@example.com", "--since", "1d"]
    newest = history.json("runs")["runs"][0]["run_id"]

    result = history(command, *options, "--run", newest)

    assert result.status == 0, result.text


# ---- links


def test_links_join_both_ids(history: Site) -> None:
    """Each account with its person, and when it was deactivated."""
    links = history.json("links")["links"]

    assert [link["name"] for link in links] == [
        f"{name}@example.com" for name in ("ann", "bob", "cid", "dora", "emil")
    ]
    ann, bob = links[:2]
    assert ann["external_id"] == history.world.jumpcloud.state.user("ann").id
    assert ann["resource_id"] == history.world.platform.account("ann@example.com")["id"]
    assert ann["deactivated_at"] is None
    assert bob["deactivated_at"]
    assert history.json("links", "--user", "ann@example.com")["links"] == [ann]
    assert history.json("links", "list", "--connection", "demo")["links"] == links
    newest = history.json("runs")["runs"][0]
    assert history.json("links", "--run", newest["run_id"][-6:])["links"] == [bob]
    assert history.json("links", "--since", "1h")["links"] == links
    assert history.json("links", "list", "--since", "2100-01-01")["links"] == []


def test_links_of_several_connections(site: Site) -> None:
    """Without a name all connections are listed, and each link says whose it is."""
    two_connections(site)
    site.join("ann")
    site.join("xan", group="Second")
    site("reconcile")

    links = site.json("links")["links"]
    assert [(link["connection"], link["name"]) for link in links] == [
        ("demo", "ann@example.com"),
        ("second", "xan@example.com"),
    ]
    only = site.json("links", "--connection", "second")["links"]
    assert [link["name"] for link in only] == ["xan@example.com"]


# ---- explain


@pytest.mark.parametrize("who", ["ann@example.com", "ann", "ANN", "id"])
def test_explain_follows_one_person(history: Site, who: str) -> None:
    """Found, scope, mapped, matched, difference and decision, for any of his names."""
    history.world.jumpcloud.state.change("ann", department="Legal")
    who = history.world.jumpcloud.state.user("ann").id if who == "id" else who

    text = history("explain", "demo", who).out
    for word in ("found", "scope", "mapped", "matched", "difference", "decision", "would send"):
        assert word in text
    assert GROUP in text
    assert "Sales → Legal" in text
    document = history.json("explain", "demo", who)
    assert document["matched"]["how"] == "by link"
    assert document["changes"][0]["action"] == "patch"
    assert history.writes == []


def test_explain_a_joiner_and_a_leaver(history: Site) -> None:
    """Who has no account yet, and who is about to lose his."""
    history.join("fay")
    history.world.jumpcloud.state.remove_member(GROUP, "cid")

    assert history.json("explain", "demo", "fay")["changes"][0]["action"] == "create"
    leaver = history.json("explain", "demo", "cid@example.com")
    assert leaver["changes"][0]["action"] == "deactivate"
    assert "left the chosen groups (confirmed)" in leaver["changes"][0]["reason"]


def test_explain_somebody_who_is_not_chosen(history: Site) -> None:
    """The commonest question, why has she no account, has an answer: she is in no chosen group."""
    history.world.jumpcloud.state.hire("new@example.com")

    result = history("explain", "demo", "new@example.com")

    assert "none of the chosen groups" in result.text
    assert result.status == 0


def test_explain_somebody_unknown(history: Site) -> None:
    """A name that nobody has is a mistake of the command."""
    result = history("explain", "demo", "nobody@example.com")

    assert result.status == 2
    assert "nobody@example.com" in result.err


def test_explain_nobody_is_not_who_has_no_address(team: Site) -> None:
    """An empty variable of a script does not mean the person whose e-mail is empty."""
    team.world.jumpcloud.state.change("ann", email="")

    result = team("explain", "demo", " ")

    assert result.status == 2
    assert "WHO" in result.err
    assert result.out == ""


def test_explain_a_conflict(site: Site) -> None:
    """Why somebody cannot be provisioned is told with the account that is in the way."""
    site.world.platform.state.add_by_hand(
        schemas=["urn:ietf:params:scim:schemas:core:2.0:User"],
        userName="ann@example.com",
        externalId="of-another-system",
    )
    site.join("ann")

    text = site("explain", "demo", "ann@example.com").out
    assert "of-another-system" in text


# ---- --user


def test_one_person_only(team: Site) -> None:
    """``--user`` changes that person and nobody else."""
    team.join("fay", "gus")

    result = team("reconcile", "--user", "fay", "--json")

    assert result.status == 0
    assert [c["name"] for c in result.run["plan"]["changes"]] == ["fay@example.com"]
    assert team.active & {"fay", "gus"} == {"fay"}


@pytest.mark.parametrize("name", ["fay@example.com", "FAY@EXAMPLE.COM", "fay", "id"])
def test_person_by_any_name(team: Site, name: str) -> None:
    """WHO is an id, username or e-mail."""
    team.join("fay")
    name = team.world.jumpcloud.state.user("fay").id if name == "id" else name

    assert len(team("plan", "--user", name, "--json").run["plan"]["changes"]) == 1


def test_unknown_person(team: Site) -> None:
    """Nobody of that name: 2, and nothing is written."""
    result = team("reconcile", "--user", "nobody@example.com", "--json")

    assert result.status == 2
    assert "nobody@example.com" in result.run["error"]
    assert team.writes == []


def test_ambiguous_person(team: Site) -> None:
    """Two people of one name are told apart by their ids."""
    team.join("fay", username="twin")
    team.join("twin", username="other")
    team.world.jumpcloud.state.user("other").email = "twin"

    result = team("plan", "--user", "twin", "--json")

    assert result.status == 2
    assert team.world.jumpcloud.state.user("fay@example.com").id in result.run["error"]


@pytest.mark.parametrize("command", ["plan", "reconcile"])
def test_empty_name_does_not_mean_everybody(team: Site, command: str) -> None:
    """A script whose variable is empty provisions nobody."""
    team.join("fay")

    for name in ("", "  "):
        assert team(command, "--user", name).status == 2
    assert team.writes == []


def test_one_person_is_not_blamed_for_another(team: Site) -> None:
    """What is wrong with somebody else is no part of a run about one person."""
    team.world.jumpcloud.state.change("bob", email="")
    team.join("fay")

    result = team("reconcile", "--user", "fay", "--json")

    assert "fay" in team.active
    assert result.run["findings"] == []
    assert result.run["outcome"] == "applied"
    assert result.status == 0


def test_leaver_is_found_by_his_username(team: Site) -> None:
    """Who left all groups is still known by the names that JumpCloud has for him."""
    team.world.jumpcloud.state.remove_member(GROUP, "ann")

    run = team("plan", "--user", "ann", "--json").run

    assert [c["action"] for c in run["plan"]["changes"]] == ["deactivate"]


# ---- check


def test_check_writes_nothing(team: Site) -> None:
    """Both sides are tried by reading alone, and the next command is named."""
    result = team("check")

    assert result.status == 0
    assert team.writes == []
    assert "Nothing was written. Next: jcsync plan demo" in result.out


def test_check_warns_of_what_it_cannot_map(team: Site) -> None:
    """People without e-mail are a warning, not a failure."""
    team.world.jumpcloud.state.change("ann", email="")

    result = team("check", "--json")

    assert result.status == 0
    assert "warning" in {s["status"] for s in result.document["checks"][0]["steps"]}


def test_check_of_a_listing_that_cannot_be_trusted(team: Site) -> None:
    """A platform that miscounts is a warning that names the consequence."""
    team.world.platform.faults.add(misfortunes.wrong_total(9), path="/Users", count=None)

    result = team("check", "--json")

    steps = {s["step"]: s for s in result.document["checks"][0]["steps"]}
    assert steps["listing can be trusted"]["status"] in ("warning", "failed")
    assert team.writes == []


def test_what_check_learns_is_used_by_runs(team: Site) -> None:
    """Without a request more, where the configuration does not say otherwise."""
    team.world.platform.faults.add(misfortunes.fail(400), path="count=1000", count=None)
    result = team("check")
    assert "page_size 100; kept for 30 days" in result.out
    assert "learnt" in team("status").out
    assert team.json("status")["connections"][0]["learnt_at"]

    refused = _refused_pages(team)
    assert team("reconcile").status == 0
    assert _refused_pages(team) == refused

    team.configure(provider={"quirks": {"page_size": 1000}})
    assert team("plan").status == 0
    assert _refused_pages(team) > refused


def _refused_pages(site: Site) -> int:
    return sum("count=1000" in asked.query for asked in site.world.platform.faults.traffic.log)


# ---- help


def test_help_of_every_command(site: Site) -> None:
    """Every command explains itself and its options."""
    commands = [
        line.split()[0]
        for line in site("--help", config=False).out.partition("Commands:")[2].splitlines()
        if line.startswith("  ") and not line.startswith("   ")
    ]
    assert commands[0] == "init"
    for command in commands:
        result = site(command, "--help", config=False)
        assert result.status == 0
        assert "Usage: jcsync" in result.out
        for option in ("--config", "--json", "--quiet", "--verbose"):
            assert option in result.out, command


def test_common_options_before_a_part_of_a_command(site: Site) -> None:
    """``jcsync config --json validate`` is ``jcsync config validate --json``."""
    where = ("--config", str(site.config), "--json")

    before = site("config", *where, "validate", config=False)

    assert before.status == 0
    assert before.document == site.json("config", "validate")
    nobody = site("notify", *where, "test", config=False)
    assert nobody.status == 2
    assert "notify.urls is empty" in nobody.document["error"]


def test_version(site: Site) -> None:
    """``--version`` prints name and version."""
    result = site("--version", config=False)

    assert result.status == 0
    assert result.out.startswith("jcsync ")


# ---- typing errors


def test_mistyped_names_get_the_nearest(team: Site) -> None:
    """A command and a connection; usage, exit status 2."""
    for args, says in (
        (("reconcil",), "there is no command 'reconcil'; did you mean \"reconcile\"?"),
        (("plan", "dmeo"), "no connection is called 'dmeo'; did you mean \"demo\"?"),
        (("changes", "--since", "yesterday"), "an age such as 2h or 7d, or a date"),
    ):
        result = team(*args)
        assert result.status == 2, result.text
        assert says in result.err


def test_demo_that_goes_on_is_used_from_anywhere(site: Site, tmp_path: Path) -> None:
    """Its configuration names the store by the whole path: a command elsewhere makes no other."""
    running = site.start("demo", "--serve", config=False)
    try:
        config = site.folder / "jcsync-demo" / "jcsync.yaml"
        assert running.stdout is not None
        assert running.stdout.readline().startswith("JumpCloud")
        site.environ["JCSYNC_CONFIG"] = str(config)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        site.folder = elsewhere

        assert site("status", config=False).status == 0
        assert (config.parent / "jcsync.db").exists()
        assert not list(elsewhere.iterdir())
    finally:
        running.terminate()
        running.communicate(timeout=20)
