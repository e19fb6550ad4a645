"""Both sides together, and the servers they run in."""

import socket
import stat
import threading
from pathlib import Path

import pytest
import yaml

from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.reference import ReferencePlatform
from jcsync.sandbox.serving import Server
from jcsync.sandbox.world import World
from tests.unit.sandbox.client import Client


def test_world_has_a_platform_of_reference_quality() -> None:
    """Unless another one is asked for."""
    with World() as world:
        world.populate()
    assert type(world.platform.state) is ReferencePlatform


def test_populated_world(world: World) -> None:
    """Sixty people, five groups, and an application that most of them are bound to."""
    world.populate()
    state = world.jumpcloud.state
    chosen = state.group("Keepnet Users")

    assert (len(state.users), len(state.groups)) == (60, 5)
    assert {group.name for group in state.groups.values()} >= {"Łódź Office", "Admins (all)"}
    assert 30 < len(chosen.members) < 55
    assert list(state.application("Keepnet").groups) == [chosen.id]


def test_populated_worlds_are_alike() -> None:
    """The same seed gives the same people in the same groups."""

    def memberships(seed: int) -> list[tuple[str, list[str]]]:
        world = World(platform=FastPlatform("t"))
        world.populate(30, 12, seed=seed)
        world.__exit__(None, None, None)
        return [(g.name, list(g.members)) for g in world.jumpcloud.state.groups.values()]

    assert memberships(5) == memberships(5)
    assert memberships(5) != memberships(6)


def test_config_joins_both_sides(world: World, tmp_path: Path) -> None:
    """As a document, and as a file that only its owner can read."""
    document = world.config(policy={"on_leave": "delete"}, directory={"page_size": 7})
    connection = document["connections"]["demo"]
    path = world.write_config(tmp_path / "jcsync.yaml", log={"level": "debug"})
    written = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert connection["directory"]["base_url"] == world.jumpcloud.url
    assert connection["directory"]["page_size"] == 7
    assert connection["provider"]["token"] == world.platform.token
    assert connection["policy"] == {"on_leave": "delete"}
    assert written["connections"]["demo"]["scope"] == {"groups": ["Keepnet Users"]}
    assert written["store"]["url"] == f"sqlite:///{tmp_path}/jcsync.db"
    assert written["log"] == {"level": "debug"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_accounts_are_found_by_name(world: World) -> None:
    """Whatever the case; active ones as a set."""
    state = world.platform.state
    state.add_by_hand(userName="Ann", active=True)
    state.add_by_hand(userName="bob", active=False)
    state.add_by_hand(displayName="Team")

    assert world.platform.account("ANN")["active"] is True
    assert world.platform.active_names() == {"Ann"}
    assert world.platform.groups()[0]["displayName"] == "Team"
    with pytest.raises(KeyError):
        world.platform.account("nobody")


def test_world_is_served_until_stopped(world: World) -> None:
    """As the demo does."""
    thread = threading.Thread(target=world.serve_forever)
    thread.start()
    assert world.jumpcloud.token_url.endswith("/oauth2/token")
    world.stop()
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_servers_leave_nothing_behind() -> None:
    """Neither threads nor open ports, also with connections still open."""
    before = threading.active_count()
    for _ in range(5):
        with World(platform=FastPlatform("t")) as world, Client(world.jumpcloud.url) as client:
            client.get("/login")
            world.__exit__(None, None, None)
            with pytest.raises(OSError, match="refused"):
                socket.create_connection(("127.0.0.1", world.jumpcloud.server.port), timeout=1)
    assert threading.active_count() == before


def test_server_that_never_started_can_stop() -> None:
    """And stopping twice does nothing."""
    server = Server(FastPlatform("t"))
    server.stop()
    server.stop()
    with Server(FastPlatform("t"), port=server.port) as second:
        assert second.port == server.port


def test_connection_survives_an_empty_answer(world: World, platform: Client) -> None:
    """A 204 does not cost a new connection, unless the client wants none."""
    with socket.create_connection(("127.0.0.1", world.platform.server.port)) as connection:
        for _ in range(2):
            user = world.platform.state.add_by_hand(userName="ann")
            request = (
                f"DELETE /scim/v2/Users/{user} HTTP/1.1\r\nHost: x\r\n"
                "Authorization: Bearer scim-token\r\n\r\n"
            )
            connection.sendall(request.encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 204")
    answer = platform.delete(
        f"/Users/{world.platform.state.add_by_hand(userName='bob')}",
        headers={"Connection": "close"},
    )
    assert answer.headers["Connection"] == "close"
