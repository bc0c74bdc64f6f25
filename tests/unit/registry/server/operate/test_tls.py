"""Certificates, read again when they change."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from wherry.registry.server.operate.tls import CertificateError, Certificates
from wherry.registry.server.settings import Tls


def write(folder: Path, authority: trustme.CA, key_type: trustme.KeyType) -> None:
    made = authority.issue_cert("localhost", key_type=key_type)
    made.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))


def tls_of(folder: Path, authorities: str = "") -> Tls:
    return Tls(str(folder / "cert.pem"), str(folder / "key.pem"), authorities)


@contextlib.asynccontextmanager
async def listening(context: ssl.SSLContext) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            writer.write(b"hello")
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def serial(port: int, authority: trustme.CA, **options: object) -> int:
    """Return the serial number of what a client is shown, verified."""
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    for name, value in options.items():
        setattr(context, name, value)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost"
    )
    assert await reader.read() == b"hello"
    shown = writer.get_extra_info("ssl_object").getpeercert()
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
    return int(shown["serialNumber"], 16)


async def test_a_new_certificate_is_shown_without_a_new_listener(tmp_path: Path) -> None:
    authority = trustme.CA()
    write(tmp_path, authority, trustme.KeyType.RSA)
    certificates = Certificates(tls_of(tmp_path))
    async with listening(certificates.context) as port:
        first = await serial(port, authority)
        assert not certificates.reload()
        assert await serial(port, authority) == first
        # Of another type: with the old one still there, a client could be shown that.
        write(tmp_path, authority, trustme.KeyType.ECDSA)
        assert certificates.reload()
        assert await serial(port, authority) != first


async def test_what_cannot_be_used_leaves_the_old_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = trustme.CA()
    write(tmp_path, authority, trustme.KeyType.ECDSA)
    certificates = Certificates(tls_of(tmp_path))
    async with listening(certificates.context) as port:
        first = await serial(port, authority)
        kept = (tmp_path / "key.pem").read_bytes()
        write(tmp_path, authority, trustme.KeyType.ECDSA)
        new = (tmp_path / "key.pem").read_bytes()
        (tmp_path / "key.pem").write_bytes(kept)
        assert not certificates.reload()
        assert not certificates.reload()
        assert await serial(port, authority) == first
        assert len(caplog.records) == 1
        (tmp_path / "key.pem").write_bytes(new)
        assert certificates.reload()
        assert await serial(port, authority) != first


async def test_old_versions_and_strangers_are_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    write(tmp_path, authority, trustme.KeyType.ECDSA)
    async with listening(Certificates(tls_of(tmp_path)).context) as port:
        await serial(port, authority, maximum_version=ssl.TLSVersion.TLSv1_2)
        with (
            pytest.warns(DeprecationWarning, match="TLSv1_1"),
            pytest.raises((ssl.SSLError, OSError)),
        ):
            await serial(port, authority, maximum_version=ssl.TLSVersion.TLSv1_1)
    authority.cert_pem.write_to_path(tmp_path / "clients.pem")
    certificates = Certificates(tls_of(tmp_path, str(tmp_path / "clients.pem")))
    async with listening(certificates.context) as port:
        with pytest.raises((ssl.SSLError, OSError, AssertionError)):
            await serial(port, authority)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="cannot be used: No such file"):
        Certificates(tls_of(tmp_path))
