"""TLS on a listener: who gets in, each direction's end, and what somebody in the way can cost."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

from fixtures.certificates import Certificates, Pair
from wherry.api.http import secure
from wherry.api.http.connection import Handling
from wherry.api.http.listen import Listeners
from wherry.api.http.message import Duplex, Hijack, Reply, Request, Response, Stream
from wherry.base.tls import TlsSession
from wherry.daemon.configuration import TlsOptions
from wherry.daemon.tls import context as server_context

BIG = b"0123456789abcdef" * (1 << 16)
PIECES = 48


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


class Application:
    """`/` answers, `/body` counts, `/big` streams, `/join` counts its input, then goes on."""

    headers: dict[str, str] = {}  # noqa: RUF012 - the protocol's

    def __init__(self) -> None:
        self.sent = 0

    def handle(self, request: Request) -> Handling:
        return Handling(lambda: self._answer(request), cancellable=False)

    async def _answer(self, request: Request) -> Response:
        if request.path == "/body":
            return Reply(200, str(len(await request.body.read(1 << 30))).encode(), "text/plain")
        if request.path == "/big":
            return Stream(self._pieces(), "text/plain")
        if request.path == "/join":
            return Hijack(self._join, "application/x-raw")
        return Reply(200, b"hello", "text/plain")

    async def _pieces(self) -> AsyncIterator[bytes]:
        for _ in range(PIECES):
            self.sent += 1
            yield BIG

    async def _join(self, duplex: Duplex) -> None:
        got = 0
        while data := await duplex.receive():
            got += len(data)
        for _ in range(16):  # long after the client's end
            await duplex.send(BIG)
        await duplex.send(f"got {got}".encode())

    def failure(self, error: Exception) -> Reply:
        return Reply(500, str(error).encode(), "text/plain")

    def broken(self, error: Exception) -> bytes | None:
        return None


@asynccontextmanager
async def serving(
    context: ssl.SSLContext, application: Application | None = None
) -> AsyncIterator[tuple[Listeners, int]]:
    listeners = Listeners(application or Application())
    listener = socket.create_server(("127.0.0.1", 0))
    await listeners.adopt(listener, context)
    try:
        yield listeners, listener.getsockname()[1]
    finally:
        await listeners.close()


class Client:
    """A blocking client on a TLS session of ours, which can end one direction."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.settimeout(10)
        self.session = TlsSession(context, server=False, name="localhost")
        while not self.session.shake_hands():
            self.sock.sendall(self.session.take())
            self.session.feed(self.sock.recv(65536))
        self.sock.sendall(self.session.take())

    def say(self, data: bytes) -> None:
        self.session.say(data)
        self.sock.sendall(self.session.take())

    def end(self) -> None:
        self.session.end()
        self.sock.sendall(self.session.take())

    def hear(self) -> bytes:
        """Read to the server's end."""
        heard = bytearray()
        while not self.session.ended:
            self.session.feed(self.sock.recv(65536))
            heard += self.session.plaintext()
        return bytes(heard)


@contextmanager
def connected(port: int, context: ssl.SSLContext) -> Iterator[Client]:
    client = Client(port, context)
    try:
        yield client
    finally:
        client.sock.close()


def exchange(port: int, context: ssl.SSLContext, request: bytes) -> bytes:
    """Say everything, end, and return what comes."""
    with connected(port, context) as client:
        with suppress(ConnectionError):  # why is still to come
            client.say(request)
            client.end()
        return client.hear()


def raw(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(data)
        heard = b""
        try:
            while piece := sock.recv(65536):
                heard += piece
        except ConnectionResetError:
            pass
        return heard


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_input_ends_and_the_output_comes_all(
    certificates: Certificates, version: ssl.TLSVersion
) -> None:
    client = certificates.client_context(certificates.client)
    client.maximum_version = version
    async with serving(server_context(certificates.options())) as (_, port):
        head = b"POST /join HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        heard = await asyncio.to_thread(exchange, port, client, head + BIG)
    assert heard.startswith(b"HTTP/1.1 101 UPGRADED\r\n")
    _, _, body = heard.partition(b"\r\n\r\n")
    assert body == BIG * 16 + b"got %d" % len(BIG)


async def test_bodies_both_ways(certificates: Certificates) -> None:
    client = certificates.client_context(certificates.client)
    async with serving(server_context(certificates.options())) as (_, port):
        head = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BIG)
        heard = await asyncio.to_thread(exchange, port, client, head + BIG)
        assert heard.endswith(b"\r\n\r\n%d" % len(BIG))
        heard = await asyncio.to_thread(exchange, port, client, b"GET /big HTTP/1.0\r\n\r\n")
        assert heard.count(b"0123456789abcdef") == PIECES << 16


async def test_a_client_in_no_hurry_holds_up_nobody_and_little(certificates: Certificates) -> None:
    """What is not read waits in the application, not in memory."""
    context = certificates.client_context(certificates.client)
    application = Application()
    async with serving(server_context(certificates.options()), application) as (_, port):
        client = await asyncio.to_thread(Client, port, context)
        client.say(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        quick = await asyncio.to_thread(exchange, port, context, b"GET / HTTP/1.0\r\n\r\n")
        assert quick.endswith(b"hello")
        assert 0 < application.sent < PIECES  # the rest is more than the network holds
        client.end()
        heard = await asyncio.to_thread(client.hear)
        client.sock.close()
    assert heard.count(b"0123456789abcdef") == PIECES << 16


@pytest.mark.parametrize("kind", ["none", "expired", "not yet", "another authority", "itself",
                                  "for servers"])  # fmt: skip
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_who_may_not_gets_an_alert_and_reaches_nothing(
    certificates: Certificates,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    version: ssl.TLSVersion,
) -> None:
    shown: Pair | None = certificates.bad.get(kind)
    client = certificates.client_context(shown)
    client.maximum_version = version
    with caplog.at_level(logging.INFO):
        async with serving(server_context(certificates.options())) as (_, port):
            with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
                await asyncio.to_thread(exchange, port, client, b"GET / HTTP/1.0\r\n\r\n")
    assert "TLS refused" in caplog.text


async def test_without_verify_no_certificate_is_asked_for(certificates: Certificates) -> None:
    context = server_context(certificates.options(verify=False))
    async with serving(context) as (_, port):
        anybody = certificates.client_context(None)
        heard = await asyncio.to_thread(exchange, port, anybody, b"GET / HTTP/1.0\r\n\r\n")
    assert heard.endswith(b"hello")


@pytest.mark.parametrize("split", [0, 3, 4])
async def test_who_speaks_http_is_told_so(certificates: Certificates, split: int) -> None:
    async with serving(server_context(certificates.options())) as (_, port):
        request = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"

        def ask() -> bytes:
            with socket.create_connection(("127.0.0.1", port), 10) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for part in (request[:split], request[split:]):
                    sock.sendall(part)
                heard = b""
                while piece := sock.recv(65536):
                    heard += piece
                return heard

        assert await asyncio.to_thread(ask) == secure.NOT_TLS


@pytest.mark.parametrize(
    "data", [b"\0" * 100, b"SSH-2.0-x\r\n", b"\x16\x03\x01\x40\x00" + b"\xff" * 20000]
)
async def test_what_is_neither_reaches_nothing(certificates: Certificates, data: bytes) -> None:
    async with serving(server_context(certificates.options())) as (_, port):
        assert b"HTTP" not in await asyncio.to_thread(raw, port, data)


async def test_old_versions_are_not_spoken(certificates: Certificates) -> None:
    client = certificates.client_context(certificates.client)
    client.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = ssl.TLSVersion.TLSv1
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(server_context(certificates.options())) as (_, port):
        with pytest.raises(ssl.SSLError, match=r"(?i)alert.*version"):
            await asyncio.to_thread(exchange, port, client, b"GET / HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_an_old_handshake_lets_nobody_in(
    certificates: Certificates, version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither once the certificate has expired, nor once a reload has brought another authority."""
    context = certificates.client_context(certificates.client)
    context.maximum_version = version

    def ask(port: int, session: ssl.SSLSession | None) -> tuple[bytes, ssl.SSLSession | None]:
        with (
            socket.create_connection(("127.0.0.1", port), 10) as sock,
            context.wrap_socket(sock, server_hostname="localhost", session=session) as secured,
        ):
            with suppress(ConnectionError, ssl.SSLEOFError):
                secured.sendall(b"GET / HTTP/1.0\r\n\r\n")
            heard = b""
            with suppress(ConnectionError):
                while piece := secured.recv(65536):
                    heard += piece
            assert session is None or version > ssl.TLSVersion.TLSv1_2 or secured.session_reused
            return heard, secured.session

    async with serving(server_context(certificates.options())) as (listeners, port):
        heard, session = await asyncio.to_thread(ask, port, None)
        assert heard.endswith(b"hello")
        assert (await asyncio.to_thread(ask, port, session))[0].endswith(b"hello")
        if version == ssl.TLSVersion.TLSv1_2:
            monkeypatch.setattr(secure, "now", lambda: time.time() + 60 * 86400)
            assert (await asyncio.to_thread(ask, port, session))[0] == b""
        changed = certificates.options()
        changed = TlsOptions(changed.certificate, changed.key, certificates.other_authority, True)
        listeners.renew(server_context(changed))
        with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
            await asyncio.to_thread(ask, port, session)


async def test_who_says_nothing_is_sent_away(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secure, "HANDSHAKE_SECONDS", 0.05)
    async with serving(server_context(certificates.options())) as (_, port):
        assert await asyncio.to_thread(raw, port, b"\x16\x03\x01") == b""


async def test_the_end_is_theirs_too_who_are_at_the_handshake(certificates: Certificates) -> None:
    async with serving(server_context(certificates.options())) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01")
        context = certificates.client_context(certificates.client)
        await asyncio.to_thread(exchange, port, context, b"GET / HTTP/1.0\r\n\r\n")
    async with asyncio.timeout(secure.HANDSHAKE_SECONDS / 2):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


async def test_handshakes_at_once_are_bounded(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secure, "MOST_HANDSHAKES", 2)
    async with serving(server_context(certificates.options())) as (_, port):
        waiting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        async with asyncio.timeout(5):
            assert await waiting[2][0].read() == b""
        waiting[0][1].close()
        context = certificates.client_context(certificates.client)
        for _, writer in waiting[1:]:
            writer.close()
        async with asyncio.timeout(5):
            while True:  # until the server has seen that they are gone
                try:
                    heard = await asyncio.to_thread(
                        exchange, port, context, b"GET / HTTP/1.0\r\n\r\n"
                    )
                    break
                except (ssl.SSLError, ConnectionError):
                    await asyncio.sleep(0.01)
    assert heard.endswith(b"hello")


async def test_another_context_is_for_those_who_come_later(
    certificates: Certificates, tmp_path: Path
) -> None:
    others = Certificates(tmp_path)
    old = certificates.client_context(certificates.client)
    new = others.client_context(others.client)
    async with serving(server_context(certificates.options())) as (listeners, port):
        there = await asyncio.to_thread(Client, port, old)
        listeners.renew(server_context(others.options()))
        heard = await asyncio.to_thread(exchange, port, new, b"GET / HTTP/1.0\r\n\r\n")
        assert heard.endswith(b"hello")
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(exchange, port, old, b"GET / HTTP/1.0\r\n\r\n")
        there.say(b"GET / HTTP/1.0\r\n\r\n")
        assert (await asyncio.to_thread(there.hear)).endswith(b"hello")
        there.sock.close()
