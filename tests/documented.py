"""The commands that the documents show."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from jcsync.cli import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "deploy" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`((?:[A-Z_]+=\S+ )*(?:\S*/)?jcsync [a-z-][^`]*)`(?!`)")
WRAPPERS = {"docker", "podman", "kubectl"}


def name_of(page: Path) -> str:
    """Return how a page is called in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Return the blocks of code of a page, each with its language."""
    for found in FENCE.finditer(page.read_text(encoding="utf-8")):
        indent, language, body = found.groups()
        yield language, re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)


def shell_lines(page: Path) -> Iterator[str]:
    """Return the lines that a reader types: all of ``sh``, those after a prompt of ``console``."""
    for language, body in blocks(page):
        joined = re.sub(r"\\\n\s*", " ", body)
        if language == "sh":
            yield from joined.splitlines()
        elif language == "console":
            yield from (line[2:] for line in joined.splitlines() if line[:2] in ("$ ", "# "))


def commands_of(line: str) -> Iterator[list[str]]:
    """Return the arguments of each jcsync of a line, in whatever it is wrapped."""
    for words in _simple_commands(line):
        found = _arguments(words)
        if found is not None:
            yield found


def others_of(line: str) -> Iterator[list[str]]:
    """Return the words of each command of a line that is of another program."""
    return (words for words in _simple_commands(line) if _arguments(words) is None)


def _simple_commands(line: str) -> Iterator[list[str]]:
    """Return the words of each command of a line, without redirections and variables."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    simple: list[str] = []
    for word in [*lexer, ";"]:
        if not set(word) <= set("|;&"):
            simple.append(word)
            continue
        for sign in (">", "<"):
            simple = simple[: simple.index(sign)] if sign in simple else simple
        while simple and re.match(r"[A-Z_]+=", simple[0]):
            simple = simple[1:]
        if simple:
            yield simple
        simple = []


def _arguments(words: list[str]) -> list[str] | None:
    if words[0].rpartition("/")[2] == "jcsync":
        return words[1:]
    if words[0] in WRAPPERS and {"run", "exec"} & set(words):
        last = len(words) - 1 - words[::-1].index("jcsync")
        return words[last + 1 :] or ["run"]
    return None


def parse(words: list[str], *, partly: bool = False) -> None:
    """Refuse a command line that jcsync would refuse.

    Args:
        words: After ``jcsync``.
        partly: Whether arguments may be missing or mere letters, as in a sentence about a command.
    """
    command: click.Command = cli
    context, rest = click.Context(cli, info_name="jcsync"), list(words)
    while isinstance(command, click.Group):
        while rest and rest[0].startswith("-"):
            rest.pop(0)
        if not rest:
            return
        name = rest.pop(0)
        found = command.get_command(context, name)
        if found is None:
            message = f"jcsync {' '.join(words)}: there is no command {name}"
            raise AssertionError(message)
        command = found
    try:
        command.make_context(command.name, rest, parent=context)
    except click.exceptions.Exit:
        return
    except click.BadParameter:
        if not partly:
            raise
