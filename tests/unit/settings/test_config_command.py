"""``jcsync config validate | show | schema`` as they are called."""

import json
from pathlib import Path

import pytest

from jcsync.cli import main
from tests.unit.settings.builders import SECRET
from tests.unit.settings.test_load import SMALLEST, write_secrets


def call(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int | str | None, str, str]:
    """Run the command line; return status, standard output and standard error."""
    with pytest.raises(SystemExit) as ended:
        main(["config", *args])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a settings file that is right."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JCSYNC_CONFIG", raising=False)
    monkeypatch.setenv("HOME", "/home/ann")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jcsync.yaml").write_text(SMALLEST)
    (tmp_path / "bad.yaml").write_text(f"log:\n  level: loud\ntokn: {SECRET}\n")
    write_secrets(tmp_path / "config")


def test_validate(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "validate") == (
        0,
        "config/jcsync.yaml: 1 connection (keepnet), no problems\n",
        "",
    )


def test_validate_warns(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config/keepnet_token").chmod(0o644)

    status, out, _ = call(capsys, "validate")

    assert status == 0
    assert "\n  ! " in out
    assert "chmod 600" in out


def test_validate_with_problems(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys, "validate", "--config", "bad.yaml")

    assert (status, out) == (2, "")
    assert err.startswith("jcsync: 3 problems in bad.yaml\n  line 2  log.level")
    assert SECRET not in err


def test_validate_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "validate", "--json")
    assert status == 0
    assert json.loads(out) == {
        "file": "config/jcsync.yaml",
        "valid": True,
        "problems": [],
        "warnings": [],
    }

    status, out, err = call(capsys, "validate", "--json", "--config", "bad.yaml")
    document = json.loads(out)
    assert (status, err) == (2, "")
    assert (document["file"], document["valid"]) == ("bad.yaml", False)
    assert document["problems"][0] == {
        "line": 2,
        "path": "log.level",
        "message": "must be one of debug, info, warning, error; is loud",
    }
    assert SECRET not in out


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "show")
    assert status == 0
    assert "log.level" in out
    assert SECRET not in out

    _, out, _ = call(capsys, "show", "--changed", "--json")
    document = json.loads(out)
    assert document["settings"]["connections"]["keepnet"]["provider"]["token"] == "********"
    assert "log" not in document["settings"]
    assert document["origins"]["connections.keepnet.provider.profile"] == "line 10"


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "schema")

    assert status == 0
    assert json.loads(out)["title"] == "jcsync settings"
