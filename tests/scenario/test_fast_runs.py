"""Fast runs: nothing changed is one question, and what changed costs what it is."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from jcsync.clock import SystemClock
from jcsync.sandbox import misfortunes
from jcsync.settings import load_settings
from jcsync.store import open_store
from tests.scenario.site import GROUP, Json, Site, wait_for

MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"
MAILBOXES = ("ann", "bob", "cid", "dora", "emil")


@pytest.fixture
def fast(site: Site) -> Site:
    """Five people, provisioned by a full run, and a licence for the event log."""
    site.world.jumpcloud.state.events.enabled = True
    site.join(*MAILBOXES)
    assert site("reconcile").status == 0
    site.forget_traffic()
    return site


def run(site: Site) -> Json:
    """A fast run, with the traffic of it alone."""
    site.forget_traffic()
    result = site("reconcile", "--fast", "--json")
    assert result.status == 0, result.text
    return result.run


def traffic(site: Site) -> tuple[int, int]:
    """Requests to JumpCloud and to the platform since the traffic was forgotten."""
    world = site.world
    return world.jumpcloud.faults.traffic.total, world.platform.faults.traffic.total


def changes(run: Json) -> list[tuple[str, str]]:
    """Action and mailbox of each."""
    return [(c["action"], c["name"].partition("@")[0]) for c in run["plan"]["changes"]]


def test_nothing_changed_is_one_question(fast: Site) -> None:
    """One to the event log, none to the platform, however often."""
    for _ in range(3):
        done = run(fast)

        assert (done["mode"], done["outcome"]) == ("fast", "in_sync")
        assert traffic(fast) == (1, 0)
        assert done["requests"] == {"directory": 1, "provider": 0}


def test_what_a_person_sees(fast: Site) -> None:
    """That nobody has changed, or who; and that the others were not read."""
    idle = fast("reconcile", "--fast").out
    assert "demo · fast · nobody has changed" in idle
    assert "\n\n\n" not in idle
    fast.join("fay")
    shown = fast("reconcile", "--fast").out

    assert (
        "demo · fast · JumpCloud 1 people, platform 0 accounts, the others were not read" in shown
    )
    assert "fay@example.com" in shown
    assert "Left alone" not in shown


def test_what_changes_arrives(fast: Site) -> None:
    """Joiner, mover, suspended, leaver, deleted: each by a few requests, whoever else is there."""
    state = fast.world.jumpcloud.state
    fast.join("fay")
    assert changes(run(fast)) == [("create", "fay")]
    joiner = traffic(fast)
    state.change("ann@example.com", lastname="Lee")
    assert changes(run(fast)) == [("patch", "ann")]
    mover = traffic(fast)
    state.suspend("bob@example.com")
    assert changes(run(fast)) == [("deactivate", "bob")]
    state.remove_member(GROUP, "cid@example.com")
    assert changes(run(fast)) == [("deactivate", "cid")]
    leaver = traffic(fast)
    state.delete("dora@example.com")
    assert changes(run(fast)) == [("deactivate", "dora")]
    state.add_member(GROUP, "cid@example.com")
    assert changes(run(fast)) == [("reactivate", "cid")]

    assert fast.active == {"ann", "cid", "emil", "fay"}
    assert (joiner, mover, leaver) == ((5, 8), (5, 2), (7, 3))
    run(fast)
    assert traffic(fast) == (1, 0)
    assert fast("plan", "--exit-code").status == 0


def test_many_changes_are_read_as_what_they_are(fast: Site) -> None:
    """In the cheaper way: one by one, or the whole directory; and a full run when most changed."""
    state = fast.world.jumpcloud.state
    fast.join(*(f"new{n:02}" for n in range(30)))
    done = run(fast)
    assert (done["mode"], len(changes(done))) == ("fast", 30)
    assert traffic(fast)[0] < 15
    fast.join(*(f"more{n:02}" for n in range(60)))
    done = run(fast)
    assert (done["mode"], len(changes(done))) == ("full", 60)
    state.change("more07@example.com", lastname="Seven")
    assert changes(run(fast)) == [("patch", "more07")]


def test_events_late_twice_in_disorder_and_of_the_future(fast: Site) -> None:
    """Are heeded once, when they come."""
    log, state = fast.world.jumpcloud.state.events, fast.world.jumpcloud.state
    log.lag = 120
    state.change("ann@example.com", lastname="Lee")
    assert changes(run(fast)) == []
    log.lag, log.repeated, log.shuffled = 0, True, True
    state.suspend("bob@example.com")
    assert changes(run(fast)) == [("patch", "ann"), ("deactivate", "bob")]
    log.repeated, log.shuffled, log.ahead = False, False, 3600
    state.suspend("cid@example.com")
    assert changes(run(fast)) == [("deactivate", "cid")]
    log.ahead = 0
    run(fast)

    assert traffic(fast) == (1, 0)


def test_a_missing_event_is_caught_by_the_next_full_run(fast: Site) -> None:
    """Which is why there are full runs."""
    log, state = fast.world.jumpcloud.state.events, fast.world.jumpcloud.state
    log.silent = True
    state.suspend("bob@example.com")
    log.silent = False
    assert changes(run(fast)) == []

    assert changes(fast("reconcile", "--json").run) == [("deactivate", "bob")]


def test_a_record_that_lags_behind_its_event_is_looked_at_again(fast: Site) -> None:
    """For two minutes; then a person who is as before is left alone."""
    world, state = fast.world, fast.world.jumpcloud.state
    group = state.group(GROUP).id
    stale = misfortunes.rewrite(
        lambda _: [{"type": "user_group", "id": group}], ("x-total-count", "1")
    )
    world.jumpcloud.faults.add(stale, path="/memberof")
    state.remove_member(GROUP, "cid@example.com")
    assert changes(run(fast)) == []

    assert changes(run(fast)) == [("deactivate", "cid")]
    run(fast)
    assert traffic(fast) == (1, 0)


def test_an_event_that_changes_nothing_is_looked_at_for_two_minutes(fast: Site) -> None:
    """An older one once."""
    log, state = fast.world.jumpcloud.state.events, fast.world.jumpcloud.state
    now = log.now
    log.now = lambda: now() - 180
    state.change("ann@example.com", password_expired=True)
    log.now = now
    run(fast)
    assert traffic(fast)[0] > 1
    run(fast)
    assert traffic(fast) == (1, 0)
    state.change("bob@example.com", password_expired=True)
    for _ in range(2):
        run(fast)
        assert traffic(fast)[0] > 1


@pytest.mark.parametrize(
    "fault", [misfortunes.fail(403), misfortunes.fail(500), misfortunes.page(200)]
)
def test_without_the_event_log_the_directory_is_compared(fast: Site, fault: object) -> None:
    """With what was decided last; the platform is asked for what differs only."""
    world, state = fast.world, fast.world.jumpcloud.state
    world.jumpcloud.faults.add(fault, path="/events", count=None)  # type: ignore[arg-type] # any
    done = run(fast)
    assert (done["mode"], done["outcome"], traffic(fast)[1]) == ("fast", "in_sync", 0)
    fast.join("fay")
    state.change("ann@example.com", lastname="Lee")
    state.remove_member(GROUP, "cid@example.com")

    done = run(fast)

    assert done["mode"] == "fast"
    assert changes(done) == [("create", "fay"), ("patch", "ann"), ("deactivate", "cid")]
    state.delete("dora@example.com")
    done = run(fast)
    assert (done["mode"], changes(done)) == ("fast", [("deactivate", "dora")])
    run(fast)
    assert traffic(fast)[1] == 0
    world.jumpcloud.faults.clear()
    done = run(fast)
    assert changes(done) == []
    assert traffic(fast)[1] == 0


@pytest.mark.parametrize("directory", [{"insights": "off"}, {"insights_url": None}])
def test_where_the_event_log_is_not_asked(site: Site, directory: Json) -> None:
    """It is switched off, or nobody knows where it is."""
    site.configure(directory=directory)
    site.join("ann")
    assert site("reconcile").status == 0
    site.join("bob")

    assert changes(run(site)) == [("create", "bob")]
    assert not [r for r in site.world.jumpcloud.faults.traffic.log if "/insights" in r.path]


def test_nobody_is_deactivated_because_a_list_leaves_him_out(fast: Site) -> None:
    """Only direct reads take access."""
    faults = fast.world.jumpcloud.faults
    fast.configure(directory={"insights": "off"})
    faults.add(misfortunes.empty_list(), path="/membership", count=None)

    result = fast("reconcile", "--fast", "--json")

    assert fast.active == set(MAILBOXES)
    assert changes(result.run) == []


def test_a_plan_beyond_a_limit_becomes_a_full_run_and_is_held(fast: Site) -> None:
    """And as long as it is held every run is a full one."""
    state = fast.world.jumpcloud.state
    state.remove_member(GROUP, "ann@example.com", "bob@example.com")
    first = fast("reconcile", "--fast", "--json")
    second = fast("reconcile", "--fast", "--json")

    assert (first.status, second.status) == (4, 4)
    assert (first.run["mode"], second.run["mode"]) == ("full", "full")
    assert fast.active == set(MAILBOXES)
    (held,) = fast.json("holds")["holds"]
    assert fast("approve", str(held["id"])).status == 0
    assert fast.active == {"cid", "dora", "emil"}
    run(fast)
    assert traffic(fast) == (1, 0)


def test_what_concerns_everybody_is_looked_at_in_full(fast: Site) -> None:
    """The first run, other settings, a group of the scope that changed; then it is fast again."""
    state = fast.world.jumpcloud.state
    fast.configure(users={"attributes": {"nickName": "firstname"}})
    done = fast("reconcile", "--fast", "--json").run
    assert (done["mode"], done["outcome"]) == ("full", "held")
    (held,) = fast.json("holds")["holds"]
    assert fast("approve", str(held["id"])).status == 0
    assert run(fast)["mode"] == "fast"
    group = state.group(GROUP)
    state.create_group("Others")
    assert run(fast)["mode"] == "fast"
    state.events.record("group_update", resource={"id": group.id, "type": "user_group"})
    assert run(fast)["mode"] == "full"
    run(fast)
    assert traffic(fast) == (1, 0)


def test_the_first_run_is_a_full_one(site: Site) -> None:
    site.join("ann")

    assert run(site)["mode"] == "full"
    assert run(site)["mode"] == "fast"


def test_a_run_that_failed_is_taken_up_by_the_next(fast: Site) -> None:
    """Events count as heeded only after success."""
    world, state = fast.world, fast.world.jumpcloud.state
    state.suspend("bob@example.com")
    world.platform.faults.add(misfortunes.fail(401), count=None)
    result = fast("reconcile", "--fast", "--json")
    assert (result.status, result.run["mode"]) == (6, "fast")
    world.platform.faults.clear()

    assert changes(run(fast)) == [("deactivate", "bob")]


def test_what_the_platform_refused_is_tried_again(fast: Site) -> None:
    """A person at once when somebody asks for it, without an event."""
    world = fast.world
    world.platform.faults.add(misfortunes.fail(400), method="POST", count=1)
    fast.join("fay")
    result = fast("reconcile", "--fast", "--json")
    assert (result.status, result.run["mode"]) == (3, "fast")

    done = run(fast)

    assert (done["mode"], changes(done)) == ("fast", [("create", "fay")])
    assert fast.json("escrow")["escrow"] == []


def test_taking_access_never_waits_its_turn(fast: Site) -> None:
    """The daemon tries a deactivation that was refused at its next fast run."""
    fast.world.platform.faults.add(misfortunes.fail(400), method="PATCH", count=2)
    fast.world.platform.faults.add(misfortunes.fail(400), method="PUT", count=1)
    fast.world.jumpcloud.state.suspend("bob@example.com")
    fast("reconcile", "--fast")
    assert "bob" in fast.active

    with fast.short_intervals():
        wait_for(lambda: "bob" not in fast.active)


def test_memberships_are_moved_person_by_person(site: Site) -> None:
    """Of others in the same group nothing is known, and nothing changes."""
    state = site.world.jumpcloud.state
    state.events.enabled = True
    site.configure(scope={"groups": [GROUP, "Sales"]}, groups={"enabled": True})
    site.join(*MAILBOXES)
    state.create_group("Sales", ["ann@example.com", "bob@example.com"])
    assert site("reconcile").status == 0

    state.remove_member("Sales", "bob@example.com")
    state.add_member("Sales", "cid@example.com")
    done = run(site)

    assert done["mode"] == "fast"
    (change,) = done["plan"]["changes"]
    assert (change["resource"], change["name"]) == ("Group", "Sales")
    assert change["members"] == {"add": ["cid@example.com"], "remove": ["bob@example.com"]}
    assert site("plan", "--exit-code").status == 0
    run(site)
    assert traffic(site) == (1, 0)


def test_an_application_decides_the_scope(site: Site) -> None:
    """Who is bound to it directly or by a group; another group bound to it is everybody's matter."""
    state = site.world.jumpcloud.state
    state.events.enabled = True
    site.join("ann", "bob")
    state.hire("cid@example.com")
    state.create_application("Awareness")
    state.bind("Awareness", groups=[GROUP])
    site.configure(scope={"groups": [], "application": "Awareness"})
    assert site("reconcile").status == 0

    state.bind("Awareness", users=["cid@example.com"])
    done = run(site)
    assert (done["mode"], changes(done)) == ("fast", [("create", "cid")])
    state.unbind("Awareness", users=["cid@example.com"])
    assert changes(run(site)) == [("deactivate", "cid")]
    state.create_group("More", ["cid@example.com"])
    state.bind("Awareness", groups=["More"])
    done = run(site)
    assert (done["mode"], changes(done)) == ("full", [("reactivate", "cid")])


def test_managers_are_referred_to(site: Site) -> None:
    """By those who change; a manager who has an account is no change of his."""
    state = site.world.jumpcloud.state
    state.events.enabled = True
    site.configure(users={"attributes": {MANAGER: {"reference": "manager"}}})
    site.join("ann", "bob")
    assert site("reconcile").status == 0
    ann = state.user("ann@example.com")

    site.join("fay", manager=ann.id)
    done = run(site)

    assert (done["mode"], changes(done)) == ("fast", [("create", "fay")])
    assert site("plan", "--exit-code").status == 0


def test_an_account_to_be_adopted_is_a_matter_of_a_full_run(fast: Site) -> None:
    """Whether it is nobody else's takes a look at everybody."""
    fast.world.platform.state.add_by_hand(userName="fay@example.com", active=True)
    fast.join("fay")

    done = run(fast)

    assert (done["mode"], changes(done)) == ("full", [("patch", "fay")])
    assert [f["kind"] for f in done["findings"]] == ["adopted"]


@pytest.mark.parametrize(
    "other", [("--user", "ann"), ("--group", GROUP), ("--rewrite",), ("--exceed-limits",)]
)
def test_what_does_not_go_together(fast: Site, other: tuple[str, ...]) -> None:
    result = fast("reconcile", "--fast", *other)

    assert result.status == 2
    assert f"--fast does not go with {other[0]}" in result.err


def test_the_daemon_is_fast_between_full_runs(fast: Site) -> None:
    """What JumpCloud changes arrives at once, what somebody changes on the platform later."""
    world, before = fast.world, len(fast.json("runs")["runs"])
    with fast.short_intervals():
        wait_for(lambda: len(fast.json("runs")["runs"]) > before + 1)
        world.platform.state.delete_by_hand(world.platform.account("emil@example.com")["id"])
        world.jumpcloud.state.suspend("bob@example.com")
        wait_for(lambda: "bob" not in fast.active)

    # The first run of a daemon looks at everybody.
    *later, first = fast.json("runs")["runs"][:-before]
    assert ({run["mode"] for run in later}, first["mode"]) == ({"fast"}, "full")
    assert fast.active == {"ann", "cid", "dora"}
    assert changes(fast("reconcile", "--json").run) == [("create", "emil")]


def test_the_daemon_runs_in_full_when_the_time_has_come(fast: Site) -> None:
    """By schedule.full_every."""
    world = fast.world
    fast.configure(schedule={"every": "10s", "full_every": "10s", "jitter": "0%"})
    world.platform.state.delete_by_hand(world.platform.account("emil@example.com")["id"])
    with fast.short_intervals():
        wait_for(lambda: "emil" in fast.active, seconds=30)


def test_a_fast_run_by_hand_becomes_full_when_the_time_has_come(fast: Site) -> None:
    """As the daemon's: cron may ask for fast runs only."""
    assert fast("reconcile", "--fast", "--json").run["mode"] == "fast"
    with closing(sqlite3.connect(fast.folder / "jcsync.db")) as store, store:
        store.execute("UPDATE baseline SET full_at = full_at - 7 * 3600 * 1000000")

    assert fast("reconcile", "--fast", "--json").run["mode"] == "full"
    assert fast("reconcile", "--fast", "--json").run["mode"] == "fast"


def test_groups_that_answer_404_are_not_believed_to_be_none(fast: Site) -> None:
    """The person is there, what he is bound to is not known: he keeps his access, and 6 tells."""
    world = fast.world
    world.jumpcloud.state.change("ann@example.com", lastname="Lee")
    world.jumpcloud.faults.add(misfortunes.fail(404), path="/memberof", count=None)

    fast("reconcile", "--fast")

    assert fast.active == set(MAILBOXES)


def test_what_a_run_about_one_person_did_is_known_to_the_next_fast_run(fast: Site) -> None:
    """Who comes, is provisioned by hand, and goes before the next run has no access after it."""
    state = fast.world.jumpcloud.state
    fast.join("fay")
    assert fast("reconcile", "--user", "fay@example.com").status == 0
    state.suspend("bob@example.com")
    assert fast("reconcile", "--user", "bob@example.com").status == 0
    state.remove_member(GROUP, "fay@example.com")
    state.unsuspend("bob@example.com")

    assert sorted(changes(run(fast))) == [("deactivate", "fay"), ("reactivate", "bob")]
    run(fast)
    assert traffic(fast) == (1, 0)


def test_what_a_run_did_before_it_ended_early_is_known_to_the_next(fast: Site) -> None:
    """Who got access by it, and left before the next run, has none after it."""
    world, state = fast.world, fast.world.jumpcloud.state
    fast.join("fay")
    state.change("ann@example.com", lastname="Lee")
    world.platform.faults.add(misfortunes.fail(401), method="PATCH", count=None)
    assert fast("reconcile", "--fast").status == 3
    assert "fay" in fast.active
    world.platform.faults.clear()
    state.remove_member(GROUP, "fay@example.com")

    assert changes(run(fast)) == [("patch", "ann"), ("deactivate", "fay")]


def test_a_name_that_is_freed_later_is_given(fast: Site) -> None:
    """Who waits for a name is looked at again as soon as anybody changes."""
    state = fast.world.jumpcloud.state
    state.events.silent = True
    bob = state.change("bob@example.com", email="robert@example.com")
    state.events.silent = False
    state.change("ann@example.com", email="bob@example.com")
    result = fast("reconcile", "--fast", "--json")
    assert [f["kind"] for f in result.run["findings"]] == ["conflict"]
    state.events.record("user_update", resource={"id": bob.id, "type": "user"})

    run(fast)

    assert fast.names == ["bob", "cid", "dora", "emil", "robert"]
    run(fast)
    assert traffic(fast) == (1, 0)


def test_nobody_loses_a_membership_because_a_list_leaves_him_out(site: Site) -> None:
    """Without the event log, too, each loss is asked for directly."""
    state = site.world.jumpcloud.state
    site.configure(
        directory={"insights": "off"},
        scope={"groups": [GROUP, "Sales"]},
        groups={"enabled": True},
    )
    site.join(*MAILBOXES)
    state.create_group("Sales", ["ann@example.com", "bob@example.com"])
    assert site("reconcile").status == 0
    sales = state.group("Sales").id
    site.world.jumpcloud.faults.add(
        misfortunes.rewrite(lambda rows: rows[:1], ("x-total-count", "1")),
        path=f"/usergroups/{sales}/membership",
        count=None,
    )

    result = site("reconcile", "--fast", "--json")

    assert (result.status, result.run["mode"], result.run["plan"]["changes"]) == (6, "full", [])


def test_a_group_that_is_gone_is_made_anew_with_everybody(site: Site) -> None:
    """Somebody deleted it on the platform: a matter of all its members, not of the one who changed."""
    state = site.world.jumpcloud.state
    state.events.enabled = True
    site.configure(groups={"enabled": True})
    site.join(*MAILBOXES)
    assert site("reconcile").status == 0
    (group,) = site.world.platform.groups()
    site.world.platform.state.delete_by_hand(group["id"])
    site.join("fay")

    done = run(site)

    (made,) = site.world.platform.groups()
    assert (done["mode"], len(made["members"])) == ("full", 6)


def test_a_full_run_of_the_future_counts_as_none(fast: Site) -> None:
    """A clock that was put back does not put the next full run off."""
    url = load_settings(fast.config, {}, fast.folder).settings.store.url.get_secret_value()
    with open_store(url, SystemClock()) as store:
        baseline = store.baseline("demo")
        assert baseline is not None
        ahead = replace(baseline, full_at=baseline.full_at + timedelta(days=400))
        store.record_baseline("demo", ahead, {})

    assert run(fast)["mode"] == "full"
    assert run(fast)["mode"] == "fast"
