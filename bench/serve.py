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

from jcsync.jumpcloud.wire import UserParser
from jcsync.model.path import parse_path
from jcsync.model.rules import Policy, Scope
from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.people import FIRST_HIRED, Person, generate_people, object_id
from jcsync.sandbox.platform import Platform
from jcsync.sandbox.records import user_record
from jcsync.sandbox.world import DirectorySide, PlatformSide
from jcsync.scim.profiles import load_profile
from jcsync.scim.wire import dump_group, dump_user
from jcsync.settings import Connection, build_rules
from jcsync.stages.mapping import map_user


def main() -> None:
    """Serve one side until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["directory", "fast", "bulk", "reference"])
    parser.add_argument("--users", type=int, default=0)
    parser.add_argument("--groups", type=int, default=0)
    parser.add_argument("--memberships", type=int, default=2, help="groups of each person")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds")
    options = parser.parse_args()

    side: DirectorySide | PlatformSide
    if options.side == "directory":
        side = DirectorySide(0)
        fill_directory(side, options.users, options.groups, options.memberships)
        secret = side.api_key
    else:
        platform = build_platform(options.side)
        fill_platform(platform, options.users, options.groups, options.memberships)
        side = PlatformSide(platform, 0)
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


OPERATIONS = 100
"""Of one bulk request, at the most."""

Team = tuple[str, str, list[int]]
"""Id, name and numbers of the members."""


def make_company(users: int, groups: int, memberships: int) -> tuple[list[Person], list[Team]]:
    """Return people with complete records, and groups: the same ones in every process."""
    people = generate_people(users, oddities=False)
    chance = random.Random(1)
    members: list[list[int]] = [[] for _ in range(groups)]
    for person in range(users):
        for number in chance.sample(range(groups), min(memberships, groups)):
            members[number].append(person)
    teams = [
        (object_id(FIRST_HIRED, number), f"Team {number}", ids)
        for number, ids in enumerate(members)
    ]
    return people, teams


def fill_directory(side: DirectorySide, users: int, groups: int, memberships: int) -> None:
    """Admit everybody, and make the groups."""
    people, teams = make_company(users, groups, memberships)
    side.state.admit(people)
    for identity, name, members in teams:
        side.state.create_group(name, [people[number].id for number in members], id=identity)


def fill_platform(platform: Platform, users: int, groups: int, memberships: int) -> None:
    """Create the accounts and groups that a first run would create."""
    people, teams = make_company(users, groups, memberships)
    connection = Connection.model_validate({"provider": {"base_url": "http://localhost"}})
    rules = build_rules(connection, load_profile(connection.provider.profile).attributes)
    parse, accounts = UserParser(), []
    for person in people:
        user = parse(user_record(person, ""))
        desired = map_user(user, Scope(), Policy(), rules)
        values = {**desired.initial, **desired.attributes}
        body = dump_user(user.id, [(parse_path(path), value) for path, value in values.items()])
        accounts.append(platform.add_by_hand(**body))
    for identity, name, members in teams:
        ids = [accounts[number] for number in members]
        platform.add_by_hand(**dump_group(identity, name, ids))


def build_platform(kind: str) -> Platform:
    """Return an empty platform."""
    token = secrets.token_urlsafe()
    if kind in {"fast", "bulk"}:
        return FastPlatform(token, bulk=OPERATIONS if kind == "bulk" else 0)
    # Half a second to import, and only for those who ask for it.
    from jcsync.sandbox.reference import ReferencePlatform  # noqa: PLC0415

    return ReferencePlatform(token)


if __name__ == "__main__":
    main()
