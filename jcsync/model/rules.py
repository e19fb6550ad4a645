"""Settings that decide, as plain values: scope, mapping, policy.

``settings`` builds them; the pure stages use them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from jcsync.model.directory import DirectoryUser, is_object_id, root_field
from jcsync.model.resource import Value


class Operator(StrEnum):
    """How a scope clause compares."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    IN = "in"
    NOT_IN = "not_in"
    MATCHES = "matches"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One condition of ``scope.where`` on a directory field.

    Attributes:
        operand: A tuple of texts for every operator but ``MATCHES`` (one pattern) and ``EXISTS``
            (one of ``"true"``, ``"false"``).
    """

    attribute: str
    operator: Operator
    operand: tuple[str, ...]

    def __str__(self) -> str:
        """The clause in words for people."""
        return f"{self.attribute} {self.operator.replace('_', ' ')} {', '.join(self.operand)}"

    @property
    def pattern(self) -> re.Pattern[str]:
        """The compiled pattern of ``MATCHES``."""
        return re.compile(self.operand[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSelector:
    """One entry of ``scope.groups``: a name or id, and conditions on its members."""

    name: str
    where: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which directory users and groups a connection provisions.

    Attributes:
        groups: Chosen groups.
        application: Id or display label of an SSO application, or ``""``.
        where: All must hold.
        exclude: Ids, usernames and e-mails, case-folded.
    """

    groups: tuple[GroupSelector, ...] = ()
    application: str = ""
    where: tuple[Clause, ...] = ()
    exclude: frozenset[str] = frozenset()

    @property
    def chosen(self) -> frozenset[str]:
        """What names the chosen groups; ids in small letters."""
        names = (selector.name for selector in self.groups)
        return frozenset(name.lower() if is_object_id(name) else name for name in names)


class MappingError(ValueError):
    """The source of an attribute could not be evaluated for one person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRule:
    """Where the value of one SCIM attribute comes from.

    Attributes:
        path: SCIM path of the target, as configured.
        source: The origin in words: a field, ``template`` or ``constant``.
        read: Returns the value for one user; ``None`` or ``""`` when empty; raises ``MappingError``.
        default: Taken where the source is empty.
        create_only: Sent when the account is created and never compared afterwards.
        clear: Where the source is empty, remove the provider's value instead of leaving it.
        max_length: Longer text is cut to this many characters.
        reference: ``read`` returns the JumpCloud ``id`` of another person, whose account is meant.
        fields: Of JumpCloud, at which ``read`` may look; ``None``: at any.
    """

    path: str
    source: str
    read: Callable[[DirectoryUser], Value]
    default: Value = None
    create_only: bool = False
    clear: bool = False
    max_length: int | None = None
    reference: bool = False
    fields: frozenset[str] | None = None


def needed_fields(rules: Iterable[AttributeRule], scope: Scope) -> frozenset[str] | None:
    """Return the fields of JumpCloud's users that decide something, ``None`` when any may.

    Who somebody is and whether he is active is needed in any case, and not named here.
    """
    clauses = (*scope.where, *(clause for group in scope.groups for clause in group.where))
    fields = {root_field(clause.attribute) for clause in clauses}
    for rule in rules:
        if rule.fields is None:
            return None
        fields |= rule.fields
    return frozenset(fields)


class Removal(StrEnum):
    """What happens to an account when its person must not have access."""

    DEACTIVATE = "deactivate"
    KEEP = "keep"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a run may do with accounts, and what each reason to lose access leads to.

    Attributes:
        adopt: Whether unmanaged accounts that match one person in scope are taken over.
        delete_after: Seconds after which an account that jcsync deactivated is deleted.
        protect: ``userName`` or ids, case-folded, that are never deactivated, deleted or patched.
        match: Attributes by which accounts may be adopted, in order: ``userName``, ``emails``.
    """

    create: bool = True
    update: bool = True
    adopt: bool = True
    on_leave: Removal = Removal.DEACTIVATE
    on_suspend: Removal = Removal.DEACTIVATE
    on_delete: Removal = Removal.DEACTIVATE
    on_staged: Removal = Removal.DEACTIVATE
    on_locked: Removal = Removal.KEEP
    on_password_expired: Removal = Removal.KEEP
    delete_after: float | None = None
    protect: frozenset[str] = frozenset()
    match: tuple[str, ...] = ("userName", "emails")


class GroupRemoval(StrEnum):
    """What happens to a managed group that left the scope."""

    KEEP = "keep"
    EMPTY = "empty"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPolicy:
    """What a run does with groups.

    Attributes:
        only: Names, ids or shell patterns; empty selects every group of the scope.
        name: Returns the ``displayName`` of a directory group with this ``id`` and name.
        create: ``False``: memberships of existing groups only.
        adopt: Take over an unmanaged group of exactly that name.
        keep_empty: Whether a group without members is created.
        remove_extra: Whether members that the directory does not imply are removed.
    """

    enabled: bool = False
    only: tuple[str, ...] = ()
    name: Callable[[str, str], str] = field(default=lambda _id, name: name)
    create: bool = True
    adopt: bool = True
    keep_empty: bool = True
    remove_extra: bool = True
    on_leave: GroupRemoval = GroupRemoval.KEEP
