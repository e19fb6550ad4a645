"""Somebody at a terminal: the real command line, to its end, in this process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jcsync.sandbox.traffic import Recorded
from jcsync.sandbox.world import World
from tests.interop.payloads import check_payload
from tests.scenario.site import Site

_UNLIMITED = {"count": None, "percent": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one ``jcsync reconcile --json`` left behind.

    Attributes:
        status: Exit status.
        report: The one RUN of its document.
        writes: The requests that reached the platform and may have changed it, in order.
    """

    status: int
    report: dict[str, Any]
    writes: list[Recorded]


class Operator:
    """Types commands against both sides of a world."""

    def __init__(self, world: World, folder: Path, *, strict: bool = True) -> None:
        """Choose where the configuration and the store are kept.

        Args:
            world: Both sides.
            folder: Where.
            strict: Validate what is sent as what any server can bear.
        """
        self._strict = strict
        self._world = world
        self._site = Site(world, folder)
        self.configure()

    def configure(self, *groups: str, **overrides: object) -> None:
        """Write the configuration: these groups are in scope, everything is allowed.

        Args:
            groups: By name; "Keepnet Users" when there is none.
            overrides: As for ``World.config``.
        """
        names = ("deactivate", "delete", "remove_members", "delete_groups", "patch")
        settings = {
            "scope": {"groups": list(groups) or ["Keepnet Users"]},
            "groups": {"enabled": True},
            "limits": dict.fromkeys(names, _UNLIMITED),
            "log": {"level": "warning"},
        }
        self._site.configure(**{**settings, **overrides})

    def reconcile(self, *options: str) -> Run:
        """Run once and validate every payload that was sent, whatever became of it."""
        platform, directory = (
            side.faults.traffic for side in (self._world.platform, self._world.jumpcloud)
        )
        before = (platform.total, directory.total)
        ended = self._site("reconcile", "--json", *options)
        sent = [request for request in platform.log if request.number > before[0]]
        writes = [request for request in sent if request.method not in {"GET", "HEAD"}]
        assert ended.out, ended.err
        for write in writes if self._strict else ():
            check_payload(write)
        (report,) = ended.document["runs"]
        assert report["requests"] == {
            "provider": platform.total - before[0],
            "directory": directory.total - before[1],
        }
        return Run(status=ended.status, report=report, writes=writes)

    def reconcile_in_step(self) -> None:
        """Run once and demand that there was nothing to do and that nothing was written."""
        run = self.reconcile()
        assert [f"{write.method} {write.target} {write.body!r}" for write in run.writes] == []
        assert run.report["plan"]["changes"] == []
        assert (run.status, run.report["outcome"]) == (0, "in_sync")

    def reconcile_applied(self) -> Run:
        """Run once and demand that something was done, and all of it."""
        run = self.reconcile()
        failed = [outcome for outcome in run.report["outcomes"] if outcome["status"] != "applied"]
        assert failed == []
        assert (run.status, run.report["outcome"], run.report["error"]) == (0, "applied", None)
        assert run.report["complete"] == {"directory": True, "provider": True}
        return run
