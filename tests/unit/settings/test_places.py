"""Countries, time zones, languages and phone numbers as people write them."""

import zoneinfo

import pytest

from jcsync.model.rules import MappingError
from jcsync.settings.languages import language_tag
from jcsync.settings.phones import phone_number
from jcsync.settings.places import country_code, zone_name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, "DE") for text in ("DE", "de", " De ", "DEU", "deu", "276", "Germany", "GERMANY")),
        *((text, "DE") for text in ("Deutschland", "deutschland")),
        *((text, "GB") for text in ("GB", "UK", "United Kingdom", "Great Britain", "England")),
        *((text, "US") for text in ("USA", "U.S.A.", "United States", "United States of America")),
        *((text, "NL") for text in ("The Netherlands", "netherlands", "Nederland", "Holland")),
        *((text, "CH") for text in ("Schweiz", "Suisse", "Svizzera", "Svizra", "Switzerland")),
        *((text, "CI") for text in ("Côte d'Ivoire", "Cote d’Ivoire", "Ivory Coast")),  # noqa: RUF001
        *((text, "TR") for text in ("Turkey", "Türkiye", "TURKIYE")),
        *((text, "RS") for text in ("Србија", "Srbija", "Serbia")),
        *((text, "LC") for text in ("St. Lucia", "Saint Lucia")),
        *((text, "BA") for text in ("Bosnia & Herzegovina", "Bosnia and Herzegovina")),
        *((text, "KR") for text in ("Korea, Republic of", "South Korea", "대한민국")),
        ("Österreich", "AT"),
        ("日本", "JP"),
        ("Россия", "RU"),
        ("Kosovo", "XK"),
        *((text, "") for text in ("", " ", "Narnia", "EU", "ZZ", "AN", "Yugoslavia", "99", "DEUU")),
    ],
)
def test_countries(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("AMERICA/NEW YORK", "America/New_York"),
        ("etc/gmt+2", "Etc/GMT+2"),
        ("utc", "UTC"),
        ("EST", "EST"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("pacific standard time", "America/Los_Angeles"),
        ("DE", "Europe/Berlin"),
        ("Deutschland", "Europe/Berlin"),
        ("GB", "Europe/London"),
        ("Japan", "Asia/Tokyo"),
        ("Portugal", "Portugal"),
        *((text, "") for text in ("US", "Spain", "", "Narnia/X", "Narnia", "Factory", "Berlin")),
    ],
)
def test_time_zones(text: str, zone: str) -> None:
    """A country stands for its zone where all its zones keep the same time."""
    assert zone_name(text) == zone
    if zone:
        zoneinfo.ZoneInfo(zone)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        *((text, "en-US") for text in ("en_us", "EN-us", "en-US", "en_US.UTF-8")),
        *((text, "en-US") for text in ("English (United States)", "English - US", "english (usa)")),
        *((text, "en-GB") for text in ("en-uk", "British English", "English (UK)")),
        *((text, "de") for text in ("de", "DE", "deu", "ger", "German", "Deutsch", "de@euro")),
        *((text, "pt-BR") for text in ("Português (Brasil)", "Brazilian Portuguese", "pt_br")),
        *(
            (text, "zh-Hans")
            for text in ("Chinese (Simplified)", "zh_hans", "Chinese - Simplified")
        ),
        *((text, "fr") for text in ("Français", "francais", "French", "fra")),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("de-ch-1996", "de-CH-1996"),
        ("iw", "he"),
        ("Flemish", "nl-BE"),
        ("日本語", "ja"),
        ("Русский", "ru"),
        ("Farsi", "fa"),
        *((text, "") for text in ("", "xx", "en-XX", "en-Xxxx", "C", "POSIX", "C.UTF-8", "Elvish")),
        *((text, "") for text in ("Elvish (US)", "English (Mars)", "British English (US)", "()")),
    ],
)
def test_languages(text: str, tag: str) -> None:
    assert language_tag(text) == tag


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("0151 23456789", "DE", "+4915123456789"),
        ("+49 (0)151 / 234-567-89", "", "+4915123456789"),
        ("0049 151 23456789", "DE", "+4915123456789"),
        ("+49 151 23456789", "US", "+4915123456789"),
        ("tel:+49-151-23456789", "", "+4915123456789"),
        ("(212) 555-0100 x12", "US", "+12125550100"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("06 1234 5678", "IT", "+390612345678"),
    ],
)
def test_phone_numbers(text: str, country: str, number: str) -> None:
    assert phone_number(text, country) == number


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("0151 23456789", "", "no country code is in front of it and no known country is named"),
        ("+999 1234567", "", "no country code is in front"),
        ("ask Ann", "DE", "not a phone number"),
        ("00", "DE", "too short"),
        ("+1 21255", "", "too short"),
        ("+1 " + "2" * 12, "", "too long"),
        ("+" + "1" * 30, "", "too long"),
        ("5550100", "US", "the area code is missing"),
    ],
)
def test_wrong_phone_numbers(text: str, country: str, reason: str) -> None:
    """The reason is told, the number is not: it may be private."""
    with pytest.raises(MappingError, match=f"phone: {reason}") as caught:
        phone_number(text, country)

    assert text not in str(caught.value)
