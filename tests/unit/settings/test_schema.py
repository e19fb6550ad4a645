"""The JSON Schema, the example and the reference say what the models say."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from jcsync.settings import load_settings
from jcsync.settings.keys import Kind, all_keys
from jcsync.settings.reference import render_reference
from jcsync.settings.schema import DIALECT, settings_schema
from jcsync.settings.show import dump_settings
from tests.unit.settings.builders import load_text
from tests.unit.settings.test_load import SMALLEST

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config" / "jcsync.example.yaml"


def problems(document: object) -> list[str]:
    found = Draft202012Validator(settings_schema()).iter_errors(document)
    return [".".join(map(str, error.absolute_path)) for error in found]


def example() -> Any:
    """The example as YAML 1.2 has it: ``on`` is a key like any other."""
    text = EXAMPLE.read_text(encoding="utf-8").replace("\n  on: ", '\n  "on": ')
    return yaml.safe_load(text)


def test_the_schema_is_one() -> None:
    schema = settings_schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT


@pytest.mark.parametrize(
    "document", [example(), yaml.safe_load(SMALLEST)], ids=["example", "smallest"]
)
def test_the_schema_accepts_what_jcsync_accepts(document: object) -> None:
    assert problems(document) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("logg", {}),
        ("log.levle", "info"),
        ("log.level", "loud"),
        ("store.keep_history", 400),
        ("store.keep_history", "400 days"),
        ("connections.Keep net", {}),
        ("connections.keepnet.directory.page_size", 1001),
        ("connections.keepnet.scope.groups", "Keepnet Users"),
        ("connections.keepnet.scope.where", [{"attribute": "email", "equal": "x"}]),
        ("connections.keepnet.users.attributes", {"title": {"form": "jobTitle"}}),
        ("connections.keepnet.limits.deactivate", {"count": -1}),
        ("connections.keepnet.limits.create", {"percent": 5}),
        ("connections.keepnet.schedule.every", 300),
    ],
)
def test_the_schema_refuses_what_jcsync_refuses(path: str, value: object) -> None:
    document = yaml.safe_load(SMALLEST)
    here = document
    *above, last = path.split(".")
    for part in above:
        here = here.setdefault(part, {})
    here[last] = value

    assert problems(document) != []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("store.keep_history", "400d"),
        ("connections.keepnet.schedule.jitter", "30s"),
        ("connections.keepnet.limits.deactivate", {"count": None}),
        ("connections.keepnet.users.attributes", {"title": None, "locale": {"value": 5}}),
        ("connections.keepnet.scope.groups", [{"name": "a", "where": []}, "b"]),
    ],
)
def test_the_schema_knows_every_form(path: str, value: object) -> None:
    document = yaml.safe_load(SMALLEST)
    here = document
    *above, last = path.split(".")
    for part in above:
        here = here.setdefault(part, {})
    here[last] = value

    assert problems(document) == []


def test_defaults_are_written_as_the_operator_writes_them() -> None:
    definitions = settings_schema()["$defs"]

    assert definitions["StoreSettings"]["properties"]["keep_history"]["default"] == "400d"
    assert definitions["ScheduleSettings"]["properties"]["every"]["default"] == "5m"
    assert definitions["ScheduleSettings"]["properties"]["jitter"]["default"] == "10%"


def test_the_example_loads_and_names_every_key(tmp_path: Path) -> None:
    """Each with its default; only what must be given differs."""
    text = EXAMPLE.read_text(encoding="utf-8").replace("/run/secrets/", f"{tmp_path}/")
    for name in ("jumpcloud_api_key", "keepnet_token"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)

    loaded = load_text(text, tmp_path)

    for key in all_keys():
        path = ".".join(key.path).replace("*", "keepnet")
        assert path in loaded.origins, f"{path} is missing in {EXAMPLE.name}"
        if key.kind in {Kind.SECTION, Kind.NAMED_SECTIONS}:
            continue
    smallest = load_text(SMALLEST.replace("      profile: keepnet\n", ""), tmp_path)
    assert dump_settings(loaded)["settings"] == {
        **dump_settings(smallest)["settings"],  # type: ignore[dict-item]
        "connections": dump_settings(loaded)["settings"]["connections"],  # type: ignore[index]
    }
    theirs, ours = (
        dump_settings(x)["settings"]["connections"]["keepnet"]  # type: ignore[index]
        for x in (loaded, smallest)
    )
    for section in ("scope", "users", "groups", "policy", "limits", "schedule"):
        assert theirs[section] == ours[section]
    for section, file in (("directory", "api_key_file"), ("provider", "token_file")):
        assert {**theirs[section], file: ""} == {**ours[section], file: ""}


def test_the_example_of_secrets_names_settings(tmp_path: Path) -> None:
    """A variable that is no setting would be refused."""
    lines = (ROOT / "config" / "secrets.example.env").read_text(encoding="utf-8").splitlines()
    names = [line.lstrip("#").partition("=")[0] for line in lines if "JCSYNC_" in line]
    environ = {
        name: "x"
        for name in names
        if name.startswith("JCSYNC_CONNECTIONS") and "CLIENT" not in name
    }
    (tmp_path / "jcsync.yaml").write_text(SMALLEST.replace("_file", "_file"), encoding="utf-8")

    loaded = load_settings(tmp_path / "jcsync.yaml", {"HOME": "/home/ann", **environ}, tmp_path)

    assert len(names) == 5
    assert loaded.settings.connections["keepnet"].provider.token is not None


def test_the_reference_is_up_to_date() -> None:
    """Replace what stands between the marks by ``render_reference()``."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    begin, end = "<!-- keys: begin -->\n", "<!-- keys: end -->"

    assert text.partition(begin)[2].partition(end)[0] == render_reference()


def test_the_examples_in_the_documentation_load(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for name in ("acme_jumpcloud", "acme_keepnet", "lab_jumpcloud", "lab_keepnet"):
        (tmp_path / name).write_text("x")
    for name in ("jumpcloud_api_key", "keepnet_token"):
        (tmp_path / name).write_text("x")
    blocks = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    whole = [block for block in blocks if block.startswith("connections:")]
    parts = [block for block in blocks if not block.startswith("connections:")]

    for block in whole:
        load_text(block.replace("/run/secrets/", f"{tmp_path}/"), tmp_path)
    base = yaml.safe_load(SMALLEST)
    for block in parts:
        base["connections"]["keepnet"] |= yaml.safe_load(block)
        load_text(yaml.safe_dump(base), tmp_path)
    assert (len(whole), len(parts)) == (2, 2)
