"""One connection of `POST /wherry/build`: frames to a build and back (`wherry.wire.frames`).

What arrives is given to the channel that it is for; a channel whose reader is behind holds up the
connection, and through it the client. When the client goes away, the build is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any, Final

import msgspec

from wherry.api.http.message import Duplex
from wherry.api.ports import Builds
from wherry.api.status import words_of
from wherry.base.errors import InvalidError, NotFoundError, WherryError
from wherry.base.feed import fed
from wherry.build import progress
from wherry.build.context.archive import ArchiveTree, spool
from wherry.build.graph.actions import MAIN_CONTEXT
from wherry.build.options import BuildOptions
from wherry.engine.images.crossing import streamed
from wherry.oci.reading import read
from wherry.store.layers.compression import Writable
from wherry.wire import frames
from wherry.wire.build import BuildMessage
from wherry.wire.frames import DATA, END, MESSAGE, Decoder, Frame

_BEHIND_AT_MOST: Final = 64
_EVENTS_AT_MOST: Final = 256
_PIECE: Final = 1 << 18
_NAMES: Final = {
    progress.Planned: "planned",
    progress.Began: "began",
    progress.Wrote: "wrote",
    progress.Moved: "moved",
    progress.Ended: "ended",
    progress.Found: "found",
    progress.Said: "said",
    progress.Finished: "finished",
}


class ClientGoneError(ConnectionError):
    """The client has closed the connection."""


async def serve(builds: Builds, duplex: Duplex) -> None:
    """Answer one client until its build has ended."""
    connection = FrameSession(duplex, builds.spool_directory)
    async with contextlib.aclosing(connection):
        options = options_of(await connection.first())
        building = asyncio.ensure_future(_build(builds, options, connection))
        reading = asyncio.ensure_future(connection.read())
        try:
            await asyncio.wait({building, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not building.done():
                building.cancel()  # nobody is there any more
            await asyncio.gather(building, return_exceptions=True)
        finally:
            for task in (building, reading):
                task.cancel()
            await asyncio.gather(building, reading, return_exceptions=True)


async def _build(builds: Builds, options: BuildOptions, connection: FrameSession) -> None:
    try:
        built = await builds.build(options, connection, connection.report)
    except (WherryError, OSError) as error:
        await connection.message({"type": "failed", "message": words_of(error)})
        return
    metadata = {
        "image.id": built.image,
        "image.digest": built.digest,
        "image.names": list(built.names),
    }
    await connection.message({"type": "done", "image": built.image, "metadata": metadata})


def options_of(told: BuildMessage) -> BuildOptions:
    """Return what the client's first message asks for."""
    text = told.dockerfile_text
    if MAIN_CONTEXT in told.contexts:
        raise InvalidError(f"a named context cannot be called {MAIN_CONTEXT}: choose another name")
    local = told.context in ("local", "none")
    return BuildOptions(
        dockerfile=told.dockerfile or "Dockerfile",
        dockerfile_text=None if text is None else text.encode("utf-8", "surrogateescape"),
        remote="" if local else told.context,
        filtered=local,
        tags=told.tags,
        target=told.target,
        arguments=told.arguments,
        labels=told.labels,
        platform=told.platform,
        no_cache=told.no_cache,
        no_cache_stages=told.no_cache_stages,
        cache_from=told.cache_from,
        pull=told.pull,
        network="" if told.network in ("default", "bridge") else told.network,
        extra_hosts=told.extra_hosts,
        limits=told.limits,
        contexts=told.contexts,
        secrets=told.secrets,
        ssh=told.ssh,
        outputs=told.outputs,
        allow=told.allow,
        check=told.check,
        credentials=told.credentials,
        scope=told.scope,
    )


def _bound(path: str) -> socket.socket:
    """Bind a unix socket, however long the path of its directory is: names of sockets are short."""
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        made.bind(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    except BaseException:
        made.close()
        raise
    finally:
        os.close(folder)
    return made


class _Channel:
    """What arrives on one channel, for one reader."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(_BEHIND_AT_MOST)

    async def put(self, data: bytes | BaseException | None) -> None:
        """Add bytes, the end (None), or why there will be none."""
        await self._queue.put(data)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what arrives, up to the end."""
        while (data := await self._queue.get()) is not None:
            if isinstance(data, BaseException):
                raise data
            yield data


class FrameSession:
    """The client, as a build sees it."""

    def __init__(self, duplex: Duplex, directory: str) -> None:
        self._duplex = duplex
        self._directory = directory
        self._decoder = Decoder()
        self._early: list[Frame] = []
        self._sending = asyncio.Lock()
        self._numbers = count(1)
        self._channels: dict[int, _Channel] = {}
        self._contexts: dict[str, asyncio.Future[ArchiveTree]] = {}
        self._events: asyncio.Queue[bytes] = asyncio.Queue()
        self._taken = asyncio.Event()
        self._writing = asyncio.ensure_future(self._write_events())

    async def aclose(self) -> None:
        """Let go of everything."""
        self._writing.cancel()
        for receiving in self._contexts.values():
            receiving.cancel()
        await asyncio.gather(self._writing, *self._contexts.values(), return_exceptions=True)
        for receiving in self._contexts.values():
            if not receiving.cancelled() and receiving.exception() is None:
                receiving.result().close()

    async def first(self) -> BuildMessage:
        """Return the message with which every client begins."""
        while not self._early:
            data = await self._duplex.receive()
            if not data:
                raise ClientGoneError("the client has gone before it said what it wants")
            self._early += self._decoder.feed(data)
        frame = self._early.pop(0)
        try:
            told = read(frame.data, BuildMessage)
        except msgspec.MsgspecError as error:
            raise InvalidError(f"this is no request for a build: {error}") from None
        if frame.kind != MESSAGE or told.type != "build":
            raise InvalidError(f"this is no request for a build: {told.type}")
        return told

    async def read(self) -> None:
        """Give what arrives to its channel; returns when the client has gone."""
        for frame in self._early:
            await self._take(frame)
        while data := await self._duplex.receive():
            for frame in self._decoder.feed(data):
                await self._take(frame)
        for channel in self._channels.values():
            await channel.put(ClientGoneError("the client has gone"))

    async def _take(self, frame: Frame) -> None:
        if frame.kind == MESSAGE:
            told = read(frame.data, dict[str, Any])
            channel = self._channels.get(told.get("channel", -1))
            if told.get("type") == "refused" and channel is not None:
                await channel.put(NotFoundError(str(told.get("message", "the client refused"))))
            return
        channel = self._channels.get(frame.channel)
        if channel is not None:
            await channel.put(None if frame.kind == END else frame.data)

    async def message(self, told: dict[str, Any]) -> None:
        """Send a message, after all events that were reported before."""
        await self._events.join()
        await self._send(frames.encode(MESSAGE, 0, json.dumps(told).encode()))

    def report(self, event: progress.Event) -> None:
        """Send an event, soon."""
        told = {"type": "event", "event": _NAMES[type(event)], **msgspec.to_builtins(event)}
        self._events.put_nowait(frames.encode(MESSAGE, 0, msgspec.json.encode(told)))

    async def ready(self) -> None:
        """Wait while many events wait."""
        while self._events.qsize() > _EVENTS_AT_MOST:
            await self._taken.wait()
            self._taken.clear()

    async def _write_events(self) -> None:
        while True:
            data = await self._events.get()
            try:
                await self._send(data)
            except ConnectionError:
                pass  # the reader notices as well, and ends the build
            finally:
                self._events.task_done()
                self._taken.set()

    async def _send(self, data: bytes) -> None:
        async with self._sending:
            await self._duplex.send(data)

    def _open(self) -> tuple[int, _Channel]:
        number = next(self._numbers)
        channel = self._channels[number] = _Channel()
        return number, channel

    async def context(self, name: str) -> ArchiveTree:
        """Return a context, asked for once."""
        if name not in self._contexts:
            self._contexts[name] = asyncio.ensure_future(self._receive(name))
        return await asyncio.shield(self._contexts[name])

    async def _receive(self, name: str) -> ArchiveTree:
        number, channel = self._open()
        try:
            await self.message({"type": "want", "channel": number, "context": name})
            return await fed(channel.chunks(), lambda source: spool(source, self._directory))
        finally:
            del self._channels[number]

    @contextlib.asynccontextmanager
    async def ssh(self, identity: str, path: str) -> AsyncIterator[None]:
        """Serve the client's agent at `path`: each connection is a channel."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._relay(identity, reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_unix_server(connected, sock=_bound(path))
        try:
            yield
        finally:
            server.close()

    async def _relay(
        self, identity: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number, channel = self._open()
        await self.message({"type": "ssh", "channel": number, "id": identity})

        async def back() -> None:
            async for data in channel.chunks():
                writer.write(data)
                await writer.drain()
            writer.write_eof()

        answering = asyncio.ensure_future(back())
        try:
            while data := await reader.read(_PIECE):
                await self._send(frames.encode(DATA, number, data))
            await self._send(frames.encode(END, number))
            await answering
        except (ConnectionError, NotFoundError):
            return  # the process sees its agent hang up
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            del self._channels[number]

    async def output(self, index: int, write: Callable[[Writable], None]) -> None:
        """Send what `write` writes, in a thread, on a channel of its own."""
        number, _ = self._open()
        await self.message({"type": "output", "channel": number, "index": index})
        async for piece in streamed(write):
            for start in range(0, len(piece), _PIECE):
                await self._send(frames.encode(DATA, number, piece[start : start + _PIECE]))
        await self._send(frames.encode(END, number))
        del self._channels[number]
