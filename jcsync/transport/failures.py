"""No answer, or one that cannot be used → what the caller does next, in words."""

import re
import ssl

import requests
from urllib3.exceptions import (
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ReadTimeoutError,
)

from jcsync.errors import (
    GarbledError,
    RemoteError,
    TransientError,
    UnknownOutcomeError,
    UnreadableError,
)
from jcsync.transport.answers import one_line
from jcsync.transport.retry import NoConnectionError, UntrustedError
from jcsync.transport.session import Endpoint, OversizeError

_MALFORMED = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidProxyURL,
    LocationValueError,
    UnicodeError,
)
# X509_V_ERR_CERT_NOT_YET_VALID, …_HAS_EXPIRED; …_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH
_OF_ANOTHER_TIME = frozenset({9, 10})
_OF_ANOTHER_HOST = frozenset({62, 64})
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})
FAILURES = (
    requests.exceptions.RequestException,
    HTTPError,
    OSError,
    UnicodeError,
    OversizeError,
)
"""What sending a request and reading its answer may raise."""


def translate(error: Exception, endpoint: Endpoint, where: str, *, repeatable: bool) -> RemoteError:
    """Return the error that names the reaction.

    Args:
        error: One of ``FAILURES``.
        endpoint: Where the request went.
        where: Method and URL, for the message.
        repeatable: Whether the request may be repeated though it may have been carried out.
    """
    name, host, reason = endpoint.name, endpoint.host, _innermost(error)
    words, setting = _words(reason), endpoint.setting
    if isinstance(reason, ssl.SSLCertVerificationError):
        if isinstance(error, requests.exceptions.ProxyError):
            name, host, setting = "the proxy", endpoint.proxy_host, f"{endpoint.side}.proxy"
        if reason.verify_code in _OF_ANOTHER_TIME:
            remedy = "see that the clock of this computer is right; if it is, renew the certificate"
        elif reason.verify_code in _OF_ANOTHER_HOST:
            remedy = f"check {setting}, and that no proxy answers in its place"
        else:
            where = "provider.ca_file, or the" if endpoint.side == "provider" else "the"
            remedy = (
                "if your own authority or an inspecting proxy issued it, trust that authority "
                f"({where} certificates of the system)"
            )
        return UntrustedError(
            f"the certificate of {name} at {host} is not trusted: {words}; {remedy}; verification "
            "cannot be switched off"
        )
    if isinstance(error, _MALFORMED):
        return UntrustedError(f"{name} has no usable address ({words}); check {setting}")
    if isinstance(reason, NewConnectionError) or isinstance(
        error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError
    ):
        proxy = endpoint.proxy_host
        way = f" through the proxy {proxy}" if proxy else ""
        settings = f"{setting} and {endpoint.side}.proxy" if proxy else setting
        return NoConnectionError(
            f"{name} cannot be reached at {host}{way}: {words}; check {settings}, and that DNS, "
            "firewall and proxy let this computer through"
        )
    if isinstance(error, OversizeError | requests.exceptions.ContentDecodingError):
        message = f"{name} gave an answer that cannot be used at {where}: {words}"
        kind = UnreadableError if isinstance(error, OversizeError) else GarbledError
        return kind(message) if repeatable else UnknownOutcomeError(message)
    if isinstance(reason, ssl.SSLError) and reason.reason in _NO_TLS:
        message = f"{name} speaks no TLS at {host}; check {setting}: https or http, and the port"
    elif isinstance(error, requests.exceptions.Timeout | ReadTimeoutError):
        limit = " (provider.timeout_s)" if endpoint.side == "provider" else ""
        message = (
            f"{name} did not answer within {endpoint.timeout_s:g} s{limit}, or not in full "
            f"within {endpoint.answer_s:g} s, at {where}"
        )
    else:
        message = f"{name} broke off its answer at {where}: {words}"
    return TransientError(message) if repeatable else UnknownOutcomeError(message)


def _innermost(error: BaseException) -> BaseException:
    """The reason that urllib3 keeps inside what requests raises."""
    seen = {id(error)}
    while True:
        inner = [getattr(error, "reason", None), *error.args]
        deeper = next(
            (e for e in inner if isinstance(e, BaseException) and id(e) not in seen), None
        )
        if deeper is None or isinstance(error, NewConnectionError):
            return error
        seen.add(id(deeper))
        error = deeper


def _words(error: BaseException) -> str:
    """A connection error in words, without the addresses of objects."""
    text = re.sub(
        r"(HTTPS?ConnectionPool|HTTPS?Connection)\([^)]*\):?\s*|<[^>]*>:?\s*", "", str(error)
    )
    return one_line(text) or type(error).__name__
