"""Attach to a container: its output as it comes, and its standard input.

Output is followed in the files that the keeper writes, so that a client that reads slowly holds up
nobody. `docker run` attaches before it starts: the follower begins at the end of what is there, and
input waits until there is a process to take it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from wherry.base.errors import ConflictError
from wherry.base.values import dataclass
from wherry.engine.containers.bundle import Bundles
from wherry.engine.containers.record import Container, Status
from wherry.engine.containers.table import ContainerTable
from wherry.engine.streams import write_all
from wherry.engine.supervision.keepers import Keepers
from wherry.linux import terminal
from wherry.logs.follower import Follower
from wherry.logs.reader import Line, Query
from wherry.logs.watch import LogWatch, stream_chunks, stream_lines
from wherry.wire.requests import AttachRequest


class ContainerAttachment:
    """A client's connection to a container's streams."""

    def __init__(
        self,
        record: Container,
        wanted: AttachRequest,
        keepers: Keepers,
        output: AsyncIterator[tuple[str, bytes]],
        started: asyncio.Event | None,
    ) -> None:
        self._record = record
        self._wanted = wanted
        self._keepers = keepers
        self._output = output
        self._started = started

    @property
    def tty(self) -> bool:
        """True where there is one stream, without frames."""
        return self._record.config.tty

    def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield what the container writes, until its run has ended."""
        return self._output

    async def write_stdin(self, data: bytes) -> None:
        """Give the container input; dropped where nothing takes it."""
        descriptor = await self._input()
        if descriptor is None:
            return
        # A descriptor of our own: the engine's may be closed while this waits.
        own = os.dup(descriptor)
        try:
            await write_all(own, data)
        finally:
            os.close(own)

    async def _input(self) -> int | None:
        if self._started is not None:
            await self._started.wait()
        custody = self._keepers.held(self._record.id)
        if custody is None:
            return None
        return custody.terminal if self._record.config.tty else custody.stdin

    async def close_stdin(self) -> None:
        """End the container's input, where the first client to leave is the last."""
        if self._started is not None:
            await self._started.wait()
        if self._record.config.stdin_once and not self._record.config.tty:
            await self._keepers.close_stdin(self._record.id)

    async def close(self) -> None:
        """Let go."""


@dataclass(slots=True)
class AttachToContainer:
    """Attach, logs and resize."""

    table: ContainerTable
    bundles: Bundles
    keepers: Keepers
    log_watch: LogWatch
    started: dict[str, asyncio.Event]

    async def attach(self, reference: str, wanted: AttachRequest) -> ContainerAttachment:
        """Attach; the follower is in place when this returns."""
        record = self.table.find(reference)
        if record.state.status is Status.PAUSED:
            raise ConflictError(
                f"container {record.id} is paused, unpause the container before attach"
            )
        if record.state.status is Status.RESTARTING:
            raise ConflictError(
                f"container {record.id} is restarting, wait until the container is running"
            )
        started = None
        if not record.state.running and wanted.stream:
            started = self.started.setdefault(record.id, asyncio.Event())
        output = self._output(record, wanted)
        return ContainerAttachment(record, wanted, self.keepers, output, started)

    def _output(self, record: Container, wanted: AttachRequest) -> AsyncIterator[tuple[str, bytes]]:
        directory = self.bundles.log_directory(record)
        streams = {"stdout"} if wanted.stdout else set()
        if wanted.stderr:
            streams.add("stderr")
        follower = Follower(directory, at_end=not wanted.logs)
        if not wanted.stream:
            follower.finish()
        return _chunks(self.log_watch, directory, follower, streams)

    async def logs(self, reference: str, query: Query) -> AsyncIterator[Line]:
        """Return the lines that a query asks for; checked before the first is read."""
        record = self.table.find(reference)
        if record.host_config.log_config.type == "none":
            raise ConflictError(
                "configured logging driver does not support reading: start the container with"
                " another --log-driver than none"
            )
        directory = self.bundles.log_directory(record)
        follow = query.follow and record.state.running
        asked = Query(
            follow, query.stdout, query.stderr, query.since_ns, query.until_ns, query.tail
        )
        return stream_lines(self.log_watch, directory, asked)

    async def resize(self, reference: str, height: int, width: int) -> None:
        """Set the size of the container's terminal."""
        record = self.table.find(reference)
        custody = self.keepers.held(record.id)
        if custody is None or not record.state.running:
            raise ConflictError(f"Container {record.id} is not running")
        if custody.terminal is not None and height and width:
            terminal.set_size(custody.terminal, height, width)


async def _chunks(
    watch: LogWatch, directory: str, follower: Follower, streams: set[str]
) -> AsyncIterator[tuple[str, bytes]]:
    with follower:
        async for chunk in stream_chunks(watch, directory, follower):
            if chunk.stream in streams:
                yield chunk.stream, chunk.data
