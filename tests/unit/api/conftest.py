"""The API on a unix socket, over an engine that is not there."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wherry.api.server import Server

Answer = tuple[int, dict[str, str], bytes]
Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
def services() -> SimpleNamespace:
    """Each group is empty; a test sets the verbs that it needs."""
    names = ("builds", "containers", "exec", "images", "networks", "volumes", "system")
    return SimpleNamespace(**{name: SimpleNamespace() for name in names})


@pytest.fixture
async def ask(services: Any, tmp_path: Path) -> AsyncIterator[Ask]:
    """Return a function that sends one request and returns status, headers and body."""
    server = Server(services)
    path = str(tmp_path / "api.sock")
    await server.serve_unix(path)

    def send(method: str, target: str, body: object = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("engine", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(path)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, target, data, headers)
        response = connection.getresponse()
        answer = response.status, dict(response.getheaders()), response.read()
        connection.close()
        return answer

    async def asked(method: str, target: str, body: object = None, **headers: str) -> Answer:
        return await asyncio.to_thread(send, method, target, body, **headers)

    yield asked
    await server.close()
