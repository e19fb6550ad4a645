"""``docs/profiles`` says what the profiles are."""

import re
from pathlib import Path

import pytest

from jcsync.scim.profiles import load_profile, profile_names
from jcsync.settings.profile_reference import render_page, render_switches

PAGES = Path(__file__).parents[3] / "docs" / "profiles"


@pytest.mark.parametrize("name", profile_names())
def test_the_page_of_a_profile_is_up_to_date(name: str) -> None:
    """Replace it by ``render_page(NAME)``."""
    assert (PAGES / f"{name}.md").read_text(encoding="utf-8") == render_page(name)


def test_every_switch_is_explained() -> None:
    """Replace what stands between the marks by ``render_switches()``."""
    page = (PAGES / "README.md").read_text(encoding="utf-8")
    marked = page.partition("<!-- switches: begin -->\n")[2]
    assert marked.partition("<!-- switches: end -->")[0] == render_switches()
    assert all(f"[`{name}`]({name}.md)" in page for name in profile_names())


def test_what_is_allowed_may_be_an_attribute_or_a_part_of_it() -> None:
    """Case ignored; an empty list allows everything."""
    aws = load_profile("aws")
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert aws.allows("name.givenName")
    assert aws.allows('EMAILS[type eq "work"].value')
    assert aws.allows(f"{enterprise}:department")
    assert not aws.allows('emails[type eq "home"].value')
    assert not aws.allows("names")
    assert load_profile("rfc").allows("anything")


def test_published_tests_are_covered_by_tests_that_exist() -> None:
    """``docs/scim-tests.md`` names no test that was renamed or removed."""
    tests = PAGES.parents[1] / "tests"
    page = (PAGES.parent / "scim-tests.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(named) > 30
    for file, name in named:
        assert f"def {name}(" in (tests / file).read_text(encoding="utf-8"), name
