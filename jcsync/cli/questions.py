"""The questions of ``init``: each answer is tried, and asked for again when it does not work."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import click

from jcsync.cli.common import fit_text
from jcsync.cli.draft import Draft
from jcsync.errors import JcsyncError, SettingsError, SeveralOrganizationsError, UsageError
from jcsync.jumpcloud.selection import resolve_groups
from jcsync.model.directory import DirectoryGroup
from jcsync.model.text import printable
from jcsync.pipeline import Connection
from jcsync.render import counted
from jcsync.scim.profiles import profile_names
from jcsync.settings.keys import variable_name
from jcsync.settings.secret_files import secret_problem

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_NUMBERS = re.compile(r"[\d\s,]+")
_SHOWN = 20
_URLS = {"keepnet": "https://scim-api.keepnetlabs.com/scim"}
_REGIONS = ("us", "eu", "in")


def known_url(profile: str) -> str:
    """Return the base URL of a platform that has only one, or ``""``."""
    return _URLS.get(profile, "")


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a connection.

    Raises:
        UsageError: It says what is allowed.
    """
    if not _NAME.fullmatch(name):
        message = f"{name!r} cannot be the name of a connection; use letters, digits, - and _"
        raise UsageError(message)


def check_answers(draft: Draft) -> None:
    """Test both sides with answers that are all there.

    Raises:
        UsageError: Answers are missing; all of them are named, with the ways to give them.
        JcsyncError: One side refuses, or a group is not there.
    """
    key = variable_name(("connections", draft.name, "directory", "api_key"))
    token = variable_name(("connections", draft.name, "provider", "token"))
    missing = [
        text
        for there, text in (
            (
                draft.api_key,
                f"JumpCloud's API key: --api-key-file, or {key}",
            ),
            (draft.groups, "the groups to provision: --group, repeatable"),
            (draft.url, "the platform's SCIM base URL: --url"),
            (draft.token, f"the platform's token: --token-file, or {token}"),
        )
        if not there
    ]
    if missing:
        listed = "\n".join(f"  {text}" for text in missing)
        message = (
            f"{counted(len(missing), 'answer')} missing, and nobody can be asked here:\n{listed}"
        )
        raise UsageError(message)
    _look_at_jumpcloud(draft)
    with draft.trial() as connection:
        _look_at_platform(connection)


def _look_at_jumpcloud(draft: Draft) -> tuple[DirectoryGroup, ...]:
    """Return the groups that can be chosen, after the key was accepted; check those chosen."""
    with draft.trial() as connection:
        organization = connection.directory.fetch_organization()
        draft.organization = organization.name
        groups = connection.directory.fetch_groups()
    resolve_groups(groups, draft.groups)
    return groups


def _look_at_platform(connection: Connection) -> int:
    """Return how many accounts the platform shows."""
    return len(connection.provider.fetch_state(groups=False).users)


class Interview:
    """Questions on a terminal, in the order in which they can be tried."""

    def __init__(self, draft: Draft, given: Mapping[str, Any]) -> None:
        """Ask only for what the command line does not say.

        Args:
            draft: Gets the answers.
            given: What the command line says.
        """
        self._draft = draft
        self._given = given

    def hold(self) -> None:
        """Ask until both sides answer.

        Raises:
            Abort: By Ctrl-C or the end of the input; nothing was written.
        """
        try:
            _say("Nothing is written before both sides have answered. Ctrl-C ends it.\n")
            groups = self._ask_jumpcloud()
            self._ask_groups(groups)
            self._ask_platform()
        except (click.Abort, KeyboardInterrupt):
            _say("\nnothing was written")
            raise click.Abort from None

    # ---- JumpCloud

    def _ask_jumpcloud(self) -> tuple[DirectoryGroup, ...]:
        draft = self._draft
        _say("JumpCloud", bold=True)
        if not draft.jumpcloud_url and not self._given["region"]:
            draft.region = _choose("  Region", _REGIONS, draft.region)
        while True:
            if not draft.api_key:
                _say("  An administrator's API key; a read-only role is enough.")
                draft.api_key = _ask_secret("  API key")
            try:
                groups = self._try_jumpcloud()
            except SeveralOrganizationsError as error:
                self._choose_organization(error.organizations)
            except JcsyncError as error:
                _say(f"  ✗ {error}", fg="red")
                if not draft.jumpcloud_url:
                    draft.region = _choose("  Region", _REGIONS, draft.region)
                draft.api_key, draft.api_key_file, draft.org_id = "", None, ""
            else:
                named = (
                    f", organisation {printable(draft.organization)}" if draft.organization else ""
                )
                _say(f"  ✓ key accepted{named}, {counted(len(groups), 'group')}", fg="green")
                return groups

    def _try_jumpcloud(self) -> tuple[DirectoryGroup, ...]:
        chosen, self._draft.groups = self._draft.groups, ()
        try:
            return _look_at_jumpcloud(self._draft)
        finally:
            self._draft.groups = chosen

    def _choose_organization(self, organizations: Mapping[str, str]) -> None:
        _say(f"  The key sees {len(organizations)} organisations:")
        ids = list(organizations)
        for number, key in enumerate(ids, start=1):
            _say(f"  {number:>4}  {printable(organizations[key])}  {key}")
        number = click.prompt("  Organisation", type=click.IntRange(1, len(ids)), err=True)
        self._draft.org_id = ids[number - 1]

    # ---- the groups

    def _ask_groups(self, groups: tuple[DirectoryGroup, ...]) -> None:
        draft = self._draft
        try:
            resolve_groups(groups, draft.groups)
        except SettingsError as error:
            _say(f"  ✗ {error}", fg="red")
            draft.groups = ()
        if draft.groups:
            return
        if not groups:
            message = "there is no user group in JumpCloud yet; create one, put people into it, and start again"
            raise UsageError(message)
        _say("\nGroups whose members are provisioned", bold=True)
        chosen: list[DirectoryGroup] = []
        shown = _show_groups(groups)
        while True:
            hint = "numbers, text to search" + (", Enter when done" if chosen else "")
            answer = click.prompt(
                f"  Groups ({hint})", default="", show_default=False, err=True
            ).strip()
            if not answer and chosen:
                break
            if not answer:
                shown = _show_groups(groups)
            elif _NUMBERS.fullmatch(answer):
                chosen += _picked(answer, shown, chosen)
                if chosen:
                    _say("  chosen: " + ", ".join(printable(g.name) for g in chosen))
            elif found := [g for g in groups if answer.casefold() in g.name.casefold()]:
                shown = _show_groups(found)
            else:
                _say("  no group has that in its name")
        names = [group.name for group in groups]
        draft.groups = tuple(g.name if names.count(g.name) == 1 else g.id for g in chosen)

    # ---- the platform

    def _ask_platform(self) -> None:
        draft = self._draft
        _say("\nThe platform", bold=True)
        if not self._given["profile"] and not self._given["url"]:
            draft.profile = _choose("  Profile", profile_names(), draft.profile)
            draft.url = known_url(draft.profile)
        asked = bool(self._given["url"])
        while True:
            if not asked:
                draft.url = click.prompt(
                    "  SCIM base URL", default=draft.url or None, err=True
                ).strip()
            if not draft.token:
                draft.token = _ask_secret("  Token")
            try:
                with draft.trial() as connection:
                    accounts = _look_at_platform(connection)
            except JcsyncError as error:
                _say(f"  ✗ {error}", fg="red")
                draft.token, draft.token_file, asked = "", None, False
            else:
                _say(f"  ✓ token accepted, {counted(accounts, 'account')}\n", fg="green")
                return


def _say(text: str, **style: Any) -> None:  # noqa: ANN401 - as click has it
    click.secho(fit_text(text), err=True, **style)


def _choose(text: str, choices: Iterable[str], default: str) -> str:
    chosen: str = click.prompt(text, type=click.Choice(list(choices)), default=default, err=True)
    return chosen


def _ask_secret(text: str) -> str:
    def checked(secret: str) -> str:
        if problem := secret_problem(secret):
            message = f"it {problem}"
            raise click.BadParameter(message)
        return secret

    secret: str = click.prompt(text, hide_input=True, value_proc=checked, err=True)
    return secret


def _show_groups(groups: Iterable[DirectoryGroup]) -> list[DirectoryGroup]:
    found = list(groups)
    for number, group in enumerate(found[:_SHOWN], start=1):
        dynamic = "  (dynamic)" if group.dynamic else ""
        _say(f"  {number:>4}  {printable(group.name)}{dynamic}")
    if len(found) > _SHOWN:
        _say(f"        … {len(found) - _SHOWN} more: type a part of the name")
    return found[:_SHOWN]


def _picked(
    answer: str, shown: list[DirectoryGroup], chosen: list[DirectoryGroup]
) -> list[DirectoryGroup]:
    numbers = [int(text) for text in re.findall(r"\d+", answer)]
    wrong = [number for number in numbers if not 1 <= number <= len(shown)]
    if wrong:
        _say(f"  there is no number {wrong[0]} in the list", fg="red")
        return []
    return [shown[n - 1] for n in dict.fromkeys(numbers) if shown[n - 1] not in chosen]
