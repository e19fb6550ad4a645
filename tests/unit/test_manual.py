"""Manual pages and shell completion come from the commands themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jcsync.cli import _COMMANDS
from tests.unit.test_documents import ROOT

SHELLS = {"bash": "complete -o nosort", "zsh": "#compdef jcsync", "fish": "complete --no-files"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All manual pages."""
    folder = tmp_path_factory.mktemp("man")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / ".ci" / "man"), str(folder)]
    subprocess.run(command, check=True, env=environ)
    return folder


def test_every_command_has_a_page(pages: Path) -> None:
    """Those below others too."""
    names = {page.name for page in pages.iterdir()}

    assert {"jcsync.1", "jcsync-links-adopt.1"} <= names
    assert {f"jcsync-{name}.1" for name in _COMMANDS} <= names


def test_pages_tell_options_and_exit_status(pages: Path) -> None:
    """What the help says, with roff's own signs written as such."""
    plan = (pages / "jcsync-plan.1").read_text(encoding="utf-8")
    assert "\\-\\-exit\\-code" in plan
    assert "write nothing" in plan
    assert ".SH EXIT STATUS" in (pages / "jcsync.1").read_text(encoding="utf-8")


def test_pages_are_readable(pages: Path) -> None:
    """No line is a request of roff by accident, and the tool for it finds no fault."""
    known = (".TH", ".SH", ".TP", ".B ", ".BR", ".PP", ".nf", ".fi")
    for page in pages.iterdir():
        for line in page.read_text(encoding="utf-8").splitlines():
            assert not line.startswith(("'", ".")) or line.startswith(known), (page, line)
    if shutil.which("groff"):
        for page in pages.iterdir():
            command = ["groff", "-man", "-Tutf8", "-ww", "-z", str(page)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            assert done.stderr == "", page


@pytest.mark.parametrize("shell", SHELLS)
def test_completion(shell: str) -> None:
    """Each shell gets its script, and completes commands and options with it."""
    run = [sys.executable, "-m", "jcsync"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*run, "completion", shell], capture_output=True, text=True, check=True, env=environ
    )
    assert SHELLS[shell] in done.stdout

    asking = {**environ, "_JCSYNC_COMPLETE": f"{shell}_complete", "COMP_WORDS": "jcsync re"}
    asking |= {"COMP_CWORD": "re" if shell == "fish" else "1"}
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=asking)
    for name in ("reconcile", "reject", "resume"):
        assert name in done.stdout, done.stderr
    assert "approve" not in done.stdout
