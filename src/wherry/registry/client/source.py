"""A site of a registry, connected to when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any

from wherry.base.errors import UnavailableError, WherryError
from wherry.registry.client.endpoints import Endpoint, Site
from wherry.registry.client.remote import Remote

Open = Callable[[Endpoint], Coroutine[Any, Any, Remote]]


class Source:
    """Finds the endpoint of a site that answers.

    An insecure site is asked by HTTPS, then by HTTP. What answered is remembered in `worked`, by
    host, and asked first from then on: a registry without TLS costs a failed attempt only once.
    """

    def __init__(self, site: Site, worked: MutableMapping[str, str], open_: Open) -> None:
        self.site = site
        self._worked = worked
        self._open = open_
        self._remote: Remote | None = None
        self._failure: WherryError | None = None
        self._lock = asyncio.Lock()

    async def connect(self) -> Remote:
        """Return the remote; a failure to connect is final, and raised again each time."""
        async with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._remote is None:
                try:
                    self._remote = await self._first_that_answers()
                except WherryError as failure:
                    self._failure = failure
                    raise
            return self._remote

    async def _first_that_answers(self) -> Remote:
        failures: dict[str, UnavailableError] = {}
        for endpoint in sorted(self.site.endpoints, key=self._is_new):
            remote = await self._open(endpoint)
            try:
                await remote.connect()
            except UnavailableError as failure:
                failures[endpoint.url] = failure
            else:
                self._worked[endpoint.host] = endpoint.url
                return remote
        raise failures[self.site.endpoints[-1].url]

    def _is_new(self, endpoint: Endpoint) -> bool:
        return self._worked.get(endpoint.host) != endpoint.url
