"""``jcsync config``: check the settings, show them, describe them to an editor."""

import os
from dataclasses import asdict
from pathlib import Path

import click

from jcsync.cli.common import Options, common_options, emit_json
from jcsync.settings.load import Loaded, load_settings
from jcsync.settings.problems import Problem, SettingsProblemsError

_EXIT_SETTINGS = 2


@click.group(name="config")
@common_options
@click.pass_context
def config(ctx: click.Context, options: Options) -> None:
    """Check, show and describe the settings."""
    ctx.obj = options


@config.command()
@common_options
def validate(options: Options) -> None:
    """Read the settings and report everything that is wrong; connect to nothing."""
    try:
        loaded = _load(options)
        _check_addresses(loaded)
    except SettingsProblemsError as error:
        if not options.json:
            raise
        problems = [asdict(problem) for problem in error.problems]
        emit_json({"file": error.source, "valid": False, "problems": problems, "warnings": []})
        click.get_current_context().exit(_EXIT_SETTINGS)
    if options.json:
        warnings = list(loaded.warnings)
        emit_json({"file": loaded.label, "valid": True, "problems": [], "warnings": warnings})
        return
    names = list(loaded.settings.connections)
    noun = "connection" if len(names) == 1 else "connections"
    click.echo(f"{loaded.label}: {len(names)} {noun} ({', '.join(names)}), no problems")
    for warning in loaded.warnings:
        click.echo(f"  ! {warning}")


@config.command()
@click.option("--changed", is_flag=True, help="Only what is set, without the defaults.")
@common_options
def show(options: Options, *, changed: bool) -> None:
    """Show every setting with its origin; secrets are not shown."""
    from jcsync.settings.show import dump_settings, render_settings  # noqa: PLC0415

    loaded = _load(options)
    if options.json:
        emit_json(dump_settings(loaded, defaults=not changed))
    else:
        click.echo(render_settings(loaded, defaults=not changed))


@config.command()
@common_options
def schema(options: Options) -> None:  # noqa: ARG001 # a JSON document in any case
    """Print the JSON Schema of the settings file, for editors."""
    from jcsync.settings.schema import settings_schema  # noqa: PLC0415

    emit_json(settings_schema())


def _load(options: Options) -> Loaded:
    return load_settings(options.config, os.environ, Path.cwd())


def _check_addresses(loaded: Loaded) -> None:
    """Do nothing where Apprise knows every address.

    Raises:
        SettingsProblemsError: It does not.
    """
    from jcsync.notices import check_addresses  # noqa: PLC0415 - takes a second where there are some

    urls = [url.get_secret_value() for url in loaded.settings.notify.urls]
    line = loaded.origins.get("notify.urls", "")
    number = int(line.removeprefix("line ")) if line.startswith("line ") else None
    problems = [
        Problem(line=number, path=address, message=message)
        for address, _, message in (text.partition(": ") for text in check_addresses(urls))
    ]
    if problems:
        raise SettingsProblemsError(loaded.label, problems)
