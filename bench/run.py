"""How long a run takes, what it costs, and how far that is from the least possible.

    make bench                                            all of SERIES, a table for each
    make bench ARGS="--users 1000 --latency 0 --repeat 3"
    make bench ARGS="--users 200 --platform reference --json"

For each number of users and latency: a first run, which creates everybody and every group, then a
run that finds nothing to do. Seeded: a plan of the first run; then the platform holds what it would
have created, one person in four groups of 400, and runs link all of it, and find nothing to do.
Peers: plain scripts do the same as far as they go. JumpCloud, the platform and jcsync are three processes on this
computer; only jcsync is measured, from the start of its process to the end.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace

from scene import CONCURRENCY, Cost, Size, open_scene

REQUEST_MS = 0.8
"""What a request costs one process with requests, at least; threads do not change that."""
SERIES = (
    "--users 1000 10000 --latency 0 20",
    "--users 10000 --latency 0 --platform bulk",
    "--users 50000 --latency 0 --groups 1",
    "--users 1000 10000 100000 --latency 0 --seeded",
    "--users 1000 --latency 0 20 --peers requests scim2-client",
)
"""What is measured where nothing else is asked for."""
MANY = 1000
GROUPS = {False: 50, True: 100}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = _parser()
    machine = _machine()
    if len(sys.argv) > 1:
        options = parser.parse_args()
        rows = list(_rows(options))
        if options.json:
            print(json.dumps({"machine": machine, "rows": rows}, indent=2))
            return
    else:
        for arguments in SERIES:
            print(f"\n{arguments}\n", flush=True)
            list(_rows(parser.parse_args(arguments.split())))
    print(f"\n{machine}; concurrency {CONCURRENCY}.")


def _rows(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Measure what is asked for, and print a line of the table as soon as it is known."""
    if not options.json:
        _print_header()
    for users, latency in itertools.product(options.users, options.latency):
        size = _size(options, users, latency)
        measured = [_measure(size, options.peers) for _ in range(options.repeat)]
        for name in measured[0]:
            row = _row(size, name, _median([costs[name] for costs in measured]))
            if not options.json:
                _print_row(row)
            yield row


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measure initial and no-change runs of jcsync."
    )
    parser.add_argument("--users", type=int, nargs="+", default=[1000, 10_000], metavar="N")
    parser.add_argument(
        "--groups",
        type=int,
        help="default: 50 up to 1,000 users, then 100; seeded, one for 100 users",
    )
    parser.add_argument(
        "--latency", type=float, nargs="+", default=[0, 20], metavar="MS", help="of each request"
    )
    parser.add_argument(
        "--platform",
        choices=["fast", "bulk", "reference"],
        default="fast",
        help="bulk takes 100 accounts a request; reference is scim2-server: its answers take longer "
        "the more accounts it holds",
    )
    parser.add_argument(
        "--seeded",
        action="store_true",
        help="the platform holds everybody already: for large worlds; four groups a person",
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        choices=["requests", "scim2-client"],
        default=[],
        help="do the same by plain scripts",
    )
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="take the median of N")
    parser.add_argument("--json", action="store_true", help="one JSON document in place of a table")
    return parser


def _size(options: argparse.Namespace, users: int, latency: float) -> Size:
    usual = users // 100 if options.seeded else GROUPS[users > MANY]
    return Size(
        users=users,
        groups=options.groups or usual,
        latency_ms=latency,
        platform=options.platform,
        memberships=4 if options.seeded else 2,
        seeded=options.seeded,
    )


def _measure(size: Size, peers: list[str]) -> dict[str, Cost]:
    costs: dict[str, Cost] = {}
    if size.seeded:
        with open_scene(replace(size, seeded=False)) as scene:
            costs["initial plan"] = scene.run("planned", "plan")
        with open_scene(size) as scene:
            costs["linking"] = scene.run("in_sync")
            costs["no change"] = scene.run("in_sync")
        return costs
    with open_scene(size) as scene:
        costs["initial"] = scene.run("applied")
        costs["no change"] = scene.run("in_sync")
    for peer in peers:
        with open_scene(size) as scene:
            costs[f"{peer}, initial"] = scene.run_plain(peer)
            costs[f"{peer}, no change"] = scene.run_plain(peer)
    return costs


def _median(costs: list[Cost]) -> Cost:
    names = asdict(costs[0])
    values = {name: statistics.median(asdict(cost)[name] for cost in costs) for name in names}
    return Cost(**{n: v if n.endswith(("_s", "_mb")) else int(v) for n, v in values.items()})


def _row(size: Size, name: str, cost: Cost) -> dict[str, object]:
    limit = limit_s(cost, size.latency_ms)
    return {
        "users": size.users,
        "groups": size.groups,
        "latency_ms": size.latency_ms,
        "run": name,
        **asdict(cost),
        "user_ms": cost.cpu_s / size.users * 1000,
        "limit_s": limit,
        "ratio": cost.wall_s / limit,
    }


def limit_s(cost: Cost, latency_ms: float) -> float:
    """Return the least time that so many requests can take.

    The two sides wait side by side, each for its latency with so many requests at once; and one
    process sends all of them.
    """
    waiting = max(cost.directory_requests, cost.provider_requests) * latency_ms / CONCURRENCY
    sending = (cost.directory_requests + cost.provider_requests) * REQUEST_MS
    return max(waiting, sending) / 1000


_COLUMNS = (
    ("users", "users", "{:,}"),
    ("groups", "groups", "{}"),
    ("latency_ms", "ms", "{:g}"),
    ("run", "run", "{}"),
    ("wall_s", "wall s", "{:.2f}"),
    ("cpu_s", "CPU s", "{:.2f}"),
    ("user_ms", "ms/user", "{:.2f}"),
    ("memory_mb", "peak MB", "{:.0f}"),
    ("directory_requests", "JumpCloud", "{:,}"),
    ("provider_requests", "platform", "{:,}"),
    ("writes", "writes", "{:,}"),
    ("limit_s", "limit s", "{:.2f}"),
    ("ratio", "ratio", "{:.1f}"),
)


def _print_header() -> None:
    print(f"| {' | '.join(f'{title:>9}' for _, title, _ in _COLUMNS)} |")
    print(f"|{'|'.join('-' * 10 + ':' for _ in _COLUMNS)}|", flush=True)


def _print_row(row: dict[str, object]) -> None:
    cells = (form.format(row[name]) for name, _, form in _COLUMNS)
    print(f"| {' | '.join(f'{cell:>9}' for cell in cells)} |", flush=True)


def _machine() -> str:
    """Describe it, with the load that others put on it: above 0.5 the seconds tell little."""
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before, {platform.system()}, {python}"


if __name__ == "__main__":
    main()
