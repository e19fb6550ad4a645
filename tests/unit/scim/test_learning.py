"""What was learnt, and what runs make of it."""

from typing import Any

import pytest

from jcsync.model.facts import Facts
from jcsync.scim.learning import adapted, differences
from jcsync.scim.profiles import load_profile


@pytest.mark.parametrize(
    ("profile", "facts", "expected"),
    [
        pytest.param("rfc", {}, {}, id="nothing"),
        pytest.param("rfc", {"page_size": 50}, {"page_size": 50}, id="pages are cut"),
        pytest.param("aws", {"page_size": 500}, {}, id="never larger than in the profile"),
        pytest.param("rfc", {"most_results": 200}, {"page_size": 200}, id="pages are limited"),
        pytest.param("rfc", {"needs_cursor": True}, {"paging": "cursor"}, id="cursors only"),
        pytest.param("databricks", {"needs_cursor": True}, {}, id="profile pages by index"),
        pytest.param(
            "rfc",
            {"filters": {"externalId": False, "userName": True}},
            {"filters": ("userName", "displayName", "emails.value")},
            id="filters in vain",
        ),
        pytest.param("rfc", {"members": "group"}, {"members_read": "each"}, id="members hidden"),
        pytest.param("aws", {"members": "group"}, {}, id="profile knows better"),
        pytest.param("rfc", {"patch": False, "skips": False}, {}, id="found out by runs"),
    ],
)
def test_facts_make_a_profile_more_careful(
    profile: str, facts: dict[str, Any], expected: dict[str, Any]
) -> None:
    """They save requests in vain; they skip no proof."""
    stated = load_profile(profile)

    assert differences(stated, adapted(stated, Facts(**facts))) == expected


def test_configuration_wins_over_what_was_learnt() -> None:
    """Even where it says what the profile says."""
    facts = Facts(page_size=50, members="group", filters={"userName": False})
    stated = load_profile("rfc", {"page_size": 1000, "members_read": "groups"})

    assert differences(stated, adapted(stated, facts)) == {
        "filters": ("externalId", "displayName", "emails.value")
    }
