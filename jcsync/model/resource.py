"""SCIM users and groups, reduced to what jcsync manages.

Source:
    RFC 7643, sections 3.1, 4.1 and 4.2.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum

from jcsync.model.compact import nothing
from jcsync.model.facts import Facts

Value = str | bool | int | float | None
"""A single attribute value; ``None`` is unassigned."""


class Access(StrEnum):
    """What the directory implies for a person's access to the platform."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    KEEP = "keep"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Another person whose account an attribute names by its ``id``.

    Attributes:
        target: His JumpCloud ``id``.
        clear: Remove the platform's value when he has no account, instead of leaving it.
        create_only: Sent with a new account and never compared afterwards.
    """

    target: str
    clear: bool = False
    create_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredUser:
    """The account that a directory user should have.

    Attributes:
        external_id: JumpCloud ``id``.
        user_name: Desired ``userName``, or the best label where none could be mapped.
        access: What to do with it; an account is created for ``ACTIVE`` only.
        reason: Why ``access`` is so, in words for the plan.
        attributes: Value by path of what is sent always; ``None`` asks for removal.
        initial: Value by path of what is sent on creation only, beside ``attributes``.
        references: By path, whose account is meant.
        problem: Why no account can be created or patched; ``""`` when it can.
        in_scope: ``False`` when an exclusion or condition of the scope keeps him out; such a
            person adopts no account.
        state_unknown: JumpCloud gives a state that jcsync does not know.
    """

    external_id: str
    user_name: str
    access: Access
    reason: str
    attributes: Mapping[str, Value] = field(default_factory=nothing)
    initial: Mapping[str, Value] = field(default_factory=nothing)
    references: Mapping[str, Reference] = field(default_factory=nothing)
    problem: str = ""
    in_scope: bool = True
    state_unknown: bool = False

    @property
    def emails(self) -> tuple[str, ...]:
        """Addresses by which an account may be adopted."""
        return tuple(
            value
            for path, value in self.attributes.items()
            if isinstance(value, str) and path.casefold().startswith("emails")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserResource:
    """An account as the platform has it.

    Attributes:
        resource_id: ``id``, issued by the service provider.
        external_id: ``externalId``, ``""`` when it has none or does not return it.
        attributes: Value by path for the paths that were asked for. Of a path with a filter,
            ``None`` means that no such element exists and ``""`` that the element lacks the part.
        emails: All its addresses.
        shows_active: Whether the platform says whether it is active.
    """

    resource_id: str
    external_id: str
    user_name: str
    active: bool
    attributes: Mapping[str, Value] = field(default_factory=nothing)
    emails: tuple[str, ...] = ()
    shows_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredGroup:
    """The group that a directory group should be on the platform.

    Attributes:
        external_id: JumpCloud ``id`` of the group.
        members: ``external_id`` of each person who should be in it.
        members_known: ``False`` when the membership could not be read in full: nobody is removed.
    """

    external_id: str
    display_name: str
    members: AbstractSet[str]
    members_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupResource:
    """A group as the platform has it.

    Attributes:
        members: ``resource_id`` of each member, or of those who were asked for.
        size: How many members it has, where ``members`` may not be all of them; else ``None``.
    """

    resource_id: str
    external_id: str
    display_name: str
    members: AbstractSet[str] = frozenset()
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """An account or group to look up: by ``id``, then ``externalId``, then the names in order.

    Attributes:
        external_id: JumpCloud ``id``.
        resource_id: By what the store links it to, or ``""``.
        name: ``userName`` or ``displayName``, ``""`` not to look for it.
        emails: Of accounts; none not to look for them.
    """

    external_id: str
    resource_id: str = ""
    name: str = ""
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """What was read of the service provider in one run.

    Attributes:
        users: All accounts, each ``resource_id`` once, in any order; or those that were sought.
        groups: All groups; empty when groups are not managed; or those that were sought.
        gaps: Why the read is incomplete; empty when it is complete.
        of_groups: Those of the gaps that leave out no account.
        notes: What took more requests than it should, and why.
    """

    users: tuple[UserResource, ...]
    groups: tuple[GroupResource, ...] = ()
    gaps: tuple[str, ...] = ()
    of_groups: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every account and group was read, provably."""
        return not self.gaps

    @property
    def has_all_accounts(self) -> bool:
        """Whether every account was read, provably; groups may be missing."""
        return set(self.gaps) <= set(self.of_groups)


class Kind(StrEnum):
    """The two resource types that jcsync provisions."""

    USER = "User"
    GROUP = "Group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Directory id ↔ provider resource id, kept in the store: what makes a resource ours.

    Attributes:
        name: ``userName`` or ``displayName`` when last seen.
        deactivated_at: When jcsync deactivated it, ISO 8601 in UTC, or ``None``.
    """

    kind: Kind
    external_id: str
    resource_id: str
    name: str
    deactivated_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """One thing that was learnt of a service provider.

    Attributes:
        found: What it does, in words.
        expected: The switch of the profile that says so, ``""`` when none does.
        agrees: Whether that is what the profile, or a careful client, takes for granted.
    """

    name: str
    found: str
    expected: str = ""
    agrees: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a service provider says of itself, and what it takes.

    Attributes:
        config: What the answer to ``/ServiceProviderConfig`` tells, in words.
        described: Whether there is such an answer.
        filters: Whether each attribute can be filtered by ``eq``; an attribute that could not be
            tried, for want of an account, is left out.
        traits: Everything else that was learnt, in the order in which it is shown.
        attributes: Of accounts, by ``/Schemas``, in lower case, those of extensions after their
            URN and a colon; ``None`` when the platform does not describe them.
        facts: The same, for runs to go by.
        used: What runs take from it in place of the profile, in words.
    """

    config: str
    described: bool
    filters: Mapping[str, bool]
    traits: tuple[Trait, ...] = ()
    attributes: frozenset[str] | None = None
    facts: Facts = field(default_factory=Facts)
    used: tuple[str, ...] = ()
