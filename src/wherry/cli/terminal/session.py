"""Joins the user's streams to a container's: one loop over socket, standard input and signals.

Input is sent without blocking, so that a program that writes before it has read everything (`cat`
of a large file) does not stop both sides. The end of input closes our half of the connection and
output goes on until the engine closes the other.
"""

from __future__ import annotations

import os
import select
import socket

from wherry.cli.errors import CommandError
from wherry.cli.terminal.detach import DetachFilter
from wherry.cli.terminal.signals import Signals
from wherry.client.engine import Hijacked
from wherry.client.multiplex import STDERR, SYSTEM_ERROR, Demultiplexer

CHUNK = 65536
STDIN_FD, STDOUT_FD, STDERR_FD = 0, 1, 2


class Session:
    """One attached stream; `run` returns True when the user detached."""

    def __init__(
        self, stream: Hijacked, *, tty: bool, stdin: bool, keys: bytes, signals: Signals | None
    ) -> None:
        self._stream = stream
        self._demultiplexer = None if tty else Demultiplexer()
        self._reads_input = stdin
        self._detach = DetachFilter(keys if tty else b"")
        self._signals = signals
        self._pending = b""
        self._input_ended = not stdin

    def run(self) -> bool:
        """Copy in both directions until the output ends or the user detaches."""
        connected = self._stream.socket
        if self._stream.early:
            show(self._stream.receive(), self._demultiplexer)
        while True:
            readable, writable = self._wait(connected)
            if self._signals is not None and self._signals.fd in readable:
                self._signals.dispatch()
            if connected.fileno() in readable:
                data = self._stream.receive(CHUNK)
                if not data:
                    return False
                show(data, self._demultiplexer)
            if STDIN_FD in readable:
                self._read_input()
                if self._detach.detached:
                    return True
            if self._pending and (STDIN_FD in readable or writable):
                self._send(connected)

    def _wait(self, connected: socket.socket) -> tuple[set[int], bool]:
        poller = select.poll()
        poller.register(connected, select.POLLIN | (select.POLLOUT if self._pending else 0))
        if not self._input_ended and not self._pending:
            poller.register(STDIN_FD, select.POLLIN)
        if self._signals is not None:
            poller.register(self._signals.fd, select.POLLIN)
        events = poller.poll()
        writable = any(fd == connected.fileno() and event & select.POLLOUT for fd, event in events)
        readable = {fd for fd, event in events if event & ~select.POLLOUT}
        return readable, writable

    def _read_input(self) -> None:
        try:
            data = os.read(STDIN_FD, CHUNK)
        except OSError:
            data = b""  # the terminal has gone
        if not data:
            self._input_ended = True
            self._stream.close_write()
            return
        self._pending = self._detach.feed(data)

    def _send(self, connected: socket.socket) -> None:
        try:
            sent = connected.send(self._pending, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionResetError):
            # The container no longer reads; what it wrote is still to come.
            self._pending, self._input_ended = b"", True
            return
        self._pending = self._pending[sent:]


def show(data: bytes, demultiplexer: Demultiplexer | None) -> None:
    """Write received bytes to our own streams; without a demultiplexer they are a terminal's."""
    if demultiplexer is None:
        write_all(STDOUT_FD, data)
        return
    for stream, piece in demultiplexer.feed(data):
        if stream == SYSTEM_ERROR:
            raise CommandError(f"Error response from daemon: {piece.decode(errors='replace')}")
        write_all(STDERR_FD if stream == STDERR else STDOUT_FD, piece)


def write_all(fd: int, data: bytes) -> None:
    """Write everything to a descriptor of ours, also where the caller has made it non-blocking."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            poller = select.poll()
            poller.register(fd, select.POLLOUT)
            poller.poll()


def wait_readable(connected: socket.socket, signals: Signals | None) -> None:
    """Wait until the engine says something, acting on signals meanwhile."""
    poller = select.poll()
    poller.register(connected, select.POLLIN)
    if signals is not None:
        poller.register(signals.fd, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poller.poll()}
        if signals is not None and signals.fd in ready:
            signals.dispatch()
        if connected.fileno() in ready:
            return
