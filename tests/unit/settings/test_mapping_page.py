"""What ``docs/mapping.md`` and ``docs/keepnet.md`` promise about mappings is what happens."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from jcsync.model.directory import DirectoryUser
from jcsync.scim.profiles import load_profile, profile_names
from jcsync.settings import build_rules
from jcsync.settings.profile_reference import render_defaults
from jcsync.settings.templates import check_user_template, compile_user_template
from tests.unit.settings.builders import load_connection

DOCS = Path(__file__).parents[3] / "docs"
MAPPING = (DOCS / "mapping.md").read_text(encoding="utf-8")
KEEPNET = (DOCS / "keepnet.md").read_text(encoding="utf-8")


def blocks(page: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(part.partition("```")[0]) for part in page.split("```yaml\n")[1:]]


@pytest.mark.parametrize("name", ["keepnet", "rfc"])
def test_the_table_of_a_profile_is_up_to_date(name: str) -> None:
    """Replace what stands between the marks by ``render_defaults(NAME)``."""
    table = MAPPING.partition(f"<!-- {name}: begin -->\n")[2].partition(f"<!-- {name}: end -->")[0]

    assert table == render_defaults(name)


@pytest.mark.parametrize("name", profile_names())
def test_every_default_says_what_the_platform_makes_of_it(name: str) -> None:
    rows = render_defaults(name).splitlines()[2:]

    assert len(rows) == len(load_profile(name).attributes) + 2
    assert not [row for row in rows if row.endswith("|  |")]


def examples() -> list[tuple[str, str]]:
    rows = re.findall(r"^\| `(\{\{.*?\}\})` \| (?:`(.*)` )?\|$", MAPPING, re.MULTILINE)
    return [(template.replace("\\|", "|"), result) for template, result in rows]


@pytest.mark.parametrize(("template", "result"), examples())
def test_an_example_gives_what_the_page_says(template: str, result: str) -> None:
    check_user_template(template)

    assert compile_user_template(template)(DirectoryUser(id="5f0c")) == result


def test_there_are_examples() -> None:
    assert len(examples()) > 20


@pytest.mark.parametrize("profile", profile_names())
def test_every_recipe_is_a_mapping(tmp_path: Path, profile: str) -> None:
    """With both profiles, and for a person of whom nothing is known."""
    recipes = blocks(MAPPING)
    for block in recipes:
        connection = load_connection(tmp_path, provider={"profile": profile}, **block)
        rules = build_rules(connection, load_profile(profile).attributes)
        for rule in rules:
            rule.read(DirectoryUser(id="5f0c"))
    assert len(recipes) > 8


def test_the_blocks_for_keepnet_are_settings(tmp_path: Path) -> None:
    found = blocks(KEEPNET)
    for block in found:
        for file in re.findall(r"/run/secrets/(\w+)", str(block)):
            (tmp_path / file).write_text("x")
        whole = yaml.safe_load(yaml.safe_dump(block).replace("/run/secrets/", f"{tmp_path}/"))
        whole.setdefault("provider", {})["profile"] = "keepnet"
        if "token_file" in whole["provider"]:
            whole["provider"]["token"] = None
        connection = load_connection(tmp_path, **whole)
        assert build_rules(connection, load_profile("keepnet").attributes)
    assert len(found) > 3
