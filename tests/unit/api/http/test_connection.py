"""Transcripts: what a client sends, what it gets, when the connection ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from wherry.api.http.message import Duplex, Hijack, Reply, Request, Response, Stream

Connect = Callable[..., Awaitable]
GET = b"GET /x HTTP/1.1\r\nHost: d\r\n\r\n"


async def test_two_requests_on_one_connection(connect: Connect) -> None:
    async def echo(request: Request) -> Response:
        return Reply(200, await request.body.read(100), "text/plain")

    client = await connect(echo)
    for body in (b"one", b"three"):
        length = str(len(body)).encode()
        await client.send(
            b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: " + length + b"\r\n\r\n" + body
        )
        head = await client.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: text/plain\r\n")
        assert b"\r\nContent-Length: " + length + b"\r\n" in head
        await client.until(body)


async def test_two_requests_sent_together(connect: Connect) -> None:
    async def path(request: Request) -> Response:
        return Reply(200, request.path.encode() + b";", "text/plain")

    client = await connect(path)
    await client.send(GET + GET.replace(b"/x", b"/y%2Fz?a=b"))
    await client.until(b"/x;")
    await client.until(b"/y/z;")


async def test_a_stream_is_sent_piece_by_piece(connect: Connect) -> None:
    gate = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await gate.wait()
        yield b"second"

    async def stream(request: Request) -> Response:
        return Stream(pieces(), "application/json")

    client = await connect(stream)
    await client.send(GET)
    assert b"Transfer-Encoding: chunked" in await client.until(b"5\r\nfirst\r\n")
    gate.set()
    await client.until(b"6\r\nsecond\r\n0\r\n\r\n")


async def test_an_error_before_the_first_piece_has_its_own_status(connect: Connect) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        raise ValueError("no")
        yield b""

    async def stream(request: Request) -> Response:
        return Stream(pieces(), "application/json", last_words=lambda e: b"last")

    client = await connect(stream)
    await client.send(GET)
    assert (await client.until(b"no")).startswith(b"HTTP/1.1 500 ")


async def test_an_error_after_it_is_told_in_the_stream(connect: Connect) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        raise ValueError("no")

    async def stream(request: Request) -> Response:
        return Stream(pieces(), "application/json", last_words=lambda e: str(e).encode())

    client = await connect(stream)
    await client.send(GET)
    await client.until(b"5\r\nfirst\r\n2\r\nno\r\n0\r\n\r\n")


async def test_a_stream_without_last_words_is_cut(connect: Connect) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        raise ValueError("no")

    async def stream(request: Request) -> Response:
        return Stream(pieces(), "application/x-tar")

    client = await connect(stream)
    await client.send(GET)
    assert (await client.rest()).endswith(b"5\r\nfirst\r\n")


async def test_the_head_can_go_before_the_first_piece(connect: Connect) -> None:
    gate = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        await gate.wait()
        yield b"late"

    async def stream(request: Request) -> Response:
        return Stream(pieces(), "application/json", at_once=True)

    client = await connect(stream)
    await client.send(GET)
    await client.until(b"\r\n\r\n")
    gate.set()
    await client.until(b"4\r\nlate\r\n0\r\n\r\n")


async def test_a_client_that_goes_ends_a_stream(connect: Connect) -> None:
    ended = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def stream(request: Request) -> Response:
        return Stream(pieces(), "application/json")

    client = await connect(stream, cancellable=True)
    await client.send(GET)
    await client.until(b"first")
    client.close()
    async with asyncio.timeout(5):
        await ended.wait()


async def test_what_was_asked_for_is_done_though_the_client_goes(connect: Connect) -> None:
    begun, gate, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stop(request: Request) -> Response:
        begun.set()
        await gate.wait()
        done.set()
        return Reply(204)

    client = await connect(stop)
    await client.send(GET)
    await begun.wait()
    client.close()
    await asyncio.sleep(0)
    gate.set()
    async with asyncio.timeout(5):
        await done.wait()


async def shout(duplex: Duplex) -> None:
    """Give back what comes in capitals, and say goodbye after the end of it."""
    while data := await duplex.receive():
        await duplex.send(data.upper())
    await duplex.send(b"bye")


async def hijack(request: Request) -> Response:
    return Hijack(shout, "application/vnd.docker.raw-stream")


async def test_hijacked_with_early_bytes_and_half_close(connect: Connect) -> None:
    client = await connect(hijack)
    await client.send(
        b"POST /attach HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        b"Content-Length: 0\r\n\r\nearly"
    )
    head = await client.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n")
    assert b"Content-Type: application/vnd.docker.raw-stream\r\n" in head
    await client.until(b"EARLY")
    await client.send(b"late")
    await client.until(b"LATE")
    client.end()
    assert await client.rest() == b"bye"


async def test_everything_in_one_write_and_the_end_at_once(connect: Connect) -> None:
    client = await connect(hijack)
    await client.send(
        b"POST /attach HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}input"
    )
    client.end()
    assert (await client.rest()).endswith(b"\r\n\r\nINPUTbye")


async def test_hijacked_without_upgrade(connect: Connect) -> None:
    client = await connect(hijack)
    await client.send(b"POST /attach HTTP/1.1\r\nHost: d\r\n\r\n")
    head = await client.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"chunked" not in head
    await client.send(b"raw")
    await client.until(b"RAW")


async def test_an_error_after_the_hijack_is_in_the_stream(connect: Connect) -> None:
    async def run(duplex: Duplex) -> None:
        raise ValueError("no")

    async def broken(request: Request) -> Response:
        return Hijack(run, "")

    client = await connect(broken)
    await client.send(b"POST /attach HTTP/1.1\r\nHost: d\r\n\r\n")
    assert (await client.rest()).endswith(b"\r\n\r\nbroken: no")


async def test_the_reply_flows_while_the_body_comes(connect: Connect) -> None:
    async def full_duplex(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            async for piece in request.body.chunks():
                yield b"got " + piece

        return Stream(pieces(), "text/plain")

    client = await connect(full_duplex)
    await client.send(b"POST / HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    await client.until(b"got a")
    await client.send(b"1\r\nb\r\n")
    await client.until(b"got b")
    await client.send(b"0\r\n\r\n")
    await client.until(b"0\r\n\r\n")


async def test_a_client_that_waits_to_be_told_to_go_on(connect: Connect) -> None:
    async def echo(request: Request) -> Response:
        return Reply(200, await request.body.read(100), "text/plain")

    client = await connect(echo)
    await client.send(
        b"POST / HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    )
    assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 \r\n\r\n"
    await client.send(b"body")
    await client.until(b"\r\n\r\nbody")


async def test_a_body_nobody_read_does_not_spoil_the_next_request(connect: Connect) -> None:
    async def ignore(request: Request) -> Response:
        return Reply(200, request.path.encode(), "text/plain")

    client = await connect(ignore)
    await client.send(b"POST /a HTTP/1.1\r\nHost: d\r\nContent-Length: 4\r\n\r\nbody" + GET)
    await client.until(b"\r\n\r\n/a")
    await client.until(b"\r\n\r\n/x")


async def test_head_has_the_length_and_no_body(connect: Connect) -> None:
    async def reply(request: Request) -> Response:
        return Reply(200, b"four", "text/plain")

    client = await connect(reply)
    await client.send(b"HEAD / HTTP/1.1\r\nHost: d\r\n\r\n" + GET)
    assert b"Content-Length: 4\r\n" in await client.until(b"\r\n\r\n")
    assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET\r\n\r\n"])
async def test_what_is_not_http_is_refused(connect: Connect, junk: bytes) -> None:
    client = await connect(hijack)
    await client.send(junk)
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


async def test_a_head_without_end_is_refused(connect: Connect) -> None:
    client = await connect(hijack)
    await client.send(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(5):
        await client.send(b"x" * 65536)
    assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


async def test_not_modified_has_no_body(connect: Connect) -> None:
    async def same(request: Request) -> Response:
        return Reply(304)

    client = await connect(same)
    await client.send(GET + GET)
    head = await client.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 304 Not Modified\r\n")
    assert b"Content-Length" not in head
    assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 304 ")


async def test_a_hijacked_connection_knows_a_close_from_a_half_close(connect: Connect) -> None:
    answers: asyncio.Queue[bool] = asyncio.Queue()

    async def run(duplex: Duplex) -> None:
        assert await duplex.receive() == b""
        answers.put_nowait(duplex.gone)

    async def attach(request: Request) -> Response:
        return Hijack(run, "")

    for end, expected in (("end", False), ("close", True)):
        client = await connect(attach)
        await client.send(b"POST /attach HTTP/1.1\r\nHost: d\r\n\r\n")
        await client.until(b"\r\n\r\n")
        getattr(client, end)()
        async with asyncio.timeout(5):
            assert await answers.get() is expected
