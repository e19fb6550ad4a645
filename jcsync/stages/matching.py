"""Pair desired with actual: by link, by externalId, then by the configured attributes. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import (
    Access,
    DesiredGroup,
    DesiredUser,
    GroupResource,
    Link,
    UserResource,
)
from jcsync.model.rules import GroupPolicy, Policy

D = TypeVar("D", bound=DesiredUser | DesiredGroup)
A = TypeVar("A", bound=UserResource | GroupResource)

LEFT = "left the chosen groups"


class How(StrEnum):
    """By what a pair was found."""

    LINK = "link"
    EXTERNAL_ID = "externalId"
    USER_NAME = "userName"
    EMAILS = "emails"
    DISPLAY_NAME = "displayName"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPair:
    """A person and his account."""

    desired: DesiredUser
    actual: UserResource
    how: How

    @property
    def adopts(self) -> bool:
        """Whether the account is not ours yet."""
        return self.how in (How.USER_NAME, How.EMAILS)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPair:
    """A directory group and its counterpart."""

    desired: DesiredGroup
    actual: GroupResource
    how: How

    @property
    def adopts(self) -> bool:
        """Whether the group is not ours yet."""
        return self.how is How.DISPLAY_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOrphan:
    """A managed account without a person in the scope."""

    link: Link
    actual: UserResource


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOrphan:
    """A managed group without a directory group in the scope, and why it has none."""

    link: Link
    actual: GroupResource
    reason: str = LEFT


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMatching:
    """Every person and every account in exactly one place.

    Attributes:
        pairs: People with their accounts.
        missing: People without an account.
        blocked: People for whom nothing can be decided; each has a finding.
        orphans: Managed accounts without a person in scope.
        unmanaged: Accounts that are not ours, those that block somebody included.
        gone: Links whose account no longer exists.
        findings: Why people are blocked.
    """

    pairs: tuple[UserPair, ...] = ()
    missing: tuple[DesiredUser, ...] = ()
    blocked: tuple[DesiredUser, ...] = ()
    orphans: tuple[UserOrphan, ...] = ()
    unmanaged: tuple[UserResource, ...] = ()
    gone: tuple[Link, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMatching:
    """Every directory group and every group of the platform in exactly one place.

    Attributes:
        withheld: Managed groups whose directory group is in the scope but cannot be mapped.
    """

    pairs: tuple[GroupPair, ...] = ()
    missing: tuple[DesiredGroup, ...] = ()
    blocked: tuple[DesiredGroup, ...] = ()
    orphans: tuple[GroupOrphan, ...] = ()
    withheld: tuple[GroupResource, ...] = ()
    unmanaged: tuple[GroupResource, ...] = ()
    gone: tuple[Link, ...] = ()
    findings: tuple[Finding, ...] = ()


def match_users(
    desired: Iterable[DesiredUser],
    actual: Iterable[UserResource],
    links: Iterable[Link],
    policy: Policy,
) -> UserMatching:
    """Pair people with accounts, by link, then ``externalId``, then ``policy.match``.

    Names decide only for an account without ``externalId`` that no link claims: it is adopted.
    An account that carries a foreign ``externalId`` is neither taken over because its name fits
    nor deactivated because its person is absent.

    Args:
        desired: n people with distinct ``external_id``, in any order.
        actual: m accounts with distinct ``resource_id``, in any order.
        links: Of kind User; what jcsync created or adopted before.
        policy: Whether and by which attributes accounts are adopted.

    Returns:
        A matching with ``len(pairs) + len(missing) + len(blocked) == n`` and
        ``len(pairs) + len(orphans) + len(unmanaged) == m``.

    Source:
        RFC 7643, section 3.1 (``externalId`` belongs to the provisioning client) and section
        4.1.1 (``userName`` ignores case).
    """
    people = sorted(desired, key=lambda user: user.external_id)
    search: _Search[DesiredUser, UserResource] = _Search(
        people, list(actual), list(links), "account"
    )
    search.match_ids()
    search.block(_same_names(search))
    search.block(_taken_names(search))
    for how in (How(name) for name in policy.match):
        _match_names(search, how, policy)
    return UserMatching(
        pairs=tuple(UserPair(desired=d, actual=a, how=how) for d, a, how in search.paired.values()),
        missing=tuple(search.rest()),
        blocked=tuple(search.blocked.values()),
        orphans=tuple(UserOrphan(link=link, actual=a) for link, a in search.orphans()),
        unmanaged=tuple(search.unmanaged()),
        gone=tuple(search.gone()),
        findings=tuple(search.findings),
    )


def match_groups(
    desired: Iterable[DesiredGroup],
    actual: Iterable[GroupResource],
    links: Iterable[Link],
    policy: GroupPolicy,
    *,
    withheld: AbstractSet[str] = frozenset(),
    reasons: Mapping[str, str] | None = None,
) -> GroupMatching:
    """Pair directory groups with groups, by link, then ``externalId``, then the exact name.

    Args:
        desired: Groups with distinct ``external_id`` and name.
        actual: All groups of the platform.
        links: Of kind Group.
        policy: Whether groups are adopted.
        withheld: JumpCloud ``id`` of groups that are in the scope but cannot be mapped: theirs
            have not left.
        reasons: Why groups left, by JumpCloud ``id``, where more is known than that they did.
    """
    search: _Search[DesiredGroup, GroupResource] = _Search(
        list(desired), list(actual), list(links), "group"
    )
    search.match_ids()
    free = search.free_by(lambda group: (group.display_name,))
    for group in search.rest():
        found = free.get(group.display_name, [])
        if not found:
            continue
        if len(found) > 1:
            search.refuse(
                group, FindingKind.AMBIGUOUS, _several(group.display_name, found, "groups")
            )
        elif found[0].external_id:
            search.refuse(group, FindingKind.CONFLICT, _foreign(found[0], "group"))
        elif not search.is_free(found[0]):
            owner = search.linked[found[0].resource_id].external_id
            message = f"the group {found[0].resource_id} belongs to {owner}"
            search.refuse(group, FindingKind.CONFLICT, message)
        elif not policy.adopt:
            message = f"the group {found[0].resource_id} has this name and groups.adopt is off"
            search.refuse(group, FindingKind.CONFLICT, message)
        else:
            search.pair(group, found[0], How.DISPLAY_NAME)
    known = reasons or {}
    orphans = [
        GroupOrphan(link=link, actual=a, reason=known.get(link.external_id, LEFT))
        for link, a in search.orphans()
    ]
    return GroupMatching(
        pairs=tuple(
            GroupPair(desired=d, actual=a, how=how) for d, a, how in search.paired.values()
        ),
        missing=tuple(search.rest()),
        blocked=tuple(search.blocked.values()),
        orphans=tuple(o for o in orphans if o.link.external_id not in withheld),
        withheld=tuple(o.actual for o in orphans if o.link.external_id in withheld),
        unmanaged=tuple(search.unmanaged()),
        gone=tuple(search.gone()),
        findings=tuple(search.findings),
    )


class _Search(Generic[D, A]):
    """The state of one matching: who is paired, blocked, or still looked for."""

    def __init__(self, desired: list[D], actual: list[A], links: list[Link], noun: str) -> None:
        self.desired = desired
        self.actual = {resource.resource_id: resource for resource in actual}
        self.links = {link.external_id: link for link in links}
        self.linked = {link.resource_id: link for link in links}
        self.noun = noun
        self.paired: dict[str, tuple[D, A, How]] = {}
        self.blocked: dict[str, D] = {}
        self.findings: list[Finding] = []
        self._used: set[str] = set()

    def rest(self) -> list[D]:
        """Those who are neither paired nor blocked."""
        return [
            d
            for d in self.desired
            if d.external_id not in self.paired and d.external_id not in self.blocked
        ]

    def pair(self, desired: D, actual: A, how: How) -> None:
        self.paired[desired.external_id] = (desired, actual, how)
        self._used.add(actual.resource_id)

    def refuse(
        self, desired: D, kind: FindingKind, message: str, *, claimed: Iterable[A] = ()
    ) -> None:
        """Block somebody, unless he needs no account and has no access by one that he claims."""
        if isinstance(desired, DesiredUser) and not _matters(desired, claimed):
            return
        self.blocked[desired.external_id] = desired
        person = desired.external_id if isinstance(desired, DesiredUser) else ""
        self.findings.append(
            Finding(kind=kind, subject=_name(desired), message=message, external_id=person)
        )

    def block(self, refused: Iterable[tuple[D, FindingKind, str]]) -> None:
        for desired, kind, message in refused:
            self.refuse(desired, kind, message)

    def match_ids(self) -> None:
        """Pair by link, then by ``externalId``; the link wins unless the two disagree.

        A link to an account that carries the ``externalId`` of somebody else in scope is stale.
        """
        left = {d.external_id for d in self.desired if self._by_link(d) is None}
        ids = {d.external_id for d in self.desired} if left else left
        carriers: dict[str, list[A]] = {}
        for resource in self.actual.values():
            if resource.external_id in left:
                carriers.setdefault(resource.external_id, []).append(resource)
        for desired in self.desired:
            linked = self._linked_to(desired)
            found = carriers.get(desired.external_id, [])
            if desired.external_id not in left and linked is not None:
                self.pair(desired, linked, How.LINK)
            elif len(found) > 1:
                message = _several(desired.external_id, found, f"{self.noun}s")
                self.refuse(desired, FindingKind.AMBIGUOUS, message, claimed=found)
            elif found:
                self.pair(desired, found[0], How.EXTERNAL_ID)
            elif linked is not None and linked.external_id not in ids:
                message = f"{_foreign(linked, self.noun)}, though jcsync linked it to this one"
                self.refuse(desired, FindingKind.CONFLICT, message, claimed=(linked,))

    def _linked_to(self, desired: D) -> A | None:
        link = self.links.get(desired.external_id)
        return self.actual.get(link.resource_id) if link else None

    def _by_link(self, desired: D) -> A | None:
        """What a link leads to, unless that says that it belongs to somebody else."""
        linked = self._linked_to(desired)
        agrees = linked is not None and linked.external_id in ("", desired.external_id)
        return linked if agrees else None

    def is_free(self, resource: A) -> bool:
        """Whether nobody is paired with a resource and no link claims it."""
        link = self.linked.get(resource.resource_id)
        return resource.resource_id not in self._used and link is None

    def free_by(self, keys: Callable[[A], Iterable[str]]) -> dict[str, list[A]]:
        """Resources that are not paired, by each of their keys."""
        index: dict[str, list[A]] = {}
        for resource in self.actual.values():
            if resource.resource_id not in self._used:
                for key in keys(resource):
                    index.setdefault(key, []).append(resource)
        return index

    def orphans(self) -> list[tuple[Link, A]]:
        wanted = {d.external_id for d in self.rest()} | self.blocked.keys()
        return [
            (link, self.actual[link.resource_id])
            for link in self.links.values()
            if link.external_id not in self.paired
            and link.external_id not in wanted
            and link.resource_id in self.actual
            and link.resource_id not in self._used
            and self.actual[link.resource_id].external_id in ("", link.external_id)
        ]

    def unmanaged(self) -> list[A]:
        orphans = {actual.resource_id for _, actual in self.orphans()}
        return [
            resource
            for key, resource in self.actual.items()
            if key not in self._used and key not in orphans
        ]

    def gone(self) -> list[Link]:
        return [link for link in self.links.values() if link.resource_id not in self.actual]


def _match_names(search: "_Search[DesiredUser, UserResource]", how: How, policy: Policy) -> None:
    """Pair by names: exactly one account of that name, without owner, wanted by one person."""
    index = search.free_by(lambda account: _account_names(account, how))
    claims = []
    for user in search.rest():
        names = _person_names(user, how)
        found = {a.resource_id: a for name in names for a in index.get(name, ())}
        claims += [(user, names, list(found.values()))] if found else []
    claimants = Counter(a.resource_id for _, _, accounts in claims for a in accounts)
    for user, names, accounts in claims:
        if len(accounts) > 1:
            message = _several(", ".join(names), accounts, "accounts")
            search.refuse(user, FindingKind.AMBIGUOUS, message)
        elif claimants[accounts[0].resource_id] > 1:
            message = f"several people match the account {accounts[0].resource_id} by {how}"
            search.refuse(user, FindingKind.AMBIGUOUS, message)
        elif not search.is_free(accounts[0]):
            owner = search.linked[accounts[0].resource_id].external_id
            message = (
                f"the account {accounts[0].resource_id} belongs to {owner}, who left the scope"
            )
            search.refuse(user, FindingKind.CONFLICT, message)
        elif accounts[0].external_id:
            search.refuse(user, FindingKind.CONFLICT, _foreign(accounts[0], "account"))
        elif not policy.adopt:
            message = (
                f"the account {accounts[0].resource_id} has this {how} and policy.adopt is never"
            )
            search.refuse(user, FindingKind.CONFLICT, message)
        else:
            search.pair(user, accounts[0], how)


def _same_names(
    search: "_Search[DesiredUser, UserResource]",
) -> list[tuple[DesiredUser, FindingKind, str]]:
    """Those without an account whose ``userName`` is that of somebody else in scope."""
    claims: dict[str, list[str]] = {}
    waiting = [user for user in search.rest() if _needs_account(user)]
    if not waiting:
        return []
    for user in [*waiting, *(desired for desired, _, _ in search.paired.values())]:
        claims.setdefault(user.user_name.casefold(), []).append(user.external_id)
    return [
        (
            user,
            FindingKind.CONFLICT,
            f"several people in scope have the userName {user.user_name!r}: "
            + ", ".join(sorted(claims[user.user_name.casefold()])),
        )
        for user in waiting
        if len(claims[user.user_name.casefold()]) > 1
    ]


def _taken_names(
    search: "_Search[DesiredUser, UserResource]",
) -> list[tuple[DesiredUser, FindingKind, str]]:
    """Those without an account whose ``userName`` a paired account has and keeps."""
    waiting = [user for user in search.rest() if _needs_account(user)]
    if not waiting:
        return []
    kept = {
        actual.user_name.casefold(): actual
        for desired, actual, _ in search.paired.values()
        if desired.user_name.casefold() == actual.user_name.casefold() or desired.problem
    }
    return [
        (
            user,
            FindingKind.CONFLICT,
            (
                f"the userName {user.user_name!r} is taken by the account "
                f"{kept[user.user_name.casefold()].resource_id} of another person"
            ),
        )
        for user in waiting
        if user.user_name.casefold() in kept
    ]


def _matters(user: DesiredUser, claimed: Iterable[UserResource | GroupResource]) -> bool:
    """Whether it has to be said that nothing can be decided about somebody."""
    if user.access in (Access.ACTIVE, Access.KEEP):
        return user.access is Access.ACTIVE
    return any(isinstance(account, UserResource) and account.active for account in claimed)


def _needs_account(user: DesiredUser) -> bool:
    return user.in_scope and not user.problem and user.access is Access.ACTIVE


def _account_names(account: UserResource, how: How) -> tuple[str, ...]:
    names = (account.user_name,) if how is How.USER_NAME else account.emails
    return tuple(sorted({name.casefold() for name in names if name}))


def _person_names(user: DesiredUser, how: How) -> tuple[str, ...]:
    if user.problem or not user.in_scope or user.access is Access.KEEP:
        return ()
    names = (user.user_name,) if how is How.USER_NAME else user.emails
    return tuple(sorted({name.casefold() for name in names if name}))


def _name(desired: DesiredUser | DesiredGroup) -> str:
    return desired.user_name if isinstance(desired, DesiredUser) else desired.display_name


def _several(key: str, found: Iterable[UserResource | GroupResource], nouns: str) -> str:
    ids = ", ".join(sorted(resource.resource_id for resource in found))
    return f"several {nouns} match {key}: {ids}; remove or rename all but one on the platform"


def _foreign(resource: UserResource | GroupResource, noun: str) -> str:
    return f"the {noun} {resource.resource_id} has another externalId, {resource.external_id}"
