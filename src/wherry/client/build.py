"""The client's end of a build connection: one loop for all that goes on at once.

Contexts and answers of agents go out, progress, outputs and questions to agents come in, all as
frames of one socket (`wherry.wire.frames`). Nothing here blocks but the wait for something to do,
so two sides that both have much to say do not wait for each other. What is asked for is served by
`Served`; an error that it raises ends the build, except RefusedError, which the engine is told.

However `run` ends, the connection is closed, which cancels what is still going on.
"""

from __future__ import annotations

import json
import select
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from wherry.base.errors import InvalidError, NotFoundError, WherryError
from wherry.client.agent import Asking, BrokenMessageError
from wherry.client.engine import Hijacked
from wherry.client.errors import BrokenReplyError
from wherry.wire.frames import DATA, END, LARGEST, MESSAGE, BrokenFrameError, Decoder, Frame, encode

_RECEIVE = 1 << 18
_QUEUED = 1 << 19


class BuildFailedError(WherryError):
    """The engine says that the build has failed, in its own words."""


class RefusedError(NotFoundError):
    """The engine wants what this side does not have; it is told so, and goes on."""


class TooLargeError(InvalidError):
    """What is asked for does not fit into one message."""


class Sink(Protocol):
    """Where an output goes."""

    def write(self, data: bytes) -> None:
        """Take the next bytes."""

    def close(self) -> None:
        """All has been written."""


class Served(Protocol):
    """What this side has, and what it does with what it is told."""

    def context(self, name: str) -> Iterator[bytes]:
        """Return a context as a tar in pieces; raises RefusedError. Empty pieces ask for time."""

    def agent(self, identity: str) -> socket.socket:
        """Connect to an ssh agent; raises RefusedError."""

    def output(self, index: int) -> Sink:
        """Return where an output goes."""

    def event(self, told: Mapping[str, Any]) -> None:
        """Take progress."""

    def tick(self) -> None:
        """Show how far it is: now and then, whether or not anything has happened."""


class BuildConnection:
    """One build. `interval` is the longest time in seconds between two ticks, None for any."""

    def __init__(self, stream: Hijacked, served: Served, interval: float | None = None) -> None:
        self._stream = stream
        self._socket = stream.socket
        self._served = served
        self._interval = interval
        self._decoder = Decoder()
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._contexts: dict[int, Iterator[bytes]] = {}
        self._outputs: dict[int, Sink] = {}
        self._relays: dict[int, _Relay] = {}
        self._done: Mapping[str, Any] | None = None

    def run(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Build, and return the message that says what came of it.

        Raises BuildFailedError, BrokenReplyError when the engine goes away, and what `served` does.
        """
        try:
            self._say(request)
            if self._stream.early:
                self._take(self._stream.receive())
            while self._done is None:
                waiting = self._fill()
                self._turn(0 if waiting else self._interval)
                self._served.tick()
            return self._done
        finally:
            for relay in self._relays.values():
                relay.close()
            self._stream.close()

    def _say(self, message: Mapping[str, Any]) -> None:
        data = json.dumps(message).encode()
        if len(data) > LARGEST:
            raise TooLargeError(
                f"what is asked of this build takes {len(data)} bytes and may take {LARGEST}: "
                "leave out secrets or arguments that are not needed"
            )
        self._frame(MESSAGE, 0, data)

    def _frame(self, kind: int, channel: int, data: bytes = b"") -> None:
        frame = encode(kind, channel, data)
        self._queue.append(memoryview(frame))
        self._queued += len(frame)

    def _fill(self) -> bool:
        """Queue more of the contexts, in turn; True if there is more to do at once."""
        for channel in list(self._contexts):
            if self._queued >= _QUEUED:
                break
            piece = next(self._contexts[channel], None)
            if piece is None:
                self._frame(END, channel)
                del self._contexts[channel]
                continue
            for start in range(0, len(piece), LARGEST):
                self._frame(DATA, channel, piece[start : start + LARGEST])
        return bool(self._contexts) and self._queued < _QUEUED

    def _turn(self, timeout: float | None) -> None:
        """Wait for whatever can be done, and do it."""
        poller = select.poll()
        poller.register(self._socket, select.POLLIN | (select.POLLOUT if self._queue else 0))
        by_fd = {relay.fd: (channel, relay) for channel, relay in self._relays.items()}
        for fd, (_, relay) in by_fd.items():
            poller.register(fd, relay.interest(reading=self._queued < _QUEUED))
        for fd, events in poller.poll(None if timeout is None else int(timeout * 1000)):
            if fd in by_fd:
                self._relay(*by_fd[fd], events)
                continue
            if events & select.POLLOUT:
                self._send()
            if events & ~select.POLLOUT:
                self._receive()

    def _send(self) -> None:
        try:
            while self._queue:
                sent = self._socket.send(self._queue[0], socket.MSG_DONTWAIT)
                self._queued -= sent
                if sent < len(self._queue[0]):
                    self._queue[0] = self._queue[0][sent:]
                    return
                self._queue.popleft()
        except BlockingIOError:
            return
        except ConnectionError:
            # The engine no longer listens; what it said last is still to come.
            self._queue.clear()
            self._contexts.clear()
            self._queued = 0

    def _receive(self) -> None:
        data = self._stream.receive(_RECEIVE)
        if not data:
            raise BrokenReplyError("the engine ended the connection in the middle of the build")
        self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            for frame in self._decoder.feed(data):
                self._dispatch(frame)
        except BrokenFrameError as error:
            raise BrokenReplyError(str(error)) from error

    def _dispatch(self, frame: Frame) -> None:
        channel = frame.channel
        if frame.kind == MESSAGE:
            self._told(_decoded(frame.data))
        elif channel in self._outputs:
            if frame.kind == DATA:
                self._outputs[channel].write(frame.data)
            else:
                self._outputs.pop(channel).close()
        elif channel in self._relays:
            self._ask(channel, frame)

    def _told(self, told: Mapping[str, Any]) -> None:
        kind = told.get("type")
        try:
            if kind == "event":
                self._served.event(told)
            elif kind in ("want", "ssh"):
                self._want(told)
            elif kind == "output":
                self._outputs[told["channel"]] = self._served.output(told["index"])
            elif kind == "failed":
                raise BuildFailedError(str(told["message"]))
            elif kind == "done":
                if self._outputs:
                    raise BrokenReplyError("the engine ended the build before all of it had come")
                self._done = told
        except KeyError as error:
            raise BrokenReplyError(f"the engine sent {kind} without {error}") from error

    def _want(self, told: Mapping[str, Any]) -> None:
        channel = told["channel"]
        try:
            if told["type"] == "want":
                self._contexts[channel] = self._served.context(told["context"])
            else:
                self._relays[channel] = _Relay(self._served.agent(told["id"]))
        except RefusedError as error:
            self._refuse(channel, error)

    def _refuse(self, channel: int, error: WherryError) -> None:
        self._say({"type": "refused", "channel": channel, "message": str(error)})

    def _ask(self, channel: int, frame: Frame) -> None:
        """Pass on what a step asks the agent."""
        try:
            self._relays[channel].ask(frame.data if frame.kind == DATA else None)
        except BrokenMessageError as error:
            self._relays.pop(channel).close()
            self._refuse(channel, error)

    def _relay(self, channel: int, relay: _Relay, events: int) -> None:
        if channel not in self._relays:
            return
        if events & select.POLLOUT:
            relay.send()
        if events & ~select.POLLOUT:
            data = relay.receive()
            if data is None:
                return
            if data:
                self._frame(DATA, channel, data)
                return
            self._frame(END, channel)
            self._relays.pop(channel).close()


class _Relay:
    """An agent's connection, for one of a step's."""

    def __init__(self, agent: socket.socket) -> None:
        self._agent = agent
        self._asking = Asking()
        self._pending = b""
        self._ending = False
        self.fd = agent.fileno()

    def interest(self, *, reading: bool) -> int:
        """Return what to wait for."""
        return (select.POLLIN if reading else 0) | (select.POLLOUT if self._pending else 0)

    def ask(self, data: bytes | None) -> None:
        """Take what the step sends; None for its end."""
        if data is None:
            self._ending = True
        else:
            self._pending += self._asking.feed(data)
        self.send()

    def send(self) -> None:
        """Send what can be sent now."""
        try:
            if self._pending:
                sent = self._agent.send(self._pending, socket.MSG_DONTWAIT)
                self._pending = self._pending[sent:]
            if self._ending and not self._pending:
                self._agent.shutdown(socket.SHUT_WR)
                self._ending = False
        except BlockingIOError:
            return
        except OSError:
            self._pending = b""  # the agent has gone, which reading will show

    def receive(self) -> bytes | None:
        """Return what the agent says, nothing at its end, None if it says nothing now."""
        try:
            return self._agent.recv(_RECEIVE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def close(self) -> None:
        """Hang up."""
        self._agent.close()


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenReplyError(f"the engine sent what is no message: {data[:80]!r}") from error
    if not isinstance(told, dict):
        raise BrokenReplyError(f"the engine sent what is no message: {data[:80]!r}")
    return told
