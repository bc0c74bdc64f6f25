"""Blobs that were pushed to a repository and that no image names yet.

Each is held by a lease of its own until a manifest claims it, or until nobody has asked for it for
an hour: then it goes, unless something else needs it. So it does when the engine ends, and when it
was killed, at its next start (`Store.recover` knows the leases by their purpose). Lives on the
event loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.values import dataclass
from wherry.oci.digest import Digest
from wherry.store.lease import Lease
from wherry.store.store import RECEIVED, Store

KEPT_SECONDS: Final = 3600.0
NO_REPOSITORY: Final = ""
_MOST: Final = 10_000
_Place = tuple[str, Digest]


@dataclass(slots=True)
class _Held:
    lease: Lease
    timer: asyncio.TimerHandle


class Received:
    """What was pushed, by repository and digest; NO_REPOSITORY for what is only kept a while."""

    def __init__(self, store: Store, seconds: float = KEPT_SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._held: dict[_Place, _Held] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def has(self, name: str, digest: Digest) -> bool:
        """Tell whether a repository was given a blob."""
        return (name, digest) in self._held

    async def hold(self, name: str, digest: Digest) -> None:
        """Keep a blob for a repository, from now on; it may be on its way still."""
        place = name, digest
        known = self._held.get(place)
        if known is None:
            made = Lease(self._store, f"{RECEIVED}-{os.urandom(8).hex()}")
            # Cancelled or not: what is held is known here, and ends with its time.
            known = self._held[place] = _Held(made, self._timer(place))
            await to_the_end(made.hold, digest)
            self._bound()
        known.timer.cancel()
        # The one that was used last is the last to go.
        self._held[place] = self._held.pop(place, known)
        known.timer = self._timer(place)

    def _timer(self, place: _Place) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._seconds, self._expire, place)

    def _bound(self) -> None:
        while len(self._held) > _MOST:
            self._expire(next(iter(self._held)))

    def _expire(self, place: _Place) -> None:
        held = self._held.pop(place, None)
        if held is not None:
            held.timer.cancel()
            task = asyncio.ensure_future(in_thread(held.lease.discard))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def claimed(self, name: str, digests: Iterable[Digest]) -> None:
        """Hold these no longer, for their repository or for none: an image names them."""
        for place in product((name, NO_REPOSITORY), digests):
            if held := self._held.pop(place, None):
                held.timer.cancel()
                await to_the_end(held.lease.release)

    async def drop(self, name: str, digest: Digest) -> None:
        """Take a blob out of a repository; what nothing else needs is removed."""
        self._expire((name, digest))
        await asyncio.gather(*self._ending)

    async def close(self) -> None:
        """Drop everything."""
        held, self._held = self._held, {}
        for one in held.values():
            one.timer.cancel()
        await asyncio.gather(*self._ending, to_the_end(self._discard, held))

    def _discard(self, held: Mapping[_Place, _Held]) -> None:
        for one in held.values():
            one.lease.release()
        if held:
            self._store.collector.collect({digest for _, digest in held})
