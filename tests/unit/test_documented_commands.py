"""The pages show commands that exist, in blocks that a test can find, and settings that are right."""

import re
from pathlib import Path

import click
import pytest
import yaml

from jcsync.settings import load_settings
from tests.documented import FENCE, INLINE, PAGES, blocks, commands_of, name_of, parse, shell_lines


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_are_in_blocks_that_say_so(page: Path) -> None:
    """A block without a language would escape the tests that run its commands."""
    for language, body in blocks(page):
        if language not in ("sh", "console"):
            assert not re.search(r"^\s*(\$ |# )?jcsync ", body, re.MULTILINE), body


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist(page: Path) -> None:
    """Those of blocks with all that they need, those of sentences as far as they go."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    try:
        for line in shell_lines(page):
            for words in commands_of(line):
                parse(words)
        for line in INLINE.findall(text):
            for words in commands_of(line.replace("…", "").replace("(", "").replace(")", "")):
                parse(words, partly=True)
    except click.UsageError as error:
        pytest.fail(f"{line}: {error.format_message()}")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_settings_are_right(page: Path, tmp_path: Path) -> None:
    """Every whole file of settings is one that jcsync takes."""
    for language, body in blocks(page):
        if language != "yaml" or not body.startswith("connections:"):
            continue
        settings = yaml.safe_load(body)
        if not all({"directory", "provider"} <= set(c) for c in settings["connections"].values()):
            continue
        secret = tmp_path / "secret"
        secret.write_text("not-a-secret", encoding="utf-8")
        secret.chmod(0o600)
        path = tmp_path / "jcsync.yaml"
        path.write_text(re.sub(r"/run/\w+/[\w./-]+", str(secret), body), encoding="utf-8")
        assert load_settings(path, {}, tmp_path).settings.connections
