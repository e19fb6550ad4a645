"""The filters and functions of templates, by example."""

import pytest

from jcsync.model.directory import Address, DirectoryUser
from jcsync.model.rules import MappingError
from jcsync.settings.filters import FILTERS
from jcsync.settings.templates import check_user_template, compile_user_template

ANN = DirectoryUser(
    id="5f0c1b2c3d4e5f6071829304",
    email="Ann@Example.com",
    firstname="Ann",
    lastname="Müller-Łoś",
    department=" ",
    phoneNumbers={"work": "030 1234567", "mobile": "+49 151 23456789", "home": "ask Ann"},
    addresses=(Address(type="work", country="Germany", locality="Berlin"),),
    attributes={"language": "de_DE", "zone": "Narnia", "empty": ""},
)


def rendered(template: str) -> str:
    check_user_template(template)
    return compile_user_template(template)(ANN)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ user.email | lower }}", "ann@example.com"),
        ("{{ user.firstname | upper }}", "ANN"),
        ("{{ 'ann o-neil' | title }}", "Ann O-Neil"),
        ("[{{ ' a ' | trim }}]", "[a]"),
        ("{{ user.email | replace('@', ' at ') }}", "Ann at Example.com"),
        ("{{ user.attributes.nothing | default('en') }}", "en"),
        ("{{ user.attributes.empty | default('en') }}", "en"),
        ("{{ user.department | d('none') }}", "none"),
        ("{{ user.firstname | default('x') }}", "Ann"),
        ("{{ user.email.nothing | default('x') }}", "x"),
        ("{{ false | default('x') }} {{ 0 | default('x') }}", "False 0"),
        ("{{ false | default('x', true) }} {{ 0 | default('x', boolean=true) }}", "x x"),
        ("{{ first(user.displayname, user.department, user.firstname) }}", "Ann"),
        ("{{ first(user.displayname, none) }}", ""),
        ("{{ first() }}", ""),
        ("{{ first(0, 1) }}", "0"),
        ("{{ [user.displayname, user.firstname] | first }}", "Ann"),
        ("{{ [user.displayname] | first }}", ""),
        ("{{ user.displayname | first(user.department, user.firstname) }}", "Ann"),
        ("{{ user.firstname | first(user.lastname) }}", "Ann"),
        ("{{ user.firstname | first }}", "A"),
        ("{{ user.displayname | first }}", ""),
        ("{{ range(3, 5) | first }} {{ 7 | first }}", "3 7"),
    ],
)
def test_text(template: str, expected: str) -> None:
    assert rendered(template) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain  text", "plain  text"),
        ("Müller", "Muller"),
        ("Łukasz Żółć", "Lukasz Zolc"),
        ("Straße", "Strasse"),
        ("Ærøskøbing", "AEroskobing"),
        ("Þóra Guðmundsdóttir", "Thora Gudmundsdottir"),
        ("Đặng Thị Huệ", "Dang Thi Hue"),
        ("Işık Çağlar", "Isik Caglar"),  # noqa: RUF001 # Turkish has both
        ("O’Neil – “x”", 'O\'Neil - "x"'),  # noqa: RUF001 # as people paste it
        ("Zoe\u0308", "Zoe"),
        ("ﬁnance", "finance"),
        ("Ａｎｎ", "Ann"),  # noqa: RUF001 # full width
        ("田中", ""),
        ("Анна", ""),
        ("Anna Анна Smith", "Anna Smith"),
        ("", ""),
        (7, "7"),
        (None, ""),
    ],
)
def test_ascii(text: object, expected: str) -> None:
    """Accents and ligatures are folded; what has no ASCII form is left out, never guessed."""
    assert FILTERS["ascii"](text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Müller", "Mueller"),
        ("Mu\u0308ller", "Mueller"),
        ("MÜLLER", "MUELLER"),
        ("Ägidius Öz", "Aegidius Oez"),
        ("Émile", "Emile"),
    ],
)
def test_ascii_of_german(text: str, expected: str) -> None:
    assert FILTERS["ascii"](text, "de") == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ user.lastname | ascii | lower }}", "muller-los"),
        ("{{ user.lastname | ascii('de') }}", "Mueller-Los"),
        ("{{ user.phoneNumbers.work | phone('DE') }}", "+49301234567"),
        ("{{ user.phoneNumbers.work | phone(user.addresses.work.country) }}", "+49301234567"),
        ("{{ user.phoneNumbers.work | phone }}", ""),
        ("{{ user.phoneNumbers.work | phone(user.addresses.home.country) }}", ""),
        ("{{ user.phoneNumbers.mobile | phone }}", "+4915123456789"),
        ("{{ user.phoneNumbers.home | phone('DE') }}", ""),
        ("{{ user.phoneNumbers.fax | phone('DE', strict=true) }}", ""),
        ("{{ user.attributes.language | language }}", "de-DE"),
        ("{{ user.attributes.zone | language }}", ""),
        ("{{ user.addresses.work.country | country }}", "DE"),
        ("{{ user.addresses.work.country | timezone }}", "Europe/Berlin"),
        ("{{ user.attributes.zone | timezone }}{{ user.attributes.zone | country }}", ""),
        ("{{ user.attributes.nothing | timezone(strict=true) }}", ""),
        ("{{ none | language }}", ""),
    ],
)
def test_values_that_platforms_expect(template: str, expected: str) -> None:
    """What is not understood is empty: the platform's value is left alone then."""
    assert rendered(template) == expected


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ user.phoneNumbers.home | phone('DE', strict=true) }}", "phone: not a phone number"),
        ("{{ user.phoneNumbers.work | phone(strict=true) }}", "phone: no country code is in front"),
        ("{{ user.attributes.zone | timezone(true) }}", "time zone: not known: Narnia"),
        ("{{ user.attributes.zone | country(strict=true) }}", "country: not known: Narnia"),
        ("{{ user.attributes.zone | language(strict=true) }}", "language: not known: Narnia"),
    ],
)
def test_strict_filters_report_the_person(template: str, reason: str) -> None:
    with pytest.raises(MappingError, match=reason):
        rendered(template)
