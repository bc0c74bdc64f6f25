"""GET on an engine's unix socket: a process of the client for each question would cost more."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import quote

SECONDS = 100


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get_image(host: str, name: str, what: str) -> bytes:
    """Return what an engine tells of an image: `json` or `get`. Fails with its words."""
    connection = _Connection(host.removeprefix("unix://"))
    try:
        connection.request("GET", f"/images/{quote(name)}/{what}")
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise AssertionError(f"{what} of {name}: {response.status} {body.decode()}")
    return body
