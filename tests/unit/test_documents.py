"""What the documents promise is what the program does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click

from jcsync.cli import _COMMANDS, cli
from jcsync.model.report import FindingKind, RunOutcome

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_help_in_the_readme_is_the_help_of_the_program() -> None:
    """Whoever reads the README sees today's commands."""
    shown = README.split("$ jcsync --help\n", 1)[1].split("```", 1)[0]

    command = [sys.executable, "-m", "jcsync", "--help"]
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    assert shown.strip() == done.stdout.strip()


def test_every_link_between_documents_leads_somewhere() -> None:
    """No page sends its reader to a page that is not there."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("[A-Z]*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_reports_page_names_every_outcome_and_finding() -> None:
    """Whoever parses a report knows every word that it may hold."""
    page = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    reserved = {FindingKind.DANGLING_MEMBER}

    for word in [*RunOutcome, *(kind for kind in FindingKind if kind not in reserved)]:
        assert f"`{word.value}`" in page, word


def test_help_says_of_each_command_what_the_command_says_of_itself() -> None:
    """The list of commands is written down so that it needs no imports; it is still true."""
    context = click.Context(cli)

    for name, (_, text) in _COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert (command.short_help or command.get_short_help_str(200)) == text
