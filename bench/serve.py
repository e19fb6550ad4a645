"""One side of the sandbox in a process of its own, so that its work is not the agent's.

Started by ``scene.py``. The first line it prints is ``{"url": …, "secret": …}``; each line it reads
is answered with ``{"requests": …, "writes": …, "most_at_once": …}`` since the last one; it ends at
the end of its input.
"""

import argparse
import json
import random
import secrets
import sys

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.people import generate_people
from jcsync.sandbox.platform import Platform
from jcsync.sandbox.world import DirectorySide, PlatformSide

MEMBERSHIPS = 2


def main() -> None:
    """Serve one side until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["directory", "fast", "reference"])
    parser.add_argument("--users", type=int, default=0)
    parser.add_argument("--groups", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds")
    options = parser.parse_args()

    side: DirectorySide | PlatformSide
    if options.side == "directory":
        side = DirectorySide(0)
        fill(side, options.users, options.groups)
        secret = side.api_key
    else:
        side = PlatformSide(build_platform(options.side), 0)
        secret = side.token
    side.faults.latency = options.latency / 1000
    traffic = side.faults.traffic
    traffic.keep_bodies = False
    with side.server:
        print(json.dumps({"url": side.url, "secret": secret}), flush=True)
        for _ in sys.stdin:
            counters = {
                "requests": traffic.total,
                "writes": len(traffic.writes),
                "most_at_once": traffic.max_in_flight,
            }
            traffic.clear()
            print(json.dumps(counters), flush=True)
        side.faults.release()


def fill(side: DirectorySide, users: int, groups: int) -> None:
    """Admit people with complete records, each a member of two groups."""
    people = generate_people(users, oddities=False)
    side.state.admit(people)
    chance = random.Random(1)
    members: list[list[str]] = [[] for _ in range(groups)]
    for person in people:
        for number in chance.sample(range(groups), min(MEMBERSHIPS, groups)):
            members[number].append(person.id)
    for number, ids in enumerate(members):
        side.state.create_group(f"Team {number}", ids)


def build_platform(kind: str) -> Platform:
    """Return an empty platform."""
    token = secrets.token_urlsafe()
    if kind == "fast":
        return FastPlatform(token)
    # Half a second to import, and only for those who ask for it.
    from jcsync.sandbox.reference import ReferencePlatform  # noqa: PLC0415

    return ReferencePlatform(token)


if __name__ == "__main__":
    main()
