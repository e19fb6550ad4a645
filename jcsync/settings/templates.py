"""Jinja2 templates of attributes and group names: sandboxed, bounded, checked when loaded.

Importing this module loads Jinja2; only settings with templates that are not ``plain`` do.
"""

import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from jcsync.model.directory import DirectoryGroup, DirectoryUser
from jcsync.model.rules import MappingError
from jcsync.model.text import did_you_mean
from jcsync.settings.filters import FILTERS, FUNCTIONS, WITHDRAWN, call_problem
from jcsync.settings.plain import MAX_OUTPUT, bounded
from jcsync.settings.problems import shorten
from jcsync.settings.views import (
    GROUP_FIELDS,
    PLACE_FIELDS,
    USER_FIELDS,
    USER_PARTS,
    GroupView,
    UserView,
    View,
)

_MAX_OPERAND: Final = 1_000_000
_SIGNS: Final = {
    "begin of print statement": "{{",
    "end of print statement": "}}",
    "begin of statement block": "{%",
    "end of statement block": "%}",
}
_UNKNOWN: Final = object()
"""An argument whose value each person has of his own."""

_FAILURES: Final = (
    *(TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError),
    *(RuntimeError, MemoryError),
)
"""What an expression can raise for one person's values."""


class _Template(Template):
    """Puts what all templates know together once, and not again for each person."""

    _known: dict[str, Any] | None = None

    def new_context(
        self,
        vars: dict[str, Any] | None = None,  # noqa: A002 # Jinja2's own signature
        shared: bool = False,  # noqa: ARG002, FBT001, FBT002
        locals: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> Context:
        """Return the context of one rendering."""
        if self._known is None:
            self._known = dict(self.globals)
        return super().new_context({**self._known, **(vars or {})}, shared=True, locals=locals)


class _Environment(SandboxedEnvironment):
    """Shows views as they are; refuses products and powers that could exhaust the memory."""

    template_class = _Template
    intercepted_binops = frozenset({"*", "**"})

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 # Jinja2's own signature
        """Ask a view directly: the sandbox has nothing to guard there, and is slow."""
        return (
            self.getitem(obj, attribute)
            if isinstance(obj, View)
            else super().getattr(obj, attribute)
        )

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 # Jinja2's own signature
        """Ask a view directly, by texts only."""
        if not isinstance(obj, View):
            return super().getitem(obj, argument)
        try:
            return obj[argument]
        except (KeyError, TypeError):
            return self.undefined(f"unknown field {shorten(argument)}")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Check the size of the operands first."""
        sizes = [len(x) if isinstance(x, str | list | tuple) else x for x in (left, right)]
        numbers = [abs(size) for size in sizes if isinstance(size, int | float)]
        product = numbers[0] * numbers[1] if len(numbers) == 2 else 0  # noqa: PLR2004 # both
        if product > _MAX_OPERAND or (operator == "**" and max(numbers, default=0) > 100):  # noqa: PLR2004
            message = "a number or text grows too large"
            raise SecurityError(message)
        return super().call_binop(context, operator, left, right)


@lru_cache
def check_user_template(source: str) -> None:
    """Accept a template of ``user``.

    Raises:
        ValueError: It is no template, or names a field that no user has.
    """
    _check(source, "user", (*USER_FIELDS, *USER_PARTS))
    if not re.search(r"\{[{%]", source) and (found := re.search(r"\buser\.\w+", source)):
        message = f"everybody would get this very text; write {{{{ {found[0]} }}}}"
        raise ValueError(message)


def check_group_template(source: str) -> None:
    """Accept a template of ``group``.

    Raises:
        ValueError: It is no template, or names something else than ``id`` and ``name``.
    """
    _check(source, "group", GROUP_FIELDS)


def compile_user_template(source: str) -> Callable[[DirectoryUser], str]:
    """Return the function that renders a checked template for one user, stripped.

    The function raises ``MappingError`` when the template fails or writes too much.
    """
    template = _compile(source)
    return lambda user: _render(template, source, {"user": UserView(user)})


def fields_of_user(source: str) -> frozenset[str] | None:
    """Return the fields of ``user`` that a checked template names, ``None`` when it may use any."""
    tree = _environment().parse(source)
    named = [name for _, base, name in _accesses(tree) if base == "user"]
    mentioned = sum(node.name == "user" for node in tree.find_all(nodes.Name))
    return frozenset(named) if len(named) == mentioned else None


def compile_group_template(source: str) -> Callable[[str, str], str]:
    """Return the function that renders a checked template for the id and name of a group.

    The function raises ``MappingError`` when the template fails, or nothing is left.
    """
    template = _compile(source)

    def render(group_id: str, name: str) -> str:
        group = GroupView(DirectoryGroup(id=group_id, name=name))
        text = _render(template, source, {"group": group})
        if not text:
            message = f"the template leaves no name for the group {shorten(name)}"
            raise MappingError(message)
        return text

    return render


@lru_cache
def _compile(source: str) -> Template:
    return _environment().from_string(source)


@cache
def _environment() -> _Environment:
    environment = _Environment(undefined=StrictUndefined, autoescape=False)  # no HTML
    environment.filters.update(FILTERS)
    environment.globals.update(FUNCTIONS)
    for name in WITHDRAWN:
        del environment.filters[name]
    del environment.globals["lipsum"]  # random text
    return environment


def _render(template: Template, source: str, variables: dict[str, object]) -> str:
    written, size = [], 0
    try:
        for piece in template.generate(variables):
            size += len(piece)
            written.append(piece)
            if size > MAX_OUTPUT:
                break
    except MappingError as error:
        message = f"{_failure(source, error)}: {error}"
        raise MappingError(message) from error
    except _FAILURES as error:
        message = f"{_failure(source, error)}: {shorten(error)}"
        raise MappingError(message) from error
    return bounded("".join(written))


def _failure(source: str, error: BaseException) -> str:
    """Return which template failed, and in which of its lines."""
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == "<template>"]
    line = f" in line {lines[-1]}" if lines else ""
    return f"the template fails{line} of {shorten(source)}"


def _check(source: str, variable: str, fields: tuple[str, ...]) -> None:
    try:
        tree = _environment().parse(source)
        _check_statements(source, tree)
        _check_filters(source, tree)
        _compile(source)
        unknown = find_undeclared_variables(tree) - {variable} - set(_environment().globals)
    except TemplateSyntaxError as error:
        message = f"template line {error.lineno}: {_in_signs(error.message or '')}"
        raise ValueError(message) from None
    except (TemplateError, RecursionError) as error:
        message = f"not a template: {shorten(error)}"
        raise ValueError(message) from None
    if unknown:
        _refuse_name(source, tree, min(unknown), variable, fields)
    for node, base, name in _accesses(tree):
        allowed = _allowed_below(base, variable, fields)
        if allowed and name not in allowed:
            hint = did_you_mean(name, allowed) or f"; allowed are {', '.join(allowed)}"
            message = f'unknown field "{base}.{name}"{hint}'
            raise ValueError(_placed(source, node.lineno, name, message))


def _check_statements(source: str, tree: nodes.Template) -> None:
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        name = {"FromImport": "from"}.get(type(node).__name__, type(node).__name__.lower())
        message = f"{name} is not available: a template stands alone"
        raise ValueError(_placed(source, node.lineno, name, message))


def _check_filters(source: str, tree: nodes.Template) -> None:
    """Refuse what Jinja2 itself would notice only when a person takes that branch."""
    environment = _environment()
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        kind = type(node).__name__.lower()
        known = environment.filters if isinstance(node, nodes.Filter) else environment.tests
        name = str(node.name)
        message = ""
        if name in WITHDRAWN and kind == "filter":
            message = f'filter "{name}" is not available: each run would send another value'
        elif name not in known:
            message = f'unknown {kind} "{name}"{did_you_mean(name, known)}'
        elif kind == "filter" and node.dyn_args is None and node.dyn_kwargs is None:
            options = {str(option.key): _constant(option.value) for option in node.kwargs}
            message = call_problem(name, [_constant(a) for a in node.args], options, _UNKNOWN)
        if message:
            raise ValueError(_placed(source, node.lineno, name, message))


def _constant(node: nodes.Expr) -> object:
    return node.value if isinstance(node, nodes.Const) else _UNKNOWN


def _in_signs(message: str) -> str:
    """Return a message of Jinja2 with the signs that its words mean."""
    for words, sign in _SIGNS.items():
        message = message.replace(f"'{words}'", sign)
    return message.rstrip(".")


def _refuse_name(
    source: str, tree: nodes.Template, name: str, variable: str, fields: tuple[str, ...]
) -> None:
    found = [node for node in tree.find_all(nodes.Name) if node.name == name]
    quoted = any(
        isinstance(node.arg, nodes.Name) and node.arg.name == name
        for node in tree.find_all(nodes.Getitem)
    )
    hint = did_you_mean(name, [variable, *FUNCTIONS]) or f'; a template knows "{variable}"'
    if name in fields:
        hint = f'; did you mean "{variable}.{name}"?'
    if quoted:
        hint = f'; a name in brackets is written in quotes: ["{name}"]'
    message = f'unknown name "{name}"{hint}'
    raise ValueError(_placed(source, found[0].lineno, name, message))


def _placed(source: str, line: int, word: str, message: str) -> str:
    """Put the place of a word in front of a message; Jinja2 itself knows lines only."""
    text = source.splitlines()[line - 1]
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    column = f", column {found.start() + 1}" if found else ""
    return f"template line {line}{column}: {message}"


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
        return PLACE_FIELDS
    return ()
