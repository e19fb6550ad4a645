"""Memberships of a provider whose list of groups does not show them."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from jcsync.errors import NotFoundError, RemoteError
from jcsync.model.compact import Ids
from jcsync.model.resource import GroupResource
from jcsync.scim.calls import resource_path
from jcsync.scim.listing import Listing
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import Reader, equals
from jcsync.scim.wire import parse_group
from jcsync.threads import Pool

_AT_ONCE = 8
_TRIED = 5


def hides_members(reader: Reader, groups: Collection[GroupResource]) -> bool:
    """Whether a list of groups shows no members though a group that is read by itself does.

    A few groups are read for it, first of all those that have an ``externalId``, and only when the
    list shows no members at all.
    """
    if any(group.members for group in groups):
        return False
    foreign = sorted(groups, key=lambda group: not group.external_id)
    return any(_members_of(reader, group.resource_id)[0] for group in foreign[:_TRIED])


def read_each(
    reader: Reader, groups: Iterable[str]
) -> tuple[Mapping[str, AbstractSet[str]], list[str]]:
    """Read group by group; return ids of accounts by the id of their group, and what failed."""
    ids = list(groups)
    with Pool(_AT_ONCE) as pool:
        found = list(pool.map(lambda key: _members_of(reader, key), ids))
    members = {key: held for key, (held, _) in zip(ids, found, strict=True)}
    return members, [problem for _, problem in found if problem]


def _members_of(reader: Reader, resource_id: str) -> tuple[AbstractSet[str], str]:
    path = resource_path("Groups", resource_id)
    try:
        group = parse_group(reader.read(path) or {})
    except RemoteError as error:
        return frozenset(), f"the members of {path} are not known: {error}"
    return group.members if group else frozenset(), ""


def read_memberships(
    reader: Reader, profile: Profile, users: Iterable[str]
) -> tuple[Mapping[str, AbstractSet[str]], list[str]]:
    """Read the groups of each account by a filter.

    Returns:
        Ids of accounts by the id of their group, and why some may be missing: a provider that
        finds groups for an account that does not exist takes no notice of the filter.
    """

    def groups_of(user_id: str) -> tuple[str, tuple[str, ...], list[str]]:
        listing = groups_with(reader, profile.members_read, user_id)
        return user_id, tuple(listing.rows), listing.gaps

    if is_filter_ignored(reader, profile.members_read):
        gap = (
            f"the platform takes no notice of the filter {profile.members_read} eq, so that members "
            "of groups are not known (provider.quirks.members_read)"
        )
        return {}, [gap]
    members: dict[str, set[str]] = {}
    gaps: list[str] = []
    with Pool(_AT_ONCE) as pool:
        for user_id, groups, missing in pool.map(groups_of, users):
            gaps += missing
            for group_id in groups:
                members.setdefault(group_id, set()).add(user_id)
    return {group: Ids(ids) for group, ids in members.items()}, list(dict.fromkeys(gaps))


def groups_with(reader: Reader, name: str, user_id: str) -> Listing:
    """Ask for the groups of an account by a filter on ``members`` or ``members.value``."""
    try:
        return reader.read_all("Groups", equals(name, user_id))
    except NotFoundError:
        return Listing()


def is_filter_ignored(reader: Reader, name: str) -> bool:
    """Whether a provider finds groups of an account that does not exist."""
    return bool(groups_with(reader, name, str(uuid.uuid4())).rows)
