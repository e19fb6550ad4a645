"""``init``: from nothing to a first plan."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcsync.cli.common import Options, common_options, emit_json, note
from jcsync.cli.draft import Draft
from jcsync.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT = Path("config/jcsync.yaml")
_REGIONS = ("us", "eu", "in")
_KEY = ("directory", "api_key")
_BEARER = ("provider", "token")


@click.command(short_help="Ask for what is needed, test it, and write a configuration.")
@click.option("--name", default="keepnet", show_default=True, help="Of the connection.")
@click.option("--region", type=click.Choice(_REGIONS), help="Of JumpCloud [default: us].")
@click.option(
    "--api-key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="That holds JumpCloud's API key, and is used where it is.",
)
@click.option("--org-id", metavar="ID", help="Organisation, where the key sees several.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="To provision; repeatable.")
@click.option("--profile", metavar="NAME", help="Of the platform [default: keepnet].")
@click.option("--url", metavar="URL", help="SCIM base URL of the platform.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="That holds the platform's token, and is used where it is.",
)
@click.option("--jumpcloud-url", metavar="URL", help="In place of the region's host.")
@click.option("--no-input", is_flag=True, help="Ask nothing: say what is missing.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@common_options
def init(options: Options, no_input: bool, force: bool, **given: Any) -> int:  # noqa: ANN401, FBT001 - click passes options by name
    """Ask for what is needed, test both sides, write a configuration, and show the first plan.

    Secrets are asked for without showing them, or taken from files or from the variables
    JCSYNC_CONNECTIONS__NAME__DIRECTORY__API_KEY and …__PROVIDER__TOKEN, never from the command
    line; they are written into files of their own with mode 0600. Nothing is written before both
    sides have answered, and nothing on the platform.
    """
    from jcsync.cli.questions import Interview, check_answers  # noqa: PLC0415 - not for the help

    place = options.config or Path(os.environ.get("JCSYNC_CONFIG") or _DEFAULT)
    asking = not no_input and not options.json and sys.stdin.isatty()
    draft = _draft(given, os.environ)
    _check_place(place, draft.name, force=force)
    if asking:
        Interview(draft, given).hold()
    else:
        check_answers(draft)
    files = draft.write(place)
    for file in files:
        note(f"wrote {file}", options)
    return _first_plan(place, draft, files, options)


def _draft(given: "Mapping[str, Any]", environ: "Mapping[str, str]") -> Draft:
    """Take what the command line, files and variables say."""
    from jcsync.cli.questions import check_name, known_url  # noqa: PLC0415
    from jcsync.scim.profiles import profile_names  # noqa: PLC0415

    check_name(given["name"])
    profile = given["profile"] or "keepnet"
    if profile not in profile_names():
        message = f"there is no profile {profile!r}; there are: {', '.join(profile_names())}"
        raise UsageError(message)
    draft = Draft(
        name=given["name"],
        region=given["region"] or "us",
        jumpcloud_url=given["jumpcloud_url"] or "",
        org_id=given["org_id"] or "",
        groups=tuple(given["groups"]),
        profile=profile,
        url=given["url"] or known_url(profile),
    )
    draft.api_key, draft.api_key_file = _secret(given["api_key_file"], draft.name, _KEY, environ)
    draft.token, draft.token_file = _secret(given["token_file"], draft.name, _BEARER, environ)
    return draft


def _secret(
    file: Path | None, name: str, setting: tuple[str, str], environ: "Mapping[str, str]"
) -> tuple[str, Path | None]:
    from jcsync.settings.keys import variable_name  # noqa: PLC0415
    from jcsync.settings.secret_files import read_secret, secret_problem  # noqa: PLC0415

    if file is not None:
        try:
            return read_secret(file), file.absolute()
        except ValueError as error:
            raise UsageError(str(error)) from error
    variable = variable_name(("connections", name, *setting))
    secret = environ.get(variable, "")
    if secret and (problem := secret_problem(secret)):
        message = f"{variable} {problem}"
        raise UsageError(message)
    return secret, None


def _check_place(place: Path, name: str, *, force: bool) -> None:
    """Refuse to replace anything, before anybody has answered a question in vain."""
    there = [
        path
        for path in (place, place.with_name(f"{name}.api-key"), place.with_name(f"{name}.token"))
        if path.exists()
    ]
    if there and not force:
        message = (
            f"{there[0]} is there already; nothing was written. Add a connection to it by hand, name "
            "another file with --config, or replace it with --force"
        )
        raise UsageError(message)


def _first_plan(place: Path, draft: Draft, files: list[Path], options: Options) -> int:
    """Show what the first run would do, with the configuration as it was written."""
    from jcsync.cli.common import load_and_log  # noqa: PLC0415
    from jcsync.cli.exits import plan_status  # noqa: PLC0415
    from jcsync.cli.runs import run_connection, show_reports  # noqa: PLC0415
    from jcsync.cli.stopping import stop_signals  # noqa: PLC0415
    from jcsync.pipeline import Order  # noqa: PLC0415
    from jcsync.render import reports_document  # noqa: PLC0415
    from jcsync.wiring import build_store  # noqa: PLC0415

    chosen = Options(config=place, json=options.json, quiet=options.quiet, verbose=options.verbose)
    loaded = load_and_log(chosen)
    with build_store(loaded) as store, stop_signals() as stop:
        order = Order(apply=False)
        report = run_connection(loaded, draft.name, store, order, stop=stop, options=chosen)
    if options.json:
        written = [str(file) for file in files]
        emit_json({"written": written, **reports_document([report])})
    else:
        show_reports([report], chosen, applied=False)
        config = "" if place == _DEFAULT else f" --config {place}"
        if report.error is None:
            note(f"\nThen leave it running: jcsync run{config}", options)
    return plan_status(report, exit_code=False)
