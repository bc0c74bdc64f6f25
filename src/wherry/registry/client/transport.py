"""HTTP as registries need it: bounded, and careful with where credentials go.

This and `failures` are the only modules that import aiohttp, which costs 0.2 s: `registry` imports
them on the first use.

Redirects are followed here and not by aiohttp, so that each step is looked at: the Authorization
header stays behind when the origin changes. Bodies come as they are sent, never decompressed, for
digests are of those bytes. Blobs (`Call.bulk`) wait for one of a few places per host before they
take a connection; small requests do not wait behind them. Cookies are ignored, and so is ~/.netrc;
proxies are those of the settings or the environment, never for the loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeGuard

import aiohttp
import yarl

from wherry import __version__
from wherry.base.errors import UnavailableError
from wherry.registry import protocol
from wherry.registry.auth.challenge import Challenge, parse_challenges
from wherry.registry.client import addresses
from wherry.registry.client.call import MAX_ERROR_BODY, Body, Call, Response
from wherry.registry.client.errors import (
    HostileLocationError,
    OversizedReplyError,
    UnexpectedStatusError,
    refusal,
)
from wherry.registry.client.failures import translated
from wherry.registry.client.proxies import Proxies, from_environment
from wherry.registry.client.settings import Limits

_MOST_REDIRECTS = 10
_CHUNK = 1 << 20
_MOST_HEADER = 32 << 10  # signed URLs in a Location run to several kilobytes
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
_REPEATABLE = {"GET": (301, 302, 303, 307, 308), "HEAD": (301, 302, 303, 307, 308)}


class Transport:
    """Sends requests over shared connections; belongs to one event loop."""

    def __init__(self, limits: Limits, proxies: Proxies | None = None) -> None:
        self._limits = limits
        self._proxies = proxies
        self._places: weakref.WeakValueDictionary[str, asyncio.Semaphore]
        self._places = weakref.WeakValueDictionary()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_CHUNK,
            max_line_size=_MOST_HEADER,
            max_field_size=_MOST_HEADER,
            headers={"User-Agent": f"wherry/{__version__}", "Accept-Encoding": "identity"},
            skip_auto_headers=("Content-Type", "Accept"),
        )

    def reconfigure(self, limits: Limits, proxies: Proxies | None) -> None:
        """Be so patient from now on, and go through these proxies."""
        self._limits, self._proxies = limits, proxies
        self._places.clear()

    async def close(self) -> None:
        """Close all connections; what is under way fails."""
        await self._session.close()

    async def send(self, call: Call) -> Response:
        """Return the response, redirects followed; raises when none arrives."""
        asked = call.url
        for _ in range(_MOST_REDIRECTS):
            response = await self._hop(call, asked)
            location = response.header("Location")
            if not _redirected(call, response.status) or not location:
                return response
            await response.close()
            call = _redirect(call, location)
        raise HostileLocationError(f"{asked}: stopped after {_MOST_REDIRECTS} redirects")

    async def _hop(self, call: Call, asked: str) -> _Response:
        async with AsyncExitStack() as held:
            if call.bulk:
                await held.enter_async_context(self._place(call.url))
            shown = addresses.shown(call.url, asked)
            try:
                raw = await self._request(call)
            except _FAILURES as error:
                failure = call.body.failure if _streamed(call.body) else None
                raise failure or translated(error, call.method, shown) from error
            response = _Response(raw, call, shown, self._limits)
            held.callback(raw.release)
            response.holds(held.pop_all())
            return response

    def _place(self, url: str) -> asyncio.Semaphore:
        host = ":".join(map(str, addresses.origin_of(url)))
        place = self._places.get(host)
        if place is None:
            place = self._places[host] = asyncio.Semaphore(self._limits.transfers)
        return place

    async def _request(self, call: Call) -> aiohttp.ClientResponse:
        """Send one request; raises TimeoutError when the body or the head of the reply stalls."""
        answer = self._limits.commit if call.method == "PUT" else self._limits.reply
        async with asyncio.timeout(self._limits.connect + answer) as watch:
            body = _Watched(call.body, watch, self._limits) if _streamed(call.body) else call.body
            silence = self._limits.commit if call.method == "PUT" else self._limits.stall
            return await self._session.request(
                call.method,
                yarl.URL(call.url, encoded=True),
                headers=_headers(call),
                data=body.chunks() if isinstance(body, _Watched) else body,
                allow_redirects=False,
                ssl=call.context if call.context is not None else True,
                proxy=self._proxy(call.url),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=self._limits.connect, sock_read=silence
                ),
            )

    def _proxy(self, url: str) -> str | None:
        proxies = from_environment(os.environ) if self._proxies is None else self._proxies
        return proxies.of(url)


def _streamed(body: bytes | Body | None) -> TypeGuard[Body]:
    return body is not None and not isinstance(body, bytes)


def _headers(call: Call) -> dict[str, str]:
    headers = dict(call.headers)
    if _streamed(call.body):
        headers["Content-Length"] = str(call.body.size)
    return headers


def _redirected(call: Call, status: int) -> bool:
    return call.redirects and status in _REPEATABLE.get(call.method, (307, 308))


def _redirect(call: Call, location: str) -> Call:
    target = addresses.joined(call.url, location)
    if call.body is not None and target.startswith("http:") and call.url.startswith("https:"):
        raise HostileLocationError(f"the registry redirects an upload to {target[:200]!r}")
    headers = dict(call.headers)
    if not addresses.keeps_credentials(call.url, target):
        headers.pop("Authorization", None)
    return replace(call, url=target, headers=headers)


class _Watched:
    """A body whose stalling ends the request.

    aiohttp starts to count silence when the body has been sent; a server that stops reading would
    hold it for ever. Each chunk asked for moves the deadline.
    """

    def __init__(self, body: Body, watch: asyncio.Timeout, limits: Limits) -> None:
        self._body = body
        self._watch = watch
        self._limits = limits

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body's chunks."""
        self._extend(self._limits.connect + self._limits.stall)
        async with contextlib.aclosing(self._body.chunks()) as chunks:
            async for chunk in chunks:
                self._extend(self._limits.stall)
                yield chunk
        self._extend(self._limits.commit)

    def _extend(self, seconds: float) -> None:
        # The request may be over, answered before all was sent: then nothing is left to watch.
        with contextlib.suppress(RuntimeError):
            self._watch.reschedule(asyncio.get_running_loop().time() + seconds)


class _Response:
    """aiohttp's response behind our own interface."""

    def __init__(self, raw: aiohttp.ClientResponse, call: Call, shown: str, limits: Limits) -> None:
        self._raw = raw
        self._method = call.method
        self._shown = shown
        self._limits = limits
        self._held = AsyncExitStack()
        self.status = raw.status
        self.url = call.url

    def holds(self, held: AsyncExitStack) -> None:
        """Take over what is given back with the response."""
        self._held = held

    @property
    def challenges(self) -> Sequence[Challenge]:
        """What WWW-Authenticate says."""
        return parse_challenges(self._raw.headers.getall("WWW-Authenticate", ()))

    def header(self, name: str) -> str:
        """Return a header's value, empty without it."""
        return self._raw.headers.get(name, "")

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        while chunk := await self._chunk():
            yield chunk

    async def _chunk(self) -> bytes:
        try:
            return await self._raw.content.read(_CHUNK)
        except _FAILURES as error:
            raise translated(error, self._method, self._shown) from error

    async def read(self, limit: int) -> bytes:
        """Return the body; raises OversizedReplyError beyond `limit` bytes."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.reply):
                while len(body) <= limit and (chunk := await self._chunk()):
                    body += chunk
        except TimeoutError as error:
            raise translated(error, self._method, self._shown) from error
        if len(body) > limit:
            raise OversizedReplyError(f"{self._shown}: the reply is larger than {limit} bytes")
        return bytes(body)

    async def raise_refusal(self, prefix: str = "") -> None:
        """Raise the error that a status other than 2xx stands for."""
        if 200 <= self.status < 300:
            return
        if not 400 <= self.status < 500:
            raise UnexpectedStatusError(self.status, prefix)
        bearer = [c.parameters for c in self.challenges if c.scheme == "bearer"]
        body = await self._beginning(MAX_ERROR_BODY)
        failure = protocol.read_failure(
            self.status, self.header("Content-Type"), body, bearer[0] if bearer else None
        )
        raise refusal(failure, prefix)

    async def _beginning(self, limit: int) -> bytes:
        """Return what can be had of an error's body: the status says enough without it."""
        try:
            return await self.read(limit)
        except (OversizedReplyError, UnavailableError):
            return b""

    async def close(self) -> None:
        """Give the connection back, or up when something is left on it."""
        await self._held.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
