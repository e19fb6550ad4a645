"""The end points of JumpCloud's API 2.0: groups and the graph.

Each function answers for one organisation, with its lock held; lists are bare arrays whose total
stands in ``x-total-count``.

Source:
    JumpCloud API 2.0.
"""

import random
from collections.abc import Callable
from typing import Any

from jcsync.sandbox import graph
from jcsync.sandbox.directory import Organization
from jcsync.sandbox.query import (
    Page,
    choose,
    meets,
    missing,
    parse_conditions,
    parse_fields,
    parse_page,
    sort_rows,
)
from jcsync.sandbox.records import Application, Group, group_record
from jcsync.sandbox.wsgi import RefusalError, Reply, Request, json_reply

_shuffle = random.SystemRandom().shuffle


def _page(request: Request) -> Page:
    return parse_page(request.parameter("skip"), request.parameter("limit"))


def _array(organization: Organization, rows: list[Any], total: int) -> Reply:
    headers = (("x-total-count", str(total)),) if organization.quirks.totals else ()
    return json_reply(rows, 200, *headers)


def _shuffled(organization: Organization, rows: list[Any], sort: str) -> list[Any]:
    if not sort and organization.quirks.unstable_order:
        rows = list(rows)
        _shuffle(rows)
    return rows


def list_groups(organization: Organization, request: Request, _: str) -> Reply:
    """``GET /api/v2/usergroups`` and ``/groups``."""
    page = _page(request)
    sort = request.parameter("sort")
    conditions = parse_conditions(request, dollar=False)
    rows = [group_record(group, organization.id) for group in organization.groups.values()]
    rows = [row for row in rows if meets(row.get, conditions)]
    rows = _shuffled(organization, sort_rows(rows, sort, ",", dict.get), sort)
    wanted = parse_fields(request.parameter("fields"), ",")
    shown = [choose(row, wanted, "id") for row in page.of(rows)]
    return _array(organization, shown, len(rows))


def show_group(organization: Organization, _: Request, identity: str) -> Reply:
    """``GET /api/v2/usergroups/{id}``."""
    return json_reply(group_record(_group(organization, identity), organization.id))


def _group(organization: Organization, identity: str) -> Group:
    if identity not in organization.groups:
        message = "group"
        raise missing(message)
    return organization.groups[identity]


def _application(organization: Organization, identity: str) -> Application:
    if identity not in organization.applications:
        message = "application"
        raise missing(message)
    return organization.applications[identity]


def list_members(organization: Organization, request: Request, identity: str) -> Reply:
    """``GET /api/v2/usergroups/{id}/members``; no sort, no filter."""
    group = _group(organization, identity)
    edges = organization.cached(("edges", identity), lambda: graph.group_edges(group))
    chosen = _page(request).of(_shuffled(organization, edges, ""))
    rows = [graph.connection_row("user", user_id) if user_id else None for user_id in chosen]
    if group.hide_null_edges:
        rows = [row for row in rows if row]
    return _array(organization, rows, len(edges))


def list_membership(organization: Organization, request: Request, identity: str) -> Reply:
    """``GET /api/v2/usergroups/{id}/membership``, the effective members."""
    group = _group(organization, identity)
    start = ("user_group", identity)
    members = organization.cached(("membership", identity), lambda: list(group.members))
    return _traversal(
        organization,
        request,
        members,
        lambda user_id: graph.path_row([start, ("user", user_id)]),
    )


def list_memberof(organization: Organization, request: Request, identity: str) -> Reply:
    """``GET /api/v2/users/{id}/memberof``, the groups of one user."""
    _require_user(organization, identity)
    start = ("user", identity)
    return _traversal(
        organization,
        request,
        list(organization.memberships.get(identity, {})),
        lambda group_id: graph.path_row([start, ("user_group", group_id)]),
    )


def _require_user(organization: Organization, identity: str) -> None:
    if identity not in organization.users:
        message = "user"
        raise missing(message)


def list_user_applications(organization: Organization, request: Request, identity: str) -> Reply:
    """``GET /api/v2/users/{id}/applications``, bound directly or through groups."""
    _require_user(organization, identity)
    found = graph.user_applications(organization, identity)
    return _traversal(organization, request, found, lambda paths: graph.path_row(*paths))


def list_group_applications(organization: Organization, request: Request, identity: str) -> Reply:
    """``GET /api/v2/usergroups/{id}/applications``."""
    _group(organization, identity)
    start = ("user_group", identity)
    bound = [a.id for a in organization.applications.values() if identity in a.groups]
    return _traversal(
        organization,
        request,
        bound,
        lambda application_id: graph.path_row([start, ("application", application_id)]),
    )


def list_application_users(organization: Organization, request: Request, identity: str) -> Reply:
    """``GET /api/v2/applications/{id}/users``, directly or indirectly bound, with all paths."""
    application = _application(organization, identity)
    paths = organization.cached(
        ("application users", identity),
        lambda: list(graph.application_users(organization, application).values()),
    )
    return _traversal(organization, request, paths, lambda ways: graph.path_row(*ways))


def list_application_groups(organization: Organization, request: Request, identity: str) -> Reply:
    """``GET /api/v2/applications/{id}/usergroups``."""
    application = _application(organization, identity)
    start = ("application", identity)
    return _traversal(
        organization,
        request,
        list(application.groups),
        lambda group_id: graph.path_row([start, ("user_group", group_id)]),
    )


def list_associations(organization: Organization, request: Request, identity: str) -> Reply:
    """``GET /api/v2/applications/{id}/associations``, the direct edges to ``targets``."""
    application = _application(organization, identity)
    bound = {"user_group": application.groups, "user": application.users}
    targets = [target for text in request.query.get("targets", []) for target in text.split(",")]
    if not targets or not set(targets) <= bound.keys():
        body = {"message": 'Bad Request: request parameter "targets" is required'}
        raise RefusalError(json_reply(body, 400))
    edges = [(target, found) for target in targets for found in bound[target]]
    chosen = _page(request).of(_shuffled(organization, edges, ""))
    return _array(organization, [graph.connection_row(*edge) for edge in chosen], len(edges))


def _traversal(
    organization: Organization,
    request: Request,
    found: list[Any],
    build: Callable[[Any], graph.Row],
) -> Reply:
    page = _page(request)
    sort = request.parameter("sort")
    conditions = parse_conditions(request, dollar=False)
    if conditions or sort:
        rows = [row for row in map(build, found) if meets(graph.row_reader(row), conditions)]
        rows = sort_rows(rows, sort.replace("object_id", "id"), ",", dict.get)
        shown = page.of(_shuffled(organization, rows, sort))
        return _array(organization, shown, len(rows))
    shown = [build(entry) for entry in page.of(_shuffled(organization, found, sort))]
    return _array(organization, shown, len(found))


def list_directories(organization: Organization, request: Request, _: str) -> Reply:
    """``GET /api/v2/directories``: the one that every organisation has."""
    rows = [{"id": organization.id, "name": "JumpCloud LDAP", "type": "ldap_server"}]
    return _array(organization, _page(request).of(rows), len(rows))


def list_user_states(organization: Organization, request: Request, _: str) -> Reply:
    """``GET /api/v2/bulk/userstates``: nothing is scheduled."""
    _page(request)
    return _array(organization, [], 0)
