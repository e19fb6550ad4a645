"""People, groups and applications as the JumpCloud API spells them.

Source:
    JumpCloud API 1.0 ``systemuserreturn``, ``application``, ``organization``; API 2.0
    ``UserGroup``. Beside the documented fields real answers carry others, and fields without a
    value are absent, ``""`` or ``null`` as it happens; both is imitated.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from jcsync.sandbox.people import ADDRESS_FIELDS, Person

Record = dict[str, object]

_TEXTS = (
    "alternateEmail",
    "company",
    "costCenter",
    "department",
    "description",
    "displayname",
    "employeeIdentifier",
    "employeeType",
    "firstname",
    "jobTitle",
    "lastname",
    "location",
    "manager",
    "middlename",
)


@dataclass(slots=True)
class Group:
    """A user group.

    Attributes:
        members: Ids of users, in the order in which they were added; also dangling ones.
        method: ``membershipMethod``.
        error_flags: ``memberQueryErrorFlags``.
        null_edges: Edges to nothing, which count as members.
        hide_null_edges: They are left out of pages instead of being ``null``: short pages.
    """

    id: str
    name: str
    description: str = ""
    email: str = ""
    members: dict[str, None] = field(default_factory=dict)
    method: str = "STATIC"
    error_flags: tuple[str, ...] = ()
    null_edges: int = 0
    hide_null_edges: bool = False


@dataclass(slots=True)
class Application:
    """An SSO application.

    Attributes:
        label: ``displayLabel``, the name that people see.
        groups: Ids of the groups bound to it.
        users: Ids of the users bound to it directly.
    """

    id: str
    label: str
    name: str = "custom_saml"
    created: str = ""
    groups: dict[str, None] = field(default_factory=dict)
    users: dict[str, None] = field(default_factory=dict)


def _sub_ids(person: Person, number: int) -> dict[str, str]:
    value = f"{person.id[:8]}{person.revision & 0xFFFF:04x}{number:02x}{person.id[14:]}"
    return {"_id": value, "id": value}


def _phones(person: Person) -> list[Record]:
    return [
        {"type": kind, "number": number, "id": _sub_ids(person, index)["id"]}
        for index, (kind, number) in enumerate(person.phoneNumbers)
    ]


def _addresses(person: Person) -> list[Record]:
    return [
        {
            "id": _sub_ids(person, index + 64)["id"],
            "poBox": "",
            "extendedAddress": "",
            **dict(zip(ADDRESS_FIELDS, address, strict=True)),
        }
        for index, address in enumerate(person.addresses)
    ]


def _attributes(person: Person) -> list[Record]:
    return [
        {"name": name, "value": value, **_sub_ids(person, index + 128)}
        for index, (name, value) in enumerate(person.attributes)
    ]


def _suspended(person: Person) -> bool:
    return person.state == "SUSPENDED"


_COMPUTED: dict[str, Callable[[Person], object]] = {
    "suspended": _suspended,
    "phoneNumbers": _phones,
    "addresses": _addresses,
    "attributes": _attributes,
}
_PLAIN = ("username", "email", "activated", "account_locked", "password_expired", "created")
_UNKNOWN: Record = {
    "systemUsername": "",
    "associatedTagCount": 0,
    "sshRootEnabled": False,
    "tags": [],
    "ldap_binding_user": False,
    "badLoginAttempts": 0,
    "mfa": {"configured": False, "exclusion": False},
    "creationSource": "jumpcloud:bulk",
    "admin": None,
    "relationships": [],
    "restrictedFields": [],
}
"""What the agent has no use for; the first four are in no specification."""


def user_value(person: Person, name: str, organization: str = "") -> object:
    """Return one field as stored, ``None`` when it is absent: what filters and sorts look at."""
    if name in {"_id", "id"}:
        return person.id
    if name in _COMPUTED:
        return _COMPUTED[name](person)
    if name == "organization":
        return organization
    if name in _UNKNOWN:
        return _UNKNOWN[name]
    return getattr(person, name, None) if name in _STORED else None


_STORED = frozenset((*_TEXTS, *_PLAIN, "state"))
USER_FIELDS = _STORED | _COMPUTED.keys() | _UNKNOWN.keys() | {"organization"}
"""Every field of a user that the sandbox knows, beside his ids."""


def user_record(
    person: Person, organization: str, wanted: Collection[str] = (), *, nulls: bool = True
) -> Record:
    """Return a user as the API sends him.

    Args:
        person: Any user.
        organization: Id of his organisation.
        wanted: Names of fields, from ``fields``; none selects everything. Ids are always sent.
        nulls: Whether some empty texts are ``null``; else they are absent or ``""`` only.
    """
    names = wanted or USER_FIELDS
    record: Record = {"_id": person.id, "id": person.id}
    for name in _PLAIN:
        if name in names:
            record[name] = getattr(person, name)
    if "state" in names and person.state is not None:
        record["state"] = person.state
    whim = int(person.id[-4:], 16)
    for name in _TEXTS:
        if name in names:
            _put_text(record, name, getattr(person, name), (whim + len(name)) % 3, nulls=nulls)
    for name, compute in _COMPUTED.items():
        if name in names:
            record[name] = compute(person)
    record.update((name, value) for name, value in _UNKNOWN.items() if name in names)
    if "organization" in names:
        record["organization"] = organization
    return record


def _put_text(record: Record, name: str, value: str, whim: int, *, nulls: bool) -> None:
    """Empty texts are absent, ``null`` or ``""``, as it happens."""
    if value or whim == 0:
        record[name] = value
    elif whim == 1 and nulls:
        record[name] = None


def group_record(group: Group, organization: str, wanted: Collection[str] = ()) -> Record:
    """Return a group as the API sends it; ``id`` is always sent."""
    record: Record = {
        "id": group.id,
        "type": "user_group",
        "name": group.name,
        "description": group.description,
        "email": group.email,
        "attributes": {"sudo": {"enabled": False, "withoutPassword": False}},
        "membershipMethod": group.method,
        "memberQueryExemptions": [],
        "memberQueryErrorFlags": list(group.error_flags),
        "memberSuggestionsNotify": False,
        "suggestionCounts": {"add": 0, "remove": 0, "total": 0},
        "organizationObjectId": organization,
    }
    if not wanted:
        return record
    return {name: value for name, value in record.items() if name in wanted or name == "id"}


def application_record(application: Application, organization: str) -> Record:
    """Return an application as the API sends it."""
    return {
        "_id": application.id,
        "id": application.id,
        "name": application.name,
        "displayLabel": application.label,
        "displayName": "Custom SAML App",
        "description": "",
        "active": True,
        "ssoUrl": f"https://sso.example/saml2/{application.id}",
        "sso": {"type": "saml", "beta": False, "hidden": False, "jit": False},
        "config": {},
        "learnMore": "",
        "organization": organization,
        "created": application.created,
    }


def organization_record(identity: str, name: str, created: str) -> Record:
    """Return an organisation as the API sends it."""
    return {
        "_id": identity,
        "id": identity,
        "displayName": name,
        "logoUrl": "",
        "created": created,
        "settings": {},
        "hasCreditCard": False,
    }
