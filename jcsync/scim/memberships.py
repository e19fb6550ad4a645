"""Memberships of a provider whose groups do not show their members: account by account."""

import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from jcsync.errors import NotFoundError
from jcsync.scim.profiles import Profile
from jcsync.scim.reading import Reader, equals

_AT_ONCE = 8


def read_memberships(
    reader: Reader, profile: Profile, users: Iterable[str]
) -> tuple[Mapping[str, frozenset[str]], list[str]]:
    """Read the groups of each account by a filter.

    Returns:
        Ids of accounts by the id of their group, and why some may be missing: a provider that
        finds groups for an account that does not exist takes no notice of the filter.
    """

    def groups_of(user_id: str) -> tuple[str, tuple[str, ...], list[str]]:
        try:
            listing = reader.read_all("Groups", equals(profile.members_read, user_id))
        except NotFoundError:
            return user_id, (), []
        return user_id, tuple(listing.rows), listing.gaps

    if groups_of(str(uuid.uuid4()))[1]:
        gap = (
            f"the platform takes no notice of the filter {profile.members_read} eq, so that members "
            "of groups are not known (provider.quirks.members_read)"
        )
        return {}, [gap]
    members: dict[str, set[str]] = {}
    gaps: list[str] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for user_id, groups, missing in pool.map(groups_of, users):
            gaps += missing
            for group_id in groups:
                members.setdefault(group_id, set()).add(user_id)
    return {group: frozenset(ids) for group, ids in members.items()}, list(dict.fromkeys(gaps))
