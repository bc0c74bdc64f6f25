"""Passing questions on to the host's resolvers, over the protocol in which they were asked.

For the one thread of the resolver: nothing here is locked. Every question has a socket of its own,
so that each has another source port, and no more than `seconds` for each of the servers; what no
server answers is answered with a failure, so that whoever asked does not wait for nothing.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

from wherry.base.values import dataclass, field
from wherry.network import dns

_SECONDS: Final = 3.0
_PORT: Final = 53
_MOST_AT_ONCE: Final = 100
# Perhaps the next server knows (moby, libnetwork/resolver.go).
_ASK_ANOTHER: Final = (dns.SERVER_FAILURE, dns.REFUSED)


@dataclass(slots=True)
class _Pending:
    """A question on its way, for whom, and where else it may be asked."""

    owner: object
    query: dns.Query
    data: bytes
    answer: Callable[[bytes], None]
    servers: list[str]
    stream: bool
    deadline: float = 0.0
    received: bytearray = field(default_factory=bytearray)


class Upstream:
    """All questions that are on their way."""

    def __init__(self, selector: selectors.BaseSelector, seconds: float = _SECONDS) -> None:
        self._selector = selector
        self._seconds = seconds
        self._pending: dict[socket.socket, _Pending] = {}
        self._counts: dict[object, int] = {}

    def ask(
        self,
        owner: object,
        query: dns.Query,
        data: bytes,
        answer: Callable[[bytes], None],
        servers: Sequence[str],
        *,
        stream: bool,
    ) -> None:
        """Pass a question on; one owner has a limited number under way, more are refused."""
        if self._counts.get(owner, 0) >= _MOST_AT_ONCE:
            answer(dns.reply(query, code=dns.REFUSED))
            return
        self._try_next(_Pending(owner, query, data, answer, list(servers), stream))

    def timeout(self) -> float | None:
        """Return how long nothing needs to be done, in seconds; None for ever."""
        if not self._pending:
            return None
        return max(min(p.deadline for p in self._pending.values()) - time.monotonic(), 0)

    def expire(self) -> None:
        """Ask the next server what the last one did not answer in time."""
        now = time.monotonic()
        for one, pending in list(self._pending.items()):
            if pending.deadline <= now:
                self._drop(one)
                self._try_next(pending)

    def forget(self, owner: object) -> None:
        """Drop the questions of somebody who has gone."""
        for one, pending in list(self._pending.items()):
            if pending.owner is owner:
                self._drop(one)

    def close(self) -> None:
        """Drop all questions."""
        for one in list(self._pending):
            self._drop(one)

    def _drop(self, one: socket.socket) -> None:
        pending = self._pending.pop(one)
        left = self._counts.get(pending.owner, 0) - 1
        if left > 0:
            self._counts[pending.owner] = left
        else:
            self._counts.pop(pending.owner, None)
        self._selector.unregister(one)
        one.close()

    def _try_next(self, pending: _Pending) -> None:
        while pending.servers:
            one = _begin(pending, pending.servers.pop(0))
            if one is None:
                continue
            pending.received.clear()
            pending.deadline = time.monotonic() + self._seconds
            self._pending[one] = pending
            self._counts[pending.owner] = self._counts.get(pending.owner, 0) + 1
            events = selectors.EVENT_WRITE if pending.stream else selectors.EVENT_READ
            self._selector.register(one, events, functools.partial(self._ready, one))
            return
        pending.answer(dns.reply(pending.query, code=dns.SERVER_FAILURE))

    def _ready(self, one: socket.socket) -> None:
        pending = self._pending.get(one)
        if pending is None:
            return
        try:
            reply = self._go_on(one, pending)
        except BlockingIOError:
            return
        except OSError:
            reply = b""
        if reply is None:
            return
        self._drop(one)
        code = dns.response_code(reply)
        mine = reply[:2] == pending.data[:2] and code is not None
        if not mine or (code in _ASK_ANOTHER and pending.servers):
            self._try_next(pending)
        else:
            pending.answer(reply)

    def _go_on(self, one: socket.socket, pending: _Pending) -> bytes | None:
        """Do the next step; returns the answer, empty when there will be none, None for not yet."""
        if not pending.stream:
            return one.recv(dns.LARGEST)
        key = self._selector.get_key(one)
        if key.events == selectors.EVENT_WRITE:
            one.sendall(dns.framed(pending.data))
            self._selector.modify(one, selectors.EVENT_READ, key.data)
            return None
        data = one.recv(dns.LARGEST)
        if not data:
            return b""
        pending.received += data
        length = int.from_bytes(pending.received[: dns.LENGTH_BYTES], "big") + dns.LENGTH_BYTES
        if len(pending.received) < max(length, dns.LENGTH_BYTES + 1):
            return None
        return bytes(pending.received[dns.LENGTH_BYTES : length])


def _begin(pending: _Pending, server: str) -> socket.socket | None:
    """Send a question, or begin to connect; None where that cannot be done."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    kind = socket.SOCK_STREAM if pending.stream else socket.SOCK_DGRAM
    try:
        one = socket.socket(family, kind)
    except OSError:
        return None
    one.setblocking(False)
    with contextlib.suppress(OSError):
        code = one.connect_ex((server, _PORT))
        if code == errno.EINPROGRESS and pending.stream:
            return one
        if not code:
            if not pending.stream:
                one.send(pending.data)
            return one
    one.close()
    return None
