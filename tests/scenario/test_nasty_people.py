"""People as real directories have them, through the mapping and onto a strict platform.

A thousand are enough for every kind of nastiness; ``NASTY_PEOPLE=5000`` takes more of them.
"""

import os
import random
import secrets
from collections.abc import Iterator

import pytest

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.people import Person, generate_people
from jcsync.sandbox.world import World
from tests.scenario.site import GROUP, Site

PEOPLE = int(os.environ.get("NASTY_PEOPLE", "1000"))
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
NASTY = (
    'Ann "The Boss" O\'Neil \\ Lee',
    "Zoë 👩\u200d👩\u200d👧\u200d👦 Families",
    "\u202e\u05d9\u05d3\u05e2 \u05de\u05db\u05d9\u05e8\u05d5\u05ea\u202c",
    "Z\u0351\u036b\u0343\u036aͪ̓A\u030a\u0327\u0323L\u0337\u0322G\u0315\u0322O",
    "NUL \x00 bell \x07 escape \x1b[31m",
    "line\nbreak\ttab\r\n",
    "x" * 300,
    "  padded  ",
    "0042",
    "true",
    "null",
    "{{ user.email }} {% raw %}",
    "<script>alert(1)</script>; DROP TABLE users; --",
    "\ufeffBOM \ufffd\u2028",
    " ",
    "",
)
PHONES = (
    "+49 (0)30 / 123-45 67",
    "030 1234567",
    "0049301234567",
    "tel:+49-30-1234567",
    "+49 30 1234567 ext. 9",
    "call me",
    "12",
    "٠٣٠١٢٣٤٥٦٧",
    "",
)
ZONES = ("Europe/Berlin", "europe/berlin", "W. Europe Standard Time", "UTC+99", "Mars", "")
MAPPING = {
    "userName": {"template": "{{ user.email | trim | lower }}"},
    'emails[type eq "work"].value': {"template": "{{ user.email | trim | lower }}"},
    'phoneNumbers[type eq "work"].value': {
        "template": "{{ user.phoneNumbers.work | phone('DE') }}"
    },
    "timezone": {"template": "{{ user.attributes.zone | timezone }}"},
    "nickName": {"from": "description", "max_length": 64},
    f"{ENTERPRISE}department": "department",
    f"{ENTERPRISE}costCenter": {"template": "{{ first(user.costCenter, 'none') }}"},
    f"{ENTERPRISE}manager.value": {"reference": "manager"},
    "userType": {"template": "{{ 1 // 0 if user.employeeType == 'unfit' else user.employeeType }}"},
}


def a_crowd() -> tuple[list[Person], set[str], set[str]]:
    """People, the ids of those who are unfit, and the ids of those who share an address."""
    chance = random.Random(5)
    people = generate_people(PEOPLE, seed=5, oddities=False)
    ids = [person.id for person in people]
    unfit, twins = set(), set()
    for n, person in enumerate(people):
        for field in ("firstname", "lastname", "displayname", "department", "description"):
            setattr(person, field, chance.choice(NASTY))
        person.costCenter = chance.choice(("0042", " ", "", "4e2"))
        person.phoneNumbers = (("work", chance.choice(PHONES)), ("Work", "+1 202 555 0100"))
        person.attributes = (("Zone", chance.choice(ZONES)), ("", "nameless"), ("x" * 300, "y"))
        # Rings of ten, and now and then somebody's own manager, a name, or nobody.
        person.manager = ids[n - n % 10 + (n + 1) % 10]
        person.manager = chance.choice(
            (person.manager, person.manager, person.id, person.username, "f" * 24, "")
        )
        if n % 50 == 7:
            person.email = f"plus{n}+tag.ünï'x@example.com"
        elif n % 50 == 8:
            person.email = f" padded{n}@Example.COM "
        elif n % 100 == 9:
            person.employeeType = "unfit"
            unfit.add(person.id)
        elif n % 100 == 10:
            person.email = ""
            unfit.add(person.id)
        elif n % 500 == 11:
            people[n + 1].email, person.email = f"twin{n}@example.com", f"TWIN{n}@example.com "
            twins |= {person.id, people[n + 1].id}
    return people, unfit, twins


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, set[str], set[str]]]:
    """A site with the crowd in its group, provisioned once; nothing was held."""
    folder = tmp_path_factory.mktemp("nasty")
    people, unfit, twins = a_crowd()
    with World(platform=FastPlatform(secrets.token_hex(20), page_cap=1000)) as world:
        state = world.jumpcloud.state
        state.admit(people)
        state.create_group(GROUP, [person.id for person in people])
        site = Site(world, folder)
        site.configure(users={"attributes": MAPPING}, log={"level": "error"})
        result = site("reconcile", "--json")
        assert result.status == 3, result.err[-2000:]
        site.first = result.run  # type: ignore[attr-defined]
        yield site, unfit, twins


def test_everybody_who_is_fit_is_there(crowd: tuple[Site, set[str], set[str]]) -> None:
    """With his account, once, and each of the others is a finding of his own."""
    site, unfit, twins = crowd
    accounts = {account["externalId"]: account for account in site.world.platform.accounts()}
    run = site.first  # type: ignore[attr-defined]

    assert len(accounts) == len(site.world.platform.accounts())
    assert accounts.keys() == site.world.jumpcloud.state.users.keys() - unfit - twins
    assert all(outcome["status"] == "applied" for outcome in run["outcomes"])
    assert len(run["findings"]) == len(unfit) + len(twins)
    assert {finding["kind"] for finding in run["findings"]} == {"skipped", "conflict"}


def test_payloads_are_what_the_directory_says(crowd: tuple[Site, set[str], set[str]]) -> None:
    """To the character: neither escaped, cut nor made up."""
    site, _, _ = crowd
    people = site.world.jumpcloud.state.users
    accounts = {account["externalId"]: account for account in site.world.platform.accounts()}
    shown = set()
    for key, account in accounts.items():
        person = people[key]
        extension = account[ENTERPRISE.removesuffix(":")]
        assert account["userName"] == person.email.strip().lower()
        assert account["emails"][0]["value"] == account["userName"]
        given = account.get("name", {}).get("givenName")
        assert given == (person.firstname if person.firstname.strip() else None)
        assert account.get("nickName") == (
            person.description[:64] if person.description.strip() else None
        )
        assert account["displayName"].strip()
        assert extension["costCenter"] == (person.costCenter.strip() or "none")
        assert account.get("timezone") in (None, "Europe/Berlin")
        shown |= {
            phone["value"] for phone in account.get("phoneNumbers", ()) if phone["type"] == "work"
        }
        manager = accounts.get(person.manager)
        told = extension.get("manager", {}).get("value")
        assert told == (manager["id"] if manager else None)
    assert shown == {"+49301234567"}


def test_second_run_writes_nothing(crowd: tuple[Site, set[str], set[str]]) -> None:
    """Nothing flaps, and the same people are named again."""
    site, unfit, twins = crowd
    site.forget_traffic()

    run = site("reconcile", "--json").run

    assert run["plan"]["changes"] == []
    assert site.writes == []
    assert len(run["findings"]) == len(unfit) + len(twins)
