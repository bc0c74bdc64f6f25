"""Waiting for news in log directories, on the engine's event loop: one inotify instance for all.

A subscription remembers that something happened since it was last asked, so looking first and
waiting then loses nothing:

    with watch.subscribe(directory) as news:
        while not follower.ended:
            chunks = follower.read()
            if not chunks:
                await news.changed()

Lives on one event loop and is not thread-safe. If the kernel's queue overflows, everybody is woken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Self

from wherry.linux.inotify import IN_CREATE, IN_IGNORED, IN_MODIFY, IN_Q_OVERFLOW, Inotify
from wherry.logs.follower import Chunk, Follower, LineFollower
from wherry.logs.layout import is_index
from wherry.logs.reader import Line, Query


class Subscription:
    """One reader's interest in a directory; also a context manager.

    `over` is set once somebody has said that no more will be written (`LogWatch.finish`).
    """

    def __init__(self, watch: LogWatch, directory: str) -> None:
        self._watch = watch
        self.directory = directory
        self.over = False
        self._news = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def changed(self) -> None:
        """Return when something has happened since the subscription, or since the last return."""
        await self._news.wait()
        self._news.clear()

    def wake(self) -> None:
        """Let `changed` return."""
        self._news.set()

    def close(self) -> None:
        """Give up the interest; may be called twice."""
        self._watch.drop(self)


class LogWatch:
    """The inotify instance and who waits for which directory. Made on a running event loop."""

    def __init__(self) -> None:
        self._inotify = Inotify()
        self._loop = asyncio.get_running_loop()
        self._by_wd: dict[int, list[Subscription]] = {}
        self._loop.add_reader(self._inotify.fileno(), self._dispatch)

    def subscribe(self, directory: str) -> Subscription:
        """Begin to watch a directory. Raises FileNotFoundError if it is not there."""
        subscription = Subscription(self, directory)
        wd = self._inotify.add(directory, IN_MODIFY | IN_CREATE)
        self._by_wd.setdefault(wd, []).append(subscription)
        return subscription

    def drop(self, subscription: Subscription) -> None:
        """Forget a subscription, and the directory with its last one."""
        for wd, subscriptions in self._by_wd.items():
            if subscription in subscriptions:
                subscriptions.remove(subscription)
                if not subscriptions:
                    del self._by_wd[wd]
                    self._inotify.remove(wd)
                return

    def finish(self, directory: str) -> None:
        """Tell all who follow a directory that its run is over and all output is in the files.

        They learn it from the log too, unless the disk was too full to write it there.
        """
        for subscriptions in self._by_wd.values():
            for subscription in subscriptions:
                if subscription.directory == directory:
                    subscription.over = True
                    subscription.wake()

    def close(self) -> None:
        """Stop watching; who still waits is woken once."""
        self._loop.remove_reader(self._inotify.fileno())
        self._wake_all()
        self._by_wd.clear()
        self._inotify.close()

    def _dispatch(self) -> None:
        for event in self._inotify.read():
            if event.mask & IN_Q_OVERFLOW:
                self._wake_all()
            elif event.mask & IN_IGNORED or is_index(event.name):
                for subscription in self._by_wd.get(event.watch, ()):
                    subscription.wake()

    def _wake_all(self) -> None:
        for subscriptions in self._by_wd.values():
            for subscription in subscriptions:
                subscription.wake()


async def stream_chunks(
    watch: LogWatch, directory: str, follower: Follower
) -> AsyncGenerator[Chunk, None]:
    """Yield a follower's chunks as they come, until it has ended."""
    with watch.subscribe(directory) as news:
        while True:
            found = follower.read()
            for chunk in found:
                yield chunk
            if found:
                await asyncio.sleep(0)
            elif follower.ended:
                return
            elif news.over:
                news.over = False
                follower.finish()
            else:
                await news.changed()


async def stream_lines(watch: LogWatch, directory: str, query: Query) -> AsyncIterator[Line]:
    """Yield the lines that match now and, if the query follows, those to come until the run ends.

    Follow only while a run is on: with none, nothing tells that no more will come.
    """
    with watch.subscribe(directory) as news, LineFollower(directory, query) as follower:
        while True:
            found = follower.read()
            for line in found:
                yield line
            if found:
                await asyncio.sleep(0)
            elif follower.ended:
                return
            elif news.over:
                news.over = False
                follower.finish()
            else:
                await news.changed()
