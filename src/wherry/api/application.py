"""The Engine API as an application of `wherry.api.http`: version, route, and what failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from wherry import __version__
from wherry.api import versions
from wherry.api.call import Call
from wherry.api.http.connection import Handling
from wherry.api.http.message import Reply, Request, Response
from wherry.api.ports import Services
from wherry.api.routes import routes_below
from wherry.api.status import failure, words_of
from wherry.api.streams import frame
from wherry.api.table import Table
from wherry.base.errors import NotFoundError, WherryError

HEADERS = {
    "Api-Version": versions.text(versions.NEWEST),
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": f"Docker/{__version__} (linux)",
}


class Api:
    """Finds what answers a request, and answers when nothing does."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._table = Table(routes_below)

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what every response says."""
        return HEADERS

    def handle(self, request: Request) -> Handling:
        """Choose what answers a request."""
        try:
            version, path = versions.split(request.path)
        except WherryError as error:
            return Handling(_answering(failure(error)), cancellable=False)
        found = self._table.find(request.method, path)
        if found is None:
            reply = failure(NotFoundError("page not found"))
            return Handling(_answering(reply), cancellable=False)
        route, parameters = found
        call = Call(request, self._services, parameters, version)
        return Handling(partial(route.handler, call), route.cancellable)

    def failure(self, error: Exception) -> Reply:
        """Return the response that tells of an error."""
        return failure(error)

    def broken(self, error: Exception) -> bytes | None:
        """Return what an attached client is told of an error, as dockerd does."""
        return frame("stderr", f"{words_of(error)}\n".encode())


def _answering(reply: Reply) -> Callable[[], Awaitable[Response]]:
    async def answer() -> Response:
        return reply

    return answer
