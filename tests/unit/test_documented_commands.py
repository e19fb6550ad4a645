"""The pages show commands that exist, in blocks that a test can find, and settings that are right.

Those of jcsync are run by ``tests/scenario/test_documented_commands.py``; what is tried of the
others stands here, and why the rest is not.
"""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from jcsync.settings import load_settings
from tests.documented import (
    FENCE,
    INLINE,
    PAGES,
    ROOT,
    blocks,
    commands_of,
    name_of,
    others_of,
    parse,
    shell_lines,
)

NOT_RUN = {
    "docker": "needs its daemon; deploy/build-image.sh and podman were used in its place by hand",
    "journalctl": "needs a running systemd; followed by hand in a container with one",
    "kubectl": "needs a cluster but for what is dry-run; the manifests are checked by test_deploy",
    "pg_dump": "needs a server",
    "pip": "downloads; that every extra exists is checked",
    "python3": "downloads; make test begins in the same way",
    "systemctl": "needs a running systemd; followed by hand in a container with one",
    "useradd": "changes this computer; followed by hand in a container",
    "your-log-shipper": "stands for another program",
}
"""Programs of which a page shows commands that no test runs, and why."""


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
def test_commands_of_other_programs(page: Path, tmp_path: Path) -> None:
    """Each does what the page wants of it, as far as a test can tell; none is left out unnamed."""
    for line in shell_lines(page):
        for words in others_of(line):
            assert all(list(ROOT.glob(w)) for w in words if w.startswith("deploy/")), line
            program = words[0].rpartition("/")[2]
            if program in TRIED:
                TRIED[program](words, tmp_path)
            elif program not in ("chmod", "export", "install"):
                assert program in NOT_RUN, line
        if re.match(r"install |chmod |export ", line):
            in_folder(line, tmp_path)


def test_nothing_is_excused_in_vain() -> None:
    """A program that no page shows any more needs no excuse."""
    shown = {
        words[0].rpartition("/")[2]
        for page in PAGES
        for line in shell_lines(page)
        for words in others_of(line)
    }

    assert set(NOT_RUN) <= shown


def said(*command: str) -> str:
    """Run a command that must not fail."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def in_folder(line: str, folder: Path) -> None:
    """Run a line that writes files, with the places that it writes to in a folder of its own."""
    for name in ("etc/systemd/system", "etc/cron.d", "etc/jcsync", "var/lib/jcsync", "config"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    moved = re.sub(r"(?<= )(/etc/|/var/|config/)", rf"{folder}/\1", line)
    command = ["bash", "-e", "-c", moved]
    done = subprocess.run(command, cwd=ROOT, input="a-secret", text=True, check=False)
    assert done.returncode == 0, line


def make(words: list[str], _folder: Path) -> None:
    """The target exists, and the program that it starts has the options."""
    planned = said("make", "--dry-run", *words[1:])
    for script, options in re.findall(r"python (bench/\S+\.py)(.*)", planned):
        known = said(sys.executable, script, "--help")
        assert all(w in known for w in shlex.split(options) if w.startswith("-")), words


def pip(words: list[str], _folder: Path) -> None:
    """Extras exist."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    for extra in re.findall(r"\[(\w+)\]", " ".join(words)):
        assert extra in setup["options.extras_require"]


def kubectl(words: list[str], folder: Path) -> None:
    """What needs no cluster is done, as far as nothing has to be sent."""
    if shutil.which("kubectl") and "create" in words and "job" not in words:
        for name in ("jumpcloud_api_key", "keepnet_token"):
            (folder / name).write_text("not-a-secret", encoding="utf-8")
        here = [w.replace("--from-file=", f"--from-file={folder}/") for w in words]
        said(*here, "--dry-run=client")


TRIED = {"make": make, "pip": pip, "kubectl": kubectl}


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
