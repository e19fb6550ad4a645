"""Oddities of lists, filters and rates; see ``odd``."""

import json
import re
from email.utils import formatdate
from http import HTTPStatus

from jcsync.sandbox import clock
from jcsync.sandbox.odd import Ask, Oddity, asked, is_list, place
from jcsync.sandbox.scim_check import ScimError, bad
from jcsync.sandbox.wsgi import Reply, Request, dump, json_reply

_EQUALS = re.compile(r'(\w[\w.]*) eq "(.*)"')

# ---- pages


def counts_from_zero(request: Request, ask: Ask) -> Reply:
    """``startIndex`` 0 is the first row, 1 the second one."""
    if not is_list(request):
        return ask(request)
    start = int(request.parameter("startIndex") or 0)
    return ask(asked(request, startIndex=str(start + 1)))


def starts_again(request: Request, ask: Ask) -> Reply:
    """Every page is the first one, as long as was asked for."""
    return ask(asked(request, startIndex=None)) if is_list(request) else ask(request)


def gives_everything(request: Request, ask: Ask) -> Reply:
    """Lists hold everything, whatever is asked for."""
    if not is_list(request):
        return ask(request)
    return ask(asked(request, startIndex=None, count="100000"))


def needs_count(request: Request, ask: Ask) -> Reply:
    """Without ``count`` there are no rows."""
    lacks = is_list(request) and not request.parameter("count")
    return ask(asked(request, count="0")) if lacks else ask(request)


def fails_on_count(status: int) -> Oddity:
    """Any ``count`` is an error."""

    def oddity(request: Request, ask: Ask) -> Reply:
        if is_list(request) and request.parameter("count"):
            message = "count"
            raise ScimError(status, message)
        return ask(request)

    return oddity


def counts_wrongly(by: int) -> Oddity:
    """``totalResults`` is too large, or too small, by a number."""

    def oddity(request: Request, ask: Ask) -> Reply:
        reply = ask(request)
        if not is_list(request) or reply.status != HTTPStatus.OK:
            return reply
        document = json.loads(reply.body)
        document["totalResults"] = max(0, document["totalResults"] + by)
        return Reply(reply.status, dump(document), reply.headers)

    return oddity


def counts_the_page(request: Request, ask: Ask) -> Reply:
    """``totalResults`` is the number of rows on the page."""
    reply = ask(request)
    if not is_list(request) or reply.status != HTTPStatus.OK:
        return reply
    document = json.loads(reply.body)
    document["totalResults"] = len(document["Resources"])
    return Reply(reply.status, dump(document), reply.headers)


# ---- filters


def refuses_filters(status: int, *names: str) -> Oddity:
    """Filters by these attributes, or by any, are an error."""

    def oddity(request: Request, ask: Ask) -> Reply:
        text = request.parameter("filter")
        if text and (not names or text.startswith(names)):
            message = f"cannot filter by {text}"
            raise ScimError(
                status, message, "invalidFilter" if status == HTTPStatus.BAD_REQUEST else ""
            )
        return ask(request)

    return oddity


def ignores_filters(request: Request, ask: Ask) -> Reply:
    """Whatever the filter is, everybody is found."""
    return ask(asked(request, filter=None)) if is_list(request) else ask(request)


def filters_exactly(request: Request, ask: Ask) -> Reply:
    """A filter by ``userName`` or ``displayName`` compares letter by letter."""
    reply = ask(request)
    found = _EQUALS.fullmatch(request.parameter("filter"))
    if not found or found[1] not in {"userName", "displayName"} or reply.status != HTTPStatus.OK:
        return reply
    document = json.loads(reply.body)
    rows = [r for r in document["Resources"] if r.get(found[1]) == json.loads(f'"{found[2]}"')]
    document |= {"Resources": rows, "totalResults": len(rows)}
    return Reply(reply.status, dump(document), reply.headers)


# ---- rates


def slows_down(spelling: str, *, every: int = 7) -> Oddity:
    """One of so many requests is refused for the rate.

    Args:
        spelling: ``date``: 429 with a date; ``403``: with ``x-ratelimit-remaining``; ``400``: with
            the name of an exception.
        every: Of how many.
    """
    seen = 0

    def oddity(request: Request, ask: Ask) -> Reply:
        nonlocal seen
        seen += place(request)[0] in {"Users", "Groups"}
        if seen % every:
            return ask(request)
        seen += 1
        if spelling == "403":
            headers = (("x-ratelimit-remaining", "0"), ("Retry-After", "0"))
            return json_reply({"message": "API rate limit exceeded"}, 403, *headers)
        if spelling == "400":
            return json_reply({"__type": "ThrottlingException", "message": "Rate exceeded"}, 400)
        date = formatdate(clock.now() + 1, usegmt=True)
        return json_reply({"detail": "slow down"}, 429, ("Retry-After", date))

    return oddity


def has_no(endpoint: str, status: int, *methods: str) -> Oddity:
    """An end point is not there, or not for these methods."""

    def oddity(request: Request, ask: Ask) -> Reply:
        if place(request)[0] == endpoint and (not methods or request.method in methods):
            if status == HTTPStatus.BAD_REQUEST:
                message = f"{endpoint} cannot be written"
                raise bad(message)
            message = f"{request.method} {endpoint}"
            raise ScimError(status, message)
        return ask(request)

    return oddity
