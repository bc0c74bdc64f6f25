"""The one way from asyncio to plain blocking code.

`linux`, `oci`, `store`, `runtime`, `network`, `volume` and `logs` block; `engine`, `api` and
`registry` are asyncio. `in_thread` and `begin_in_thread` are the only crossings, so that every
place where the event loop hands work to a thread can be found by their names.
"""

from __future__ import annotations

import asyncio
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


def begin_in_thread(function: Callable[[], None]) -> None:
    """Run blocking code in the default executor without waiting for it; it must not raise."""
    asyncio.get_running_loop().run_in_executor(None, function)
