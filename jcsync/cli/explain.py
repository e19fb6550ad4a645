"""``explain``: one person through all stages."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcsync.cli.common import Options, common_options, emit_json, load_and_log
from jcsync.cli.naming import connection_argument
from jcsync.cli.stopping import stop_signals
from jcsync.cli.tables import print_lines, short_id
from jcsync.errors import UsageError
from jcsync.model.directory import DirectoryState, DirectoryUser
from jcsync.model.plan import Action, Change
from jcsync.model.resource import DesiredUser, Kind, ProviderState, UserResource
from jcsync.model.text import printable
from jcsync.pipeline import (
    Connection,
    Decision,
    decide,
    identify,
    map_directory,
    read_people,
    recall,
)
from jcsync.render import Line, request_text, value_text

if TYPE_CHECKING:
    from jcsync.settings import Connection as ConnectionSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What each stage made of one person; what there is nothing of is ``None``."""

    user: DirectoryUser | None
    groups: tuple[str, ...]
    desired: DesiredUser | None
    account: UserResource | None
    how: str
    changes: tuple[Change, ...]
    findings: tuple[str, ...]
    sources: dict[str, str]
    references: dict[str, str]
    made_up: bool = False
    body: dict[str, Any] | None = None
    why_out: str = ""


@click.command(short_help="One person through all stages.")
@connection_argument
@click.argument("who", metavar="[WHO]", required=False, default="")
@click.option(
    "--input",
    "file",
    type=click.Path(path_type=Path),
    help="Explain a made-up person from a file, without connecting to anything.",
)
@common_options
def explain(options: Options, connection: str, who: str, file: Path | None) -> int:
    """Explain what a run would do with one person, and why. Writes nothing.

    WHO is an id, username or e-mail. In its place, a file may hold a made-up person: one JSON
    object, a user as JumpCloud's API gives him, and "groups", the names of his groups; without
    it he is in all groups that are chosen.
    """
    from jcsync.wiring import build_store, chosen_names, wired  # noqa: PLC0415

    if bool(who.strip()) == (file is not None):
        message = "give either WHO or --input FILE"
        raise UsageError(message)
    loaded = load_and_log(options)
    (name,) = chosen_names(loaded, (connection,))
    if file is not None:
        _show(name, _explain_file(loaded.settings.connections[name], file), options)
        return 0
    with (
        build_store(loaded) as store,
        stop_signals() as stop,
        wired(loaded, name, store, read_only=True, stop=stop) as wire,
    ):
        wire.directory.fetch_organization()
        memory = recall(store, name)
        wanted = identify(wire, memory, who)
        state, actual = read_people(wire, memory, frozenset({wanted}))
        decision = decide(wire, map_directory(wire, state), actual, memory)
        user = state.users.get(wanted)
        explanation = explain_person(wire, state, actual, decision, wanted, user)
    _show(name, explanation, options)
    return 0


def _show(name: str, explanation: Explanation, options: Options) -> None:
    if options.json:
        emit_json(_document(name, explanation))
    else:
        print_lines(_lines(explanation, verbose=options.verbose))


def _explain_file(settings: "ConnectionSettings", file: Path) -> Explanation:
    from jcsync.cli.made_up import explain_made_up, read_person  # noqa: PLC0415

    found = explain_made_up(settings, *read_person(file))
    return Explanation(
        user=found.user,
        groups=found.groups,
        desired=found.desired,
        account=None,
        how="",
        changes=found.changes,
        findings=found.findings,
        sources=dict(found.sources),
        references={
            path: f"the account of {target}, where he has one"
            for path, target in found.targets.items()
        },
        made_up=True,
        body=found.body,
    )


def explain_person(
    connection: Connection,
    state: DirectoryState,
    actual: ProviderState,
    decision: Decision,
    wanted: str,
    user: DirectoryUser | None,
) -> Explanation:
    """Follow one person through what was read and decided.

    Args:
        connection: Its mapping tells where each value comes from.
        state: The directory.
        actual: The platform.
        decision: Restricted to the person.
        wanted: His JumpCloud id, or the id of an unmanaged account.
        user: His record in JumpCloud.
    """
    key = wanted
    pair = next((p for p in decision.users.pairs if p.desired.external_id == key), None)
    orphan = next((o for o in decision.users.orphans if o.link.external_id == key), None)
    desired = next((d for d in decision.desired if d.external_id == key), None)
    account, how = None, ""
    if pair is not None:
        account, how = pair.actual, f"by {pair.how}"
    elif orphan is not None:
        account, how = orphan.actual, "by link; its person is in none of the chosen groups"
    else:
        account = next((a for a in actual.users if key in (a.external_id, a.resource_id)), None)
        how = "not ours: jcsync neither created nor adopted it" if account else ""
    return Explanation(
        user=user,
        groups=tuple(g.name for g in state.groups if key in state.members[g.id].user_ids),
        desired=desired,
        account=account,
        how=how,
        changes=decision.plan.changes,
        findings=tuple(f.message for f in decision.findings),
        sources={rule.path: rule.source for rule in connection.rules},
        references=_references(desired, decision.desired),
        why_out=_why_out(connection, decision, key) if user and orphan else "",
    )


def _why_out(connection: Connection, decision: Decision, key: str) -> str:
    """Why somebody is in none of the chosen groups, where the settings are the reason."""
    if not decision.former:
        return ""
    found = decision.evidence.get(key) or connection.directory.fetch_evidence(key, connection.scope)
    return decision.former.why_out(found)


def _references(user: DesiredUser | None, people: Iterable[DesiredUser]) -> dict[str, str]:
    """Whose account each reference of a person means, in words."""
    if user is None or not user.references:
        return {}
    inside = {person.external_id: person.user_name for person in people if person.in_scope}
    return {
        path: f"the account of {inside[reference.target]}"
        if reference.target in inside
        else f"nobody in scope ({reference.target}): "
        + ("removed" if reference.clear else "left alone")
        for path, reference in user.references.items()
    }


def _lines(found: Explanation, *, verbose: bool) -> Iterator[Line]:
    yield from _found_lines(found)
    if found.made_up:
        yield _row("matched", "not looked for: a made-up person has no account")
    elif found.account is None:
        yield _row("matched", "no account")
    else:
        account = found.account
        identity = short_id(account.resource_id, verbose=verbose)
        yield _row(
            "matched", f"account {identity} {found.how}{_external_id(found, verbose=verbose)}"
        )
        yield _row("", f"active = {str(account.active).lower()}")
    for change in found.changes:
        for attribute in change.attributes:
            before, after = value_text(attribute.before), value_text(attribute.after)
            yield _row("difference", f"{attribute.path}  {before} → {after}")
    for finding in found.findings:
        yield _row("finding", finding)
    if not found.changes:
        yield _row("decision", "nothing to do")
    for change in found.changes:
        yield _row("decision", f"{change.action}{_group(change)}: {change.reason}")
        yield _row("would send", _call(change))
    if found.body is not None:
        for line in json.dumps(found.body, ensure_ascii=False, indent=2).splitlines():
            yield _row("", line)


def _external_id(found: Explanation, *, verbose: bool) -> str:
    """Whether the account carries our id, another one, or none."""
    theirs = found.account.external_id if found.account else ""
    if not theirs:
        return " (without externalId)"
    if found.desired is not None and theirs == found.desired.external_id:
        return " (externalId agrees)"
    return f" (externalId {short_id(theirs, verbose=verbose)})"


def _found_lines(found: Explanation) -> Iterator[Line]:
    user, desired = found.user, found.desired
    if user is None:
        yield _row("found", "not in JumpCloud")
        return
    yield _row("found", f"{user.label}, JumpCloud …{user.id[-6:]}, state {user.state}")
    if desired is None:
        yield _row("scope", f"out: {found.why_out or 'in none of the chosen groups'}")
        return
    by = f"by {', '.join(found.groups)}" if found.groups else "bound to the application"
    yield _row("scope", f"in {by}" if desired.in_scope else f"out: {desired.reason}")
    yield _row("mapped", f"access: {desired.access}, because he {desired.reason}")
    for path, value in desired.attributes.items():
        source = found.sources.get(path, "")
        yield _row("", f"{path} = {value_text(value)}", f"from {source}")
    for path, meaning in found.references.items():
        yield _row("", f"{path} = {meaning}", f"from {found.sources.get(path, '')}")
    if desired.problem:
        yield _row("", desired.problem)


def _group(change: Change) -> str:
    if change.kind is Kind.USER:
        return ""
    signs = ["added"] if change.add else []
    signs += ["removed"] if change.remove else []
    return f" group {change.name} ({', '.join(signs)})"


def _call(change: Change) -> str:
    request = request_text(change.action, change.kind, change.resource_id)
    if change.action in (Action.CREATE, Action.DELETE):
        return request
    paths = [a.path for a in change.attributes]
    paths += ["members"] if change.add or change.remove else []
    return f"{request}  {', '.join(paths)}"


def _row(label: str, text: str, note: str = "") -> Line:
    return ((f"  {label:<12}", "dim"), (printable(text), ""), (f"   {note}" if note else "", "dim"))


def _out_reason(found: Explanation) -> str | None:
    """Why somebody who exists is out of scope; ``None`` for who is in it."""
    if found.desired is not None:
        return None if found.desired.in_scope else found.desired.reason
    return found.why_out or "is in none of the chosen groups" if found.user else None


def _document(connection: str, found: Explanation) -> dict[str, Any]:
    user, desired, account = found.user, found.desired, found.account
    return {
        "connection": connection,
        "found": {
            "id": user.id,
            "username": user.username,
            "email": user.email,
            "state": user.state,
        }
        if user
        else None,
        "scope": {
            "groups": list(found.groups),
            "in_scope": desired is not None and desired.in_scope,
            "reason": _out_reason(found),
        },
        "mapped": {
            "access": desired.access,
            "reason": desired.reason,
            "problem": desired.problem or None,
            "attributes": [
                {"path": path, "value": value, "source": found.sources.get(path)}
                for path, value in desired.attributes.items()
            ],
            "references": [
                {
                    "path": path,
                    "target": reference.target,
                    "meaning": found.references[path],
                    "source": found.sources.get(path),
                }
                for path, reference in desired.references.items()
            ],
        }
        if desired
        else None,
        "matched": {
            "resource_id": account.resource_id,
            "external_id": account.external_id or None,
            "active": account.active,
            "how": found.how,
        }
        if account
        else None,
        "changes": [
            {
                "action": change.action,
                "resource": change.kind,
                "name": change.name,
                "reason": change.reason,
                "attributes": [
                    {"path": a.path, "before": a.before, "after": a.after}
                    for a in change.attributes
                ],
                "would_send": _call(change),
            }
            for change in found.changes
        ],
        "findings": list(found.findings),
        "made_up": found.made_up,
        "body": found.body,
    }
