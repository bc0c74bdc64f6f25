"""Downloads from real servers on the loopback."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import socket
import ssl
from collections.abc import Mapping

import pytest
import trustme
from aiohttp import web

from fixtures.web import serving
from wherry.base.errors import InvalidError, WherryError
from wherry.build.context.download import (
    AddressNotFoundError,
    BadUrlError,
    CredentialsError,
    DigestMismatchError,
    DownloadError,
    NotAllowedError,
    Wanted,
    download,
    file_name,
    name_in_url,
)
from wherry.registry.client.settings import Limits

BODY = b"0123456789" * 30_000
DIGEST = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
HASTY = Limits(connect=2, stall=0.2, reply=0.5)


def answering(body: bytes, headers: Mapping[str, str] | None = None, status: int = 200):
    """Return a handler that always answers so."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=body, headers=headers, status=status)

    return handle


async def test_a_file_and_what_is_known_of_it() -> None:
    headers = {
        "ETag": 'W/"abc"',
        "Last-Modified": "Sun, 02 Feb 2020 02:02:02 GMT",
        "Content-Disposition": 'attachment; filename="../../x y.tar"',
    }
    file, seen = io.BytesIO(), list[tuple[int, int]]()
    async with serving(answering(BODY, headers)) as server:
        wanted = Wanted(f"http://{server.address}/dir/name.bin?q=1#part", checksum=DIGEST)
        found = await download(wanted, file, lambda done, total: seen.append((done, total)))
    assert file.getvalue() == BODY
    assert (found.digest, found.size, found.changed) == (DIGEST, len(BODY), True)
    assert (found.name, found.mtime, found.etag) == ("x y.tar", 1580608922, '"abc"')
    assert seen[-1] == (len(BODY), len(BODY))
    assert server.paths("GET") == ["/dir/name.bin?q=1"]
    assert server.seen[0].headers["User-Agent"].startswith("wherry/")
    assert server.seen[0].headers["Accept-Encoding"] == "identity"


async def test_without_any_header() -> None:
    async with serving(answering(b"")) as server:
        found = await download(Wanted(f"http://{server.address}/a%20b"), io.BytesIO())
    assert (found.name, found.mtime, found.etag, found.size) == ("a b", 0, "", 0)


async def test_another_algorithm() -> None:
    digest = f"sha512:{hashlib.sha512(BODY).hexdigest()}"
    async with serving(answering(BODY)) as server:
        wanted = Wanted(f"http://{server.address}/", checksum=digest)
        assert (await download(wanted, io.BytesIO())).digest == digest


async def test_what_comes_is_not_what_was_expected() -> None:
    expected = f"sha256:{'0' * 64}"
    async with serving(answering(BODY)) as server:
        url = f"http://{server.address}/x"
        with pytest.raises(DigestMismatchError) as caught:
            await download(Wanted(url, checksum=expected), io.BytesIO())
    assert f"digest mismatch for {url}: {DIGEST} (expected: {expected})" in str(caught.value)


@pytest.mark.parametrize("checksum", ["sha256:x", "md5:0", "abc"])
async def test_a_checksum_that_is_none(checksum: str) -> None:
    with pytest.raises(InvalidError, match="invalid digest"):
        await download(Wanted("http://127.0.0.1:1/", checksum=checksum), io.BytesIO())


async def test_a_copy_that_is_still_good() -> None:
    async def handle(request: web.Request) -> web.Response:
        assert request.headers["If-None-Match"] == '"abc"'
        return web.Response(status=304)

    file = io.BytesIO()
    async with serving(handle) as server:
        wanted = Wanted(f"http://{server.address}/x", etag='"abc"', checksum=DIGEST)
        found = await download(wanted, file)
    assert not found.changed
    assert found.etag == '"abc"'
    assert file.getvalue() == b""


async def test_not_modified_that_nobody_asked_for() -> None:
    async with serving(answering(b"", status=304)) as server:
        with pytest.raises(DownloadError, match="304 Not Modified"):
            await download(Wanted(f"http://{server.address}/x"), io.BytesIO())


async def test_a_compression_that_nobody_asked_for() -> None:
    async with serving(
        answering(gzip.compress(BODY, mtime=0), {"Content-Encoding": "gzip"})
    ) as server:
        file = io.BytesIO()
        wanted = Wanted(f"http://{server.address}/x", checksum=DIGEST)
        await download(wanted, file)
    assert file.getvalue() == BODY


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(BODY, mtime=0)[:-9]])
async def test_a_broken_compression(body: bytes) -> None:
    async with serving(answering(body, {"Content-Encoding": "gzip"})) as server:
        with pytest.raises(DownloadError, match=f"http://{server.address}/x: .*compression"):
            await download(Wanted(f"http://{server.address}/x"), io.BytesIO())


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, AddressNotFoundError, "404 Not Found; check the address"),
        (410, AddressNotFoundError, "410 Gone"),
        (401, CredentialsError, "401 Unauthorized; the server wants credentials"),
        (403, NotAllowedError, "403 Forbidden"),
        (503, DownloadError, "503 Service Unavailable; try again later"),
        (418, DownloadError, "invalid response status 418"),
        (300, DownloadError, "300 Multiple Choices"),
        (599, DownloadError, "invalid response status 599"),
    ],
)
async def test_statuses(status: int, kind: type[WherryError], words: str) -> None:
    async with serving(answering(b"page", status=status)) as server:
        with pytest.raises(kind) as caught:
            await download(Wanted(f"http://u:secret@{server.address}/x"), io.BytesIO())
    message = str(caught.value)
    assert message.startswith(f"failed to fetch http://xxxxx:xxxxx@{server.address}/x: ")
    assert words in message


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/again", "stopped after 10 redirects"),
        ("file:///etc/passwd", "redirects to where downloads do not go: 'file:///etc/passwd'"),
    ],
)
async def test_redirects_have_an_end(location: str, words: str) -> None:
    async with serving(answering(b"", {"Location": location}, status=302)) as server:
        with pytest.raises(DownloadError, match=f"failed to fetch http.*{words}") as caught:
            await download(Wanted(f"http://{server.address}/x"), io.BytesIO())
    assert "registry" not in str(caught.value)


async def test_credentials_stay_with_the_server_they_are_for() -> None:
    file = io.BytesIO()
    async with serving(answering(b"there")) as other:
        location = {"Location": f"http://{other.address}/y"}
        async with serving(answering(b"", location, status=307)) as server:
            await download(Wanted(f"http://us%40er:pass@{server.address}/x"), file)
    assert file.getvalue() == b"there"
    assert server.seen[0].headers["Authorization"] == "Basic dXNAZXI6cGFzcw=="
    assert "Authorization" not in other.seen[0].headers


async def test_an_authorization_that_is_given() -> None:
    async with serving(answering(b"")) as server:
        wanted = Wanted(f"http://{server.address}/x", authorization="Bearer t")
        await download(wanted, io.BytesIO())
    assert server.seen[0].headers["Authorization"] == "Bearer t"


async def test_certificates_are_verified() -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with serving(answering(BODY), tls) as server:
        url = f"https://{server.address}/x"
        with pytest.raises(WherryError, match=f'"{url}": tls: failed to verify certificate'):
            await download(Wanted(url), io.BytesIO())
        assert (await download(Wanted(url, context=trusting), io.BytesIO())).digest == DIGEST


async def test_nothing_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/x"
        with pytest.raises(WherryError, match=f'"{url}".*connection refused'):
            await download(Wanted(url), io.BytesIO())


async def test_a_file_that_ends_too_soon() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(handle) as server:
        with pytest.raises(WherryError, match="unexpected EOF"):
            await download(Wanted(f"http://{server.address}/x"), io.BytesIO())


async def test_a_server_that_falls_silent() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        await asyncio.Event().wait()
        return response

    async with serving(handle) as server:
        with pytest.raises(WherryError, match="i/o timeout"):
            await download(Wanted(f"http://{server.address}/x", limits=HASTY), io.BytesIO())


@pytest.mark.parametrize(
    "url", ["ftp://h/x", "http://", "x", "http://[h/x", "http://h:99999/x", "http:///x"]
)
async def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(BadUrlError, match="invalid URL"):
        await download(Wanted(url), io.BytesIO())


async def test_ipv6() -> None:
    with pytest.raises(WherryError, match=r'"http://\[::1\]:1/x"'):
        await download(Wanted("http://[::1]:1/x"), io.BytesIO())


@pytest.mark.parametrize(
    ("url", "disposition", "name"),
    [
        ("http://h/a/b.tar", "", "b.tar"),
        ("http://h/a/b.tar", "attachment", "b.tar"),
        ("http://h/a/b.tar", "attachment; filename=c.zip", "c.zip"),
        ("http://h/a/b.tar", 'attachment; filename="/etc/passwd"', "passwd"),
        ("http://h/a/b.tar", 'attachment; filename="x/"', "b.tar"),
        ("http://h/a/b.tar", 'attachment; filename=".."', "download"),
        ("http://h/a/b.tar", "attachment; filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
        ("http://h/a/b.tar", 'attachment; filename="a\x01b"', "download"),
        ("http://h/", "", "download"),
        ("http://h", "", "download"),
        ("http://h/..", "", "download"),
        ("http://h/a/", "", "a"),
        ("http://h/a%2Fb?x#y", "", "b"),
    ],
)
def test_names(url: str, disposition: str, name: str) -> None:
    assert file_name(url, disposition) == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/a/b.tar?x=y", "b.tar"),
        ("http://h/", "__unnamed__"),
        ("http://h", "__unnamed__"),
        ("http://[h/x", "__unnamed__"),
        ("http://h/a/..", "__unnamed__"),
    ],
)
def test_names_for_add(url: str, name: str) -> None:
    assert name_in_url(url) == name
