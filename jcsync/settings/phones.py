"""Phone numbers as people write them → E.164, for the filters of templates.

Importing this module loads phonenumbers; only templates that use the filter do.

Source:
    ITU-T E.164; RFC 7643, section 4.1.2 (``phoneNumbers``).
"""

from collections.abc import Mapping
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from jcsync.model.rules import MappingError

_PARSING: Final[Mapping[int, str]] = {
    NumberParseException.INVALID_COUNTRY_CODE: "no country code is in front of it and no known "
    "country is named",
    NumberParseException.NOT_A_NUMBER: "not a phone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too short",
    NumberParseException.TOO_SHORT_NSN: "too short",
    NumberParseException.TOO_LONG: "too long",
}
_LENGTH: Final[Mapping[int, str]] = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
    ValidationResult.INVALID_COUNTRY_CODE: "the country code does not exist",
    ValidationResult.TOO_SHORT: "too short",
    ValidationResult.TOO_LONG: "too long",
    ValidationResult.INVALID_LENGTH: "no number of that country has so many digits",
}


def phone_number(text: str, country: str) -> str:
    """Return a phone number in the form ``+4915123456789``, without its extension.

    Its length must be possible in its country; whether anybody has it is not asked, because ranges
    are opened faster than lists of them are installed.

    Args:
        text: With its country code, or as it is dialled in the country.
        country: Two letters of ISO 3166, or ``""``: then a country code is needed.

    Raises:
        MappingError: It is no number. The message names the reason and not the number, which may
            be private.
    """
    try:
        number = phonenumbers.parse(text, country or None)
    except NumberParseException as error:
        message = f"phone: {_PARSING[error.error_type]}"
        raise MappingError(message) from None
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != ValidationResult.IS_POSSIBLE:
        message = f"phone: {_LENGTH[length]}"
        raise MappingError(message)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
