"""The server: exchanges, observers, stalls, and its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import aiohttp
import pytest
from aiohttp import web

from fixtures.registry_server import Served, Serving, serving
from wherry.base.errors import UnavailableError
from wherry.registry.server.access.guard import (
    AuthenticationRequiredError,
    Caller,
    OpenGuard,
    Peer,
)
from wherry.registry.server.backend import Backend
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.server import RegistryServer
from wherry.registry.server.settings import Limits

LARGE = bytes(16 << 20)  # more than sockets hold
STALL = Limits(stall=0.2)


class UnforeseenError(Exception):
    pass


@dataclass
class Odd:
    """A site with paths of its own."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        exchange.route = "odd"
        match exchange.request.path:
            case "/fault":
                raise UnforeseenError("/secret")
            case "/away":
                raise UnavailableError("the upstream is away")
            case "/large":
                return web.Response(body=LARGE)
            case "/streamed":
                return await self._streamed(exchange.request)
            case "/half":
                response = await self._streamed(exchange.request)
                raise UnforeseenError(response.status)
            case "/wait":
                self.asked.set()
                await self.go_on.wait()
                return web.Response(text="done")
            case "/peer":
                peer = exchange.peer
                return web.Response(text=f"{peer.address} {peer.base_url}")
        exchange.route = "unknown"
        return None

    async def _streamed(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"some")
        return response


@pytest.fixture
async def odd(registry: Served) -> AsyncIterator[Served]:
    async with serving(registry.backend, Serving(sites=[Odd()])) as served:
        yield served


async def test_every_response_has_an_id_that_logs_have_too(registry: Served) -> None:
    ids = set()
    for path in ("/v2/", "/v2/", "/nothing"):
        answer = await registry.ask("GET", path, headers={"X-Request-Id": "mine"})
        assert answer.headers["X-Request-Id"] == (await registry.last()).id
        assert answer.headers["Server"] == "wherry"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        ids.add(answer.headers["X-Request-Id"])
    assert len(ids) == 3
    assert "mine" not in ids


async def test_a_trusted_proxy_speaks_for_its_client(registry: Served) -> None:
    how = Serving(sites=[Odd()], trusted_proxies=["127.0.0.0/8"])
    async with serving(registry.backend, how) as served:
        headers = {
            "X-Forwarded-For": "198.51.100.1",
            "X-Forwarded-Proto": "https",
            "X-Request-Id": "proxy-1",
        }
        answer = await served.ask("GET", "/peer", headers=headers)
        assert answer.body.decode() == f"198.51.100.1 https://{served.host}"
        assert answer.headers["X-Request-Id"] == "proxy-1"


async def test_unknown_paths(registry: Served) -> None:
    answer = await registry.ask("GET", "/nothing")
    assert (answer.status, answer.code) == (404, "UNSUPPORTED")
    exchange = await registry.last()
    assert (exchange.route, exchange.status, exchange.error) == ("unknown", 404, "UNSUPPORTED")
    assert exchange.sent == len(answer.body)
    assert exchange.seconds > 0


async def test_head_is_get_without_a_body(registry: Served) -> None:
    got, head = await registry.ask("GET", "/nothing"), await registry.ask("HEAD", "/nothing")
    assert (head.status, head.body) == (404, b"")
    assert head.headers["Content-Length"] == str(len(got.body))
    assert (await registry.last()).sent == 0


async def test_a_fault_of_ours(odd: Served, caplog: pytest.LogCaptureFixture) -> None:
    answer = await odd.ask("GET", "/fault")
    assert (answer.status, answer.code) == (500, "UNKNOWN")
    assert b"secret" not in answer.body
    (record,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert record.exc_info
    exchange = await odd.last()
    assert (exchange.error, exchange.detail) == ("UNKNOWN", "UnforeseenError: /secret")


async def test_what_is_away(odd: Served) -> None:
    answer = await odd.ask("GET", "/away")
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert answer.headers["Retry-After"] == "5"


async def test_large_and_streamed_responses_of_other_sites(odd: Served) -> None:
    assert (await odd.ask("GET", "/large")).body == LARGE
    assert (await odd.last()).sent == len(LARGE)
    assert (await odd.ask("GET", "/streamed")).body == b"some"
    assert (await odd.last()).status == 200


async def test_a_response_that_fails_half_way_is_broken_off(odd: Served) -> None:
    reply = await odd.raw(b"GET /half HTTP/1.1\r\nHost: x\r\n\r\n")
    assert reply.count(b"HTTP/1.1 ") <= 1
    assert not reply.endswith(b"0\r\n\r\n")
    exchange = await odd.told.until(1)
    assert (exchange.error, exchange.detail[:10]) == ("UNKNOWN", "broken off")


class WrongGuard(OpenGuard):
    async def identify(self, peer: Peer) -> Caller:
        raise AuthenticationRequiredError("wrong password", ['Basic realm="x"'])


async def test_wrong_credentials(registry: Served) -> None:
    async with serving(registry.backend, Serving(guard=WrongGuard())) as served:
        answer = await served.ask("GET", "/v2/")
        assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="x"'


async def test_a_refused_body_is_read_so_that_the_answer_is_seen(registry: Served) -> None:
    async with serving(registry.backend, Serving(guard=WrongGuard())) as served:
        answer = await served.ask("PUT", "/v2/a/manifests/x", LARGE)
        assert answer.status == 401
        assert (await served.ask("GET", "/v2/")).status == 401


# clients that sleep


async def connect(served: Served, sent: bytes) -> asyncio.StreamWriter:
    """Send something, and read nothing."""
    _, writer = await asyncio.open_connection("127.0.0.1", served.server.port, limit=1)
    writer.write(sent)
    return writer


@pytest.mark.parametrize("what", ["file", "memory"])
async def test_a_client_that_does_not_read_is_left(registry: Served, what: str) -> None:
    digest = await registry.push_blob("a", LARGE * 2)
    how = Serving(limits=STALL, sites=[Odd()])
    async with serving(registry.backend, how) as served:
        path = f"/v2/a/blobs/{digest}" if what == "file" else "/large"
        writer = await connect(served, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        exchange = await served.told.until(1)
        assert "not one byte" in exchange.detail
        writer.close()
        # The descriptor can be used again.
        assert (await served.ask("GET", "/v2/")).status == 200


async def test_a_client_that_does_not_send_is_left(registry: Served) -> None:
    async with serving(registry.backend, Serving(limits=STALL)) as served:
        location = await served.start("a")
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(
            f"PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc".encode()
        )
        reply = await reader.read()
        assert reply.startswith(b"HTTP/1.1 408 ")
        assert b"\r\nConnection: close\r\n" in reply
        assert (await served.told.until(2)).status == 408
        # What it had sent is kept.
        assert (await served.ask("GET", location)).headers["Range"] == "0-2"
        writer.close()


async def test_a_client_that_goes_while_we_work(registry: Served) -> None:
    odd = Odd()
    async with serving(registry.backend, Serving(sites=[odd])) as served:
        writer = await connect(served, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await odd.asked.wait()
        writer.transport.abort()
        await asyncio.sleep(0.01)
        odd.go_on.set()
        exchange = await served.told.until(1)
        assert (exchange.route, exchange.status) == ("odd", 499)


# the end


async def test_running_requests_are_finished(registry: Served) -> None:
    odd = Odd()
    async with serving(registry.backend, Serving(sites=[odd])) as served:
        idle = await connect(served, b"")
        waiting = asyncio.create_task(served.ask("GET", "/wait"))
        await odd.asked.wait()
        closing = asyncio.create_task(served.server.close())
        await asyncio.sleep(0)
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", served.server.port)
        odd.go_on.set()
        answer = await waiting
        assert (answer.body, answer.headers["Connection"]) == (b"done", "close")
        await closing
        idle.close()


@dataclass
class Held:
    """A backend that tells when the first bytes of an upload have come."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def write_upload(
        self, name: str, upload: str, start: int | None, chunks: AsyncIterator[bytes]
    ) -> int:
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            self.begun.set()
        return size


async def test_an_upload_is_finished() -> None:
    held, more = Held(), asyncio.Event()

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"abc"
        await more.wait()
        yield b"def"

    async with serving(cast(Backend, held)) as served:
        sending = asyncio.create_task(served.ask("PATCH", "/v2/a/blobs/uploads/x", pieces()))
        await held.begun.wait()
        closing = asyncio.create_task(served.server.close())
        await asyncio.sleep(0)
        more.set()
        answer = await sending
        assert (answer.status, answer.headers["Range"]) == (202, "0-5")
        await closing


async def test_what_does_not_end_is_broken_off(
    registry: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wherry.registry.server.http.server.GRACE_SECONDS", 0.01)
    odd = Odd()
    async with serving(registry.backend, Serving(sites=[odd])) as served:
        waiting = asyncio.create_task(served.ask("GET", "/wait"))
        await odd.asked.wait()
        await served.server.close()
        with pytest.raises(aiohttp.ClientError):
            await waiting
        await served.told.until(1)


async def test_a_server_that_never_listened() -> None:
    await RegistryServer([], OpenGuard(), [], Limits()).close()
