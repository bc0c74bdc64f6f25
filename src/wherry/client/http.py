"""HTTP/1.1 as a client of the Engine API needs it, over one kept-alive socket.

`http.client` costs 30 ms to import, more than everything else that `wherry ps` does; these are the
parts of it that are used: a request with a whole or a chunked body, a reply with a length, with
chunks or up to the end, and a connection that becomes a raw stream. Not safe for several threads.
After any failure the connection is closed; the next request opens a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from socket import socket as Socket

from wherry.client.address import Address
from wherry.client.errors import BrokenReplyError

RECEIVE = 65536
LONGEST_HEAD = 1 << 20
BODILESS = (204, 304)


class Connection:
    """A connection that is opened when it is needed and kept for the next request."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._socket: Socket | None = None
        self._received = bytearray()

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None = None,
    ) -> Response:
        """Send a request and return the reply, of which the head has been read."""
        reused = self._socket is not None
        try:
            return self._exchange(method, target, headers, body)
        except (BrokenReplyError, ConnectionError):
            self.close()
            # A kept connection may have been closed in between; a body that was consumed is gone.
            if not reused or not (body is None or isinstance(body, bytes)):
                raise
        return self._exchange(method, target, headers, body)

    @property
    def socket(self) -> Socket | None:
        """The open socket, for those who wait on several things."""
        return self._socket

    @property
    def buffered(self) -> bool:
        """Whether received bytes wait to be taken."""
        return bool(self._received)

    def _exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None,
    ) -> Response:
        if self._socket is None:
            self._socket = self.address.connect()
        whole = body is None or isinstance(body, bytes)
        head = [f"{method} {target} HTTP/1.1", "Host: wherry", "User-Agent: wherry-client"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        if not whole:
            head.append("Transfer-Encoding: chunked")
        elif body is not None or method == "POST":
            head.append(f"Content-Length: {len(body or b'')}")  # type: ignore[arg-type]
        raw = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1", "replace")
        if body is None or isinstance(body, bytes):
            self._socket.sendall(raw + (body or b""))
        else:
            self._socket.sendall(raw)
            self._send_chunks(self._socket, body)
        return self._reply(method)

    def _send_chunks(self, connected: Socket, body: Iterable[bytes]) -> None:
        try:
            for piece in body:
                if piece:
                    connected.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            connected.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            return  # the engine has refused the rest; its reply says why

    def _reply(self, method: str) -> Response:
        head = self._read_head()
        while head.startswith("HTTP/1.1 100"):
            head = self._read_head()
        first, _, rest = head.partition("\r\n")
        words = first.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
            raise BrokenReplyError(f"{self.address.text} does not speak HTTP: {first[:80]!r}")
        headers: dict[str, str] = {}
        for line in rest.split("\r\n"):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        status = int(words[1])
        empty = method == "HEAD" or status in BODILESS
        return Response(self, status, headers, empty=empty)

    def _read_head(self) -> str:
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            if len(self._received) > LONGEST_HEAD or not self.fill():
                raise BrokenReplyError(f"{self.address.text} ended the connection unexpectedly")
        head = bytes(self._received[:end]).decode("latin-1")
        del self._received[: end + 4]
        return head

    def fill(self) -> bool:
        """Receive some bytes; False at the end of the stream."""
        if self._socket is None:
            return False
        data = self._socket.recv(RECEIVE)
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
            if not self.fill():
                raise BrokenReplyError(f"{self.address.text} ended the connection unexpectedly")
        data = bytes(self._received[:end])
        del self._received[: end + 2]
        return data

    def detach(self) -> tuple[Socket, bytes]:
        """Give up the socket for a raw stream, with the bytes that came early."""
        connected, early = self._socket, bytes(self._received)
        if connected is None:
            raise BrokenReplyError(f"{self.address.text} ended the connection unexpectedly")
        self._socket = None
        self._received.clear()
        return connected, early

    def close(self) -> None:
        """Close; the next request connects again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._received.clear()


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
        """Yield the body as it arrives; the connection stays usable only if all is consumed."""
        if self._empty:
            return
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            yield from self._chunked()
        elif "content-length" in self.headers:
            yield from self._counted(int(self.headers["content-length"]))
        else:
            while data := self.connection.take(RECEIVE):
                yield data
            self.connection.close()
        if self.headers.get("connection", "").lower() == "close":
            self.connection.close()

    def _chunked(self) -> Iterator[bytes]:
        while size := int(self.connection.line().split(b";")[0], 16):
            yield from self._counted(size)
            self.connection.line()
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
            yield from (line for line in whole if line.strip())
        if rest.strip():
            yield rest
