"""HTTP/1.1 as a client of the Engine API needs it, over one kept-alive socket.

`http.client` costs 30 ms to import, more than everything else that `wherry ps` does; these are the
parts of it that are used: a request with a whole or a chunked body, a reply with a length, with
chunks or up to the end, and a connection that becomes a raw stream. Not safe for several threads.

A kept socket is looked at before it is used again, so no request is ever sent twice. Whatever a
reply holds that is not HTTP raises BrokenReplyError; heads and chunk sizes are bounded, bodies are
streamed. After a failure the connection is of no more use and must be closed.
"""

from __future__ import annotations

import socket as sockets
from collections.abc import Iterable, Iterator, Mapping

from wherry.client.address import Address
from wherry.client.errors import BrokenReplyError

RECEIVE = 65536
LONGEST_HEAD = 1 << 20
LONGEST_LINE = 1 << 24
BODILESS = (204, 304)
UPGRADED = 101


class Connection:
    """A connection that is opened when it is needed and kept for the next request."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._socket: sockets.socket | None = None
        self._received = bytearray()

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None = None,
    ) -> Response:
        """Send a request and return the reply, of which the head has been read."""
        if self._stale():
            self.close()
        if self._socket is None:
            self._socket = self.address.connect()
        try:
            self._send(self._socket, method, target, headers, body)
            return self._reply(method)
        except BrokenReplyError:
            self.close()
            raise

    @property
    def socket(self) -> sockets.socket | None:
        """The open socket, for those who wait on several things."""
        return self._socket

    @property
    def buffered(self) -> bool:
        """Whether received bytes wait to be taken."""
        return bool(self._received)

    def _stale(self) -> bool:
        """Whether the engine has closed a kept connection, or sent what nobody asked for."""
        if self._socket is None:
            return False
        if self._received:
            return True
        try:
            self._socket.recv(1, sockets.MSG_PEEK | sockets.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _send(
        self,
        connected: sockets.socket,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None,
    ) -> None:
        head = [f"{method} {target} HTTP/1.1", "Host: wherry", "User-Agent: wherry-client"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        whole = body is None or isinstance(body, bytes)
        data = body if isinstance(body, bytes) else b""
        if not whole:
            head.append("Transfer-Encoding: chunked")
        elif body is not None or method == "POST":
            head.append(f"Content-Length: {len(data)}")
        raw = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1", "replace")
        try:
            connected.sendall(raw + data)
            if body is not None and not isinstance(body, bytes):
                self._send_chunks(connected, body)
        except (BrokenPipeError, ConnectionResetError):
            return  # the engine has refused the rest; its reply says why

    @staticmethod
    def _send_chunks(connected: sockets.socket, body: Iterable[bytes]) -> None:
        for piece in body:
            if piece:
                connected.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        connected.sendall(b"0\r\n\r\n")

    def _reply(self, method: str) -> Response:
        status, headers = self._read_head()
        while 100 <= status < 200 and status != UPGRADED:
            status, headers = self._read_head()
        return Response(self, status, headers, empty=method == "HEAD" or status in BODILESS)

    def _read_head(self) -> tuple[int, dict[str, str]]:
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            if len(self._received) > LONGEST_HEAD:
                raise BrokenReplyError(f"{self.address.text} sent a head without an end")
            if not self.fill():
                raise self._ended()
        first, _, rest = bytes(self._received[:end]).decode("latin-1").partition("\r\n")
        del self._received[: end + 4]
        version, _, words = first.partition(" ")
        status = words[:3]
        if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdecimal()):
            raise BrokenReplyError(f"{self.address.text} does not speak HTTP: {first[:80]!r}")
        headers = {}
        for line in rest.split("\r\n"):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(status), headers

    def fill(self) -> bool:
        """Receive some bytes; False at the end of the stream."""
        if self._socket is None:
            return False
        try:
            data = self._socket.recv(RECEIVE)
        except ConnectionError:
            return False
        self._received += data
        return bool(data)

    def take(self, limit: int) -> bytes:
        """Return up to `limit` bytes that are here or arrive next; empty at the end."""
        if not self._received and not self.fill():
            return b""
        data = bytes(self._received[:limit])
        del self._received[:limit]
        return data

    def line(self) -> bytes:
        """Return the next line without its end."""
        while (end := self._received.find(b"\r\n")) < 0:
            if len(self._received) > LONGEST_HEAD:
                raise BrokenReplyError(f"{self.address.text} sent a line without an end")
            if not self.fill():
                raise self._ended()
        data = bytes(self._received[:end])
        del self._received[: end + 2]
        return data

    def detach(self) -> tuple[sockets.socket, bytes]:
        """Give up the socket for a raw stream, with the bytes that came early."""
        connected, early = self._socket, bytes(self._received)
        if connected is None:
            raise self._ended()
        self._socket = None
        self._received.clear()
        return connected, early

    def close(self) -> None:
        """Close; the next request connects again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._received.clear()

    def _ended(self) -> BrokenReplyError:
        trouble = self.address.trouble()
        reason = f": {trouble}" if trouble else ""
        return BrokenReplyError(f"the engine at {self.address.text} ended the connection{reason}")


class Response:
    """A reply whose body is read on demand; `headers` have lower-case names."""

    def __init__(
        self, connection: Connection, status: int, headers: dict[str, str], *, empty: bool
    ) -> None:
        self.connection = connection
        self.status = status
        self.headers = headers
        self._empty = empty

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; a body that is not read to its end costs the connection."""
        if self._empty:
            return
        whole = False
        try:
            if "chunked" in self.headers.get("transfer-encoding", "").lower():
                yield from self._chunked()
            elif "content-length" in self.headers:
                yield from self._counted(_number(self.headers["content-length"], 10))
            else:
                while data := self.connection.take(RECEIVE):
                    yield data
                return
            whole = self.headers.get("connection", "").lower() != "close"
        finally:
            if not whole:
                self.connection.close()

    def _chunked(self) -> Iterator[bytes]:
        while size := _number(self.connection.line().split(b";")[0].strip().decode("latin-1"), 16):
            yield from self._counted(size)
            if self.connection.line():
                raise BrokenReplyError("the engine sent a chunk of another length than it said")
        while self.connection.line():
            pass  # trailers

    def _counted(self, size: int) -> Iterator[bytes]:
        while size:
            data = self.connection.take(min(size, RECEIVE))
            if not data:
                raise BrokenReplyError("the engine ended the reply before it was complete")
            size -= len(data)
            yield data

    def lines(self) -> Iterator[bytes]:
        """Yield the body line by line, each as soon as it is whole."""
        rest = b""
        for data in self.chunks():
            *whole, rest = (rest + data).split(b"\n")
            if len(rest) > LONGEST_LINE:
                raise BrokenReplyError("the engine sent a line without an end")
            yield from (line for line in whole if line.strip())
        if rest.strip():
            yield rest


def _number(text: str, base: int) -> int:
    """Read a length; Python's int() would also take signs, spaces and underscores."""
    digits = "0123456789abcdefABCDEF"[: 10 if base == 10 else 22]
    if not text or len(text) > 16 or text.strip(digits):
        raise BrokenReplyError(f"the engine sent a length that is none: {text[:40]!r}")
    return int(text, base)
