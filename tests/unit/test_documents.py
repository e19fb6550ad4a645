"""What the documents promise is what the program does."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click

from jcsync.cli import _COMMANDS, cli
from jcsync.model.plan import Action
from jcsync.model.report import FindingKind, RunOutcome, Status
from jcsync.model.resource import Kind

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
    pages = [*ROOT.glob("[A-Z]*.md"), ROOT / "deploy" / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
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


def test_schema_of_reports_has_every_word() -> None:
    """Outcomes, actions, kinds of finding: what the program may say, and nothing else."""
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    run, change, finding = (schema["$defs"][name]["properties"] for name in schema["$defs"])

    assert set(run["outcome"]["enum"]) == set(RunOutcome)
    assert set(change["action"]["enum"]) == set(Action)
    assert set(change["resource"]["enum"]) == set(Kind)
    assert set(finding["kind"]["enum"]) == set(FindingKind)
    assert set(run["outcomes"]["items"]["properties"]["status"]["enum"]) == set(Status)


def test_page_of_commands_is_the_help(tmp_path: Path) -> None:
    """Made by ``make man``."""
    made = tmp_path / "commands.md"
    command = [sys.executable, str(ROOT / ".ci" / "man"), "--markdown", str(made)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})

    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert page == made.read_text(encoding="utf-8"), "run: make man"


def test_help_says_of_each_command_what_the_command_says_of_itself() -> None:
    """The list of commands is written down so that it needs no imports; it is still true."""
    context = click.Context(cli)

    for name, (_, text) in _COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert (command.short_help or command.get_short_help_str(200)) == text
