"""Bodies of requests."""

from __future__ import annotations

from aiohttp import web

from fixtures.registry_server import Served, Serving, serving
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.receive import announced_length, read_body


class Echo:
    """A site that says how long a body is, announced and in fact."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        announced = announced_length(exchange.request)
        body = await read_body(exchange, 20, 1000)
        return web.Response(text=f"{announced} {len(body)}")


async def test_framing(registry: Served) -> None:
    async with serving(registry.backend, Serving(sites=[Echo()])) as served:
        for head, body, told in (
            (b"GET / HTTP/1.1", b"", b"0 0"),
            (b"PUT / HTTP/1.1\r\nContent-Length: 3", b"abc", b"3 3"),
            (b"PUT / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 3", b"abc", b"3 3"),
            (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n", b"None 3"),
        ):
            sent = head + b"\r\nHost: x\r\nConnection: close\r\n\r\n" + body
            assert (await served.raw(sent)).endswith(told)


async def test_a_body_that_is_not_framed_as_it_says(registry: Served) -> None:
    async with serving(registry.backend, Serving(sites=[Echo()])) as served:
        reply = await served.raw(
            b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"
        )
        assert reply.partition(b"\r\n")[0].endswith(b" 400 Bad Request")


async def test_a_body_that_is_too_large(registry: Served) -> None:
    async with serving(registry.backend, Serving(sites=[Echo()])) as served:
        answer = await served.ask("PUT", "/", b"x" * 1001)
        assert (answer.status, answer.code) == (413, "SIZE_INVALID")
        # It was read to its end, so the connection goes on.
        assert (await served.ask("PUT", "/", b"x")).status == 200


async def test_a_body_is_asked_for_when_it_is_read(registry: Served) -> None:
    async with serving(registry.backend, Serving(sites=[Echo()])) as served:
        reply = await served.raw(
            b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert reply.startswith(b"HTTP/1.1 413 ")
        reply = await served.raw(
            b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n"
            b"Connection: close\r\n\r\nabc"
        )
        assert reply.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
