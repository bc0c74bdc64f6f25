"""Finding out how a process ended whose keeper could not tell, and waiting for a process's end.

A container whose keeper died belongs to the engine, its subreaper, which reaps it here. One whose
keeper and engine both died belongs to the machine's init, which reaps it when it likes: until then
/proc tells, and afterwards, from Linux 6.15 on, the kernel tells whoever has a pidfd from before.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from wherry.keeper.reaping import wait_status

_PATIENCE_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.01


async def find_out(pidfd: int) -> int | None:
    """Return the wait status of a process that has ended; None if nobody can tell.

    Patience is for what lies between: a process that is being reaped just now is neither.
    """
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while (status := wait_status(pidfd)) is None and time.monotonic() < give_up:
        await asyncio.sleep(_PAUSE_SECONDS)
    return status


async def ended(pidfd: int, seconds: float) -> bool:
    """Wait until a process has ended, at most for a time; tell whether it has."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(pidfd, gone.set)
    try:
        async with asyncio.timeout(seconds):
            await gone.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(pidfd)
    return True
