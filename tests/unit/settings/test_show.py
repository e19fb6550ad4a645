"""``config show``: every key, its value and its origin; never a secret."""

import json
from pathlib import Path

from jcsync.settings.keys import Kind, all_keys
from jcsync.settings.show import dump_settings, render_settings
from tests.unit.settings.builders import SECRET, a_connection, load_tree

TREE = {
    "store": {"url": f"postgresql+psycopg://ann:{SECRET}@db/jcsync"},
    "connections": {
        "keepnet": a_connection(
            provider={"proxy": f"http://ann:{SECRET}@proxy:3128", "profile": "keepnet"},
            scope={
                "groups": [
                    "Users",
                    {"name": "Admins", "where": [{"attribute": "company", "in": ["A"]}]},
                ]
            },
            users={
                "attributes": {"title": None, "nickName": "username", "locale": {"value": "en"}}
            },
            limits={"deactivate": {"percent": 2.5}},
            schedule={"every": "90s"},
        )
    },
}


def test_every_key_is_shown_with_its_origin(tmp_path: Path) -> None:
    loaded = load_tree(TREE, tmp_path, {"JCSYNC_LOG__LEVEL": "debug"})

    lines = [line.split() for line in render_settings(loaded).splitlines()]
    shown = {line[0] for line in lines}
    for key in all_keys():
        path = ".".join(key.path).replace("*", "keepnet")
        if key.kind not in {Kind.SECTION, Kind.NAMED_SECTIONS} and not path.endswith("attributes"):
            assert path in shown
    assert ["log.level", "debug", "[env", "JCSYNC_LOG__LEVEL]"] in lines
    assert ["log.format", "auto", "[default]"] in lines
    rows = {line[0]: line[1:] for line in lines}
    assert rows["connections.keepnet.schedule.every"][:2] == ["1m30s", "[line"]
    assert ["connections.keepnet.schedule.jitter", "10%", "[default]"] in lines
    assert rows["connections.keepnet.limits.deactivate.percent"][:2] == ["2.5", "[line"]
    prefix = "connections.keepnet.users.attributes"
    assert rows[f"{prefix}.nickName"][:2] == ["username", "[line"]
    assert [f"{prefix}.userName", "email", "[profile", "keepnet]"] in lines


def test_secrets_are_redacted(tmp_path: Path) -> None:
    loaded = load_tree(TREE, tmp_path)

    text = render_settings(loaded) + json.dumps(dump_settings(loaded)) + repr(loaded)

    assert SECRET not in text
    assert "postgresql+psycopg://********@db/jcsync" in text
    assert "http://********@proxy:3128" in text


def test_only_what_is_set(tmp_path: Path) -> None:
    document = dump_settings(load_tree(TREE, tmp_path), defaults=False)

    assert document["settings"] == {
        "store": {"url": "postgresql+psycopg://********@db/jcsync"},
        "connections": {
            "keepnet": {
                "directory": {"api_key": "********"},
                "scope": {
                    "groups": [
                        "Users",
                        {"name": "Admins", "where": [{"attribute": "company", "in": ["A"]}]},
                    ]
                },
                "provider": {
                    "base_url": "https://scim.example.com/v2",
                    "token": "********",
                    "profile": "keepnet",
                    "proxy": "http://********@proxy:3128",
                },
                "users": {
                    "attributes": {"title": None, "nickName": "username", "locale": {"value": "en"}}
                },
                "limits": {"deactivate": {"percent": 2.5}},
                "schedule": {"every": "1m30s"},
            }
        },
    }
    assert set(document["origins"].values()) >= {"line 2"}  # type: ignore[attr-defined]
