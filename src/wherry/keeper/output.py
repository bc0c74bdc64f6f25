"""Moving a process's output into its log whenever there is some.

A pipe's content is spliced into the log. A terminal's goes by a pipe of our own (`relay`), of which
the engine holds duplicates too: what has left the terminal and not reached the log when the keeper
is killed is still in that pipe. At most one pipe's content is moved for one event, so no process
keeps the others waiting.
"""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Final

from wherry.keeper.loop import Loop
from wherry.keeper.protocol import Custody
from wherry.linux.terminal import to_the_end
from wherry.logs.record import Kind
from wherry.logs.writer import LogWriter

# At a process's end the pipes hold what fits in; a stranger who still writes is not awaited.
_LAST_ROUNDS: Final = 64
# One read of a terminal gives at most a page.
_TERMINAL_READ: Final = 4096


class OpenLogs:
    """Bounds how many logs are open at a time; the one not used for longest is closed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: OrderedDict[LogWriter, None] = OrderedDict()

    def used(self, writer: LogWriter) -> None:
        """Note that a writer was used just now."""
        self._open[writer] = None
        self._open.move_to_end(writer)
        if len(self._open) > self._most:
            self._open.popitem(last=False)[0].close()

    def close(self, writer: LogWriter) -> None:
        """Close a writer that is done."""
        self._open.pop(writer, None)
        writer.close()


class Output:
    """The output of one process. `on_end` is called once, when all streams have ended."""

    __slots__ = ("_custody", "_logs", "_loop", "_on_end", "_watched", "_writer")

    def __init__(
        self, loop: Loop, logs: OpenLogs, custody: Custody, null: int, on_end: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._logs = logs
        self._custody = custody
        self._writer = LogWriter(custody.log_directory, null, custody.log_options)
        self._on_end = on_end
        self._watched: set[int] = set()

    @property
    def ended(self) -> bool:
        """True once no stream can give any more."""
        return not self._watched

    def watch(self) -> None:
        """Begin to move output. What a relay holds already is moved at once."""
        custody = self._custody
        if custody.terminal is not None:
            self._pump(0, custody.stdout)
            self._add(custody.terminal, self._terminal_ready)
            return
        if custody.stdout is not None:
            self._add(custody.stdout, self._stdout_ready)
        if custody.stderr is not None:
            self._add(custody.stderr, self._stderr_ready)

    def mark(self, kind: Kind) -> None:
        """Note a run's start or end in the log."""
        self._writer.mark(kind)
        self._logs.used(self._writer)

    def drain(self) -> None:
        """Move what is there now, after the process has ended."""
        for _ in range(_LAST_ROUNDS):
            moved = [self._ready(descriptor) for descriptor in tuple(self._watched)]
            if not any(moved):
                return

    def close(self) -> None:
        """Stop moving output and close the log; the descriptors stay the custody's."""
        for descriptor in tuple(self._watched):
            self._loop.remove(descriptor)
        self._watched.clear()
        self._logs.close(self._writer)

    def _add(self, descriptor: int, handler: Callable[[int], None]) -> None:
        self._watched.add(descriptor)
        self._loop.add(descriptor, handler)

    def _ready(self, descriptor: int) -> bool:
        """Move what one source has; True if that was something."""
        if descriptor == self._custody.terminal:
            return self._move_terminal()
        stream = 0 if descriptor == self._custody.stdout else 1
        moved = self._pump(stream, descriptor)
        if moved == 0:
            self._end(descriptor)
        return bool(moved)

    def _stdout_ready(self, _mask: int) -> None:
        if self._custody.stdout is not None:
            self._ready(self._custody.stdout)

    def _stderr_ready(self, _mask: int) -> None:
        if self._custody.stderr is not None:
            self._ready(self._custody.stderr)

    def _terminal_ready(self, _mask: int) -> None:
        self._move_terminal()

    def _move_terminal(self) -> bool:
        terminal, relay = self._custody.terminal, self._custody.relay
        assert terminal is not None
        assert relay is not None
        try:
            moved = to_the_end(partial(_transfer, terminal, relay), 0)
        except BlockingIOError:
            return False
        except OSError:
            # A terminal that cannot be read has ended, too: its process must not wait for us.
            moved = 0
        if moved:
            self._pump(0, self._custody.stdout)
        else:
            self._end(terminal)
        return bool(moved)

    def _pump(self, stream: int, source: int | None) -> int | None:
        if source is None:
            return 0
        moved = self._writer.pump(stream, source)
        if moved:
            self._logs.used(self._writer)
        return moved

    def _end(self, descriptor: int) -> None:
        self._loop.remove(descriptor)
        self._watched.discard(descriptor)
        if not self._watched:
            self._on_end()


def _transfer(terminal: int, relay: int) -> int:
    """Move what a terminal has into an empty pipe, by splice where the kernel can."""
    try:
        return os.splice(terminal, relay, _TERMINAL_READ, flags=os.SPLICE_F_NONBLOCK)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return os.write(relay, os.read(terminal, _TERMINAL_READ))
