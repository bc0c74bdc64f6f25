"""Failures of the HTTP library and of the sockets below it, in the words of Docker's clients."""

from __future__ import annotations

import os
import re
import ssl

import aiohttp

from wherry.base.errors import WherryError
from wherry.registry.client.errors import (
    BrokenConnectionError,
    UnreachableError,
    UntrustedCertificateError,
    request_words,
)

PLAIN_HTTP = "http: server gave HTTP response to HTTPS client"
# OpenSSL's reasons when the other side does not speak TLS; the second since its version 3.2.
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
_CERTIFICATE_WORDS = {
    9: "certificate has expired or is not yet valid",
    10: "certificate has expired or is not yet valid",
    18: "certificate signed by unknown authority",
    19: "certificate signed by unknown authority",
    20: "certificate signed by unknown authority",
    21: "certificate signed by unknown authority",
}
_ADDRESS = re.compile(r"\('([0-9a-fA-F.:%\w]+)', (\d+)")
_ERRNO = re.compile(r"\[Errno (\d+)\]")


def translated(error: BaseException, method: str, url: str) -> WherryError:
    """Return the error for what the library raised while `method` was sent to `url`."""
    prefix = request_words(method, url)
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return UntrustedCertificateError(f"{prefix}: {_certificate(error.certificate_error)}")
        case aiohttp.ClientHttpProxyError():
            return UnreachableError(f"{prefix}: proxyconnect tcp: status {error.status}")
        case aiohttp.ClientConnectorDNSError():
            return UnreachableError(f"{prefix}: dial tcp: lookup {error.host}: no such host")
        case aiohttp.ClientConnectorError():
            return _not_connected(error, prefix)
        case aiohttp.ConnectionTimeoutError():
            host = re.sub(r"^\w+://([^/]+).*", r"\1", url)
            return UnreachableError(f"{prefix}: dial tcp {host}: i/o timeout")
        case TimeoutError():
            return BrokenConnectionError(f"{prefix}: i/o timeout")
        case aiohttp.ServerDisconnectedError():
            return BrokenConnectionError(f"{prefix}: EOF")
        case aiohttp.ClientPayloadError():
            return BrokenConnectionError(f"{prefix}: unexpected EOF")
        case aiohttp.ClientResponseError():
            return BrokenConnectionError(f"{prefix}: malformed HTTP response")
        case ssl.SSLError():
            return BrokenConnectionError(f"{prefix}: {_tls(error)}")
        case OSError() if error.errno:
            return BrokenConnectionError(f"{prefix}: {os.strerror(error.errno).lower()}")
    return BrokenConnectionError(f"{prefix}: {type(error).__name__}: {error}"[:500])


def _not_connected(error: aiohttp.ClientConnectorError, prefix: str) -> WherryError:
    cause = error.os_error
    if isinstance(cause, ssl.SSLError):
        return UnreachableError(f"{prefix}: {_tls(cause)}")
    text = str(cause)
    found = _ADDRESS.search(text)
    host, port = found.groups() if found else (error.host, str(error.port))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    number = cause.errno if isinstance(cause.errno, int) and cause.errno > 0 else None
    if number is None and (in_text := _ERRNO.search(text)):
        number = int(in_text[1])
    words = f"connect: {os.strerror(number).lower()}" if number else text
    return UnreachableError(f"{prefix}: dial tcp {address}: {words}")


def _tls(error: ssl.SSLError) -> str:
    reason = error.reason or str(error)
    return PLAIN_HTTP if reason in _NOT_TLS else f"tls: {reason.replace('_', ' ').lower()}"


def _certificate(error: Exception) -> str:
    code = getattr(error, "verify_code", 0)
    words = _CERTIFICATE_WORDS.get(code) or getattr(error, "verify_message", str(error))
    return f"tls: failed to verify certificate: x509: {words}"
