"""``explain --input``: a made-up person, for tests in the owner's own CI."""

import json
from pathlib import Path

import pytest

from tests.scenario.site import GROUP, Json, Site

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ANN = {
    "_id": "5f0c1b2c3d4e5f6071829304",
    "username": "ann",
    "email": "ann@example.com",
    "firstname": "Ann",
    "lastname": "Müller",
    "manager": "5f0c1b2c3d4e5f6071829305",
    "attributes": [{"name": "language", "value": "de"}],
}


def explained(site: Site, person: object, *args: str) -> Json:
    """What is said of a person from a file; neither side is asked anything."""
    return dict(site.json("explain", "demo", "--input", str(written(site, person)), *args))


def written(site: Site, person: object) -> Path:
    file = site.folder / "person.json"
    file.write_text(person if isinstance(person, str) else json.dumps(person), encoding="utf-8")
    return file


def test_the_exact_payload_is_shown_without_any_request(site: Site) -> None:
    """Scope, mapping, access and what would be sent, from settings alone."""
    site.configure(
        users={
            "attributes": {
                "preferredLanguage": {"template": "{{ user.attributes.language | language }}"},
                "userType": {"value": "Employee", "when": "create"},
                f"{ENTERPRISE}:manager.value": {"reference": "manager"},
            }
        }
    )

    found = explained(site, ANN)

    assert found["scope"] == {"groups": [GROUP], "in_scope": True, "reason": None}
    assert found["mapped"]["access"] == "active"
    assert found["body"] == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": ANN["_id"],
        "active": True,
        "userName": "ann@example.com",
        "name": {"givenName": "Ann", "familyName": "Müller"},
        "displayName": "Ann Müller",
        "emails": [{"type": "work", "value": "ann@example.com", "primary": True}],
        "preferredLanguage": "de",
        "userType": "Employee",
    }
    assert found["mapped"]["references"][0]["target"] == ANN["manager"]
    sides = (site.world.jumpcloud, site.world.platform)
    assert [r for side in sides for r in side.faults.traffic.log] == []
    assert not site.config.with_suffix(".db").exists()


def test_text_for_people(site: Site) -> None:
    text = site("explain", "demo", "--input", str(written(site, ANN))).out

    assert "a made-up person has no account" in text
    assert '"userName": "ann@example.com"' in text


@pytest.mark.parametrize(
    ("person", "scope", "in_scope", "reason"),
    [
        pytest.param({"groups": [GROUP]}, {}, True, f"is in {GROUP}", id="in-the-group"),
        pytest.param({"groups": ["Others"]}, {}, False, None, id="in-another-group"),
        pytest.param({"groups": []}, {"application": "App"}, False, None, id="not-bound"),
        pytest.param({}, {"application": "App", "groups": []}, True, "application App", id="bound"),
        pytest.param({}, {"exclude": ["ann"]}, False, "scope.exclude", id="excluded"),
        pytest.param(
            {"department": "IT"},
            {"where": [{"attribute": "department", "equals": "HR"}]},
            False,
            "department equals HR",
            id="where",
        ),
        pytest.param(
            {},
            {"groups": [{"name": GROUP, "where": [{"attribute": "company", "exists": True}]}]},
            False,
            "meets the conditions of no group",
            id="group-where",
        ),
    ],
)
def test_scope(
    site: Site, person: Json, scope: Json, reason: str | None, *, in_scope: bool
) -> None:
    """Why somebody would get an account, or not."""
    site.configure(scope=scope)

    found = explained(site, ANN | person)

    assert found["scope"]["in_scope"] is in_scope
    assert (found["body"] is not None) is in_scope
    if reason is None:
        assert found["mapped"] is None
    else:
        assert reason in found["mapped"]["reason"]


def test_state_decides_about_access(site: Site) -> None:
    assert explained(site, ANN | {"suspended": True})["mapped"]["access"] == "inactive"
    assert explained(site, ANN | {"state": "STAGED"})["body"] is None


def test_groups_that_he_would_enter(site: Site) -> None:
    """By the names that they have on the platform."""
    site.configure(groups={"enabled": True, "name": "JC {{ group.name }}"})

    (_, entered) = explained(site, ANN)["changes"]

    assert (entered["resource"], entered["name"]) == ("Group", f"JC {GROUP}")


def test_what_cannot_be_mapped_is_said(site: Site) -> None:
    """The person is explained, and the command succeeds."""
    template = "{{ 1 // (user.firstname | length) }}"
    site.configure(users={"attributes": {"nickName": {"template": template}}})

    found = explained(site, ANN | {"firstname": ""})

    assert found["body"] is None
    assert "nickName: " in found["mapped"]["problem"]
    assert found["findings"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "must be one JSON object"),
        ('{"groups": "Staff"}', "groups must be a list"),
        ('{"groups": [1]}', "groups must be a list"),
        ('{"_id": 5}', "_id must be a text"),
    ],
)
def test_file_that_holds_no_person(site: Site, content: str, message: str) -> None:
    result = site("explain", "demo", "--input", str(written(site, content)))

    assert (result.status, message in result.err) == (2, True), result.text


def test_usage(site: Site) -> None:
    """A file or a person, not both and not neither; a file that is not there."""
    assert site("explain", "demo").status == 2
    assert site("explain", "demo", "ann", "--input", str(written(site, ANN))).status == 2
    missing = site("explain", "demo", "--input", "nowhere.json")
    assert (missing.status, "nowhere.json" in missing.err) == (2, True)
