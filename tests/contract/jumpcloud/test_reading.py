"""Reading the scope from the embedded JumpCloud."""

from collections import Counter
from threading import Event
from urllib.parse import parse_qs

import pytest

from jcsync.errors import (
    RejectedError,
    SettingsError,
    TransientError,
    UnauthorizedError,
    UnreadableError,
)
from jcsync.jumpcloud import users as module
from jcsync.model.directory import UserState
from jcsync.model.rules import GroupSelector, Scope
from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Answer, Exchange, Fault
from jcsync.sandbox.world import DirectorySide
from jcsync.sandbox.wsgi import json_reply
from tests.contract.jumpcloud.conftest import Connect

SALES = Scope(groups=(GroupSelector(name="Sales"),))


def staff(side: DirectorySide, number: int, *groups: str) -> list[str]:
    """Hire people into groups and return their ids."""
    for group in groups:
        side.state.create_group(group)
    return [side.state.hire(f"p{n}.x@example.com", groups=groups).id for n in range(number)]


# --- what is asked


def test_every_list_is_asked_as_documented(side: DirectorySide, connect: Connect) -> None:
    """Limit and skip always; sort and fields where the route takes them, in its own grammar."""
    people = staff(side, 120, "Sales")
    state = connect().fetch_state(SALES)
    assert state.complete
    assert state.users.keys() == set(people)
    assert state.members[state.groups[0].id].user_ids == set(people)
    for asked in side.faults.traffic.log:
        query = parse_qs(asked.query)
        assert query["limit"] == ["100"], asked
        assert query["skip"][0] in {"0", "100"}, asked
        if asked.path == "/api/systemusers":
            assert query["sort"] == ["_id"]
            fields = query["fields"][0].split(" ")
            assert {"_id", "email", "state", "suspended", "attributes"} <= set(fields)
            assert not {"recoveryEmail", "ssh_keys", "totp_enabled"} & set(fields)
        elif asked.path == "/api/v2/usergroups":
            assert query["sort"] == ["name"]
        else:
            assert "sort" not in query
            assert "fields" not in query
    assert side.faults.traffic.counts == Counter(
        {
            ("GET", "/api/v2/usergroups"): 1,
            ("GET", "/api/v2/usergroups/{id}/membership"): 2,
            ("GET", "/api/systemusers"): 2,
        }
    )


@pytest.mark.parametrize(("page_size", "limits"), [(30, {"30"}), (1000, {"100", "1000"})])
def test_page_size_is_bounded_by_what_the_routes_take(
    side: DirectorySide, connect: Connect, page_size: int, limits: set[str]
) -> None:
    """Only the list of users may take more than 100; where it does not, 100 are asked for."""
    people = staff(side, 120, "Sales")
    client = connect(page_size=page_size)
    assert client.answers == {}
    assert client.fetch_state(SALES).users.keys() == set(people)
    assert {parse_qs(asked.query)["limit"][0] for asked in side.faults.traffic.log} == limits
    assert client.fetch_state(SALES).complete


def test_refused_list_of_users_is_an_error(side: DirectorySide, connect: Connect) -> None:
    """A page of 100 that is refused is not asked for again."""
    staff(side, 2, "Sales")
    side.faults.add(misfortunes.fail(400), path="systemusers", count=None)
    with pytest.raises(RejectedError):
        connect().fetch_state(SALES)


def test_few_members_of_many_users_are_read_singly(side: DirectorySide, connect: Connect) -> None:
    """Two GETs are cheaper than four pages."""
    staff(side, 350)
    people = staff(side, 0, "Sales") or [
        side.state.hire(f"{name}@example.com", groups=["Sales"]).id for name in ("ann", "bob")
    ]
    state = connect().fetch_state(SALES)
    assert state.users.keys() == set(people)
    counts = side.faults.traffic.counts
    assert counts["GET", "/api/systemusers"] == 1
    assert counts["GET", "/api/systemusers/{id}"] == 2


def test_users_are_listed_while_members_are_read(side: DirectorySide, connect: Connect) -> None:
    """As soon as the members seen are enough, not only after the last of them."""
    people = staff(side, 250, "All", "Late")
    late = next(g.id for g in connect().fetch_groups() if g.name == "Late")
    is_first_read, is_begun = Event(), Event()
    in_time: list[bool] = []

    def tell(event: Event) -> Fault:
        def fault(exchange: Exchange) -> Answer:
            answer = exchange.pass_on()
            event.set()
            return answer

        return fault

    def wait_for(event: Event) -> Fault:
        def fault(exchange: Exchange) -> Answer:
            in_time.append(event.wait(3))
            return exchange.pass_on()

        return fault

    side.faults.add(tell(is_first_read), path="systemusers.*skip=0")
    side.faults.add(wait_for(is_first_read), path="membership.*skip=0", nth=1)
    side.faults.add(tell(is_begun), path="systemusers.*skip=100")
    side.faults.add(wait_for(is_begun), path=f"{late}/membership.*skip=100")
    scope = Scope(groups=(GroupSelector(name="All"), GroupSelector(name="Late")))

    assert connect().fetch_state(scope).users.keys() == set(people)
    assert in_time == [True, True]


def test_nobody_in_scope_needs_one_page_of_users(side: DirectorySide, connect: Connect) -> None:
    """An empty group is read as such; the page was read meanwhile."""
    staff(side, 300)
    side.state.create_group("Sales")
    state = connect().fetch_state(SALES)
    assert (state.complete, state.users) == (True, {})
    assert side.faults.traffic.counts["GET", "/api/systemusers"] == 1


def test_ids_are_percent_encoded(side: DirectorySide, connect: Connect) -> None:
    """Whatever an id holds, it stays one segment of the path."""
    assert connect().fetch_user("../users?x=1#y/z") is None
    (asked,) = side.faults.traffic.log
    assert asked.query.startswith("fields=")
    assert asked.path == "/api/systemusers/../users?x=1#y/z"


# --- members


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (misfortunes.fail(404), "is gone (404)"),
        (misfortunes.page(404, "Not Found"), "not as an API does"),
        (misfortunes.fail(403), "does not permit"),
        (misfortunes.fail(400), "rejected"),
        (misfortunes.fail(503), "failed (503)"),
        (misfortunes.page(200, "Log in"), "HTML instead of JSON"),
        (misfortunes.login(), "redirects to /login"),
        (misfortunes.cut_json(), "broken JSON"),
        (misfortunes.truncate(), "broke off its answer"),
        (misfortunes.answer(json_reply({"message": "odd"})), "no list"),
        (misfortunes.answer(json_reply(None)), "no list"),
        (misfortunes.no_total(), "gives no total"),
        (misfortunes.wrong_total(3), "counts 3"),
        (misfortunes.drop_rows(), "counts 2"),
        (misfortunes.repeat_rows(), "counts 2"),
    ],
)
def test_membership_that_cannot_be_read_is_a_gap(
    side: DirectorySide, connect: Connect, fault: Fault, words: str
) -> None:
    """A group is never believed to be empty because its members cannot be read."""
    staff(side, 2, "Sales")
    side.faults.add(fault, path="/membership", count=None)
    state = connect().fetch_state(SALES)
    assert words in state.members[state.groups[0].id].gap
    assert 'members of "Sales"' in state.gaps[0] or 'group "Sales"' in state.gaps[0]


def test_refused_key_ends_the_reading(side: DirectorySide, connect: Connect) -> None:
    """401 in the middle is no gap: nothing more can be read."""
    staff(side, 2, "Sales")
    side.faults.add(misfortunes.fail(401), path="/membership")
    with pytest.raises(UnauthorizedError, match="Check the key"):
        connect().fetch_state(SALES)


def test_broken_rule_of_a_dynamic_group_is_a_gap(side: DirectorySide, connect: Connect) -> None:
    """Its members are known, and not complete."""
    person = side.state.hire("ann@example.com")
    side.state.create_group(
        "Sales", [person.id], method="DYNAMIC_AUTOMATED", error_flags=("CYCLE",)
    )
    state = connect().fetch_state(SALES)
    assert state.groups[0].dynamic
    assert state.members[state.groups[0].id].user_ids == {person.id}
    assert state.gaps == ('the rule of the dynamic group "Sales" is broken (CYCLE)',)


def test_passing_failures_leave_no_trace(side: DirectorySide, connect: Connect) -> None:
    """429, 5xx and lost connections once each: the reading is complete all the same."""
    people = staff(side, 120, "Sales")
    for path, fault in {
        "usergroups\\?": misfortunes.throttle(0),
        "skip=0.*sort=_id": misfortunes.fail(500),
        "skip=100.*sort=_id": misfortunes.page(502),
        "membership.*skip=0": misfortunes.close(),
        "membership.*skip=100": misfortunes.close(reset=True),
    }.items():
        side.faults.add(fault, path=path)
    client = connect()
    state = client.fetch_state(SALES)
    assert state.complete
    assert state.users.keys() == set(people)
    assert client.retries == 5
    assert client.requests == sum(client.answers.values()) == 10


# --- users


def test_states_and_oddities_are_read(side: DirectorySide, connect: Connect) -> None:
    """Every state as JumpCloud has it."""
    side.state.create_group("Sales")
    side.state.hire("active@example.com", groups=["Sales"])
    side.state.hire("staged@example.com", groups=["Sales"], state="STAGED")
    side.state.suspend(side.state.hire("gone@example.com", groups=["Sales"]).id)
    states = {u.email: u.state for u in connect().fetch_state(SALES).users.values()}
    assert states == {
        "active@example.com": UserState.ACTIVATED,
        "staged@example.com": UserState.STAGED,
        "gone@example.com": UserState.SUSPENDED,
    }


def test_dangling_member_is_asked_for_and_then_a_gap(side: DirectorySide, connect: Connect) -> None:
    """A member without a user record is no proof that he left."""
    people = staff(side, 3, "Sales")
    side.state.delete(people[0], dangling=True)
    state = connect().fetch_state(SALES)
    assert state.gaps == (f"JumpCloud has no user record of 1 member ({people[0]})",)
    assert state.users.keys() == set(people[1:])
    assert side.faults.traffic.counts["GET", "/api/systemusers/{id}"] == 1


def test_user_missing_from_the_list_is_read_directly(side: DirectorySide, connect: Connect) -> None:
    """The list may lose a row; the user is found, and the loss is still told."""
    people = staff(side, 3, "Sales")
    side.faults.add(misfortunes.drop_rows(), path="systemusers\\?", count=None)
    state = connect().fetch_state(SALES)
    assert state.users.keys() == set(people)
    assert state.gaps == ("JumpCloud counts 3 users but lists 2",)


def test_user_record_that_cannot_be_read_stops_nobody_else(
    side: DirectorySide, connect: Connect
) -> None:
    """One record fails again and again: a gap that names him."""
    people = staff(side, 3, "Sales")
    side.faults.add(misfortunes.drop_rows(), path="systemusers\\?", count=None)
    side.faults.add(misfortunes.fail(500), path=f"systemusers/{people[2]}", count=None)
    state = connect().fetch_state(SALES)
    assert state.users.keys() == set(people[:2])
    assert f"the user records of 1 member ({people[2]}) cannot be read" in state.gaps[1]
    assert "failed (500)" in state.gaps[1]


def test_outage_while_users_are_read_singly_ends_the_reading(
    side: DirectorySide, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of members are not tried one after another when nothing is answered."""
    monkeypatch.setattr(module, "_PATIENCE", 2)
    staff(side, 40, "Sales")
    side.faults.add(misfortunes.empty_list(), path="systemusers\\?", count=None)
    side.faults.add(misfortunes.fail(500), path="systemusers/", count=None)
    with pytest.raises(TransientError):
        connect().fetch_state(SALES)


def test_user_route_that_answers_nobody_is_unreadable(
    side: DirectorySide, connect: Connect
) -> None:
    """200 without a user is neither a user nor a 404."""
    side.faults.add(misfortunes.answer(json_reply({"ok": True})), path="systemusers/", count=None)
    with pytest.raises(UnreadableError, match="no user"):
        connect().fetch_user("a" * 24)


def test_page_of_a_proxy_does_not_delete_a_user(side: DirectorySide, connect: Connect) -> None:
    """A 404 that is a web page is not JumpCloud's."""
    side.faults.add(misfortunes.page(404, "Not Found"), path="systemusers/", count=None)
    with pytest.raises(UnreadableError, match="not as an API does"):
        connect().fetch_user("a" * 24)


# --- groups and applications


def test_unknown_and_ambiguous_groups(side: DirectorySide, connect: Connect) -> None:
    """A settings error that names what is near."""
    staff(side, 0, "Sales Team", "Twin", "Twin")
    scope = Scope(groups=(GroupSelector(name="Sales Taem"), GroupSelector(name="Twin")))
    with pytest.raises(SettingsError, match=r"did you mean 'Sales Team'.*2 groups are called"):
        connect().fetch_state(scope)


def test_group_missing_from_an_incomplete_list_is_no_settings_error(
    side: DirectorySide, connect: Connect
) -> None:
    """JumpCloud failed, not the operator."""
    staff(side, 0, "Ops", "Sales")
    side.faults.add(misfortunes.drop_rows(), path="usergroups\\?", count=None)
    with pytest.raises(UnreadableError, match=r"counts 2 groups but lists 1, so.*'Sales'"):
        connect().fetch_state(SALES)


def test_group_that_may_be_an_empty_row_is_no_settings_error(
    side: DirectorySide, connect: Connect
) -> None:
    """The list is complete, as far as empty rows can be counted."""
    staff(side, 0, "Ops", "Sales")
    side.faults.add(
        misfortunes.rewrite(lambda rows: [*rows[:-1], None]), path="usergroups\\?", count=None
    )
    with pytest.raises(UnreadableError, match=r"1 rows of the list are empty.*'Sales'"):
        connect().fetch_state(SALES)


@pytest.mark.parametrize("by_id", [False, True])
def test_application_with_groups_and_direct_users(
    side: DirectorySide, connect: Connect, *, by_id: bool
) -> None:
    """Every group bound to it, and the users bound without a group."""
    people = staff(side, 2, "Sales")
    direct = side.state.hire("direct@example.com").id
    side.state.create_group("Unrelated", [side.state.hire("x@example.com").id])
    application = side.state.create_application("Keepnet")
    side.state.create_application("Other")
    side.state.bind("Keepnet", groups=["Sales"], users=[direct])
    state = connect().fetch_state(Scope(application=application.id if by_id else "Keepnet"))
    assert state.complete
    assert [group.name for group in state.groups] == ["Sales"]
    assert state.direct.user_ids == {direct}
    assert state.member_ids() == state.users.keys() == {*people, direct}
    targets = [a.query for a in side.faults.traffic.log if a.path.endswith("/associations")]
    assert "targets=user" in targets[0].split("&")


def test_gaps_of_the_application_are_told(side: DirectorySide, connect: Connect) -> None:
    """Groups or users of the application without a total."""
    staff(side, 1, "Sales")
    side.state.create_application("Keepnet")
    side.state.bind("Keepnet", groups=["Sales"])
    side.faults.add(misfortunes.no_total(), path="/applications/", count=None)
    gaps = connect().fetch_state(Scope(application="Keepnet")).gaps
    assert "no total for the groups of the application" in gaps[0]
    assert "no total for the users of the application" in gaps[1]


def test_bound_group_that_the_list_does_not_show(side: DirectorySide, connect: Connect) -> None:
    """It is asked for directly, so that it keeps its name."""
    people = staff(side, 1, "Sales")
    side.state.create_application("Keepnet")
    side.state.bind("Keepnet", groups=["Sales"])
    side.faults.add(misfortunes.empty_list(), path="/v2/usergroups\\?", count=None)
    state = connect().fetch_state(Scope(application="Keepnet"))
    assert [g.name for g in state.groups] == ["Sales"]
    assert state.users.keys() == set(people)


def test_bound_group_that_is_gone_is_a_gap(side: DirectorySide, connect: Connect) -> None:
    """Whoever was in it loses nothing for that."""
    staff(side, 1, "Sales")
    side.state.create_application("Keepnet")
    side.state.bind("Keepnet", groups=["Sales"])
    side.faults.add(misfortunes.empty_list(), path="/v2/usergroups\\?", count=None)
    side.faults.add(misfortunes.fail(404), path="/v2/usergroups/[0-9a-f]+$", count=None)
    state = connect().fetch_state(Scope(application="Keepnet"))
    assert state.groups == ()
    assert any("cannot be read" in gap for gap in state.gaps)


def test_unknown_and_ambiguous_applications(side: DirectorySide, connect: Connect) -> None:
    """Named with what is near, or with their ids."""
    ids = [side.state.create_application("Twin").id for _ in range(2)]
    with pytest.raises(SettingsError, match=rf"2 applications are called 'Twin'.*{ids[0]}"):
        connect().fetch_state(Scope(application="Twin"))
    with pytest.raises(SettingsError, match=r"unknown application 'Twim'.*did you mean 'Twin'"):
        connect().fetch_state(Scope(application="Twim"))
    side.faults.add(misfortunes.drop_rows(2), path="/api/applications", count=None)
    with pytest.raises(UnreadableError, match="counts 2 applications but lists 0"):
        connect().fetch_state(Scope(application="Twin"))


def test_groups_and_their_sizes(side: DirectorySide, connect: Connect) -> None:
    """Ordered by name; a size costs one row, or the list where there is no total."""
    staff(side, 3, "Zeta", "Alpha")
    client = connect()
    groups = client.fetch_groups()
    assert [group.name for group in groups] == ["Alpha", "Zeta"]
    assert client.fetch_member_count(groups[0].id) == 3
    assert parse_qs(side.faults.traffic.log[-1].query)["limit"] == ["1"]
    side.state.quirks.totals = False
    assert client.fetch_member_count(groups[0].id) == 3


# --- evidence


def test_evidence_is_asked_for_directly(side: DirectorySide, connect: Connect) -> None:
    """The user, his groups, and whether he is bound to the application."""
    (person,) = staff(side, 1, "Sales")
    side.state.create_application("Keepnet")
    scope = Scope(application="Keepnet")
    client = connect()
    evidence = client.fetch_evidence(person, scope)
    assert evidence.user is not None
    assert evidence.group_ids == {side.state.group("Sales").id}
    assert not evidence.bound
    side.state.bind("Keepnet", users=[person])
    assert client.fetch_evidence(person, scope).bound
    assert not client.fetch_evidence(person, SALES).bound
    assert side.faults.traffic.counts["GET", "/api/applications"] == 1
    side.state.delete(person)
    assert client.fetch_evidence(person, scope).user is None


def test_evidence_in_doubt_takes_nothing(side: DirectorySide, connect: Connect) -> None:
    """Groups that cannot be read in full are an error; an application in doubt counts as bound."""
    (person,) = staff(side, 1, "Sales")
    side.state.create_application("Keepnet")
    side.faults.add(misfortunes.no_total(), path=f"users/{person}/applications", count=None)
    assert connect().fetch_evidence(person, Scope(application="Keepnet")).bound
    side.faults.add(misfortunes.no_total(), path="memberof", count=None)
    with pytest.raises(UnreadableError, match="groups of p0"):
        connect().fetch_evidence(person, SALES)


def test_user_who_goes_between_two_questions(side: DirectorySide, connect: Connect) -> None:
    """404 on his groups: he is asked for once more; who is there is in groups that nobody knows."""
    (person,) = staff(side, 1, "Sales")
    side.faults.add(misfortunes.fail(404), path="memberof")
    with pytest.raises(UnreadableError, match="what p0"):
        connect().fetch_evidence(person, SALES)
    side.faults.add(misfortunes.fail(404), path="memberof")
    side.faults.add(misfortunes.fail(404), path=f"systemusers/{person}", nth=2)
    assert connect().fetch_evidence(person, SALES).user is None


def test_pages_and_groups_are_read_at_once(side: DirectorySide, connect: Connect) -> None:
    """As many requests under way as the settings allow, never more."""
    staff(side, 450, *(f"G{n}" for n in range(4)))
    side.faults.latency = 0.02
    scope = Scope(groups=tuple(GroupSelector(name=f"G{n}") for n in range(4)))
    client = connect(concurrency=4)
    assert client.fetch_state(scope).complete
    assert 2 <= side.faults.traffic.max_in_flight <= 4


# --- some people instead of everybody


def test_people_are_read_without_lists(side: DirectorySide, connect: Connect) -> None:
    """Their records and groups, those of the people whom they refer to, and nobody else's."""
    ids = staff(side, 120, "Sales")
    side.state.create_group("Admins", ids[:2])
    side.state.users[ids[0]].manager = ids[5]
    scope = Scope(groups=(GroupSelector(name="Sales"), GroupSelector(name="Admins")))
    gone = "f" * 24

    client = connect()
    state = client.fetch_people(
        {ids[0], gone, "no-object-id"}, scope, follow=lambda user: {user.manager} - {""}
    )

    members = {group.name: state.members[group.id].user_ids for group in state.groups}
    assert members == {"Admins": {ids[0]}, "Sales": {ids[0], ids[5]}}
    assert state.users.keys() == {ids[0], ids[5]}
    assert (state.complete, state.asked) == (True, {ids[0], gone, "no-object-id"})
    assert side.faults.traffic.counts == Counter(
        {
            ("GET", "/api/v2/usergroups"): 1,
            ("GET", "/api/systemusers/{id}"): 3,
            ("GET", "/api/v2/users/{id}/memberof"): 2,
        }
    )


def test_bindings_of_people_to_the_application(side: DirectorySide, connect: Connect) -> None:
    """Direct ones, and those by a group, without reading who else is bound."""
    ids = staff(side, 5, "Sales")
    direct = side.state.hire("direct@example.com").id
    nobody = side.state.hire("nobody@example.com").id
    side.state.create_application("Portal")
    side.state.bind("Portal", groups=["Sales"], users=["direct@example.com"])

    state = connect().fetch_people({ids[0], direct, nobody}, Scope(application="Portal"))

    (group,) = state.groups
    assert state.members[group.id].user_ids == {ids[0]}
    assert state.direct.user_ids == {direct}
    assert ("GET", "/api/v2/applications/{id}/associations") not in side.faults.traffic.counts


def test_person_who_cannot_be_read_is_a_gap(side: DirectorySide, connect: Connect) -> None:
    """The others are read; a key that is refused ends everything."""
    ids = staff(side, 3, "Sales")
    side.faults.add(misfortunes.fail(400), path=f"users/{ids[0]}/memberof", count=None)

    state = connect().fetch_people(set(ids), SALES)

    assert ids[0] in state.gaps[0]
    assert state.users.keys() == set(ids[1:])

    side.api.revoke_key(side.api_key)
    with pytest.raises(UnauthorizedError):
        connect().fetch_people(set(ids), SALES)


@pytest.mark.parametrize("who", ["Mixed.Case@Example.com", "mixed.case@example.com", "MIXED.CASE"])
def test_person_is_found_in_any_spelling(side: DirectorySide, connect: Connect, who: str) -> None:
    """By filters, else by a search; never by reading everybody."""
    staff(side, 250, "Sales")
    person = side.state.hire("Mixed.Case@Example.com", username="Mixed.Case")
    side.faults.traffic.clear()

    found = connect().find_people(who)

    assert [user.id for user in found] == [person.id]
    assert side.faults.traffic.total <= 5
