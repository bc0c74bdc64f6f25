"""What a build leaves to be done when its client does not wait any more.

Nothing here decides about a build's result, and whatever is not done before the engine ends is done
at its next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from wherry.base.crossing import to_the_end
from wherry.base.errors import WherryError
from wherry.store import trash

_PAUSE_SECONDS = 1.0
log = logging.getLogger(__name__)


class Chores:
    """Work in the background; lives on one event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something soon."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is at work; what is in a thread is done to its end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def until_done(work: Callable[[], object], what: str) -> None:
    """Run blocking work, again and again while the disk has no room for it."""
    told = False
    while True:
        try:
            await to_the_end(work)
        except (WherryError, OSError) as error:
            if not told:
                log.warning("%s is tried again later: %s", what, error)
            told = True
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return


def empty_all(discarded: Sequence[str]) -> None:
    """Remove what has been taken out of the store."""
    for path in discarded:
        trash.empty(path)
