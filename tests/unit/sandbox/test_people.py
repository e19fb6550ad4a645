"""The people that directories are filled with."""

import unicodedata

from jcsync.sandbox.people import generate_people


def test_same_seed_gives_same_people() -> None:
    """A world can be rebuilt from its seed."""
    assert generate_people(50, seed=3) == generate_people(50, seed=3)
    assert generate_people(50, seed=3) != generate_people(50, seed=4)


def test_names_are_distinct_and_ids_ascend() -> None:
    """E-mails and usernames are unique whatever their case; ids ascend and have 24 hex digits."""
    people = generate_people(3000)

    assert len({person.email.lower() for person in people}) == 3000
    assert len({person.username.lower() for person in people}) == 3000
    assert [person.id for person in people] == sorted({person.id for person in people})
    assert all(len(person.id) == 24 and int(person.id, 16) for person in people)


def test_names_come_in_many_scripts() -> None:
    """Whatever a name is written in, apostrophes, hyphens and an emoji included, occurs."""
    people = generate_people(500)
    text = "".join(person.displayname for person in people)
    scripts = {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}

    expected = {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HANGUL", "HIRAGANA"}
    assert expected | {"DEVANAGARI", "KATAKANA"} <= scripts
    assert {"'", "-", "🦊", "ł"} <= set(text)


def test_oddities_occur_in_a_small_company() -> None:
    """Sixty people already have each state and each kind of missing field."""
    people = generate_people(60)

    assert {person.state for person in people} >= {"ACTIVATED", "SUSPENDED", "STAGED", None}
    assert any(person.account_locked for person in people)
    assert any(person.password_expired for person in people)
    assert any(not person.activated for person in people)
    assert any(person.email != person.email.lower() for person in people)
    for name in ("displayname", "department", "phoneNumbers", "addresses", "attributes", "manager"):
        assert any(not getattr(person, name) for person in people), name


def test_without_oddities_everybody_is_complete() -> None:
    """Benchmarks can have people about whom there is nothing to find."""
    people = generate_people(200, oddities=False)

    assert {person.state for person in people} == {"ACTIVATED"}
    assert all(
        person.displayname and person.department and person.phoneNumbers for person in people
    )
    assert all(person.manager for person in people[1:])
