"""Test both sides of a connection, step by step, without side effects.

What JumpCloud's own connector does by creating test users, this does by reading.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from time import monotonic

from jcsync.errors import FeedError, JcsyncError, SettingsError
from jcsync.model.directory import DirectoryState
from jcsync.model.facts import BELIEVED_FOR, Learnt
from jcsync.model.path import parse_path
from jcsync.model.resource import Capabilities, ProviderState, Trait
from jcsync.pipeline import Connection
from jcsync.render import counted
from jcsync.stages.mapping import map_users
from jcsync.stages.provisioners import fetch_provisioners
from jcsync.stages.unmet import find_unmet

_SHOWN = 3


class StepStatus(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    WARNING = "warning"
    SKIPPED = "skipped"
    FAILED = "failed"


class Cause(StrEnum):
    """What has to be corrected after a failed step."""

    NONE = ""
    SETTINGS = "settings"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was tried.

    Attributes:
        side: ``JumpCloud``, ``Platform``, ``Profile`` or ``Mapping``.
        seconds: How long it took.
    """

    side: str
    name: str
    status: StepStatus
    message: str
    cause: Cause = Cause.NONE
    seconds: float = 0.0


@dataclass(slots=True)
class _Found:
    """What earlier steps found, for later ones."""

    state: DirectoryState | None = None
    actual: ProviderState | None = None
    capabilities: Capabilities | None = None


def check_connection(connection: Connection) -> Iterator[Step]:
    """Yield every step as it ends; the steps of a side that cannot be reached are skipped.

    Args:
        connection: Wired read-only.
    """
    found = _Found()
    for side, steps in (
        ("JumpCloud", _directory_steps(connection, found)),
        ("Platform", _provider_steps(connection, found)),
        ("Profile", _profile_steps(connection, found)),
        ("Mapping", _mapping_steps(connection, found)),
    ):
        failed = False
        for name, attempt in steps:
            if failed:
                yield Step(side=side, name=name, status=StepStatus.SKIPPED, message="not tried")
                continue
            step = _try(side, name, attempt)
            failed = step.status is StepStatus.FAILED
            yield step


Attempt = Callable[[], tuple[StepStatus, str]]


def _try(side: str, name: str, attempt: Attempt) -> Step:
    began = monotonic()
    try:
        status, message = attempt()
        cause = Cause.REMOTE if status is StepStatus.FAILED else Cause.NONE
    except SettingsError as error:
        status, message, cause = StepStatus.FAILED, str(error), Cause.SETTINGS
    except JcsyncError as error:
        status, message, cause = StepStatus.FAILED, str(error), Cause.REMOTE
    step = Step(side=side, name=name, status=status, message=message, cause=cause)
    return replace(step, seconds=monotonic() - began)


def _directory_steps(connection: Connection, found: _Found) -> Iterator[tuple[str, Attempt]]:
    directory = connection.directory

    def key_accepted() -> tuple[StepStatus, str]:
        organization = directory.fetch_organization()
        directory.fetch_groups()
        if not organization.id:
            return StepStatus.PASSED, "organisation not shown to this key"
        named = f'"{organization.name}" ' if organization.name else ""
        return StepStatus.PASSED, f"organisation {named}(…{organization.id[-6:]})"

    def groups_found() -> tuple[StepStatus, str]:
        state = found.state = directory.fetch_state(connection.scope)
        parts = [
            f"{group.name} {counted(len(state.members[group.id].user_ids), 'member')}"
            + (" (dynamic)" if group.dynamic else "")
            for group in state.groups
        ]
        if state.direct.user_ids:
            parts.append(f"{counted(len(state.direct.user_ids), 'user')} bound directly")
        if not state.member_ids():
            return StepStatus.WARNING, "nobody is in the scope: " + " · ".join(parts)
        return StepStatus.PASSED, " · ".join(parts)

    def people_readable() -> tuple[StepStatus, str]:
        state = found.state
        assert state is not None  # noqa: S101 - the step before has set it, or failed
        if state.gaps:
            return StepStatus.FAILED, "; ".join(state.gaps)
        people = [state.users[key] for key in state.member_ids()]
        states = Counter(user.state.lower() for user in people)
        parts = ", ".join(f"{number} {name}" for name, number in sorted(states.items()))
        return StepStatus.PASSED, f"{len(people)} in scope" + (f": {parts}" if parts else "")

    yield "key accepted", key_accepted
    yield "groups found", groups_found
    yield "people readable", people_readable
    yield "no other provisioner", partial(_only_provisioner, connection)


def _only_provisioner(connection: Connection) -> tuple[StepStatus, str]:
    if connection.feed is None:
        why = "directory.insights is off, or no directory.insights_url is known"
        return StepStatus.SKIPPED, f"JumpCloud's event log is not asked: {why}"
    try:
        others = fetch_provisioners(
            connection.feed, connection.clock.now(), connection.scope, connection.platform
        )
    except FeedError as error:
        wanted = StepStatus.WARNING if connection.feed_wanted else StepStatus.SKIPPED
        return wanted, f"{error}; fast runs read the directory instead"
    if others:
        return StepStatus.WARNING, "; ".join(finding.message for finding in others)
    return StepStatus.PASSED, "JumpCloud's event log shows none in the last day"


def _provider_steps(connection: Connection, found: _Found) -> Iterator[tuple[str, Attempt]]:
    provider = connection.provider
    filters: dict[str, bool] = {}

    def token_accepted() -> tuple[StepStatus, str]:
        capabilities = found.capabilities = provider.fetch_capabilities()
        filters.update(capabilities.filters)
        if capabilities.described:
            return StepStatus.PASSED, f"ServiceProviderConfig: {capabilities.config}"
        return StepStatus.PASSED, f"no ServiceProviderConfig ({capabilities.config}); not needed"

    def listing_trusted() -> tuple[StepStatus, str]:
        actual = found.actual = provider.fetch_state(groups=connection.group_policy.enabled)
        seen = counted(len(actual.users), "account")
        if connection.group_policy.enabled:
            seen += f", {counted(len(actual.groups), 'group')}"
        if actual.gaps:
            gaps = "; ".join(actual.gaps)
            return StepStatus.WARNING, f"{seen}; {gaps}: nobody can be deactivated by this list"
        return StepStatus.PASSED, f"{seen}, totals agree, no repeats"

    def filters_work() -> tuple[StepStatus, str]:
        if not filters:
            return StepStatus.SKIPPED, "no account to try them on"
        working = [name for name, works in filters.items() if works]
        if len(working) == len(filters):
            return StepStatus.PASSED, " and ".join(f"{name} eq" for name in working)
        broken = ", ".join(name for name, works in filters.items() if not works)
        return StepStatus.WARNING, f"{broken} cannot be filtered by; the whole list is used instead"

    yield "reachable, token accepted", token_accepted
    yield "listing can be trusted", listing_trusted
    yield "filters", filters_work


def _profile_steps(connection: Connection, found: _Found) -> Iterator[tuple[str, Attempt]]:
    """What was learnt of the platform, against what its profile says; runs go by it."""
    capabilities = found.capabilities
    if capabilities is None:
        return
    for trait in capabilities.traits:
        yield trait.name, partial(_compared, trait)

    def learnt() -> tuple[StepStatus, str]:
        before = connection.store.learnt(connection.name)
        now = Learnt(
            facts=capabilities.facts, subject=connection.subject, at=connection.clock.now()
        )
        connection.store.record_learnt(connection.name, now)
        used = ", ".join(capabilities.used) or "nothing that differs from the profile"
        changed = before is not None and before.is_current(now.subject, now.at)
        words = f"{used}; kept for {counted(BELIEVED_FOR.days, 'day')}"
        if before is not None and changed and before.facts != now.facts:
            words += f"; differs from what was learnt on {before.at:%Y-%m-%d}"
        return StepStatus.PASSED, words

    yield "learnt, used by runs", learnt


def _compared(trait: Trait) -> tuple[StepStatus, str]:
    expected = f" (profile: {trait.expected})" if trait.expected else ""
    return StepStatus.PASSED if trait.agrees else StepStatus.WARNING, f"{trait.found}{expected}"


def _mapping_steps(connection: Connection, found: _Found) -> Iterator[tuple[str, Attempt]]:
    def everybody_mapped() -> tuple[StepStatus, str]:
        state = found.state
        if state is None:
            return StepStatus.SKIPPED, "JumpCloud could not be read"
        desired = map_users(state, connection.scope, connection.policy, connection.rules)
        broken = [user for user in desired if user.problem and user.in_scope]
        if broken:
            shown = "; ".join(f"{user.user_name}: {user.problem}" for user in broken[:_SHOWN])
            more = f"; and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
            return (
                StepStatus.WARNING,
                f"{len(broken)} of {len(desired)} cannot be mapped: {shown}{more}",
            )
        people = counted(len(desired), "person") if len(desired) == 1 else f"{len(desired)} people"
        return StepStatus.PASSED, f"{people} can be mapped"

    def known() -> tuple[StepStatus, str]:
        described = found.capabilities.attributes if found.capabilities else None
        unsent = [f"{path} is not sent (profile: allowed)" for path in connection.unsent]
        if described is None and not unsent:
            return StepStatus.SKIPPED, "the platform does not describe its attributes"
        paths = [rule.path for rule in connection.rules]
        strange = [
            f"{path} is not in /Schemas"
            for path in paths
            if described is not None and not _is_described(path, described)
        ]
        if strange or unsent:
            return StepStatus.WARNING, "; ".join([*unsent, *strange])
        return StepStatus.PASSED, "all in /Schemas"

    def somebody_meant() -> tuple[StepStatus, str]:
        if found.state is None or found.state.gaps or found.actual is None:
            return StepStatus.SKIPPED, "both sides have to be read completely"
        unmet = list(
            find_unmet(
                found.state,
                found.actual.users,
                scope=connection.scope,
                policy=connection.policy,
                groups=connection.group_policy,
            )
        )
        if unmet:
            return StepStatus.WARNING, "; ".join(unmet)
        return StepStatus.PASSED, "conditions and exclusions mean somebody"

    yield f"{counted(len(connection.rules), 'attribute')}", everybody_mapped
    yield "names and conditions", somebody_meant
    yield "known to the platform", known


def _is_described(path: str, described: frozenset[str]) -> bool:
    parts = parse_path(path)
    prefix = f"{parts.schema}:" if parts.schema else ""
    return f"{prefix}{parts.attribute}".casefold() in described
