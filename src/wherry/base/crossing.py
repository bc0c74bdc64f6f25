"""The one way from asyncio to plain blocking code.

`linux`, `oci`, `store`, `runtime`, `network`, `volume` and `logs` block; `engine`, `api` and
`registry` are asyncio. `in_thread`, `to_the_end` and `begin_in_thread` are the only crossings, so
that every place where the event loop hands work to a thread can be found by their names.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


async def in_thread(
    function: Callable[Parameters, Result],
    /,
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Run blocking code in the loop's default executor and return what it returns.

    Cancelling the caller does not stop the thread: what was begun is finished, so a function given
    here must leave a consistent state whether or not anyone still waits for it.
    """
    return await asyncio.to_thread(function, *args, **kwargs)


async def to_the_end(
    function: Callable[Parameters, Result],
    /,
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Run blocking code as `in_thread` does, and do not leave before it has ended.

    For code that uses what the caller takes back when it is cancelled: a descriptor, an address, a
    file. The cancellation is raised afterwards, unless the code failed: then its error is.
    """
    working = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        while not working.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([working])
        working.result()
        raise


def begin_in_thread(function: Callable[[], None]) -> None:
    """Run blocking code in the default executor without waiting for it; it must not raise."""
    asyncio.get_running_loop().run_in_executor(None, function)
