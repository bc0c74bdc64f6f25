"""Frames of wherry's own build connection (`POST /wherry/build`, taken over): pure.

    kind 1 byte | channel 4 bytes | length 4 bytes, big-endian | so many bytes

    MESSAGE  channel 0: one JSON object (below)
    DATA     bytes of a channel
    END      no more bytes on this channel in this direction

The client's first frame is the message `{"type": "build", …}` (`wherry.wire.build.BuildMessage`).
Then, from the engine:

    {"type": "want", "channel": n, "context": name}    send the context's tar on channel n
    {"type": "ssh", "channel": n, "id": id}            connect channel n to the agent or key `id`
    {"type": "output", "channel": n, "index": i}       what comes on n is the i-th output: a tar
    {"type": "event", "event": name, …}                progress (`wherry.build.progress`)
    {"type": "done", "image": id, "metadata": {…}}     the last message of a build that succeeded
    {"type": "failed", "message": text}                the last message of one that did not

and from the client `{"type": "refused", "channel": n, "message": text}` where it cannot do what is
wanted. Channel numbers are the engine's. A client that goes away cancels the build. Standard
library only: the client program loads this.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

MESSAGE, DATA, END = 1, 2, 3
LARGEST = 1 << 20
_HEAD = struct.Struct(">BII")


class BrokenFrameError(InvalidError):
    """What arrived is no frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: int
    channel: int
    data: bytes


def encode(kind: int, channel: int, data: bytes = b"") -> bytes:
    """Return the bytes of one frame; `data` is at most LARGEST bytes long."""
    assert len(data) <= LARGEST
    return _HEAD.pack(kind, channel, len(data)) + data


class Decoder:
    """Puts frames together from bytes in any pieces."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes and yield the frames that they complete; raises BrokenFrameError."""
        self._held += data
        while len(self._held) >= _HEAD.size:
            kind, channel, length = _HEAD.unpack_from(self._held)
            if kind not in (MESSAGE, DATA, END) or length > LARGEST:
                raise BrokenFrameError(f"the other side sent no frame: kind {kind}, {length} bytes")
            end = _HEAD.size + length
            if len(self._held) < end:
                return
            frame = Frame(kind, channel, bytes(self._held[_HEAD.size : end]))
            del self._held[:end]
            yield frame
