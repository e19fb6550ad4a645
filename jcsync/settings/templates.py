"""Jinja2 templates of attributes and group names: sandboxed, bounded, checked when loaded.

Importing this module loads Jinja2; only settings that use templates do.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import SandboxedEnvironment

from jcsync.model.directory import ADDRESS_FIELDS, TEXT_FIELDS, Address, DirectoryUser
from jcsync.model.rules import MappingError
from jcsync.settings.problems import did_you_mean, shorten

MAX_OUTPUT: Final = 10_000
_MAX_OPERAND: Final = 1_000_000

_STATE_FIELDS: Final = ("state", "activated", "account_locked", "password_expired")
USER_FIELDS: Final = ("id", "_id", *TEXT_FIELDS, *_STATE_FIELDS)
_PARTED: Final = ("attributes", "phoneNumbers", "addresses")
_FAILURES: Final = (
    *(TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError),
    *(RuntimeError, MemoryError),
)
"""What an expression can raise for one person's values."""


class _Environment(SandboxedEnvironment):
    """Refuses products and powers that could exhaust the memory."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Check the size of the operands first."""
        sizes = [len(x) if isinstance(x, str | list | tuple) else x for x in (left, right)]
        numbers = [abs(size) for size in sizes if isinstance(size, int | float)]
        product = numbers[0] * numbers[1] if len(numbers) == 2 else 0  # noqa: PLR2004 # both
        if product > _MAX_OPERAND or (operator == "**" and max(numbers, default=0) > 100):  # noqa: PLR2004
            message = "a number or text grows too large"
            raise SecurityError(message)
        return super().call_binop(context, operator, left, right)


class _Parts:
    """Texts by name, case ignored; a name that is not there is empty."""

    def __init__(self, parts: dict[str, object], absent: object = "") -> None:
        self._parts = parts
        self._absent = absent

    def __getitem__(self, name: object) -> object:
        return self._parts.get(str(name).casefold(), self._absent)

    def __contains__(self, name: object) -> bool:
        return str(name).casefold() in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __str__(self) -> str:
        return ""


class _Names:
    """A user, address or group: fixed names, any other is an error."""

    def __init__(self, **values: object) -> None:
        self._values = values

    def __getitem__(self, name: object) -> object:
        return self._values[str(name)]

    def __str__(self) -> str:
        return ""


def check_user_template(source: str) -> None:
    """Accept a template of ``user``.

    Raises:
        ValueError: It is no template, or names a field that no user has.
    """
    _check(source, "user", (*USER_FIELDS, *_PARTED))


def check_group_template(source: str) -> None:
    """Accept a template of ``group``.

    Raises:
        ValueError: It is no template, or names something else than ``id`` and ``name``.
    """
    _check(source, "group", ("id", "name"))


def compile_user_template(source: str) -> Callable[[DirectoryUser], str]:
    """Return the function that renders a checked template for one user, stripped.

    The function raises ``MappingError`` when the template fails or writes too much.
    """
    template = _environment().from_string(source)
    return lambda user: _render(template, {"user": _user(user)})


def compile_group_template(source: str) -> Callable[[str, str], str]:
    """Return the function that renders a checked template for the id and name of a group.

    The function raises ``MappingError`` when the template fails, or nothing is left.
    """
    template = _environment().from_string(source)

    def render(group_id: str, name: str) -> str:
        text = _render(template, {"group": _Names(id=group_id, name=name)})
        if not text:
            message = f"groups.name: the template leaves no name for the group {name}"
            raise MappingError(message)
        return text

    return render


@cache
def _environment() -> _Environment:
    return _Environment(undefined=StrictUndefined, autoescape=False)  # no HTML


def _render(template: Any, variables: dict[str, object]) -> str:  # noqa: ANN401 # Jinja2 is untyped here
    written, size = [], 0
    try:
        for piece in template.generate(variables):
            size += len(piece)
            if size > MAX_OUTPUT:
                break
            written.append(piece)
    except _FAILURES as error:
        message = f"the template fails: {shorten(error)}"
        raise MappingError(message) from error
    if size > MAX_OUTPUT:
        message = f"the template writes more than {MAX_OUTPUT} characters"
        raise MappingError(message)
    return "".join(written).strip()


def _user(user: DirectoryUser) -> _Names:
    fields: dict[str, object] = {name: getattr(user, name) for name in USER_FIELDS if name != "_id"}
    nowhere = _address(Address(type=""))
    return _Names(
        **fields,
        _id=user.id,
        attributes=_Parts(_first_of(user.attributes)),
        phoneNumbers=_Parts(_first_of(user.phoneNumbers)),
        addresses=_Parts(_first_of((a.type, _address(a)) for a in user.addresses), nowhere),
    )


def _address(address: Address) -> _Names:
    return _Names(**{part: getattr(address, part) for part in ("type", *ADDRESS_FIELDS)})


def _first_of(pairs: Any) -> dict[str, object]:  # noqa: ANN401 # pairs of text and anything
    found: dict[str, object] = {}
    for name, value in pairs:
        found.setdefault(name.casefold(), value)
    return found


def _check(source: str, variable: str, fields: tuple[str, ...]) -> None:
    try:
        tree = _environment().parse(source)
        _environment().from_string(source)
        unknown = find_undeclared_variables(tree) - {variable} - set(_environment().globals)
    except TemplateSyntaxError as error:
        message = f"template line {error.lineno}: {error.message}"
        raise ValueError(message) from None
    except (TemplateError, RecursionError) as error:
        message = f"not a template: {shorten(error)}"
        raise ValueError(message) from None
    if unknown:
        name = min(unknown)
        hint = did_you_mean(name, [variable]) or f'; a template knows "{variable}"'
        message = f'template: unknown name "{name}"{hint}'
        raise ValueError(message)
    for node, base, name in _accesses(tree):
        allowed = _allowed_below(base, variable, fields)
        if allowed and name not in allowed:
            hint = did_you_mean(name, allowed)
            message = f'template line {node.lineno}: unknown field "{base}.{name}"{hint}'
            raise ValueError(message)


def _accesses(tree: nodes.Template) -> Iterator[tuple[nodes.Node, str, str]]:
    """Yield every ``base.name`` or ``base['name']`` that is written out."""
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        path = _dotted(node)
        if path and "." in path:
            base, _, name = path.rpartition(".")
            yield node, base, name


def _dotted(node: nodes.Node) -> str:
    """Return ``user.addresses.work`` for such an expression, ``""`` for any other."""
    if isinstance(node, nodes.Name):
        return str(node.name)
    if isinstance(node, nodes.Getattr):
        base, name = _dotted(node.node), node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        base, name = _dotted(node.node), str(node.arg.value)
    else:
        return ""
    return f"{base}.{name}" if base else ""


def _allowed_below(base: str, variable: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that may follow, none where every name may."""
    if base == variable:
        return fields
    if base.startswith(f"{variable}.addresses.") and base.count(".") == 2:  # noqa: PLR2004 # a type
        return ("type", *ADDRESS_FIELDS)
    return ()
