"""Engines behind TLS: who they have to be, who we say we are, and words for what goes wrong."""

from __future__ import annotations

import socket
import ssl

from wherry.base.errors import InvalidError
from wherry.base.tls import CIPHERS, TlsSession, cause
from wherry.client.address import Address, open_tcp
from wherry.client.errors import UnreachableError
from wherry.client.identity import Identity
from wherry.client.relay import Relay

HANDSHAKE_SECONDS = 30.0
_RECEIVE = 1 << 16


class IdentityError(InvalidError):
    """A certificate, key or authority of this client cannot be used."""


class SecureAddress(Address):
    """A TCP port at which TLS is spoken."""

    __slots__ = ("_context", "_identity", "_relay")

    def __init__(self, text: str, host: str, port: int, identity: Identity) -> None:
        super().__init__(text, host=host, port=port)
        self._identity = identity
        self._context: ssl.SSLContext | None = None
        self._relay: Relay | None = None

    def connect(self) -> socket.socket:
        """Connect and shake hands; raises UnreachableError and IdentityError."""
        if self._context is None:
            self._context = make_context(self._identity)
        outer = super().connect()
        try:
            session = TlsSession(self._context, server=False, name=self.host)
            self._shake_hands(outer, session)
            self._relay = Relay(outer, session)
            return self._relay.start()
        except BaseException:
            outer.close()
            raise

    def trouble(self) -> str:
        """Say why the last connection ended: in TLS 1.3 the server's refusal comes that late."""
        reason = self._relay.trouble if self._relay is not None else ""
        return f"{reason}{self._advice(reason)}" if reason else ""

    def _open(self) -> socket.socket:
        return open_tcp(self.host, self.port)

    def _shake_hands(self, outer: socket.socket, session: TlsSession) -> None:
        outer.settimeout(HANDSHAKE_SECONDS)
        try:
            while not session.shake_hands():
                outer.sendall(session.take())
                session.feed(outer.recv(_RECEIVE))
            outer.sendall(session.take())
        except ssl.SSLError as error:
            self._tell(outer, session)
            reason = cause(error)
            raise self._unreachable(reason, self._advice(reason)) from error
        except OSError as error:
            reason = f"TLS handshake: {error.strerror or error}"
            raise self._unreachable(reason, "") from error
        outer.settimeout(None)

    def _unreachable(self, reason: str, advice: str) -> UnreachableError:
        way_out = advice.removeprefix("; ") or "does it speak TLS? Name another with -H"
        return UnreachableError(self.text, reason, way_out)

    @staticmethod
    def _tell(outer: socket.socket, session: TlsSession) -> None:
        """Send the alert that says why we hang up."""
        try:
            outer.sendall(session.take())
        except OSError:
            return

    def _advice(self, reason: str) -> str:
        """Say what a user can do about a refusal, if it is one of the known."""
        if "wrong version number" in reason or "record layer failure" in reason:
            return "; the engine there does not speak TLS: leave out --tls, or start it with TLS"
        if "certificate required" in reason:
            return "; the engine wants a client certificate: --tlscert and --tlskey"
        if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
            return f"; the engine does not accept the certificate {self._identity.certificate}"
        if "certificate verify failed" in reason:
            trusted = self._identity.authority or "the authorities of this system"
            return f"; its certificate is not one of {trusted} for {self.host}"
        return ""


def make_context(identity: Identity) -> ssl.SSLContext:
    """Return the settings of a client; raises IdentityError naming the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    if not identity.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif identity.authority:
        _load_authority(context, identity.authority)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if identity.certificate or identity.key:
        _load_certificate(context, identity)
    return context


def _load_authority(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise IdentityError(f"{path}: there is no certificate in PEM form in it") from error
    except OSError as error:
        raise IdentityError(f"could not read CA certificate {path!r}: {error.strerror}") from error
    # An authority is trusted as it is, whoever has signed it, as with Go's programs.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _load_certificate(context: ssl.SSLContext, identity: Identity) -> None:
    missing = "--tlscert" if not identity.certificate else "" if identity.key else "--tlskey"
    if missing:
        raise IdentityError(f"a certificate and its key belong together: {missing} is missing")
    try:
        # An empty password, so that nobody is asked for one at the terminal.
        context.load_cert_chain(identity.certificate, identity.key, password="")
    except (OSError, ValueError) as error:
        reason = cause(error) if isinstance(error, ssl.SSLError) else ""
        reason = reason or getattr(error, "strerror", None) or str(error)
        raise IdentityError(
            f"could not load certificate {identity.certificate} and key {identity.key}: {reason}: "
            "both have to be PEM, without a password, and belong together"
        ) from error
