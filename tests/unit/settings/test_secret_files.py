"""Secrets from files."""

import os
from pathlib import Path

import pytest

from jcsync.settings.secret_files import permission_warning, read_secret, secret_problem


@pytest.mark.parametrize(
    "content", [b"s3cr3t", b"s3cr3t\n", b"s3cr3t\r\n", b"\xef\xbb\xbfs3cr3t\n", b"s3cr3t\n\n"]
)
def test_the_end_of_the_line_does_not_belong_to_the_secret(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)

    assert read_secret(file) == "s3cr3t"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"  \n", "is empty"),
        (b"\xff\xfes3cr3t", "is not UTF-8 text"),
        (b"s3cr3t\nmore\n", "line break"),
        (b"s3cr3t\x00", "control character"),
        ("s3cr3t\N{SNOWMAN}".encode(), "no HTTP header can carry"),
        (b" s3cr3t\n", "begins or ends with a space"),
        (b"s3cr3t" * 20_000, "larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes, message: str) -> None:
    """The message names the file and never what is in it."""
    file = tmp_path / "token"
    file.write_bytes(content)

    with pytest.raises(ValueError, match=message) as caught:
        read_secret(file)

    assert str(file) in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        read_secret(tmp_path / "nothing")
    with pytest.raises(ValueError, match="is a directory"):
        read_secret(tmp_path)
    (tmp_path / "token").touch()
    with pytest.raises(ValueError, match="cannot be read: Not a directory"):
        read_secret(tmp_path / "token" / "below")
    with pytest.raises(ValueError, match="cannot be read: not a file name"):
        read_secret(tmp_path / "a\x00b")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as root, who reads everything
    with pytest.raises(ValueError, match="may not be read by this user"):
        read_secret(tmp_path / "token")


@pytest.mark.parametrize(
    ("mode", "warned"), [(0o600, False), (0o640, True), (0o604, True), (0o400, False)]
)
def test_others_that_can_read_a_file_are_warned_of(tmp_path: Path, mode: int, warned: bool) -> None:
    file = tmp_path / "token"
    file.write_text("x")
    os.chmod(file, mode)  # noqa: PTH101 # as an operator does

    warning = permission_warning(file)

    assert bool(warning) is warned
    if warned:
        assert f"(mode {mode:o}); run chmod 600 {file}" in warning


def test_no_warning_for_what_a_container_mounts_or_is_not_there(tmp_path: Path) -> None:
    assert permission_warning(Path("/run/secrets/keepnet_token")) == ""
    assert permission_warning(tmp_path / "nothing") == ""
    assert permission_warning(tmp_path) == ""


def test_a_proper_secret_has_no_problem() -> None:
    assert secret_problem("jca_ÄÖ-/+=") == ""
