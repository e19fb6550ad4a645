"""Who is bound to what: the edges between users, groups and applications.

Source:
    JumpCloud API 2.0 ``GraphConnection`` (``members``, ``associations``) and
    ``GraphObjectWithPaths`` (``membership``, ``memberof``, traversals); the order of the hops in
    ``paths`` is not documented, the one here leads from the object that was asked about.
"""

from collections.abc import Callable
from itertools import pairwise

from jcsync.sandbox.directory import Organization
from jcsync.sandbox.records import Application, Group

Row = dict[str, object]
Node = tuple[str, str]


def connection_row(kind: str, identity: str) -> Row:
    """Return an edge whose source is clear from the request."""
    return {"to": _node((kind, identity)), "from": None, "attributes": None}


def path_row(*paths: list[Node]) -> Row:
    """Return an object with all ways to it; each way ends in the object."""
    kind, identity = paths[0][-1]
    return {
        "type": kind,
        "id": identity,
        "compiledAttributes": {},
        "paths": [
            [
                {"attributes": None, "from": _node(start), "to": _node(end)}
                for start, end in pairwise(path)
            ]
            for path in paths
        ],
    }


def _node(node: Node) -> Row:
    return {"attributes": None, "type": node[0], "id": node[1]}


def group_edges(group: Group) -> list[str | None]:
    """Return the ids of a group's members, with ``None`` for edges to nothing."""
    edges: list[str | None] = list(group.members)
    for number in range(group.null_edges):
        edges.insert((number * 7 + 1) % (len(edges) + 1), None)
    return edges


def application_users(
    organization: Organization, application: Application
) -> dict[str, list[list[Node]]]:
    """Return the paths to every user bound to an application, directly or through groups."""
    root = ("application", application.id)
    reached: dict[str, list[list[Node]]] = {}
    for user_id in application.users:
        reached.setdefault(user_id, []).append([root, ("user", user_id)])
    for group_id in application.groups:
        via = ("user_group", group_id)
        for user_id in organization.groups[group_id].members:
            reached.setdefault(user_id, []).append([root, via, ("user", user_id)])
    return reached


def user_applications(organization: Organization, user_id: str) -> list[list[list[Node]]]:
    """Return the paths to every application that a user is bound to."""
    root = ("user", user_id)
    groups = organization.memberships.get(user_id, {})
    found = []
    for application in organization.applications.values():
        target = ("application", application.id)
        paths: list[list[Node]] = [[root, target]] if user_id in application.users else []
        paths += [[root, ("user_group", g), target] for g in groups if g in application.groups]
        if paths:
            found.append(paths)
    return found


def row_reader(row: Row) -> Callable[[str], object]:
    """Return how filters read a traversal row: only ``object_id`` and ``type`` can be asked for."""
    values = {"object_id": row["id"], "id": row["id"], "type": row["type"]}
    return values.get
