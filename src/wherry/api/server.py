"""The server of the Engine API: what the daemon starts and stops."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from wherry.api.application import Api
from wherry.api.http.listen import Listeners
from wherry.api.ports import Services

if TYPE_CHECKING:
    import ssl


class Server:
    """Serves the engine on any number of sockets."""

    def __init__(self, services: Services) -> None:
        self._listeners = Listeners(Api(services))

    async def serve_unix(self, path: str, mode: int = 0o660, group: int = -1) -> None:
        """Listen on a unix socket; the file belongs to `group` and has `mode` from the start."""
        await self._listeners.unix(path, mode, group)

    async def serve_tcp(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        """Listen on a TCP address; with a context, TLS is spoken there and nothing else."""
        await self._listeners.tcp(host, port, context)

    async def serve_socket(
        self, listener: socket.socket, context: ssl.SSLContext | None = None
    ) -> None:
        """Serve a socket that listens already, as systemd passes them; its file stays."""
        await self._listeners.adopt(listener, context)

    def renew(self, context: ssl.SSLContext) -> None:
        """Speak TLS with another context from now on, on every listener that speaks it.

        `wherry.daemon.tls.context` makes one; if that fails, the one in use simply stays.
        """
        self._listeners.renew(context)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        await self._listeners.close()
