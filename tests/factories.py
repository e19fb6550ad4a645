"""Values of the model: a test names only what it cares about.

A person ``ann`` is ``ann`` in the directory, has the account ``scim-ann`` and the name
``ann@example.com`` on both sides, unless the test says otherwise.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from jcsync.model.directory import (
    DirectoryGroup,
    DirectoryState,
    DirectoryUser,
    Evidence,
    Membership,
    field_value,
)
from jcsync.model.history import HoldRecord, HoldStatus
from jcsync.model.limits import Violation
from jcsync.model.plan import Action, AttributeChange, Change, Member, Plan
from jcsync.model.report import Finding, FindingKind, Outcome, RunOutcome, RunReport, Status
from jcsync.model.resource import (
    Access,
    DesiredGroup,
    DesiredUser,
    GroupResource,
    Kind,
    Link,
    UserResource,
    Value,
)
from jcsync.model.rules import AttributeRule, Clause, Operator

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
WORK = 'emails[type eq "work"].value'


def mail(who: str) -> str:
    """The e-mail address of somebody."""
    return f"{who}@example.com"


# ---------------------------------------------------------------------- directory


def a_person(who: str = "ann", **fields: Any) -> DirectoryUser:
    """Somebody in JumpCloud."""
    return DirectoryUser(
        **{"id": who, "username": who, "email": mail(who), "firstname": who.title(), **fields}
    )


def a_directory_group(name: str = "Staff", **fields: Any) -> DirectoryGroup:
    return DirectoryGroup(**{"id": f"g-{name.casefold()}", "name": name, **fields})


def a_directory(
    *people: DirectoryUser,
    groups: Mapping[str, Iterable[str]] | None = None,
    direct: Iterable[str] = (),
    gaps: tuple[str, ...] = (),
    broken: tuple[str, ...] = (),
) -> DirectoryState:
    """What was read of the directory.

    Args:
        people: Those who have a record; in the group Staff when no groups are given.
        groups: Ids of members by name of group.
        direct: Ids of those bound to the application.
        gaps: Why the read is incomplete.
        broken: Names of groups whose members could not be read in full.
    """
    named = {"Staff": [user.id for user in people]} if groups is None else groups
    found = tuple(a_directory_group(name) for name in sorted(named))
    gaps += tuple(f"the members of {name} could not be read" for name in broken)
    return DirectoryState(
        groups=found,
        members={
            group.id: Membership(
                user_ids=frozenset(named[group.name]),
                gap="could not be read" if group.name in broken else "",
            )
            for group in found
        },
        direct=Membership(user_ids=frozenset(direct)),
        users={user.id: user for user in people},
        gaps=gaps,
    )


def evidence_of(user: DirectoryUser | None, *groups: str, bound: bool = False) -> Evidence:
    """What the directory says of one person, asked directly."""
    ids = frozenset(a_directory_group(name).id for name in groups)
    return Evidence(user=user, group_ids=ids, bound=bound)


# ---------------------------------------------------------------------- rules


def a_rule(path: str = "userName", field: str = "email", **options: Any) -> AttributeRule:
    """An attribute that comes from a field of the directory."""

    def read(user: DirectoryUser) -> Value:
        return field_value(user, field)

    return AttributeRule(**{"path": path, "source": field, "read": read, **options})


RULES = (a_rule(), a_rule(WORK), a_rule("title", "jobTitle"))


def a_clause(attribute: str, operator: Operator, *operand: str) -> Clause:
    return Clause(attribute=attribute, operator=operator, operand=operand)


# ---------------------------------------------------------------------- desired and actual


def a_user(who: str = "ann", access: Access = Access.ACTIVE, **fields: Any) -> DesiredUser:
    """The account that somebody should have; a name, title and e-mails reach its attributes."""
    name = fields.pop("user_name", mail(who))
    attributes: dict[str, Value] = {"userName": name}
    if "title" in fields:
        attributes["title"] = fields.pop("title")
    for n, address in enumerate(fields.pop("emails", ())):
        attributes[f'emails[type eq "{n}"].value'] = address
    return DesiredUser(
        **{
            "external_id": who,
            "user_name": name,
            "access": access,
            "reason": "is in Staff" if access is Access.ACTIVE else "is suspended in JumpCloud",
            "attributes": attributes,
            **fields,
        }
    )


def an_account(who: str = "ann", *, active: bool = True, **fields: Any) -> UserResource:
    """An account on the platform, ours by its ``externalId`` unless that is given."""
    name = fields.pop("user_name", mail(who))
    attributes: dict[str, Value] = {"userName": name}
    if "title" in fields:
        attributes["title"] = fields.pop("title")
    return UserResource(
        **{
            "resource_id": f"scim-{who}",
            "external_id": who,
            "user_name": name,
            "active": active,
            "attributes": attributes,
            **fields,
        }
    )


def a_stranger(who: str = "ann", **fields: Any) -> UserResource:
    """An account that nobody gave an ``externalId``."""
    return an_account(who, **{"external_id": "", **fields})


def a_desired_group(name: str = "Staff", *members: str, **fields: Any) -> DesiredGroup:
    return DesiredGroup(
        **{
            "external_id": f"g-{name.casefold()}",
            "display_name": name,
            "members": frozenset(members),
            **fields,
        }
    )


def a_group(name: str = "Staff", *members: str, **fields: Any) -> GroupResource:
    """A group on the platform with the accounts of these people, ours by its ``externalId``."""
    return GroupResource(
        **{
            "resource_id": f"scim-{name.casefold()}",
            "external_id": f"g-{name.casefold()}",
            "display_name": name,
            "members": frozenset(f"scim-{who}" for who in members),
            **fields,
        }
    )


def a_link(who: str = "ann", **fields: Any) -> Link:
    return Link(
        **{
            "kind": Kind.USER,
            "external_id": who,
            "resource_id": f"scim-{who}",
            "name": mail(who),
            **fields,
        }
    )


def a_group_link(name: str = "Staff", **fields: Any) -> Link:
    folded = name.casefold()
    return a_link(
        **{
            "kind": Kind.GROUP,
            "external_id": f"g-{folded}",
            "resource_id": f"scim-{folded}",
            "name": name,
            **fields,
        }
    )


# ---------------------------------------------------------------------- plans and reports


def a_member(who: str = "ann", **fields: Any) -> Member:
    return Member(**{"name": mail(who), "external_id": who, "resource_id": f"scim-{who}", **fields})


def an_attribute(
    path: str = "title", before: Value = None, after: Value = "CEO"
) -> AttributeChange:
    return AttributeChange(path=path, before=before, after=after)


def a_change(action: Action = Action.PATCH, who: str = "ann", **fields: Any) -> Change:
    """A change of somebody's account; it takes or gives access as its action says."""
    resource_id = "" if action is Action.CREATE else f"scim-{who}"
    access = {
        Action.DEACTIVATE: (an_attribute("active", before=True, after=False),),
        Action.REACTIVATE: (an_attribute("active", before=False, after=True),),
        Action.DELETE: (an_attribute("active", before=True, after=None),),
        Action.CREATE: (an_attribute("userName", None, mail(who)),),
        Action.PATCH: (an_attribute(),),
    }
    return Change(
        **{
            "action": action,
            "kind": Kind.USER,
            "name": mail(who),
            "external_id": who,
            "resource_id": resource_id,
            "reason": "differs from JumpCloud",
            "step": 100,
            "attributes": access[action],
            **fields,
        }
    )


def a_group_change(action: Action = Action.PATCH, name: str = "Staff", **fields: Any) -> Change:
    folded = name.casefold()
    return a_change(
        action,
        **{
            "kind": Kind.GROUP,
            "name": name,
            "external_id": f"g-{folded}",
            "resource_id": "" if action is Action.CREATE else f"scim-{folded}",
            "attributes": (),
            **fields,
        },
    )


def a_plan(*changes: Change, **fields: Any) -> Plan:
    return Plan(**{"connection": "keepnet", "changes": changes, **fields})


def an_outcome(n: int = 1, status: Status = Status.APPLIED, **fields: Any) -> Outcome:
    return Outcome(n=n, status=status, **fields)


def a_finding(kind: FindingKind = FindingKind.CONFLICT, who: str = "ann") -> Finding:
    return Finding(kind=kind, subject=mail(who), message="is not as it should be")


def a_violation(limit: str = "deactivate.count", **fields: Any) -> Violation:
    return Violation(**{"limit": limit, "allowed": 50, "planned": 52, **fields})


def a_report(**fields: Any) -> RunReport:
    """A run that read both sides and found them in step."""
    return RunReport(
        **{
            "run_id": "20260131T120000Z-abc123",
            "connection": "keepnet",
            "mode": "full",
            "outcome": RunOutcome.IN_SYNC,
            "started_at": NOON,
            "finished_at": NOON,
            "directory_complete": True,
            "provider_complete": True,
            "plan": a_plan(),
            **fields,
        }
    )


def a_hold(digest: str = "", **fields: Any) -> HoldRecord:
    return HoldRecord(
        **{
            "id": 1,
            "connection": "keepnet",
            "run_id": "20260131T115500Z-abc122",
            "digest": digest,
            "status": HoldStatus.HELD,
            "created_at": NOON,
            "decided_at": None,
            "decided_by": "",
            "violations": (a_violation(),),
            **fields,
        }
    )
