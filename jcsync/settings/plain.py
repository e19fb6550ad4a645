"""Templates that only choose and join fields, without what Jinja2 does around each rendering.

Most are no more than that, and are rendered for everybody in every run: this takes a tenth of the
time, and a test compares what comes of it.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Final

from jinja2 import nodes

from jcsync.model.directory import TEXT_FIELDS, DirectoryUser
from jcsync.settings.filters import is_blank

Render = Callable[[DirectoryUser], str]

_FIELDS: Final = frozenset({"id", *TEXT_FIELDS})


def compile_plain(tree: nodes.Template) -> Render | None:
    """Return the function that renders a template of ``user``, ``None`` where it takes Jinja2.

    Args:
        tree: A checked template.
    """
    if not all(isinstance(node, nodes.Output) for node in tree.body):
        return None
    return _join(child for node in tree.body for child in node.iter_child_nodes())


def _join(found: Iterable[nodes.Node]) -> Render | None:
    parts = _compile(found)
    return None if parts is None else lambda user: "".join([part(user) for part in parts])


def _first(found: Iterable[nodes.Node]) -> Render | None:
    parts = _compile(found)
    if parts is None:
        return None
    return lambda user: next((text for part in parts if not is_blank(text := part(user))), "")


def _compile(found: Iterable[nodes.Node]) -> list[Render] | None:
    parts = [_part(node) for node in found]
    known = [part for part in parts if part is not None]
    return known if len(known) == len(parts) else None


def _part(node: nodes.Node) -> Render | None:
    match node:
        case nodes.TemplateData(data=str(text)) | nodes.Const(value=str(text)):
            return lambda _user: text
        case nodes.Getattr(node=nodes.Name(name="user"), attr=str(name)) if name in _FIELDS:
            return attrgetter(name)
        case nodes.Concat(nodes=found):
            return _join(found)
        case nodes.Call(
            node=nodes.Name(name="first"), args=found, kwargs=[], dyn_args=None, dyn_kwargs=None
        ):
            return _first(found)
    return None
