"""What this side serves to a build: contexts, agents, places for outputs, and a display."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from wherry.base.values import dataclass, field
from wherry.cli.build import agents, outputs, source
from wherry.cli.build.outputs import Output
from wherry.cli.build.source import Source
from wherry.client.build import RefusedError, Sink
from wherry.client.context import headers, stdin
from wherry.client.context.directory import Directory

MAIN = "main"


class Display(Protocol):
    """Who shows a build."""

    def take(self, told: Mapping[str, Any]) -> None:
        """Take an event."""

    def tick(self) -> None:
        """Draw, if it is time."""


@dataclass(slots=True)
class Answers:
    """See the module; `close` removes outputs that are not whole.

    `directories` are those of named contexts, `agents` are sockets by id.
    """

    source: Source
    display: Display
    directories: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, str] = field(default_factory=dict)
    outputs: Sequence[Output] = ()
    flush: Callable[[], None] = lambda: None
    _open: list[_Tracked] = field(default_factory=list)

    def context(self, name: str) -> Iterator[bytes]:
        """Return a context; raises RefusedError for one that is not here."""
        if name == MAIN:
            return self._main()
        if name not in self.directories:
            raise RefusedError(f"no context {name}: add --build-context {name}=…")
        directory = self.directories[name]
        return self._directory(directory, source.ignored_in(directory), f"sending context:{name}")

    def _main(self) -> Iterator[bytes]:
        found = self.source
        if found.stdin is not None:
            pieces = stdin.passed_on(found.head, found.stdin)
            return self._counted(pieces, "sending context", None)
        if not found.directory:
            return iter((headers.END,))  # a build without files
        return self._directory(found.directory, found.ignore, "sending context")

    def _directory(self, path: str, ignore: Sequence[str] | None, what: str) -> Iterator[bytes]:
        directory = Directory(path, source.matcher(ignore))
        yield from self._counted(directory.chunks(), what, directory)
        if directory.sockets:
            names = ", ".join(os.fsdecode(name) for name in directory.sockets)
            self.display.take({"event": "said", "text": f"sockets are not sent: {names}"})

    def _counted(
        self, pieces: Iterator[bytes], what: str, directory: Directory | None
    ) -> Iterator[bytes]:
        """Pass pieces on and tell how far it is."""
        sent = 0
        for piece in pieces:
            sent += len(piece)
            self._moved(what, "Sending", sent, directory.total if directory else 0)
            yield piece
        self._moved(what, "Sent", sent, sent)

    def _moved(self, what: str, status: str, current: int, total: int) -> None:
        told = {"what": what, "status": status, "current": current, "total": total}
        self.display.take({"event": "moved", "number": -1, **told})

    def agent(self, identity: str) -> socket.socket:
        """Connect to an agent; raises RefusedError."""
        return agents.connect(self.agents, identity)

    def output(self, index: int) -> Sink:
        """Return where an output goes."""
        if not 0 <= index < len(self.outputs):
            raise RefusedError(f"output {index} was not asked for")
        tracked = _Tracked(outputs.open_sink(self.outputs[index]))
        self._open.append(tracked)
        return tracked

    def event(self, told: Mapping[str, Any]) -> None:
        """Show progress."""
        self.display.take(told)

    def tick(self) -> None:
        """Show how far it is."""
        self.display.tick()
        self.flush()

    def close(self) -> None:
        """Give up what is half-made."""
        for sink in self._open:
            sink.abandon()


class _Tracked:
    """A sink that knows whether all has been written."""

    def __init__(self, sink: outputs.Abandonable) -> None:
        self._sink = sink
        self._closed = False

    def write(self, data: bytes) -> None:
        self._sink.write(data)

    def close(self) -> None:
        self._closed = True
        self._sink.close()

    def abandon(self) -> None:
        if not self._closed:
            self._closed = True
            self._sink.abandon()
