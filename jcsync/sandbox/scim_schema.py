"""What the fast platform lets in, and what it says of itself.

Source:
    RFC 7643, sections 4.1 (User), 4.2 (Group), 4.3 (enterprise extension), 5 to 7 (discovery).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CORE = "urn:ietf:params:scim:schemas:core:2.0"
USER = f"{CORE}:User"
GROUP = f"{CORE}:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a schema.

    Attributes:
        kind: ``type`` of RFC 7643, section 7.
        multi: ``multiValued``.
        parts: Sub-attributes by lower-case name.
    """

    name: str
    kind: str = "string"
    multi: bool = False
    required: bool = False
    read_only: bool = False
    case_exact: bool = False
    unique: bool = False
    secret: bool = False
    parts: "Mapping[str, Attribute] | None" = None

    def describe(self) -> Document:
        """Return the definition as ``/Schemas`` shows it."""
        document: Document = {
            "name": self.name,
            "type": self.kind,
            "multiValued": self.multi,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": "readOnly" if self.read_only else "readWrite",
            "returned": "never" if self.secret else "default",
            "uniqueness": "server" if self.unique else "none",
        }
        if self.secret:
            document["mutability"] = "writeOnly"
        if self.parts is not None:
            document["subAttributes"] = [part.describe() for part in self.parts.values()]
        return document


Attributes = Mapping[str, Attribute]


def _table(*attributes: Attribute) -> Attributes:
    return {attribute.name.lower(): attribute for attribute in attributes}


def _texts(names: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name) for name in names.split())


_PRIMARY = Attribute("primary", "boolean")


def _plural(name: str, *, value: str = "string", read_only: bool = False) -> Attribute:
    """Return a multi-valued attribute with the parts of RFC 7643, section 2.4."""
    parts = _table(
        Attribute("value", value), *_texts("display type"), _PRIMARY, Attribute("$ref", "reference")
    )
    return Attribute(name, "complex", multi=True, read_only=read_only, parts=parts)


USER_ATTRIBUTES = _table(
    Attribute("externalId", case_exact=True),
    Attribute("userName", required=True, unique=True),
    Attribute(
        "name",
        "complex",
        parts=_table(
            *_texts("formatted familyName givenName middleName honorificPrefix honorificSuffix")
        ),
    ),
    *_texts("displayName nickName title userType preferredLanguage locale timezone"),
    Attribute("profileUrl", "reference"),
    Attribute("active", "boolean"),
    Attribute("password", secret=True),
    _plural("emails"),
    _plural("phoneNumbers"),
    _plural("ims"),
    _plural("photos", value="reference"),
    Attribute(
        "addresses",
        "complex",
        multi=True,
        parts=_table(
            *_texts("formatted streetAddress locality region postalCode country type"), _PRIMARY
        ),
    ),
    _plural("groups", read_only=True),
    _plural("entitlements"),
    _plural("roles"),
    _plural("x509Certificates", value="binary"),
)
GROUP_ATTRIBUTES = _table(
    Attribute("externalId", case_exact=True),
    Attribute("displayName", required=True),
    Attribute(
        "members",
        "complex",
        multi=True,
        parts=_table(*_texts("value type display"), Attribute("$ref", "reference")),
    ),
)
ENTERPRISE_ATTRIBUTES = _table(
    *_texts("employeeNumber costCenter organization division department"),
    Attribute(
        "manager",
        "complex",
        parts=_table(
            Attribute("value"),
            Attribute("$ref", "reference"),
            Attribute("displayName", read_only=True),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """Users or groups.

    Attributes:
        extensions: Attributes by URN.
    """

    name: str
    endpoint: str
    urn: str
    attributes: Attributes
    extensions: Mapping[str, Attributes]

    def describe(self, base: str) -> Document:
        """Return the definition as ``/ResourceTypes`` shows it."""
        return {
            "schemas": [f"{CORE}:ResourceType"],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "schema": self.urn,
            "schemaExtensions": [{"schema": urn, "required": False} for urn in self.extensions],
            "meta": {
                "resourceType": "ResourceType",
                "location": f"{base}/ResourceTypes/{self.name}",
            },
        }


USERS = ResourceType("User", "/Users", USER, USER_ATTRIBUTES, {ENTERPRISE: ENTERPRISE_ATTRIBUTES})
GROUPS = ResourceType("Group", "/Groups", GROUP, GROUP_ATTRIBUTES, {})


def describe_schemas(base: str) -> list[Document]:
    """Return what ``/Schemas`` lists."""
    tables = {USER: USER_ATTRIBUTES, GROUP: GROUP_ATTRIBUTES, ENTERPRISE: ENTERPRISE_ATTRIBUTES}
    return [
        {
            "schemas": [f"{CORE}:Schema"],
            "id": urn,
            "name": "EnterpriseUser" if urn == ENTERPRISE else urn.rpartition(":")[2],
            "attributes": [attribute.describe() for attribute in table.values()],
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{urn}"},
        }
        for urn, table in tables.items()
    ]


def describe_provider(base: str, page_cap: int) -> Document:
    """Return what ``/ServiceProviderConfig`` shows."""
    return {
        "schemas": [f"{CORE}:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": page_cap},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": False},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "A static token",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }
