"""Settings: one YAML file, variables and secret files → plain, checked values.

    load.py          finds the file, reads all sources, reports all problems
    models.py        every key with its default and bounds; connection.py, fields.py, times.py
    sources.py       environment, file and secret files as sources of pydantic-settings
    checks.py        what no single key can tell
    builders.py      settings → the values of ``model`` that the stages use

Only ``load`` touches the world: it reads the settings file and the files of secrets.
"""

from jcsync.settings.builders import (
    Hosts,
    build_group_policy,
    build_limits,
    build_policy,
    build_rules,
    build_scope,
    hosts,
)
from jcsync.settings.connection import Connection, DirectorySettings
from jcsync.settings.load import Loaded, connection_names, find_file, load_settings
from jcsync.settings.models import Settings
from jcsync.settings.problems import Problem, SettingsProblemsError

__all__ = [
    "Connection",
    "DirectorySettings",
    "Hosts",
    "Loaded",
    "Problem",
    "Settings",
    "SettingsProblemsError",
    "build_group_policy",
    "build_limits",
    "build_policy",
    "build_rules",
    "build_scope",
    "connection_names",
    "find_file",
    "hosts",
    "load_settings",
]
