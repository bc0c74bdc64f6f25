"""The settings of TLS, server side, from certificate files. Blocking; holds no state.

TLS 1.2 and 1.3 with ciphers that keep what was recorded secret when a key is lost later, no
renegotiation, HTTP/1.1 only. With `verify` a client has to show a certificate that the authority
has signed, for clients: that is all the authorisation there is, and whoever has one is root here.

Nobody gets in on the strength of an old handshake: there are no tickets, each context has sessions
of its own, and `wherry.api.http.secure` looks at the certificate of those that are resumed.
"""

from __future__ import annotations

import os
import ssl
from contextlib import suppress

from wherry.base.errors import InvalidError
from wherry.base.tls import cause, server_context
from wherry.daemon.configuration import TlsOptions


class CertificateError(InvalidError):
    """A certificate, key or authority cannot be used; the message names the file."""


def context(options: TlsOptions) -> ssl.SSLContext:
    """Read the files; raises CertificateError. For a reload, what is in use stays until then."""
    made = server_context()
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    made.num_tickets = 0
    _load_certificate(made, options)
    if options.verify:
        _load_authority(made, options.authority)
    return made


def _load_certificate(made: ssl.SSLContext, options: TlsOptions) -> None:
    for setting, path in (("tlscert", options.certificate), ("tlskey", options.key)):
        _readable(setting, path)
    try:
        # An empty password, so that nobody is asked for one at the terminal.
        made.load_cert_chain(options.certificate, options.key, password="")
    except (OSError, ValueError) as error:
        raise CertificateError(
            f"tlscert {options.certificate} and tlskey {options.key}: {_why(error, options)}"
        ) from error


def _load_authority(made: ssl.SSLContext, path: str) -> None:
    if not path:
        raise CertificateError(
            "tlsverify: tlscacert is missing: name the authority that signs certificates of "
            "clients ('wherry tls init' makes one)"
        )
    _readable("tlscacert", path)
    try:
        made.load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise CertificateError(
            f"tlscacert {path}: there is no certificate in PEM form in it"
        ) from error
    made.verify_mode = ssl.CERT_REQUIRED
    # An authority is trusted as it is, whoever has signed it, as with Go's servers.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _readable(setting: str, path: str) -> None:
    """Say which of the files cannot be read: OpenSSL does not."""
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise CertificateError(f"{setting} {path}: {error.strerror}") from error


def _why(error: Exception, options: TlsOptions) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else ""
    if reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    if _is_locked(options.key):
        return "the key has a password: an engine that starts by itself cannot be asked for it"
    said = cause(error) if isinstance(error, ssl.SSLError) and reason else "no PEM form"
    return f"{said}: both have to be PEM, without a password, and belong together"


def _is_locked(path: str) -> bool:
    with suppress(OSError), open(path, "rb") as file:
        return b"ENCRYPTED" in file.read(os.stat(path).st_size)
    return False
