"""Read some people instead of everybody: both sides, on demand.

JumpCloud is asked for each person and for those whom he refers to; the platform for their accounts
and, where groups are managed, for the groups that they are or should be in.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from jcsync.model.directory import DirectoryState, DirectoryUser, Membership
from jcsync.model.resource import (
    Access,
    DesiredGroup,
    DesiredUser,
    Kind,
    Link,
    ProviderState,
    Sought,
)
from jcsync.model.rules import AttributeRule, GroupPolicy, Policy, Scope
from jcsync.ports import Directory, ServiceProvider
from jcsync.stages.mapping import failed, group_conditions, map_groups, map_users
from jcsync.stages.matching import match_users

Follow = Callable[[DirectoryUser], Collection[str]]

MOST_LOOK_UPS = 200
"""More accounts than these are not looked up one by one: the whole list is read."""


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
    state = directory.fetch_people(ids, scope, follow=follow_references(rules))
    actual = fetch_accounts(
        provider, state, links, scope=scope, policy=policy, rules=rules, groups=groups
    )
    return state, actual


def fetch_accounts(
    provider: ServiceProvider,
    state: DirectoryState,
    links: Iterable[Link],
    *,
    scope: Scope,
    policy: Policy,
    rules: tuple[AttributeRule, ...],
    groups: GroupPolicy,
) -> ProviderState:
    """Read what a run about some people needs of the platform.

    Args:
        provider: The platform.
        state: The directory, about these people (``asked``).
        links: As for ``fetch_people``, like the others.
        scope: Whom the connection provisions.
        policy: By which names accounts are found.
        rules: The mapping: the names.
        groups: Whether memberships are read.

    Raises:
        JcsyncError: It could not be read.
    """
    links, ids = tuple(links), state.asked or frozenset()
    desired = map_users(state, scope, policy, rules)
    user_links = [link for link in links if link.kind is Kind.USER]
    sought = _sought_accounts(ids, state, desired, user_links, policy)
    actual = _fetch_accounts(provider, list(sought))
    if not groups.enabled:
        return actual
    matching = match_users(desired, actual.users, user_links, policy)
    accounts = {
        *(p.actual.resource_id for p in matching.pairs if p.desired.external_id in ids),
        *(o.actual.resource_id for o in matching.orphans if o.link.external_id in ids),
    }
    named, _ = map_groups(state, desired, groups, scope)
    wanted = [_sought_group(group, links) for group in named if group.members & ids]
    return _joined(actual, provider.fetch_memberships(wanted, accounts))


def restrict_state(
    state: DirectoryState, ids: frozenset[str], rules: Iterable[AttributeRule]
) -> DirectoryState:
    """Keep some people of a state, and those whom they refer to. Pure."""
    follow = follow_references(rules)
    asked = (state.users[key] for key in ids if key in state.users)
    kept = ids.union(*(follow(user) for user in asked))

    def restrict(membership: Membership) -> Membership:
        return replace(membership, user_ids=membership.user_ids & kept)

    return replace(
        state,
        members={group: restrict(membership) for group, membership in state.members.items()},
        direct=restrict(state.direct),
        users={key: user for key, user in state.users.items() if key in kept},
        asked=ids,
        listed=state.asked is None,
    )


def fetch_group(
    directory: Directory,
    provider: ServiceProvider,
    which: str,
    links: Iterable[Link],
    *,
    scope: Scope,
    policy: Policy,
    rules: tuple[AttributeRule, ...],
    groups: GroupPolicy,
) -> tuple[DirectoryState, ProviderState]:
    """Read one group on both sides, and the people who are in it on either.

    Args:
        directory: JumpCloud.
        provider: The platform.
        which: Name or id of a group of the scope.
        links: As for ``fetch_people``, like the others.
        scope: Its other groups are asked for those alone who may be in scope by them only.
        policy: As for ``fetch_people``.
        rules: As for ``fetch_people``.
        groups: Whether the platform's group is read.

    Raises:
        UsageError: The scope has no such group.
    """
    links = tuple(links)
    state = directory.fetch_group(which, scope)
    linked = {link.resource_id: link.external_id for link in links if link.kind is Kind.USER}
    held = ProviderState(users=())
    if groups.enabled:
        desired = map_users(state, scope, policy, rules)
        named, _ = map_groups(state, desired, groups, scope)
        wanted = [
            _sought_group(group, links) for group in named if group.external_id == state.group
        ]
        held = provider.fetch_groups(wanted)
    present = frozenset[str]().union(*(group.members for group in held.groups))
    left = {linked[key] for key in present & linked.keys()} - state.member_ids()
    state = _with_people(state, left, directory, scope, follow_references(rules))
    ids = state.asked or frozenset()
    user_links = [link for link in links if link.kind is Kind.USER]
    desired = map_users(state, scope, policy, rules)
    sought = list(_sought_accounts(ids, state, desired, user_links, policy))
    known = {one.resource_id for one in sought}
    sought += [Sought(external_id="", resource_id=key) for key in sorted(present - known)]
    return state, _joined(_fetch_accounts(provider, sought), held)


def _with_people(
    state: DirectoryState,
    left: AbstractSet[str],
    directory: Directory,
    scope: Scope,
    follow: Follow,
) -> DirectoryState:
    """Add to a group those who left it, those whom it does not bring in, and those referred to."""
    (group,) = (group for group in state.groups if group.id == state.group)
    where = group_conditions(group, scope)
    outside = {user.id for user in state.users.values() if failed(user, where)}
    others = {key for user in state.users.values() for key in follow(user)}
    wanted = left | outside | (others - state.users.keys())
    if not wanted:
        return state
    found = directory.fetch_people(wanted, scope, follow=follow)
    members = {
        key: replace(membership, user_ids=membership.user_ids | found.members[key].user_ids)
        for key, membership in state.members.items()
    }
    missed = found.members[group.id].user_ids & left
    gaps = [*state.gaps, *(gap for gap in found.gaps if gap not in state.gaps)]
    if missed:
        gaps.append(
            f'{len(missed)} who are not listed in "{group.name}" say by their own records that '
            "they are in it"
        )
    return replace(
        state,
        members=members,
        direct=found.direct,
        users={**state.users, **found.users},
        gaps=tuple(gaps),
        asked=(state.asked or frozenset()) | left,
    )


def follow_references(rules: Iterable[AttributeRule]) -> Follow:
    """Return what names the other people whom a person refers to, by JumpCloud id."""
    references = [rule for rule in rules if rule.reference]
    return lambda user: {str(rule.read(user) or "").strip() for rule in references} - {""}


def _fetch_accounts(provider: ServiceProvider, sought: list[Sought]) -> ProviderState:
    """Look accounts up, or read all of them where that takes fewer requests."""
    if len(sought) <= MOST_LOOK_UPS:
        return provider.fetch_accounts(sought)
    return provider.fetch_state(groups=False)


def _joined(accounts: ProviderState, groups: ProviderState) -> ProviderState:
    return replace(
        accounts,
        groups=groups.groups,
        gaps=tuple(dict.fromkeys((*accounts.gaps, *groups.gaps))),
        notes=tuple(dict.fromkeys((*accounts.notes, *groups.notes))),
    )


def _sought_group(group: DesiredGroup, links: Iterable[Link]) -> Sought:
    linked = (
        link.resource_id
        for link in links
        if link.kind is Kind.GROUP and link.external_id == group.external_id
    )
    return Sought(
        external_id=group.external_id, resource_id=next(linked, ""), name=group.display_name
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
