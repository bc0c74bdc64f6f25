"""Trying small requests again when a server fails or the connection breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from wherry.registry.client.call import Call, Response
from wherry.registry.client.errors import BrokenConnectionError

_PASSING = frozenset({500, 502, 503, 504})
_MOST_PAUSES = 3  # a small request is one of many, so its user has waited long enough then


async def retrying(
    send: Callable[[Call], Awaitable[Response]], call: Call, pauses: Sequence[float]
) -> Response:
    """Send `call` until something else than a passing failure comes, then that or the last one."""
    for pause in pauses[:_MOST_PAUSES]:
        try:
            response = await send(call)
        except BrokenConnectionError:
            pass
        else:
            if response.status not in _PASSING:
                return response
            await response.close()
        await asyncio.sleep(pause)
    return await send(call)
