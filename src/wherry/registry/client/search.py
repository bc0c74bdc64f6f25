"""Search: what `/v1/search` of a registry answers, all that is left of its first protocol.

Docker Hub has it at a host of its own, its index. What a token is asked for is what Docker's engine
asks the Hub for, and elsewhere what lists repositories.
"""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from wherry.base.errors import UnavailableError
from wherry.registry import protocol
from wherry.registry.client.call import Call
from wherry.registry.client.endpoints import Endpoint, Site
from wherry.registry.client.remote import Remote
from wherry.wire.decode import decode

_INDEX_HOST = "index.docker.io"
INDEX = Site((Endpoint(f"https://{_INDEX_HOST}", _INDEX_HOST, verified=True),))
HUB_SCOPE = "registry:catalog:search"
CATALOG_SCOPE = "registry:catalog:*"
_MAX_REPLY = 4 << 20
_MAX_NAME = 255


class SearchRefusedError(UnavailableError):
    """The registry does not search, or not now; in docker's words."""

    def __init__(self, url: str, status: int) -> None:
        reason = f": {url.partition('?')[0]} is not there" if status == 404 else ""
        super().__init__(f"unexpected status code {status}{reason}")


class SearchResult(msgspec.Struct, frozen=True):
    """A repository that was found."""

    name: str = ""
    description: str = ""
    star_count: int = 0
    is_official: bool = False


class _Reply(msgspec.Struct, frozen=True):
    results: list[SearchResult] = []


async def search(remote: Remote, term: str, limit: int) -> list[SearchResult]:
    """Ask a registry for repositories; raises SearchRefusedError, UnauthorisedError, InvalidError.

    What strangers wrote is made fit for a terminal.
    """
    url = remote.url(f"/v1/search?{urlencode({'q': term, 'n': limit})}")
    async with await remote.send(Call(method="GET", url=url)) as response:
        if response.status in (401, 403, 429):
            await response.raise_refusal()
        if response.status != 200:
            raise SearchRefusedError(url, response.status)
        reply = decode(await response.read(_MAX_REPLY), _Reply)
    return [
        msgspec.structs.replace(
            one,
            name=protocol.printable(one.name)[:_MAX_NAME],
            description=protocol.printable(one.description),
        )
        for one in reply.results
    ]
