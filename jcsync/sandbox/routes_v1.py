"""The end points of JumpCloud's API 1.0: users, applications.

Each function answers for one organisation, with its lock held; lists are envelopes of
``totalCount`` and ``results``.

Source:
    JumpCloud API 1.0.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from jcsync.sandbox.directory import Organization
from jcsync.sandbox.people import Person
from jcsync.sandbox.query import (
    Condition,
    Page,
    choose,
    meets,
    meets_search,
    meets_terms,
    missing,
    parse_conditions,
    parse_fields,
    parse_page,
    sort_rows,
)
from jcsync.sandbox.records import application_record, user_record, user_value
from jcsync.sandbox.wsgi import RefusalError, Reply, Request, dump, json_reply

SEARCH_MAX_LIMIT = 1000
_SEARCHED = ("username", "email", "firstname", "lastname", "displayname")
_shuffle = random.SystemRandom().shuffle


def _envelope(rows: list[Any], total: int) -> Reply:
    return json_reply({"totalCount": total, "results": rows})


def _page(request: Request) -> Page:
    return parse_page(request.parameter("skip"), request.parameter("limit"))


def list_users(organization: Organization, request: Request, _: str) -> Reply:
    """``GET /api/systemusers``."""
    page = _page(request)
    conditions = parse_conditions(request, dollar=True)
    found = _users(organization, conditions, request.parameter("sort"), request.parameter("search"))
    return _user_page(organization, found, page, request.parameter("fields"))


def _users(
    organization: Organization, conditions: tuple[Condition, ...], sort: str, search: str
) -> list[Person]:
    by_id = tuple(c for c in conditions if c[0] in {"_id", "id"} and c[1] in _CUTS)
    others = tuple(c for c in conditions if c not in by_id)

    def build() -> list[Person]:
        people: Iterable[Person] = organization.users.values()
        if others:
            people = (p for p in people if meets(_reader(organization, p), others))
        if search:
            people = (p for p in people if meets_terms(_reader(organization, p), search, _SEARCHED))
        if sort in {"", "_id"}:
            return sorted(people, key=_identity)
        return sort_rows(people, sort, " ", user_value)

    found = organization.cached(("users", others, sort, search), build)
    if sort not in {"", "_id"}:
        return [p for p in found if meets(_reader(organization, p), by_id)] if by_id else found
    for _, comparison, value in by_id:
        found = _CUTS[comparison](found, value)
    if not sort and organization.quirks.unstable_order:
        found = list(found)
        _shuffle(found)
    return found


def _identity(person: Person) -> str:
    return person.id


_CUTS: dict[str, Callable[[list[Person], str], list[Person]]] = {
    "gt": lambda people, value: people[bisect_right(people, value, key=_identity) :],
    "gte": lambda people, value: people[bisect_left(people, value, key=_identity) :],
    "lt": lambda people, value: people[: bisect_left(people, value, key=_identity)],
    "lte": lambda people, value: people[: bisect_right(people, value, key=_identity)],
}
"""Ids ascend, so paging by ``_id:$gt`` need not look at everybody."""


def _reader(organization: Organization, person: Person) -> Callable[[str], object]:
    return lambda name: user_value(person, name, organization.id)


def _user_page(organization: Organization, found: list[Person], page: Page, fields: str) -> Reply:
    wanted = parse_fields(fields, " ")
    rows = [_user_row(organization, person, wanted) for person in page.of(found)]
    return _envelope(rows, len(found))


def _user_row(
    organization: Organization, person: Person, wanted: frozenset[str]
) -> dict[str, object]:
    return user_record(person, organization.id, wanted, nulls=organization.quirks.nulls)


def show_user(organization: Organization, request: Request, identity: str) -> Reply:
    """``GET /api/systemusers/{id}``."""
    person = organization.users.get(identity)
    if person is None:
        message = "user"
        raise missing(message)
    return json_reply(
        _user_row(organization, person, parse_fields(request.parameter("fields"), " "))
    )


def search_users(organization: Organization, request: Request, _: str) -> Reply:
    """``POST /api/search/systemusers``; parameters of the body go before those of the query."""
    try:
        body = request.document if request.body else {}
    except ValueError as error:
        raise RefusalError(json_reply({"message": "Bad Request: invalid JSON"}, 400)) from error

    def asked(name: str) -> Any:  # noqa: ANN401  any JSON
        return body.get(name, request.parameter(name))

    page = parse_page(asked("skip"), asked("limit"), maximum=SEARCH_MAX_LIMIT)
    sort = f"{asked('sort')}"
    found = organization.cached(
        ("search", sort, dump([body.get("filter"), body.get("searchFilter")])),
        lambda: _search(organization, sort, body),
    )
    wanted = parse_fields(f"{asked('fields')}", " ")
    rows = [_user_row(organization, person, wanted) for person in page.of(found)]
    if not wanted or "memberof" in wanted:
        for row in rows:
            row["memberof"] = list(organization.memberships.get(f"{row['_id']}", {}))
    return _envelope(rows, len(found))


def _search(organization: Organization, sort: str, body: dict[str, Any]) -> list[Person]:
    text = body.get("searchFilter") or {}
    fields = text.get("fields") or _SEARCHED
    return [
        person
        for person in _users(organization, (), sort, "")
        if meets_search(_reader(organization, person), body.get("filter"))
        and meets_terms(_reader(organization, person), text.get("searchTerm"), fields)
    ]


def list_applications(organization: Organization, request: Request, _: str) -> Reply:
    """``GET /api/applications``, by default ordered by ``name``."""
    page = _page(request)
    rows = [application_record(a, organization.id) for a in organization.applications.values()]
    conditions = parse_conditions(request, dollar=True)
    rows = [row for row in rows if meets(row.get, conditions)]
    rows = sort_rows(rows, request.parameter("sort") or "name", " ", dict.get)
    wanted = parse_fields(request.parameter("fields"), " ")
    shown = [choose(row, wanted, "_id", "id") for row in page.of(rows)]
    return _envelope(shown, len(rows))


def show_application(organization: Organization, _: Request, identity: str) -> Reply:
    """``GET /api/applications/{id}``."""
    if identity not in organization.applications:
        message = "application"
        raise missing(message)
    return json_reply(application_record(organization.applications[identity], organization.id))
