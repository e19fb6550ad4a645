"""The types of single settings: what is accepted, and how it is written back.

A type accepts what a YAML file or a variable holds and gives the plain value that other modules
use: seconds for a duration, a tuple for a list.
"""

import difflib
import re
import warnings
from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    Secret,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticKnownError

from jcsync.model.directory import ADDRESS_FIELDS, TEXT_FIELDS, is_field
from jcsync.model.resource import Value
from jcsync.model.text import did_you_mean
from jcsync.settings.addresses import check_proxy, check_store_url, check_url, parse_bind
from jcsync.settings.plain import read_plain
from jcsync.settings.problems import shorten
from jcsync.settings.times import (
    Jitter,
    check_timezone,
    parse_cron,
    parse_duration,
    parse_jitter,
    parse_window,
    render_duration,
)

REDACTED: Final = "********"

_TEMPLATE_FORM: Final = re.compile(
    r"""(?P<kind>addresses|phoneNumbers)
        (?:\.(?P<a>\w+) | \[?["']?(?P<b>\w+)["']?\]?)
        (?:\.(?P<part>\w+))?""",
    re.VERBOSE,
)
"""Near ``addresses[work].country``: as templates write it, or with a mistyped part."""

_CUSTOM_FORM: Final = re.compile(
    r"""(?:custom[\s_-]?)?attributes?[.\[]["']?([^\]"'\s]+)["']?\]?""", re.IGNORECASE
)
"""Near ``attributes.NAME``."""


class Section(BaseModel):
    """A mapping of settings; a key that it does not know is an error, an empty one is empty.

    What checks and writes it is built once, for all sections together (``defer_build``). One that
    is left out is made by ``model_construct``, which needs none of that.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        defer_build=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        return {} if value is None else value


class SecretUrl(Secret[str]):
    """A URL that may hold a user and a password; shown without them."""

    def _display(self) -> str:
        return redact_url(self.get_secret_value())


def redact_url(url: str) -> str:
    """Return a URL with ``********`` in place of user and password."""
    try:
        user, at, _ = urlsplit(url).netloc.rpartition("@")
    except ValueError:
        return REDACTED
    return url.replace(f"{user}@", f"{REDACTED}@", 1) if at else url


def _as_text(value: object) -> object:
    """A number is a text as it was written: a group may be called 007."""
    if isinstance(value, bool):
        message = "must be a text; put it in quotes"
        raise ValueError(message)  # noqa: TRY004 # pydantic wants a ValueError
    if isinstance(value, int | float):
        return str(getattr(value, "text", value))
    return value


def _not_blank(text: str) -> str:
    if not text.strip():
        message = "must not be empty"
        raise ValueError(message)
    return text


def _blank_as_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticKnownError("int_type")  # noqa: EM101 # the name of an error
    return value


def _render_number(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _null_as_empty(value: object) -> object:
    return [] if value is None else value


def _check_org_id(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{24}", text):
        message = f"must be 24 hexadecimal digits; has {len(text)} characters"
        raise ValueError(message)
    return text.lower()


def _check_bind(text: str) -> str:
    parse_bind(text)
    return text


def _check_cron(text: str) -> str:
    parse_cron(text)
    return text


def _check_window(text: str) -> str:
    parse_window(text)
    return text


def check_field(name: str) -> str:
    """Return the name of a field of a JumpCloud user.

    Raises:
        ValueError: There is none; with the nearest, or the forms that exist.
    """
    if is_field(name) and not any(quote in name for quote in ("['", '["')):
        return name
    message = f'unknown JumpCloud field "{shorten(name)}"{_field_hint(name)}'
    raise ValueError(message)


def _field_hint(name: str) -> str:
    """Return what may have been meant: also the spelling of templates, and a mistyped part."""
    if custom := _CUSTOM_FORM.fullmatch(name.removeprefix("user.")):
        return f'; did you mean "attributes.{custom[1]}"?'
    words = [word for word in re.split(r"[\s+~,]+", name) if is_field(word)]
    if len(words) > 1:
        together = " ".join(f"{{{{ user.{word} }}}}" for word in words)
        return f'; several fields are a template: {{template: "{together}"}}'
    parts = _TEMPLATE_FORM.fullmatch(name.removeprefix("user."))
    kind = parts and (parts["a"] or parts["b"])
    if parts is not None and parts["kind"] == "addresses":
        part = parts["part"] or "country"
        near = difflib.get_close_matches(part, ADDRESS_FIELDS, n=1) or ["country"]
        return f'; did you mean "addresses[{kind}].{near[0]}"?'
    if parts is not None:
        return f'; did you mean "phoneNumbers[{kind}]"?'
    if is_field(name.removeprefix("user.")):
        return f'; did you mean "{name.removeprefix("user.")}"?'
    forms = "; allowed are email, username, department and the like, attributes.NAME, "
    forms += "phoneNumbers[TYPE], addresses[TYPE].country"
    return did_you_mean(name, ["id", *TEXT_FIELDS]) or forms


def _check_pattern(text: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(text)
        except (re.error, OverflowError, RecursionError, Warning) as error:
            message = f"not a regular expression: {error}"
            raise ValueError(message) from None
    return text


def _check_template(text: str) -> str:
    if read_plain(text):
        return text
    from jcsync.settings.templates import check_user_template  # noqa: PLC0415 # loads Jinja2

    check_user_template(text)
    return text


def _check_group_template(text: str) -> str:
    from jcsync.settings.templates import check_group_template  # noqa: PLC0415 # loads Jinja2

    check_group_template(text)
    return text


def _constant(value: object) -> Value:
    """A text, truth value or number, as a plain value."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        plain = float(value) if isinstance(value, float) else int(value)
        if abs(plain) < 1e308:  # noqa: PLR2004 # neither infinite nor not a number
            return plain
    if isinstance(value, str) and value.strip():
        return value
    message = "must be a text, a number, true or false"
    raise ValueError(message)


def check_unit(seconds: float | None, low: str, high: str) -> float | None:
    """Return a duration that lies between two others, or ``None``.

    Raises:
        ValueError: It is shorter or longer.
    """
    if seconds is not None and not parse_duration(low) <= seconds <= parse_duration(high):
        message = f"must be from {low} to {high}; is {render_duration(seconds)}"
        raise ValueError(message)
    return seconds


def between(low: str, high: str = "36500d") -> AfterValidator:
    """Bound a :data:`Duration`, both ends included."""
    return AfterValidator(lambda seconds: check_unit(seconds, low, high))


def shape(**schema: Any) -> WithJsonSchema:  # noqa: ANN401 # JSON Schema is any JSON
    """Describe a type to editors: the form in the file, not the value it becomes."""
    return WithJsonSchema({"type": "string", **schema})


Text = Annotated[str, BeforeValidator(_as_text), AfterValidator(_not_blank)]
"""A text that is not blank; numbers are taken as they are written."""

OptionalText = Annotated[Text | None, BeforeValidator(_blank_as_none)]
"""A text, or nothing where it is blank."""

Whole = Annotated[int, BeforeValidator(_no_bool)]
Number = Annotated[
    float, BeforeValidator(_no_bool), PlainSerializer(_render_number, when_used="json")
]

Texts = Annotated[tuple[Text, ...], BeforeValidator(_null_as_empty)]
"""A list of texts; nothing is the empty list."""

Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(render_duration, when_used="json"),
    shape(pattern=r"^(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", examples=["90s", "5m", "6h", "30d"]),
]
"""Seconds, written ``90s``, ``5m``, ``6h``, ``400d``."""

JitterField = Annotated[
    Jitter,
    PlainValidator(parse_jitter),
    PlainSerializer(str, when_used="json"),
    shape(pattern=r"%$|^(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", examples=["10%", "30s"]),
]

Url = Annotated[Text, AfterValidator(check_url), shape(pattern="^https?://", format="uri")]
ProxyUrl = Annotated[
    SecretUrl,
    AfterValidator(lambda url: SecretUrl(check_proxy(url.get_secret_value()))),
    PlainSerializer(str, when_used="json"),
    shape(pattern="^https?://", examples=["http://proxy.example.com:3128"]),
]
StoreUrl = Annotated[
    SecretUrl,
    AfterValidator(lambda url: SecretUrl(check_store_url(url.get_secret_value()))),
    PlainSerializer(str, when_used="json"),
    shape(pattern=r"^(sqlite:///|postgresql\+psycopg://)."),
]
OrgId = Annotated[
    Text,
    AfterValidator(_check_org_id),
    shape(pattern="^[0-9a-fA-F]{24}$", examples=["5f0c1b2c3d4e5f6071829304"]),
]
Bind = Annotated[
    Text, AfterValidator(_check_bind), shape(pattern=r"^.+:\d{1,5}$", examples=["127.0.0.1:8642"])
]
CronText = Annotated[Text, AfterValidator(_check_cron), shape(examples=["*/5 * * * *"])]
WindowText = Annotated[Text, AfterValidator(_check_window), shape(examples=["mon-fri 07:00-19:00"])]
TimeZone = Annotated[Text, AfterValidator(check_timezone), shape(examples=["UTC", "Europe/Berlin"])]
FieldName = Annotated[Text, AfterValidator(check_field), shape(examples=["department"])]
Pattern = Annotated[Text, AfterValidator(_check_pattern), shape(format="regex")]
UserTemplate = Annotated[Text, AfterValidator(_check_template)]
GroupTemplate = Annotated[Text, AfterValidator(_check_group_template)]
Constant = Annotated[
    Value,
    PlainValidator(_constant),
    WithJsonSchema({"type": ["string", "boolean", "number", "null"]}),
]
Quirks = Annotated[Mapping[str, object], BeforeValidator(lambda v: {} if v is None else v)]
