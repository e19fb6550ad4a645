"""SCIM attribute paths, as far as a provisioning client needs them.

Source:
    RFC 7644, section 3.5.2, figure 7 (``PATH``); RFC 7643, section 2.1 (names ignore case).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_NAME = r"[A-Za-z$][A-Za-z0-9_$-]*"
_PATH = re.compile(
    rf"""(?:(?P<schema>(?i:urn):.+):)?
         (?P<attribute>{_NAME})
         (?:\[\s*(?P<key>{_NAME})\s+eq\s+"(?P<value>[^"\\]*)"\s*\])?
         (?:\.(?P<sub>{_NAME}))?""",
    re.VERBOSE,
)


class InvalidPathError(ValueError):
    """A text is not a SCIM attribute path of the supported form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimPath:
    """``schema:attribute[key eq "value"].sub``; the absent parts are ``""``.

    Attributes:
        schema: URN of an extension; ``""`` for the core schema.
        attribute: Name of the attribute.
        key: Sub-attribute by which one of several values is chosen, mostly ``type``.
        value: What it equals.
        sub: Sub-attribute that holds the text.
    """

    schema: str
    attribute: str
    key: str
    value: str
    sub: str

    def __str__(self) -> str:
        """The path as RFC 7644 writes it."""
        return f"{self.element}.{self.sub}" if self.sub else self.element

    @property
    def element(self) -> str:
        """The path without its sub-attribute."""
        base = f"{self.schema}:{self.attribute}" if self.schema else self.attribute
        return f'{base}[{self.key} eq "{self.value}"]' if self.key else base


@lru_cache(maxsize=1024)
def parse_path(text: str) -> ScimPath:
    """Return the parts of an attribute path.

    Raises:
        InvalidPathError: It is none, or uses a filter other than one ``eq``.
    """
    found = _PATH.fullmatch(text.strip())
    if found is None:
        message = (
            f'not a SCIM path: {text!r}; for example name.givenName, emails[type eq "work"].value'
        )
        raise InvalidPathError(message)
    if found["key"] and not found["sub"]:
        message = (
            f"{text!r} chooses one of several values but names no part of it, for example .value"
        )
        raise InvalidPathError(message)
    schema = found["schema"] or ""
    if schema.casefold() == CORE_USER.casefold():
        schema = ""
    elif schema.casefold() == ENTERPRISE_USER.casefold():
        schema = ENTERPRISE_USER
    return ScimPath(
        schema=schema,
        attribute=found["attribute"],
        key=found["key"] or "",
        value=found["value"] or "",
        sub=found["sub"] or "",
    )
