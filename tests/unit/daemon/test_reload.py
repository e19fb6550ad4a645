"""Settings of a daemon that runs are read anew when their files change."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from jcsync.daemon.reload import Reloading
from jcsync.errors import SettingsError
from jcsync.settings import Loaded, load_settings
from tests.fakes import FixedClock

TEXT = """
connections:
  demo:
    directory: {api_key_file: key}
    scope: {groups: [Staff]}
    provider: {base_url: "https://scim.example.com", token_file: token}
"""


class Files:
    """A configuration with two secret files, and the reloading under test."""

    def __init__(self, folder: Path) -> None:
        """Write them and begin."""
        self.folder = folder
        for name, text in (("jcsync.yaml", TEXT), ("key", "key-1"), ("token", "token-1")):
            self.write(name, text)
        self.clock = FixedClock()
        self.loads = 0
        self.reloading = Reloading(self.load(), self.load, self.clock.now)
        self.loads = 0

    def write(self, name: str, text: str) -> None:
        """Change a file, so that everybody can see it."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        stamp = path.stat().st_mtime_ns + 1_000_000 * len(text)
        os.utime(path, ns=(stamp, stamp))

    def load(self) -> Loaded:
        """Read them."""
        self.loads += 1
        return load_settings(self.folder / "jcsync.yaml", {}, self.folder)

    def token(self) -> str:
        """The token in force."""
        token = self.reloading.loaded.settings.connections["demo"].provider.token
        assert token is not None
        return token.get_secret_value()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A configuration that is in force."""
    return Files(tmp_path)


def test_nothing_changed(files: Files) -> None:
    """Files that stay the same are not read again."""
    assert [files.reloading.poll() for _ in range(3)] == [None] * 3
    assert files.loads == 0


@pytest.mark.parametrize("name", ["jcsync.yaml", "token"])
def test_file_that_changed(files: Files, name: str) -> None:
    """It is read once it has stayed the same from one look to the next, and once only."""
    files.write(name, "token-22" if name == "token" else TEXT + "log: {level: debug}\n")

    assert files.reloading.poll() is None
    assert files.reloading.poll() is not None
    assert files.reloading.poll() is None
    assert files.loads == 1
    if name == "token":
        assert files.token() == "token-22"


def test_file_by_another_link(files: Files) -> None:
    """A mounted secret changes by a link that leads elsewhere."""
    for version in ("v1", "v2"):
        (files.folder / version).mkdir()
        files.write(f"{version}/token", f"token-of-{version}")
    (files.folder / "token").unlink()
    (files.folder / "data").symlink_to("v1")
    (files.folder / "token").symlink_to("data/token")
    files.reloading.poll()
    files.reloading.poll()
    assert files.token() == "token-of-v1"

    (files.folder / "new").symlink_to("v2")
    (files.folder / "new").rename(files.folder / "data")
    files.reloading.poll()
    files.reloading.poll()

    assert files.token() == "token-of-v2"


def test_asked(files: Files) -> None:
    """Who asks gets the settings read at once."""
    files.clock.move(seconds=60)

    assert files.reloading.poll(asked=True) is not None
    assert files.reloading.at == FixedClock().now() + timedelta(seconds=60)


def test_wrong_settings_change_nothing(files: Files) -> None:
    """They are told once, with all problems; and forgotten as soon as they are right."""
    files.write("jcsync.yaml", "connections: {demo: {scope: {}, policy: {on_leaf: keep}}}")
    with structlog.testing.capture_logs() as events:
        for _ in range(4):
            assert files.reloading.poll() is None

    (event,) = events
    assert event["log_level"] == "error"
    assert any("on_leaf" in line for line in event["problems"])
    assert any("base_url" in line for line in event["problems"])
    assert "on_leaf" in files.reloading.problem
    assert files.token() == "token-1"

    files.write("jcsync.yaml", TEXT)
    assert files.reloading.poll() is not None
    assert files.reloading.problem == ""


def test_secret_file_that_comes_later(files: Files) -> None:
    """New settings may name a file that is not there yet: nobody has to touch them again."""
    files.write("jcsync.yaml", TEXT.replace("token_file: token", "token_file: token-new"))
    files.reloading.poll()
    files.reloading.poll()
    assert "token-new" in files.reloading.problem

    files.write("token-new", "token-3")
    files.reloading.poll()

    assert files.reloading.problem == ""
    assert files.token() == "token-3"


def test_file_that_is_gone(files: Files) -> None:
    """A file that was deleted takes nothing away."""
    (files.folder / "jcsync.yaml").unlink()
    files.reloading.poll()
    files.reloading.poll()

    assert "there is no such file" in files.reloading.problem
    assert files.token() == "token-1"


def test_fault_of_ours_does_not_end_the_daemon(files: Files) -> None:
    """Whatever reading raises, the settings from before stay in force."""

    def load() -> Loaded:
        message = "a fault"
        raise RuntimeError(message)

    reloading = Reloading(files.reloading.loaded, load, files.clock.now)

    assert reloading.poll(asked=True) is None
    assert "a fault" in reloading.problem


def test_nothing_to_read_with(files: Files) -> None:
    """Who cannot read settings anew keeps them."""
    assert Reloading(files.reloading.loaded, None, files.clock.now).poll(asked=True) is None


def test_refused_by_who_reads(files: Files) -> None:
    """A refusal of its reader counts like a wrong setting."""

    def load() -> Loaded:
        message = "no connection is enabled"
        raise SettingsError(message)

    reloading = Reloading(files.reloading.loaded, load, files.clock.now)

    assert reloading.poll(asked=True) is None
    assert reloading.problem == "no connection is enabled"
