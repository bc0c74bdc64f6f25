"""One endpoint as one user sees it: requests that are authorised, and tried again where that helps.

The challenges come from the endpoint itself, by the first request to its base route and by any 401
of its own; a 401 from where a redirect led teaches nothing.
"""

from __future__ import annotations

from dataclasses import replace

from wherry.registry import protocol
from wherry.registry.auth.credentials import Credentials
from wherry.registry.auth.token import TokenCache
from wherry.registry.client import addresses
from wherry.registry.client.authorizer import Authorizer, Grant, Line
from wherry.registry.client.call import Call, Response
from wherry.registry.client.errors import HostileLocationError, LoginFailedError
from wherry.registry.client.retry import retrying
from wherry.registry.client.settings import Limits


class Remote:
    """Sends requests to one endpoint; made by `Source`."""

    def __init__(
        self, line: Line, credentials: Credentials, scopes: tuple[str, ...], tokens: TokenCache
    ) -> None:
        self._line = line
        self._authorizer = Authorizer(line, credentials, scopes, tokens)

    @property
    def limits(self) -> Limits:
        """How patient to be."""
        return self._line.limits

    def url(self, route: str) -> str:
        """Return the URL of a route."""
        return self._line.endpoint.url + route

    def upload_url(self, base: str, location: str) -> str:
        """Resolve where an upload goes on; never from verified TLS into the clear."""
        url = addresses.joined(base, location)
        if self._line.endpoint.verified and base.startswith("https:") and url.startswith("http:"):
            raise HostileLocationError(f"the registry redirects an upload to {url[:200]!r}")
        return url

    async def connect(self) -> None:
        """Ask the base route what authentication it wants; any answer shows a registry."""
        url = self.url(protocol.base_route())
        call = Call(method="GET", url=url, context=self._line.context)
        async with await self._line.sender.send(call) as response:
            if response.status == 401 and self._own(response):
                self._authorizer.learn(response.challenges)

    async def send(self, call: Call) -> Response:
        """Return the response to an authorised request, whatever its status."""
        if call.bulk:
            return await self._authorised(call)
        return await retrying(self._authorised, call, self.limits.pauses)

    async def _authorised(self, call: Call) -> Response:
        if not addresses.keeps_credentials(self._line.endpoint.url, call.url):
            return await self._granted(call, None)
        grant = await self._authorizer.grant(call)
        response = await self._granted(call, grant)
        if response.status != 401 or not self._own(response):
            return response
        if not self._authorizer.refused(grant, response.challenges):
            return response
        await response.close()
        return await self._granted(call, await self._authorizer.grant(call))

    async def _granted(self, call: Call, grant: Grant | None) -> Response:
        headers = dict(call.headers)
        if grant is not None:
            headers["Authorization"] = grant.value
        return await self._line.sender.send(
            replace(call, headers=headers, context=self._line.context)
        )

    def _own(self, response: Response) -> bool:
        return addresses.keeps_credentials(self._line.endpoint.url, response.url)

    async def login(self) -> str:
        """Check the credentials; returns an identity token or "", raises UnauthorisedError."""
        url = self.url(protocol.base_route())
        call = Call(method="GET", url=url)
        grant, identity = await self._authorizer.login(call)
        async with await self._granted(call, grant) as response:
            if response.status == 200:
                return identity
            line = protocol.status_line(response.status)
            raise LoginFailedError(f"login attempt to {url} failed with status: {line}")
