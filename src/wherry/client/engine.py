"""The Engine API as calls: JSON in, JSON out, streams, and connections taken over.

The API version is agreed once per process by `/_ping`, as Docker's clients do: the lower of what
both know.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator, Mapping

from wherry.client import address
from wherry.client.errors import ApiError, BrokenReplyError
from wherry.client.http import Connection, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.client.identity import Identity

API_VERSION = "1.51"
OLDEST_VERSION = "1.24"

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_OF_PATHS = _UNRESERVED | frozenset(b"/:@+,;=")

Query = Mapping[str, "str | int | bool | Mapping[str, list[str]] | list[str] | None"]


class EngineClient:
    """Calls to one engine over one connection; hijacked streams get connections of their own."""

    def __init__(self, host: str, identity: Identity | None = None) -> None:
        self.host = host
        self._address = address.parse(host, identity)
        self._connection = Connection(self._address)
        self._version = ""
        self.server_headers: dict[str, str] = {}

    @property
    def version(self) -> str:
        """The API version that both sides know."""
        if not self._version:
            reply = self._connection.request("HEAD", "/_ping", {})
            reply.read()
            self.server_headers = reply.headers
            offered = reply.headers.get("api-version", OLDEST_VERSION)
            self._version = min(
                API_VERSION, offered if _number(offered) else OLDEST_VERSION, key=_number
            )
        return self._version

    def get(
        self,
        path: str,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """GET and return the decoded JSON."""
        return self._decode(self.open("GET", path, query, headers=headers))

    def post(
        self,
        path: str,
        query: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """POST `body` as JSON and return the decoded JSON, None for an empty reply."""
        return self._decode(self.open("POST", path, query, body=body, headers=headers))

    def delete(self, path: str, query: Query | None = None) -> Any:
        """DELETE and return the decoded JSON, None for an empty reply."""
        return self._decode(self.open("DELETE", path, query))

    def open(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        body: object = None,
        data: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        connection: Connection | None = None,
    ) -> Response:
        """Send a request and return the reply for streaming; raises ApiError from 400 on."""
        sent = dict(headers or {})
        if body is not None:
            data = encode(body)
            sent.setdefault("Content-Type", "application/json")
        target = f"/v{self.version}{quote(path, _OF_PATHS)}{encode_query(query)}"
        used = connection or self._connection
        reply = used.request(method, target, sent, data)
        if reply.status >= 400:
            raise ApiError(reply.status, error_message(reply.status, reply.read()))
        return reply

    def open_apart(self, method: str, path: str, query: Query | None = None) -> Response:
        """Like `open`, on a connection of its own: for replies that come while others are made."""
        return self.open(method, path, query, connection=Connection(self._address))

    def events(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        body: object = None,
        data: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Send a request and yield the JSON objects of its reply as they arrive."""
        reply = self.open(method, path, query, body=body, data=data, headers=headers)
        for line in reply.lines():
            message = decode(line)
            if not isinstance(message, dict):
                raise BrokenReplyError(f"the engine sent what is no message: {line[:80]!r}")
            yield message

    def hijack(self, path: str, query: Query | None = None, body: object = None) -> Hijacked:
        """POST and take over the connection as a raw stream in both directions."""
        connection = Connection(self._address)
        reply = self.open(
            "POST",
            path,
            query,
            body=body,
            headers={"Connection": "Upgrade", "Upgrade": "tcp"},
            connection=connection,
        )
        if reply.status not in (101, 200):
            raise BrokenReplyError(f"unable to upgrade to tcp, received {reply.status}")
        connected, early = connection.detach()
        return Hijacked(connected, early)

    def close(self) -> None:
        """Close the kept connection."""
        self._connection.close()

    @staticmethod
    def _decode(reply: Response) -> Any:
        data = reply.read()
        return decode(data) if data.strip() else None


class Hijacked:
    """A raw stream; `early` holds the bytes that arrived with the reply's head."""

    def __init__(self, connected: socket.socket, early: bytes) -> None:
        self.socket = connected
        self.early = early

    def receive(self, limit: int = 65536) -> bytes:
        """Return the next bytes; empty at the end."""
        if self.early:
            data, self.early = self.early, b""
            return data
        try:
            return self.socket.recv(limit)
        except ConnectionError:
            return b""

    def close_write(self) -> None:
        """Say that no more input comes; output goes on."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other side was faster

    def close(self) -> None:
        """Close both directions."""
        self.socket.close()


def encode(body: object) -> bytes:
    """Write JSON; bytes that are no UTF-8 (in arguments) become U+FFFD, as with Go's clients."""
    text = json.dumps(body, ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()


def decode(data: bytes) -> Any:
    """Read JSON; raises BrokenReplyError for what is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenReplyError(f"the engine sent what is not JSON: {data[:80]!r}") from error


def encode_query(query: Query | None) -> str:
    """Encode a query; None and False are left out, mappings become JSON, lists repeat the name."""
    parts = []
    for name, value in (query or {}).items():
        if value is None or value is False or value == {}:
            continue
        if isinstance(value, list):
            parts += [f"{name}={quote(item)}" for item in value]
        elif value is True:
            parts.append(f"{name}=1")
        else:
            text = str(value) if isinstance(value, str | int) else json.dumps(value)
            parts.append(f"{name}={quote(text)}")
    return "?" + "&".join(parts) if parts else ""


def quote(text: str, safe: frozenset[int] = _UNRESERVED) -> str:
    """Percent-encode for a query (urllib.parse costs 2 ms of every start)."""
    data = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in data)


def error_message(status: int, body: bytes) -> str:
    """Return the engine's sentence out of an error reply."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        message = body.decode("utf-8", "replace").strip()
    return str(message) or f"request returned status {status} without a message"


def _number(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(map(str.isdecimal, parts)) else ()
