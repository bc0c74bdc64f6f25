"""The keeper's event loop: epoll, level-triggered, with timers; one thread.

A handler gets the event mask and must not block. A descriptor has to be removed here before it is
closed: the engine holds duplicates, and epoll reports an open file until its last one is gone.
"""

from __future__ import annotations

import heapq
import itertools
import select
import time
from collections.abc import Callable
from typing import Final

Handler = Callable[[int], None]

READ: Final = select.EPOLLIN
WRITE: Final = select.EPOLLOUT


class Loop:
    """Descriptors with their handlers, and timers."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._stopping = False

    def add(self, descriptor: int, handler: Handler, events: int = READ) -> None:
        """Call `handler` whenever one of `events`, or an error or hang-up, is there."""
        self._epoll.register(descriptor, events)
        self._handlers[descriptor] = handler

    def modify(self, descriptor: int, events: int) -> None:
        """Change the events that are waited for."""
        self._epoll.modify(descriptor, events)

    def remove(self, descriptor: int) -> None:
        """Stop watching; no handler is called for it any more, even in the present round."""
        if self._handlers.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call `function` once, after a time. It cannot be taken back: it has to look itself."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), function))

    def stop(self) -> None:
        """Let `run` return after the present handler."""
        self._stopping = True

    def run(self) -> None:
        """Serve until `stop`."""
        while not self._stopping:
            self.run_once()
        self._epoll.close()

    def run_once(self) -> None:
        """Wait for events or the next timer, and serve them."""
        for descriptor, mask in self._epoll.poll(self._run_timers()):
            handler = self._handlers.get(descriptor)
            if handler is not None:
                handler(mask)

    def _run_timers(self) -> float:
        """Run what is due and return the seconds until the next timer, -1 for none."""
        while self._timers and not self._stopping:
            wait = self._timers[0][0] - time.monotonic()
            if wait > 0:
                return wait
            heapq.heappop(self._timers)[2]()
        return 0 if self._stopping else -1
