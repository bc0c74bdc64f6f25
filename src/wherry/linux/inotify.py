"""inotify(7): be told when files change."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

from wherry.base.values import dataclass
from wherry.linux import libc

IN_MODIFY: Final = 0x2
IN_CLOSE_WRITE: Final = 0x8
IN_MOVED_TO: Final = 0x80
IN_CREATE: Final = 0x100
IN_DELETE_SELF: Final = 0x400
IN_IGNORED: Final = 0x8000
IN_Q_OVERFLOW: Final = 0x4000

_HEADER: Final = struct.Struct("iIII")
_READ_BYTES: Final = 64 << 10

_init = libc.function("inotify_init1", ctypes.c_int)
_add = libc.function("inotify_add_watch", ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
_remove = libc.function("inotify_rm_watch", ctypes.c_int, ctypes.c_int)


@dataclass(frozen=True, slots=True)
class InotifyEvent:
    """One change: `watch` as `add` returned it, `name` of the entry where a folder is watched."""

    watch: int
    mask: int
    name: str


class Inotify:
    """An inotify instance that does not block; readable when there are events."""

    def __init__(self) -> None:
        self._descriptor = libc.checked("inotify_init1", _init(os.O_NONBLOCK | os.O_CLOEXEC))

    def fileno(self) -> int:
        """Return the descriptor, for a selector."""
        return self._descriptor

    def add(self, path: str, mask: int) -> int:
        """Watch a path and return the watch's number."""
        return libc.checked("inotify_add_watch", _add(self._descriptor, os.fsencode(path), mask))

    def remove(self, watch: int) -> None:
        """Stop watching; a watch that has gone by itself is no error."""
        _remove(self._descriptor, watch)

    def read(self) -> list[InotifyEvent]:
        """Return the events that there are, none at all without waiting."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return []
        events, at = [], 0
        while at < len(data):
            watch, mask, _, length = _HEADER.unpack_from(data, at)
            at += _HEADER.size
            name = data[at : at + length].rstrip(b"\0")
            events.append(InotifyEvent(watch, mask, os.fsdecode(name)))
            at += length
        return events

    def close(self) -> None:
        """Close the instance and all its watches."""
        os.close(self._descriptor)
