"""Which function answers which request."""

from collections.abc import Callable

from jcsync.sandbox import routes_v1, routes_v2
from jcsync.sandbox.directory import Organization
from jcsync.sandbox.insights import answer_count, answer_events
from jcsync.sandbox.wsgi import Reply, Request

Route = Callable[[Organization, Request, str], Reply]


def query_events(organization: Organization, request: Request, _: str) -> Reply:
    """``POST /insights/directory/v1/events``."""
    return answer_events(organization.events, request)


def count_events(organization: Organization, request: Request, _: str) -> Reply:
    """``POST /insights/directory/v1/events/count``."""
    return answer_count(organization.events, request)


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/api/systemusers"): routes_v1.list_users,
    ("GET", "/api/systemusers/{}"): routes_v1.show_user,
    ("POST", "/api/search/systemusers"): routes_v1.search_users,
    ("GET", "/api/applications"): routes_v1.list_applications,
    ("GET", "/api/applications/{}"): routes_v1.show_application,
    ("GET", "/api/v2/groups"): routes_v2.list_groups,
    ("GET", "/api/v2/usergroups"): routes_v2.list_groups,
    ("GET", "/api/v2/usergroups/{}"): routes_v2.show_group,
    ("GET", "/api/v2/usergroups/{}/members"): routes_v2.list_members,
    ("GET", "/api/v2/usergroups/{}/membership"): routes_v2.list_membership,
    ("GET", "/api/v2/usergroups/{}/applications"): routes_v2.list_group_applications,
    ("GET", "/api/v2/users/{}/memberof"): routes_v2.list_memberof,
    ("GET", "/api/v2/users/{}/applications"): routes_v2.list_user_applications,
    ("GET", "/api/v2/applications/{}/associations"): routes_v2.list_associations,
    ("GET", "/api/v2/applications/{}/usergroups"): routes_v2.list_application_groups,
    ("GET", "/api/v2/applications/{}/users"): routes_v2.list_application_users,
    ("GET", "/api/v2/directories"): routes_v2.list_directories,
    ("GET", "/api/v2/bulk/userstates"): routes_v2.list_user_states,
    ("POST", "/insights/directory/v1/events"): query_events,
    ("POST", "/insights/directory/v1/events/count"): count_events,
}
"""By method and path, ``{}`` standing for an id."""
