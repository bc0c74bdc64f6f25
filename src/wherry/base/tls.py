"""One end of a TLS connection as a pure state machine: bytes in, bytes out, no socket.

What `ssl` itself, and asyncio's TLS with it, cannot do is to end one direction only: its `unwrap`
wants the other side's end at once. A client that has sent all of its input still waits for the
output, so here `close_notify` is the end of one direction and of no more, in both roles. Two things
make that work with OpenSSL: whatever has come is read before our end is sent, because its second
look at the connection takes data there for an error; and what the peer sends behind its own end is
dropped unseen.

Only `ssl.SSLError` leaves this module. After one the session is of no use, but what `take` returns
still has to be sent: it holds the alert that tells the other side why.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import cast

RECORD_BYTES = 16384
# What is offered when nothing else is said: TLS 1.2 with ciphers that keep what was recorded
# secret when a key is lost later; those of TLS 1.3 all do.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def server_context() -> ssl.SSLContext:
    """Return what every server of ours offers: TLS 1.2 and 1.3, HTTP/1.1, no certificate yet."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(CIPHERS)
    made.set_alpn_protocols(["http/1.1"])
    return made


class TlsSession:
    """One connection. The client gives the name that the server's certificate has to be for."""

    def __init__(self, context: ssl.SSLContext, *, server: bool, name: str | None = None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server, server_hostname=name
        )
        self._read: list[bytes] = []
        self._ending = False
        self.established = False
        self.ended = False  # the peer's direction

    def feed(self, data: bytes) -> None:
        """Take bytes of the network; none for its end.

        Without a `close_notify` it may have been cut: what is framed notices, and the rest is input
        that ends, as with Go's servers. OpenSSL is not told, as it would send nothing afterwards.
        """
        if self.ended:
            return
        if data:
            self._incoming.write(data)
        elif not self.established:
            self._incoming.write_eof()
        else:
            self._decrypt()
            self.ended = True

    def shake_hands(self) -> bool:
        """Go on with the handshake; returns whether it is done."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.established = True
        return True

    def plaintext(self) -> bytes:
        """Return what the peer has said; `ended` tells afterwards whether that was all."""
        self._decrypt()
        read, self._read = self._read, []
        return read[0] if len(read) == 1 else b"".join(read)

    def say(self, data: bytes | memoryview) -> None:
        """Encrypt; the result is for `take`."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._object.write(rest) :]

    def end(self) -> None:
        """End our direction; the peer's goes on."""
        if self._ending:
            return
        self._ending = True
        self._decrypt()
        # It waits for the peer's end, which has its own time.
        with suppress(ssl.SSLWantReadError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            self._object.unwrap()

    def take(self) -> bytes:
        """Return what is to be sent to the network."""
        return self._outgoing.read()

    @property
    def peer(self) -> str:
        """The common name in the peer's certificate; empty without one."""
        found = (self._object.getpeercert() or {}).get("subject", ())
        subject = cast("tuple[tuple[tuple[str, str], ...], ...]", found)
        names = [value for part in subject for key, value in part if key == "commonName"]
        return names[0] if names else ""

    def outlived(self, now: float) -> bool:
        """Whether the handshake was that of an earlier connection, with a certificate gone since.

        `ssl` cannot be told to forget sessions of TLS 1.2.
        """
        certificate = self._object.getpeercert() if self._object.session_reused else None
        if not certificate:
            return False
        return ssl.cert_time_to_seconds(str(certificate["notAfter"])) < now

    def _decrypt(self) -> None:
        while not self.ended:
            try:
                piece = self._object.read(RECORD_BYTES)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLZeroReturnError:  # both directions have ended
                piece = b""
            if piece:
                self._read.append(piece)
            else:
                self.ended = True


def cause(error: ssl.SSLError) -> str:
    """Return OpenSSL's words for an error, without its numbers and places."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    return (error.reason or str(error)).replace("_", " ").lower()
