"""Unix sockets: who may connect, what is replaced, what is left."""

from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path

import pytest

from wherry.api.http.connection import Handling
from wherry.api.http.listen import Listeners, bind_unix
from wherry.api.http.message import Reply, Request, Response


class Fine:
    """An application that says yes to everything."""

    headers: dict[str, str] = {}  # noqa: RUF012 - never changed

    def handle(self, request: Request) -> Handling:
        async def answer() -> Response:
            return Reply(200, request.path.encode(), "text/plain")

        return Handling(answer, cancellable=False)

    def failure(self, error: Exception) -> Reply:
        return Reply(500)

    def broken(self, error: Exception) -> bytes | None:
        return None


def test_the_mode_is_there_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "s"
    bind_unix(str(path), 0o600, -1).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["s"]


def test_a_stale_socket_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    bind_unix(str(path), 0o600, -1).close()
    listener = bind_unix(str(path), 0o600, -1)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    listener.close()
    path.unlink()
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        bind_unix(str(path), 0o600, -1)
    assert path.read_text() == "precious"


async def test_both_kinds_are_served_and_the_socket_goes_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "s"
    listeners = Listeners(Fine())
    await listeners.unix(str(path))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    await listeners.adopt(listener)
    for opening in (
        asyncio.open_unix_connection(str(path)),
        asyncio.open_connection("127.0.0.1", port),
    ):
        reader, writer = await opening
        writer.write(b"GET /yes HTTP/1.1\r\nHost: d\r\n\r\n")
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"/yes")).startswith(b"HTTP/1.1 200 OK")
        writer.close()
    await listeners.close()
    assert list(tmp_path.iterdir()) == []
