"""Settings as an operator writes them: a test names only what it cares about."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from jcsync.settings import Connection, Loaded, SettingsProblemsError, load_settings

SECRET = "s3cr3t-Zx9Qw7"  # of nobody
"""In every secret of the tests; it may never be seen in a message."""

Tree = dict[str, object]


def a_connection(**sections: object) -> Tree:
    """A connection that has what it needs, with sections merged over it."""
    tree: Tree = {
        "directory": {"api_key": SECRET},
        "scope": {"groups": ["Keepnet Users"]},
        "provider": {"base_url": "https://scim.example.com/v2", "token": SECRET},
    }
    for name, section in sections.items():
        own = tree.get(name)
        merge = isinstance(own, dict) and isinstance(section, dict)
        tree[name] = {**own, **section} if merge else section  # type: ignore[dict-item]
    return tree


def load_tree(tree: object, folder: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Write a tree as YAML and load it."""
    return load_text(yaml.safe_dump(tree, sort_keys=False), folder, environ)


def load_text(text: str, folder: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Write the settings file and load it."""
    path = folder / "jcsync.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, {"HOME": "/home/ann", **(environ or {})}, folder)


def load_connection(folder: Path, **sections: object) -> Connection:
    """Load one connection with these sections."""
    loaded = load_tree({"connections": {"keepnet": a_connection(**sections)}}, folder)
    return loaded.settings.connections["keepnet"]


def problems_of(
    tree: object, folder: Path, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Message by path of everything that is wrong with a tree; paths inside ``keepnet`` short."""
    try:
        load_tree(tree, folder, environ)
    except SettingsProblemsError as caught:
        error = caught
    else:
        return {}
    assert SECRET not in str(error)
    return {p.path.removeprefix("connections.keepnet."): p.message for p in error.problems}


def connection_problems(folder: Path, **sections: object) -> dict[str, str]:
    """Message by path of everything that is wrong with one connection."""
    return problems_of({"connections": {"keepnet": a_connection(**sections)}}, folder)
