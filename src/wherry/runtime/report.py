"""What a forked child tells whoever launched it, over a SOCK_SEQPACKET channel.

    child to parent   {"mounted": true}       its root is there but not entered; waits (if asked to)
                      {"ready": true}         prepared up to the exec; the terminal's master with it
                      {"failed": {...}}       which step failed, and the words for the user
                      {"executing": true}     the next thing it does is execve
                      (end of file)           the channel closed on exec
    parent to child   b"proceed"

`executing` tells an exec that worked (end of file after it) from a child that died without a word
(end of file without it). An exec that fails sends `failed` after `executing`.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any, Final

from wherry.base.values import dataclass

_LARGEST: Final = 16 << 10
_ONE_DESCRIPTOR: Final = socket.CMSG_SPACE(struct.calcsize("i"))
PROCEED: Final = b"proceed"


@dataclass(frozen=True, slots=True)
class Mounted:
    """The root file system is there and not yet entered; the child waits for PROCEED."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The child is prepared. `terminal` is the master of its terminal, for the receiver to own."""

    terminal: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The child gave up. `message` is in runc's words; `exit_code` is 125, 126, 127 or 128."""

    step: str
    errno: int
    message: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Executed:
    """The program of the container runs."""


Report = Mounted | Ready | Failed | Executed


class StepError(Exception):
    """A step of the preparation failed; becomes `Failed`."""

    def __init__(self, step: str, errno: int, message: str, exit_code: int = 128) -> None:
        super().__init__(message)
        self.failed = Failed(step, errno, message, exit_code)


def send_mounted(channel: socket.socket) -> None:
    """Tell that the root is mounted, before it is entered."""
    channel.send(b'{"mounted": true}')


def send_ready(channel: socket.socket, terminal: int | None) -> None:
    """Tell that everything up to the exec is done."""
    message = [b'{"ready": true}']
    if terminal is None:
        channel.sendmsg(message)
    else:
        socket.send_fds(channel, message, [terminal])


def send_executing(channel: socket.socket) -> None:
    """Tell that the exec comes next."""
    channel.send(b'{"executing": true}')


def send_failed(channel: socket.socket, failed: Failed) -> None:
    """Tell what went wrong; nobody listening is no error."""
    told = {name: getattr(failed, name) for name in Failed.__slots__}
    told["message"] = failed.message[:4096]
    try:
        channel.send(json.dumps({"failed": told}).encode())
    except (BrokenPipeError, ConnectionResetError):
        return


class Reports:
    """The receiving end: turns what arrives on a non-blocking channel into reports."""

    def __init__(self) -> None:
        self._executing: set[int] = set()

    def forget(self, channel: int) -> None:
        """Know nothing of a channel that has a number which another one had before."""
        self._executing.discard(channel)

    def read(self, channel: int) -> Report | None:
        """Return the next report, None while there is none.

        The channel is the caller's to close after `Failed` or `Executed`.
        """
        while True:
            try:
                data, terminal = _receive(channel)
            except BlockingIOError:
                return None
            if not data:
                return self._at_end(channel)
            message = json.loads(data)
            if "executing" in message:
                self._executing.add(channel)
                continue
            if "failed" in message:
                self._executing.discard(channel)
                return Failed(**message["failed"])
            return Mounted() if "mounted" in message else Ready(terminal)

    def _at_end(self, channel: int) -> Report:
        if channel in self._executing:
            self._executing.discard(channel)
            return Executed()
        return Failed("start", 0, "the process ended before it ran its program", 128)


def _receive(channel: int) -> tuple[bytes, int | None]:
    borrowed = socket.socket(fileno=channel)
    try:
        # Not socket.recv_fds: it takes flags, and (Python 3.11) does not pass them on.
        data, ancillary, _, _ = borrowed.recvmsg(
            _LARGEST, _ONE_DESCRIPTOR, socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionResetError:
        return b"", None
    finally:
        borrowed.detach()
    received = [struct.unpack_from("i", content)[0] for _, _, content in ancillary]
    return data, received[0] if received else None


def await_opened(gate: int) -> socket.socket:
    """Wait at a listening socket for whoever says to exec; its connection is the channel then.

    For a launcher that is gone by then, as that of `wherry-runtime create` is. One that leaves
    without a word is let go.
    """
    listening = socket.socket(fileno=gate)
    while True:
        channel, _ = listening.accept()
        if channel.recv(len(PROCEED)) == PROCEED:
            return channel
        channel.close()


def await_proceed(channel: socket.socket) -> None:
    """Wait for the word to exec; end this process where whoever should say it has gone."""
    if channel.recv(len(PROCEED)) != PROCEED:
        os._exit(1)


def as_failed(error: BaseException, step: str) -> Failed:
    """Make a failure of whatever was raised at a step."""
    if isinstance(error, StepError):
        return error.failed
    number: Any = getattr(error, "errno", 0) or 0
    return Failed(step, number, f"{step}: {error}", 128)
