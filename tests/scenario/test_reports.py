"""The JSON of ``plan``, ``apply`` and ``reconcile``, field by field."""

import re
from datetime import datetime
from typing import Any

import pytest

from jcsync.sandbox import misfortunes
from tests.scenario.site import GROUP, Json, Result, Site, two_connections

RUN = {
    "run_id": str,
    "connection": str,
    "mode": str,
    "outcome": str,
    "started_at": str,
    "finished_at": str,
    "complete": dict,
    "plan": (dict, type(None)),
    "violations": list,
    "hold": (int, type(None)),
    "outcomes": list,
    "findings": list,
    "requests": dict,
    "error": (str, type(None)),
}
CHANGE = {
    "n": int,
    "action": str,
    "resource": str,
    "name": str,
    "external_id": (str, type(None)),
    "resource_id": (str, type(None)),
    "reason": str,
    "attributes": list,
    "members": dict,
}
USER_COUNTS = [
    "create",
    "patch",
    "reactivate",
    "deactivate",
    "delete",
    "unchanged",
    "unmanaged",
    "out_of_scope",
]
GROUP_COUNTS = [
    "create",
    "patch",
    "delete",
    "unchanged",
    "unmanaged",
    "members_added",
    "members_removed",
]
FINDINGS = {
    "conflict",
    "ambiguous",
    "skipped",
    "unsupported_attribute",
    "dangling_member",
    "other_provisioner",
    "unknown_state",
    "protected",
    "not_confirmed",
    "orphan",
    "incomplete",
    "adopted",
}


def check_document(result: Result) -> list[Json]:
    """Check every field of every run that a command printed, and return the runs."""
    document = result.document
    assert list(document) == ["runs"]
    for run in document["runs"]:
        check_run(run)
    return document["runs"]


def check_run(run: Json) -> None:
    """Check names, order and types of a run, and that its numbers add up."""
    check_types(run, RUN)
    assert run["outcome"] in ("in_sync", "planned", "applied", "partial", "held", "failed")
    for name in ("started_at", "finished_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", run[name])
    assert moment(run["started_at"]) <= moment(run["finished_at"])
    check_types(run["complete"], {"directory": bool, "provider": bool})
    check_types(run["requests"], {"directory": int, "provider": int})
    for violation in run["violations"]:
        assert {"limit", "allowed", "planned"} <= violation.keys()
        assert re.fullmatch(r"[a-z_]+\.(count|percent)", violation["limit"])
        assert violation["planned"] > violation["allowed"]
    for outcome in run["outcomes"]:
        check_types(
            outcome,
            {"n": int, "status": str, "error": (str, type(None)), "attempts": int},
        )
        assert outcome["status"] in ("applied", "failed", "not_attempted")
        assert (outcome["error"] is None) == (outcome["status"] == "applied")
    for finding in run["findings"]:
        check_types(finding, {"kind": str, "subject": str, "message": str})
        assert finding["kind"] in FINDINGS
    if run["plan"] is not None:
        check_plan(run["plan"])
        if run["outcomes"]:
            numbers = [o["n"] for o in run["outcomes"]]
            assert numbers == [c["n"] for c in run["plan"]["changes"]]


def check_plan(plan: Json) -> None:
    """Check a plan, and its counts against its changes."""
    check_types(plan, {"digest": str, "counts": dict, "changes": list})
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", plan["digest"])
    assert list(plan["counts"]) == ["users", "groups"]
    users, groups = plan["counts"]["users"], plan["counts"]["groups"]
    assert list(users) == USER_COUNTS
    assert list(groups) == GROUP_COUNTS
    assert [c["n"] for c in plan["changes"]] == list(range(1, len(plan["changes"]) + 1))
    for change in plan["changes"]:
        check_types(change, CHANGE)
        assert change["resource"] in ("User", "Group")
        assert (change["resource_id"] is None) == (change["action"] == "create")
        assert list(change["members"]) == ["add", "remove"]
        for attribute in change["attributes"]:
            assert list(attribute) == ["path", "before", "after"]
    for counts, kind, actions in (
        (users, "User", USER_COUNTS[:5]),
        (groups, "Group", GROUP_COUNTS[:3]),
    ):
        for action in actions:
            found = [c for c in plan["changes"] if (c["resource"], c["action"]) == (kind, action)]
            assert counts[action] == len(found)
    for count, key in (("members_added", "add"), ("members_removed", "remove")):
        assert groups[count] == sum(len(c["members"][key]) for c in plan["changes"])


def check_types(document: Json, types: dict[str, Any]) -> None:
    """Check that these fields are there, in this order, and no others."""
    assert list(document) == list(types)
    for name, kind in types.items():
        assert isinstance(document[name], kind), (name, document[name])
        assert kind is bool or not isinstance(document[name], bool), name


def moment(text: str) -> datetime:
    """Return a time of a report."""
    return datetime.fromisoformat(text)


@pytest.fixture
def busy(team: Site) -> Site:
    """A site where something of everything is due, groups included."""
    state = team.world.jumpcloud.state
    team.configure(groups={"enabled": True}, limits={"deactivate": {"percent": None}})
    team("reconcile")
    team.join("fay")
    state.suspend("bob")
    team("reconcile")
    state.unsuspend("bob")
    state.change("ann", department="Sales")
    state.suspend("cid")
    state.remove_member(GROUP, "dora")
    team.join("gus")
    team.join("staged", state="STAGED")
    team.world.platform.state.add_by_hand(
        schemas=["urn:ietf:params:scim:schemas:core:2.0:User"], userName="root@example.com"
    )
    team.forget_traffic()
    return team


def test_plan_document(busy: Site) -> None:
    """A plan has all fields, its outcome is ``planned``, and nothing was tried."""
    result = busy("plan", "--json")

    (run,) = check_document(result)
    assert run["outcome"] == "planned"
    assert run["mode"] == "full"
    assert run["outcomes"] == []
    assert run["hold"] is None
    assert run["error"] is None
    assert run["plan"]["counts"]["users"] == {
        "create": 1,
        "patch": 1,
        "reactivate": 1,
        "deactivate": 2,
        "delete": 0,
        "unchanged": 2,
        "unmanaged": 1,
        "out_of_scope": 1,
    }
    sent = (busy.world.jumpcloud.faults.traffic.total, busy.world.platform.faults.traffic.total)
    assert (run["requests"]["directory"], run["requests"]["provider"]) == sent
    assert busy.writes == []


def test_reconcile_document(busy: Site) -> None:
    """A run has an outcome for each change of its plan, and counts its requests."""
    result = busy("reconcile", "--json")

    (run,) = check_document(result)
    assert run["outcome"] == "applied"
    assert {o["status"] for o in run["outcomes"]} == {"applied"}
    assert len(run["outcomes"]) == len(run["plan"]["changes"])
    assert run["requests"]["provider"] == busy.world.platform.faults.traffic.total


def test_apply_document(busy: Site) -> None:
    """A saved plan is reported like a run."""
    busy("plan", "--out", "plan.json")

    (run,) = check_document(busy("apply", "plan.json", "--json"))
    assert run["outcome"] == "applied"


def test_create_tells_what_is_sent(site: Site) -> None:
    """A create has no before, no resource id, and the JumpCloud id."""
    site.join("ann")

    run = site("plan", "--json").run

    (change,) = run["plan"]["changes"]
    assert change["external_id"] == site.world.jumpcloud.state.user("ann").id
    assert change["resource_id"] is None
    values = {a["path"]: a["after"] for a in change["attributes"]}
    assert values["userName"] == "ann@example.com"
    assert all(a["before"] is None for a in change["attributes"])
    assert change["reason"]


def test_one_connection_one_run(site: Site) -> None:
    """Several connections are several runs of one document, in the order of the settings."""
    two_connections(site)

    runs = check_document(site("plan", "--json"))
    assert [run["connection"] for run in runs] == ["demo", "second"]
    runs = check_document(site("plan", "second", "--json"))
    assert [run["connection"] for run in runs] == ["second"]


def test_failed_change_in_the_document(team: Site) -> None:
    """A refused change has its error, the number of attempts, and the run is partial."""
    team.join("fay", "gus")
    team.world.platform.faults.add(misfortunes.fail(400, "too long"), method="POST")

    result = team("reconcile", "--json")

    (run,) = check_document(result)
    assert run["outcome"] == "partial"
    (failed,) = [o for o in run["outcomes"] if o["status"] == "failed"]
    assert "too long" in failed["error"]
    assert failed["attempts"] >= 1


def test_retried_change_counts_its_attempts(team: Site) -> None:
    """A change that succeeded at the second attempt says 2."""
    team.join("fay")
    team.world.platform.faults.add(misfortunes.throttle(0), method="POST")

    (run,) = check_document(team("reconcile", "--json"))
    assert [o["attempts"] for o in run["outcomes"]] == [2]
    assert run["outcome"] == "applied"


def test_held_document(team: Site) -> None:
    """A held run has its violations and the number of its hold."""
    team.world.jumpcloud.state.remove_member(GROUP, "ann", "bob", "cid")

    (run,) = check_document(team("reconcile", "--json"))
    assert run["outcome"] == "held"
    assert run["hold"] == team.json("holds")["holds"][0]["id"]
    assert run["violations"]
    assert run["outcomes"] == []


def test_document_of_one_person(busy: Site) -> None:
    """``--user`` is another mode, with his changes alone."""
    (run,) = check_document(busy("reconcile", "--user", "ann", "--json"))

    assert run["mode"] == "user"
    assert {c["name"] for c in run["plan"]["changes"]} == {"ann@example.com"}


@pytest.mark.parametrize("command", ["plan", "reconcile"])
@pytest.mark.parametrize(
    "failure", ["key", "token", "group", "organizations", "html", "person", "lease-free"]
)
def test_failure_has_a_document_too(team: Site, command: str, failure: str) -> None:
    """Whatever goes wrong once the settings are right: one document, with the error in it."""
    args: tuple[str, ...] = ()
    match failure:
        case "key":
            team.world.jumpcloud.api.revoke_key(team.world.jumpcloud.api_key)
        case "token":
            team.configure(provider={"token": "wrong-token"})
        case "group":
            team.configure(scope={"groups": ["Keepnet User"]})
        case "organizations":
            api = team.world.jumpcloud.api
            key = api.issue_key(api.state.id, api.add_organization("Other").id)
            team.configure(directory={"api_key": key})
        case "html":
            team.world.platform.faults.add(misfortunes.page(200, "Welcome"), count=None)
        case "person":
            args = ("--user", "nobody@example.com")
        case _:
            team.world.jumpcloud.faults.add(misfortunes.login(), count=None)

    result = team(command, "--json", *args)

    (run,) = check_document(result)
    assert result.status in (2, 6)
    assert run["outcome"] == "failed"
    assert run["error"]
    assert "\n" not in run["error"].strip()
    assert team.writes == []


def test_settings_error_with_json(team: Site) -> None:
    """Also a command that could not begin prints one document: no runs, and why."""
    team.config.write_text("connections: {}", encoding="utf-8")

    result = team("reconcile", "--json")

    assert result.status == 2
    assert result.document["runs"] == []
    assert "connections" in result.document["error"]
    assert result.err.startswith("jcsync: ")


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("reconcile", "--nope"), "--nope"),
        (("plan", "--user", ""), "is empty"),
        (("apply",), "FILE"),
        (("approve", "first"), "HOLD"),
        (("explain",), "CONNECTION"),
        (("reconsile",), "reconcile"),
    ],
)
def test_usage_error_with_json(team: Site, words: tuple[str, ...], why: str, place: str) -> None:
    """Words that make no command give a document as well, wherever ``--json`` stands."""
    words = ("--json", *words) if place == "before" else (*words, "--json")

    result = team.here(*words)

    assert result.status == 2
    assert why in result.document["error"]
    assert ("runs" in result.document) == bool({"plan", "apply", "reconcile"} & {*words})
    assert "Error: " in result.err


def test_fault_of_ours_with_json(team: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is told in the document, too."""

    def fail(*_: object, **__: object) -> None:
        message = "unforeseen"
        raise ZeroDivisionError(message)

    monkeypatch.setattr("jcsync.cli.history.open_store_of", fail)

    result = team.here("runs", "--json")

    assert result.status == 1
    assert "unforeseen" in result.document["error"]
    assert "unforeseen" in result.err


def test_standard_output_is_the_document_and_nothing_else(busy: Site) -> None:
    """Logs, warnings and progress go to standard error, also when verbose."""
    result = busy.process("reconcile", "--json", "--verbose")

    check_document(result)
    assert '"event"' in result.err
    assert "run finished" in result.err


def test_json_option_before_the_command(team: Site) -> None:
    """The common options may stand before the command as well."""
    result = team("--json", "plan")

    check_document(result)
