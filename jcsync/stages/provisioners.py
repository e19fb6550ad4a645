"""Other provisioners at work on the same platform: two of them undo each other's work.

JumpCloud's own SCIM connector leaves events behind. They name the application that it belongs
to, not the platform that it writes to, so names decide: those of the application and the scope,
of the platform's host and its profile.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from jcsync.model.events import ConnectorUse
from jcsync.model.report import Finding, FindingKind
from jcsync.model.rules import Scope
from jcsync.ports import Feed

LOOK_BACK = timedelta(days=1)
_LEAST_LETTERS = 4
_GENERIC = frozenset(
    [
        "application",
        "custom",
        "enterprise",
        "generic",
        "identity",
        "jumpcloud",
        "management",
        "oidc",
        "platform",
        "production",
        "provisioning",
        "saml",
        "saml2",
        "scim",
        "security",
        "service",
        "sync",
        "test",
        "users",
    ]
)


def fetch_provisioners(
    feed: Feed, now: datetime, scope: Scope, platform: Iterable[str]
) -> tuple[Finding, ...]:
    """Ask, in one request, whether JumpCloud's own connector has written to this platform lately.

    Args:
        feed: The event log.
        now: The last day before it is looked at.
        scope: Its application may be the connector's.
        platform: What the platform is known by: its host, the name of its profile.

    Raises:
        FeedError: There is no event log to ask.
    """
    return find_provisioners(feed.fetch_connectors(now - LOOK_BACK), scope, platform)


def find_provisioners(
    uses: Iterable[ConnectorUse], scope: Scope, platform: Iterable[str]
) -> tuple[Finding, ...]:
    """Return a finding for each connector that writes to this platform, or may do so. Pure."""
    known = " ".join(platform).casefold()
    return tuple(_finding(use) for use in uses if _concerns(use, scope.application, known))


def _concerns(use: ConnectorUse, application: str, known: str) -> bool:
    """Whether an application may be one of this platform; one without a telling name may."""
    names = {name.casefold() for name in use.names}
    if application and application.casefold() in {use.application_id.casefold(), *names}:
        return True
    words = set(_words(names))
    return not words or any(word in known for word in words)


def _words(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for word in re.findall(r"\w+", name.replace("_", " ")):
            if len(word) >= _LEAST_LETTERS and word not in _GENERIC:
                yield word


def _finding(use: ConnectorUse) -> Finding:
    name = use.names[0] if use.names else use.application_id
    of = f' of the application "{name}"' if name else ""
    times = "once" if use.events == 1 else f"{use.events} times"
    return Finding(
        kind=FindingKind.OTHER_PROVISIONER,
        subject=name or "JumpCloud's connector",
        message=(
            f"JumpCloud's own connector{of} acted {times} in the last day, last by {use.last_type} "
            f"at {use.last_at}; two provisioners on one platform undo each other's work: "
            "deactivate the connector under Identity Management of the application in JumpCloud "
            "(docs/migration.md)"
        ),
    )
