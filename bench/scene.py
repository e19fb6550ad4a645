"""Both sides in processes of their own, and runs of the real command line between them."""

import compileall
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CONCURRENCY = 8
SIDES = ("directory", "provider")


class MeasurementError(Exception):
    """A run did not do what it is measured for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is to do.

    Attributes:
        groups: All of them in scope.
        memberships: In how many of them each person is.
        seeded: The platform holds all of it before the first run; otherwise it is empty.
        latency_ms: What each request waits, on both sides.
        platform: ``fast``, ``bulk`` or ``reference``.
    """

    users: int
    groups: int
    latency_ms: float
    platform: str
    memberships: int = 2
    seeded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run cost.

    Attributes:
        cpu_s: User and system time of the jcsync process alone.
        memory_mb: Peak of its resident memory.
        directory_requests: As the report says and the server has counted.
        provider_requests: Likewise.
        writes: Of them, those that may change something.
    """

    wall_s: float
    cpu_s: float
    memory_mb: float
    directory_requests: int
    provider_requests: int
    writes: int


class Scene:
    """A directory, an empty platform and a configuration that joins them."""

    def __init__(self, size: Size, folder: Path, sides: dict[str, "subprocess.Popen[str]"]) -> None:
        """Take the two servers, which are starting."""
        self._folder = folder
        self._sides = sides
        self.config = folder / "jcsync.json.yaml"
        # JSON is YAML, and spares the benchmark a dependency.
        self.config.write_text(json.dumps(self._document(size)), encoding="utf-8")
        self.config.chmod(0o600)

    def _document(self, size: Size) -> dict[str, object]:
        directory, provider = (json.loads(_line(self._sides[side])) for side in SIDES)
        self._ends = [s[name] for s in (directory, provider) for name in ("url", "secret")]
        connection = {
            "directory": {
                "base_url": directory["url"],
                "api_key": directory["secret"],
                "requests_per_second": 1000,
                "concurrency": CONCURRENCY,
            },
            "scope": {"groups": [f"Team {number}" for number in range(size.groups)]},
            "provider": {
                "base_url": provider["url"],
                "token": provider["secret"],
                "concurrency": CONCURRENCY,
                "quirks": {"bulk": True} if size.platform == "bulk" else {},
            },
            "groups": {"enabled": True},
        }
        return {
            "store": {"url": f"sqlite:///{self._folder / 'jcsync.db'}"},
            "log": {"level": "warning"},
            "connections": {"bench": connection},
        }

    def run(self, expected: str, command: str = "reconcile") -> Cost:
        """Reconcile or plan once and return what it cost.

        Raises:
            MeasurementError: Its outcome was another than expected, or its report counts other
                requests than the servers.
        """
        output = self._folder / "report.json"
        measured = self._measure(output, "-m", "jcsync", command, "--json")
        (report,) = json.loads(output.read_text(encoding="utf-8"))["runs"]
        cost = self._cost(measured)
        requests = {"directory": cost.directory_requests, "provider": cost.provider_requests}
        if (report["outcome"], report["requests"]) != (expected, requests):
            message = f"{report['outcome']} with {report['requests']}; the servers saw {requests}"
            raise MeasurementError(message)
        return cost

    def run_plain(self, way: str) -> Cost:
        """Do the same once by a plain script, and return what it cost.

        Args:
            way: ``requests`` or ``scim2-client``.

        Raises:
            MeasurementError: It failed.
        """
        return self._cost(self._measure(Path(os.devnull), str(HERE / "plain.py"), way, *self._ends))

    def _measure(self, output: Path, *arguments: str) -> dict[str, Any]:
        self._counters()
        command = [sys.executable, str(HERE / "measure.py"), str(output), sys.executable]
        environ = {**os.environ, "JCSYNC_CONFIG": str(self.config)}
        ran = subprocess.run(
            [*command, *arguments], env=environ, stdout=subprocess.PIPE, check=True
        )
        measured: dict[str, Any] = json.loads(ran.stdout)
        if measured.pop("status"):
            message = f"{arguments[1]} failed: {output.read_text(encoding='utf-8')[-2000:]}"
            raise MeasurementError(message)
        return measured

    def _cost(self, measured: dict[str, Any]) -> Cost:
        counted = self._counters()
        return Cost(
            **measured,
            directory_requests=counted["directory"]["requests"],
            provider_requests=counted["provider"]["requests"],
            writes=counted["provider"]["writes"],
        )

    def _counters(self) -> dict[str, dict[str, Any]]:
        found = {}
        for side, process in self._sides.items():
            if process.stdin is not None:
                process.stdin.write("\n")
                process.stdin.flush()
            found[side] = json.loads(_line(process))
        return found


@contextmanager
def open_scene(size: Size) -> Iterator[Scene]:
    """Start both sides, and end them afterwards."""
    # As an installation has it, also where PYTHONDONTWRITEBYTECODE is set.
    compileall.compile_dir(HERE.parent / "jcsync", quiet=1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jcsync-bench-")))
        latency = ["--latency", str(size.latency_ms)]
        company = [f"--{name}={getattr(size, name)}" for name in ("users", "groups", "memberships")]
        arguments = {
            "directory": ["directory", *company],
            "provider": [size.platform, *(company if size.seeded else ())],
        }
        sides = {
            side: stack.enter_context(
                subprocess.Popen(
                    [sys.executable, str(HERE / "serve.py"), *arguments[side], *latency],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for side in SIDES
        }
        yield Scene(size, folder, sides)


def _line(process: "subprocess.Popen[str]") -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        message = "a server of the sandbox has ended; its own words are above"
        raise MeasurementError(message)
    return line
