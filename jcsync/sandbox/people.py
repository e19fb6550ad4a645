# ruff: noqa: N815  JumpCloud spells its fields so
"""People to fill a directory with: the same ones for the same seed.

Their names are written in a dozen scripts; some of them are suspended, staged, locked or not yet
activated, some have no state at all, and hardly any record is complete.
"""

import random
from dataclasses import dataclass, fields

from jcsync.sandbox.clock import stamp
from jcsync.sandbox.names import CULTURES, DEPARTMENTS, TITLES, Culture, Name

Phone = tuple[str, str]
Address = tuple[str, str, str, str, str, str]
Attribute = tuple[str, str]

FIRST_HIRED = 1_420_070_400.0
"""2015-01-01, in seconds since 1970: when the first of the people was created."""
_TENURE = 10 * 365 * 86_400.0

ADDRESS_FIELDS = ("type", "streetAddress", "locality", "region", "postalCode", "country")


@dataclass(slots=True)
class Person:
    """One JumpCloud user as the sandbox keeps him; fields in JumpCloud's spelling.

    Attributes:
        id: 24 hex digits; ascending in the order of creation.
        state: ``None`` in records older than the field.
        phoneNumbers: Type and number.
        addresses: Values of ``ADDRESS_FIELDS``.
        attributes: Name and value.
        revision: Grows with every write; sub-documents change their ids with it.
    """

    id: str
    username: str
    email: str
    firstname: str = ""
    middlename: str = ""
    lastname: str = ""
    displayname: str = ""
    state: str | None = "ACTIVATED"
    activated: bool = True
    account_locked: bool = False
    password_expired: bool = False
    jobTitle: str = ""
    department: str = ""
    costCenter: str = ""
    company: str = ""
    location: str = ""
    description: str = ""
    employeeIdentifier: str = ""
    employeeType: str = ""
    alternateEmail: str = ""
    manager: str = ""
    created: str = ""
    phoneNumbers: tuple[Phone, ...] = ()
    addresses: tuple[Address, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    revision: int = 0


_FOX = 7
_BY_NUMBER: tuple[tuple[int, int, tuple[tuple[str, object], ...]], ...] = (
    (31, 17, (("state", None),)),
    (211, 41, (("state", "PENDING_REVIEW"),)),
    (29, 13, (("state", "STAGED"), ("activated", False))),
    (23, 11, (("state", "SUSPENDED"),)),
    (19, 5, (("activated", False),)),
    (37, 9, (("account_locked", True),)),
    (41, 21, (("password_expired", True),)),
    (17, 3, (("middlename", "J."), ("alternateEmail", "private@mail.example"))),
)
"""Of so many people one, counted from the second number, has these values."""

_GAPS: tuple[tuple[tuple[str, object], ...], ...] = (
    (("displayname", ""),),
    (("department", ""), ("jobTitle", "")),
    (("phoneNumbers", ()),),
    (("addresses", ()),),
    (("attributes", ()),),
    (("manager", ""), ("costCenter", "")),
    (("employeeIdentifier", ""), ("location", "")),
)
"""One person in eight lacks these, independently of one another."""

PERSON_FIELDS = frozenset(field.name for field in fields(Person)) - {"id", "revision"}


def object_id(created: float, number: int) -> str:
    """Return an id as MongoDB makes them: ascending with ``created``, then with ``number``."""
    return f"{int(created):08x}5a{number & 0xFFFFFFFFFFFFFF:014x}"


def generate_people(
    count: int, *, seed: int = 1, domain: str = "example.com", oddities: bool = True
) -> list[Person]:
    """Return so many people, in the order of their ids, with distinct e-mails and usernames.

    Args:
        count: 0 to 100,000 and more; 100,000 take about two seconds.
        seed: Other seeds give other people.
        domain: Of the e-mails.
        oddities: ``False``: everybody is active and has a complete record.
    """
    chance = random.Random(seed)  # noqa: S311  reproducible, not secret
    taken: dict[str, int] = {}
    people: list[Person] = []
    step = _TENURE / max(count, 1)
    for number in range(count):
        culture = CULTURES[chance.getrandbits(16) % len(CULTURES)]
        bits = chance.getrandbits(62)
        person = _person(number, FIRST_HIRED + number * step, culture, bits, domain, taken)
        if number:
            person.manager = people[(number - 1) // 8].id
        if oddities:
            _make_odd(person, number, bits)
        people.append(person)
    return people


def _person(
    number: int, created: float, culture: Culture, bits: int, domain: str, taken: dict[str, int]
) -> Person:
    given: Name = culture.given[bits % len(culture.given)]
    family: Name = culture.family[(bits >> 8) % len(culture.family)]
    mailbox = f"{given[1]}.{family[1]}".replace(" ", "")
    again = taken.get(mailbox, 0)
    taken[mailbox] = again + 1
    if again:
        mailbox = f"{mailbox}{again + 1}"
    locality, region, code, country = culture.place
    digits = (bits >> 16) % 10_000
    return Person(
        id=object_id(created, number),
        username=mailbox.replace("'", ""),
        email=f"{mailbox}@{domain}",
        firstname=given[0],
        lastname=family[0],
        displayname=family[0] + given[0] if culture.family_first else f"{given[0]} {family[0]}",
        jobTitle=TITLES[(bits >> 30) % len(TITLES)],
        department=DEPARTMENTS[(bits >> 34) % len(DEPARTMENTS)],
        costCenter=f"CC-{100 + (bits >> 38) % 40}",
        company="Example Holding",
        location=locality,
        employeeIdentifier=f"E{number + 1:06d}",
        employeeType="Contractor" if (bits >> 44) % 12 == 0 else "Employee",
        created=stamp(created),
        phoneNumbers=(
            ("work", f"{culture.dialling} {digits:04d}"),
            ("mobile", f"{culture.dialling} {9999 - digits:04d}"),
        ),
        addresses=(("work", f"{1 + digits % 200} Main St.", locality, region, code, country),),
        attributes=(("language", culture.language), ("costcode", f"{digits % 90 + 10}")),
    )


def _make_odd(person: Person, number: int, bits: int) -> None:
    for period, phase, change in _BY_NUMBER:
        if number % period == phase:
            for name, value in change:
                setattr(person, name, value)
    for shift, empty in enumerate(_GAPS):
        if not bits >> 3 * shift & 7:
            for name, value in empty:
                setattr(person, name, value)
    if number == _FOX:
        person.displayname = f"{person.firstname} 🦊 {person.lastname}"
    if number % 11 == 4:  # noqa: PLR2004  periods share no factor, so the oddities mix
        mailbox, _, domain = person.email.partition("@")
        person.email = f"{mailbox.title()}@{domain.title()}"
    if number % 13 == 6 and person.addresses:  # noqa: PLR2004
        work = person.addresses[0]
        person.addresses = (work, ("home", "", work[2], "", "", work[5]))
