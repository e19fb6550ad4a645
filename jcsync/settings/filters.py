"""The filters and functions that templates have beyond Jinja2's own.

A filter never fails because of a value that it does not understand: it is empty then, and an
empty source leaves the platform's value alone. With ``strict=true`` the value is a problem of the
person who has it. What is loaded for phone numbers and names of countries, languages and time zones
is loaded when a template first needs it.
"""

import inspect
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from jinja2 import Undefined

from jcsync.model.rules import MappingError

_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_FOLDED: Final = """
ß ss ẞ SS æ ae Æ AE œ oe Œ OE ø o Ø O ł l Ł L đ d Đ D ð d Ð D þ th Þ Th ħ h Ħ H ı i ĸ k ŋ n Ŋ N
ŧ t Ŧ T ƀ b Ƀ B ɨ i Ɨ I ʉ u Ʉ U ə e Ə E ‘ ' ’ ' ‚ ' ʼ ' ʻ ' “ " ” " „ " « " » " ‐ - ‑ - ‒ - – - — -
− - ⁄ / × x
"""  # noqa: RUF001 # that is what they look like
"""Letter and what it becomes, where Unicode does not take it apart."""

_LETTERS: Final = str.maketrans(dict(zip(_FOLDED.split()[::2], _FOLDED.split()[1::2], strict=True)))


def fold_ascii(value: object, language: str = "") -> str:
    """Return a text in ASCII: ``Łódź`` is ``Lodz``, ``Groß`` is ``Gross``, ``Ærø`` is ``AEro``.

    Letters of scripts that have no ASCII form are left out, because how they are transliterated
    differs between languages and persons; a text in such a script is empty.

    Args:
        value: Any text.
        language: ``de`` writes ``ä``, ``ö``, ``ü`` as ``ae``, ``oe``, ``ue``.
    """
    text = text_of(value)
    if text.isascii():
        return text
    if language == "de":
        composed = unicodedata.normalize("NFC", text)
        text = composed.translate(_GERMAN)
        text = text.upper() if composed.isupper() else text
    decomposed = unicodedata.normalize("NFKD", text)
    folded = decomposed.translate(_LETTERS).encode("ascii", "ignore").decode("ascii")
    return " ".join(folded.split())


def phone(value: object, country: object = "", strict: bool = False) -> str:  # noqa: FBT001, FBT002 # a filter's option
    """Return a phone number as E.164, ``""`` when it is none.

    Args:
        value: As JumpCloud has it.
        country: Of a number without country code: a code or name, also that of the person's
            address.
        strict: Raise for a number that is none.

    Raises:
        MappingError: It is none, in strict mode.
    """
    text = text_of(value)
    if not text:
        return ""
    from jcsync.settings.phones import phone_number  # noqa: PLC0415 # loads phonenumbers
    from jcsync.settings.places import country_code  # noqa: PLC0415 # loads Babel on demand

    try:
        return phone_number(text, country_code(text_of(country)))
    except MappingError:
        if strict:
            raise
        return ""


def language(value: object, strict: bool = False) -> str:  # noqa: FBT001, FBT002 # a filter's option
    """Return a language as BCP 47, ``""`` when it is not known.

    Raises:
        MappingError: It is not known, in strict mode.
    """
    from jcsync.settings.languages import language_tag  # noqa: PLC0415 # needed by few

    return _known(value, language_tag, "language", strict=strict)


def country(value: object, strict: bool = False) -> str:  # noqa: FBT001, FBT002 # a filter's option
    """Return a country as the two letters of ISO 3166, ``""`` when it is not known.

    Raises:
        MappingError: It is not known, in strict mode.
    """
    from jcsync.settings.places import country_code  # noqa: PLC0415 # needed by few

    return _known(value, country_code, "country", strict=strict)


def timezone(value: object, strict: bool = False) -> str:  # noqa: FBT001, FBT002 # a filter's option
    """Return a time zone by its IANA name, ``""`` when it is not known.

    Raises:
        MappingError: It is not known, in strict mode.
    """
    from jcsync.settings.places import zone_name  # noqa: PLC0415 # needed by few

    return _known(value, zone_name, "time zone", strict=strict)


def first(*values: object) -> object:
    """Return the first value that is neither absent nor blank, ``""`` when there is none."""
    return next((value for value in values if not is_blank(value)), "")


def first_filter(value: Any, *others: object) -> object:  # noqa: ANN401 # text or any iterable
    """Return the first of a list, and of ``value`` and ``others``, that is not blank.

    Of a single text, its first character, as in Jinja2.
    """
    if others or is_blank(value):
        return first(value, *others)
    if isinstance(value, str):
        return value[0]
    return first(*value) if isinstance(value, Iterable) else value


def default(value: object, default_value: object = "", boolean: bool = False) -> object:  # noqa: FBT001, FBT002 # Jinja2's own
    """Return a value, or another where it is absent or blank.

    Jinja2's own filter lets an empty text pass; a field that a person does not have is empty here.

    Args:
        value: Any.
        default_value: What is taken in its place.
        boolean: Also in place of ``0`` and ``false``.
    """
    return default_value if is_blank(value) or (boolean and not value) else value


FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    "ascii": fold_ascii,
    "phone": phone,
    "language": language,
    "country": country,
    "timezone": timezone,
    "first": first_filter,
    "default": default,
    "d": default,
}
"""By the name that templates use."""

FUNCTIONS: Final[Mapping[str, Callable[..., object]]] = {"first": first}
"""By the name that templates use."""

WITHDRAWN: Final = frozenset({"random"})
"""Filters of Jinja2 that give another value each time: every run would patch everybody."""


def call_problem(
    name: str, arguments: Sequence[object], options: Mapping[str, object], unknown: object
) -> str:
    """Return what is wrong with a call of one of our filters, or ``""``.

    Args:
        name: Of any filter.
        arguments: Those in brackets.
        options: Those by name.
        unknown: Stands for an argument whose value is known for each person only.
    """
    function = FILTERS.get(name)
    if function is None:
        return ""
    try:
        bound = inspect.signature(function).bind("", *arguments, **options)
    except TypeError as error:
        return f"{name}: {error}"
    for option, value in bound.arguments.items():
        if value is not unknown and (message := _option_problem(name, option, value)):
            return f"{name}: {message}"
    return ""


def text_of(value: object) -> str:
    """Return a value as a stripped text, ``""`` for nothing."""
    return "" if value is None else str(value).strip()


def is_blank(value: object) -> bool:
    """Tell whether a value is absent or a blank text; ``0`` and ``false`` are values."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or isinstance(value, Undefined)


def _known(value: object, read: Callable[[str], str], kind: str, *, strict: bool) -> str:
    text = text_of(value)
    found = read(text) if text else ""
    if strict and text and not found:
        message = f"{kind}: not known: {text[:40]}"
        raise MappingError(message)
    return found


def _option_problem(name: str, option: str, value: object) -> str:
    match name, option:
        case "ascii", "language" if value not in ("", "de"):
            return 'the one language with rules of its own is "de"'
        case "phone", "country":
            from jcsync.settings.places import country_code  # noqa: PLC0415 # needed by few

            known = isinstance(value, str) and (not value.strip() or country_code(value))
            return "" if known else f'unknown country {value!r}; write for example phone("DE")'
        case _, "strict" if not isinstance(value, bool):
            return "strict is true or false"
    return ""
