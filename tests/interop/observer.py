"""Watches what a run asks of a platform: nothing twice, nothing in vain."""

from collections import Counter
from collections.abc import Iterable

from jcsync.sandbox.traffic import Recorded

_ANSWERED = range(200, 300)


def repeated(sent: Iterable[Recorded]) -> list[str]:
    """Return the requests that were repeated though nothing was written in between.

    A request that was not answered 2xx may rightly be repeated. A group is read twice where its
    name is changed, which is verified, and then its members, who are looked at before.
    """
    seen: Counter[tuple[str, str, bytes]] = Counter()
    found = []
    for request in sent:
        key = (request.method, request.target, request.body)
        if request.method not in {"GET", "HEAD"}:
            seen = Counter({k: n for k, n in seen.items() if k[0] not in {"GET", "HEAD"}})
        if request.status not in _ANSWERED:
            continue
        allowed = 2 if request.method == "GET" and "/Groups/" in request.path else 1
        if seen[key] >= allowed:
            found.append(f"{request.method} {request.target} {request.body.decode()}")
        seen[key] += 1
    return found
