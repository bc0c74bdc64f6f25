"""HTTP with strangers: redirects, silence, oversize, and failures in Docker's words."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator

import pytest
import trustme
from aiohttp import web

from fixtures.web import serving
from wherry.base.errors import DataLossError, UnavailableError
from wherry.registry.client.call import Call
from wherry.registry.client.settings import Limits
from wherry.registry.client.transport import Transport


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport(Limits(connect=1, stall=0.2, reply=0.5, commit=1, pauses=()))
    yield made
    await made.close()


async def get(transport: Transport, url: str, context: ssl.SSLContext | None = None) -> bytes:
    async with await transport.send(Call(method="GET", url=url, context=context)) as response:
        await response.raise_refusal()
        return await response.read(1000)


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def test_redirects_are_followed(transport: Transport) -> None:
    async def handle(request: web.Request) -> web.Response:
        if int(request.query.get("n", 0)) < 5:
            location = f"?n={int(request.query.get('n', 0)) + 1}"
            return web.Response(status=307, headers={"Location": location})
        return web.Response(text="there")

    async with serving(handle) as server:
        assert await get(transport, f"http://{server.address}/a") == b"there"


async def test_redirects_end(transport: Transport) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.path})

    async with serving(handle) as server:
        with pytest.raises(DataLossError, match="stopped after 10 redirects"):
            await get(transport, f"http://{server.address}/a")
    assert len(server.seen) == 10


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://x/", "http://a:b@127.0.0.1/"])
async def test_redirects_that_are_refused(transport: Transport, location: str) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    async with serving(handle) as server:
        with pytest.raises(DataLossError, match="the registry redirects to"):
            await get(transport, f"http://{server.address}/a")


async def test_a_post_is_not_repeated_as_a_get(transport: Transport) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": "/b"})

    async with serving(handle) as server:
        call = Call(method="POST", url=f"http://{server.address}/a", body=b"form")
        async with await transport.send(call) as response:
            assert response.status == 303
    assert len(server.seen) == 1


async def test_bodies_come_as_they_were_sent(transport: Transport) -> None:
    packed = gzip.compress(b"hello")

    async def handle(_: web.Request) -> web.Response:
        cookie = {"Content-Encoding": "gzip", "Set-Cookie": "track=me"}
        return web.Response(body=packed, headers=cookie)

    async with serving(handle) as server:
        assert await get(transport, f"http://{server.address}/") == packed
        await get(transport, f"http://{server.address}/")
    headers = server.seen[-1].headers
    assert headers["Accept-Encoding"] == "identity"
    assert headers["User-Agent"].startswith("wherry/")
    assert "Cookie" not in headers


async def test_nobody_listens(transport: Transport) -> None:
    async with serving(hello) as server:
        address = server.address
    with pytest.raises(UnavailableError) as caught:
        await get(transport, f"https://{address}/v2/")
    words = f'Get "https://{address}/v2/": dial tcp {address}: connect: connection refused'
    assert str(caught.value) == words


async def test_a_name_that_does_not_exist(transport: Transport) -> None:
    with pytest.raises(UnavailableError) as caught:
        await get(transport, "https://registry.invalid/v2/")
    words = 'Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host'
    assert str(caught.value) == words


async def test_plain_http_where_tls_was_expected(transport: Transport) -> None:
    async with serving(hello) as server:
        url = f"https://{server.address}/v2/"
        with pytest.raises(UnavailableError) as caught:
            await get(transport, url)
    words = f'Get "{url}": http: server gave HTTP response to HTTPS client'
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("name", "trusted", "words"),
    [
        ("127.0.0.1", False, "x509: certificate signed by unknown authority"),
        ("elsewhere.invalid", True, "x509: .*not valid for '127.0.0.1'"),
    ],
)
async def test_certificates(transport: Transport, name: str, trusted: bool, words: str) -> None:
    authority = trustme.CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(served)
    context = ssl.create_default_context()
    if trusted:
        authority.configure_trust(context)
    async with serving(hello, served) as server:
        with pytest.raises(UnavailableError, match=words):
            await get(transport, f"https://{server.address}/v2/", context)


async def raw(transport: Transport, sent: bytes, *, linger: float = 0) -> bytes:
    """Ask a server that answers with these bytes, whatever they are."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        await writer.drain()
        await asyncio.sleep(linger)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        return await get(transport, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "EOF"),
        (b"nonsense\r\n\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "unexpected EOF"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "EOF|malformed|: "),
    ],
)
async def test_replies_that_are_not_http(transport: Transport, sent: bytes, words: str) -> None:
    with pytest.raises(UnavailableError, match=words):
        await raw(transport, sent)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"])
async def test_silence(transport: Transport, sent: bytes) -> None:
    with pytest.raises(UnavailableError, match="i/o timeout"):
        await raw(transport, sent, linger=2)


async def test_a_reply_that_drips(transport: Transport) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(50):
            await response.write(b".")
            await asyncio.sleep(0.05)
        return response

    async with serving(handle) as server:
        with pytest.raises(UnavailableError, match="i/o timeout"):
            await get(transport, f"http://{server.address}/")


async def test_a_reply_without_end(transport: Transport) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1001)

    async with serving(handle) as server:
        with pytest.raises(DataLossError, match="larger than 1000 bytes"):
            await get(transport, f"http://{server.address}/")


async def test_an_error_without_end_is_still_that_error(transport: Transport) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=429, body=b"x" * (1 << 20))

    async with serving(handle) as server:
        with pytest.raises(UnavailableError, match="toomanyrequests: too many requests"):
            await get(transport, f"http://{server.address}/")


async def test_proxies_come_from_the_environment(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(hello) as proxy, serving(hello) as server:
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        monkeypatch.setenv("no_proxy", "inside.invalid")
        assert await get(transport, "http://registry.invalid/v2/") == b"hello"
        assert await get(transport, f"http://{server.address}/") == b"hello"
        with pytest.raises(UnavailableError, match="no such host"):
            await get(transport, "http://inside.invalid/v2/")
    assert proxy.paths("GET") == ["http://registry.invalid/v2/"]
