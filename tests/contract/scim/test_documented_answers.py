"""Answers as the SCIM standard prints them, word by word, under the address of Keepnet.

The embedded platforms are ours or libraries'; these answers are the standard's own examples, and
that of a request that the client does not make is an error.

Source:
    RFC 7644, sections 3.3 (create), 3.4.2 (lists), 3.5.2 (patch), 3.12 (errors); RFC 7643,
    sections 8.1 and 8.4 (a user, a group).
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import responses

from jcsync.errors import ConflictError, RejectedError, UnauthorizedError
from jcsync.model.plan import AttributeChange
from jcsync.scim.client import ScimProvider
from tests.contract.scim.conftest import TOKEN, build

BASE = "https://scim-api.keepnetlabs.com/scim"
BABS = "2819c223-7f76-453a-919d-413861904646"
GUIDES = "e9e30dba-f08f-4109-8486-d5c6a331660a"
USER: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "id": BABS,
    "externalId": "701984",
    "userName": "bjensen@example.com",
    "name": {
        "formatted": "Ms. Barbara J Jensen, III",
        "familyName": "Jensen",
        "givenName": "Barbara",
        "middleName": "Jane",
    },
    "displayName": "Babs Jensen",
    "emails": [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ],
    "active": True,
    "meta": {
        "resourceType": "User",
        "created": "2010-01-23T04:56:22Z",
        "lastModified": "2011-05-13T04:42:34Z",
        "version": 'W/"1"',
        "location": f"{BASE}/Users/{BABS}",
    },
}
GROUP: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    "id": GUIDES,
    "displayName": "Tour Guides",
    "members": [{"value": BABS, "$ref": f"{BASE}/Users/{BABS}", "display": "Babs Jensen"}],
}
SENT = {"userName": "bjensen@example.com", "name.givenName": "Barbara"}


def listing(*resources: dict[str, Any]) -> dict[str, Any]:
    """A ``ListResponse``."""
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": len(resources),
        "itemsPerPage": len(resources),
        "startIndex": 1,
        "Resources": list(resources),
    }


def error(status: int, detail: str, scim_type: str = "") -> dict[str, Any]:
    """An ``Error``: its status is a text."""
    named = {"scimType": scim_type} if scim_type else {}
    schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"]
    return {"schemas": schemas, **named, "detail": detail, "status": str(status)}


@pytest.fixture
def answers() -> Iterator[responses.RequestsMock]:
    """Answers to be registered; each of them must be asked for."""
    with responses.RequestsMock() as answers:
        yield answers


@pytest.fixture
def provider(stack: ExitStack) -> ScimProvider:
    return build(stack, BASE, {}, "keepnet")


def test_accounts_and_groups_are_read(
    answers: responses.RequestsMock, provider: ScimProvider
) -> None:
    """Lists of one page, with all that the standard shows of a user and a group."""
    answers.get(f"{BASE}/Users", json=listing(USER))
    answers.get(f"{BASE}/Groups", json=listing(GROUP))

    state = provider.fetch_state(groups=True)

    assert state.complete
    (babs,), (guides,) = state.users, state.groups
    assert (babs.resource_id, babs.external_id, babs.active) == (BABS, "701984", True)
    assert babs.user_name == "bjensen@example.com"
    assert babs.attributes["name.givenName"] == "Barbara"
    assert babs.emails == ("bjensen@example.com", "babs@jensen.org")
    assert (guides.display_name, guides.members) == ("Tour Guides", {BABS})


def test_empty_list_needs_no_resources(
    answers: responses.RequestsMock, provider: ScimProvider
) -> None:
    """``Resources`` may be absent where there are none."""
    nothing = {**listing(), "totalResults": 0}
    del nothing["Resources"]
    answers.get(f"{BASE}/Users", json=nothing)

    state = provider.fetch_state(groups=False)

    assert (state.complete, state.users) == (True, ())


def test_create_is_sent_and_read_as_documented(
    answers: responses.RequestsMock, provider: ScimProvider
) -> None:
    answers.post(f"{BASE}/Users", status=201, json=USER)

    written = provider.create_user("701984", SENT)

    assert written.resource_id == BABS
    request = answers.calls[0].request
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert "scim+json" in str(request.headers["Accept"])
    assert json.loads(request.body or "") == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": "701984",
        "active": True,
        "userName": "bjensen@example.com",
        "name": {"givenName": "Barbara"},
    }


def test_taken_name_is_a_conflict_with_its_holder(
    answers: responses.RequestsMock, provider: ScimProvider
) -> None:
    """409 ``uniqueness``: whose account it is stands in the message, and nothing is adopted."""
    taken = error(409, "One or more of the attribute values are already in use.", "uniqueness")
    answers.post(f"{BASE}/Users", status=409, json=taken)
    answers.get(f"{BASE}/Users", json=listing({**USER, "externalId": "999"}))

    with pytest.raises(ConflictError, match=rf"uniqueness.*{BABS}, externalId 999"):
        provider.create_user("701984", SENT)


def test_deactivation_is_a_patch_that_is_looked_at(
    answers: responses.RequestsMock, provider: ScimProvider
) -> None:
    """204 shows nothing: only a read proves that access was taken."""
    answers.patch(f"{BASE}/Users/{BABS}", status=204)
    answers.get(f"{BASE}/Users/{BABS}", json={**USER, "active": False})

    provider.patch_user(BABS, [AttributeChange(path="active", before=True, after=False)])

    patch = json.loads(answers.calls[0].request.body or "")
    assert patch["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
    (operation,) = patch["Operations"]
    assert operation["op"].lower() == "replace"


@pytest.mark.parametrize(
    ("status", "body", "expected", "words"),
    [
        (401, error(401, "Authorization failure."), UnauthorizedError, "Authorization failure"),
        (400, error(400, "Attribute 'id' is readOnly", "mutability"), RejectedError, "mutability"),
        (413, error(413, "Too large"), RejectedError, "Too large"),
    ],
)
def test_errors_are_told_in_the_words_of_the_platform(
    answers: responses.RequestsMock,
    provider: ScimProvider,
    status: int,
    body: dict[str, Any],
    expected: type[Exception],
    words: str,
) -> None:
    answers.get(f"{BASE}/Users/{BABS}", status=status, json=body)
    with pytest.raises(expected, match=words):
        provider.fetch_user(BABS)


def test_gone_account_is_none(answers: responses.RequestsMock, provider: ScimProvider) -> None:
    """404 as the standard prints it."""
    answers.get(f"{BASE}/Users/{BABS}", status=404, json=error(404, f"Resource {BABS} not found"))
    assert provider.fetch_user(BABS) is None
