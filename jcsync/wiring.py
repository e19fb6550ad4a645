"""Settings → adapters → what a run works with: the one module that knows all the others."""

import getpass
import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from ssl import SSLError

from pydantic import Secret

from jcsync import __version__
from jcsync.clock import SystemClock
from jcsync.errors import SettingsError, UsageError
from jcsync.jumpcloud.auth import ApiKey, Credentials, ServiceAccount
from jcsync.jumpcloud.client import JumpCloud
from jcsync.jumpcloud.insights import Insights
from jcsync.model.history import RATES, Memo
from jcsync.model.rules import needed_fields
from jcsync.model.text import did_you_mean
from jcsync.notices import Notices
from jcsync.pipeline import Connection
from jcsync.ports import Clock, Store
from jcsync.scim.client import ScimProvider, provider_headers
from jcsync.scim.profiles import load_profile
from jcsync.settings import Connection as ConnectionSettings
from jcsync.settings import (
    Loaded,
    build_group_policy,
    build_limits,
    build_policy,
    build_rules,
    build_scope,
    hosts,
    load_settings,
)
from jcsync.store import SqlStore, open_store
from jcsync.tracing import start_tracing
from jcsync.transport import Endpoint, RetryPolicy, Transport

QUICK = RetryPolicy(attempts=2, connect_attempts=2, budget_s=20, longest_wait_s=2)
"""For a person who waits for an answer, as in ``check``."""

_RATES_HOLD = timedelta(days=1)

HINT = RetryPolicy(attempts=2, connect_attempts=1, budget_s=20, longest_wait_s=2)
"""For what a run can do without."""


def load(path: Path | None) -> Loaded:
    """Read the settings of this process.

    Raises:
        SettingsError: With all that is wrong.
    """
    try:
        folder = Path.cwd()
    except FileNotFoundError as error:
        message = "the working directory was deleted; change to another one"
        raise SettingsError(message) from error
    return load_settings(path, os.environ, folder)


def chosen_names(loaded: Loaded, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the connections to work on, in the order of the settings: all that are enabled.

    Raises:
        UsageError: One of the names is no connection.
    """
    connections = loaded.settings.connections
    unknown = [name for name in names if name not in connections]
    if unknown:
        near = did_you_mean(unknown[0], connections)
        message = (
            f"no connection is called {unknown[0]!r}{near}; there are: {', '.join(connections)}"
        )
        raise UsageError(message)
    if names:
        return tuple(name for name in connections if name in names)
    return tuple(name for name, connection in connections.items() if connection.enabled)


def build_notices(loaded: Loaded, store: Store) -> Notices:
    """Return who tells people what runs did."""
    return Notices(loaded.settings.notify, store, SystemClock())


def build_store(loaded: Loaded, clock: Clock | None = None) -> SqlStore:
    """Open the store of the settings.

    Raises:
        StoreError: It cannot be opened.
    """
    return open_store(loaded.settings.store.url.get_secret_value(), clock or SystemClock())


def secrets_of(loaded: Loaded) -> tuple[str, ...]:
    """Return every secret of the settings, for redaction."""
    connections = loaded.settings.connections.values()
    found = [
        (c.directory.api_key, c.directory.client_secret, c.provider.token) for c in connections
    ]
    notify = loaded.settings.notify
    given = [*(s for secrets in found for s in secrets), *notify.urls, notify.ping_url]
    return tuple(s.get_secret_value() for s in given if s is not None)


def run_owner() -> str:
    """Return who this process is, for the lease: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def subject_of(settings: ConnectionSettings) -> str:
    """Return what facts about a platform hold for; an address may carry a secret, so its digest."""
    address = hashlib.sha256(settings.provider.base_url.encode()).hexdigest()
    return f"{settings.provider.profile} {address[:16]}"


def acting_person() -> str:
    """Return who asked for what this process does, for the history: login name and host.

    Behind ``sudo`` that is who called it.
    """
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container with a number for a user
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


@contextmanager
def wired(
    loaded: Loaded,
    name: str,
    store: Store,
    *,
    read_only: bool,
    stop: threading.Event | None = None,
    retry: RetryPolicy | None = None,
    learning: bool = False,
) -> Iterator[Connection]:
    """Build one connection, and close its sessions at the end.

    Args:
        loaded: All settings.
        name: Of the connection.
        store: Open.
        read_only: Refuse every request that could change the platform.
        stop: Set to end the work early.
        retry: Other bounds than the usual ones.
        learning: Take nothing for granted that was learnt of the platform before.

    Raises:
        SettingsError: A file that the settings name cannot be used.
    """
    start_tracing(os.environ, __version__)
    settings = loaded.settings.connections[name]
    clock, stop = SystemClock(), stop or threading.Event()
    profile = load_profile(settings.provider.profile, settings.provider.quirks)
    mapped = build_rules(settings, profile.attributes)
    rules = tuple(rule for rule in mapped if profile.allows(rule.path))
    scope = build_scope(settings)
    needed = needed_fields(rules, scope)
    directory, feed, closing = _build_directory(settings, name, clock, stop, retry, needed)
    place = _from(loaded.origins.get(f"connections.{name}.provider.token", ""))
    transport = _build_transport(
        Endpoint(
            name="the platform",
            base_url=settings.provider.base_url,
            setting="provider.base_url",
            headers=provider_headers(profile),
            timeout_s=settings.provider.timeout_s,
            concurrency=settings.provider.concurrency,
            requests_per_second=settings.provider.requests_per_second,
            requests_per_minute=profile.requests_per_minute,
            rates=_remembered(store.memos(name).get(RATES), clock),
            read_only=read_only,
            ca_file=settings.provider.ca_file,
            proxy=_secret(settings.provider.proxy),
            advice=(
                f'The token of connection "{name}"{place} was revoked, has expired or belongs to '
                "another SCIM setting: create a new one on the platform"
                f"{' and put it there' if place else ''}"
            ),
        ),
        _bearer(settings),
        clock,
        stop,
        retry,
    )
    paths = [rule.path for rule in rules if not rule.create_only]
    subject = subject_of(settings)
    learnt = None if learning else store.learnt(name)
    if learnt is not None and not learnt.is_current(subject, clock.now()):
        learnt = None
    try:
        yield Connection(
            name=name,
            directory=directory,
            provider=ScimProvider(transport, profile, paths, learnt.facts if learnt else None),
            store=store,
            clock=clock,
            scope=scope,
            policy=build_policy(settings),
            group_policy=build_group_policy(settings),
            rules=rules,
            limits=build_limits(settings),
            owner=run_owner(),
            actor=acting_person(),
            full_every=timedelta(seconds=settings.schedule.full_every),
            keep_history=timedelta(seconds=loaded.settings.store.keep_history),
            workers=settings.provider.concurrency,
            stop=stop,
            immutable=profile.immutable,
            unsent=tuple(rule.path for rule in mapped if rule not in rules),
            subject=subject,
            feed=feed,
            feed_wanted=settings.directory.insights == "on",
            platform=(transport.endpoint.host, settings.provider.profile),
            basis=_basis(loaded, name),
        )
    finally:
        directory.close()
        for opened in (*closing, transport):
            opened.close()


def _remembered(memo: Memo | None, clock: Clock) -> Mapping[str, float]:
    """What the platform was found to bear, by method, unless that is long ago."""
    if memo is None or not timedelta() <= clock.now() - memo.at < _RATES_HOLD:
        return {}
    rates: Mapping[str, float] = json.loads(memo.value)
    return rates


def _build_directory(
    settings: ConnectionSettings,
    name: str,
    clock: Clock,
    stop: threading.Event,
    retry: RetryPolicy | None,
    needed: frozenset[str] | None,
) -> tuple[JumpCloud, Insights | None, list[Transport]]:
    directory = settings.directory
    where = hosts(directory)
    closing: list[Transport] = []
    if directory.client_id and directory.client_secret is not None:
        token = Transport(
            Endpoint(
                name="JumpCloud's token end point",
                base_url=where.token_url,
                setting="directory.token_url",
            ),
            authorize=dict,
            clock=clock,
            stop=stop,
            retry=retry,
        )
        closing.append(token)
        secret = directory.client_secret.get_secret_value()
        credentials: Credentials = ServiceAccount(token, directory.client_id, secret, clock)
        advice = f'Check the role of the service account of connection "{name}"'
    else:
        key = directory.api_key.get_secret_value() if directory.api_key else ""
        credentials = ApiKey(key)
        advice = (
            f'Check the API key of connection "{name}" and directory.region ({directory.region}): '
            "a key works in one region only, and its administrator needs API access"
        )
    transport = Transport(
        Endpoint(
            name="JumpCloud",
            base_url=where.base_url,
            setting="directory.base_url" if directory.base_url else "directory.region",
            headers={"Accept": "application/json", "Content-Type": "application/json"},
            concurrency=directory.concurrency,
            requests_per_second=directory.requests_per_second,
            advice=advice,
        ),
        authorize=dict,
        clock=clock,
        stop=stop,
        retry=retry,
    )
    closing.append(transport)
    client = JumpCloud(
        transport,
        credentials,
        org_id=directory.org_id or "",
        page_size=directory.page_size,
        concurrency=directory.concurrency,
        needed=needed,
    )
    if not where.insights_url:
        return client, None, closing
    log = Transport(
        Endpoint(
            name="JumpCloud's event log",
            base_url=where.insights_url,
            setting="directory.insights_url",
            headers={"Accept": "application/json", "Content-Type": "application/json"},
        ),
        authorize=dict,
        clock=clock,
        stop=stop,
        retry=HINT,
    )
    closing.append(log)
    feed = Insights(log, credentials, clock, org_id=directory.org_id or "")
    return client, feed, closing


def _basis(loaded: Loaded, name: str) -> str:
    """What fast runs hold for: this version, both sides, and all that decides about people."""
    settings = loaded.settings.connections[name]
    directory, provider = settings.directory, settings.provider
    about_people = {"connections": {name: {"scope", "users", "groups", "policy"}}}
    dumped = loaded.settings.model_dump(mode="json", include=about_people)
    content = [
        __version__,
        [hosts(directory).base_url, directory.org_id],
        [str(provider.base_url), provider.profile, provider.quirks],
        dumped["connections"][name],
    ]
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _build_transport(
    endpoint: Endpoint,
    authorization: Mapping[str, str],
    clock: Clock,
    stop: threading.Event,
    retry: RetryPolicy | None,
) -> Transport:
    try:
        return Transport(
            endpoint, authorize=lambda: authorization, clock=clock, stop=stop, retry=retry
        )
    except OSError as error:
        found = "it holds no certificate in PEM form" if isinstance(error, SSLError) else None
        message = f"provider.ca_file {endpoint.ca_file}: {found or error.strerror}"
        raise SettingsError(message) from error


def _bearer(settings: ConnectionSettings) -> Mapping[str, str]:
    token = settings.provider.token
    return {"Authorization": f"Bearer {token.get_secret_value() if token else ''}"}


def _from(origin: str) -> str:
    return f" (from {origin.removeprefix('file ')})" if origin.startswith("file ") else ""


def _secret(value: Secret[str] | None) -> str | None:
    return value.get_secret_value() if value is not None else None
