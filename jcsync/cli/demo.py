"""``demo``: everything, against an embedded JumpCloud and an embedded SCIM platform."""

import io
import json
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcsync.cli.common import Options, common_options, emit_json
from jcsync.cli.stopping import stop_signals
from jcsync.errors import UsageError

if TYPE_CHECKING:
    from jcsync.sandbox.world import World

PEOPLE = 60
GROUPS = 5
SCOPE = "Keepnet Users"
_FOLDER = Path("jcsync-demo")
_BEAT_S = 0.2


@click.command(short_help="All of it against an embedded JumpCloud and SCIM platform.")
@click.option("--serve", is_flag=True, help="Keep both running, for commands of your own.")
@common_options
def demo(options: Options, serve: bool) -> int:  # noqa: FBT001 - click passes flags by name
    """Show the main job from beginning to end, on this computer alone.

    A JumpCloud with 60 people and a SCIM platform are started on loopback, and each command is
    shown as you would type it. Nothing is left behind.

    With --serve both keep running, and ./jcsync-demo/jcsync.yaml is a configuration for them. With
    --json the documents of all commands are one.
    """
    with _world() as world, stop_signals() as stop:
        if serve:
            config = _write_config(world, _FOLDER.absolute())
            if options.json:
                places = {"jumpcloud": world.jumpcloud.url, "platform": world.platform.url}
                emit_json({**places, "config": str(config)})
            click.echo(
                f"JumpCloud  {world.jumpcloud.url}\nPlatform   {world.platform.url}\n\n"
                f"  Both run until Ctrl-C. In another terminal:\n\n"
                f"    export JCSYNC_CONFIG={shlex.quote(str(config))}\n"
                "    jcsync check\n    jcsync plan\n    jcsync reconcile\n",
                err=options.json,
            )
            while not stop.wait(_BEAT_S):
                pass
            return 0
        with tempfile.TemporaryDirectory(prefix="jcsync-demo-") as folder:
            tour = _Tour(world, _write_config(world, Path(folder)), options)
            status = tour.walk()
            if options.json:
                emit_json({"steps": tour.steps})
            return status


@contextmanager
def _world() -> Iterator["World"]:
    try:
        from jcsync.sandbox.world import World  # noqa: PLC0415 - an extra, and slow to import

        world = World()
    except ModuleNotFoundError as error:
        message = (
            f"the demo needs {error.name}, which is not installed; install jcsync with its extra: "
            "pip install 'jcsync[demo]'"
        )
        raise UsageError(message) from error
    with world:
        world.populate(PEOPLE, GROUPS)
        world.jumpcloud.state.events.enabled = True
        yield world


def _write_config(world: "World", folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        return world.write_config(
            folder / "jcsync.yaml",
            groups={"enabled": True},
            log={"level": "error"},
            http={"enabled": True, "bind": "127.0.0.1:8642"},
        )
    except OSError as error:
        message = f"the demo's configuration cannot be written to {folder}: {error.strerror}"
        raise UsageError(message) from error


class _Tour:
    """The walk through the main job.

    Attributes:
        steps: Each command with what it printed, where that is to be JSON.
    """

    def __init__(self, world: "World", config: Path, options: Options) -> None:
        self._world = world
        self._config = config
        self._options = options
        self._surprises = 0
        self.steps: list[dict[str, Any]] = []

    def walk(self) -> int:
        """Walk through; returns 0 when every command ended as it should."""
        self._say(
            f"A JumpCloud with {PEOPLE} people and {GROUPS} groups, and an empty SCIM platform, "
            "run on this computer. The configuration asks for the group "
            f'"{SCOPE}" and its members.'
        )
        self._type("check", expect=0)
        self._say("What would a run do? A plan cannot write.")
        self._type("plan", expect=0)
        self._say("Do it.")
        self._type("reconcile", "--quiet", expect=0)
        self._say("Once more: there is nothing to do, and nothing is written.")
        self._type("reconcile", expect=0)
        self._say("Now people join, change and leave in JumpCloud:")
        self._change_people()
        self._type("plan", expect=0)
        self._type("reconcile", "--quiet", expect=0)
        self._say(
            "Nothing has changed since: a fast run asks JumpCloud one question, the platform none."
        )
        self._type("reconcile", "--fast", expect=0)
        self._say(
            f'A bad day: somebody empties the group "{SCOPE}". Everybody would lose access, '
            "so the plan is held until a person decides."
        )
        state = self._world.jumpcloud.state
        state.remove_member(SCOPE, *state.group(SCOPE).members)
        self._type("reconcile", "--quiet", expect=4)
        self._say("Nobody was locked out. The mistake is corrected, and all is in step again:")
        state.add_member(
            SCOPE, *(account["externalId"] for account in self._world.platform.accounts())
        )
        self._correct()
        self._type("reconcile", "--quiet", expect=0)
        self._type("status", expect=0)
        active = len(self._world.platform.active_names())
        self._say(
            f"The platform has {active} active accounts. "
            "Next: jcsync demo --serve, to try commands of your own; "
            "then jcsync init, for your own JumpCloud."
        )
        return 1 if self._surprises else 0

    def _change_people(self) -> None:
        state = self._world.jumpcloud.state
        active = sorted(
            (
                p
                for p in (state.users[i] for i in state.group(SCOPE).members)
                if p.state == "ACTIVATED"
            ),
            key=lambda person: person.email.lower(),
        )
        renamed, moved, suspended, left = active[0], active[1], active[2], active[3]
        self._gone = left.id
        for text, change in self._stories(renamed.id, moved.id, suspended.id, left.id):
            self._print(f"    {text}")
            change()
        self._print()

    def _stories(
        self, renamed: str, moved: str, suspended: str, left: str
    ) -> list[tuple[str, Callable[[], object]]]:
        state = self._world.jumpcloud.state
        users = state.users
        return [
            (
                "joins     ann.o'neil@example.com",
                lambda: state.hire("ann.o'neil@example.com", groups=[SCOPE], department="Sales"),
            ),
            (
                f"marries   {users[renamed].email} becomes {_married(users[renamed].email)}",
                lambda: state.rename(renamed, _married(users[renamed].email)),
            ),
            (
                f"moves     {users[moved].email} to Marketing",
                lambda: state.change(moved, department="Marketing"),
            ),
            (f"suspended {users[suspended].email}", lambda: state.suspend(suspended)),
            (
                f"leaves    {users[left].email}",
                lambda: state.remove_member(SCOPE, left),
            ),
        ]

    def _correct(self) -> None:
        """The one who had left stays out."""
        self._world.jumpcloud.state.remove_member(SCOPE, self._gone)

    def _type(self, *words: str, expect: int) -> None:
        self._print(f"$ jcsync {shlex.join(words)}", bold=True)
        began = time.monotonic()
        status, printed = self._run([*words, "--config", str(self._config)])
        self._print(f"exit status {status}, {time.monotonic() - began:.1f} s\n", dim=True)
        if self._options.json:
            command = f"jcsync {shlex.join(words)}"
            self.steps.append(
                {"command": command, "status": status, "document": json.loads(printed)}
            )
        if status != expect:
            self._surprises += 1
            self._print(f"This should have been {expect}.\n", fg="red")

    def _run(self, words: list[str]) -> tuple[int, str]:
        """Run a command; return its exit status and, where that is to be JSON, what it printed."""
        from jcsync.cli import cli  # noqa: PLC0415 - the group that this command belongs to

        out = io.StringIO()
        with redirect_stdout(out) if self._options.json else nullcontext():
            words = [*words, "--json"] if self._options.json else words
            status = cli.main(args=words, prog_name="jcsync", standalone_mode=False)
        return status if isinstance(status, int) else 0, out.getvalue()

    def _say(self, text: str) -> None:
        self._print(
            click.wrap_text(text, width=96, initial_indent="# ", subsequent_indent="# ") + "\n"
        )

    def _print(self, text: str = "", **style: Any) -> None:  # noqa: ANN401 - click's own
        click.secho(text, err=self._options.json, **style)


def _married(email: str) -> str:
    mailbox, _, domain = email.partition("@")
    return f"{mailbox}-lee@{domain}"
