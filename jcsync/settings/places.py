"""Countries and time zones as people write them → ISO 3166 and IANA, for the filters of templates.

The lists come with tzdata (``iso3166.tab``, ``zone.tab``) and Babel (names of countries, names that
Windows gives to time zones). Both are read when a template first asks.

Source:
    ISO 3166-1; CLDR, ``territoryAlias`` and ``windowsZones``; tz database, ``zone.tab``.
"""

import unicodedata
import zoneinfo
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Final

KOSOVO: Final = "XK"
"""User-assigned, and what everybody uses."""

_ALPHA_3: Final = 3
_SCRIPTS: Final = ("zh_Hant", "sr_Latn", "uz_Cyrl", "az_Cyrl", "bs_Cyrl")
"""Further ways in which official languages are written."""

_ALSO: Final[Mapping[str, str]] = {
    "America": "US",
    "Bolivia, Plurinational State of": "BO",
    "Britain": "GB",
    "Brunei Darussalam": "BN",
    "Burma": "MM",
    "Cabo Verde": "CV",
    "Congo": "CG",
    "Congo, Democratic Republic of the": "CD",
    "Czech Republic": "CZ",
    "Democratic Republic of the Congo": "CD",
    "DR Congo": "CD",
    "DRC": "CD",
    "East Timor": "TL",
    "England": "GB",
    "Great Britain": "GB",
    "Holland": "NL",
    "Holy See": "VA",
    "Hong Kong": "HK",
    "Iran, Islamic Republic of": "IR",
    "Ivory Coast": "CI",
    "Korea": "KR",
    "Korea, Republic of": "KR",
    "Korea, Democratic People's Republic of": "KP",
    "Lao People's Democratic Republic": "LA",
    "Macao": "MO",
    "Macau": "MO",
    "Macedonia": "MK",
    "Micronesia, Federated States of": "FM",
    "Moldova, Republic of": "MD",
    "Myanmar": "MM",
    "Northern Ireland": "GB",
    "Palestine": "PS",
    "Palestine, State of": "PS",
    "People's Republic of China": "CN",
    "Republic of Ireland": "IE",
    "Republic of Korea": "KR",
    "Republic of the Congo": "CG",
    "Russian Federation": "RU",
    "Scotland": "GB",
    "Swaziland": "SZ",
    "Syrian Arab Republic": "SY",
    "Taiwan, Province of China": "TW",
    "Tanzania, United Republic of": "TZ",
    "The Netherlands": "NL",
    "Turkey": "TR",
    "U.K.": "GB",
    "U.S.A.": "US",
    "UAE": "AE",
    "United States of America": "US",
    "Vatican": "VA",
    "Venezuela, Bolivarian Republic of": "VE",
    "Viet Nam": "VN",
    "Wales": "GB",
}


@lru_cache(maxsize=4096)
def country_code(text: str) -> str:
    """Return the two letters of a country, ``""`` when it is not known.

    Args:
        text: Two letters, three letters or three digits of ISO 3166-1, or a name in English or in
            an official language of the country; capitals, accents and punctuation do not matter.
    """
    from babel.core import get_global  # noqa: PLC0415 # loads Babel

    text = text.strip()
    code = text.upper()
    if code in _codes():
        return code
    aliases = get_global("territory_aliases").get(code, ())
    if len(aliases) == 1 and aliases[0] in _codes():
        return str(aliases[0])
    key = name_key(text)
    return _english_names().get(key) or _own_names().get(key, "")


@lru_cache(maxsize=4096)
def zone_name(text: str) -> str:
    """Return the IANA name of a time zone, ``""`` when it is not known.

    Args:
        text: An IANA name in any case, a name that Windows gives to a zone, or a country whose
            zones all keep the same time.
    """
    text = text.strip()
    zone = _zones().get(text.casefold().replace(" ", "_"), "")
    if "/" in zone or (zone and len(text) == _ALPHA_3):  # EST is no Estonian
        return zone
    return _windows_zones().get(text.casefold()) or _zone_of(country_code(text)) or zone


def name_key(name: str) -> str:
    """Return what two spellings of one name have in common.

    Capitals, accents, punctuation and a leading article do not count; ``&`` is ``and``, ``St.`` is
    ``Saint``.
    """
    decomposed = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    letters = [c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c)]
    words = "".join(c for c in letters).split()
    if len(words) > 1 and words[0] == "the":
        del words[0]
    return "".join("saint" if word == "st" else word for word in words)


@cache
def _codes() -> frozenset[str]:
    rows = _rows("iso3166.tab")
    return frozenset({KOSOVO, *(code for code, *_ in rows)})


@cache
def _english_names() -> Mapping[str, str]:
    from babel import Locale  # noqa: PLC0415 # loads Babel

    names = {name_key(name): code for name, code in _ALSO.items()}
    for code, name in Locale("en").territories.items():
        if code in _codes():
            names[name_key(name)] = code
    return names


@cache
def _own_names() -> Mapping[str, str]:
    """Take some tenths of a second: every official language is loaded."""
    from babel import Locale  # noqa: PLC0415 # loads Babel
    from babel.localedata import exists  # noqa: PLC0415

    spoken = _codes_by_language()
    names: dict[str, str] = {}
    for identifier in filter(exists, (*sorted(spoken), *_SCRIPTS)):
        locale = Locale.parse(identifier)
        for code in sorted(spoken[locale.language]):
            names.setdefault(name_key(locale.territories.get(code, "")), code)
    names.pop("", None)
    return names


def _codes_by_language() -> Mapping[str, set[str]]:
    from babel.languages import get_official_languages  # noqa: PLC0415 # loads Babel

    spoken: dict[str, set[str]] = {}
    for code in _codes():
        for language in get_official_languages(code, regional=True, de_facto=True):
            spoken.setdefault(language.partition("_")[0], set()).add(code)
    return spoken


@cache
def _zones() -> Mapping[str, str]:
    names = zoneinfo.available_timezones() - {"Factory", "localtime"}
    return {name.casefold(): name for name in names}


@cache
def _windows_zones() -> Mapping[str, str]:
    from babel.core import get_global  # noqa: PLC0415 # loads Babel

    return {name.casefold(): str(zone) for name, zone in get_global("windows_zone_mapping").items()}


@cache
def _zone_of(code: str) -> str:
    """Return the first zone of a country if the others keep the same time from now on."""
    zones = [zone for country, _, zone, *_ in _rows("zone.tab") if country == code]
    return zones[0] if len({_rule(zone) for zone in zones}) == 1 else ""


def _rule(zone: str) -> bytes:
    """Return how a zone goes on after its last known change.

    Source:
        RFC 8536, section 3.3: the footer of a TZif file.
    """
    path = resources.files("tzdata").joinpath("zoneinfo", *zone.split("/"))
    return path.read_bytes().rstrip(b"\n").rpartition(b"\n")[2]


@cache
def _rows(table: str) -> tuple[tuple[str, ...], ...]:
    text = resources.files("tzdata").joinpath("zoneinfo", table).read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(tuple(line.split("\t")) for line in lines)
