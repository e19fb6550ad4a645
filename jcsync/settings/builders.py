"""Settings → the plain values that the rest of jcsync works with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from jcsync.errors import SettingsError
from jcsync.model.directory import TEXT_FIELDS, DirectoryUser, field_value, root_field
from jcsync.model.limits import Limit, Limits
from jcsync.model.path import InvalidPathError, ScimPath, parse_path
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
    needed_fields,
)
from jcsync.settings.ceilings import CountLimit, ShareLimit
from jcsync.settings.connection import DEFAULT_GROUP_NAME, Connection, DirectorySettings
from jcsync.settings.entries import AttributeSource, ClauseSettings
from jcsync.settings.paths import Speller, check_paths, fold, is_below, is_beside, is_primary
from jcsync.settings.plain import read_plain

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
        insights_url: Of the change feed; ``""`` when it is not to be asked.
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
        insights_url=_insights_url(directory, region),
        token_url=directory.token_url or _TOKEN_URL,
    )


def _insights_url(directory: DirectorySettings, region: str) -> str:
    """Where the change feed is; of a console elsewhere nobody knows, unless the settings say."""
    unknown = directory.insights == "auto" and directory.base_url and not directory.insights_url
    if directory.insights == "off" or unknown:
        return ""
    return directory.insights_url or f"https://api.{region}jumpcloud.com/insights/directory/v1"


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
        connection adds, in its order. ``null`` for a whole attribute, such as ``name``, removes
        all defaults for parts of it. Names of RFC 7643 are spelled as there, others as in the
        defaults where they are there. ``primary`` is empty for who lacks the value.

    Raises:
        SettingsError: The defaults are no mapping, or nothing is left for ``userName``.
    """
    merged = _merged(connection.users.attributes, defaults)
    rules = tuple(_rule(path, source) for path, source in merged)
    if not any(rule.path == "userName" for rule in rules):
        message = "users.attributes: userName must be mapped"
        raise SettingsError(message)
    return tuple(_beside(rule, rules) for rule in rules)


def _merged(
    own: Mapping[str, AttributeSource | None], defaults: Mapping[str, Any]
) -> list[tuple[ScimPath, AttributeSource]]:
    """Return path and source of what is mapped, in order and in one spelling."""
    try:
        merged = {fold(path): (path, source) for path, source in _parsed(defaults)}
    except (ValidationError, InvalidPathError) as error:
        message = "the default mapping of the profile is damaged; report it"
        raise SettingsError(message) from error
    for key, source in own.items():
        path = parse_path(key)
        if source is None:
            below = [name for name, (other, _) in merged.items() if is_below(other, path)]
            for name in below:
                del merged[name]
        merged[fold(path)] = (merged.get(fold(path), (path, None))[0], source)
    speller = Speller()
    return [(speller.spell(path), source) for path, source in merged.values() if source is not None]


def _parsed(defaults: Mapping[str, Any]) -> list[tuple[ScimPath, AttributeSource | None]]:
    for key, message in check_paths(defaults):
        text = f"{key}: {message}"
        raise InvalidPathError(text)
    sources = _MAPPING.validate_python(dict(defaults))
    return [(parse_path(path), source) for path, source in sources.items()]


def _rule(path: ScimPath, source: AttributeSource) -> AttributeRule:
    origin, read, fields = _reader(source)
    return AttributeRule(
        path=str(path),
        source=origin,
        read=read,
        fields=fields,
        default=source.default,
        create_only=source.when == "create",
        clear=source.clear,
        max_length=source.max_length,
        reference=source.reference is not None,
    )


def _reader(
    source: AttributeSource,
) -> tuple[str, Callable[[DirectoryUser], Value], frozenset[str] | None]:
    """Return the origin in words, the function that reads it, and the fields it may look at."""
    if source.template is not None:
        return "template", *_template_reader(source.template)
    name = source.from_ or source.reference
    if name is not None:
        return name, _field_reader(name), frozenset({root_field(name)})
    return "constant", partial(_read_constant, source.value), frozenset()


def _template_reader(
    source: str,
) -> tuple[Callable[[DirectoryUser], str], frozenset[str] | None]:
    plain = read_plain(source)
    if plain:
        return plain.render, plain.fields
    from jcsync.settings import templates  # noqa: PLC0415 # loads Jinja2

    return templates.compile_user_template(source), templates.fields_of_user(source)


def _field_reader(name: str) -> Callable[[DirectoryUser], Value]:
    """Return the function that reads a field: no pattern is matched for each person."""
    if name == "_id" or name in TEXT_FIELDS:
        return attrgetter(name.removeprefix("_"))
    return partial(_read_field, name)


def _read_field(name: str, user: DirectoryUser) -> Value:
    return field_value(user, name)


def _read_constant(value: Value, _user: DirectoryUser) -> Value:
    return value


def _beside(rule: AttributeRule, rules: Iterable[AttributeRule]) -> AttributeRule:
    """Let ``primary`` be said of a value only where there is one."""
    path = parse_path(rule.path)
    if not is_primary(path):
        return rule
    content = tuple(other for other in rules if is_beside(parse_path(other.path), path))
    return replace(
        rule,
        read=partial(_read_primary, rule.read, content),
        fields=needed_fields((rule, *content), Scope()),
    )


def _read_primary(
    read: Callable[[DirectoryUser], Value], content: Iterable[AttributeRule], user: DirectoryUser
) -> Value:
    return read(user) if any(_has_value(rule, user) for rule in content) else None


def _has_value(rule: AttributeRule, user: DirectoryUser) -> bool:
    try:
        value = rule.read(user)
    except MappingError:  # its own rule reports it
        return False
    empty = value is None or (isinstance(value, str) and not value.strip())
    return not empty or rule.default is not None


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
