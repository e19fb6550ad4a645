"""Answers as JumpCloud documents them, word by word, under its own address.

The embedded JumpCloud is ours: a misunderstanding would be in it and in the client alike. These
answers are JumpCloud's, and that of a request that the client does not make is an error.

Source:
    JumpCloud API 1.0 and 2.0, "List User Groups", "List the members of a User Group", "List all
    system users", "List all Users bound to Application"; its list of error codes.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import responses
from responses.matchers import query_param_matcher

from jcsync.errors import ThrottledError, UnauthorizedError, UnreadableError
from jcsync.jumpcloud.auth import ApiKey
from jcsync.jumpcloud.client import JumpCloud
from jcsync.model.directory import DirectoryState, UserState
from jcsync.model.rules import GroupSelector, Scope
from jcsync.transport.retry import RetryPolicy
from tests.contract.transport.server import HASTY, transport_to

HOST = "https://console.jumpcloud.com"
ENG, ANN, BOB = "5f0000000000000000000004", "5c8600000000000000000014", "5c8600000000000000000015"
SCOPE = Scope(groups=(GroupSelector(name="Engineering"),))
GROUP: dict[str, Any] = {
    "id": ENG,
    "type": "user_group",
    "name": "Engineering",
    "description": "",
    "email": "eng@example.com",
    "attributes": {
        "ldapGroups": [{"name": "Engineering"}],
        "posixGroups": [{"id": 1001, "name": "eng"}],
        "sambaEnabled": False,
        "sudo": {"enabled": False, "withoutPassword": False},
        "radius": {"reply": []},
    },
    "membershipMethod": "STATIC",
    "memberQuery": None,
    "memberQueryExemptions": [],
    "memberQueryErrorFlags": [],
    "memberSuggestionsNotify": False,
    "suggestionCounts": {"add": 0, "remove": 0, "total": 0},
    "organizationObjectId": "5a2a00000000000000000001",
}
USER: dict[str, Any] = {
    "_id": ANN,
    "id": ANN,
    "username": "ann",
    "email": "ann@example.com",
    "alternateEmail": None,
    "firstname": "Ann",
    "middlename": "",
    "lastname": "Lee",
    "displayname": "",
    "jobTitle": "Engineer",
    "department": "R&D",
    "costCenter": "",
    "company": "Example",
    "location": "",
    "description": "",
    "employeeIdentifier": "7",
    "employeeType": "",
    "manager": None,
    "created": "2026-01-02T03:04:05.678Z",
    "state": "ACTIVATED",
    "suspended": False,
    "activated": True,
    "account_locked": False,
    "account_locked_date": None,
    "password_expired": False,
    "phoneNumbers": [{"id": "5f", "type": "work", "number": "+1 555 0100"}],
    "addresses": [{"id": "60", "type": "work", "locality": "Oslo", "country": "NO", "poBox": ""}],
    "attributes": [{"_id": "61", "name": "badge", "value": "B-7"}],
    "mfa": {"configured": False, "exclusion": False},
    "systemUsername": "",
    "associatedTagCount": 0,
}


def edge(user_id: str) -> dict[str, Any]:
    """A ``GraphObjectWithPaths``."""
    hop = {
        "from": {"type": "user_group", "id": ENG, "attributes": None},
        "to": {"type": "user", "id": user_id, "attributes": None},
    }
    return {"type": "user", "id": user_id, "paths": [[hop]], "compiledAttributes": {}}


@pytest.fixture
def answers() -> Iterator[responses.RequestsMock]:
    """Answers to be registered; each of them must be asked for."""
    with responses.RequestsMock() as answers:
        yield answers


def fetch(policy: RetryPolicy = HASTY) -> DirectoryState:
    accept = {"Accept": "application/json"}
    with transport_to(HOST, name="JumpCloud", authorization=accept, policy=policy) as to:
        client = JumpCloud(to, ApiKey("jca_key"))
        try:
            return client.fetch_state(SCOPE)
        finally:
            client.close()


def groups(answers: responses.RequestsMock, **changed: Any) -> None:
    answers.get(
        f"{HOST}/api/v2/usergroups",
        json=[{**GROUP, **changed}],
        headers={"x-total-count": "1"},
        match=[query_param_matcher({"limit": "100", "skip": "0", "sort": "name"})],
    )


def members(answers: responses.RequestsMock, *rows: Any, total: int | None = None) -> None:
    answers.get(
        f"{HOST}/api/v2/usergroups/{ENG}/membership",
        json=list(rows),
        headers={"x-total-count": str(len(rows) if total is None else total)},
        match=[query_param_matcher({"limit": "100", "skip": "0"})],
    )


def users(answers: responses.RequestsMock, *rows: Any) -> None:
    answers.get(
        f"{HOST}/api/systemusers",
        json={"totalCount": len(rows), "results": list(rows)},
        match=[
            query_param_matcher({"limit": "100", "skip": "0", "sort": "_id"}, strict_match=False)
        ],
    )


def test_scope_is_read_as_documented(answers: responses.RequestsMock) -> None:
    """A group, its members, and their records, with every field that is taken over."""
    groups(answers)
    members(answers, edge(ANN))
    users(answers, USER)

    state = fetch()

    assert state.complete
    assert [(g.id, g.name, g.dynamic) for g in state.groups] == [(ENG, "Engineering", False)]
    assert state.members[ENG].user_ids == {ANN}
    ann = state.users[ANN]
    assert (ann.username, ann.email, ann.state) == ("ann", "ann@example.com", UserState.ACTIVATED)
    assert (ann.firstname, ann.jobTitle, ann.department) == ("Ann", "Engineer", "R&D")
    assert {call.request.headers["x-api-key"] for call in answers.calls} == {"jca_key"}


def test_null_association_is_nobody(answers: responses.RequestsMock) -> None:
    """JumpCloud confirmed rows that are null: they count, and the total tells that none lacks."""
    groups(answers)
    members(answers, edge(ANN), None)
    users(answers, USER)

    state = fetch()

    assert state.complete
    assert state.members[ENG].user_ids == {ANN}


def test_short_page_is_not_the_last_one(answers: responses.RequestsMock) -> None:
    """A page of fewer rows than the total says leaves somebody unread."""
    groups(answers)
    members(answers, edge(ANN), total=2)
    users(answers, USER, {**USER, "_id": BOB, "id": BOB, "username": "bob"})
    answers.get(
        f"{HOST}/api/v2/usergroups/{ENG}/membership", json=[], headers={"x-total-count": "2"}
    )

    assert not fetch().complete


@pytest.mark.parametrize("flag", ["CYCLE", "INVALID_GROUP_REFERENCE"])
def test_error_flags_of_a_dynamic_group_are_kept(
    answers: responses.RequestsMock, flag: str
) -> None:
    groups(answers, membershipMethod="DYNAMIC_AUTOMATED", memberQueryErrorFlags=[flag])
    members(answers, edge(ANN))
    users(answers, USER)

    (group,) = fetch().groups

    assert (group.dynamic, group.error_flags) == (True, (flag,))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"state": "STAGED", "activated": False}, UserState.STAGED),
        ({"state": "SUSPENDED", "suspended": True}, UserState.SUSPENDED),
        ({"suspended": True}, UserState.SUSPENDED),
        ({"activated": False}, UserState.ACTIVATED),
        ({"account_locked": True}, UserState.ACTIVATED),
        ({"state": ""}, UserState.ACTIVATED),
    ],
)
def test_states_are_read_as_documented(
    answers: responses.RequestsMock, record: dict[str, Any], expected: UserState
) -> None:
    """A password that was never set, and a lockout for failed logins, are no suspension."""
    groups(answers)
    members(answers, edge(ANN))
    users(answers, {**USER, **record})

    assert fetch().users[ANN].state is expected


def test_wrong_key_is_told_in_the_words_of_jumpcloud(answers: responses.RequestsMock) -> None:
    answers.get(
        f"{HOST}/api/v2/usergroups",
        status=401,
        json={"error": "Unauthorized", "message": "Unauthorized: api key user not found"},
    )
    with pytest.raises(UnauthorizedError, match="api key user not found"):
        fetch()


def test_request_without_a_key_is_not_followed_to_the_login(
    answers: responses.RequestsMock,
) -> None:
    """The page there is HTML, and answered with 200."""
    answers.get(f"{HOST}/api/v2/usergroups", status=302, headers={"Location": "/login"})
    with pytest.raises(UnreadableError, match="redirects to /login"):
        fetch()


def test_login_page_in_place_of_json_is_no_empty_list(answers: responses.RequestsMock) -> None:
    page = "<!DOCTYPE html><html><title>JumpCloud Login</title></html>"
    answers.get(f"{HOST}/api/v2/usergroups", body=page, content_type="text/html; charset=utf-8")
    with pytest.raises(UnreadableError, match=r"HTML.*JumpCloud Login"):
        fetch()


def test_throttled_without_a_word_on_how_long(answers: responses.RequestsMock) -> None:
    """JumpCloud publishes no limit and sends no ``Retry-After``: the call is repeated."""
    answers.get(f"{HOST}/api/v2/usergroups", status=429, json={"message": "Too Many Requests"})
    groups(answers)
    members(answers, edge(ANN))
    users(answers, USER)

    assert fetch().complete
    assert len(answers.calls) == 4


def test_throttled_for_good_is_an_error(answers: responses.RequestsMock) -> None:
    answers.get(f"{HOST}/api/v2/usergroups", status=429, json={"message": "Too Many Requests"})
    with pytest.raises(ThrottledError, match="asks to slow down"):
        fetch(replace(HASTY, budget_s=0.5))
