"""Several accounts by one request: what was made is known, and nothing is made twice."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from scim2_models import BulkRequest, Context, EnterpriseUser, User

from jcsync.errors import UnauthorizedError, UnknownOutcomeError
from jcsync.model.plan import Action, Change
from jcsync.model.report import Written
from jcsync.sandbox import misfortunes
from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.faults import Answer, Exchange, Fault, with_body
from jcsync.sandbox.world import PlatformSide
from jcsync.sandbox.wsgi import dump
from jcsync.scim.client import ScimProvider
from tests.contract.scim.conftest import TOKEN, build
from tests.factories import a_change, an_attribute, mail

NAMES = ("ann", "bob", "cid", "dora", "emil")
Serve = Callable[..., ScimProvider]


@pytest.fixture
def side() -> Iterator[PlatformSide]:
    """A platform that takes three operations at once."""
    side = PlatformSide(FastPlatform(TOKEN, bulk=3), 0)
    side.server.start()
    yield side
    side.faults.release()
    side.server.stop()


@pytest.fixture
def serve(side: PlatformSide, stack: ExitStack) -> Serve:
    def serve(**quirks: Any) -> ScimProvider:
        return build(stack, side.url, {"bulk": True, **quirks}, "rfc")

    return serve


def creates(*names: str) -> list[Change]:
    return [a_change(Action.CREATE, name) for name in names or NAMES]


def write_all(provider: ScimProvider, changes: list[Change]) -> list[Written]:
    """As the stage does it: by one request, and by itself whatever that did not make."""
    written = []
    for change, sent in zip(changes, provider.write_users(changes), strict=True):
        if isinstance(sent, Exception):
            raise sent
        if sent is None and change.action is Action.CREATE:
            values = {a.path: a.after for a in change.attributes}
            sent = provider.create_user(change.external_id, values)  # noqa: PLW2901
        elif sent is None:
            sent = provider.patch_user(change.resource_id, change.attributes)  # noqa: PLW2901
        written.append(sent)
    return written


def ids(side: PlatformSide) -> list[str]:
    return [account["externalId"] for account in side.accounts()]


def posts(side: PlatformSide) -> list[str]:
    return [r.path.rpartition("/")[2] for r in side.faults.traffic.log if r.method == "POST"]


def edited(change: Callable[[Any], object]) -> Fault:
    """Let the platform work, and change what it says of it."""

    def fault(exchange: Exchange) -> Answer:
        answer = exchange.pass_on()
        document = json.loads(answer.body)
        change(document)
        return with_body(answer, dump(document))

    return fault


def test_accounts_are_created_by_few_requests(side: PlatformSide, serve: Serve) -> None:
    """As many at once as the platform says; each has its id, and the first is read back."""
    provider = serve()
    assert provider.bulk_size == 3
    written = write_all(provider, creates())
    assert ids(side) == [change.external_id for change in creates()]
    assert [w.resource_id for w in written] == [account["id"] for account in side.accounts()]
    assert posts(side) == ["Bulk", "Bulk"]
    for request in side.faults.traffic.writes:
        document = json.loads(request.body)
        BulkRequest[User[EnterpriseUser]].model_validate(document, scim_ctx=Context.DEFAULT)
        assert "failOnErrors" not in document
        assert all("id" not in operation["data"] for operation in document["Operations"])


@pytest.mark.parametrize(("quirk", "size"), [(False, 1), (1, 1), (2, 2), (500, 3), (True, 3)])
def test_configuration_says_how_many(serve: Serve, quirk: bool | int, size: int) -> None:
    """Never more than the platform advertises."""
    assert serve(bulk=quirk).bulk_size == size


def test_platform_without_bulk_gets_none(stack: ExitStack) -> None:
    """Whatever the configuration trusts it with."""
    side = PlatformSide(FastPlatform(TOKEN), 0)
    side.server.start()
    stack.callback(side.server.stop)
    provider = build(stack, side.url, {"bulk": True}, "rfc")
    assert provider.bulk_size == 1
    assert provider.write_users(creates()) == [None] * 5
    assert posts(side) == []


def test_operation_that_fails_harms_no_other(side: PlatformSide, serve: Serve) -> None:
    """It is made by itself, where its error is understood."""
    side.state.add_by_hand(userName=mail("bob"), externalId="somebody")
    provider = serve()
    sent = provider.write_users(creates("ann", "bob", "cid"))
    assert [isinstance(result, Written) for result in sent] == [True, False, True]
    assert sent[1] is None
    assert len(ids(side)) == 3


def test_accounts_are_patched_together(side: PlatformSide, serve: Serve) -> None:
    """What took is seen, what did not is sent again by itself."""
    made = write_all(serve(), creates("ann", "bob", "cid"))
    side.faults.traffic.clear()
    changes = [
        a_change(Action.PATCH, name, attributes=(an_attribute("displayName", None, name.upper()),))
        for name in ("ann", "bob", "cid")
    ]
    changes = [
        Change(**{**_fields(change), "resource_id": written.resource_id})
        for change, written in zip(changes, made, strict=True)
    ]
    write_all(serve(), changes)
    assert [a["displayName"] for a in side.accounts()] == ["ANN", "BOB", "CID"]
    assert posts(side) == ["Bulk"]


def _fields(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name) for name in change.__slots__}


def test_lost_answer_makes_nobody_twice(side: PlatformSide, serve: Serve) -> None:
    """All are looked up; those that are there are there, and Bulk is not used any more."""
    side.faults.add(misfortunes.lose_answer(), path="/Bulk")
    provider = serve()
    write_all(provider, creates())
    assert sorted(ids(side)) == sorted(change.external_id for change in creates())
    assert posts(side) == ["Bulk", "Users", "Users"]
    assert provider.bulk_size == 1


def test_lost_request_is_made_one_by_one(side: PlatformSide, serve: Serve) -> None:
    """What is not there after it is created."""
    side.faults.add(misfortunes.close(), path="/Bulk")
    write_all(serve(), creates("ann", "bob"))
    assert len(ids(side)) == 2
    assert posts(side) == ["Bulk", "Users", "Users"]


def test_lost_answer_of_whom_nobody_can_be_asked(side: PlatformSide, serve: Serve) -> None:
    """Nothing is made blindly; the next run looks again."""
    side.faults.add(misfortunes.lose_answer(), path="/Bulk")
    side.faults.add(misfortunes.fail(403), method="GET", path="/Users", count=None)
    sent = serve().write_users(creates("ann", "bob"))
    assert [type(result) for result in sent] == [UnknownOutcomeError] * 2


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_refused_bulk_is_not_tried_again(side: PlatformSide, serve: Serve, status: int) -> None:
    """Every account has a request of its own then."""
    side.faults.add(misfortunes.fail(status), path="/Bulk", count=None)
    provider = serve()
    write_all(provider, creates())
    assert len(ids(side)) == 5
    assert posts(side) == ["Bulk", *["Users"] * 5]
    assert provider.bulk_size == 1


def test_request_that_is_too_large_is_halved(side: PlatformSide, serve: Serve) -> None:
    """And the size that was taken is kept."""
    side.faults.add(misfortunes.fail(413), path="/Bulk")
    provider = serve()
    write_all(provider, creates("ann", "bob", "cid"))
    assert len(ids(side)) == 3
    assert posts(side) == ["Bulk", "Bulk", "Users"]
    assert provider.bulk_size == 2


def test_refused_token_ends_it(side: PlatformSide, serve: Serve) -> None:
    """As with any request."""
    provider = serve()
    assert provider.bulk_size == 3
    side.faults.add(misfortunes.fail(401), path="/Bulk")
    with pytest.raises(UnauthorizedError):
        provider.write_users(creates())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d["Operations"].pop(), id="one is missing"),
        pytest.param(lambda d: d["Operations"].clear(), id="all are missing"),
        pytest.param(lambda d: d.pop("Operations"), id="no list"),
        pytest.param(lambda d: d["Operations"].reverse(), id="another order"),
        pytest.param(lambda d: [o.pop("bulkId") for o in d["Operations"]], id="no bulkId"),
        pytest.param(lambda d: [o.pop("location") for o in d["Operations"]], id="no location"),
        pytest.param(lambda d: [o.update(status="500") for o in d["Operations"]], id="500"),
        pytest.param(
            lambda d: [o.update(status={"code": "201"}) for o in d["Operations"]], id="1.1"
        ),
        pytest.param(lambda d: [o.update(status=201) for o in d["Operations"]], id="number"),
        pytest.param(lambda d: [o.pop("status") for o in d["Operations"]], id="no status"),
        pytest.param(
            lambda d: [o.update(status="201 Created") for o in d["Operations"]], id="text"
        ),
    ],
)
def test_answer_that_says_little_is_not_believed(
    side: PlatformSide, serve: Serve, change: Callable[[Any], object]
) -> None:
    """Nobody is made twice, everybody is there, and each has his own id."""
    side.faults.add(edited(change), path="/Bulk", count=None)
    written = write_all(serve(), creates())
    found = {account["externalId"]: account["id"] for account in side.accounts()}
    assert len(side.accounts()) == 5
    assert [w.resource_id for w in written] == [found[c.external_id] for c in creates()]
