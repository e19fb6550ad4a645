"""What a run reads: everybody, or some people only; and what the store remembers."""

from typing import TypedDict

from jcsync.model.directory import DirectoryState
from jcsync.model.history import FORMER
from jcsync.model.resource import ProviderState, Sought
from jcsync.model.rules import AttributeRule, GroupPolicy, Policy, Scope
from jcsync.pipeline.orders import Connection, Memory
from jcsync.ports import Store
from jcsync.stages.former import parse_former
from jcsync.stages.mapping import DesiredState, map_state
from jcsync.stages.people import fetch_accounts, fetch_group, fetch_people
from jcsync.stages.read import fetch_both
from jcsync.stages.restrict import choose_one, linked_ids
from jcsync.tracing import span


class _Rules(TypedDict):
    scope: Scope
    policy: Policy
    rules: tuple[AttributeRule, ...]
    groups: GroupPolicy


def recall(store: Store, name: str) -> Memory:
    """Read what the store remembers of a connection."""
    former = store.memos(name).get(FORMER)
    return Memory(
        links=store.links(name),
        escrow=store.escrow(name),
        settled=store.settled(name),
        baseline=store.baseline(name),
        former=parse_former(former.value if former else ""),
    )


@span("map")
def map_directory(connection: Connection, state: DirectoryState) -> DesiredState:
    """Return what the directory implies by the settings of a connection."""
    return map_state(
        state, connection.scope, connection.policy, connection.rules, connection.group_policy
    )


@span("read")
def read_everybody(connection: Connection) -> tuple[DirectoryState, ProviderState]:
    """Read both sides completely."""
    return fetch_both(
        connection.directory,
        connection.provider,
        connection.scope,
        groups=connection.group_policy.enabled,
    )


@span("read")
def read_platform(connection: Connection) -> ProviderState:
    """Read all that the platform holds."""
    return connection.provider.fetch_state(groups=connection.group_policy.enabled)


@span("read")
def read_people(
    connection: Connection, memory: Memory, ids: frozenset[str]
) -> tuple[DirectoryState, ProviderState]:
    """Read some people and their accounts.

    Args:
        connection: What to read, and how people are found on the platform.
        memory: What jcsync created or adopted.
        ids: JumpCloud ids, or ids of unmanaged accounts.
    """
    return fetch_people(
        connection.directory, connection.provider, ids, memory.links, **_rules_of(connection)
    )


@span("read")
def read_accounts(connection: Connection, memory: Memory, state: DirectoryState) -> ProviderState:
    """Read the accounts and memberships of the people whom the directory was asked for."""
    return fetch_accounts(connection.provider, state, memory.links, **_rules_of(connection))


@span("read")
def read_group(
    connection: Connection, memory: Memory, which: str
) -> tuple[DirectoryState, ProviderState]:
    """Read one group of the scope and its people on both sides.

    Raises:
        UsageError: The scope has no such group.
    """
    return fetch_group(
        connection.directory, connection.provider, which, memory.links, **_rules_of(connection)
    )


def _rules_of(connection: Connection) -> _Rules:
    return {
        "scope": connection.scope,
        "policy": connection.policy,
        "rules": connection.rules,
        "groups": connection.group_policy,
    }


@span("read")
def read_person(
    connection: Connection, memory: Memory, who: str
) -> tuple[DirectoryState, ProviderState]:
    """Read one person and his account.

    Raises:
        UsageError: Nobody or several people are called so.
    """
    return read_people(connection, memory, frozenset({identify(connection, memory, who)}))


def identify(connection: Connection, memory: Memory, who: str) -> str:
    """Return the JumpCloud id of a person, or the id of an unmanaged account.

    Who is not in JumpCloud any more is known by his link, or by his account.

    Raises:
        UsageError: Nobody or several people are called so.
    """
    name = who.strip()
    ids = {user.id for user in connection.directory.find_people(name)}
    ids = ids or linked_ids(memory.links, name)
    if not ids:
        sought = Sought(external_id=name, resource_id=name, name=name, emails=(name,))
        accounts = connection.provider.fetch_accounts([sought]).users
        ids = {account.external_id or account.resource_id for account in accounts}
    return choose_one(ids, who)
