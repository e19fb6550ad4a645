"""Settings → the plain values that the rest of jcsync works with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from jcsync.errors import SettingsError
from jcsync.model.directory import DirectoryUser, field_value
from jcsync.model.limits import Limit, Limits
from jcsync.model.path import InvalidPathError, parse_path
from jcsync.model.resource import Value
from jcsync.model.rules import (
    AttributeRule,
    Clause,
    GroupPolicy,
    GroupSelector,
    MappingError,
    Operator,
    Policy,
    Scope,
)
from jcsync.settings.ceilings import CountLimit, ShareLimit
from jcsync.settings.checks import check_paths
from jcsync.settings.connection import DEFAULT_GROUP_NAME, Connection, DirectorySettings
from jcsync.settings.entries import AttributeSource, ClauseSettings

_SUBDOMAIN: Final = {"us": "", "eu": "eu.", "in": "in."}
_TOKEN_URL: Final = "https://admin-oauth.id.jumpcloud.com/oauth2/token"  # noqa: S105 # an address
_MAPPING: TypeAdapter[dict[str, AttributeSource | None]] = TypeAdapter(
    dict[str, AttributeSource | None]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Where JumpCloud is.

    Attributes:
        base_url: Of the console, without ``/api``.
        insights_url: Of the change feed.
        token_url: Where service accounts get their tokens.
    """

    base_url: str
    insights_url: str
    token_url: str


def hosts(directory: DirectorySettings) -> Hosts:
    """Return the URLs that are set, and for the others those of the region."""
    region = _SUBDOMAIN[directory.region]
    return Hosts(
        base_url=directory.base_url or f"https://console.{region}jumpcloud.com",
        insights_url=directory.insights_url
        or f"https://api.{region}jumpcloud.com/insights/directory/v1",
        token_url=directory.token_url or _TOKEN_URL,
    )


def build_scope(connection: Connection) -> Scope:
    """Return whom a connection provisions."""
    scope = connection.scope
    return Scope(
        groups=tuple(
            GroupSelector(name=group.name, where=_clauses(group.where)) for group in scope.groups
        ),
        application=scope.application or "",
        where=_clauses(scope.where),
        exclude=_folded(scope.exclude),
    )


def build_policy(connection: Connection) -> Policy:
    """Return what a run may do with accounts."""
    policy = connection.policy
    return Policy(
        create=policy.create,
        update=policy.update,
        adopt=policy.adopt == "in_scope",
        on_leave=policy.on_leave,
        on_suspend=policy.on_suspend,
        on_delete=policy.on_delete,
        on_staged=policy.on_staged,
        on_locked=policy.on_locked,
        on_password_expired=policy.on_password_expired,
        delete_after=policy.delete_after,
        protect=_folded(policy.protect),
        match=connection.users.match,
    )


def build_group_policy(connection: Connection) -> GroupPolicy:
    """Return what a run does with groups; its ``name`` raises ``MappingError``."""
    groups = connection.groups
    return GroupPolicy(
        enabled=groups.enabled,
        only=groups.only,
        name=_group_name(groups.name),
        create=groups.create,
        adopt=groups.adopt,
        keep_empty=groups.empty == "keep",
        remove_extra=groups.extra_members == "remove",
        on_leave=groups.on_leave,
    )


def build_limits(connection: Connection) -> Limits:
    """Return all ceilings of a connection."""
    limits = connection.limits
    return Limits(
        deactivate=_limit(limits.deactivate),
        delete=_limit(limits.delete),
        remove_members=_limit(limits.remove_members),
        delete_groups=_limit(limits.delete_groups),
        patch=_limit(limits.patch),
        create=_limit(limits.create),
        accounts=_limit(limits.accounts),
    )


def build_rules(connection: Connection, defaults: Mapping[str, Any]) -> tuple[AttributeRule, ...]:
    """Return a rule for each mapped attribute, each path once.

    Args:
        connection: Its ``users.attributes`` go before the defaults; ``null`` removes one.
        defaults: The mapping of the profile, in the same language.

    Returns:
        The defaults in their order, changed where the connection does so, then what the
        connection adds, in its order. A path is spelled as in the defaults where it is there.

    Raises:
        SettingsError: The defaults are no mapping, or nothing is left for ``userName``.
    """
    try:
        merged = {_folded_path(path): (path, source) for path, source in _parsed(defaults).items()}
    except (ValidationError, InvalidPathError) as error:
        message = "the default mapping of the profile is damaged; report it"
        raise SettingsError(message) from error
    for path, source in connection.users.attributes.items():
        key = _folded_path(path)
        spelled = merged[key][0] if key in merged else str(parse_path(path))
        merged[key] = (spelled, source)
    rules = tuple(_rule(path, source) for path, source in merged.values() if source is not None)
    if not any(rule.path.casefold() == "username" for rule in rules):
        message = "users.attributes: userName must be mapped"
        raise SettingsError(message)
    return rules


def _parsed(defaults: Mapping[str, Any]) -> dict[str, AttributeSource | None]:
    for key, message in check_paths(defaults):
        text = f"{key}: {message}"
        raise InvalidPathError(text)
    return _MAPPING.validate_python(dict(defaults))


def _folded_path(path: str) -> str:
    return str(parse_path(path)).casefold()


def _rule(path: str, source: AttributeSource) -> AttributeRule:
    origin, read = _reader(path, source)
    return AttributeRule(
        path=path,
        source=origin,
        read=read,
        default=source.default,
        create_only=source.when == "create",
        clear=source.clear,
        max_length=source.max_length,
    )


def _reader(path: str, source: AttributeSource) -> tuple[str, Callable[[DirectoryUser], Value]]:
    """Return the origin in words and the function that reads it."""
    if source.from_ is not None:
        return source.from_, partial(_read_field, source.from_)
    if source.template is not None:
        from jcsync.settings.templates import compile_user_template  # noqa: PLC0415 # loads Jinja2

        return "template", partial(_read_template, path, compile_user_template(source.template))
    if source.reference is not None:
        message = f"{path}: references are not available in this version"
        raise SettingsError(message)
    return "constant", partial(_read_constant, source.value)


def _read_field(name: str, user: DirectoryUser) -> Value:
    return field_value(user, name)


def _read_template(path: str, render: Callable[[DirectoryUser], str], user: DirectoryUser) -> Value:
    try:
        return render(user)
    except MappingError as error:
        message = f"{path}: {error}"
        raise MappingError(message) from error


def _read_constant(value: Value, _user: DirectoryUser) -> Value:
    return value


def _group_name(template: str) -> Callable[[str, str], str]:
    if template == DEFAULT_GROUP_NAME:
        return _own_name
    from jcsync.settings.templates import compile_group_template  # noqa: PLC0415 # loads Jinja2

    return compile_group_template(template)


def _own_name(_group_id: str, name: str) -> str:
    return name


def _limit(limit: CountLimit) -> Limit:
    percent = limit.percent if isinstance(limit, ShareLimit) else None
    return Limit(count=limit.count, percent=percent)


def _clauses(where: Iterable[ClauseSettings]) -> tuple[Clause, ...]:
    return tuple(_clause(clause) for clause in where)


def _clause(clause: ClauseSettings) -> Clause:
    ((operator, operand),) = clause.operands.items()
    return Clause(
        attribute=clause.attribute, operator=operator, operand=_operand(operator, operand)
    )


def _operand(operator: Operator, operand: object) -> tuple[str, ...]:
    if operator is Operator.EXISTS:
        return ("true" if operand else "false",)
    return tuple(map(str, operand)) if isinstance(operand, tuple) else (str(operand),)


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)
