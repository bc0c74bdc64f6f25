"""TLS carried by a thread: what one socket says in the clear goes out of the other encrypted.

The rest of the client waits with `poll`, peeks, and sends without blocking; none of that works on a
connection of TLS, where a byte in the buffer of `ssl` makes no descriptor readable. So it is given
one end of a socket pair, and this is the other end. Each direction ends on its own; memory is
bounded, as nothing is read that cannot be passed on. The thread ends with the connection, or with
the process; it takes no signals, which are for the thread that waits for them.
"""

from __future__ import annotations

import select
import signal
import socket
import ssl
import threading

from wherry.base.tls import TlsSession, cause

_RECEIVE = 1 << 17
_HELD = 1 << 18


class Relay:
    """One connection whose handshake is done; `trouble` says what broke it."""

    def __init__(self, outer: socket.socket, session: TlsSession) -> None:
        self._outer = outer
        self._session = session
        self._inner, self._ours = socket.socketpair()
        self._to_outer = bytearray()
        self._to_inner = bytearray()
        self._asked = False  # the client has ended its direction, or has gone
        self._answered = False  # it has been told that the engine has
        self._gone = False
        self.trouble = ""

    def start(self) -> socket.socket:
        """Begin; returns the client's end."""
        self._outer.setblocking(False)
        self._inner.setblocking(False)
        threading.Thread(target=self._run, name="tls", daemon=True).start()
        return self._ours

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._pass_on()  # what came with the end of the handshake
            while not self._finished():
                self._turn()
        except ssl.SSLError as error:
            self.trouble = cause(error)
            self._last_words()
        except OSError as error:
            self.trouble = error.strerror or str(error)
        finally:
            self._outer.close()
            self._deliver()
            self._inner.close()

    def _deliver(self) -> None:
        """Give the client what came before the connection broke."""
        try:
            self._inner.setblocking(True)
            self._inner.sendall(self._to_inner)
        except OSError:
            return

    def _finished(self) -> bool:
        if self._gone:
            return not self._to_outer
        return self._asked and self._answered and not self._to_outer

    def _turn(self) -> None:
        """Wait for whatever can be done, and do it."""
        poller = select.poll()
        inner = select.POLLOUT if self._to_inner else 0
        outer = select.POLLOUT if self._to_outer else 0
        if not self._asked and len(self._to_outer) < _HELD:
            inner |= select.POLLIN
        if not self._session.ended and len(self._to_inner) < _HELD:
            outer |= select.POLLIN
        if not self._gone:
            poller.register(self._inner, inner)  # that it has been closed is told in any case
        if outer:
            poller.register(self._outer, outer)
        for fd, events in poller.poll():
            if fd == self._outer.fileno():
                self._serve_outer(events)
            else:
                self._serve_inner(events)

    def _serve_inner(self, events: int) -> None:
        try:
            if self._to_inner and events & ~select.POLLIN:
                del self._to_inner[: self._inner.send(self._to_inner)]
                self._tell_end()
            if not self._asked and events & ~select.POLLOUT:
                self._listen(self._inner.recv(_RECEIVE))
            elif events & select.POLLHUP:
                self._leave()
        except BlockingIOError:
            return
        except OSError:
            self._leave()

    def _listen(self, data: bytes) -> None:
        """Take what the client says, or its end."""
        if data:
            self._session.say(data)
        else:
            self._asked = True
            self._session.end()
        self._to_outer += self._session.take()

    def _leave(self) -> None:
        """The client has gone: nothing is left but to tell the engine."""
        self._gone = self._asked = True
        self._to_inner.clear()
        self._session.end()
        self._to_outer += self._session.take()

    def _serve_outer(self, events: int) -> None:
        try:
            if self._to_outer and events & ~select.POLLIN:
                del self._to_outer[: self._outer.send(self._to_outer)]
            if events & ~select.POLLOUT and not self._session.ended:
                self._session.feed(self._outer.recv(_RECEIVE))
                self._pass_on()
        except BlockingIOError:
            return

    def _pass_on(self) -> None:
        self._to_inner += self._session.plaintext()
        self._to_outer += self._session.take()
        self._tell_end()

    def _tell_end(self) -> None:
        if self._session.ended and not self._to_inner and not self._answered:
            self._answered = True
            self._inner.shutdown(socket.SHUT_WR)

    def _last_words(self) -> None:
        """Send the alert, if it can be sent at once."""
        try:
            self._outer.send(self._to_outer + self._session.take())
        except OSError:
            return
