"""TLS between a socket and what is served on it, as a protocol and a transport of asyncio.

The application's protocol is connected once the handshake is done, so it never sees a client whose
certificate is not in order. `write_eof` ends our direction and no more, and so does the client's
end: see `wherry.base.tls` for why asyncio's own TLS will not do.

Who has not shown a certificate can cost little: a handshake has a time limit, and of those that
are going on at once there are at most `MOST_HANDSHAKES`; descriptors are what containers need.
Who speaks HTTP to this port is told so in the words of Go's servers, which docker's client shows.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from time import time as now
from typing import Any, cast

from wherry.base.tls import TlsSession, cause

HANDSHAKE_SECONDS = 10.0
MOST_HANDSHAKES = 128
NOT_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
_HTTP = (b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO", b"DELET")
_HIDDEN = ("sslcontext", "ssl_object")  # asyncio's streams would forbid the end of one direction
log = logging.getLogger(__name__)


class Door:
    """What the listeners of a server share: the certificate in use, and who is at the handshake.

    Another context is for those who come later.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.waiting: set[SecureProtocol] = set()

    def protocol(self, application: Callable[[], asyncio.Protocol]) -> SecureProtocol:
        """Return the protocol of a new connection."""
        return SecureProtocol(self, application)

    def close(self) -> None:
        """Send everybody away who is still at the handshake."""
        for waiting in list(self.waiting):
            waiting.abort()


class SecureProtocol(asyncio.Protocol):
    """The network's side of one connection."""

    def __init__(self, door: Door, application: Callable[[], asyncio.Protocol]) -> None:
        self._door = door
        self._make = application
        self._session = TlsSession(door.context, server=True)
        self._application: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._first = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the handshake, for a while."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._door.waiting) >= MOST_HANDSHAKES:
            log.warning("%d clients are at their handshake: one more is refused", MOST_HANDSHAKES)
            transport.close()
            return
        self._door.waiting.add(self)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HANDSHAKE_SECONDS, self._too_slow)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the network."""
        if self._transport is None or self._transport.is_closing():
            return
        try:
            if self._session.established:
                self._session.feed(data)
            elif not self._greeted(data):
                return
            self._pass_on()
        except ssl.SSLError as error:
            self._broken(error)

    def eof_received(self) -> bool:
        """Take the end of the client's direction; ours goes on if there is anybody to serve."""
        if self._application is None:
            return False
        try:
            self._session.feed(b"")
            self._pass_on()
        except ssl.SSLError as error:
            self._broken(error)
            return False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application."""
        self._settled()
        if self._application is not None:
            self._application.connection_lost(exc)
            self._application = None

    def pause_writing(self) -> None:
        """Pass on that the network is slow."""
        if self._application is not None:
            self._application.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the network has caught up."""
        if self._application is not None:
            self._application.resume_writing()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _greeted(self, data: bytes) -> bool:
        """Go on with the handshake; returns whether it is done."""
        assert self._transport is not None
        if len(self._first) < len(_HTTP[0]):
            self._first += data
            if self._first.startswith(_HTTP):
                log.info("%s sent HTTP where TLS is spoken", self._client())
                self._transport.write(NOT_TLS)
                self._transport.close()
                return False
        self._session.feed(data)
        done = self._session.shake_hands()
        self._transport.write(self._session.take())
        if not done:
            return False
        self._settled()
        if self._session.outlived(now()):
            log.info("%s: TLS refused: the certificate has expired", self._client())
            self._transport.close()
            return False
        log.debug("%s: TLS, certificate of %r", self._client(), self._session.peer)
        self._application = self._make()
        self._application.connection_made(SecureTransport(self._transport, self._session))
        return True

    def _pass_on(self) -> None:
        """Give the application what has arrived; reading may have answered, as to a new key."""
        assert self._application is not None
        assert self._transport is not None
        ended = self._session.ended
        plaintext = self._session.plaintext()
        if answer := self._session.take():
            self._transport.write(answer)
        if plaintext:
            self._application.data_received(plaintext)
        if self._session.ended and not ended and self._application is not None:
            self._application.eof_received()

    def _broken(self, error: ssl.SSLError) -> None:
        """Send the alert that says why, and hang up."""
        assert self._transport is not None
        level = logging.INFO if self._application is None else logging.DEBUG
        log.log(level, "%s: TLS refused: %s", self._client(), cause(error))
        if alert := self._session.take():
            self._transport.write(alert)
        self._transport.close()
        if self._application is not None:
            # Now, and not as an end: what came is not all that was sent.
            self._application.connection_lost(ConnectionResetError(cause(error)))
            self._application = None

    def _too_slow(self) -> None:
        assert self._transport is not None
        log.info("%s: no TLS handshake within %g s", self._client(), HANDSHAKE_SECONDS)
        self._transport.abort()

    def _settled(self) -> None:
        self._door.waiting.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _client(self) -> str:
        assert self._transport is not None
        name = self._transport.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "a client"


class SecureTransport(asyncio.Transport):
    """The application's side of one connection."""

    def __init__(self, below: asyncio.Transport, session: TlsSession) -> None:
        super().__init__()
        self._below = below
        self._session = session
        self._ended = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the socket."""
        return default if name in _HIDDEN else self._below.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        if self._ended:
            raise RuntimeError("cannot write after write_eof()")
        if self._below.is_closing():
            return  # whoever drains is told
        self._session.say(memoryview(data))
        self._below.write(self._session.take())

    def can_write_eof(self) -> bool:
        """Return whether one direction can end alone: it can."""
        return True

    def write_eof(self) -> None:
        """End our direction, behind what was written."""
        if self._ended or self._below.is_closing():
            return
        self._ended = True
        self._session.end()
        self._below.write(self._session.take())

    def close(self) -> None:
        """End our direction if it has not, send what is left, close."""
        try:
            self.write_eof()
        except ssl.SSLError as error:
            log.debug("closing without an end: %s", cause(error))
        self._below.close()

    def abort(self) -> None:
        """Close at once."""
        self._below.abort()

    def is_closing(self) -> bool:
        """Return whether the connection is closed or about to be."""
        return self._below.is_closing()

    def pause_reading(self) -> None:
        """Take no more from the network."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Go on taking."""
        self._below.resume_reading()

    def is_reading(self) -> bool:
        """Return whether the network is being read."""
        return self._below.is_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set when writers have to wait, in bytes."""
        self._below.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait to be sent."""
        return self._below.get_write_buffer_size()
