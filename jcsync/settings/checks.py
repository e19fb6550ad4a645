"""What no single key can tell: keys that need, exclude or contradict one another.

The checks look at the merged values before they are validated, so that one mistyped key does not
hide what else is wrong. A value of a wrong type is passed over: the models report it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from jcsync.model.text import did_you_mean
from jcsync.settings.addresses import check_store_url, expand_store_url, is_plain_http_abroad
from jcsync.settings.document import Fraction, Whole, written
from jcsync.settings.keys import NAME, child_names, variable_name
from jcsync.settings.paths import check_paths
from jcsync.settings.problems import KeyPath, shorten
from jcsync.settings.secret_files import secret_problem
from jcsync.settings.sources import ALTERNATIVES, SECRET_FILES, mapping
from jcsync.settings.times import cron_meets_window, parse_cron

Finding = tuple[KeyPath, str]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_URLS: Final = (
    ("directory", "base_url"),
    ("directory", "insights_url"),
    ("directory", "token_url"),
    ("provider", "base_url"),
)
_HTTP: Final = "http is allowed to this computer only; use https, or set allow_insecure: true"


def check_tree(tree: Mapping[str, Any], environ: Mapping[str, str], cwd: Path) -> Iterator[Finding]:
    """Yield path and message of everything that does not fit together."""
    yield from _check_store(mapping(tree.get("store")), environ, cwd)
    connections = mapping(tree.get("connections"))
    if not connections:
        yield ("connections",), "missing: at least one connection is needed; jcsync init writes one"
    yield from _check_names(connections)
    for name, value in connections.items():
        if is_misplaced(str(name), value):
            message = "is a key of a connection: indent it below the one that it belongs to"
            yield ("connections", name), message
        elif value is None or isinstance(value, dict):
            for path, message in check_connection(str(name), mapping(value)):
                yield ("connections", name, *path), message


def is_misplaced(name: str, value: object) -> bool:
    """Tell whether what looks like a connection is a part of one, at the wrong depth."""
    whole = {"directory", "scope", "provider"} & mapping(value).keys()
    return not whole and name in child_names(("connections", NAME))


def check_connection(name: str, connection: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield path, from the connection on, and message of everything that does not fit together."""
    yield from _check_alternatives(connection)
    yield from _check_secrets(connection)
    yield from _check_credentials(name, mapping(connection.get("directory")))
    yield from _check_token(name, mapping(connection.get("provider")))
    yield from _check_urls(connection)
    yield from _check_scope(mapping(connection.get("scope")))
    yield from _check_schedule(mapping(connection.get("schedule")))
    attributes = mapping(mapping(connection.get("users")).get("attributes"))
    yield from _check_profile(mapping(connection.get("provider")), attributes)


def _check_store(
    store: Mapping[str, Any], environ: Mapping[str, str], cwd: Path
) -> Iterator[Finding]:
    url = store.get("url")
    if url is not None and not isinstance(url, str):
        return
    try:
        expand_store_url(
            check_store_url(url or "sqlite:///$XDG_STATE_HOME/jcsync.db"), environ, cwd
        )
    except ValueError as error:
        yield ("store", "url"), str(error)


def _check_names(connections: Mapping[str, Any]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in connections:
        if not _NAME.fullmatch(name):
            message = (
                "a name consists of A to Z, a to z, 0 to 9, - and _, and begins with none of the last "
                "two"
            )
            yield ("connections", name), message
        same = seen.setdefault(name.casefold().replace("-", "_"), name)
        if same != name:
            message = f"is the same name as {same} (- and _, capitals and small letters are alike)"
            yield ("connections", name), message


def _check_alternatives(connection: Mapping[str, Any]) -> Iterator[Finding]:
    for section, first, second in ALTERNATIVES:
        values = mapping(connection.get(section))
        if values.get(first) is not None and values.get(second) is not None:
            yield (section, second), f"excludes {first}; give one of the two"


def _check_secrets(connection: Mapping[str, Any]) -> Iterator[Finding]:
    for section, key in SECRET_FILES:
        secret = mapping(connection.get(section)).get(key)
        if isinstance(secret, Whole | Fraction | bool):
            yield (section, key), "must be a text; put it in quotes"
        if isinstance(secret, str) and (message := secret_problem(secret)):
            yield (section, key), message


def _given(section: Mapping[str, Any], key: str) -> bool:
    return section.get(key) is not None or section.get(f"{key}_file") is not None


def _check_credentials(name: str, directory: Mapping[str, Any]) -> Iterator[Finding]:
    key, secret = _given(directory, "api_key"), _given(directory, "client_secret")
    client = directory.get("client_id") is not None
    variable = variable_name(("connections", name, "directory", "api_key"))
    if key and (client or secret):
        extra = "client_id" if client else "client_secret"
        yield ("directory", extra), "excludes api_key; give a key or a service account, not both"
    elif not key and not client and not secret:
        message = f"missing: set api_key_file, or {variable}, or client_id of a service account"
        yield ("directory", "api_key"), message
    elif client and not secret:
        variable = variable_name(("connections", name, "directory", "client_secret"))
        message = f"missing: set client_secret_file, or {variable}"
        yield ("directory", "client_secret"), message
    elif secret and not client:
        yield ("directory", "client_id"), "missing: the client id that belongs to client_secret"


def _check_token(name: str, provider: Mapping[str, Any]) -> Iterator[Finding]:
    if not _given(provider, "token"):
        variable = variable_name(("connections", name, "provider", "token"))
        yield ("provider", "token"), f"missing: set token_file, or {variable}"


def _check_urls(connection: Mapping[str, Any]) -> Iterator[Finding]:
    if connection.get("allow_insecure") in (True, "true"):
        return
    for section, key in _URLS:
        url = mapping(connection.get(section)).get(key)
        if isinstance(url, str) and is_plain_http_abroad(url):
            yield (section, key), _HTTP


def _check_scope(scope: Mapping[str, Any]) -> Iterator[Finding]:
    if not scope.get("groups") and not scope.get("application"):
        near = [key for key in scope if did_you_mean(key, ["groups", "application"])]
        if not set(near) - {"groups", "application"}:
            message = "missing: name the groups to provision, or an application; see jcsync groups"
            yield ("scope", "groups"), message


def _check_schedule(schedule: Mapping[str, Any]) -> Iterator[Finding]:
    if "every" in schedule and schedule["every"] is None and schedule.get("cron") is None:
        yield ("schedule", "every"), "must be a duration such as 5m unless cron is given"
    cron, window = schedule.get("cron"), schedule.get("window")
    try:
        parse_cron(str(cron))
        never = not cron_meets_window(str(cron), str(window))
    except ValueError:
        return  # one of them is missing, or wrong: the models say so
    if never:
        message = f"no start of cron ({cron}) lies in it: nothing would ever run"
        yield ("schedule", "window"), message


def _check_profile(provider: Mapping[str, Any], attributes: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the profile, and with the mapping that goes over its own."""
    from jcsync.scim.profiles import load_profile, profile_names  # noqa: PLC0415 # reads files

    name, quirks = written(provider.get("profile", "rfc")), provider.get("quirks") or {}
    if not isinstance(name, str):
        name = ""  # the models report it
    names = profile_names()
    known = name in names
    defaults = load_profile(name).attributes if known else {}
    for key, message in check_paths(attributes, defaults):
        yield ("users", "attributes", key), message
    if known and isinstance(quirks, dict):
        try:
            load_profile(name, quirks)
        except ValueError as error:
            yield ("provider", "quirks"), str(error)
    if name and not known:
        hint = did_you_mean(name, names) or f"; is {shorten(name)}"
        yield ("provider", "profile"), f"must be one of {', '.join(names)}{hint}"
    if known and "username" not in {key.casefold() for key in (*defaults, *attributes)}:
        message = f"missing: the profile {name} maps no userName; name a field for it"
        yield ("users", "attributes", "userName"), message
