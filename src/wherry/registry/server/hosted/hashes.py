"""Hashes of uploads that are under way, so that their bytes need not be read again.

Only a help: an upload that goes on in another process, or that was pushed out by newer ones, is
read once more when it ends. A state is given out once, and put back when what it covers counts.
"""

from __future__ import annotations

from collections import OrderedDict

from wherry.registry.server.hosted.receive import Hash, new_hash

_ROOM = 4096


class Hashes:
    """The running hash of each upload, with the number of bytes that it covers."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._states: OrderedDict[str, tuple[int, Hash]] = OrderedDict()

    def at(self, upload: str, size: int) -> Hash | None:
        """Return a copy of an upload's hash over exactly `size` bytes, a new one for none."""
        if size == 0:
            return new_hash()
        known, state = self._states.get(upload, (-1, None))
        return state.copy() if state is not None and known == size else None

    def put(self, upload: str, size: int, state: Hash | None) -> None:
        """Keep the hash of an upload's first `size` bytes."""
        self._states.pop(upload, None)
        if state is None:
            return
        self._states[upload] = (size, state)
        if len(self._states) > self._room:
            self._states.popitem(last=False)

    def drop(self, upload: str) -> None:
        """Forget an upload that has ended."""
        self._states.pop(upload, None)
