"""Whether a resource that a client sent is one, in every detail.

Source:
    RFC 7643, sections 2.1 (names ignore case), 2.2 (mutability), 2.3 (types), 2.5 (``null`` and
    ``[]`` are unassigned); RFC 7644, section 3.12 (error types).
"""

from collections.abc import Mapping
from typing import Any

from jcsync.sandbox.scim_schema import (
    ERROR,
    Attribute,
    Attributes,
    Document,
    ResourceType,
)
from jcsync.sandbox.wsgi import Headers, Reply, dump

SCIM_TYPE: Headers = (("Content-Type", "application/scim+json"),)


class ScimError(Exception):
    """A request that is answered with a SCIM error.

    Attributes:
        status: HTTP status.
        scim_type: ``scimType``, ``""`` for none.
    """

    def __init__(self, status: int, detail: str, scim_type: str = "") -> None:
        """Refuse with this status and explanation."""
        super().__init__(detail)
        self.status = status
        self.scim_type = scim_type

    def reply(self) -> Reply:
        """Return the answer."""
        document: Document = {
            "schemas": [ERROR],
            "status": str(self.status),
            "detail": str(self),
        }
        if self.scim_type:
            document["scimType"] = self.scim_type
        return Reply(self.status, dump(document), SCIM_TYPE)


def bad(detail: str, scim_type: str = "invalidValue") -> ScimError:
    """Return the refusal of something malformed."""
    return ScimError(400, detail, scim_type)


class Checker:
    """Turns what clients send into what is kept: proper names, no empty values, no secrets.

    Attributes:
        strict: Refuse what a lenient server overlooks: unknown attributes, ``null``, ``id`` and
            other read-only attributes in a new resource, booleans as text.
    """

    def __init__(self, *, strict: bool) -> None:
        """Decide how strict."""
        self.strict = strict

    def resource(self, kind: ResourceType, document: object, *, identity: str = "") -> Document:
        """Return the attributes of a resource, ``schemas`` included, ``id`` and ``meta`` not.

        Args:
            kind: What it should be.
            document: The body of a POST or PUT.
            identity: Its ``id``, for a PUT.

        Raises:
            ScimError: 400.
        """
        if not isinstance(document, dict):
            message = "the body is no JSON object"
            raise bad(message, "invalidSyntax")
        schemas = document.get("schemas")
        if not isinstance(schemas, list) or kind.urn not in schemas:
            message = f"schemas must contain {kind.urn}"
            raise bad(message, "invalidSyntax")
        self._check_common(document, identity)
        kept: Document = {"schemas": [kind.urn]}
        core = {name: value for name, value in document.items() if name not in kind.extensions}
        for name in ("schemas", "id", "meta"):
            core.pop(name, None)
        kept.update(self.attributes(kind.attributes, core))
        for urn, table in kind.extensions.items():
            if urn in document:
                self._extend(kept, urn, table, document[urn], declared=urn in schemas)
        for attribute in kind.attributes.values():
            if attribute.required and not kept.get(attribute.name):
                message = f"{attribute.name} is required"
                raise bad(message)
        return kept

    def _check_common(self, document: Document, identity: str) -> None:
        given = document.get("id", identity)
        if identity and given != identity:
            message = "id cannot be changed"
            raise bad(message, "mutability")
        if self.strict and not identity and "id" in document:
            message = "id is assigned by the service provider"
            raise bad(message, "mutability")

    def _extend(
        self, kept: Document, urn: str, table: Attributes, content: object, *, declared: bool
    ) -> None:
        if self.strict and not declared:
            message = f"{urn} is missing in schemas"
            raise bad(message, "invalidSyntax")
        values = self.attributes(table, content)
        if values:
            kept["schemas"].append(urn)
            kept[urn] = values

    def attributes(self, table: Attributes, content: object) -> Document:
        """Return the values of a complex attribute or resource by proper name.

        Raises:
            ScimError: 400.
        """
        if not isinstance(content, Mapping):
            message = f"{content!r} is no JSON object"
            raise bad(message, "invalidSyntax")
        kept: Document = {}
        for name, value in content.items():
            attribute = table.get(name.lower())
            if attribute is None or attribute.read_only:
                self._overlook(name, known=attribute is not None)
                continue
            checked = self.value(attribute, value)
            if checked not in (None, [], {}) and not attribute.secret:
                kept[attribute.name] = checked
        return kept

    def _overlook(self, name: str, *, known: bool) -> None:
        if self.strict and not known:
            message = f"unknown attribute {name}"
            raise bad(message, "invalidSyntax")

    def value(self, attribute: Attribute, value: object) -> Any:  # noqa: ANN401  any JSON
        """Return a value as it is kept, ``None`` when it is unassigned.

        Raises:
            ScimError: 400.
        """
        if value is None:
            if self.strict:
                message = f"{attribute.name} is null"
                raise bad(message)
            return None
        if not attribute.multi:
            return self.single(attribute, value)
        if not isinstance(value, list):
            message = f"{attribute.name} is multi-valued"
            raise bad(message)
        values = [self.single(attribute, entry) for entry in value]
        if sum(isinstance(v, dict) and v.get("primary") is True for v in values) > 1:
            message = f"{attribute.name} has more than one primary value"
            raise bad(message)
        return values

    def single(self, attribute: Attribute, value: object) -> Any:  # noqa: ANN401  any JSON
        """Return one value of an attribute as it is kept.

        Raises:
            ScimError: 400.
        """
        if attribute.parts is not None:
            if not self.strict and isinstance(value, str):
                value = {"value": value}
            return self.attributes(attribute.parts, value)
        if attribute.kind == "boolean":
            if isinstance(value, str) and not self.strict and value.lower() in {"true", "false"}:
                return value.lower() == "true"
            if isinstance(value, bool):
                return value
        elif isinstance(value, str):
            return value
        message = f"{attribute.name}: {value!r} is no {attribute.kind}"
        raise bad(message)
