"""Connections and what is no HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import re

import pytest

from fixtures.registry_server import Served, Serving, serving
from wherry.registry.server.settings import Limits


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"NONSENSE\r\n\r\n", "malformed"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "malformed"),
        (b"GET /v2/\x00 HTTP/1.1\r\nHost: x\r\n\r\n", "malformed"),
        (b"GET /v2/ HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", "malformed"),
        (b"GET /v2/ HTTP/9.9\r\nHost: x\r\n\r\n", "malformed"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "too long"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 40_000 + b"\r\n\r\n", "too long"),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "malformed"),
        (
            b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "malformed",
        ),
    ],
)
async def test_no_http(
    registry: Served, sent: bytes, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    head, _, body = (await registry.raw(sent)).partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] == b"400"
    assert words in json.loads(body)["errors"][0]["message"]
    assert not caplog.records


async def test_whoever_comes_beyond_the_bound_is_sent_away(registry: Served) -> None:
    how = Serving(limits=Limits(connections=1))
    async with serving(registry.backend, how) as served:
        assert (await served.ask("GET", "/v2/")).status == 200  # and stays connected
        reply = await served.raw(b"")
        assert reply.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: " in reply
        assert (await served.ask("GET", "/v2/")).status == 200
        await served.client.close()
        async with asyncio.timeout(20):
            while b" 503 " in await served.raw(b"GET /v2/ HTTP/1.0\r\n\r\n"):
                await asyncio.sleep(0.01)


async def test_requests_in_a_row(registry: Served) -> None:
    """A client that does not wait for responses gets them in their order."""
    reply = await registry.raw(
        b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/a HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert re.findall(rb"HTTP/1\.1 (\d+) ", reply) == [b"200", b"404", b"200"]
