"""Read some people instead of everybody: both sides, on demand.

JumpCloud is asked for each person and for those whom he refers to; the platform for their accounts
and, where groups are managed, for the groups that they are or should be in.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from jcsync.model.directory import DirectoryState, DirectoryUser
from jcsync.model.resource import Access, DesiredUser, Kind, Link, ProviderState, Sought
from jcsync.model.rules import AttributeRule, GroupPolicy, Policy, Scope
from jcsync.ports import Directory, ServiceProvider
from jcsync.stages.mapping import map_groups, map_users
from jcsync.stages.matching import match_users


def fetch_people(
    directory: Directory,
    provider: ServiceProvider,
    ids: AbstractSet[str],
    links: Iterable[Link],
    *,
    scope: Scope,
    policy: Policy,
    rules: tuple[AttributeRule, ...],
    groups: GroupPolicy,
) -> tuple[DirectoryState, ProviderState]:
    """Read what a run about some people needs of both sides.

    Args:
        directory: JumpCloud.
        provider: The platform.
        ids: JumpCloud ids of the people, or ids of unmanaged accounts.
        links: What jcsync created or adopted.
        scope: Whom the connection provisions.
        policy: By which names accounts are found.
        rules: The mapping: the names, and to whom people refer.
        groups: Whether memberships are read.

    Returns:
        Both sides, about these people alone.

    Raises:
        JcsyncError: A side could not be read.
    """
    links = tuple(links)
    references = [rule for rule in rules if rule.reference]

    def follow(user: DirectoryUser) -> set[str]:
        return {str(rule.read(user) or "").strip() for rule in references} - {""}

    state = directory.fetch_people(ids, scope, follow=follow)
    desired = map_users(state, scope, policy, rules)
    user_links = [link for link in links if link.kind is Kind.USER]
    actual = provider.fetch_accounts(_sought_accounts(ids, state, desired, user_links, policy))
    if not groups.enabled:
        return state, actual
    matching = match_users(desired, actual.users, user_links, policy)
    accounts = {
        *(p.actual.resource_id for p in matching.pairs if p.desired.external_id in ids),
        *(o.actual.resource_id for o in matching.orphans if o.link.external_id in ids),
    }
    linked = {link.external_id: link.resource_id for link in links if link.kind is Kind.GROUP}
    named, _ = map_groups(state, desired, groups, scope)
    sought = [
        Sought(
            external_id=group.external_id,
            resource_id=linked.get(group.external_id, ""),
            name=group.display_name,
        )
        for group in named
        if group.members & ids
    ]
    found = provider.fetch_memberships(sought, accounts)
    return state, replace(
        actual,
        groups=found.groups,
        gaps=tuple(dict.fromkeys((*actual.gaps, *found.gaps))),
        notes=tuple(dict.fromkeys((*actual.notes, *found.notes))),
    )


def _sought_accounts(
    ids: AbstractSet[str],
    state: DirectoryState,
    desired: Iterable[DesiredUser],
    links: Iterable[Link],
    policy: Policy,
) -> Iterator[Sought]:
    """Yield what to look for: names only for those who may be given an account by them."""
    people = {user.external_id: user for user in desired}
    linked = {link.external_id: link.resource_id for link in links}
    for key in sorted(ids | people.keys()):
        unknown = "" if key in state.users else key
        resource_id, user = linked.get(key, unknown), people.get(key)
        if user is None or user.problem or not user.in_scope or user.access is Access.KEEP:
            yield Sought(external_id=key, resource_id=resource_id)
        else:
            emails = user.emails if "emails" in policy.match else ()
            yield Sought(
                external_id=key, resource_id=resource_id, name=user.user_name, emails=emails
            )
