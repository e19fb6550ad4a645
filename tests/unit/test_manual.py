"""Manual pages and shell completion come from the commands themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jcsync.cli import _COMMANDS
from tests.unit.test_documents import ROOT

JCSYNC = [sys.executable, "-m", "jcsync"]
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


def script(shell: str) -> str:
    """What a shell is given to complete jcsync."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*JCSYNC, "completion", shell]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    return done.stdout


def complete(line: str, folder: Path = ROOT, *, shell: str = "bash") -> list[str]:
    """Ask as a shell does what may stand where the line ends."""
    words = line.split(" ")
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "_JCSYNC_COMPLETE": f"{shell}_complete"}
    environ |= {"COMP_WORDS": line}
    environ |= {"COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1)}
    done = subprocess.run(
        JCSYNC, capture_output=True, text=True, check=False, env=environ, cwd=folder
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A folder with settings whose secrets are not there, as for anybody but the daemon."""
    (tmp_path / "config").mkdir()
    text = "connections: {keepnet: {provider: {token_file: /no/file}}, keepnet-eu: {}, slack: 1}"
    (tmp_path / "config" / "jcsync.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
def test_completion(shell: str) -> None:
    """Each shell gets its script, and completes commands and options with it."""
    assert SHELLS[shell] in script(shell)

    found = "\n".join(complete("jcsync re", shell=shell))
    for name in ("reconcile", "reject", "resume"):
        assert name in found
    assert "approve" not in found


def test_what_no_command_is_called_is_no_error_yet() -> None:
    """As when bash breaks --config=FILE in three: nothing may be written into somebody's line."""
    assert complete("jcsync --config = elsewhere.yaml x") == []


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("plan ", ["keepnet", "keepnet-eu", "slack"]),
        ("plan keepnet k", ["keepnet-eu"]),
        ("status s", ["slack"]),
        ("explain keepnet-", ["keepnet-eu"]),
        ("runs --connection k", ["keepnet", "keepnet-eu"]),
        ("plan --config elsewhere.yaml ", ["other"]),
        ("--config elsewhere.yaml links adopt ", ["other"]),
        ("plan --config nowhere.yaml ", []),
        ("plan --config broken.yaml ", []),
    ],
)
def test_connections_are_completed(settings: Path, line: str, names: list[str]) -> None:
    """From the settings that the command would use; with none, or wrong ones, in silence."""
    (settings / "elsewhere.yaml").write_text("connections: {other: {}}", encoding="utf-8")
    (settings / "broken.yaml").write_text("connections: [", encoding="utf-8")

    assert complete(f"jcsync {line}", settings) == [f"plain,{name}" for name in names]


def test_bash_completes_connections(settings: Path) -> None:
    """Bash itself, with the script that it is given."""
    asked = (
        "COMP_WORDS=(jcsync plan s); COMP_CWORD=2; _jcsync_completion jcsync; echo ${COMPREPLY[@]}"
    )
    assert shell_says("bash", f"{script('bash')}\n{asked}", settings) == "slack"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_with_descriptions(settings: Path) -> None:
    """Fish itself; a description is shown to its end, also where it has a comma."""
    asked = 'complete --do-complete "jcsync reco"; complete --do-complete "jcsync plan s"'
    said = shell_says("fish", f"{script('fish')}\n{asked}", settings)

    assert said == "reconcile\tOne run, now.\nslack"


def shell_says(shell: str, source: str, folder: Path) -> str:
    """Let a shell run a script that finds jcsync on its path."""
    (folder / "jcsync").write_text(f'#!/bin/sh\nexec {" ".join(JCSYNC)} "$@"\n', encoding="utf-8")
    (folder / "jcsync").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, "HOME": str(folder)}
    done = subprocess.run(
        [shell, "-c", source], capture_output=True, text=True, check=True, env=environ, cwd=folder
    )
    assert done.stderr == ""
    return done.stdout.strip()
