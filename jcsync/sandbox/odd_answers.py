"""Oddities of what is shown of resources; see ``odd``."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from jcsync.sandbox.odd import (
    Ask,
    Oddity,
    asked,
    held,
    is_list,
    is_resource,
    is_write,
    place,
    shown,
)
from jcsync.sandbox.platform import Resource
from jcsync.sandbox.scim_check import ScimError
from jcsync.sandbox.wsgi import Reply, Request, dump

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_OPTIONAL = ("nickName", "title", "locale", "displayName", "phoneNumbers", "members", "externalId")


def _edited(edit: Callable[[Resource], Resource]) -> Oddity:
    """Show each user and group as an edit leaves it."""

    def oddity(request: Request, ask: Ask) -> Reply:
        return shown(ask(request), lambda row: edit(row) if is_resource(row) else row)

    return oddity


# ---- users


def shows_active_as(yes: object, no: object) -> Oddity:
    """``active`` is something else than a boolean; ``None`` leaves it out."""

    def edit(row: Resource) -> Resource:
        if "active" not in row:
            return row
        value = yes if row["active"] else no
        return {**row, "active": value} if value is not None else _without(row, "active")

    return _edited(edit)


def hides(*names: str) -> Oddity:
    """Attributes are kept and not shown."""
    return _edited(lambda row: _without(row, *names))


def hides_inactive(status: int) -> Oddity:
    """Deactivated accounts are not listed, and by ``id`` this status; changing them works."""

    def oddity(request: Request, ask: Ask) -> Reply:
        if is_list(request, "Users"):
            text = request.parameter("filter")
            active = "active eq true"
            return ask(asked(request, filter=f"{text} and {active}" if text else active))
        reply = ask(request)
        if request.method != "GET" or reply.status != HTTPStatus.OK:
            return reply
        document = json.loads(reply.body)
        if (
            place(request)[0] == "Users"
            and document.get("active") is False
            and status != HTTPStatus.OK
        ):
            message = "not found"
            raise ScimError(status, message)
        return reply

    return oddity


def shows_extension(how: str) -> Oddity:
    """The enterprise extension is elsewhere.

    Args:
        how: ``flat``: its attributes stand beside the core ones; ``paths``: under their full
            names; else its URN is spelt so.
    """

    def edit(row: Resource) -> Resource:
        content = row.get(ENTERPRISE)
        if content is None:
            return row
        rest = _without(row, ENTERPRISE)
        if how == "flat":
            return {**rest, **content}
        if how == "paths":
            return {**rest, **{f"{ENTERPRISE}:{name}": value for name, value in content.items()}}
        return {**rest, how: content}

    return _edited(edit)


def normalises(request: Request, ask: Ask) -> Reply:
    """E-mail addresses are kept in lower case, phone numbers without blanks."""
    reply = ask(request)
    if is_write(request, "POST", "PUT", "PATCH") and place(request)[0] == "Users":
        return shown(reply, _normalised)
    return shown(reply, lambda row: _normalised(row) if is_resource(row) else row)


def _normalised(row: Resource) -> Resource:
    changed = dict(row)
    for name, edit in (("emails", str.lower), ("phoneNumbers", _bare)):
        if name in row:
            changed[name] = [{**v, "value": edit(v["value"])} for v in row[name] if "value" in v]
    return changed


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


# ---- groups


def shows_members_as(form: str) -> Oddity:
    """Members are texts (``bare``), references (``$ref``), or named twice (``twice``)."""

    def edit(row: Resource) -> Resource:
        if "members" not in row:
            return row
        ids = [member["value"] for member in row["members"]]
        forms: dict[str, list[Any]] = {
            "bare": list(ids),
            "$ref": [{"$ref": f"https://scim.example.com/v2/Users/{i}"} for i in ids],
            "twice": [{"value": i} for i in (*ids, *ids)],
        }
        return {**row, "members": forms[form]}

    return _edited(edit)


# ---- everything


def shows_nulls(request: Request, ask: Ask) -> Reply:
    """What is unassigned is ``null``."""

    def edit(row: Resource) -> Resource:
        name = {"middleName": None, **row.get("name", {})}
        return {**dict.fromkeys(_OPTIONAL), **row, "name": name, "roles": []}

    return _edited(edit)(request, ask)


def shows_other_case(request: Request, ask: Ask) -> Reply:
    """Names of attributes begin with capitals, in lists as well."""
    reply = ask(request)
    if not reply.body or place(request)[0] not in {"Users", "Groups"}:
        return reply
    return Reply(reply.status, dump(_capital(json.loads(reply.body))), reply.headers)


def _capital(value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _capital(part) for key, part in value.items()}
    return [_capital(part) for part in value] if isinstance(value, list) else value


def shows_no_schemas(request: Request, ask: Ask) -> Reply:
    """No answer has ``schemas`` or ``meta``."""
    reply = ask(request)
    if not reply.body or place(request)[0] not in {"Users", "Groups"}:
        return reply
    document = _without(json.loads(reply.body), "schemas", "meta")
    if "Resources" in document:
        document["Resources"] = [_without(r, "schemas", "meta") for r in document["Resources"]]
    return Reply(reply.status, dump(document), (("Content-Type", "application/json"),))


def shows_what_was(request: Request, ask: Ask) -> Reply:
    """The answer to a PATCH is the resource as it was before."""
    before = held(request, ask) if is_write(request, "PATCH") else {}
    reply = ask(request)
    return shown(reply, lambda _: before) if before else reply


def _without(row: Resource, *names: str) -> Resource:
    return {name: value for name, value in row.items() if name not in names}
