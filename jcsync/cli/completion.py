"""``completion``: what a shell needs to complete commands and options."""

import click
from click.shell_completion import get_completion_class

from jcsync.cli.common import Options, common_options, emit_json
from jcsync.errors import UsageError

_VARIABLE = "_JCSYNC_COMPLETE"


@click.command(short_help="Print what bash, zsh or fish needs to complete commands.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
@click.pass_context
def completion(ctx: click.Context, options: Options, shell: str) -> int:
    """Print what a shell needs to complete commands, options and connections.

    \b
    bash   jcsync completion bash > ~/.local/share/bash-completion/completions/jcsync
    zsh    jcsync completion zsh > ~/.zfunc/_jcsync    (~/.zfunc in fpath, before compinit)
    fish   jcsync completion fish > ~/.config/fish/completions/jcsync.fish
    """  # noqa: D301 - click keeps the lines after it as they are
    found = get_completion_class(shell)
    if found is None:  # click knows all three
        message = f"{shell} is not known"
        raise UsageError(message)
    source = found(ctx.find_root().command, {}, "jcsync", _VARIABLE).source()
    # click's script for fish ends a description at its first comma.
    source = source.replace('string split ","', 'string split --max 1 ","')
    if options.json:
        emit_json({"shell": shell, "source": source})
    else:
        click.echo(source)
    return 0
