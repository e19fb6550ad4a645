"""The settings file: YAML as a tree of plain values that knows the line of each.

PyYAML parses; what its values mean is decided here, by the core schema of YAML 1.2: ``on``,
``no`` and ``12:30`` are texts. A number remembers how it was written, so that a group called
``007`` keeps its name. Keys are always texts.
"""

import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from jcsync.settings.problems import KeyPath, Problem, dotted, shorten

_MAX_NODES: Final = 200_000
_MAX_DIGITS: Final = 40
_BRACES: Final = re.compile(r":\s+\{\{")
_QUOTES: Final = 'put the template in quotes: {template: "{{ … }}"}'
_TAG: Final = "tag:yaml.org,2002:"

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableDocumentError(ValueError):
    """A text is not a document of the expected form; nothing in it can be used.

    Attributes:
        problem: What is wrong, and where.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        """Keep the place."""
        super().__init__(message)
        self.problem = Problem(line=line, path="", message=message)


class Whole(int):
    """A whole number that knows how it was written."""

    text: str


class Fraction(float):
    """A number with a fraction that knows how it was written."""

    text: str


def written(value: object) -> object:
    """Return the text of a number as it was written, and any other value as it is."""
    return value.text if isinstance(value, Whole | Fraction) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as it was read.

    Attributes:
        tree: Its values; a key that occurs twice has the first value.
        lines: Line of each key and list item, from 1.
        problems: Keys that occur twice, tags and aliases that cannot be used.
        lost: Whose values could not be read for one of them: nothing else is wrong there.
    """

    tree: dict[str, object] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    lost: frozenset[KeyPath] = frozenset()


class _Loader(_Base):  # type: ignore[misc] # the base is chosen at run time
    """Resolves plain scalars by the core schema of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 # PyYAML's own attribute


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z"), _first)


def parse_document(text: str) -> Document:
    """Return the settings in the text of a file.

    Raises:
        UnreadableDocumentError: It is not YAML, empty, or not a mapping.
    """
    node = _compose(text)
    if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null"):
        message = "the file is empty; write one with: jcsync init --force"
        raise UnreadableDocumentError(message)
    if not isinstance(node, yaml.MappingNode):
        message = 'must be a mapping of keys; the first line is for example "connections:"'
        raise UnreadableDocumentError(message, node.start_mark.line + 1)
    builder = _Builder()
    tree = builder.mapping(node, ())
    return Document(
        tree=tree,
        lines=builder.lines,
        problems=tuple(builder.problems),
        lost=frozenset(builder.lost),
    )


def parse_value(text: str) -> object:
    """Return the value of a YAML or JSON text that stands alone, as in a variable.

    Raises:
        UnreadableDocumentError: It is not YAML, or a key occurs twice.
    """
    node = _compose(text)
    if node is None:
        return None
    builder = _Builder()
    value = builder.value(node, ())
    if builder.problems:
        first = builder.problems[0]
        raise UnreadableDocumentError(
            f"{first.path}: {first.message}" if first.path else first.message
        )
    return value


def _compose(text: str) -> yaml.Node | None:
    try:
        loader = _Loader(text.removeprefix("\N{BYTE ORDER MARK}"))
        try:
            node: yaml.Node | None = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _marked(text, error) from None  # PyYAML's own text quotes the file
    except yaml.reader.ReaderError as error:
        message = f"not a text file: {error.reason}"
        raise UnreadableDocumentError(message) from error
    except (yaml.YAMLError, ValueError) as error:
        message = "not YAML"
        raise UnreadableDocumentError(message) from error
    except RecursionError as error:
        message = "nested too deeply"
        raise UnreadableDocumentError(message) from error
    return node


def _marked(text: str, error: yaml.MarkedYAMLError) -> UnreadableDocumentError:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return UnreadableDocumentError("not YAML")
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return UnreadableDocumentError("indent with spaces: YAML allows no tabs", mark.line + 1)
    if "but found another document" in str(error.problem):
        message = "a second document starts here; remove the line ---"
        return UnreadableDocumentError(message, mark.line + 1)
    if _BRACES.search(line):
        return UnreadableDocumentError(_QUOTES, mark.line + 1)
    begun = error.context_mark
    if begun is not None and (unclosed := _unclosed(error, begun)):
        return UnreadableDocumentError(unclosed, begun.line + 1)
    reason = _reason(error)
    if "block end" in reason or "expected key" in reason:
        reason = f"{reason}; see that this line and those before it are indented alike"
    return UnreadableDocumentError(f"not YAML: {reason}, column {mark.column + 1}", mark.line + 1)


def _unclosed(error: yaml.MarkedYAMLError, begun: yaml.Mark) -> str:
    """Say which bracket or quote the parser was in when it met the end, or ``""``."""
    place = f"column {begun.column + 1}"
    if error.context in ("while parsing a flow sequence", "while parsing a flow mapping"):
        sign = "[" if error.context.endswith("sequence") else "{"
        return f"not YAML: the {sign} in {place} is not closed, or a comma is missing between its parts"
    if "unexpected end of stream" in str(error.problem):
        return f"not YAML: the quote in {place} is not closed"
    return ""


def _reason(error: yaml.MarkedYAMLError) -> str:
    """PyYAML's reason without what it quotes: that may be part of a secret."""
    problem = re.sub(r"(?<![a-z])('[^']{2,}'|\"[^\"]{2,}\")", "…", str(error.problem or ""))
    return problem.strip() or "it cannot be read"


class _Builder:
    """Walks the nodes of one document and remembers where each value stood."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self.lost: set[KeyPath] = set()
        self._nodes = 0
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        """Return the value of a node.

        Raises:
            UnreadableDocumentError: Aliases contain themselves or multiply beyond bounds.
        """
        self._count(node, self._open)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            return [self._item(child, (*path, n)) for n, child in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        """Return the values of a mapping; keys of its own go before merged ones."""
        tree: dict[str, object] = {}
        for key, child, own in self._pairs(node, path, frozenset()):
            if not isinstance(key, yaml.ScalarNode):
                self._add(key, path, _QUOTES if _is_braced(key) else "a key must be a text")
                self.lost.add(path)
                continue
            name = str(key.value)
            here = (*path, name)
            if name not in tree:
                self.lines[here] = key.start_mark.line + 1
                tree[name] = self.value(child, here)
            elif own:
                self._add(key, here, f"given twice, first in line {self.lines[here]}; remove one")
        return tree

    def _pairs(
        self, node: yaml.MappingNode, path: KeyPath, outer: frozenset[int]
    ) -> Iterator[tuple[yaml.Node, yaml.Node, bool]]:
        """Yield keys and values, whether they are its own, then those of ``<<: *anchor``."""
        merged: list[yaml.Node] = []
        for key, child in node.value:
            if _is_merge(key):
                merged += child.value if isinstance(child, yaml.SequenceNode) else [child]
            else:
                yield key, child, not outer
        for child in merged:
            self._count(child, outer | {id(node)})
            if isinstance(child, yaml.MappingNode):
                yield from self._pairs(child, path, outer | {id(node)})
            else:
                self._add(child, path, "<< takes a mapping, or a list of mappings")

    def _count(self, node: yaml.Node, outer: AbstractSet[int]) -> None:
        self._nodes += 1
        if self._nodes > _MAX_NODES or id(node) in outer:
            message = "aliases multiply or contain themselves"
            raise UnreadableDocumentError(message, node.start_mark.line + 1)

    def _item(self, node: yaml.Node, path: KeyPath) -> object:
        self.lines[path] = node.start_mark.line + 1
        return self.value(node, path)

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> object:
        text = str(node.value)
        read = _SCALARS.get(node.tag.removeprefix(_TAG))
        if read is not None:
            return read(text)
        self._add(node, path, f"the tag {shorten(node.tag)} is not supported; write a plain value")
        return None

    def _add(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        problem = Problem(line=node.start_mark.line + 1, path=dotted(path), message=message)
        self.problems.append(problem)


def _is_braced(key: yaml.Node) -> bool:
    """Whether a key is what YAML makes of the inner braces of ``{{ … }}``."""
    return isinstance(key, yaml.MappingNode) and bool(key.flow_style)


def _is_merge(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and not key.style


def _whole(text: str) -> object:
    if len(text) > _MAX_DIGITS:
        return text
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    try:
        number = Whole(text, base)
    except ValueError:  # an explicit tag over something else
        return text
    number.text = text
    return number


def _fraction(text: str) -> object:
    if len(text) > _MAX_DIGITS:
        return text
    try:
        number = Fraction(text)
    except ValueError:
        return text
    number.text = text
    return number


_SCALARS: Final[dict[str, Callable[[str], object]]] = {
    "str": str,
    "null": lambda _text: None,
    "bool": lambda text: text.casefold() == "true",
    "int": _whole,
    "float": _fraction,
}
