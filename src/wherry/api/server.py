"""The server of the Engine API: what the daemon starts and stops."""

from __future__ import annotations

from wherry.api.application import Api
from wherry.api.http.listen import Listeners
from wherry.api.ports import Services


class Server:
    """Serves the engine on any number of sockets."""

    def __init__(self, services: Services) -> None:
        self._listeners = Listeners(Api(services))

    async def serve_unix(self, path: str, mode: int = 0o660, group: int = -1) -> None:
        """Listen on a unix socket; the file belongs to `group` and has `mode` from the start."""
        await self._listeners.unix(path, mode, group)

    async def serve_tcp(self, host: str, port: int) -> None:
        """Listen on a TCP address."""
        await self._listeners.tcp(host, port)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        await self._listeners.close()
