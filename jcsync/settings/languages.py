"""Languages as people write them → BCP 47, for the filters of templates.

Babel knows the codes and names; it is loaded when a template first asks.

Source:
    RFC 5646, section 2.1; RFC 7643, section 4.1.1 (``preferredLanguage``, ``locale``); CLDR.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

from jcsync.settings.places import country_code, name_key

_TAG: Final = re.compile(
    r"""(?P<language>[a-z]{2,3})
        (?:-(?P<script>[a-z]{4}))?
        (?:-(?P<region>[a-z]{2}|[0-9]{3}))?
        (?P<rest>(?:-[a-z0-9]{1,8})*)""",
    re.VERBOSE | re.IGNORECASE,
)
_SUFFIX: Final = re.compile(r"[.@].*")
"""Of a POSIX locale: character set and modifier."""

_NARROWED: Final = re.compile(r"(?P<name>[^()\[\]]+?)\s*(?:\((?P<a>[^()]+)\)|\s-\s(?P<b>.+))")
"""``English (United States)``, ``English - United States``."""

_ALSO: Final[Mapping[str, str]] = {
    "Castellano": "es",
    "Castilian": "es",
    "Farsi": "fa",
    "Mandarin": "zh",
    "Norsk": "no",
}
_SCRIPTS: Final[Mapping[str, str]] = {
    "simplified": "Hans",
    "traditional": "Hant",
    "latin": "Latn",
    "cyrillic": "Cyrl",
}


@lru_cache(maxsize=4096)
def language_tag(text: str) -> str:
    """Return the BCP 47 tag of a language, ``""`` when it is not known.

    Args:
        text: A tag with hyphens or underscores in any case (``en_us``, ``de_DE.UTF-8``), or the
            name of a language in English or in that language, with a country or script beside it
            (``English (United States)``, ``Chinese - Simplified``).
    """
    text = text.strip()
    found = _TAG.fullmatch(_SUFFIX.sub("", text).replace("_", "-"))
    if found is not None:
        return _tag(found)
    named = _names(text)
    if named:
        return named
    narrowed = _NARROWED.fullmatch(text)
    return _narrowed(narrowed["name"], narrowed["a"] or narrowed["b"]) if narrowed else ""


def _tag(found: re.Match[str]) -> str:
    from babel.core import Locale, get_global  # noqa: PLC0415 # loads Babel

    english = Locale("en")
    language = found["language"].lower()
    language = get_global("language_aliases").get(language, language)
    script = (found["script"] or "").title()
    region = (found["region"] or "").upper()
    region = get_global("territory_aliases").get(region, [region])[0]
    if language not in english.languages or (script and script not in english.scripts):
        return ""
    if region and region not in english.territories:
        return ""
    parts = [language.replace("_", "-"), script, region]
    return "-".join(part for part in parts if part) + found["rest"].lower()


def _narrowed(name: str, narrower: str) -> str:
    language = _names(name)
    if not language or "-" in language:
        return ""
    part = _SCRIPTS.get(name_key(narrower)) or country_code(narrower)
    return f"{language}-{part}" if part else ""


def _names(text: str) -> str:
    key = name_key(text)
    return _english_names().get(key) or _own_names().get(key, "")


@cache
def _english_names() -> Mapping[str, str]:
    from babel import Locale  # noqa: PLC0415 # loads Babel

    names = {name_key(name): code for name, code in _ALSO.items()}
    names |= {name_key(n): c.replace("_", "-") for c, n in Locale("en").languages.items()}
    return names


@cache
def _own_names() -> Mapping[str, str]:
    """Take a sixth of a second: every language is loaded."""
    from babel import Locale  # noqa: PLC0415 # loads Babel
    from babel.localedata import locale_identifiers  # noqa: PLC0415

    names: dict[str, str] = {}
    for identifier in sorted(locale_identifiers()):
        if "_" in identifier:
            continue
        for code, name in Locale.parse(identifier).languages.items():
            if code.partition("_")[0] == identifier:
                names.setdefault(name_key(name), code.replace("_", "-"))
    names.pop("", None)
    return names
