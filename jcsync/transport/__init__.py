"""HTTP for both sides: one session, one error translation, one pace, one retry policy.

    session.py      the connection pool and what it refuses to do
    answers.py      an answer → parsed JSON, or the error that names the reaction        pure
    concurrency.py  how many requests are under way at once
    pace.py         how fast requests follow one another
    retry.py        how often, how long, and when a call is repeated
    client.py       Transport: the five put together
    ping.py         the dead man's switch

The only package that knows requests and tenacity. What it refuses to do is as much of its job
as what it does: it follows no redirect (a redirect would carry ``x-api-key`` to another host),
takes nothing from the environment (which can replace the CA bundle and, by ``netrc``, the
``Authorization`` header), keeps no cookie, reads no answer beyond a size or a time, and in
read-only mode sends nothing that could change the other side.
"""

from jcsync.transport.answers import Answer
from jcsync.transport.client import ReadOnlyError, Transport, dump_body
from jcsync.transport.ping import ping
from jcsync.transport.retry import RetryPolicy
from jcsync.transport.session import Endpoint

__all__ = ["Answer", "Endpoint", "ReadOnlyError", "RetryPolicy", "Transport", "dump_body", "ping"]
