"""Every message that the page of troubleshooting explains is one that the program has."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.unit.test_documents import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = [
    message
    for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    for message in re.findall(r"`([^`]+)`", row)
]


def texts() -> Iterator[str]:
    """Every text of the program, with a sign in place of what is filled in."""
    for path in (ROOT / "jcsync").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (v.value if isinstance(v, ast.Constant) else "\0" for v in node.values)
                yield "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


TEXTS = list(texts())


@pytest.mark.parametrize("message", MESSAGES)
def test_message_is_one_of_the_program(message: str) -> None:
    """Reworded or dropped messages take their row along."""
    pieces = [re.escape(piece) for piece in message.split("…")]
    wanted = re.compile(".*?".join(pieces), re.DOTALL)

    assert any(wanted.search(text) for text in TEXTS), message


def test_page_has_what_is_usual() -> None:
    """Thirty and more errors of daily life."""
    assert len(MESSAGES) > 50
