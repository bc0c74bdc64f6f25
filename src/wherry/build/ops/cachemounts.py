"""`RUN --mount=type=cache`: directories that outlive builds, and who may use one at a time.

    shared    anybody, at once
    locked    one step after the other
    private   a step that finds it in use gets one of its own

The directories and their rows are the store's; who uses them is known here. Lives on one event
loop; a directory that is new is filled by its first user before others get it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count

from wherry.base.crossing import in_thread
from wherry.store.buildcache import BuildCache


class CacheMounts:
    """The directories of one store; made once for all builds."""

    def __init__(self, cache: BuildCache) -> None:
        self._cache = cache
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._filling: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._users: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def use(
        self, identity: str, sharing: str, fill: Callable[[str], Awaitable[None]]
    ) -> AsyncIterator[str]:
        """Yield a directory; one that was made just now has been given its content by `fill`."""
        async with contextlib.AsyncExitStack() as held:
            if sharing == "locked":
                await held.enter_async_context(self._locks[identity])
            elif sharing == "private":
                identity = next(name for name in _names(identity) if not self._users[name])
            self._users[identity] += 1
            held.callback(self._users.subtract, [identity])
            async with self._filling[identity]:
                directory, fresh = await in_thread(self._cache.mount_directory, identity)
                if fresh:
                    await fill(directory)
            yield directory

    @property
    def in_use(self) -> frozenset[str]:
        """The ids of the directories that steps have mounted now."""
        return frozenset(name for name, users in list(self._users.items()) if users > 0)


def _names(identity: str) -> Iterator[str]:
    yield identity
    for number in count(2):
        yield f"{identity}#{number}"
